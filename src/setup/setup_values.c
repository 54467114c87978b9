/* SPDX-License-Identifier: Apache-2.0 */
#include "setup/setup_values.h"

#include <errno.h>
#include <string.h>

#include "base/buf.h"
#include "base/error.h"
#include "setup/setup_context.h"

int setup_path_join(char *path, size_t size, const char *dir, const char *name, const char *end, struct error *err)
{
	struct buf out = buf_over(path, size);
	struct str all = str_of(dir);

	while (all.len > 1 && str_ends(all, STR("/")))
		all.len--;
	buf_str(&out, all);
	if (!str_is(all, "/"))
		buf_byte(&out, '/');
	buf_text(&out, name);
	buf_text(&out, end);
	return out.overflow ? error_set(err, ENAMETOOLONG, "%s/%s: too long", dir, name) : 0;
}

int setup_is_one_of(struct setup_context *context, const char *flag, const char *value, const char *const *known,
		    struct error *err)
{
	char all[256];
	struct buf out = buf_over(all, sizeof all);

	for (const char *const *one = known; *one; one++) {
		if (!strcmp(*one, value))
			return 0;
		buf_printf(&out, "%s%s", out.len ? ", " : "", *one);
	}
	return setup_usage_error(context, err, "--%s: want one of %s, not '%.80s'", flag, all, value);
}

int setup_is_runtime(struct setup_context *context, struct error *err)
{
	static const char *const known[] = { "auto", "containerd", "cri-o", "podman", "docker", NULL };

	return setup_is_one_of(context, "runtime", context->conf.runtime, known, err);
}

int setup_is_absolute(struct setup_context *context, const char *flag, const char *path, struct error *err)
{
	if (!*path)
		return setup_usage_error(context, err, "--%s is required", flag);
	if (*path != '/')
		return setup_usage_error(context, err, "--%s: want an absolute path, not '%.80s'", flag, path);
	return 0;
}
