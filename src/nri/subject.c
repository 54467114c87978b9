/* SPDX-License-Identifier: Apache-2.0 */
#include "nri/subject.h"

#include <errno.h>

#include "base/error.h"

struct str nri_subject_image(enum runtime runtime, const struct nri_container *container)
{
	const char *key = runtime_keys(runtime)->image;

	if (container->image.len || !key)
		return container->image;
	return nri_walk_find(nri_container_annotations(container), str_of(key));
}

int nri_subject_tell(enum runtime runtime, const struct nri_pod *pod, const struct nri_container *container,
		     struct nri_subject *ret_subject, struct error *err)
{
	struct ask_container *told = &ret_subject->container;
	int n = cgroup_path_expand(container->cgroups_path, ret_subject->path, sizeof ret_subject->path, NULL);

	ret_subject->pod = pod;
	ret_subject->nri = container;
	*told = (struct ask_container){
		.identity = { .runtime = runtime,
			      .container_name = container->name,
			      .container_id = container->id,
			      .image = nri_subject_image(runtime, container),
			      .pod_name = pod->name,
			      .pod_uid = pod->uid,
			      .pod_namespace = pod->name_space },
		.cgroup_path = { ret_subject->path, n > 0 ? (size_t)n : 0 },
	};
	if (cgroup_path_climbs(told->cgroup_path))
		return error_set(err, EPERM, "forged cgroup path '%s': it holds '..'", ret_subject->path);
	if (pod->uid.len && cgroup_path_pod_uid(told->cgroup_path).len &&
	    !cgroup_path_uid_equal(cgroup_path_pod_uid(told->cgroup_path), pod->uid))
		return error_set(err, EPERM, "forged identity: the runtime says pod UID '%.*s', cgroup path '%s'",
				 (int)pod->uid.len, pod->uid.p, ret_subject->path);
	return 0;
}

bool nri_subject_labels_known(const struct nri_subject *subject)
{
	return subject->pod->id.len && !subject->pod->labels_cut; /* else the runtime did not list the pod */
}
