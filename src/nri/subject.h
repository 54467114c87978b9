/* SPDX-License-Identifier: Apache-2.0 */
/*
 * src/nri/subject.h: the container that a request is about, in the hook's terms: identity from NRI's own fields, which
 * a tenant cannot write, and the expanded cgroup path, which has to agree with it.
 */
#ifndef NRI_SUBJECT_H
#define NRI_SUBJECT_H

#include <stdbool.h>

#include "ask/ask_request.h"
#include "nri/nri_message.h"
#include "oci/cgroup_path.h"

struct nri_subject {
	struct ask_container container; /* spec stays empty: annotations are walked where they lie */
	const struct nri_pod *pod;      /* borrowed */
	const struct nri_container *nri;
	char path[CGROUP_PATH_MAX];
};

/*
 * Fills in *ret_subject, which borrows from both. Returns 0, or -EPERM: the pod's UID is not the cgroup path's, or the
 * path climbs: forged. A path that says nothing is left empty: the agent refuses what it cannot find.
 */
int nri_subject_tell(enum runtime runtime, const struct nri_pod *pod, const struct nri_container *container,
		     struct nri_subject *ret_subject, struct error *err);

/* The image's name: "" if neither the runtime nor its annotations tell. Borrows. */
struct str nri_subject_image(enum runtime runtime, const struct nri_container *container);

/* The labels of the subject's pod are all that it has, be it none. */
bool nri_subject_labels_known(const struct nri_subject *subject);

#endif
