/* SPDX-License-Identifier: Apache-2.0 */
/*
 * src/event/filter.h: which events a client of GetEvents wants: (allow list empty or any of it matches) and none of the
 * deny list does. Within a filter all fields given must match, within a field any value. Source: reference of the
 * events, section 11. Supported now: event_set, namespace, pid, policy_names, in_init_tree, container_id where the
 * expression is plain text (found anywhere in `docker`). Every other field, and field_filters, are refused by name.
 * aggregation_options are accepted and change nothing, as in the original, which aggregates no event type.
 */
#ifndef EVENT_FILTER_H
#define EVENT_FILTER_H

#include <stdbool.h>

#include "tetragon/events.pb-c.h"

struct error;
struct event_filter;

#define EVENT_FILTERS_MAX 64               /* filters in both lists of one request */
#define EVENT_FILTER_BYTES_MAX (64 * 1024) /* of the request on the wire */

/*
 * Compiles the request's lists (copied). *ret_filter is the caller's, event_filter_free. Returns 0; -EINVAL: answer
 * INVALID_ARGUMENT with the text ("allow_list[0].binary_regex: not supported yet"); -E2BIG over a limit (the same
 * answer); -ENOMEM.
 */
int event_filter_new(const Tetragon__GetEventsRequest *request, struct event_filter **ret_filter, struct error *err);
void event_filter_free(struct event_filter *filter);

/* NULL filter: everything matches. */
bool event_filter_matches(const struct event_filter *filter, const Tetragon__GetEventsResponse *event);

#endif
