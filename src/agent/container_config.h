/* SPDX-License-Identifier: Apache-2.0 */
/*
 * src/agent/container_config.h: who a container is, by its id alone: its config.json lies where its runtime keeps
 * state. Looked at: containerd (namespaces k8s.io, moby, default), CRI-O and podman.
 */
#ifndef AGENT_CONTAINER_CONFIG_H
#define AGENT_CONTAINER_CONFIG_H

#include <stddef.h>

#include "oci/identity.h"

struct error;

/* The parsed identity with the memory that it points into. */
struct container_config {
	struct identity identity;
	struct str root_dir; /* "" = unknown */
	void *memory;        /* owned */
};

/*
 * Finds the state of container `id` below `root` (the host's root directory as we see it, "/proc/1/root");
 * `cgroup_path` is where it runs: it tells the runtime, and is checked against the pod UID. 0, and the caller ends with
 * container_config_done; -ENOENT no state known; -EPERM forged or not root's; -EINVAL … as spec_parse; -ENOMEM.
 */
int container_config_find(const char *root, const char *id, const char *cgroup_path,
			  struct container_config *ret_config, struct error *err);
void container_config_done(struct container_config *config);

#endif
