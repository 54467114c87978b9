/* SPDX-License-Identifier: Apache-2.0 */
/* Records of unseen containers over an admission that answers what the test tells it to. */
#include "agent/unseen.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <cmocka.h>

#include "agent/admission.h"
#include "base/error.h"
#include "base/log.h"

#define SECOND INT64_C(1000000000)

/* --- the admission --- */

static struct {
	int answer; /* of the next calls */
	int calls;
	bool may_run, is_record;
} asked;

int admission_admit(struct admission *admission, const struct admission_request *request,
		    struct admission_answer *ret_answer, struct error *err)
{
	(void)admission;
	memset(ret_answer, 0, sizeof *ret_answer);
	asked.calls++;
	asked.may_run = request->may_run;
	asked.is_record = request->source == POD_FROM_UNSEEN_RECORD;
	return asked.answer < 0 ? error_set(err, -asked.answer, "made to fail") : 0;
}

/* --- the bed --- */

struct bed {
	char dir[64], log_path[128];
	struct log log;
	struct unseen unseen;
};

static int set_up(void **state)
{
	struct bed *bed = calloc(1, sizeof *bed);

	(void)strcpy(bed->dir, "/tmp/unseen_test.XXXXXX");
	if (!mkdtemp(bed->dir))
		return -1;
	(void)snprintf(bed->log_path, sizeof bed->log_path, "%s.log", bed->dir);
	bed->log = (struct log){ .fd = open(bed->log_path, O_RDWR | O_CREAT | O_APPEND | O_CLOEXEC, 0600),
				 .format = LOG_TEXT };
	bed->unseen = (struct unseen){ .log = &bed->log, .dir = bed->dir, .procfs = "/proc" };
	memset(&asked, 0, sizeof asked);
	*state = bed;
	return 0;
}

static void path_of(const struct bed *bed, const char *name, char path[PATH_MAX])
{
	(void)snprintf(path, PATH_MAX, "%s/%s", bed->dir, name);
}

static int tear_down(void **state)
{
	struct bed *bed = *state;
	char path[PATH_MAX];
	DIR *dir = opendir(bed->dir);

	for (struct dirent *entry; dir && (entry = readdir(dir));) {
		path_of(bed, entry->d_name, path);
		(void)unlink(path);
	}
	if (dir)
		(void)closedir(dir);
	(void)rmdir(bed->dir);
	(void)close(bed->log.fd);
	(void)unlink(bed->log_path);
	free(bed);
	return 0;
}

static void record_put(const struct bed *bed, const char *name, const char *text)
{
	const struct timespec long_ago[2] = { { .tv_sec = 1700000000 }, { .tv_sec = 1700000000 } };
	char path[PATH_MAX];
	int fd;

	path_of(bed, name, path);
	fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	assert_true(fd >= 0 && write(fd, text, strlen(text)) == (ssize_t)strlen(text));
	(void)close(fd);
	assert_int_equal(utimensat(AT_FDCWD, bed->dir, long_ago, 0), 0); /* settled */
}

static bool is_there(const struct bed *bed, const char *name)
{
	char path[PATH_MAX];

	path_of(bed, name, path);
	return access(path, F_OK) == 0;
}

static size_t log_lines(const struct bed *bed)
{
	char text[65536];
	ssize_t n = pread(bed->log.fd, text, sizeof text, 0);
	size_t lines = 0;

	for (ssize_t i = 0; i < n; i++)
		lines += text[i] == '\n';
	return lines;
}

#define RECORD "{\"cgroupsPath\":\"/pods/c1\",\"containerID\":\"c1\",\"podNamespace\":\"a\"}"

/* --- tests --- */

static void what_is_dealt_with_goes(void **state)
{
	static const struct {
		const char *why, *text;
		int answer;
		bool stays, is_bad;
	} cases[] = {
		{ "taken in", RECORD, 0, false, false },
		{ "it has ended", RECORD, -ENOENT, false, false },
		{ "forged", RECORD, -EPERM, false, true },
		{ "no container's cgroup", RECORD, -EINVAL, false, true },
		{ "malformed", "{\"cgroupsPath\":", 0, false, true },
		{ "the node is full", RECORD, -ENOSPC, true, false },
		{ "no memory", RECORD, -ENOMEM, true, false },
		{ "the kernel refuses us", RECORD, -EIO, true, false },
		{ "its tasks fork too fast", RECORD, -EBUSY, true, false },
		{ "more cgroups below it than are looked at", RECORD, -E2BIG, true, false },
	};

	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		struct bed *bed = *state;

		bed->unseen = (struct unseen){ .log = &bed->log, .dir = bed->dir, .procfs = "/proc" };
		asked.answer = cases[i].answer;
		record_put(bed, "r.json", cases[i].text);
		(void)unseen_look(&bed->unseen, SECOND, 0);
		if (is_there(bed, "r.json") != cases[i].stays || bed->unseen.bad_records != cases[i].is_bad ||
		    bed->unseen.by_record != (cases[i].answer == 0 && !cases[i].is_bad) ||
		    bed->unseen.records_wait != cases[i].stays)
			fail_msg("%s: there %d, bad %llu, taken %llu", cases[i].why, is_there(bed, "r.json"),
				 (unsigned long long)bed->unseen.bad_records,
				 (unsigned long long)bed->unseen.by_record);
	}
	assert_true(asked.may_run && asked.is_record);
}

/* Tries at 0, 1, 3, 7, 15 … s; never more than a minute apart; each told once. */
static void what_stays_is_tried_again_with_patience(void **state)
{
	struct bed *bed = *state;
	int64_t now = 100 * SECOND;
	int calls = 0;

	asked.answer = -ENOSPC;
	record_put(bed, "r.json", RECORD);
	for (int64_t second = 0; second <= 400; second++) {
		assert_int_equal(unseen_look(&bed->unseen, now + second * SECOND, 0), 0);
		if (second == 0 || second == 1 || second == 3 || second == 7 || second == 15 || second == 31 ||
		    second == 63 || second == 123 || second == 183 || second == 243 || second == 303 || second == 363)
			calls++;
		if (asked.calls != calls)
			fail_msg("after %d s: %d calls, want %d", (int)second, asked.calls, calls);
	}
	assert_int_equal(log_lines(bed), calls);
	asked.answer = 0;
	assert_int_equal(unseen_look(&bed->unseen, now + 423 * SECOND, 0), 1);
	assert_false(is_there(bed, "r.json"));
	assert_int_equal(bed->unseen.by_record, 1);
	assert_int_equal(bed->unseen.again_ns, 0);
}

static void a_quiet_folder_is_not_read(void **state)
{
	struct bed *bed = *state;

	record_put(bed, "not-a-record", RECORD);
	record_put(bed, ".hidden.json", RECORD);
	assert_int_equal(unseen_look(&bed->unseen, SECOND, 0), 0);
	assert_int_equal(asked.calls, 0);
	assert_true(bed->unseen.looked.tv_sec == 1700000000);
	record_put(bed, "late.json", RECORD); /* the folder's time is put back: as within the clock's grain */
	assert_int_equal(unseen_look(&bed->unseen, SECOND, 0), 0);
	bed->unseen.looked = (struct timespec){ 0 };
	assert_int_equal(unseen_look(&bed->unseen, SECOND, 0), 1);
}

static void a_folder_that_has_just_changed_is_read_once_more(void **state)
{
	struct bed *bed = *state;
	char path[PATH_MAX];

	record_put(bed, "r.json", RECORD);
	path_of(bed, "r.json", path);
	assert_int_equal(unseen_look(&bed->unseen, SECOND, 0), 1);
	assert_int_equal(utimensat(AT_FDCWD, bed->dir, NULL, 0), 0);
	assert_int_equal(unseen_look(&bed->unseen, SECOND, 0), 0);
	assert_int_equal(bed->unseen.looked.tv_sec, 0);
}

static void a_budget_leaves_the_rest_for_later(void **state)
{
	struct bed *bed = *state;
	char name[32];
	int taken = 0, looks = 0;

	for (int i = 0; i < 200; i++) {
		(void)snprintf(name, sizeof name, "%d.json", i);
		record_put(bed, name, RECORD);
	}
	while (taken < 200 && looks++ < 1000)
		taken += unseen_look(&bed->unseen, SECOND, 1); /* a nanosecond: none or one each time */
	assert_true(taken < 200);
	taken += unseen_look(&bed->unseen, SECOND, 0);
	assert_int_equal(taken, 200);
}

int main(void)
{
#define CASE(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
	const struct CMUnitTest tests[] = {
		CASE(what_is_dealt_with_goes),
		CASE(what_stays_is_tried_again_with_patience),
		CASE(a_quiet_folder_is_not_read),
		CASE(a_folder_that_has_just_changed_is_read_once_more),
		CASE(a_budget_leaves_the_rest_for_later),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
