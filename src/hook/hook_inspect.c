/* SPDX-License-Identifier: Apache-2.0 */
#include "hook/hook_inspect.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/error.h"
#include "base/log.h"
#include "hook/hook_cel.h"
#include "match/regex.h"
#include "rpc/grpc_target.h"

static unsigned mistake(const struct hook_inspect *inspect, const struct error *err)
{
	inspect->report(inspect->user, true, err->text);
	return 1;
}

static void doubt(const struct hook_inspect *inspect, const struct error *err)
{
	inspect->report(inspect->user, false, err->text);
}

static unsigned level_inspect(const struct hook_inspect *inspect)
{
	enum log_level level;
	struct error err = { 0 };

	if (log_level_parse(str_of(inspect->conf->log_level), &level) >= 0)
		return 0;
	(void)error_set(&err, EINVAL, "--log-level: '%.80s' is no level; want debug, info, warn or error",
			inspect->conf->log_level);
	return mistake(inspect, &err);
}

static unsigned agent_inspect(const struct hook_inspect *inspect)
{
	struct grpc_target target;
	struct error err = { 0 };
	unsigned mistakes = 0;

	if (grpc_target_parse(str_of(inspect->conf->agent), &target, &err) < 0) {
		(void)error_wrap(&err, -EINVAL, "--grpc-address");
		mistakes += mistake(inspect, &err);
	}
	if (!inspect->conf->timeout_ns) {
		(void)error_set(&err, EINVAL, "--grpc-timeout: 0 leaves no time for an answer: every call fails");
		mistakes += mistake(inspect, &err);
	}
	if (inspect->conf->disable_grpc) {
		(void)error_set(&err, EINVAL, "--disable-grpc: every container starts without the agent knowing");
		doubt(inspect, &err);
	}
	return mistakes;
}

static unsigned patterns_inspect(const struct hook_inspect *inspect)
{
	const struct flag_list *list = &inspect->conf->allow_namespaces_regex;
	unsigned mistakes = 0;

	for (size_t i = 0; i < list->n; i++) {
		size_t before = inspect->arena->used;
		const struct regex *regex;
		struct error err = { 0 };
		int r = regex_compile(str_of(list->item[i]), inspect->arena, &regex, &err);

		if (r >= 0 && regex_search(regex, STR(""), inspect->arena, NULL) > 0) {
			(void)error_set(&err, EINVAL,
					"--fail-allow-namespaces-regex: '%.80s' matches every namespace; anchor it, as "
					"in ^name$",
					list->item[i]);
			doubt(inspect, &err);
		}
		inspect->arena->used = before;
		if (r < 0) {
			(void)error_wrap(&err, r, "--fail-allow-namespaces-regex");
			mistakes += mistake(inspect, &err);
		}
	}
	return mistakes;
}

static unsigned expression_inspect(const struct hook_inspect *inspect)
{
	size_t before = inspect->arena->used;
	struct cel_program *program;
	struct error err = { 0 };
	int r;

	if (!inspect->conf->fail_cel_expr[0])
		return 0;
	r = hook_cel_compile(inspect->conf->fail_cel_expr, true, inspect->arena, &program, &err);
	inspect->arena->used = before;
	if (r >= 0)
		return 0;
	(void)error_wrap(&err, r, "--fail-cel-expr");
	return mistake(inspect, &err);
}

/* Whether a tenant could write the key: it is another runtime's own one. */
static bool is_foreign(enum runtime runtime, const char *key)
{
	const char *own = runtime_keys(runtime)->pod_namespace;

	for (int other = RUNTIME_CONTAINERD; other < RUNTIMES; other++) {
		const char *foreign = runtime_keys((enum runtime)other)->pod_namespace;

		if (foreign && !strcmp(foreign, key))
			return !own || strcmp(own, key) != 0;
	}
	return false;
}

static void keys_inspect(const struct hook_inspect *inspect)
{
	const struct flag_list *keys = &inspect->conf->namespace_keys;
	struct error err = { 0 };

	for (size_t i = 0; i < keys->n; i++)
		if (inspect->runtime != RUNTIME_AUTO && is_foreign(inspect->runtime, keys->item[i])) {
			(void)error_set(&err, EINVAL,
					"--annotations-namespace-key: %.120s is not written by %s itself: whoever may "
					"make a pod could claim any namespace with it",
					keys->item[i], runtime_name(inspect->runtime));
			doubt(inspect, &err);
		}
}

/* The last folder of the path that is there. False: the path is too long. */
static bool existing_folder(const char *path, char folder[PATH_MAX])
{
	struct buf out = buf_over(folder, PATH_MAX);
	struct stat st;

	buf_text(&out, path);
	while (!out.overflow) {
		ptrdiff_t slash = str_find_last((struct str){ folder, out.len }, '/');

		if (slash <= 0) {
			out.len = 0;
			buf_text(&out, slash ? "." : "/");
			return true;
		}
		out.len = (size_t)slash;
		folder[out.len] = '\0';
		if (fstatat(AT_FDCWD, folder, &st, 0) == 0)
			return true;
	}
	return false;
}

/* `path` is not there: could it be made? */
static int makeable(const char *path, struct error *err)
{
	char folder[PATH_MAX];
	struct stat st;

	if (!existing_folder(path, folder))
		return error_set(err, ENAMETOOLONG, "%.80s…: the path is too long", path);
	if (fstatat(AT_FDCWD, folder, &st, 0) < 0 || !S_ISDIR(st.st_mode))
		return error_set(err, ENOTDIR, "%s is not a folder", folder);
	if (faccessat(AT_FDCWD, folder, W_OK | X_OK, AT_EACCESS) < 0)
		return error_errno(err, errno, "cannot write to %s", folder);
	return 0;
}

static unsigned log_inspect(const struct hook_inspect *inspect)
{
	const char *path = inspect->conf->log_fname;
	struct error err = { 0 };
	int r = 0;

	if (!path[0]) {
		r = error_set(&err, ENOENT, "the program's folder is unknown: give a file");
	} else {
		auto_close int fd = openat(AT_FDCWD, path, O_WRONLY | O_APPEND | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);

		if (fd < 0)
			r = errno == ENOENT ? makeable(path, &err) : error_errno(&err, errno, "cannot open %s", path);
	}
	if (r >= 0)
		return 0;
	(void)error_wrap(&err, r, "--log-fname");
	return mistake(inspect, &err);
}

static unsigned records_inspect(const struct hook_inspect *inspect)
{
	const char *dir = inspect->conf->unseen_dir;
	struct error err = { 0 };
	struct stat st;
	int r = 0;

	if (fstatat(AT_FDCWD, dir, &st, AT_SYMLINK_NOFOLLOW) < 0)
		r = errno == ENOENT && dir[0] ? makeable(dir, &err) : error_errno(&err, errno, "'%s'", dir);
	else if (!S_ISDIR(st.st_mode) || st.st_uid != 0 || st.st_mode & 077)
		r = error_set(&err, EPERM, "%s must be a folder that is root's alone (0700)", dir);
	if (r >= 0)
		return 0;
	(void)error_wrap(&err, r, "--unseen-dir");
	return mistake(inspect, &err);
}

unsigned hook_inspect(const struct hook_inspect *inspect)
{
	unsigned mistakes = level_inspect(inspect) + agent_inspect(inspect) + patterns_inspect(inspect) +
			    expression_inspect(inspect) + log_inspect(inspect) + records_inspect(inspect);

	keys_inspect(inspect);
	return mistakes;
}
