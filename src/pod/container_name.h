/* SPDX-License-Identifier: Apache-2.0 */
/*
 * src/pod/container_name.h: the container id in the name of a cgroup directory (one path element). Runtimes name it
 *   cri-containerd-<id>.scope, <id>              containerd (systemd driver, cgroupfs driver)
 *   crio-<id>.scope, crio-<id>                   CRI-O; crio-conmon-<id> is its monitor, no container
 *   libpod-<id>.scope, libpod-<id>               podman; libpod-conmon-<id> likewise
 *   docker-<id>.scope, <id>                      docker, cri-dockerd; nerdctl-<id>.scope likewise
 *   <slice>:<prefix>:<id>                        a systemd style cgroupsPath that became a directory by the cgroupfs
 * driver with <id> = 64 lower-case hex digits. Source: reference of the events, section 5, and captured specs. Pure;
 * any thread.
 */
#ifndef POD_CONTAINER_NAME_H
#define POD_CONTAINER_NAME_H

#include "base/str.h"

#define CONTAINER_ID_DIGITS 64

/*
 * The id within `leaf` (a span of it), or "" when the name is no container's. *ret_runtime (may be NULL) is the scheme
 * that the name tells: "containerd", "cri-o", "podman", "docker", or "" for a bare id.
 */
struct str container_name_id(struct str leaf, const char **ret_runtime);

#endif
