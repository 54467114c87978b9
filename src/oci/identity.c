/* SPDX-License-Identifier: Apache-2.0 */
#include "oci/identity.h"

#include <errno.h>

#include "base/error.h"
#include "oci/cgroup_path.h"
#include "oci/spec.h"
#include "oci/state.h"

static struct str annotation(const struct spec *spec, const char *key)
{
	return key ? spec_annotation(spec, str_of(key)) : (struct str){ 0 };
}

static struct str container_id_tell(struct str from_state, struct str from_annotation, struct str cgroup_path)
{
	if (from_state.len)
		return from_state;
	if (from_annotation.len)
		return from_annotation;
	return cgroup_path_container_id(cgroup_path);
}

void identity_tell(enum runtime runtime, const struct spec *spec, const struct oci_state *state, struct str cgroup_path,
		   struct identity *ret_identity)
{
	const struct runtime_keys *keys;

	if (runtime == RUNTIME_AUTO)
		runtime = runtime_detect(cgroup_path);
	keys = runtime_keys(runtime);
	*ret_identity = (struct identity){
		.runtime = runtime,
		.container_name = annotation(spec, keys->container_name),
		.container_id = container_id_tell(state->id, annotation(spec, keys->container_id), cgroup_path),
		.image = annotation(spec, keys->image),
		.pod_name = annotation(spec, keys->pod_name),
		.pod_uid = annotation(spec, keys->pod_uid),
		.pod_namespace = annotation(spec, keys->pod_namespace),
		.pod_uid_from = keys->pod_uid,
	};
}

int identity_check(const struct identity *identity, struct str cgroup_path, struct error *err)
{
	struct str uid = cgroup_path_pod_uid(cgroup_path);

	if (cgroup_path_climbs(cgroup_path))
		return error_set(err, EPERM, "forged cgroup path '%.*s': it holds '..'", (int)cgroup_path.len,
				 cgroup_path.p);
	if (uid.len && identity->pod_uid.len && !cgroup_path_uid_equal(uid, identity->pod_uid))
		return error_set(err, EPERM, "forged identity: %s says pod UID '%.*s', the cgroup path says '%.*s'",
				 identity->pod_uid_from ? identity->pod_uid_from : "the caller",
				 (int)identity->pod_uid.len, identity->pod_uid.p, (int)uid.len, uid.p);
	return 0;
}
