/* SPDX-License-Identifier: Apache-2.0 */
/*
 * src/oci/runtime.h: which program made a container's spec, because that decides which annotations are its own word and
 * which are a tenant's. Source: specs of containerd 1.7 to 2.3, CRI-O 1.37, podman 4.3 (tests/fixtures/oci) and
 * docker's names of cgroups.
 */
#ifndef OCI_RUNTIME_H
#define OCI_RUNTIME_H

#include "base/str.h"

struct error;

enum runtime { RUNTIME_AUTO = 0, RUNTIME_CONTAINERD, RUNTIME_CRIO, RUNTIME_PODMAN, RUNTIME_DOCKER, RUNTIMES };

/* The annotation keys that one runtime writes itself. A NULL key: that runtime has none. */
struct runtime_keys {
	const char *container_name, *container_id, *image, *pod_name, *pod_uid, *pod_namespace;
};

/* "auto", "containerd", "cri-o", "podman", "docker". Returns 0, or -EINVAL with the list of names. */
int runtime_parse(struct str name, enum runtime *ret_runtime, struct error *err);
const char *runtime_name(enum runtime runtime);

/*
 * By what the runtime itself made, the last element of the expanded cgroup path: crio-… is CRI-O, libpod-… podman,
 * docker-… or a parent named docker is docker; anything else, "" included, is containerd. Never RUNTIME_AUTO.
 */
enum runtime runtime_detect(struct str cgroup_path);

/* Keys of any runtime but RUNTIME_AUTO; static. */
const struct runtime_keys *runtime_keys(enum runtime runtime);

#endif
