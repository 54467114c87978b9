/* SPDX-License-Identifier: Apache-2.0 */
/*
 * src/agent/unseen_record.h: what the hook leaves for us when it lets a container start without an agent: a JSON object
 * of texts (the form is the hook's: src/ask/ask_unseen.h). Pure.
 */
#ifndef AGENT_UNSEEN_RECORD_H
#define AGENT_UNSEEN_RECORD_H

#include <limits.h>

#include "base/str.h"
#include "pod/registry.h"

struct error;

#define UNSEEN_RECORD_MAX (64 * 1024) /* bytes */

struct unseen_record {
	char cgroup_path[PATH_MAX], root_dir[PATH_MAX];
	char container_id[POD_ID_MAX + 1], container_name[POD_NAME_MAX + 1], image[POD_IMAGE_MAX + 1];
	char pod_name[POD_NAME_MAX + 1], pod_uid[POD_ID_MAX + 1], pod_namespace[POD_NAME_MAX + 1];
	char time[64];
};

/*
 * Parses `text` (hostile). Members that are absent or null are ""; members that we do not know are skipped.
 * -EINVAL malformed, a member twice or of another type, a text too long, no cgroupsPath; -E2BIG nested too deeply.
 */
int unseen_record_parse(struct str text, struct unseen_record *ret_record, struct error *err);

#endif
