/* SPDX-License-Identifier: Apache-2.0 */
/*
 * tests/kernel/gate_test.c: the sensor and its BPF programs on the running kernel, without a container runtime: the
 * test plays the runtime (cgroup, mount namespace, pivot_root, exec) and looks at what the kernel does to the
 * container. gate_test PROGRAMS_DIR      needs root; prints TAP; exit 1 if a row failed It also runs as the only
 * program of a virtual machine.
 */
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/error.h"
#include "policy/policy.h"
#include "sensor/hierarchy.h"
#include "sensor/sensor.h"

#define SLOT 7
#define MARKER 0x7eb5 /* whence that nobody else uses: policies for the whole host must hit the test alone */

static struct hierarchy hierarchy;
static struct sensor *sensor;
static char bpf_dir[64], rootfs[128];
static int rows, failed;

static void row(bool ok, const char *format, ...) __attribute__((format(printf, 2, 3)));
static void row(bool ok, const char *format, ...)
{
	va_list args;

	printf("%s %d - ", ok ? "ok" : "not ok", ++rows);
	va_start(args, format);
	vprintf(format, args);
	va_end(args);
	printf("\n");
	fflush(stdout);
	failed += !ok;
}

static void must(bool ok, const char *what, const struct error *err)
{
	if (ok)
		return;
	fflush(stdout);
	printf("Bail out! %s: %s\n", what, err && err->code ? err->text : strerror(errno));
	exit(2);
}

static void sensor_start(const char *skip)
{
	struct sensor_options options = { .bpffs = "/sys/fs/bpf",
					  .dir = bpf_dir,
					  .hierarchy = &hierarchy,
					  .keep_on_close = true,
					  .procfs = "/proc",
					  .skip_program = skip };
	struct error err = { 0 };

	must(sensor_open(&options, &sensor, &err) >= 0, "sensor_open", &err);
}

/* --- containers --------------------------------------------------------------------------------------------------- */

struct container {
	char name[64], path[PATH_MAX + 80];
	uint64_t id;
};

static void container_new(struct container *c, const char *name)
{
	struct error err = { 0 };

	snprintf(c->name, sizeof c->name, "/tg-%s-%d", name, getpid());
	snprintf(c->path, sizeof c->path, "%s%s", hierarchy.root, c->name);
	must(mkdir(c->path, 0755) == 0, c->path, NULL);
	must(hierarchy_cgroup_id(&hierarchy, c->name, &c->id, NULL, &err) >= 0, "cgroup id", &err);
}

static void container_register(const struct container *c, bool selected)
{
	struct abi_container_info info = { .source = ABI_INFO_HOOK };
	struct abi_policy_set set = { 0 };
	struct error err = { 0 };

	if (selected)
		set.bit[SLOT / 64] = 1ull << SLOT % 64;
	snprintf(info.cgroup_path, sizeof info.cgroup_path, "%s", c->name);
	must(sensor_container_add(sensor, c->id, c->path, 0, 0, &set, &info, &err) >= 0, "sensor_container_add", &err);
}

static void container_remove(struct container *c)
{
	for (int i = 0; i < 200 && rmdir(c->path) && errno == EBUSY; i++)
		usleep(10000);
}

static void file_write(const char *path, const char *text)
{
	int fd = open(path, O_WRONLY | O_CLOEXEC);

	must(fd >= 0 && write(fd, text, strlen(text)) >= 0, path, NULL);
	close(fd);
}

static void enter_cgroup(const char *path)
{
	char procs[PATH_MAX + 160];

	snprintf(procs, sizeof procs, "%s/cgroup.procs", path);
	file_write(procs, "0");
}

/* What the runtime's init does between its clone and its exec. */
static void runtime_init(const char *cgroup)
{
	char old[160];

	enter_cgroup(cgroup);
	must(unshare(CLONE_NEWNS) == 0, "unshare", NULL);
	must(mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) == 0, "private", NULL);
	must(mount(rootfs, rootfs, NULL, MS_BIND | MS_REC, NULL) == 0, "bind", NULL);
	snprintf(old, sizeof old, "%s/cg", rootfs);
	/* not through /proc/1/root: that is a mount of another namespace by now */
	must(mount(strstr(hierarchy.root, "/sys/fs/cgroup"), old, NULL, MS_BIND, NULL) == 0, "bind cgroups", NULL);
	snprintf(old, sizeof old, "%s/old", rootfs);
	must(syscall(SYS_pivot_root, rootfs, old) == 0, "pivot_root", NULL);
	must(chdir("/") == 0 && umount2("/old", MNT_DETACH) == 0, "umount old root", NULL);
}

/*
 * Run as a container's program: "inner CGROUP PROGRAM" plays the runtime of a container inside the container, "move
 * CGROUP PROGRAM" goes to another cgroup and executes the program there. CGROUP as seen at /cg.
 */
static int inside(char **argv)
{
	char *program[] = { argv[3], NULL }, *envp[] = { NULL };

	enter_cgroup(argv[2]);
	if (!strcmp(argv[1], "inner")) {
		must(unshare(CLONE_NEWNS) == 0, "unshare", NULL);
		must(mount("/inner", "/inner", NULL, MS_BIND, NULL) == 0, "bind", NULL);
		must(syscall(SYS_pivot_root, "/inner", "/inner/old") == 0, "pivot_root", NULL);
		must(chdir("/") == 0 && umount2("/old", MNT_DETACH) == 0, "umount", NULL);
	}
	execve(program[0], program, envp);
	return 98;
}

enum twist { PLAIN, CALL_BEFORE_PIVOT, EXEC_FAILS, WAIT_FIRST };

struct outcome {
	int status;        /* of wait */
	bool survived;     /* the container printed so */
	bool passed_setup; /* the runtime's part was not disturbed */
};

static struct outcome container_run_args(const struct container *c, char **argv, enum twist twist)
{
	struct outcome outcome = { 0 };
	char text[4096];
	size_t n = 0;
	int out[2];
	pid_t pid;

	must(pipe2(out, O_CLOEXEC) == 0, "pipe", NULL);
	fflush(stdout);
	pid = fork();
	if (pid == 0) {
		char *envp[] = { NULL };

		dup2(out[1], 1);
		if (twist == CALL_BEFORE_PIVOT) {
			enter_cgroup(c->path);
			must(unshare(CLONE_NEWNS) == 0, "unshare", NULL);
			(void)lseek(-1, 0, SEEK_SET);
			(void)!write(1, "setup", 5);
		}
		runtime_init(c->path);
		if (twist == EXEC_FAILS) {
			execve("/bin/not-there", argv, envp);
			(void)lseek(-1, 0, SEEK_SET);
			(void)!write(1, "setup", 5);
		}
		execve(argv[0], argv, envp);
		_exit(99);
	}
	must(pid > 0, "fork", NULL);
	close(out[1]);
	for (ssize_t got; n < sizeof text - 1 && (got = read(out[0], text + n, sizeof text - 1 - n)) > 0;)
		n += (size_t)got;
	text[n] = '\0';
	close(out[0]);
	must(waitpid(pid, &outcome.status, 0) == pid, "wait", NULL);
	outcome.survived = strstr(text, "survived");
	outcome.passed_setup = strstr(text, "setup");
	return outcome;
}

static struct outcome container_run(const struct container *c, const char *program, enum twist twist)
{
	char *argv[] = { (char *)program, NULL };

	return container_run_args(c, argv, twist);
}

static bool killed(struct outcome outcome)
{
	if (WIFSIGNALED(outcome.status) && WTERMSIG(outcome.status) == SIGKILL && !outcome.survived)
		return true;
	printf("# status %x, survived %d\n", (unsigned)outcome.status, outcome.survived);
	return false;
}

/* --- policies ----------------------------------------------------------------------------------------------------- */

static struct policy *policy_of(const char *yaml)
{
	struct policy *policy = NULL;
	struct error err = { 0 };

	must(policy_parse(yaml, strlen(yaml), &policy, &err) >= 0, "policy_parse", &err);
	return policy;
}

static void policy_load(const char *yaml)
{
	struct policy *policy = policy_of(yaml);
	struct error err = { 0 };

	must(sensor_policy_add(sensor, SLOT, 1, policy, &err) >= 0, "sensor_policy_add", &err);
	policy_free(policy);
}

static void policy_unload(void)
{
	struct error err = { 0 };

	must(sensor_policy_remove(sensor, SLOT, &err) >= 0, "sensor_policy_remove", &err);
}

#define HEAD                                  \
	"apiVersion: cilium.io/v1alpha1\n"    \
	"kind: TracingPolicyNamespaced\n"     \
	"metadata: {name: t, namespace: a}\n" \
	"spec:\n"                             \
	"  kprobes:\n"
#define KILL "      matchActions:\n      - action: Sigkill\n"
#define KILL_LSEEK                                                                              \
	HEAD "  - call: sys_lseek\n    syscall: true\n    args:\n    - {index: 0, type: int}\n" \
	     "    selectors:\n    - matchArgs:\n      - {index: 0, operator: Equal, values: ['-1']}\n" KILL
#define KILL_OPEN                                                                                   \
	HEAD "  - call: sys_openat\n    syscall: true\n    args:\n    - {index: 1, type: string}\n" \
	     "    selectors:\n    - matchArgs:\n      - {index: 1, operator: Equal, values: [/etc/forbidden]}\n" KILL
#define KILL_EXEC                                                                                   \
	HEAD "  - call: sys_execve\n    syscall: true\n    args:\n    - {index: 0, type: string}\n" \
	     "    selectors:\n    - matchArgs:\n      - {index: 0, operator: Postfix, values: [/harmless]}\n" KILL

static const struct {
	const char *why, *policy, *program;
	bool selected, dies;
	enum twist twist;
	bool needs_setup; /* the runtime's own calls must go through */
} starts[] = {
	{ "first instruction of a selected container", KILL_LSEEK, "/bin/first_lseek", true, true, PLAIN, false },
	{ "the same in one that is not selected", KILL_LSEEK, "/bin/first_lseek", false, false, PLAIN, false },
	{ "the runtime's init calls it before pivot_root", KILL_LSEEK, "/bin/harmless", true, false, CALL_BEFORE_PIVOT,
	  true },
	{ "the runtime's init calls it after an exec that failed", KILL_LSEEK, "/bin/harmless", true, false, EXEC_FAILS,
	  true },
	{ "int 0x80", KILL_LSEEK, "/bin/lseek_int80", true, true, PLAIN, false },
	{ "32-bit program", KILL_LSEEK, "/bin/lseek_i386", true, true, PLAIN, false },
	{ "clone child", KILL_LSEEK, "/bin/clone_child", true, true, PLAIN, false },
	{ "second thread", KILL_LSEEK, "/bin/second_thread", true, true, PLAIN, false },
	{ "second program", KILL_LSEEK, "/bin/exec_second", true, true, PLAIN, false },
	{ "path whose page is not there yet", KILL_OPEN, "/bin/open_rodata", true, true, PLAIN, false },
	{ "forbidden entry point", KILL_EXEC, "/bin/harmless", true, true, PLAIN, false },
	{ "another entry point", KILL_EXEC, "/bin/first_lseek", true, false, PLAIN, false },
};

static void container_starts(void)
{
	for (size_t i = 0; i < sizeof starts / sizeof *starts; i++) {
		struct outcome outcome;
		struct container c;

		policy_load(starts[i].policy);
		container_new(&c, "start");
		container_register(&c, starts[i].selected);
		outcome = container_run(&c, starts[i].program, starts[i].twist);
		row((starts[i].dies
			     ? !outcome.survived && (killed(outcome) || (WIFEXITED(outcome.status) &&
									 WEXITSTATUS(outcome.status) == 128 + SIGKILL))
			     : WIFEXITED(outcome.status) && WEXITSTATUS(outcome.status) == 0) &&
			    outcome.passed_setup == starts[i].needs_setup,
		    "start: %s (status %x, survived %d)", starts[i].why, (unsigned)outcome.status, outcome.survived);
		container_remove(&c);
		policy_unload();
	}
}

/* A policy for the whole host that only looks at lseek with our whence; the caller is killed or not. */
static const struct {
	const char *why, *type, *op, *values;
	long offset;
	bool dies;
} numbers[] = {
	{ "Equal hits", "int64", "Equal", "'5'", 5, true },
	{ "Equal misses", "int64", "Equal", "'5'", 6, false },
	{ "Equal, second value", "int64", "Equal", "'5', '6'", 6, true },
	{ "Equal, negative", "int64", "Equal", "'-7'", -7, true },
	{ "NotEqual misses its value", "int64", "NotEqual", "'5'", 5, false },
	{ "NotEqual hits another", "int64", "NotEqual", "'5'", 6, true },
	{ "GT is strict", "int64", "GT", "'5'", 5, false },
	{ "GT hits", "int64", "GT", "'5'", 6, true },
	{ "GT is signed", "int64", "GT", "'5'", -1, false },
	{ "GT unsigned", "uint64", "GT", "'5'", -1, true },
	{ "LT hits negative", "int64", "LT", "'5'", -1, true },
	{ "LT unsigned", "uint64", "LT", "'5'", -1, false },
	{ "Mask hits", "uint64", "Mask", "'0x30'", 0x10, true },
	{ "Mask misses", "uint64", "Mask", "'0x30'", 0x0f, false },
	{ "InRange lower end", "int64", "InRange", "'-3:3'", -3, true },
	{ "InRange upper end", "int64", "InRange", "'-3:3'", 3, true },
	{ "InRange beyond", "int64", "InRange", "'-3:3'", 4, false },
	{ "int looks at 32 bits", "int", "Equal", "'5'", (1l << 40) | 5, true },
	{ "uint32 looks at 32 bits", "uint32", "Equal", "'4294967295'", -1, true },
	{ "size_t looks at 64 bits", "size_t", "Equal", "'5'", (1l << 40) | 5, false },
};

static int forked_call(long nr, long a, long b, long c)
{
	int status = 0;
	pid_t pid;

	fflush(stdout);
	pid = fork();
	if (pid == 0) {
		syscall(nr, a, b, c);
		_exit(0);
	}
	must(pid > 0 && waitpid(pid, &status, 0) == pid, "fork", NULL);
	return status;
}

static void with_global(const char *yaml)
{
	struct error err = { 0 };

	policy_load(yaml);
	must(sensor_global(sensor, SLOT, true, &err) >= 0, "sensor_global", &err);
}

static void number_filters(void)
{
	for (size_t i = 0; i < sizeof numbers / sizeof *numbers; i++) {
		char yaml[1024];
		int status;

		snprintf(yaml, sizeof yaml,
			 HEAD "  - call: sys_lseek\n    syscall: true\n    args:\n    - {index: 1, type: %s}\n    - "
			      "{index: 2, type: "
			      "int}\n    selectors:\n    - matchArgs:\n      - {index: 2, operator: Equal, values: "
			      "['%d']}\n      - "
			      "{index: 1, operator: %s, values: [%s]}\n" KILL,
			 numbers[i].type, MARKER, numbers[i].op, numbers[i].values);
		with_global(yaml);
		status = forked_call(SYS_lseek, -1, numbers[i].offset, MARKER);
		row((WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL) == numbers[i].dies, "number: %s (status %x)",
		    numbers[i].why, (unsigned)status);
		policy_unload();
	}
}

static const struct {
	const char *why, *op, *values, *path;
	bool dies;
} strings[] = {
	{ "Equal hits", "Equal", "/tg/a/b", "/tg/a/b", true },
	{ "Equal is not a prefix", "Equal", "/tg/a/b", "/tg/a/bc", false },
	{ "Equal, second value", "Equal", "/tg/x, /tg/y", "/tg/y", true },
	{ "Prefix hits", "Prefix", "/tg/a/", "/tg/a/b", true },
	{ "Prefix equals", "Prefix", "/tg/a/", "/tg/a/", true },
	{ "Prefix misses", "Prefix", "/tg/a/", "/tg/a", false },
	{ "Postfix hits", "Postfix", ".tgsecret", "/tg/a.tgsecret", true },
	{ "Postfix equals", "Postfix", ".tgsecret", ".tgsecret", true },
	{ "Postfix misses", "Postfix", ".tgsecret", "/tg/a.tgsecrets", false },
};

static void string_filters(void)
{
	char long_path[4000];

	for (size_t i = 0; i < sizeof strings / sizeof *strings; i++) {
		char yaml[1024], path[64];
		int status;

		snprintf(path, sizeof path, "%s", strings[i].path); /* on the stack: readable at entry */
		snprintf(yaml, sizeof yaml,
			 HEAD "  - call: sys_unlinkat\n    syscall: true\n    args:\n    - {index: 1, type: string}\n  "
			      "  - {index: 2, "
			      "type: int}\n    selectors:\n    - matchArgs:\n      - {index: 2, operator: Equal, "
			      "values: ['%d']}\n    "
			      "  - {index: 1, operator: %s, values: [%s]}\n" KILL,
			 MARKER, strings[i].op, strings[i].values);
		with_global(yaml);
		status = forked_call(SYS_unlinkat, -1, (long)path, MARKER);
		row((WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL) == strings[i].dies, "string: %s (status %x)",
		    strings[i].why, (unsigned)status);
		if (i == sizeof strings / sizeof *strings - 2) { /* the one with Postfix ".tgsecret" is loaded */
			memset(long_path, 'x', sizeof long_path);
			memcpy(long_path + sizeof long_path - 10, ".tgsecret", 10);
			status = forked_call(SYS_unlinkat, -1, (long)long_path, MARKER);
			row(WIFSIGNALED(status), "string: Postfix of a path of %zu bytes", sizeof long_path - 1);
			status = forked_call(SYS_unlinkat, -1, 0x10, MARKER);
			row(WIFSIGNALED(status), "string: unreadable for good under Sigkill is a match");
		}
		policy_unload();
	}
}

static void first_selector_wins(void)
{
	int status;

	with_global(
		HEAD
		"  - call: sys_lseek\n    syscall: true\n    args:\n    - {index: 1, type: int64}\n    - {index: 2, "
		"type: "
		"int}\n    selectors:\n    - matchArgs:\n      - {index: 1, operator: Equal, values: ['1']}\n      "
		"matchActions:\n      - action: NoPost\n    - matchArgs:\n      - {index: 2, operator: Equal, values: "
		"['32437']}\n" KILL);
	status = forked_call(SYS_lseek, -1, 1, MARKER);
	row(status == 0, "selectors: the first one lets it pass (status %x)", (unsigned)status);
	status = forked_call(SYS_lseek, -1, 2, MARKER);
	row(WIFSIGNALED(status), "selectors: the second one kills (status %x)", (unsigned)status);
	policy_unload();
}

static void children(void)
{
	struct container c, inner = { 0 };
	struct abi_cgroup entry;
	int r = 0;

	policy_load(KILL_LSEEK);
	container_new(&c, "outer");
	snprintf(inner.path, sizeof inner.path, "%.4000s/early", c.path);
	must(mkdir(inner.path, 0755) == 0, inner.path, NULL);
	snprintf(inner.name, sizeof inner.name, "%.40s/early", c.name);
	must(hierarchy_cgroup_id(&hierarchy, inner.name, &inner.id, NULL, NULL) >= 0, "id", NULL);
	container_register(&c, true);
	row(sensor_cgroup_get(sensor, inner.id, &entry) == 0 && entry.container == c.id, "children: existed before");
	row(killed(container_run(&inner, "/bin/first_lseek", PLAIN)), "children: killed in one that existed before");
	container_remove(&inner);
	snprintf(inner.path, sizeof inner.path, "%.4000s/late", c.path);
	must(mkdir(inner.path, 0755) == 0, inner.path, NULL);
	snprintf(inner.name, sizeof inner.name, "%.40s/late", c.name);
	must(hierarchy_cgroup_id(&hierarchy, inner.name, &inner.id, NULL, NULL) >= 0, "id", NULL);
	row(sensor_cgroup_get(sensor, inner.id, &entry) == 0 && entry.container == c.id,
	    "children: made later inherits");
	row(killed(container_run(&inner, "/bin/first_lseek", PLAIN)), "children: killed in one that was made later");
	container_remove(&inner);
	container_remove(&c);
	for (int i = 0; i < 300 && (r = sensor_cgroup_get(sensor, c.id, &entry)) == 0; i++) {
		usleep(10000);
		(void)sensor_collect(sensor, false, NULL, NULL);
	}
	row(r == -ENOENT && sensor_cgroup_get(sensor, inner.id, &entry) == -ENOENT,
	    "children: entries go with the cgroups");
	policy_unload();
}

static void outlives_the_agent(void)
{
	struct container c;

	policy_load(KILL_LSEEK);
	container_new(&c, "pinned");
	container_register(&c, true);
	sensor_close(sensor);
	row(killed(container_run(&c, "/bin/first_lseek", PLAIN)), "pins: killed while no agent runs");
	sensor_start(NULL);
	row(sensor_adopted(sensor), "pins: taken over");
	row(killed(container_run(&c, "/bin/first_lseek", PLAIN)), "pins: killed after the take-over");
	policy_unload();
	row(!killed(container_run(&c, "/bin/first_lseek", PLAIN)), "pins: free after the policy is removed");
	container_remove(&c);
}

static void nested(void)
{
	struct container outer, inner, other;
	char cgroup[128],
		*argv[] = { (char *)"/bin/gate_test", (char *)"inner", cgroup, (char *)"/bin/first_lseek", NULL };
	struct outcome outcome;

	policy_load(KILL_LSEEK);
	container_new(&outer, "node");
	container_register(&outer, false);
	snprintf(inner.name, sizeof inner.name, "%.40s/pod", outer.name);
	snprintf(inner.path, sizeof inner.path, "%s%s", hierarchy.root, inner.name);
	must(mkdir(inner.path, 0755) == 0, inner.path, NULL);
	must(hierarchy_cgroup_id(&hierarchy, inner.name, &inner.id, NULL, NULL) >= 0, "id", NULL);
	container_register(&inner, true);
	snprintf(cgroup, sizeof cgroup, "/cg%s", inner.name);
	row(killed(container_run_args(&outer, argv, PLAIN)), "nested: the inner container's own policy kills");
	argv[1] = (char *)"move";
	container_remove(&inner);
	container_remove(&outer);

	container_new(&outer, "strict");
	container_register(&outer, true);
	container_new(&other, "lax");
	container_register(&other, false);
	snprintf(cgroup, sizeof cgroup, "/cg%s", other.name);
	outcome = container_run_args(&outer, argv, PLAIN);
	row(killed(outcome), "moved: another container's cgroup does not trade policies (status %x)",
	    (unsigned)outcome.status);
	snprintf(cgroup, sizeof cgroup, "/cg");
	row(killed(container_run_args(&outer, argv, PLAIN)), "moved: nor does the root cgroup");
	container_remove(&other);
	container_remove(&outer);
	policy_unload();
}

static void announced(void)
{
	struct abi_policy_set set = { 0 };
	struct error err = { 0 };
	struct abi_cgroup entry;
	struct container c;
	char leaf[64];

	policy_load(KILL_LSEEK);
	set.bit[SLOT / 64] = 1ull << SLOT % 64;
	snprintf(leaf, sizeof leaf, "tg-announced-%d", getpid());
	row(sensor_arm(sensor, leaf, 10000000000, 0, 0, &set, &err) == 0, "announced: before its cgroup is there %s",
	    err.text);
	container_new(&c, "announced");
	row(sensor_cgroup_get(sensor, c.id, &entry) == 0 && entry.container == c.id,
	    "announced: the cgroup of that name has it");
	row(killed(container_run(&c, "/bin/first_lseek", PLAIN)), "announced: killed at its first instruction");
	row(sensor_disarm(sensor, leaf) == 0, "announced: good for one cgroup");
	container_remove(&c);
	(void)sensor_arm(sensor, leaf, 1, 0, 0, &set, &err);
	container_new(&c, "announced");
	row(sensor_cgroup_get(sensor, c.id, &entry) == -ENOENT, "announced: not after it has expired");
	container_remove(&c);
	policy_unload();
}

static int count_records(void *context, const struct abi_header *record, size_t size)
{
	unsigned *seen = context;

	if (record->type < 8 && record->size == size)
		seen[record->type]++;
	return 0;
}

static void events(void)
{
	unsigned seen[8] = { 0 };
	struct container c;

	(void)sensor_events_read(sensor, count_records, seen);
	memset(seen, 0, sizeof seen);
	policy_load(KILL_LSEEK);
	container_new(&c, "events");
	container_register(&c, true);
	(void)container_run(&c, "/bin/first_lseek", PLAIN);
	usleep(100000);
	(void)sensor_events_read(sensor, count_records, seen);
	row(seen[ABI_REC_HIT] == 1, "events: one hit (%u)", seen[ABI_REC_HIT]);
	row(seen[ABI_REC_EXEC] >= 1 && seen[ABI_REC_FORK] >= 1 && seen[ABI_REC_EXIT] >= 1,
	    "events: exec %u, fork %u, exit %u", seen[ABI_REC_EXEC], seen[ABI_REC_FORK], seen[ABI_REC_EXIT]);
	container_remove(&c);
	policy_unload();
}

static void found_running(void)
{
	struct container c;
	char byte = 0;
	int in[2], out[2], status;
	char text[64] = "";
	struct error err = { 0 };
	pid_t pid;

	policy_load(KILL_LSEEK);
	container_new(&c, "unseen");
	must(pipe2(in, O_CLOEXEC) == 0 && pipe2(out, O_CLOEXEC) == 0, "pipe", NULL);
	fflush(stdout);
	pid = fork();
	if (pid == 0) {
		char *argv[] = { (char *)"/bin/lseek_loop", NULL }, *envp[] = { NULL };

		dup2(in[0], 0);
		dup2(out[1], 1);
		runtime_init(c.path);
		execve(argv[0], argv, envp);
		_exit(99);
	}
	must(pid > 0 && read(out[0], text, sizeof text - 1) > 0, "container says ready", NULL);
	container_register(&c, true);
	row(sensor_container_mark_running(sensor, c.id, c.path, &err) == 1, "unseen: its one thread is marked: %s",
	    err.text);
	enter_cgroup(hierarchy.root); /* the test itself stays where it was */
	must(write(in[1], &byte, 1) == 1, "write", NULL);
	must(waitpid(pid, &status, 0) == pid, "wait", NULL);
	row(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL, "unseen: killed at its next forbidden call");
	close(in[0]), close(in[1]), close(out[0]), close(out[1]);
	container_remove(&c);
	policy_unload();
}

static void inherit_matters(void)
{
	struct container c, inner = { 0 };

	sensor_close(sensor);
	{
		struct sensor_options options = { .bpffs = "/sys/fs/bpf",
						  .dir = bpf_dir,
						  .hierarchy = &hierarchy,
						  .release_pins = true,
						  .keep_on_close = true,
						  .procfs = "/proc",
						  .skip_program = "cgroup_inherit" };
		struct error err = { 0 };

		must(sensor_open(&options, &sensor, &err) >= 0, "sensor_open", &err);
	}
	policy_load(KILL_LSEEK);
	container_new(&c, "mutation");
	container_register(&c, true);
	snprintf(inner.path, sizeof inner.path, "%.4000s/late", c.path);
	must(mkdir(inner.path, 0755) == 0, inner.path, NULL);
	row(container_run(&inner, "/bin/first_lseek", PLAIN).survived,
	    "mutation: without cgroup_inherit a child cgroup escapes");
	container_remove(&inner);
	container_remove(&c);
	policy_unload();
}

int main(int argc, char **argv)
{
	struct sensor_options remove = {
		.bpffs = "/sys/fs/bpf", .dir = bpf_dir, .hierarchy = &hierarchy, .procfs = "/proc"
	};
	char command[PATH_MAX + 512];
	struct error err = { 0 };

	if (argc == 4)
		return inside(argv);
	if (argc != 2) {
		fprintf(stderr, "usage: gate_test PROGRAMS_DIR\n");
		return 2;
	}
	snprintf(bpf_dir, sizeof bpf_dir, "tg-gate-%d", getpid());
	snprintf(rootfs, sizeof rootfs, "/tmp/tg-gate-%d", getpid());
	snprintf(command, sizeof command,
		 "mkdir -p %s/bin %s/old %s/cg %s/inner/old && cp %s/* %s/bin/ && cp /proc/%d/exe %s/bin/gate_test && "
		 "cp -r "
		 "%s/bin %s/inner/",
		 rootfs, rootfs, rootfs, rootfs, argv[1], rootfs, getpid(), rootfs, rootfs, rootfs);
	must(system(command) == 0, command, NULL);
	must(hierarchy_find("/proc", "", &hierarchy, &err) >= 0, "hierarchy_find", &err);
	printf("# hierarchy %s (%s)\n", hierarchy.root, hierarchy.mode);
	sensor_start(NULL);
	row(!sensor_adopted(sensor), "open: nothing to take over");
	container_starts();
	number_filters();
	string_filters();
	first_selector_wins();
	children();
	nested();
	announced();
	events();
	found_running();
	outlives_the_agent();
	inherit_matters();
	sensor_close(sensor);
	must(sensor_open(&remove, &sensor, &err) >= 0, "sensor_open", &err);
	sensor_close(sensor); /* without keep_on_close: removes the pins */
	snprintf(command, sizeof command, "rm -r %s", rootfs);
	must(system(command) == 0, command, NULL);
	printf("1..%d\n", rows);
	return failed ? 1 : 0;
}
