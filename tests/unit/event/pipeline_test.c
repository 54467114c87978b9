/* SPDX-License-Identifier: Apache-2.0 */
/* Records in, messages out: with a real cache, registry and policy. */
#include "event/pipeline.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <cmocka.h>

#include "base/error.h"
#include "pod/registry.h"
#include "policy/policy.h"
#include "process/cache.h"

#define ID "5a1c0f3e9b7d24680ace13579bdf02468ace13579bdf02468ace13579bdf0246"
#define CONTAINER 77

static const char kprobe_yaml[] = "apiVersion: cilium.io/v1alpha1\n"
				  "kind: TracingPolicyNamespaced\n"
				  "metadata: {name: no-seek, namespace: shop}\n"
				  "spec:\n"
				  "  kprobes:\n"
				  "  - call: sys_lseek\n"
				  "    syscall: true\n"
				  "    message: seen a seek\n"
				  "    tags: [one.tag, two.tag]\n"
				  "    args:\n"
				  "    - {index: 0, type: int, label: fd}\n"
				  "    selectors:\n"
				  "    - matchArgs: [{index: 0, operator: Equal, values: [\"-1\"]}]\n"
				  "      matchActions: [{action: Sigkill}]\n";
static const char tracepoint_yaml[] = "apiVersion: cilium.io/v1alpha1\n"
				      "kind: TracingPolicy\n"
				      "metadata: {name: calls}\n"
				      "spec:\n"
				      "  tracepoints:\n"
				      "  - subsystem: raw_syscalls\n"
				      "    event: sys_enter\n"
				      "    args:\n"
				      "    - {index: 4, type: syscall64}\n";

struct fixture {
	struct pod_registry *registry;
	struct process_cache *cache;
	struct pipeline *pipeline;
	struct policy *policy[2]; /* slot 0, 1; generation 5 */
	struct event_sink sink;
	char line[65536]; /* the last event as JSON */
	size_t packed_len;
	unsigned events;
};

static const struct policy *policy_of(void *context, unsigned slot, uint32_t generation)
{
	struct fixture *f = context;

	return slot < 2 && generation == 5 ? f->policy[slot] : NULL;
}

static void remember(void *context, struct event *event)
{
	struct fixture *f = context;
	struct str line = event_json(event), packed = event_packed(event);
	Tetragon__GetEventsResponse *back;

	assert_true(line.len > 0);
	assert_int_equal(event_json(event).p == line.p, 1);
	(void)snprintf(f->line, sizeof f->line, "%.*s", (int)line.len, line.p);
	back = tetragon__get_events_response__unpack(NULL, packed.len, (const uint8_t *)packed.p);
	assert_non_null(back);
	assert_int_equal(back->event_case, event_message(event)->event_case);
	tetragon__get_events_response__free_unpacked(back, NULL);
	f->packed_len = packed.len;
	f->events++;
}

static int set_up(void **state)
{
	struct fixture *f = calloc(1, sizeof *f);
	struct pod_label label = { "app", "cart" };
	struct pod_container container = {
		.cgroup_id = CONTAINER,
		.container_id = ID,
		.runtime = "containerd",
		.name = "cart",
		.image = "shop/cart:1.4",
		.pod_namespace = "shop",
		.pod_name = "cart-0",
		.pod_uid = "0f0e0d0c-1111-4222-8333-444455556666",
		.cgroup_path = "/kubepods/pod1/cart",
		.label = &label,
		.labels = 1,
		.source = POD_FROM_HOOK,
	};
	struct pipeline_options options = { .node_name = "node-a", .context = f, .policy = policy_of };
	struct error err = { 0 };

	options.registry = f->registry = pod_registry_new(NULL);
	options.cache = f->cache = process_cache_new(NULL);
	f->pipeline = pipeline_new(&options);
	f->sink = (struct event_sink){ .send = remember, .context = f };
	pipeline_set_clock_offset(f->pipeline, INT64_C(1772600767000000000));
	pipeline_sink_add(f->pipeline, &f->sink);
	if (pod_registry_add(f->registry, &container, 0, &err) != 1 ||
	    policy_parse(kprobe_yaml, sizeof kprobe_yaml - 1, &f->policy[0], &err) < 0 ||
	    policy_parse(tracepoint_yaml, sizeof tracepoint_yaml - 1, &f->policy[1], &err) < 0) {
		(void)fprintf(stderr, "%s\n", err.text);
		return -1;
	}
	*state = f;
	return 0;
}

static int tear_down(void **state)
{
	struct fixture *f = *state;

	pipeline_free(f->pipeline);
	process_cache_free(f->cache);
	pod_registry_free(f->registry);
	policy_free(f->policy[0]);
	policy_free(f->policy[1]);
	free(f);
	return 0;
}

static void exec(struct fixture *f, uint32_t pid, uint32_t ppid, uint64_t ktime, uint64_t container, struct str path,
		 struct str argv)
{
	struct abi_exec record = { .h = { .type = ABI_REC_EXEC,
					  .size = sizeof record,
					  .pid = pid,
					  .tid = pid,
					  .ktime = ktime,
					  .container = container },
				   .creds = { .uid = 7, .euid = 0, .auid = UINT32_MAX },
				   .ppid = ppid,
				   .nspid = container ? 31 : pid };

	memcpy(record.text, path.p, path.len);
	memcpy(record.text + path.len, argv.p, argv.len);
	memcpy(record.text + path.len + argv.len, "srv", 4);
	record.path_len = (__u16)path.len;
	record.args_len = (__u16)argv.len;
	record.cwd_len = 4;
	assert_int_equal(pipeline_record(f->pipeline, &record.h, sizeof record), 0);
}

#define POD                                                                                                       \
	"\"pod\":{\"namespace\":\"shop\",\"name\":\"cart-0\",\"uid\":\"0f0e0d0c-1111-4222-8333-444455556666\","   \
	"\"container\":{\"id\":\"containerd://" ID "\",\"name\":\"cart\",\"image\":{\"name\":\"shop/cart:1.4\"}," \
	"\"pid\":31},\"pod_labels\":{\"app\":\"cart\"}},\"docker\":\"5a1c0f3e9b7d24680ace13579bdf024\""
/* node-a:123456789:40123, node-a:0:40101 */
#define PROCESS                                                                                                   \
	"\"process\":{\"exec_id\":\"bm9kZS1hOjEyMzQ1Njc4OTo0MDEyMw==\",\"pid\":40123,\"uid\":0,\"cwd\":\"/srv\"," \
	"\"binary\":\"/usr/bin/curl\",\"arguments\":\"-s http://x.test \\\"a b\\\"\",\"flags\":\"execve miss\","  \
	"\"start_time\":\"2026-03-04T05:06:07.123456789Z\",\"auid\":4294967295," POD                              \
	",\"parent_exec_id\":\"bm9kZS1hOjA6NDAxMDE=\""
#define PARENT "\"parent\":{\"exec_id\":\"bm9kZS1hOjA6NDAxMDE=\",\"pid\":40101,\"flags\":\"unknown\"}"

static void curl(struct fixture *f)
{
	exec(f, 40123, 40101, 123456789, CONTAINER, STR("/usr/bin/curl\0"), STR("curl\0-s\0http://x.test\0a b\0"));
}

static void exec_tells_process_parent_and_pod(void **state)
{
	struct fixture *f = *state;

	curl(f);
	assert_string_equal(f->line, "{\"process_exec\":{" PROCESS ",\"tid\":40123,\"in_init_tree\":false}," PARENT
				     "},\"node_name\":\"node-a\",\"time\":\"2026-03-04T05:06:07.123456789Z\"}");
}

static void exit_tells_how(void **state)
{
	static const struct {
		const char *why;
		uint32_t code;
		const char *want;
	} cases[] = {
		{ "well", 0, PARENT ",\"time\"" },
		{ "with a code", 3 << 8, PARENT ",\"status\":3,\"time\"" },
		{ "killed", 9, PARENT ",\"signal\":\"SIGKILL\",\"time\"" },
		{ "core dumped", 0x80 | 11, PARENT ",\"signal\":\"SIGSEGV\",\"time\"" },
		{ "real-time signal", 40, PARENT ",\"time\"" },
	};
	struct fixture *f = *state;

	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		struct abi_exit record = { .h = { .type = ABI_REC_EXIT,
						  .size = sizeof record,
						  .pid = 40123,
						  .tid = 40123,
						  .ktime = 2500000000 },
					   .code = cases[i].code };

		curl(f);
		assert_int_equal(pipeline_record(f->pipeline, &record.h, sizeof record), 0);
		if (!strstr(f->line, "{\"process_exit\":{" PROCESS) || !strstr(f->line, cases[i].want))
			fail_msg("%s: %s", cases[i].why, f->line);
		assert_non_null(strstr(f->line,
				       ",\"time\":\"2026-03-04T05:06:09.500Z\"},\"node_name\":\"node-a\",\"time\":"
				       "\"2026-03-04T05:06:09.500Z\"}"));
	}
}

static struct abi_hit hit_of(uint16_t policy)
{
	return (struct abi_hit){ .h = { .type = ABI_REC_HIT,
					.size = sizeof(struct abi_hit),
					.pid = 40123,
					.tid = 40130,
					.ktime = 1000001000,
					.container = CONTAINER },
				 .generation = 5,
				 .policy = policy,
				 .nr = 8,
				 .type = { ABI_T_S32 },
				 .value = { (uint64_t)-1 },
				 .actions = ABI_ACT_SIGKILL | ABI_ACT_POST };
}

static void a_kill_is_told(void **state)
{
	struct fixture *f = *state;
	struct abi_hit hit = hit_of(0);

	curl(f);
	assert_int_equal(pipeline_record(f->pipeline, &hit.h, sizeof hit), 0);
	assert_string_equal(f->line,
			    "{\"process_kprobe\":{" PROCESS
			    ",\"refcnt\":1,\"tid\":40130,\"in_init_tree\":false}," PARENT
			    ",\"function_name\":\"__x64_sys_lseek\",\"args\":[{\"int_arg\":-1,\"label\":\"fd\"}],"
			    "\"action\":\"KPROBE_ACTION_SIGKILL\",\"policy_name\":\"no-seek\",\"return_action\":"
			    "\"KPROBE_ACTION_POST\","
			    "\"message\":\"seen a seek\",\"tags\":[\"one.tag\",\"two.tag\"]},\"node_name\":\"node-a\","
			    "\"time\":\"2026-03-04T05:06:08.000001Z\"}");
	hit.arch = ABI_I386;
	hit.actions = ABI_ACT_POST;
	assert_int_equal(pipeline_record(f->pipeline, &hit.h, sizeof hit), 0);
	assert_non_null(strstr(f->line, "\"function_name\":\"__ia32_sys_lseek\""));
	assert_non_null(strstr(f->line, "\"action\":\"KPROBE_ACTION_POST\""));
	hit.arch = ABI_X32;
	assert_int_equal(pipeline_record(f->pipeline, &hit.h, sizeof hit), 0);
	assert_non_null(strstr(f->line, "\"function_name\":\"__x64_sys_lseek\""));
}

static void every_type_of_argument(void **state)
{
	static const struct {
		const char *why;
		uint8_t type, arch;
		uint64_t value;
		const char *text;
		const char *want;
	} cases[] = {
		{ "int", ABI_T_S32, ABI_X64, (uint64_t)-2, NULL, "{\"int_arg\":-2}" },
		{ "int 0", ABI_T_S32, ABI_X64, 0, NULL, "{\"int_arg\":0}" },
		{ "uint32", ABI_T_U32, ABI_X64, 4294967295, NULL, "{\"uint_arg\":4294967295}" },
		{ "int64", ABI_T_S64, ABI_X64, (uint64_t)-9, NULL, "{\"long_arg\":\"-9\"}" },
		{ "uint64", ABI_T_U64, ABI_X64, UINT64_MAX, NULL, "{\"size_arg\":\"18446744073709551615\"}" },
		{ "string", ABI_T_STRING, ABI_X64, 0, "/etc/shadow", "{\"string_arg\":\"/etc/shadow\"}" },
		{ "empty string", ABI_T_STRING, ABI_X64, 0, "", "{\"string_arg\":\"\"}" },
		{ "string that is no UTF-8", ABI_T_STRING, ABI_X64, 0, "a\xff\xfe\xc3(b\xc3\xa9",
		  "{\"string_arg\":\"a\xef\xbf\xbd(b\xc3\xa9\"}" },
		{ "unreadable string", ABI_T_STRING, ABI_X64, 0, NULL,
		  "{\"error_arg\":{\"Message\":\"Bad address for basic type\"}}" },
		{ "system call", ABI_T_SYSCALL, ABI_X64, 59, NULL, "{\"syscall_id\":{\"id\":59,\"abi\":\"x64\"}}" },
		{ "system call 0", ABI_T_SYSCALL, ABI_X64, 0, NULL, "{\"syscall_id\":{\"abi\":\"x64\"}}" },
		{ "32-bit system call", ABI_T_SYSCALL, ABI_I386, 0x8000000b, NULL,
		  "{\"syscall_id\":{\"id\":11,\"abi\":\"i386\"}}" },
		{ "x32 system call", ABI_T_SYSCALL, ABI_X32, 0x40000208, NULL,
		  "{\"syscall_id\":{\"id\":520,\"abi\":\"x32\"}}" },
	};
	struct fixture *f = *state;

	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		struct abi_hit hit = hit_of(1);
		char want[256];

		hit.type[0] = cases[i].type;
		hit.arch = cases[i].arch;
		hit.value[0] = cases[i].value;
		if (cases[i].text) {
			hit.str_len[0] = (__u16)strlen(cases[i].text);
			memcpy(hit.text, cases[i].text, hit.str_len[0]);
		} else if (cases[i].type == ABI_T_STRING) {
			hit.unreadable = 1;
		}
		(void)snprintf(
			want, sizeof want,
			"\"subsys\":\"raw_syscalls\",\"event\":\"sys_enter\",\"args\":[%s],\"policy_name\":\"calls\","
			"\"action\":\"KPROBE_ACTION_SIGKILL\"",
			cases[i].want);
		assert_int_equal(pipeline_record(f->pipeline, &hit.h, sizeof hit), 0);
		if (!strstr(f->line, want))
			fail_msg("%s: %s", cases[i].why, f->line);
	}
}

static void texts_follow_each_other(void **state)
{
	struct fixture *f = *state;
	struct abi_hit hit = hit_of(1);

	memset(hit.type, ABI_T_STRING, 3);
	hit.type[1] = ABI_T_U32;
	hit.str_len[0] = 2;
	hit.str_len[2] = 3;
	memcpy(hit.text, "abcde", 5);
	hit.h.size = offsetof(struct abi_hit, text) + 5;
	assert_int_equal(pipeline_record(f->pipeline, &hit.h, sizeof hit), 0);
	assert_non_null(strstr(f->line, "[{\"string_arg\":\"ab\"},{\"uint_arg\":0},{\"string_arg\":\"cde\"}]"));
}

static void a_process_that_is_not_known_is_a_stand_in(void **state)
{
	struct fixture *f = *state;
	struct abi_hit hit = hit_of(0);
	struct pipeline_stats stats;

	assert_int_equal(pipeline_record(f->pipeline, &hit.h, sizeof hit), 0);
	assert_non_null(strstr(
		f->line, "{\"process_kprobe\":{\"process\":{\"pid\":40123,\"flags\":\"unknown\",\"start_time\":"));
	assert_non_null(strstr(f->line, "\"namespace\":\"shop\""));
	assert_null(strstr(f->line, "\"parent\":"));
	pipeline_stats(f->pipeline, &stats);
	assert_int_equal(stats.process_unknown, 1);
}

static void a_policy_that_is_gone_is_unknown(void **state)
{
	struct fixture *f = *state;
	struct abi_hit late = hit_of(0), hook = hit_of(0);
	struct pipeline_stats stats;

	late.generation = 4;
	hook.hook = 9;
	assert_int_equal(pipeline_record(f->pipeline, &late.h, sizeof late), 0);
	assert_non_null(strstr(f->line,
			       "\"subsys\":\"UNKNOWN\",\"event\":\"UNKNOWN\",\"args\":[{\"int_arg\":-1}],\"action\":"));
	assert_int_equal(pipeline_record(f->pipeline, &hook.h, sizeof hook), 0);
	assert_non_null(strstr(f->line, "\"subsys\":\"UNKNOWN\""));
	pipeline_stats(f->pipeline, &stats);
	assert_int_equal(stats.policy_gone, 1);
}

static void a_removed_container_is_recalled(void **state)
{
	struct fixture *f = *state;
	struct abi_exit record = { .h = { .type = ABI_REC_EXIT, .size = sizeof record, .pid = 40123, .tid = 40123 } };

	curl(f);
	assert_int_equal(pod_registry_remove(f->registry, CONTAINER, 0), 0);
	assert_int_equal(pipeline_record(f->pipeline, &record.h, sizeof record), 0);
	assert_non_null(strstr(f->line, POD));
}

/* It moved to another cgroup; then its container's was removed, and time passed. */
static void a_process_that_left_keeps_its_pod(void **state)
{
	struct fixture *f = *state;
	struct abi_hit hit = hit_of(0);
	struct abi_exit end = { .h = { .type = ABI_REC_EXIT, .size = sizeof end, .pid = 40123, .tid = 40123 } };
	int64_t hour = INT64_C(3600000000000);

	curl(f);
	assert_int_equal(pod_registry_remove(f->registry, CONTAINER, 0), 0);
	assert_int_equal(pod_registry_expire(f->registry, hour), 0);
	assert_int_equal(pipeline_record(f->pipeline, &hit.h, sizeof hit), 0);
	assert_non_null(strstr(f->line, POD));
	assert_int_equal(pipeline_record(f->pipeline, &end.h, sizeof end), 0);
	assert_int_equal(pod_registry_expire(f->registry, 3 * hour), 1);
}

static void malformed_records_are_refused(void **state)
{
	struct fixture *f = *state;
	struct abi_exec exec_record = { .h = { .type = ABI_REC_EXEC, .size = sizeof exec_record, .pid = 1, .tid = 1 } };
	struct abi_hit hit = hit_of(0);
	struct pipeline_stats stats;

	assert_int_equal(pipeline_record(f->pipeline, &hit.h, 4), -EINVAL);
	assert_int_equal(pipeline_record(f->pipeline, &hit.h, sizeof hit - 1), -EINVAL);
	hit.str_len[0] = 1; /* of an integer */
	assert_int_equal(pipeline_record(f->pipeline, &hit.h, sizeof hit), -EINVAL);
	hit = hit_of(0);
	hit.type[0] = ABI_T_STRING;
	hit.str_len[0] = ABI_HIT_TEXT + 1;
	assert_int_equal(pipeline_record(f->pipeline, &hit.h, sizeof hit), -EINVAL);
	hit = hit_of(0);
	hit.type[2] = ABI_T_S32; /* a gap before it */
	assert_int_equal(pipeline_record(f->pipeline, &hit.h, sizeof hit), -EINVAL);
	hit = hit_of(ABI_POLICIES);
	assert_int_equal(pipeline_record(f->pipeline, &hit.h, sizeof hit), -EINVAL);
	hit = hit_of(0);
	hit.h.type = 99;
	assert_int_equal(pipeline_record(f->pipeline, &hit.h, sizeof hit), -EINVAL);
	exec_record.args_len = ABI_EXEC_ARGS_MAX + 1;
	assert_int_equal(pipeline_record(f->pipeline, &exec_record.h, sizeof exec_record), -EINVAL);
	exec_record.args_len = ABI_EXEC_ARGS_MAX;
	exec_record.cwd_len = ABI_EXEC_TEXT - ABI_EXEC_ARGS_MAX + 1;
	assert_int_equal(pipeline_record(f->pipeline, &exec_record.h, sizeof exec_record), -EINVAL);
	pipeline_stats(f->pipeline, &stats);
	assert_int_equal(stats.malformed, 9);
	assert_int_equal(f->events, 0);
}

/* The largest that a tenant can make of an event, in bytes that grow most when they are written as JSON, or repaired.
 */
static void the_largest_event_fits(void **state)
{
	struct fixture *f = *state;
	static char text[POD_IMAGE_MAX + 1], label_text[POD_LABEL_MAX + 1];
	static struct pod_label labels[POD_LABELS_MAX];
	struct pod_container container = { .cgroup_id = 5, .container_id = "c", .cgroup_path = "/p" };
	static struct abi_exec record;
	struct abi_hit hit = hit_of(0);
	struct pipeline_stats stats;
	struct error err = { 0 };

	pipeline_sink_remove(f->pipeline, &f->sink); /* its line is too short */
	for (int pass = 0; pass < 2; pass++) {
		char byte = pass ? '\xff' : '\x01';
		memset(text, byte, POD_IMAGE_MAX);
		memset(label_text, byte, POD_LABEL_MAX);
		for (size_t i = 0; i < POD_LABELS_MAX; i++)
			labels[i] = (struct pod_label){ label_text, label_text };
		for (size_t i = 1; pass && i < POD_IMAGE_MAX; i += 2)
			text[i] = 'a'; /* a run counts once */
		for (size_t i = 1; pass && i < POD_LABEL_MAX; i += 2)
			label_text[i] = 'a';
		container.cgroup_id = 5 + (uint64_t)pass;
		container.image = text;
		container.pod_namespace = container.pod_name = container.name = text + POD_IMAGE_MAX - POD_NAME_MAX;
		container.label = labels;
		container.labels = POD_LABELS_MAX;
		assert_int_equal(pod_registry_add(f->registry, &container, 0, &err), 1);
		record = (struct abi_exec){ .h = { .type = ABI_REC_EXEC, .size = sizeof record, .ktime = 1 },
					    .path_len = ABI_EXEC_PATH_MAX,
					    .args_len = 1024,
					    .cwd_len = ABI_EXEC_TEXT - ABI_EXEC_PATH_MAX - 1024 };
		memset(record.text, byte, sizeof record.text);
		for (size_t i = 1; pass && i < sizeof record.text; i += 2)
			record.text[i] = 'a';
		record.text[ABI_EXEC_PATH_MAX] = '\0'; /* argv[0] is empty: all the rest counts */
		record.h.pid = record.h.tid = record.ppid = 40123;
		record.h.container = container.cgroup_id;
		assert_int_equal(pipeline_record(f->pipeline, &record.h, sizeof record), 0);
		record.h.ktime = 2; /* again without fork: the parent is as large */
		assert_int_equal(pipeline_record(f->pipeline, &record.h, sizeof record), 0);
		hit.h.container = container.cgroup_id;
		memset(hit.type, ABI_T_STRING, sizeof hit.type);
		hit.str_len[0] = ABI_HIT_TEXT;
		memset(hit.text, byte, sizeof hit.text);
		for (size_t i = 1; pass && i < sizeof hit.text; i += 2)
			hit.text[i] = 'a';
		f->line[0] = '\0';
		f->events = 0;
		pipeline_sink_add(f->pipeline, &f->sink);
		assert_int_equal(pipeline_record(f->pipeline, &hit.h, sizeof hit), 0);
		pipeline_sink_remove(f->pipeline, &f->sink);
		assert_int_equal(f->events, 1);
	}
	pipeline_stats(f->pipeline, &stats);
	assert_int_equal(stats.build_failed, 0);
}

static void without_sinks_only_the_cache_is_kept(void **state)
{
	struct fixture *f = *state;
	struct pipeline_stats stats;

	pipeline_sink_remove(f->pipeline, &f->sink);
	pipeline_sink_remove(f->pipeline, &f->sink);
	curl(f);
	assert_int_equal(f->events, 0);
	assert_non_null(process_cache_get(f->cache, 40123));
	pipeline_stats(f->pipeline, &stats);
	assert_int_equal(stats.exec, 1);
	assert_int_equal(stats.sent, 0);
}

static void what_runs_already_is_told(void **state)
{
	struct fixture *f = *state;
	struct pipeline_scan_options options = { .procfs = "/proc", .clock_ticks = sysconf(_SC_CLK_TCK) };
	struct error err = { 0 };
	int n = pipeline_scan(f->pipeline, &options, &err);

	assert_true(n > 0);
	assert_true(f->events > 0 && f->events <= (unsigned)n);
	assert_non_null(strstr(f->line, "\"flags\":\"procFS"));
	assert_non_null(process_cache_get(f->cache, (uint32_t)getpid()));
	options.procfs = "/nonexistent";
	assert_int_equal(pipeline_scan(f->pipeline, &options, &err), -ENOENT);
}

/* A process whose exec was told when nobody knew of its container yet. */
static void what_turns_out_to_be_in_a_container_is_told_again(void **state)
{
	struct fixture *f = *state;
	char procfs[] = "/tmp/pipeline_test.XXXXXX", path[64];
	const uint32_t pid = 40123;
	struct pipeline_scan_options options = { .procfs = procfs, .clock_ticks = 100, .pid = &pid, .pids = 1 };
	static const struct {
		const char *name, *text;
	} files[] = {
		{ "stat", "40123 (curl) S 1 1 1 0 -1 0 1 2 3 4 5 6 7 8 20 0 1 0 12 1000 1 1 1" },
		{ "cgroup", "0::/kubepods/pod1/cart/below\n" },
	};

	exec(f, pid, 40101, 123456789, 0, STR("/usr/bin/curl\0"), STR("curl\0"));
	assert_null(strstr(f->line, "cart-0"));
	assert_non_null(mkdtemp(procfs));
	(void)snprintf(path, sizeof path, "%s/40123", procfs);
	assert_int_equal(mkdir(path, 0700), 0);
	for (size_t i = 0; i < 2; i++) {
		FILE *file;

		(void)snprintf(path, sizeof path, "%s/40123/%s", procfs, files[i].name);
		file = fopen(path, "we");
		assert_true(file && fputs(files[i].text, file) >= 0 && fclose(file) == 0);
	}
	assert_int_equal(pipeline_scan(f->pipeline, &options, NULL), 1);
	assert_int_equal(f->events, 2);
	assert_non_null(strstr(f->line, "\"binary\":\"/usr/bin/curl\""));
	assert_non_null(strstr(f->line, "procFS"));
	assert_non_null(strstr(f->line, "\"name\":\"cart-0\""));
	assert_int_equal(process_cache_get(f->cache, pid)->container, CONTAINER);
	for (size_t i = 0; i < 2; i++) {
		(void)snprintf(path, sizeof path, "%s/40123/%s", procfs, files[i].name);
		(void)unlink(path);
	}
	(void)snprintf(path, sizeof path, "%s/40123", procfs);
	(void)rmdir(path);
	(void)rmdir(procfs);
}

int main(void)
{
#define CASE(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
	const struct CMUnitTest tests[] = {
		CASE(exec_tells_process_parent_and_pod),
		CASE(exit_tells_how),
		CASE(a_kill_is_told),
		CASE(every_type_of_argument),
		CASE(texts_follow_each_other),
		CASE(a_process_that_is_not_known_is_a_stand_in),
		CASE(a_policy_that_is_gone_is_unknown),
		CASE(a_removed_container_is_recalled),
		CASE(a_process_that_left_keeps_its_pod),
		CASE(malformed_records_are_refused),
		CASE(the_largest_event_fits),
		CASE(without_sinks_only_the_cache_is_kept),
		CASE(what_runs_already_is_told),
		CASE(what_turns_out_to_be_in_a_container_is_told_again),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
