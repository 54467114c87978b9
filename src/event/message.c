/* SPDX-License-Identifier: Apache-2.0 */
#include "event/message.h"

#include <signal.h>
#include <stdio.h>
#include <string.h>

#include "base/buf.h"
#include "base/clock.h"
#include "base/utf8.h"

#define TIME_MAX \
	(INT64_MAX / 4) /* 73 years of uptime: a record that says more is wrong, but its sum must not overflow */

/* --- memory and plain values --- */

void *message_alloc(struct message_maker *maker, size_t n)
{
	void *p = arena_alloc(&maker->arena, n);

	if (p)
		memset(p, 0, n);
	else
		maker->failed = true;
	return p;
}

/* Writes `text` with each run of bytes that are no UTF-8 replaced; returns the length. `to` NULL: only measures. */
static size_t utf8_repair(struct str text, char *to)
{
	size_t n = 0, mark = sizeof UTF8_REPLACEMENT - 1;
	bool in_run = false;

	while (text.len) {
		unsigned len = utf8_length(text, NULL);

		if (!len && !in_run) {
			if (to)
				memcpy(to + n, UTF8_REPLACEMENT, mark);
			n += mark;
		} else if (len) {
			if (to)
				memcpy(to + n, text.p, len);
			n += len;
		}
		in_run = !len;
		text = str_from(text, len ? len : 1);
	}
	return n;
}

char *message_text(struct message_maker *maker, struct str text)
{
	ptrdiff_t nul = str_find(text, '\0');
	char *copy;

	if (nul >= 0)
		text.len = (size_t)nul;
	if (!text.len)
		return (char *)protobuf_c_empty_string;
	copy = message_alloc(maker, utf8_repair(text, NULL) + 1);
	if (!copy)
		return (char *)protobuf_c_empty_string;
	(void)utf8_repair(text, copy);
	return copy;
}

Google__Protobuf__Timestamp *message_time(struct message_maker *maker, uint64_t boot_ns)
{
	Google__Protobuf__Timestamp *time = message_alloc(maker, sizeof *time);
	int64_t real_ns = (int64_t)(boot_ns < TIME_MAX ? boot_ns : TIME_MAX) + maker->boot_to_real_ns;
	int64_t nanos = real_ns % NS_PER_S;

	if (!time)
		return NULL;
	google__protobuf__timestamp__init(time);
	time->seconds = real_ns / NS_PER_S - (nanos < 0);
	time->nanos = (int32_t)(nanos < 0 ? nanos + NS_PER_S : nanos);
	return time;
}

Google__Protobuf__UInt32Value *message_u32(struct message_maker *maker, uint32_t value)
{
	Google__Protobuf__UInt32Value *wrapper = message_alloc(maker, sizeof *wrapper);

	if (!wrapper)
		return NULL;
	google__protobuf__uint32_value__init(wrapper);
	wrapper->value = value;
	return wrapper;
}

struct process message_stand_in(const struct abi_header *record)
{
	static const struct process_image nothing = { .refs = 1, .binary = "", .arguments = "", .cwd = "" };

	return (struct process){
		.flags = PROCESS_UNKNOWN,
		.pid = record->pid,
		.ktime_ns = record->ktime,
		.cgroup = record->cgroup,
		.container = record->container,
		.image = (struct process_image *)&nothing, /* nobody drops a stand-in's reference */
	};
}

/* --- events --- */

Tetragon__GetEventsResponse *message_envelope(struct message_maker *maker, uint64_t boot_ns)
{
	Tetragon__GetEventsResponse *event = message_alloc(maker, sizeof *event);

	if (!event)
		return NULL;
	tetragon__get_events_response__init(event);
	event->node_name = (char *)maker->node_name;
	event->cluster_name = (char *)maker->cluster_name;
	event->time = message_time(maker, boot_ns);
	return event;
}

Tetragon__GetEventsResponse *message_exec(struct message_maker *maker, const struct process *process)
{
	Tetragon__GetEventsResponse *event = message_envelope(maker, process->ktime_ns);
	Tetragon__ProcessExec *exec = message_alloc(maker, sizeof *exec);

	if (!event || !exec)
		return NULL;
	tetragon__process_exec__init(exec);
	exec->process = message_process(maker, process, 0);
	exec->parent = message_parent(maker, process);
	event->process_exec = exec;
	event->event_case = TETRAGON__GET_EVENTS_RESPONSE__EVENT_PROCESS_EXEC;
	return maker->failed ? NULL : event;
}

/* "SIGKILL"; "" for real-time signals, which have no name, as in the original. */
static char *signal_name(struct message_maker *maker, int signal)
{
	const char *name = signal ? sigabbrev_np(signal) : NULL;
	char text[32];

	if (!name)
		return (char *)protobuf_c_empty_string;
	(void)snprintf(text, sizeof text, "SIG%s", name);
	return message_text(maker, str_of(text));
}

Tetragon__GetEventsResponse *message_exit(struct message_maker *maker, const struct process *process,
					  const struct abi_exit *record)
{
	Tetragon__GetEventsResponse *event = message_envelope(maker, record->h.ktime);
	Tetragon__ProcessExit *exit = message_alloc(maker, sizeof *exit);

	if (!event || !exit)
		return NULL;
	tetragon__process_exit__init(exit);
	exit->process = message_process(maker, process, 0);
	exit->parent = message_parent(maker, process);
	exit->signal = signal_name(maker, (int)(record->code & 0x7f)); /* bit 7: core dumped */
	exit->status = record->code >> 8 & 0xff;
	exit->time = message_time(maker, record->h.ktime);
	event->process_exit = exit;
	event->event_case = TETRAGON__GET_EVENTS_RESPONSE__EVENT_PROCESS_EXIT;
	return maker->failed ? NULL : event;
}
