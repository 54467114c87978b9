/* SPDX-License-Identifier: Apache-2.0 */
/*
 * src/sensor/raw_tracepoint.c: the mechanism that every kernel since 5.10 has: BTF raw tracepoints sys_enter and
 * sys_exit (bpf/syscall.bpf.c) with a table of system call numbers for each ABI. SIGKILL takes effect before the call
 * returns to user space; the call's own effect may happen.
 */
#include <bpf/bpf.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/error.h"
#include "policy/policy.h"
#include "policy/syscall_table.h"
#include "sensor/mechanism.h"
#include "sensor/state.h"

static int index_write(struct sensor *sensor, uint32_t at, struct abi_syscall value, struct error *err)
{
	if (!memcmp(&sensor->index[at], &value, sizeof value))
		return 0;
	if (bpf_map_update_elem(sensor->map[MAP_SYSCALL_POINTS], &at, &value, BPF_ANY))
		return error_errno(err, errno, "cannot write the BPF map 'syscall_points'");
	sensor->index[at] = value;
	return 0;
}

/* Some rule looks at the end of a call. */
static bool exits_wanted(const struct sensor *sensor)
{
	for (uint32_t at = 0; at < ABI_SYSCALL_INDEXES; at++)
		if (sensor->index[at].flags & ABI_SYSCALL_STRINGS ||
		    (at >= ABI_SYSCALL_INDEXES / 2 && (sensor->index[at].point || sensor->index[at].flags)))
			return true;
	return false;
}

static int raw_init(struct sensor *sensor, struct error *err)
{
	static const char *const exec[] = { "execve", "execveat" };
	int r = 0;

	for (uint32_t i = 0; i < ABI_SYSCALL_INDEXES; i++)
		if (bpf_map_lookup_elem(sensor->map[MAP_SYSCALL_POINTS], &i, &sensor->index[i]))
			return error_errno(err, errno, "cannot read the BPF map 'syscall_points'");
	for (uint32_t arch = 0; arch < ABI_ARCHES; arch++) {
		for (size_t name = 0; name < sizeof exec / sizeof *exec; name++) {
			struct syscall_numbers numbers;

			syscall_numbers(exec[name], (int)arch, &numbers);
			for (size_t i = 0; i < numbers.n && r >= 0; i++) {
				uint32_t at = ABI_SYSCALL_INDEX(0, arch, numbers.nr[i]);
				struct abi_syscall value = sensor->index[at];

				value.flags |= ABI_SYSCALL_EXEC;
				r = index_write(sensor, at, value, err);
			}
		}
	}
	/* an agent that died between the rows and the attachment */
	if (r >= 0 && exits_wanted(sensor)) {
		r = sensor_attach(sensor, PROGRAM_SYSCALL_EXIT, err);
		if (r >= 0)
			r = sensor_attach(sensor, PROGRAM_SYSCALL_EXEC, err);
	}
	return r;
}

static int raw_accepts(const struct sensor *sensor, const struct policy_hook *hook, struct error *err)
{
	if (*hook->syscall && !syscall_is_known(hook->syscall))
		return error_set(err, ENOTSUP, "raw_tracepoint: no system call '%s'", hook->syscall);
	(void)sensor; /* no kernel that we load on lacks it */
	return 0;
}

typedef int index_fn(struct sensor *sensor, uint32_t at, void *context, struct error *err);

/* Calls `each` for the index of every number by which the hook's call can be made. */
static int each_index(struct sensor *sensor, const struct policy_hook *hook, index_fn *each, void *context,
		      struct error *err)
{
	int r = 0;

	for (uint32_t arch = 0; arch < ABI_ARCHES; arch++) {
		struct syscall_numbers numbers;

		syscall_numbers(hook->syscall, (int)arch, &numbers);
		for (size_t i = 0; i < numbers.n && r >= 0; i++)
			if (numbers.nr[i] < ABI_SYSCALL_NR_MAX - 1) /* the last index stands for all higher numbers */
				r = each(sensor, ABI_SYSCALL_INDEX((uint32_t)hook->at_exit, arch, numbers.nr[i]),
					 context, err);
	}
	return r;
}

static int point_seen(struct sensor *sensor, uint32_t at, void *context, struct error *err)
{
	uint16_t *point = context, here = sensor->index[at].point;

	if (here && *point && here != *point)
		return error_set(err, EBUSY, "two policies name one system call number differently");
	if (here)
		*point = here;
	return 0;
}

static int point_take(struct sensor *sensor, uint32_t at, void *context, struct error *err)
{
	struct abi_syscall value = sensor->index[at];

	value.point = *(const uint16_t *)context;
	return index_write(sensor, at, value, err);
}

static int raw_point(struct sensor *sensor, const struct policy_hook *hook, uint16_t *ret_point, struct error *err)
{
	bool used[ABI_POINTS] = { false };
	uint16_t point = 0;
	int r;

	if (!*hook->syscall) {
		*ret_point = hook->at_exit ? ABI_POINT_ANY_EXIT : ABI_POINT_ANY_ENTER;
		return 0;
	}
	r = each_index(sensor, hook, point_seen, &point, err);
	if (r < 0)
		return r;
	if (!point) {
		for (uint32_t i = 0; i < ABI_SYSCALL_INDEXES; i++)
			used[sensor->index[i].point] = true;
		for (point = ABI_POINT_FIRST; point < ABI_POINTS && used[point]; point++)
			;
		if (point == ABI_POINTS)
			return error_set(err, ENOSPC, "all %d points of system calls are in use", ABI_POINTS);
		/* taken now, so that the policy's next hook does not get it too; the point has no policy yet */
		r = each_index(sensor, hook, point_take, &point, err);
		if (r < 0)
			return r;
	}
	*ret_point = point;
	return 0;
}

static int strings_wanted(struct sensor *sensor, uint32_t at, void *context, struct error *err)
{
	struct abi_syscall value = sensor->index[at];

	value.flags |= ABI_SYSCALL_STRINGS;
	(void)context; /* none */
	return index_write(sensor, at, value, err);
}

/* Every call of one direction, on or off. */
static int any_set(struct sensor *sensor, bool at_exit, uint16_t flags, bool on, struct error *err)
{
	int r = 0;

	for (uint32_t i = 0; i < ABI_ARCHES * ABI_SYSCALL_NR_MAX && r >= 0; i++) {
		uint32_t at = (at_exit ? ABI_ARCHES * ABI_SYSCALL_NR_MAX : 0) + i;
		struct abi_syscall value = sensor->index[at];

		value.flags = on ? value.flags | flags : value.flags & (uint16_t)~flags;
		r = index_write(sensor, at, value, err);
	}
	return r;
}

static int raw_watch(struct sensor *sensor, const struct policy_hook *hook, uint16_t point, struct error *err)
{
	int r = 0;

	/* the second look first: a string that entry can't read must find it there */
	if (hook->at_exit || hook->rule.has_strings) {
		r = sensor_attach(sensor, PROGRAM_SYSCALL_EXIT, err);
		if (r >= 0)
			r = sensor_attach(sensor, PROGRAM_SYSCALL_EXEC, err);
	}
	if (r >= 0 && hook->rule.has_strings)
		r = each_index(sensor, hook, strings_wanted, NULL, err);
	if (r >= 0 && !*hook->syscall)
		r = any_set(sensor, hook->at_exit, ABI_SYSCALL_ANY, true, err);
	(void)point; /* the table has it since raw_point */
	return r;
}

static void raw_unwatch(struct sensor *sensor, uint16_t point)
{
	if (point == ABI_POINT_ANY_ENTER || point == ABI_POINT_ANY_EXIT)
		(void)any_set(sensor, point == ABI_POINT_ANY_EXIT, ABI_SYSCALL_ANY, false,
			      NULL); /* costs time, not safety */
	for (uint32_t at = 0; at < ABI_SYSCALL_INDEXES; at++) {
		struct abi_syscall value = sensor->index[at];

		if (value.point != point)
			continue;
		value.point = 0;
		value.flags &= (uint16_t)~ABI_SYSCALL_STRINGS;
		(void)index_write(sensor, at, value, NULL); /* as above */
	}
	if (!exits_wanted(sensor)) {
		sensor_detach(sensor, PROGRAM_SYSCALL_EXIT);
		sensor_detach(sensor, PROGRAM_SYSCALL_EXEC);
	}
}

static void raw_guarantee(const struct policy *policy, const struct policy_hook *hook, struct sensor_guarantee *ret)
{
	const char *other = *hook->syscall ? syscall_bypasses(hook->syscall) : "";
	bool uring = *hook->syscall ? syscall_in_io_uring(hook->syscall) : true;

	ret->mechanism = "raw_tracepoint";
	ret->effect = hook->at_exit     ? "judged when the call returns"
		      : hook->signalled ? "SIGKILL before the call returns; the call's own effect may happen"
					: "observed at entry";
	ret->racy = hook->rule.has_strings;
	(void)snprintf(ret->bypass, sizeof ret->bypass, "%s%s%s", uring ? "io_uring" : "", uring && *other ? ", " : "",
		       other); /* texts of ours, short */
	(void)policy;          /* the hook says all */
}

const struct mechanism mechanism_raw_tracepoint = {
	.name = "raw_tracepoint",
	.init = raw_init,
	.accepts = raw_accepts,
	.point = raw_point,
	.watch = raw_watch,
	.unwatch = raw_unwatch,
	.guarantee = raw_guarantee,
};
