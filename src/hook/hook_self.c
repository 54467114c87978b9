/* SPDX-License-Identifier: Apache-2.0 */
#include "hook/hook_self.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <sys/auxv.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/error.h"
#include "base/flags_json.h"
#include "hook/hook_options.h"

#define OLD_KERNEL_FDS 4096 /* closed one by one where the kernel has no close_range (before 5.9) */

#ifdef __GLIBC__
typedef enum __rlimit_resource limit_kind;
#else
typedef int limit_kind; /* musl */
#endif

/* What a parent has set for itself or for a container. Beyond the hard limit only CAP_SYS_RESOURCE can raise it. */
static void limits_raise(void)
{
	static const struct {
		limit_kind resource;
		rlim_t limit;
	} limits[] = {
		{ RLIMIT_STACK, 8 << 20 }, /* first: what follows needs more than a page */
		{ RLIMIT_NOFILE, 64 },
		{ RLIMIT_FSIZE, RLIM_INFINITY },
	};

	for (size_t i = 0; i < sizeof limits / sizeof *limits; i++) {
		struct rlimit limit = { limits[i].limit, limits[i].limit };

		if (setrlimit(limits[i].resource, &limit) == 0 || getrlimit(limits[i].resource, &limit) < 0)
			continue;
		limit.rlim_cur = limit.rlim_max;
		(void)setrlimit(limits[i].resource, &limit); /* then it stays as it is */
	}
}

void hook_self_seal(void)
{
	struct pollfd standard[3] = { { .fd = 0 }, { .fd = 1 }, { .fd = 2 } };

	limits_raise();
	if (syscall(SYS_close_range, 3u, ~0u, 0u) < 0)
		for (int fd = 3; fd < OLD_KERNEL_FDS; fd++)
			(void)close(fd); /* most are not open */
	if (poll(standard, 3, 0) < 0)
		return;
	for (int i = 0; i < 3; i++) /* each opening takes the lowest number: i */
		if (standard[i].revents & POLLNVAL && openat(AT_FDCWD, "/dev/null", O_RDWR | O_NOCTTY) < 0)
			(void)openat(AT_FDCWD, "/", O_PATH); /* no /dev here: neither readable nor writable */
}

struct str hook_self_dir(struct arena *arena)
{
	char path[PATH_MAX];
	ssize_t n = readlink("/proc/self/exe", path, sizeof path);
	struct str program = { path, n > 0 && n < (ssize_t)sizeof path ? (size_t)n : 0 };
	ptrdiff_t slash;
	char *dir;

	if (!program.len)
		program = str_of((const char *)getauxval(AT_EXECFN)); /* NOLINT(performance-no-int-to-ptr): its type */
	if (!program.len || program.p[0] != '/')
		return STR("");
	slash = str_find_last(program, '/');
	program.len = slash ? (size_t)slash : 1;
	dir = arena_copy(arena, program);
	return dir ? (struct str){ dir, program.len } : STR("");
}

static int config_open(struct str dir, struct error *err)
{
	char path[PATH_MAX];
	struct buf name = buf_over(path, sizeof path);
	struct stat st;
	auto_close int fd = -1;

	buf_str(&name, dir);
	buf_text(&name, "/" HOOK_CONFIG_NAME);
	if (name.overflow)
		return error_set(err, ENAMETOOLONG, "its path is too long");
	fd = openat(AT_FDCWD, path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
	if (fd < 0)
		return error_errno(err, errno, "cannot open it");
	if (fstat(fd, &st) < 0)
		return error_errno(err, errno, "cannot stat it");
	if (!S_ISREG(st.st_mode))
		return error_set(err, EPERM, "not a regular file");
	if (st.st_uid != 0 || st.st_mode & (S_IWGRP | S_IWOTH))
		return error_set(err, EPERM, "uid %u, mode %04o: must be owned by root and writable by nobody else",
				 (unsigned)st.st_uid, (unsigned)st.st_mode & 07777);
	if (st.st_size > HOOK_CONFIG_MAX_BYTES)
		return error_set(err, EFBIG, "more than %d bytes", HOOK_CONFIG_MAX_BYTES);
	return take_fd(&fd);
}

/* A question in the file would be asked, and no container guarded, at every start. */
static int questions_refuse(const struct flag_parse *parse, struct error *err)
{
	for (size_t i = 0; hook_questions[i]; i++)
		if (hook_option_is_from(parse, hook_questions[i], FLAG_FROM_CONFIG))
			return error_set(err, EINVAL, "--%s is for the command line only", hook_questions[i]);
	return 0;
}

int hook_self_config(struct str dir, const struct flags_unknown *unknown, struct flag_parse *parse, struct error *err)
{
	auto_close int fd = -1;
	char *text;
	ssize_t n;
	int r;

	if (!dir.len)
		return 0;
	fd = r = config_open(dir, err);
	if (r == -ENOENT || r == -EACCES)
		return 0;
	if (r >= 0) {
		text = arena_alloc(parse->arena, HOOK_CONFIG_MAX_BYTES);
		if (!text)
			return error_set(err, ENOMEM, "%.*s/" HOOK_CONFIG_NAME ": out of memory", (int)dir.len, dir.p);
		n = read(fd, text, HOOK_CONFIG_MAX_BYTES); /* one read gets a regular file of this size whole */
		r = n < 0 ? error_errno(err, errno, "cannot read it")
			  : flags_json_read(parse, (struct str){ text, (size_t)n }, unknown, err);
	}
	if (r >= 0)
		r = questions_refuse(parse, err);
	if (r < 0)
		return error_wrap(err, r, "%.*s/" HOOK_CONFIG_NAME, (int)dir.len, dir.p);
	return 0;
}
