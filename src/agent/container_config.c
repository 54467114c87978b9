/* SPDX-License-Identifier: Apache-2.0 */
#include "agent/container_config.h"

#include <errno.h>
#include <limits.h>
#include <stdlib.h>

#include "base/buf.h"
#include "base/error.h"
#include "oci/bundle.h"
#include "oci/spec.h"
#include "oci/state.h"

#define MEMORY_BYTES \
	(16 * 1024 * 1024) /* a config.json of SPEC_MAX_BYTES, and its tree; touched only as far as needed */

static const struct {
	const char *before, *after;
} places[] = {
	{ "/run/containerd/io.containerd.runtime.v2.task/k8s.io/", "" },
	{ "/run/containerd/io.containerd.runtime.v2.task/moby/", "" },
	{ "/run/containerd/io.containerd.runtime.v2.task/default/", "" },
	{ "/run/containers/storage/overlay-containers/", "/userdata" },
	{ "/var/lib/containers/storage/overlay-containers/", "/userdata" },
};

static int config_read(const char *path, const char *id, const char *cgroup_path, struct arena *arena,
		       struct container_config *config, struct error *err)
{
	const struct oci_state state = { .id = str_of(id) };
	struct bundle bundle;
	struct spec spec;
	int r = bundle_read(str_of(path), arena, &bundle, err);

	if (r < 0)
		return r;
	r = spec_parse(bundle.config, arena, &spec, err);
	if (r >= 0) {
		config->root_dir = bundle_root_dir(&bundle, spec.root_path, arena);
		r = bundle_check_outside(&bundle, config->root_dir, err);
	}
	bundle_done(&bundle);
	if (r < 0)
		return r;
	identity_tell(RUNTIME_AUTO, &spec, &state, str_of(cgroup_path), &config->identity);
	return identity_check(&config->identity, str_of(cgroup_path), err);
}

int container_config_find(const char *root, const char *id, const char *cgroup_path,
			  struct container_config *ret_config, struct error *err)
{
	struct container_config config = { .memory = malloc(MEMORY_BYTES) };
	int r = -ENOENT;

	if (!config.memory)
		return error_errno(err, ENOMEM, "config.json of container %s", id);
	for (size_t i = 0; r == -ENOENT && i < sizeof places / sizeof *places; i++) {
		struct arena arena = arena_over(config.memory, MEMORY_BYTES);
		char path[PATH_MAX];
		struct buf text = buf_over(path, sizeof path);

		buf_printf(&text, "%s%s%s%s", root, places[i].before, id, places[i].after);
		if (!text.overflow)
			r = config_read(path, id, cgroup_path, &arena, &config, err);
	}
	if (r < 0) {
		container_config_done(&config);
		return r;
	}
	*ret_config = config;
	return 0;
}

void container_config_done(struct container_config *config)
{
	free(config->memory);
	config->memory = NULL;
}
