/* SPDX-License-Identifier: Apache-2.0 */
#include "event/filter.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/error.h"

/* The request, our own copy: protobuf-c's messages are as good to match by as any structure of ours. */
struct event_filter {
	Tetragon__GetEventsRequest *request;
};

/* --- compiling --- */

static const char *const supported[] = {
	"namespace", "pid", "event_set", "policy_names", "container_id", "in_init_tree"
};

static bool is_supported(const char *name)
{
	for (size_t i = 0; i < sizeof supported / sizeof *supported; i++)
		if (!strcmp(name, supported[i]))
			return true;
	return false;
}

static bool is_set(const ProtobufCMessage *message, const ProtobufCFieldDescriptor *field)
{
	const char *at = (const char *)message;

	if (field->label == PROTOBUF_C_LABEL_REPEATED)
		return *(const size_t *)(at + field->quantifier_offset);
	return *(void *const *)(at + field->offset); /* all lone fields of Filter are messages */
}

static int filter_check(const Tetragon__Filter *filter, const char *list, size_t i, struct error *err)
{
	const ProtobufCMessageDescriptor *descriptor = filter->base.descriptor;

	if (filter->base.n_unknown_fields)
		return error_set(err, EINVAL, "%s[%zu]: field number %u: unknown", list, i,
				 filter->base.unknown_fields[0].tag);
	for (unsigned f = 0; f < descriptor->n_fields; f++)
		if (is_set(&filter->base, &descriptor->fields[f]) && !is_supported(descriptor->fields[f].name))
			return error_set(err, EINVAL, "%s[%zu].%s: not supported yet", list, i,
					 descriptor->fields[f].name);
	for (size_t n = 0; n < filter->n_container_id; n++)
		if (strpbrk(filter->container_id[n], "\\.*+?()[]{}|^$"))
			return error_set(err, EINVAL,
					 "%s[%zu].container_id[%zu]: '%.64s': expressions are not supported yet; "
					 "give a part of the id",
					 list, i, n, filter->container_id[n]);
	return 0;
}

int event_filter_new(const Tetragon__GetEventsRequest *request, struct event_filter **ret_filter, struct error *err)
{
	size_t size = tetragon__get_events_request__get_packed_size(request);
	auto_free struct event_filter *filter = NULL;
	auto_free uint8_t *bytes = NULL;
	int r = 0;

	if (size > EVENT_FILTER_BYTES_MAX)
		return error_set(err, E2BIG, "the filters take %zu bytes, more than %d", size, EVENT_FILTER_BYTES_MAX);
	if (request->n_allow_list > EVENT_FILTERS_MAX || request->n_deny_list > EVENT_FILTERS_MAX)
		return error_set(err, E2BIG, "more than %d filters in a list", EVENT_FILTERS_MAX);
	if (request->n_field_filters)
		return error_set(err, EINVAL, "field_filters: not supported yet");
	for (size_t i = 0; i < request->n_allow_list && r >= 0; i++)
		r = filter_check(request->allow_list[i], "allow_list", i, err);
	for (size_t i = 0; i < request->n_deny_list && r >= 0; i++)
		r = filter_check(request->deny_list[i], "deny_list", i, err);
	if (r < 0)
		return r;
	filter = calloc(1, sizeof *filter);
	bytes = malloc(size + 1);
	if (!filter || !bytes)
		return error_set(err, ENOMEM, "the filters: out of memory");
	(void)tetragon__get_events_request__pack(request, bytes); /* `size` bytes */
	filter->request = tetragon__get_events_request__unpack(NULL, size, bytes);
	if (!filter->request)
		return error_set(err, ENOMEM, "the filters: out of memory");
	*ret_filter = take(filter);
	return 0;
}

void event_filter_free(struct event_filter *filter)
{
	if (!filter)
		return;
	tetragon__get_events_request__free_unpacked(filter->request, NULL);
	free(filter);
}

/* --- matching --- */

/* What filters look at. */
struct view {
	int type;                         /* Tetragon__EventType: the oneof's field number */
	const Tetragon__Process *process; /* NULL: the event has none */
	const char *policy_name;          /* NULL: the type has none */
};

static struct view view_of(const Tetragon__GetEventsResponse *event)
{
	struct view view = { .type = (int)event->event_case };

	switch (event->event_case) {
	case TETRAGON__GET_EVENTS_RESPONSE__EVENT_PROCESS_EXEC:
		view.process = event->process_exec->process;
		break;
	case TETRAGON__GET_EVENTS_RESPONSE__EVENT_PROCESS_EXIT:
		view.process = event->process_exit->process;
		break;
	case TETRAGON__GET_EVENTS_RESPONSE__EVENT_PROCESS_KPROBE:
		view.process = event->process_kprobe->process;
		view.policy_name = event->process_kprobe->policy_name;
		break;
	case TETRAGON__GET_EVENTS_RESPONSE__EVENT_PROCESS_TRACEPOINT:
		view.process = event->process_tracepoint->process;
		view.policy_name = event->process_tracepoint->policy_name;
		break;
	default:
		break;
	}
	return view;
}

static bool is_one_of(const char *text, char *const *values, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (!strcmp(text, values[i]))
			return true;
	return false;
}

static bool has_part(const char *text, char *const *parts, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (strstr(text, parts[i]))
			return true;
	return false;
}

static bool type_matches(const Tetragon__Filter *filter, int type)
{
	for (size_t i = 0; i < filter->n_event_set; i++)
		if ((int)filter->event_set[i] == type)
			return true;
	return !filter->n_event_set;
}

static bool pid_matches(const Tetragon__Filter *filter, const Tetragon__Process *process)
{
	for (size_t i = 0; i < filter->n_pid; i++)
		if (process->pid && process->pid->value == filter->pid[i])
			return true;
	return !filter->n_pid;
}

static bool process_matches(const Tetragon__Filter *filter, const Tetragon__Process *process)
{
	bool in_init_tree = process->in_init_tree && process->in_init_tree->value;

	return pid_matches(filter, process) &&
	       (!filter->n_namespace_ ||
		is_one_of(process->pod ? process->pod->namespace_ : "", filter->namespace_, filter->n_namespace_)) &&
	       (!filter->n_container_id || has_part(process->docker, filter->container_id, filter->n_container_id)) &&
	       (!filter->in_init_tree || !filter->in_init_tree->value == !in_init_tree);
}

static bool filter_matches(const Tetragon__Filter *filter, const struct view *view)
{
	bool wants_process = filter->n_pid || filter->n_namespace_ || filter->n_container_id || filter->in_init_tree;

	if (!type_matches(filter, view->type))
		return false;
	if (filter->n_policy_names &&
	    (!view->policy_name || !is_one_of(view->policy_name, filter->policy_names, filter->n_policy_names)))
		return false;
	return !wants_process || (view->process && process_matches(filter, view->process));
}

static bool any_matches(Tetragon__Filter *const *filters, size_t n, const struct view *view)
{
	for (size_t i = 0; i < n; i++)
		if (filter_matches(filters[i], view))
			return true;
	return false;
}

bool event_filter_matches(const struct event_filter *filter, const Tetragon__GetEventsResponse *event)
{
	const Tetragon__GetEventsRequest *request = filter ? filter->request : NULL;
	struct view view;

	if (!request)
		return true;
	view = view_of(event);
	return (!request->n_allow_list || any_matches(request->allow_list, request->n_allow_list, &view)) &&
	       !any_matches(request->deny_list, request->n_deny_list, &view);
}
