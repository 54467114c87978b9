/* SPDX-License-Identifier: Apache-2.0 */
/* src/agent/policies_refresh.h: after a change of policies: all containers of the kernel get the set that they should
 * have. */
#ifndef AGENT_POLICIES_REFRESH_H
#define AGENT_POLICIES_REFRESH_H

struct error;
struct pod_registry;
struct policies;
struct sensor;

/*
 * Those that have their set are left alone, and so are those that nobody knows yet (announced, not confirmed). Who a
 * container is tells the registry, else what the kernel was told of it. -ENOMEM, or -errno of the kernel: then some
 * have their new set and some the old one.
 */
int policies_refresh(const struct policies *policies, const struct pod_registry *registry, struct sensor *sensor,
		     struct error *err);

#endif
