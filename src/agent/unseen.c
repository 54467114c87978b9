/* SPDX-License-Identifier: Apache-2.0 */
#include "agent/unseen.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <fts.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "agent/admission.h"
#include "agent/container_config.h"
#include "agent/unseen_record.h"
#include "base/cleanup.h"
#include "base/clock.h"
#include "base/error.h"
#include "base/file.h"
#include "base/log.h"
#include "pod/container_name.h"
#include "sensor/hierarchy.h"

static void tell(struct unseen *unseen, const struct admission_request *request, const struct admission_answer *answer,
		 const char *how, const char *started)
{
	struct log_line line;

	log_begin(&line, unseen->log, LOG_WARN,
		  answer->was_known
			  ? "container that was announced to an earlier agent: it has been under policy all the time"
			  : "container started unseen: it is under policy from now on");
	log_text(&line, "found-by", how);
	log_text(&line, "container-id", request->container_id);
	log_text(&line, "namespace", request->pod_namespace);
	log_text(&line, "pod", request->pod_name);
	log_text(&line, "cgroup-path", answer->path);
	log_int(&line, "policies", answer->policies);
	if (answer->undecided) /* it chooses by labels, name or image, and these are not known */
		log_text(&line, "undecided-policy", answer->undecided);
	log_int(&line, "tasks", answer->marked);
	if (*started)
		log_text(&line, "started", started);
	(void)log_end(&line); /* counted in the log */
}

/* 1, or 0: it is no unseen one. */
static int take_in(struct unseen *unseen, const struct admission_request *request, const char *how, const char *started,
		   struct error *err)
{
	struct admission *admission = unseen->admission;
	struct admission_answer answer;
	int r = admission_admit(admission, request, &answer, err);

	if (r < 0)
		return r;
	tell(unseen, request, &answer, how, started);
	if (answer.was_known)
		return 0;
	unseen->without_identity += !*request->pod_namespace;
	return 1;
}

/* --- records --- */

static int record_open(int dir_fd, const char *name, struct error *err)
{
	auto_close int fd = openat(dir_fd, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
	struct stat st;

	if (fd < 0 || fstat(fd, &st) < 0)
		return error_errno(err, errno, "open");
	if (!S_ISREG(st.st_mode) || st.st_uid != 0 || st.st_mode & 022)
		return error_set(err, EPERM, "not a file that only root can write");
	return take_fd(&fd);
}

static int record_read(int dir_fd, const char *name, struct unseen_record *ret_record, struct error *err)
{
	auto_close int fd = record_open(dir_fd, name, err);
	auto_free char *text = NULL;
	size_t len;
	int r = fd;

	if (r >= 0)
		r = file_read_fd(fd, UNSEEN_RECORD_MAX, &text, &len, err);
	if (r >= 0)
		r = unseen_record_parse((struct str){ text, len }, ret_record, err);
	return r < 0 ? r : 0;
}

static int record_take(struct unseen *unseen, const struct unseen_record *record, struct error *err)
{
	const struct admission_request request = {
		.cgroup_path = record->cgroup_path,
		.root_dir = record->root_dir,
		.container_id = record->container_id,
		.container_name = record->container_name,
		.image = record->image,
		.pod_name = record->pod_name,
		.pod_uid = record->pod_uid,
		.pod_namespace = record->pod_namespace,
		.source = POD_FROM_UNSEEN_RECORD,
		.may_run = true,
	};

	return take_in(unseen, &request, "record", record->time, err);
}

/* Reading it may work later. */
static bool is_shortage(int r)
{
	return r == -ENOMEM || r == -EIO || r == -EMFILE || r == -ENFILE;
}

/* Admission refuses some for good; whatever else goes wrong is ours or the kernel's. */
static bool is_refusal(int r)
{
	return r == -EINVAL || r == -EPERM || r == -ENOENT;
}

/* What one look found. */
struct look {
	int taken, stayed;
	char name[NAME_MAX + 1]; /* the first that stayed, and why */
	struct error err;
};

static void record_serve(struct unseen *unseen, int dir_fd, const char *name, struct look *look)
{
	struct unseen_record record;
	struct error err = { 0 };
	int r = record_read(dir_fd, name, &record, &err);
	bool stays = r < 0 && is_shortage(r);

	if (r >= 0) {
		r = record_take(unseen, &record, &err);
		stays = r < 0 && !is_refusal(r);
	}
	if (stays) {
		if (!look->stayed++) {
			struct buf first = buf_over(look->name, sizeof look->name);

			buf_text(&first, name);
			look->err = err;
		}
		return;
	}
	if (r >= 0) {
		unseen->by_record++;
		look->taken++;
	} else if (r != -ENOENT) { /* that one has ended meanwhile */
		unseen->bad_records++;
		(void)log_event(unseen->log, LOG_WARN, "record of an unseen container is no good, ignoring it", "file",
				name, "error", err.text, NULL);
	}
	(void)unlinkat(dir_fd, name, 0); /* if that fails it is read again: admission is idempotent */
}

static bool is_record(const char *name)
{
	return *name != '.' && str_ends(str_of(name), STR(".json"));
}

/* A record that comes within the clock's grain after our look would not change the folder's time. */
static bool is_settled(const struct timespec *changed)
{
	int64_t now_s = clock_now_ns(CLOCK_REALTIME) / NS_PER_S;

	return changed->tv_sec < now_s - 1 || changed->tv_sec > now_s + 1;
}

/* Returns false if it ended before it had seen all. */
static bool records_serve(struct unseen *unseen, DIR *dir, int64_t budget_ns, struct look *look)
{
	int64_t end_ns = clock_now_ns(CLOCK_MONOTONIC) + budget_ns;
	int left = UNSEEN_RECORDS_MAX;
	struct dirent *entry;

	while ((entry = readdir(dir))) {
		if (!is_record(entry->d_name))
			continue;
		if (!left-- || (budget_ns && clock_now_ns(CLOCK_MONOTONIC) >= end_ns))
			return false;
		record_serve(unseen, dirfd(dir), entry->d_name, look);
	}
	return true;
}

/* `again`: what stayed is due. */
static void folder_look(struct unseen *unseen, bool again, int64_t budget_ns, struct look *look)
{
	auto_close int fd = -1;
	struct stat st;
	DIR *dir;

	if (!*unseen->dir)
		return;
	fd = open(unseen->dir, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (fd < 0 || fstat(fd, &st) < 0)
		return; /* the hook makes it when it has something to tell */
	if (!again && st.st_mtim.tv_sec == unseen->looked.tv_sec && st.st_mtim.tv_nsec == unseen->looked.tv_nsec)
		return;
	unseen->looked = st.st_mtim;
	unseen->records_wait = false;
	if (st.st_uid != 0 || st.st_mode & 022) {
		(void)log_event(unseen->log, LOG_WARN,
				"records of unseen containers are not read: others than root can write to the folder",
				"folder", unseen->dir, NULL);
		return;
	}
	dir = fdopendir(fd);
	if (!dir)
		return;
	(void)take_fd(&fd); /* closedir's */
	if (!records_serve(unseen, dir, budget_ns, look) || !is_settled(&st.st_mtim))
		unseen->looked = (struct timespec){ 0 }; /* there is more, or may be */
	(void)closedir(dir);                             /* only read */
	unseen->records_wait = look->stayed;
}

/* `again`: the time that was planned has come. */
static void next_plan(struct unseen *unseen, bool again, int64_t now_ns, const struct look *look)
{
	struct log_line line;

	if (!unseen->records_wait && !unseen->walk_waits) {
		unseen->again_ns = unseen->delay_ns = 0;
		return;
	}
	if (unseen->again_ns && !again)
		return;
	unseen->delay_ns = unseen->delay_ns ? 2 * unseen->delay_ns : UNSEEN_AGAIN_MIN_NS;
	if (unseen->delay_ns > UNSEEN_AGAIN_MAX_NS)
		unseen->delay_ns = UNSEEN_AGAIN_MAX_NS;
	unseen->again_ns = now_ns + unseen->delay_ns;
	if (!look->stayed)
		return; /* the walk has told */
	log_begin(&line, unseen->log, LOG_WARN, "unseen containers could not be put under policy: trying again later");
	log_int(&line, "records", look->stayed);
	log_text(&line, "file", look->name);
	log_text(&line, "error", look->err.text);
	log_int(&line, "again-in-s", unseen->delay_ns / NS_PER_S);
	(void)log_end(&line); /* counted in the log */
}

int unseen_look(struct unseen *unseen, int64_t now_ns, int64_t budget_ns)
{
	bool again = unseen->again_ns && now_ns >= unseen->again_ns;
	struct look look = { 0 };

	folder_look(unseen, again, budget_ns, &look);
	if (again && unseen->walk_waits)
		look.taken += unseen_walk(unseen);
	next_plan(unseen, again, now_ns, &look);
	return look.taken;
}

/* --- the tree --- */

static bool is_populated(const char *host_path)
{
	char path[PATH_MAX];
	struct buf text = buf_over(path, sizeof path);
	auto_free char *events = NULL;
	size_t len;

	buf_printf(&text, "%s/cgroup.events", host_path);
	if (file_read_at(AT_FDCWD, path, 4096, &events, &len, NULL) < 0)
		return true; /* v1 has no such file */
	return !strstr(events, "populated 0");
}

static void copy_text(char *to, size_t size, struct str text)
{
	struct buf out = buf_over(to, size);

	buf_str(&out, text); /* what does not fit is unknown */
}

/* Who is it? Its runtime's own record of it knows; else nobody, and only cluster-wide policies judge it. */
static void identify(struct unseen *unseen, const char *id, const char *path, struct unseen_record *record)
{
	struct container_config config;
	struct error err = { 0 };
	char root[PATH_MAX];
	struct buf text = buf_over(root, sizeof root);

	buf_printf(&text, "%s/1/root", unseen->procfs);
	if (container_config_find(root, id, path, &config, &err) < 0)
		return;
	copy_text(record->container_name, sizeof record->container_name, config.identity.container_name);
	copy_text(record->image, sizeof record->image, config.identity.image);
	copy_text(record->pod_name, sizeof record->pod_name, config.identity.pod_name);
	copy_text(record->pod_uid, sizeof record->pod_uid, config.identity.pod_uid);
	copy_text(record->pod_namespace, sizeof record->pod_namespace, config.identity.pod_namespace);
	if (str_starts(config.root_dir, str_of(root)))
		config.root_dir = str_from(config.root_dir, text.len); /* as the runtime sees it */
	copy_text(record->root_dir, sizeof record->root_dir, config.root_dir);
	container_config_done(&config);
}

static int cgroup_serve(struct unseen *unseen, const char *host_path, const char *path, struct str id)
{
	struct unseen_record record = { 0 };
	struct admission_request request = { .source = POD_FROM_WALK, .may_run = true };
	struct error err = { 0 };
	int r;

	copy_text(record.container_id, sizeof record.container_id, id);
	if (!is_populated(host_path))
		return 0;
	identify(unseen, record.container_id, path, &record);
	request.cgroup_path = path;
	request.root_dir = record.root_dir;
	request.container_id = record.container_id;
	request.container_name = record.container_name;
	request.image = record.image;
	request.pod_name = record.pod_name;
	request.pod_uid = record.pod_uid;
	request.pod_namespace = record.pod_namespace;
	r = take_in(unseen, &request, "walk of the cgroup tree", "", &err);
	if (r >= 0)
		unseen->by_walk += (unsigned)r;
	else if (r != -ENOENT)
		(void)log_event(unseen->log, LOG_WARN, "unseen container could not be put under policy", "container-id",
				record.container_id, "error", err.text, NULL);
	unseen->walk_waits |= r < 0 && !is_refusal(r);
	return r >= 0;
}

/* A container's cgroup that nobody has told us of, and that lies in no container that we know: those inherit. */
static bool is_unknown(const struct unseen *unseen, const char *path)
{
	return !pod_registry_above(unseen->admission->registry, path);
}

int unseen_walk(struct unseen *unseen)
{
	const char *root = unseen->admission->hierarchy->root;
	char copy[PATH_MAX];
	struct buf text = buf_over(copy, sizeof copy);
	char *const start[] = { copy, NULL };
	int taken = 0, left = UNSEEN_CGROUPS_MAX;
	FTSENT *entry;
	FTS *tree;

	unseen->walk_waits = false;
	buf_text(&text, root);
	tree = fts_open(start, FTS_PHYSICAL | FTS_COMFOLLOW | FTS_NOCHDIR | FTS_XDEV, NULL);
	if (!tree)
		return 0;
	while ((entry = fts_read(tree)) && left) {
		struct str id;

		if (entry->fts_info != FTS_D)
			continue;
		left--;
		id = container_name_id((struct str){ entry->fts_name, entry->fts_namelen }, NULL);
		if (entry->fts_level == 0 || !id.len)
			continue;
		(void)fts_set(tree, entry, FTS_SKIP); /* what is inside inherits */
		if (is_unknown(unseen, entry->fts_path + text.len))
			taken += cgroup_serve(unseen, entry->fts_path, entry->fts_path + text.len, id);
	}
	if (!left)
		(void)log_event(unseen->log, LOG_WARN, "walk of the cgroup tree ended early: too many cgroups", NULL);
	(void)fts_close(tree); /* only read */
	return taken;
}
