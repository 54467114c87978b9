/* SPDX-License-Identifier: Apache-2.0 */
#include "event/protojson.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>
#include <cmocka.h>

#include "google/protobuf/any.pb-c.h"
#include "google/protobuf/duration.pb-c.h"
#include "google/protobuf/field_mask.pb-c.h"
#include "tetragon/events.pb-c.h"
#include "tetragon/sensors.pb-c.h"

static char json[65536];

static const char *written(const void *message)
{
	struct buf out = buf_over(json, sizeof json);

	assert_int_equal(protojson_write(&out, message), 0);
	return json;
}

static void defaults_are_left_out_and_set_messages_stay(void **state)
{
	Tetragon__Process process = TETRAGON__PROCESS__INIT;
	Tetragon__Pod pod = TETRAGON__POD__INIT;
	Google__Protobuf__UInt32Value zero = GOOGLE__PROTOBUF__UINT32_VALUE__INIT;
	Google__Protobuf__BoolValue no = GOOGLE__PROTOBUF__BOOL_VALUE__INIT;

	assert_string_equal(written(&process), "{}");
	process.pid = &zero;
	process.in_init_tree = &no;
	process.pod = &pod;
	process.binary = (char *)"/a<b>&\"\n";
	assert_string_equal(written(&process),
			    "{\"pid\":0,\"binary\":\"/a<b>&\\\"\\n\",\"pod\":{},\"in_init_tree\":false}");
	(void)state;
}

static void arguments_come_before_their_label(void **state)
{
	Tetragon__KprobeArgument arg = TETRAGON__KPROBE_ARGUMENT__INIT;
	Tetragon__SyscallId id = TETRAGON__SYSCALL_ID__INIT;
	Tetragon__KprobeTruncatedBytes bytes = TETRAGON__KPROBE_TRUNCATED_BYTES__INIT;

	arg.label = (char *)"path";
	assert_string_equal(written(&arg), "{\"label\":\"path\"}");
	arg.arg_case = TETRAGON__KPROBE_ARGUMENT__ARG_STRING_ARG;
	arg.string_arg = (char *)"";
	assert_string_equal(written(&arg), "{\"string_arg\":\"\",\"label\":\"path\"}");
	arg.arg_case = TETRAGON__KPROBE_ARGUMENT__ARG_SYSCALL_ID;
	arg.syscall_id = &id;
	assert_string_equal(written(&arg), "{\"syscall_id\":{},\"label\":\"path\"}");
	arg.label = (char *)"";
	arg.arg_case = TETRAGON__KPROBE_ARGUMENT__ARG_INT_ARG;
	arg.int_arg = -2;
	assert_string_equal(written(&arg), "{\"int_arg\":-2}");
	arg.int_arg = 0;
	assert_string_equal(written(&arg), "{\"int_arg\":0}");
	arg.arg_case = TETRAGON__KPROBE_ARGUMENT__ARG_LONG_ARG;
	arg.long_arg = INT64_MIN;
	assert_string_equal(written(&arg), "{\"long_arg\":\"-9223372036854775808\"}");
	arg.arg_case = TETRAGON__KPROBE_ARGUMENT__ARG_SIZE_ARG;
	arg.size_arg = UINT64_MAX;
	assert_string_equal(written(&arg), "{\"size_arg\":\"18446744073709551615\"}");
	arg.arg_case = TETRAGON__KPROBE_ARGUMENT__ARG_UINT_ARG;
	arg.uint_arg = UINT32_MAX;
	assert_string_equal(written(&arg), "{\"uint_arg\":4294967295}");
	arg.arg_case = TETRAGON__KPROBE_ARGUMENT__ARG_BPF_CMD_ARG;
	arg.bpf_cmd_arg = TETRAGON__BPF_CMD__BPF_PROG_LOAD;
	assert_string_equal(written(&arg), "{\"bpf_cmd_arg\":\"BPF_PROG_LOAD\"}");
	arg.bpf_cmd_arg = (Tetragon__BpfCmd)4711;
	assert_string_equal(written(&arg), "{\"bpf_cmd_arg\":4711}");
	arg.arg_case = TETRAGON__KPROBE_ARGUMENT__ARG_BYTES_ARG;
	arg.bytes_arg = (ProtobufCBinaryData){ 0, NULL };
	assert_string_equal(written(&arg), "{\"bytes_arg\":\"\"}");
	arg.arg_case = TETRAGON__KPROBE_ARGUMENT__ARG_TRUNCATED_BYTES_ARG;
	arg.truncated_bytes_arg = &bytes;
	bytes.bytes_arg = (ProtobufCBinaryData){ 4, (uint8_t *)"hell" };
	bytes.orig_size = 8192;
	assert_string_equal(written(&arg),
			    "{\"truncated_bytes_arg\":{\"bytes_arg\":\"aGVsbA==\",\"orig_size\":\"8192\"}}");
	(void)state;
}

static void capital_names_stay(void **state)
{
	Tetragon__KprobeError error = TETRAGON__KPROBE_ERROR__INIT;
	Tetragon__KprobeBpfAttr attr = TETRAGON__KPROBE_BPF_ATTR__INIT;

	error.message = (char *)"Bad address";
	assert_string_equal(written(&error), "{\"Message\":\"Bad address\"}");
	attr.progtype = (char *)"BPF_PROG_TYPE_KPROBE";
	attr.insncnt = 12;
	assert_string_equal(written(&attr), "{\"ProgType\":\"BPF_PROG_TYPE_KPROBE\",\"InsnCnt\":12}");
	(void)state;
}

static void the_event_comes_before_the_envelope(void **state)
{
	Tetragon__GetEventsResponse event = TETRAGON__GET_EVENTS_RESPONSE__INIT;
	Tetragon__RateLimitInfo info = TETRAGON__RATE_LIMIT_INFO__INIT;
	Google__Protobuf__Timestamp time = GOOGLE__PROTOBUF__TIMESTAMP__INIT;
	static const struct {
		int64_t seconds;
		int32_t nanos;
		const char *want;
	} cases[] = {
		{ 1772600767, 123456789, "2026-03-04T05:06:07.123456789Z" },
		{ 1772600769, 500000000, "2026-03-04T05:06:09.500Z" },
		{ 1772600768, 1000, "2026-03-04T05:06:08.000001Z" },
		{ 0, 0, "1970-01-01T00:00:00Z" },
	};

	event.node_name = (char *)"node-a";
	event.event_case = TETRAGON__GET_EVENTS_RESPONSE__EVENT_RATE_LIMIT_INFO; /* the highest number of all */
	event.rate_limit_info = &info;
	info.number_of_dropped_process_events = 12;
	event.time = &time;
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		char want[256];
		struct buf out = buf_over(want, sizeof want);

		time.seconds = cases[i].seconds;
		time.nanos = cases[i].nanos;
		buf_printf(
			&out,
			"{\"rate_limit_info\":{\"number_of_dropped_process_events\":\"12\"},\"node_name\":\"node-a\","
			"\"time\":\"%s\"}",
			cases[i].want);
		assert_string_equal(written(&event), want);
	}
	(void)state;
}

static void maps_are_objects_with_sorted_keys(void **state)
{
	Tetragon__Pod__PodLabelsEntry one = TETRAGON__POD__POD_LABELS_ENTRY__INIT, two = one;
	Tetragon__Pod__PodLabelsEntry *entries[] = { &two, &one };
	Tetragon__Pod pod = TETRAGON__POD__INIT;
	Tetragon__ProcessInternal__RefcntOpsEntry op = TETRAGON__PROCESS_INTERNAL__REFCNT_OPS_ENTRY__INIT,
						  *ops[] = { &op };
	Tetragon__ProcessInternal process = TETRAGON__PROCESS_INTERNAL__INIT;

	one.key = (char *)"app";
	one.value = (char *)"";
	two.key = (char *)"tier";
	two.value = (char *)"1";
	pod.pod_labels = entries;
	pod.n_pod_labels = 2;
	assert_string_equal(written(&pod), "{\"pod_labels\":{\"app\":\"\",\"tier\":\"1\"}}");
	op.key = (char *)"parent++";
	op.value = 3;
	process.refcnt_ops = ops;
	process.n_refcnt_ops = 1;
	assert_string_equal(written(&process), "{\"refcnt_ops\":{\"parent++\":3}}");
	(void)state;
}

static void lists_and_optional_fields(void **state)
{
	Tetragon__KprobeCred cred = TETRAGON__KPROBE_CRED__INIT;
	Tetragon__CapabilitiesType caps[] = { TETRAGON__CAPABILITIES_TYPE__CAP_CHOWN,
					      TETRAGON__CAPABILITIES_TYPE__DAC_OVERRIDE };
	Tetragon__ConfigureTracingPolicyRequest request = TETRAGON__CONFIGURE_TRACING_POLICY_REQUEST__INIT;
	Tetragon__Filter filter = TETRAGON__FILTER__INIT;
	uint32_t pids[] = { 1, 0 };
	char *names[] = { (char *)"a", (char *)"" };

	cred.permitted = caps;
	cred.n_permitted = 2;
	assert_string_equal(written(&cred), "{\"permitted\":[\"CAP_CHOWN\",\"DAC_OVERRIDE\"]}");
	request.enable_given_case = TETRAGON__CONFIGURE_TRACING_POLICY_REQUEST__ENABLE_GIVEN_ENABLE;
	assert_string_equal(written(&request), "{\"enable\":false}");
	filter.pid = pids;
	filter.n_pid = 2;
	filter.policy_names = names;
	filter.n_policy_names = 2;
	assert_string_equal(written(&filter), "{\"pid\":[1,0],\"policy_names\":[\"a\",\"\"]}");
	(void)state;
}

static void well_known_types(void **state)
{
	Google__Protobuf__Duration duration = GOOGLE__PROTOBUF__DURATION__INIT;
	Google__Protobuf__FieldMask mask = GOOGLE__PROTOBUF__FIELD_MASK__INIT;
	Google__Protobuf__Any any = GOOGLE__PROTOBUF__ANY__INIT;
	char *paths[] = { (char *)"process.pod", (char *)"parent.exec_id" };

	duration.seconds = 15;
	assert_string_equal(written(&duration), "\"15s\"");
	duration.seconds = 0;
	duration.nanos = -500000000;
	assert_string_equal(written(&duration), "\"-0.500s\"");
	mask.paths = paths;
	mask.n_paths = 2;
	assert_string_equal(written(&mask), "\"process.pod,parent.execId\"");
	any.type_url = (char *)"type.googleapis.com/google.protobuf.StringValue";
	any.value = (ProtobufCBinaryData){ 4, (uint8_t *)"\x0a\x02hi" };
	assert_string_equal(written(&any),
			    "{\"@type\":\"type.googleapis.com/google.protobuf.StringValue\",\"value\":\"hi\"}");
	any.type_url = (char *)"type.googleapis.com/google.protobuf.BoolValue";
	any.value.len = 0;
	assert_string_equal(written(&any),
			    "{\"@type\":\"type.googleapis.com/google.protobuf.BoolValue\",\"value\":false}");
	(void)state;
}

static void what_cannot_be_written_is_an_error(void **state)
{
	Google__Protobuf__Timestamp time = GOOGLE__PROTOBUF__TIMESTAMP__INIT;
	Google__Protobuf__Any any = GOOGLE__PROTOBUF__ANY__INIT;
	Tetragon__KprobeError error = TETRAGON__KPROBE_ERROR__INIT;
	char small[12];
	struct buf out = buf_over(json, sizeof json), tight = buf_over(small, sizeof small);

	time.seconds = INT64_MAX;
	assert_int_equal(protojson_write(&out, &time.base), -EINVAL);
	time.seconds = 0;
	time.nanos = -1;
	assert_int_equal(protojson_write(&out, &time.base), -EINVAL);
	any.type_url = (char *)"type.googleapis.com/tetragon.Nothing";
	assert_int_equal(protojson_write(&out, &any.base), -EINVAL);
	any.type_url = (char *)"google.protobuf.StringValue";
	assert_int_equal(protojson_write(&out, &any.base), -EINVAL);
	error.message = (char *)"too long for it";
	assert_int_equal(protojson_write(&tight, &error.base), -ENOBUFS);
	(void)state;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(defaults_are_left_out_and_set_messages_stay),
		cmocka_unit_test(arguments_come_before_their_label),
		cmocka_unit_test(capital_names_stay),
		cmocka_unit_test(the_event_comes_before_the_envelope),
		cmocka_unit_test(maps_are_objects_with_sorted_keys),
		cmocka_unit_test(lists_and_optional_fields),
		cmocka_unit_test(well_known_types),
		cmocka_unit_test(what_cannot_be_written_is_an_error),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
