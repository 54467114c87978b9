/* SPDX-License-Identifier: Apache-2.0 */
/* Limits hold, no key is there twice, no text holds a NUL, and whatever was parsed becomes a request within its arena.
 */
#include <assert.h>
#include <errno.h>
#include <stdint.h>
#include <stdlib.h>

#include "base/error.h"
#include "ask/ask_request.h"
#include "oci/cgroup_path.h"
#include "oci/state.h"

#define ARENA_BYTES (1024 * 1024)

static void spec_check(const struct spec *spec)
{
	assert(spec->annotations <= SPEC_ANNOTATIONS_MAX && spec->mounts <= SPEC_MOUNTS_MAX);
	assert(spec->namespaces <= SPEC_NAMESPACES_MAX);
	assert(str_find(spec->root_path, '\0') < 0 && str_find(spec->cgroups_path, '\0') < 0);
	for (size_t i = 0; i < spec->annotations; i++) {
		assert(str_find(spec->annotation[i].key, '\0') < 0 && str_find(spec->annotation[i].value, '\0') < 0);
		for (size_t n = 0; n < i && i < 100; n++)
			assert(!str_equal(spec->annotation[i].key, spec->annotation[n].key));
	}
	for (size_t i = 0; i < spec->mounts; i++)
		assert(spec->mount[i].options <= SPEC_MOUNT_OPTIONS_MAX);
}

static void request_check(const struct spec *spec, struct arena *arena)
{
	struct ask_container container = { .spec = *spec };
	struct oci_state none = { 0 };
	char path[CGROUP_PATH_MAX];
	struct str body;
	int n = cgroup_path_expand(spec->cgroups_path, path, sizeof path, NULL);

	if (n >= 0)
		container.cgroup_path = (struct str){ path, (size_t)n };
	identity_tell(RUNTIME_AUTO, spec, &none, container.cgroup_path, &container.identity);
	(void)identity_check(&container.identity, container.cgroup_path, NULL);
	if (ask_request_build(&container, arena, 4096, &body, NULL) >= 0)
		assert(body.len >= 7 && arena->size - arena->used >= 4096 - 64);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static char memory[ARENA_BYTES];
	struct arena arena = arena_over(memory, sizeof memory);
	struct error err = { 0 };
	struct spec spec;
	int r = spec_parse((struct str){ (const char *)data, size }, &arena, &spec, &err);

	assert(r == 0 || r == -EINVAL || r == -E2BIG || r == -ENOMEM);
	assert(r == 0 || err.text[0]);
	if (!r) {
		spec_check(&spec);
		request_check(&spec, &arena);
	}
	return 0;
}
