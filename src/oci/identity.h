/* SPDX-License-Identifier: Apache-2.0 */
/*
 * src/oci/identity.h: who a container is, told from what its runtime wrote and checked against what the kubelet made.
 * Annotations are tenant input: only the key set of the one runtime counts (oci/runtime.h), and a pod UID must be the
 * one that the cgroup path carries.
 */
#ifndef OCI_IDENTITY_H
#define OCI_IDENTITY_H

#include "base/str.h"
#include "oci/runtime.h"

struct error;
struct oci_state;
struct spec;

/* Spans of what they were told from; "" = unknown. */
struct identity {
	enum runtime runtime; /* never RUNTIME_AUTO */
	struct str container_name, container_id, image;
	struct str pod_name, pod_uid, pod_namespace;
	const char *pod_uid_from; /* who says so, for errors: an annotation's key; static. NULL = nobody */
};

/*
 * Fills in *ret_identity. `runtime` AUTO: detected from cgroup_path (expanded; "" if unknown). container_id is the
 * state's, else the annotation, else the cgroup path's. Cannot fail.
 */
void identity_tell(enum runtime runtime, const struct spec *spec, const struct oci_state *state, struct str cgroup_path,
		   struct identity *ret_identity);

/*
 * Returns 0, or -EPERM with both sides in the text: the path climbs ("..") or its pod UID is another one than the
 * one that was told. Where one of the two UIDs is not there, nothing contradicts.
 */
int identity_check(const struct identity *identity, struct str cgroup_path, struct error *err);

#endif
