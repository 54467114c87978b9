/* SPDX-License-Identifier: Apache-2.0 */
/*
 * src/oci/cgroup_path.h: where a runtime puts a container, told from linux.cgroupsPath of its OCI spec, and what the
 * path says about the container: the runtime's name for it, the pod's UID.
 *   cgroupfs driver  "/kubepods/pod<uid>/<id>"   holds a '/': taken as it stands
 *   systemd driver   "a-b.slice:cri:<id>"        becomes "/a.slice/a-b.slice/cri-<id>.scope"
 * Source: OCI runtime-spec, config-linux.md, "Cgroups Path"; systemd.slice(5); the kubelet's cgroup names. Pure: no
 * allocation, file or state; any thread.
 */
#ifndef OCI_CGROUP_PATH_H
#define OCI_CGROUP_PATH_H

#include <stdbool.h>
#include <stddef.h>

#include "base/str.h"

struct error;

#define CGROUP_PATH_MAX 4096 /* bytes with the NUL: the kernel's limit of a path */

/*
 * Expands `spec` (borrowed, hostile) into `path`, the caller's `size` bytes, NUL-terminated. Returns the length in
 * bytes without the NUL; on failure `path` is unspecified, `err` (may be NULL) tells the part that was wrong, and the
 * result is -ENODATA       `spec` is empty -EINVAL        neither shape; a slice with an empty level ("a--b.slice") or
 * without ".slice"; a NUL byte -ENAMETOOLONG  the result with its NUL needs more than `size` An empty slice (":runc:x")
 * is system.slice, as in runc and crun. ".." passes: see cgroup_path_climbs.
 */
int cgroup_path_expand(struct str spec, char *path, size_t size, struct error *err);

/* True if a component of the path is "..": no runtime writes that, so it is a forgery. */
bool cgroup_path_climbs(struct str path);

/* The last component of an expanded path without ".scope"; "" for "/" and "". A span of `path`. */
struct str cgroup_path_leaf(struct str path);

/* The component before the last one; "" if there is none. A span of `path`. */
struct str cgroup_path_parent(struct str path);

/*
 * The container id in the last component: what follows the runtime's prefix ("cri-containerd-", "crio-", "libpod-",
 * "docker-", …), told by 64 hexadecimal digits at its end; another name is taken whole. A span of `path`.
 */
struct str cgroup_path_container_id(struct str path);

/*
 * The pod's UID as it stands in the innermost pod directory above the last component, as a span of `path`, with '_'
 * where the systemd driver wrote '_' for '-'; "" where the path names no pod. Shapes of the directory (kubelet, any
 * cgroup root above, kind's included): cgroupfs  kubepods/pod<uid>, kubepods/besteffort/pod<uid>,
 * kubepods/burstable/pod<uid> systemd   …kubepods-pod<uid>.slice, …kubepods-besteffort-pod<uid>.slice,
 * …kubepods-burstable-pod<uid>.slice <uid> is the API server's UUID, a static pod's 32 hexadecimal digits, or whatever
 * a static pod's manifest says.
 */
struct str cgroup_path_pod_uid(struct str path);

/* Equal as pod UIDs: as text after '_' has become '-' on both sides. */
bool cgroup_path_uid_equal(struct str a, struct str b);

#endif
