/* SPDX-License-Identifier: Apache-2.0 */
/*
 * src/event/pipeline.h: from a ring buffer record to the sinks: check the record, bring the process cache up to date,
 * build the API's message, give it to each sink whose filter wants it. A message is built once and encoded at most once
 * per form (JSON, protobuf), whatever the number of sinks; if no sink wants events only the cache is kept. One thread,
 * no blocking: sinks queue for themselves.
 */
#ifndef EVENT_PIPELINE_H
#define EVENT_PIPELINE_H

#include <linux/types.h>
#include <stddef.h>
#include <stdint.h>

#include "abi.h"
#include "base/str.h"
#include "tetragon/events.pb-c.h"

struct error;
struct event_filter;
struct pipeline;
struct pod_registry;
struct policy;
struct process_cache;

/* One event, on its way through the sinks: valid during the sink's call only. */
struct event;

/* The message; borrowed. */
const Tetragon__GetEventsResponse *event_message(const struct event *event);
/* The event as one line of JSON without the newline; {NULL, 0}: it could not be encoded (counted). */
struct str event_json(struct event *event);
/* The event as protobuf bytes of GetEventsResponse; {NULL, 0}: it could not be encoded (counted). */
struct str event_packed(struct event *event);

/* A receiver of events: the caller's memory, linked into the pipeline until removed. */
struct event_sink {
	void (*send)(void *context, struct event *event); /* must not add or remove sinks */
	void *context;
	const struct event_filter *filter; /* borrowed while linked; NULL: everything */
	struct event_sink *next;           /* the pipeline's */
};

struct pipeline_options {
	const char *node_name, *cluster_name; /* copied; cluster name may be NULL */
	struct process_cache *cache;          /* these three are borrowed for the pipeline's life */
	struct pod_registry *registry;
	void *context; /* for the next one */
	/* The policy that is in `slot` with this generation, or NULL: gone. */
	const struct policy *(*policy)(void *context, unsigned slot, uint32_t generation);
};

struct pipeline_stats {
	uint64_t records;                        /* taken */
	uint64_t malformed;                      /* refused: sizes or lengths do not fit */
	uint64_t exec, exit, kprobe, tracepoint; /* events that there were, wanted or not */
	uint64_t policy_gone;                    /* hits whose policy is gone: told without its names */
	uint64_t process_unknown;                /* events whose process is a stand-in */
	uint64_t build_failed; /* events lost: did not fit into the message memory, or could not be encoded */
	uint64_t sent;         /* events given to sinks */
};

/*
 * NULL: no memory. Until pipeline_free the registry keeps removed containers that have a living process
 * (pod_registry_keep).
 */
struct pipeline *pipeline_new(const struct pipeline_options *options);
void pipeline_free(struct pipeline *pipeline); /* unlinks the sinks, frees none of them */

/* CLOCK_REALTIME - CLOCK_BOOTTIME, at the start and again now and then (the clock may be set). */
void pipeline_set_clock_offset(struct pipeline *pipeline, int64_t boot_to_real_ns);

void pipeline_sink_add(struct pipeline *pipeline, struct event_sink *sink);
void pipeline_sink_remove(struct pipeline *pipeline, struct event_sink *sink); /* nothing if it is not linked */

/*
 * Takes a record of `size` bytes (borrowed, not trusted). Returns 0, or -EINVAL: malformed, dropped and counted.
 * Of ABI_REC_CGROUP_GONE and _ARMED nothing is made here: the registry is the agent's to change. Has the shape of
 * sensor_record_fn with the pipeline as context, but for the context's type.
 */
int pipeline_record(struct pipeline *pipeline, const struct abi_header *record, size_t size);

struct pipeline_scan_options {
	const char *procfs;     /* "/proc" */
	const char *controller; /* whose line of /proc/PID/cgroup counts: v1 "memory"; "" = v2 */
	int64_t clock_ticks;    /* per second: sysconf(_SC_CLK_TCK) */
	const uint32_t *pid; /* `pids` of them: only these, and known ones are told again; NULL: all, but known ones */
	size_t pids;
};

/*
 * Reads the processes that are there already into the cache and sends a process_exec (flag procFS) for each but kernel
 * threads. Their containers are told by cgroup path, so register containers first. Returns how many processes, or
 * -errno.
 */
int pipeline_scan(struct pipeline *pipeline, const struct pipeline_scan_options *options, struct error *err);

void pipeline_stats(const struct pipeline *pipeline, struct pipeline_stats *ret_stats);

#endif
