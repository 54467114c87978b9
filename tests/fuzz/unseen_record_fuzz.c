/* SPDX-License-Identifier: Apache-2.0 */
/* A record that somebody else may have written: it parses to texts that end within their members, or not at all. */
#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "agent/unseen_record.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char *text = malloc(size ? size : 1); /* exact fit: ASan sees one byte too many */
	static struct unseen_record record;

	memcpy(text, data, size);
	if (unseen_record_parse((struct str){ text, size }, &record, NULL) == 0) {
		assert(record.cgroup_path[0]);
		assert(memchr(record.cgroup_path, 0, sizeof record.cgroup_path));
		assert(memchr(record.pod_namespace, 0, sizeof record.pod_namespace));
		assert(memchr(record.time, 0, sizeof record.time));
	}
	free(text);
	return 0;
}
