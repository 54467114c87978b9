/* SPDX-License-Identifier: Apache-2.0 */
/*
 * src/event/message.h: the API's messages, made from records, processes, containers and policies. Everything of a
 * message lies in the caller's arena or is borrowed from the arguments: it lives as long as the shortest of them. Texts
 * that come from tenants are made valid UTF-8 (each bad run becomes U+FFFD), for protobuf strings must be that. Field
 * by field: reference of the events, sections 1, 2, 4 to 8.
 */
#ifndef EVENT_MESSAGE_H
#define EVENT_MESSAGE_H

#include <linux/types.h>
#include <stdbool.h>
#include <stdint.h>

#include "abi.h"
#include "base/arena.h"
#include "process/cache.h"
#include "tetragon/events.pb-c.h"

struct pod_registry;
struct policy;

#define MESSAGE_BYTES_MAX (256 * 1024) /* arena that holds every message that can come up */
#define MESSAGE_LABELS_MAX (16 * 1024) /* bytes of the pod labels of a process; the rest is left out */

/* What all messages of an agent share, and the arena of the one in the making. */
struct message_maker {
	const char *node_name, *cluster_name; /* valid UTF-8; cluster name "" = none */
	const struct pod_registry *registry;
	int64_t boot_to_real_ns; /* within half of the range */
	struct arena arena;
	bool failed; /* the arena is exhausted: what is made now is not to be used */
};

/* All return NULL when the arena is exhausted. `process` may be a stand-in (message_stand_in). */
Tetragon__GetEventsResponse *message_exec(struct message_maker *maker, const struct process *process);
Tetragon__GetEventsResponse *message_exit(struct message_maker *maker, const struct process *process,
					  const struct abi_exit *record);
/*
 * process_kprobe or process_tracepoint, as the hook entry says. `policy` may be NULL or lack the hook: then a
 * process_tracepoint of subsystem and event UNKNOWN.
 */
Tetragon__GetEventsResponse *message_hit(struct message_maker *maker, const struct process *process,
					 const struct abi_hit *record, const struct policy *policy);

/* A process of which only the record's header is known: flag PROCESS_UNKNOWN, no texts, no parent, no references. */
struct process message_stand_in(const struct abi_header *record);

/* --- parts, for the files of this room --- */

void *message_alloc(struct message_maker *maker, size_t n);       /* cleared; NULL: failed is set */
char *message_text(struct message_maker *maker, struct str text); /* copy in valid UTF-8, cut at a NUL; never NULL */
Tetragon__GetEventsResponse *message_envelope(struct message_maker *maker, uint64_t boot_ns); /* without event */
Google__Protobuf__Timestamp *message_time(struct message_maker *maker, uint64_t boot_ns);
Google__Protobuf__UInt32Value *message_u32(struct message_maker *maker, uint32_t value);

/* The process as seen from its own event; `tid` that caused it (0: the pid). */
Tetragon__Process *message_process(struct message_maker *maker, const struct process *process, uint32_t tid);
/* Its parent: known, a stand-in with its pid, or NULL if not even that is known. */
Tetragon__Process *message_parent(struct message_maker *maker, const struct process *process);

#endif
