/* SPDX-License-Identifier: Apache-2.0 */
/*
 * src/sensor/mechanism.h: a way to stop at a place in the kernel and judge there. A policy says what (a system call);
 * the sensor takes the first mechanism of the table that can do it on this kernel, strongest first, and says which. A
 * further one (LSM, fmod_ret, kprobe with override, kprobe) is a further file and a further row.
 */
#ifndef SENSOR_MECHANISM_H
#define SENSOR_MECHANISM_H

#include <stdbool.h>
#include <stdint.h>

struct error;
struct policy;
struct policy_hook;
struct sensor;
struct sensor_guarantee;

struct mechanism {
	const char *name;
	/* Once after the programs are there. */
	int (*init)(struct sensor *sensor, struct error *err);
	/* 0: can judge this hook on the running kernel. -ENOTSUP: err says why. */
	int (*accepts)(const struct sensor *sensor, const struct policy_hook *hook, struct error *err);
	/* The point where the hook is judged, reserved if it is new. Nothing is judged yet. -ENOSPC, -EBUSY. */
	int (*point)(struct sensor *sensor, const struct policy_hook *hook, uint16_t *ret_point, struct error *err);
	/* Makes the kernel judge `point` for this hook. Rows are complete by now. */
	int (*watch)(struct sensor *sensor, const struct policy_hook *hook, uint16_t point, struct error *err);
	/* No policy watches `point` any more: the kernel need not look at it. */
	void (*unwatch)(struct sensor *sensor, uint16_t point);
	void (*guarantee)(const struct policy *policy, const struct policy_hook *hook,
			  struct sensor_guarantee *ret_guarantee);
};

extern const struct mechanism mechanism_raw_tracepoint;

/* All of them, strongest first; NULL ends. */
extern const struct mechanism *const mechanisms[];

/* The one that takes this hook, or NULL with the reason of each in err. */
const struct mechanism *mechanism_for(const struct sensor *sensor, const struct policy_hook *hook, struct error *err);

#endif
