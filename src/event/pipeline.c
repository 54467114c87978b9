/* SPDX-License-Identifier: Apache-2.0 */
#include "event/pipeline.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/error.h"
#include "event/filter.h"
#include "event/message.h"
#include "event/protojson.h"
#include "event/record.h"
#include "pod/registry.h"
#include "policy/policy.h"
#include "process/cache.h"
#include "process/exec_id.h"
#include "process/proc_scan.h"
#include "process/slow_read.h"

#define JSON_BYTES_MAX \
	(512 * 1024) /* holds every message of MESSAGE_BYTES_MAX that tenants can bring about: see the test */
#define NAME_BYTES_MAX 1024

struct event {
	struct pipeline *pipeline;
	const Tetragon__GetEventsResponse *response;
	struct str json, packed;
	bool json_failed, packed_failed;
};

struct pipeline {
	struct pipeline_options options;
	struct pipeline_stats stats;
	struct message_maker maker;
	struct event_sink *sinks;
	struct slow_reader *reader;
	char names[2 * NAME_BYTES_MAX];
	char message[MESSAGE_BYTES_MAX];
	char json[JSON_BYTES_MAX];
	char packed[MESSAGE_BYTES_MAX];
};

static bool has_process(const void *context, uint64_t cgroup_id)
{
	return process_cache_lives_in(context, cgroup_id);
}

struct pipeline *pipeline_new(const struct pipeline_options *options)
{
	struct pipeline *pipeline = calloc(1, sizeof *pipeline);
	const char *cluster = options->cluster_name ? options->cluster_name : "";

	if (!pipeline)
		return NULL;
	pipeline->reader = slow_reader_new();
	if (!pipeline->reader) {
		free(pipeline);
		return NULL;
	}
	pipeline->options = *options;
	pipeline->maker.registry = options->registry;
	pod_registry_keep(options->registry, has_process, options->cache);
	pipeline->maker.arena = arena_over(pipeline->names, sizeof pipeline->names);
	pipeline->maker.node_name = message_text(
		&pipeline->maker, (struct str){ options->node_name, strnlen(options->node_name, EXEC_ID_NODE_MAX) });
	pipeline->maker.cluster_name =
		message_text(&pipeline->maker, (struct str){ cluster, strnlen(cluster, EXEC_ID_NODE_MAX) });
	return pipeline;
}

void pipeline_free(struct pipeline *pipeline)
{
	if (!pipeline)
		return;
	pod_registry_keep(pipeline->options.registry, NULL, NULL);
	slow_reader_free(pipeline->reader);
	free(pipeline);
}

void pipeline_set_clock_offset(struct pipeline *pipeline, int64_t boot_to_real_ns)
{
	int64_t limit = INT64_MAX / 2;

	if (boot_to_real_ns > limit || boot_to_real_ns < -limit)
		boot_to_real_ns = boot_to_real_ns > 0 ? limit : -limit; /* a clock set to nonsense: sums still fit */
	pipeline->maker.boot_to_real_ns = boot_to_real_ns;
}

void pipeline_sink_add(struct pipeline *pipeline, struct event_sink *sink)
{
	sink->next = pipeline->sinks;
	pipeline->sinks = sink;
}

void pipeline_sink_remove(struct pipeline *pipeline, struct event_sink *sink)
{
	struct event_sink **at = &pipeline->sinks;

	while (*at && *at != sink)
		at = &(*at)->next;
	if (*at)
		*at = sink->next;
}

/* --- encoded forms --- */

const Tetragon__GetEventsResponse *event_message(const struct event *event)
{
	return event->response;
}

struct str event_json(struct event *event)
{
	struct buf out;

	if (event->json.p || event->json_failed)
		return event->json;
	out = buf_over(event->pipeline->json, sizeof event->pipeline->json);
	if (protojson_write(&out, &event->response->base) < 0) {
		event->json_failed = true;
		event->pipeline->stats.build_failed++;
	} else {
		event->json = (struct str){ out.p, out.len };
	}
	return event->json;
}

struct str event_packed(struct event *event)
{
	struct pipeline *pipeline = event->pipeline;
	size_t size;

	if (event->packed.p || event->packed_failed)
		return event->packed;
	size = tetragon__get_events_response__get_packed_size(event->response);
	if (size > sizeof pipeline->packed) {
		event->packed_failed = true;
		pipeline->stats.build_failed++;
		return event->packed;
	}
	(void)tetragon__get_events_response__pack(event->response, (uint8_t *)pipeline->packed); /* `size` bytes */
	event->packed = (struct str){ pipeline->packed, size };
	return event->packed;
}

/* --- records --- */

/* Messages are made only if somebody listens; false: nobody does. */
static bool maker_ready(struct pipeline *pipeline)
{
	pipeline->maker.arena = arena_over(pipeline->message, sizeof pipeline->message);
	pipeline->maker.failed = false;
	return pipeline->sinks;
}

static void event_send(struct pipeline *pipeline, const Tetragon__GetEventsResponse *response)
{
	struct event event = { .pipeline = pipeline, .response = response };

	if (!response) {
		pipeline->stats.build_failed++;
		return;
	}
	for (struct event_sink *sink = pipeline->sinks; sink; sink = sink->next) {
		if (!event_filter_matches(sink->filter, response))
			continue;
		sink->send(sink->context, &event);
		pipeline->stats.sent++;
	}
}

/* `process`, or the stand-in in *ret_stand_in. */
static const struct process *or_stand_in(struct pipeline *pipeline, const struct process *process,
					 const struct abi_header *record, struct process *ret_stand_in)
{
	if (process)
		return process;
	pipeline->stats.process_unknown++;
	*ret_stand_in = message_stand_in(record);
	return ret_stand_in;
}

static void take_exec(struct pipeline *pipeline, const struct abi_exec *record)
{
	const struct process *process = process_cache_exec(pipeline->options.cache, record);
	struct process stand_in;

	process = or_stand_in(pipeline, process, &record->h, &stand_in);
	pipeline->stats.exec++;
	if (maker_ready(pipeline))
		event_send(pipeline, message_exec(&pipeline->maker, process));
}

static void take_exit(struct pipeline *pipeline, const struct abi_exit *record)
{
	const struct process *process = process_cache_exit(pipeline->options.cache, record);
	struct process stand_in;

	process = or_stand_in(pipeline, process, &record->h, &stand_in);
	pipeline->stats.exit++;
	if (maker_ready(pipeline))
		event_send(pipeline, message_exit(&pipeline->maker, process, record));
}

static void take_hit(struct pipeline *pipeline, const struct abi_hit *record)
{
	const struct pipeline_options *options = &pipeline->options;
	const struct policy *policy = options->policy(options->context, record->policy, record->generation);
	struct process *known = process_cache_get(options->cache, record->h.pid);
	const Tetragon__GetEventsResponse *response;
	const struct process *process;
	struct process stand_in;

	if (known && known->pid) {
		known->cgroup = record->h.cgroup;
		known->container = record->h.container;
	}
	process = or_stand_in(pipeline, known, &record->h, &stand_in);
	if (!policy)
		pipeline->stats.policy_gone++;
	if (policy && record->hook < policy->hooks && policy->hook[record->hook].section == POLICY_KPROBES)
		pipeline->stats.kprobe++;
	else
		pipeline->stats.tracepoint++;
	if (!maker_ready(pipeline))
		return;
	response = message_hit(&pipeline->maker, process, record, policy);
	event_send(pipeline, response);
}

int pipeline_record(struct pipeline *pipeline, const struct abi_header *record, size_t size)
{
	int r = record_check(record, size);

	if (r < 0) {
		pipeline->stats.malformed++;
		return r;
	}
	pipeline->stats.records++;
	switch ((enum abi_record)record->type) {
	case ABI_REC_EXEC:
		take_exec(pipeline, (const struct abi_exec *)record);
		break;
	case ABI_REC_EXIT:
		take_exit(pipeline, (const struct abi_exit *)record);
		break;
	case ABI_REC_FORK:
		(void)process_cache_fork(pipeline->options.cache, (const struct abi_fork *)record); /* no event */
		break;
	case ABI_REC_HIT:
		take_hit(pipeline, (const struct abi_hit *)record);
		break;
	case ABI_REC_CGROUP_GONE:
	case ABI_REC_CGROUP_ARMED:
		break;
	}
	return 0;
}

/* --- what runs already --- */

struct scan {
	struct pipeline *pipeline;
	bool tells_known;
	int n;
};

/* Known from its exec, before anybody knew of its container; in *ret_again as it is now. NULL: not known. */
static const struct process *known_again(struct pipeline *pipeline, const struct process_found *found,
					 struct process *ret_again)
{
	const struct process *known = process_cache_place(pipeline->options.cache, found->pid, found->container);

	if (!known)
		return NULL;
	*ret_again = *known; /* for the length of one message: it takes no references */
	ret_again->flags |= PROCESS_PROCFS;
	return ret_again;
}

static int take_found(void *context, struct process_found *found, bool is_kernel_thread, const char *cgroup_path)
{
	struct scan *scan = context;
	struct pipeline *pipeline = scan->pipeline;
	const struct pod_container *container = pod_registry_above(pipeline->options.registry, cgroup_path);
	const struct process *process;
	struct process again;

	if (container)
		found->container = container->cgroup_id;
	process = process_cache_found(pipeline->options.cache, found);
	if (!process && scan->tells_known && container)
		process = known_again(pipeline, found, &again);
	scan->n++;
	if (!process || is_kernel_thread)
		return 0;
	pipeline->stats.exec++;
	if (maker_ready(pipeline))
		event_send(pipeline, message_exec(&pipeline->maker, process));
	return 0;
}

int pipeline_scan(struct pipeline *pipeline, const struct pipeline_scan_options *options, struct error *err)
{
	struct proc_scan_options scan_options = {
		.procfs = options->procfs,
		.controller = options->controller,
		.clock_ticks = options->clock_ticks,
		.pid = options->pid,
		.pids = options->pids,
		.reader = pipeline->reader,
	};
	struct scan scan = { .pipeline = pipeline, .tells_known = options->pid };
	int r = proc_scan(&scan_options, take_found, &scan, err);

	return r < 0 ? r : scan.n;
}

void pipeline_stats(const struct pipeline *pipeline, struct pipeline_stats *ret_stats)
{
	*ret_stats = pipeline->stats;
}
