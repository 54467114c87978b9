/* SPDX-License-Identifier: Apache-2.0 */
/* The file system's side of agent/policies.h: policies_stage_file and policies_stage_dir. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "agent/policies.h"
#include "agent/policies_stage.h"
#include "base/buf.h"
#include "base/cleanup.h"
#include "base/error.h"
#include "base/file.h"
#include "policy/policy.h"

#define FILES_MAX 4096 /* names in one folder */

int policies_stage_file(struct policies *policies, const char *path, struct error *err)
{
	auto_free char *text = NULL;
	size_t len;
	int r = file_read_at(AT_FDCWD, path, POLICY_BYTES_MAX, &text, &len, err);

	if (r < 0)
		return error_wrap(err, r, "cannot load the policy: %s", path);
	return policies_stage(policies, path, text, len, err);
}

static int is_wanted(const struct dirent *entry)
{
	size_t len = strlen(entry->d_name);

	return entry->d_name[0] != '.' && entry->d_name[len - 1] != '~';
}

/* In the order of names, so that ids and messages are the same at each start. */
static int stage_folder(struct policies *policies, const char *dir, bool is_top, struct error *err)
{
	struct dirent **names = NULL;
	int n = scandir(dir, &names, is_wanted, alphasort), r = 0;

	if (n < 0)
		return error_errno(err, errno, "cannot read the folder of policies: %s", dir);
	if (n > FILES_MAX)
		r = error_set(err, E2BIG, "%s: more than %d files", dir, FILES_MAX);
	for (int i = 0; i < n; i++) {
		char path[PATH_MAX];
		struct buf text = buf_over(path, sizeof path);
		struct stat st;

		buf_printf(&text, "%s/%s", dir, names[i]->d_name);
		if (r >= 0 && text.overflow)
			r = error_set(err, ENAMETOOLONG, "%s/%s", dir, names[i]->d_name);
		if (r >= 0 && stat(path, &st) < 0)
			r = error_errno(err, errno, "cannot load the policy: %s", path);
		if (r >= 0 && S_ISREG(st.st_mode))
			r = policies_stage_file(policies, path, err);
		else if (r >= 0 && S_ISDIR(st.st_mode) && is_top)
			r = stage_folder(policies, path, false, err);
		free(names[i]);
	}
	free(names);
	return r;
}

int policies_stage_dir(struct policies *policies, const char *dir, bool may_be_missing, struct error *err)
{
	struct stat st;

	if (stat(dir, &st) < 0 && errno == ENOENT && may_be_missing)
		return 0;
	return stage_folder(policies, dir, true, err);
}
