/* SPDX-License-Identifier: Apache-2.0 */
#include "event/filter.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include "base/error.h"

#define EXEC TETRAGON__EVENT_TYPE__PROCESS_EXEC
#define KPROBE TETRAGON__EVENT_TYPE__PROCESS_KPROBE

/* A filter with one value a field: 0, NULL = not given. */
struct wanted {
	Tetragon__EventType type;
	const char *namespace, *policy, *container;
	uint32_t pid;
	bool in_init_tree;
};

static bool one_matches(const struct wanted *allow, const struct wanted *deny, const Tetragon__GetEventsResponse *event)
{
	const struct wanted *wanted[] = { allow, deny };
	Tetragon__GetEventsRequest request = TETRAGON__GET_EVENTS_REQUEST__INIT;
	Tetragon__Filter filter[2] = { TETRAGON__FILTER__INIT, TETRAGON__FILTER__INIT };
	Tetragon__Filter *list[2] = { &filter[0], &filter[1] };
	Google__Protobuf__BoolValue yes = GOOGLE__PROTOBUF__BOOL_VALUE__INIT;
	struct event_filter *compiled;
	bool result;

	yes.value = 1;
	for (int i = 0; i < 2; i++) {
		if (!wanted[i])
			continue;
		filter[i].event_set = (Tetragon__EventType *)&wanted[i]->type;
		filter[i].n_event_set = wanted[i]->type != 0;
		filter[i].namespace_ = (char **)&wanted[i]->namespace;
		filter[i].n_namespace_ = wanted[i]->namespace != NULL;
		filter[i].policy_names = (char **)&wanted[i]->policy;
		filter[i].n_policy_names = wanted[i]->policy != NULL;
		filter[i].container_id = (char **)&wanted[i]->container;
		filter[i].n_container_id = wanted[i]->container != NULL;
		filter[i].pid = (uint32_t *)&wanted[i]->pid;
		filter[i].n_pid = wanted[i]->pid != 0;
		filter[i].in_init_tree = wanted[i]->in_init_tree ? &yes : NULL;
	}
	request.allow_list = &list[0];
	request.n_allow_list = allow != NULL;
	request.deny_list = &list[1];
	request.n_deny_list = deny != NULL;
	assert_int_equal(event_filter_new(&request, &compiled, NULL), 0);
	result = event_filter_matches(compiled, event);
	event_filter_free(compiled);
	return result;
}

static void events_are_sorted(void **state)
{
	static const struct {
		const char *why;
		struct wanted allow, deny;
		bool has_allow, has_deny;
		bool kprobe, exec, throttle; /* which of the three events match */
	} cases[] = {
		{ .why = "no lists", .kprobe = true, .exec = true, .throttle = true },
		{ .why = "empty filter", .has_allow = true, .kprobe = true, .exec = true, .throttle = true },
		{ .why = "empty deny", .has_deny = true },
		{ .why = "type", .has_allow = true, .allow = { .type = EXEC }, .exec = true },
		{ .why = "not type", .has_deny = true, .deny = { .type = EXEC }, .kprobe = true, .throttle = true },
		{ .why = "namespace", .has_allow = true, .allow = { .namespace = "shop" }, .kprobe = true },
		{ .why = "part of a namespace", .has_allow = true, .allow = { .namespace = "sho" } },
		{ .why = "host", .has_allow = true, .allow = { .namespace = "" }, .exec = true },
		{ .why = "policy", .has_allow = true, .allow = { .policy = "p" }, .kprobe = true },
		{ .why = "other policy", .has_allow = true, .allow = { .policy = "q" } },
		{ .why = "pid", .has_allow = true, .allow = { .pid = 7 }, .kprobe = true, .exec = true },
		{ .why = "other pid", .has_allow = true, .allow = { .pid = 8 } },
		{ .why = "container", .has_allow = true, .allow = { .container = "5a1c" }, .kprobe = true },
		{ .why = "middle of it", .has_allow = true, .allow = { .container = "1c0" }, .kprobe = true },
		{ .why = "init tree", .has_allow = true, .allow = { .in_init_tree = true }, .exec = true },
		{ .why = "all fields", .has_allow = true, .allow = { .type = KPROBE, .namespace = "shop", .pid = 8 } },
		{ .why = "deny wins",
		  .has_allow = true,
		  .has_deny = true,
		  .allow = { .pid = 7 },
		  .deny = { .namespace = "shop" },
		  .exec = true },
	};
	Tetragon__GetEventsResponse events[3] = { TETRAGON__GET_EVENTS_RESPONSE__INIT,
						  TETRAGON__GET_EVENTS_RESPONSE__INIT,
						  TETRAGON__GET_EVENTS_RESPONSE__INIT };
	Tetragon__ProcessKprobe kprobe = TETRAGON__PROCESS_KPROBE__INIT;
	Tetragon__ProcessExec exec = TETRAGON__PROCESS_EXEC__INIT;
	Tetragon__ProcessThrottle throttle = TETRAGON__PROCESS_THROTTLE__INIT;
	Tetragon__Process in_pod = TETRAGON__PROCESS__INIT, on_host = TETRAGON__PROCESS__INIT;
	Google__Protobuf__UInt32Value pid = GOOGLE__PROTOBUF__UINT32_VALUE__INIT;
	Google__Protobuf__BoolValue yes = GOOGLE__PROTOBUF__BOOL_VALUE__INIT;
	Tetragon__Pod pod = TETRAGON__POD__INIT;

	pid.value = 7;
	yes.value = 1;
	pod.namespace_ = (char *)"shop";
	in_pod.pid = on_host.pid = &pid;
	in_pod.pod = &pod;
	in_pod.docker = (char *)"5a1c0f";
	on_host.in_init_tree = &yes;
	kprobe.process = &in_pod;
	kprobe.policy_name = (char *)"p";
	exec.process = &on_host;
	events[0].event_case = TETRAGON__GET_EVENTS_RESPONSE__EVENT_PROCESS_KPROBE;
	events[0].process_kprobe = &kprobe;
	events[1].event_case = TETRAGON__GET_EVENTS_RESPONSE__EVENT_PROCESS_EXEC;
	events[1].process_exec = &exec;
	events[2].event_case = TETRAGON__GET_EVENTS_RESPONSE__EVENT_PROCESS_THROTTLE;
	events[2].process_throttle = &throttle;
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		bool want[] = { cases[i].kprobe, cases[i].exec, cases[i].throttle };

		for (int e = 0; e < 3; e++) {
			bool got = one_matches(cases[i].has_allow ? &cases[i].allow : NULL,
					       cases[i].has_deny ? &cases[i].deny : NULL, &events[e]);

			if (got != want[e])
				fail_msg("%s: event %d: %s", cases[i].why, e, got ? "matches" : "does not match");
		}
	}
	assert_true(event_filter_matches(NULL, &events[0]));
	(void)state;
}

static void what_is_not_supported_is_refused_by_name(void **state)
{
	Tetragon__GetEventsRequest request = TETRAGON__GET_EVENTS_REQUEST__INIT;
	Tetragon__Filter filter = TETRAGON__FILTER__INIT, *list[] = { &filter };
	Tetragon__FieldFilter field = TETRAGON__FIELD_FILTER__INIT, *fields[] = { &field };
	Google__Protobuf__BoolValue yes = GOOGLE__PROTOBUF__BOOL_VALUE__INIT;
	ProtobufCMessageUnknownField unknown = { .tag = 99 };
	char *text[] = { (char *)"/curl$" };
	struct event_filter *compiled;
	struct error err = { 0 };

	request.deny_list = list;
	request.n_deny_list = 1;
	filter.binary_regex = text;
	filter.n_binary_regex = 1;
	assert_int_equal(event_filter_new(&request, &compiled, &err), -EINVAL);
	assert_string_equal(err.text, "deny_list[0].binary_regex: not supported yet");
	filter.n_binary_regex = 0;
	filter.health_check = &yes;
	assert_int_equal(event_filter_new(&request, &compiled, &err), -EINVAL);
	assert_string_equal(err.text, "deny_list[0].health_check: not supported yet");
	filter.health_check = NULL;
	filter.container_id = text;
	filter.n_container_id = 1;
	assert_int_equal(event_filter_new(&request, &compiled, &err), -EINVAL);
	assert_non_null(strstr(err.text, "deny_list[0].container_id[0]: '/curl$'"));
	filter.n_container_id = 0;
	filter.base.unknown_fields = &unknown;
	filter.base.n_unknown_fields = 1;
	assert_int_equal(event_filter_new(&request, &compiled, &err), -EINVAL);
	assert_non_null(strstr(err.text, "99"));
	filter.base.n_unknown_fields = 0;
	request.field_filters = fields;
	request.n_field_filters = 1;
	assert_int_equal(event_filter_new(&request, &compiled, &err), -EINVAL);
	assert_string_equal(err.text, "field_filters: not supported yet");
	(void)state;
}

static void requests_are_bounded(void **state)
{
	static uint32_t pids[EVENT_FILTER_BYTES_MAX];
	static Tetragon__Filter *list[EVENT_FILTERS_MAX + 1];
	Tetragon__GetEventsRequest request = TETRAGON__GET_EVENTS_REQUEST__INIT;
	Tetragon__Filter filter = TETRAGON__FILTER__INIT;
	struct event_filter *compiled;

	for (size_t i = 0; i < EVENT_FILTERS_MAX + 1; i++)
		list[i] = &filter;
	request.allow_list = list;
	request.n_allow_list = EVENT_FILTERS_MAX + 1;
	assert_int_equal(event_filter_new(&request, &compiled, NULL), -E2BIG);
	request.n_allow_list = 1;
	filter.pid = pids;
	filter.n_pid = EVENT_FILTER_BYTES_MAX;
	assert_int_equal(event_filter_new(&request, &compiled, NULL), -E2BIG);
	(void)state;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(events_are_sorted),
		cmocka_unit_test(what_is_not_supported_is_refused_by_name),
		cmocka_unit_test(requests_are_bounded),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
