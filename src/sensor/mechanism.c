/* SPDX-License-Identifier: Apache-2.0 */
#include "sensor/mechanism.h"

#include <errno.h>
#include <stddef.h>

#include "base/error.h"
#include "policy/policy.h"
#include "sensor/sensor.h"

const struct mechanism *const mechanisms[] = { &mechanism_raw_tracepoint, NULL };

const struct mechanism *mechanism_for(const struct sensor *sensor, const struct policy_hook *hook, struct error *err)
{
	for (size_t i = 0; mechanisms[i]; i++)
		if (mechanisms[i]->accepts(sensor, hook, err) >= 0)
			return mechanisms[i];
	return NULL;
}

void sensor_policy_guarantee(const struct sensor *sensor, const struct policy *policy, size_t hook,
			     struct sensor_guarantee *ret_guarantee)
{
	const struct mechanism *mechanism = mechanism_for(sensor, &policy->hook[hook], NULL);

	*ret_guarantee = (struct sensor_guarantee){ .mechanism = "none", .effect = "not judged" };
	if (mechanism)
		mechanism->guarantee(policy, &policy->hook[hook], ret_guarantee);
}
