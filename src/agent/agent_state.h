/* SPDX-License-Identifier: Apache-2.0 */
/*
 * src/agent/agent_state.h: the agent's parts, between agent/agent.c, which makes and joins them, and
 * agent/agent_tend.c, which keeps them going.
 */
#ifndef AGENT_AGENT_STATE_H
#define AGENT_AGENT_STATE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <uv.h>

#include "agent/admission.h"
#include "agent/announced.h"
#include "agent/counts.h"
#include "agent/event_streams.h"
#include "agent/found_running.h"
#include "agent/rpc_handlers.h"
#include "agent/state_dir.h"
#include "agent/unseen.h"
#include "sensor/hierarchy.h"

struct abi_header;
struct agent_options;
struct file_sink;
struct grpc_server;
struct nri_inside;
struct pipeline;
struct process_cache;

struct agent {
	uint64_t ticks;
	bool gone_noted;       /* the kernel may have noted that a container is gone */
	int64_t marks_due_ns;  /* CLOCK_MONOTONIC: not before */
	uint32_t marks_due_at; /* where the look at containers with marks due goes on */
	const struct agent_options *options;
	struct log *log;
	uv_loop_t loop;
	uv_signal_t sigterm, sigint;
	uv_timer_t tick;
	uv_poll_t events;
	bool is_stopping;

	struct state_dir state;
	struct grpc_server *server;
	struct hierarchy hierarchy;
	struct sensor *sensor;
	struct pod_registry *registry;
	struct policies *policies;
	struct process_cache *cache;
	struct pipeline *pipeline;
	struct file_sink *export;
	struct admission admission;
	struct announced announced;
	struct event_streams streams;
	struct unseen unseen;
	struct found_running found;
	struct rpc_handlers handlers;
	struct counts counts;
	struct nri_inside *nri; /* NULL without --nri */
};

/* A record of the kernel. Has the shape that sensor_events_read wants; `context` is a struct agent. */
int agent_record(void *context, const struct abi_header *record, size_t size);
/* Once a second: what ended, what is due, what expired, what was lost. */
void agent_tend(struct agent *agent);

void agent_counts_take(struct agent *agent); /* into agent->counts */
void agent_clock_take(struct agent *agent);  /* the offset between the kernel's times and the calendar's */
void agent_export_flush(struct agent *agent);

#endif
