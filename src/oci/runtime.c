/* SPDX-License-Identifier: Apache-2.0 */
#include "oci/runtime.h"

#include <assert.h>
#include <errno.h>

#include "base/error.h"
#include "oci/cgroup_path.h"

static const char *const names[RUNTIMES] = {
	[RUNTIME_AUTO] = "auto",     [RUNTIME_CONTAINERD] = "containerd", [RUNTIME_CRIO] = "cri-o",
	[RUNTIME_PODMAN] = "podman", [RUNTIME_DOCKER] = "docker",
};

static const struct runtime_keys keys_containerd = {
	.container_name = "io.kubernetes.cri.container-name",
	.image = "io.kubernetes.cri.image-name",
	.pod_name = "io.kubernetes.cri.sandbox-name",
	.pod_uid = "io.kubernetes.cri.sandbox-uid",
	.pod_namespace = "io.kubernetes.cri.sandbox-namespace",
};

/* podman takes them from the operator's command line, and the operator may. */
static const struct runtime_keys keys_crio = {
	.container_name = "io.kubernetes.container.name",
	.container_id = "io.kubernetes.cri-o.ContainerID",
	.image = "io.kubernetes.cri-o.ImageName",
	.pod_name = "io.kubernetes.pod.name",
	.pod_uid = "io.kubernetes.pod.uid",
	.pod_namespace = "io.kubernetes.pod.namespace",
};

static const struct runtime_keys keys_none = { 0 };

int runtime_parse(struct str name, enum runtime *ret_runtime, struct error *err)
{
	for (size_t i = 0; i < RUNTIMES; i++)
		if (str_is(name, names[i])) {
			*ret_runtime = (enum runtime)i;
			return 0;
		}
	return error_set(err, EINVAL, "unknown runtime '%.*s'; want auto, containerd, cri-o, podman or docker",
			 (int)name.len, name.p);
}

const char *runtime_name(enum runtime runtime)
{
	return names[runtime];
}

enum runtime runtime_detect(struct str cgroup_path)
{
	struct str leaf = cgroup_path_leaf(cgroup_path);

	if (str_starts(leaf, STR("crio-")))
		return RUNTIME_CRIO;
	if (str_starts(leaf, STR("libpod-")))
		return RUNTIME_PODMAN;
	if (str_starts(leaf, STR("docker-")) || str_is(cgroup_path_parent(cgroup_path), "docker"))
		return RUNTIME_DOCKER;
	return RUNTIME_CONTAINERD;
}

const struct runtime_keys *runtime_keys(enum runtime runtime)
{
	switch (runtime) {
	case RUNTIME_CONTAINERD:
		return &keys_containerd;
	case RUNTIME_CRIO:
	case RUNTIME_PODMAN:
		return &keys_crio;
	case RUNTIME_DOCKER:
		return &keys_none;
	case RUNTIME_AUTO:
	case RUNTIMES:
		break;
	}
	assert(false); /* detected, or named on the command line */
	return &keys_none;
}
