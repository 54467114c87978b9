/* SPDX-License-Identifier: Apache-2.0 */
/* An expanded path is its own expansion, and its parts lie within it. */
#include <assert.h>
#include <errno.h>
#include <stdint.h>
#include <stdlib.h>

#include "base/error.h"
#include "oci/cgroup_path.h"
#include "oci/runtime.h"

static void within(struct str part, struct str whole)
{
	assert(!part.len || (part.p >= whole.p && part.p + part.len <= whole.p + whole.len));
	assert(str_find(part, '/') < 0);
}

static void parts_check(struct str path)
{
	struct str uid = cgroup_path_pod_uid(path);
	struct str id = cgroup_path_container_id(path);
	struct str leaf = cgroup_path_leaf(path);

	within(uid, path);
	within(id, path);
	within(leaf, path);
	within(cgroup_path_parent(path), path);
	assert(str_ends(leaf, id));
	assert(cgroup_path_uid_equal(uid, uid));
	assert(runtime_detect(path) != RUNTIME_AUTO);
	if (cgroup_path_climbs(path))
		assert(memmem(path.p, path.len, "..", 2));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct str spec = { (const char *)data, size };
	char small[64], path[CGROUP_PATH_MAX], again[CGROUP_PATH_MAX];
	struct error err = { 0 };
	int n = cgroup_path_expand(spec, path, sizeof path, &err);
	int m = cgroup_path_expand(spec, small, sizeof small, NULL);

	parts_check(spec);
	assert(n >= 0 || n == -ENODATA || n == -EINVAL || n == -ENAMETOOLONG);
	assert(n >= 0 || err.text[0]);
	if (n < 0)
		return 0;
	assert(strlen(path) == (size_t)n && strchr(path, '/'));
	assert(m == (n < (int)sizeof small ? n : -ENAMETOOLONG));
	assert(cgroup_path_expand((struct str){ path, (size_t)n }, again, sizeof again, NULL) == n &&
	       !strcmp(path, again));
	parts_check((struct str){ path, (size_t)n });
	return 0;
}
