/* SPDX-License-Identifier: Apache-2.0 */
#include "runtime_bed.h"

#include <bpf/bpf.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
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

#define TRIES 300 /* of PAUSE_US each: what the kernel does in the background takes a moment */
#define PAUSE_US 10000
#define WALK_FDS 32

bool row(struct bed *bed, bool ok, const char *format, ...)
{
	va_list args;

	printf("%s %d - ", ok ? "ok" : "not ok", ++bed->rows);
	va_start(args, format);
	vprintf(format, args);
	va_end(args);
	printf("\n");
	fflush(stdout);
	bed->failed += !ok;
	return ok;
}

void must(bool ok, const char *what, const struct error *err)
{
	if (ok)
		return;
	printf("Bail out! %s: %s\n", what, err && err->code ? err->text : strerror(errno));
	fflush(stdout);
	_exit(2); /* bed_clean is another process's */
}

void text_put(char *text, size_t size, const char *format, ...)
{
	va_list args;
	int n;

	va_start(args, format);
	n = vsnprintf(text, size, format, args);
	va_end(args);
	must(n >= 0 && (size_t)n < size, "text is too long", NULL);
}

void file_write(const char *path, const char *text)
{
	int fd = open(path, O_WRONLY | O_CLOEXEC);

	must(fd >= 0 && write(fd, text, strlen(text)) >= 0, path, NULL);
	close(fd);
}

void bed_init(struct bed *bed, pid_t owner)
{
	struct error err = { 0 };

	memset(bed, 0, sizeof *bed);
	bed->owner = owner;
	text_put(bed->bpf_dir, sizeof bed->bpf_dir, "tg-gate-%d", owner);
	text_put(bed->rootfs, sizeof bed->rootfs, "/tmp/tg-gate-%d", owner);
	must(hierarchy_find("/proc", "", &bed->hierarchy, &err) >= 0, "hierarchy_find", &err);
}

void bed_make(struct bed *bed, const char *programs)
{
	const char *to = bed->rootfs;
	char command[PATH_MAX + 1024];

	text_put(command, sizeof command,
		 "mkdir -p %s/bin %s/old %s/cg %s/inner/old && cp %s/* /proc/%d/exe %s/bin/ && mv %s/bin/exe "
		 "%s/bin/gate_test && cp -r %s/bin %s/inner/",
		 to, to, to, to, programs, getpid(), to, to, to, to, to);
	must(system(command) == 0, command, NULL);
}

/* --- removing ----------------------------------------------------------------------------------------------------- */

static int cgroup_drop(const char *path, const struct stat *st, int type, struct FTW *at)
{
	(void)st, (void)at; /* the type tells */
	if (type != FTW_DP)
		return 0;
	for (int i = 0; i < TRIES && rmdir(path) && errno == EBUSY; i++)
		usleep(PAUSE_US);
	return 0;
}

static int cgroup_kill(const char *path, const struct stat *st, int type, struct FTW *at)
{
	char line[32];
	FILE *procs;

	(void)st;
	if (type != FTW_F || strcmp(path + at->base, "cgroup.procs") || !(procs = fopen(path, "re")))
		return 0;
	while (fgets(line, sizeof line, procs))
		if (atoi(line) > 0)
			(void)kill(atoi(line), SIGKILL); /* it may have ended by itself */
	(void)fclose(procs);                             /* only read */
	return 0;
}

int bed_clean(const struct bed *bed)
{
	char suffix[32], path[PATH_MAX + 300], command[PATH_MAX];
	DIR *root = opendir(bed->hierarchy.root);
	int found = 0;

	text_put(suffix, sizeof suffix, "-%d", bed->owner);
	for (struct dirent *entry; root && (entry = readdir(root));) {
		size_t n = strlen(entry->d_name);

		if (strncmp(entry->d_name, "tg-", 3) || n < strlen(suffix) ||
		    strcmp(entry->d_name + n - strlen(suffix), suffix))
			continue;
		found++;
		text_put(path, sizeof path, "%s/%s", bed->hierarchy.root, entry->d_name);
		(void)nftw(path, cgroup_kill, WALK_FDS, FTW_PHYS);
		(void)nftw(path, cgroup_drop, WALK_FDS, FTW_PHYS | FTW_DEPTH);
	}
	if (root)
		closedir(root);
	text_put(command, sizeof command, "rm -rf %s %s/%s %s/%s_old", bed->rootfs, BED_BPFFS, bed->bpf_dir, BED_BPFFS,
		 bed->bpf_dir);
	must(system(command) == 0, command, NULL);
	return found;
}

/* --- sensor ------------------------------------------------------------------------------------------------------- */

void bed_sensor_open(struct bed *bed, const char *skip, bool release_pins)
{
	struct sensor_options options = { .bpffs = BED_BPFFS,
					  .dir = bed->bpf_dir,
					  .hierarchy = &bed->hierarchy,
					  .release_pins = release_pins,
					  .keep_on_close = true,
					  .procfs = "/proc",
					  .skip_program = skip };
	struct error err = { 0 };

	must(sensor_open(&options, &bed->sensor, &err) >= 0, "sensor_open", &err);
}

void bed_sensor_reopen(struct bed *bed)
{
	sensor_close(bed->sensor);
	bed_sensor_open(bed, NULL, false);
}

void bed_map_path(const struct bed *bed, const char *name, char path[PATH_MAX])
{
	text_put(path, PATH_MAX, "%s/%s/maps/%s", BED_BPFFS, bed->bpf_dir, name);
}

int bed_map(const struct bed *bed, const char *name)
{
	char path[PATH_MAX];
	int fd;

	bed_map_path(bed, name, path);
	fd = bpf_obj_get(path);
	must(fd >= 0, path, NULL);
	return fd;
}

void bed_losses_put(const struct bed *bed, uint64_t marks, uint64_t children)
{
	struct abi_losses losses = { .marks = marks, .children = children };
	int fd = bed_map(bed, "losses");
	uint32_t zero = 0;

	must(bpf_map_update_elem(fd, &zero, &losses, BPF_ANY) == 0, "losses", NULL);
	close(fd);
}

/* --- containers --------------------------------------------------------------------------------------------------- */

static void cgroup_make(const struct bed *bed, struct container *c)
{
	struct error err = { 0 };

	text_put(c->path, sizeof c->path, "%s%s", bed->hierarchy.root, c->name);
	must(mkdir(c->path, 0755) == 0, c->path, NULL);
	must(hierarchy_cgroup_id(&bed->hierarchy, c->name, &c->id, &err) >= 0, "cgroup id", &err);
}

void container_new(const struct bed *bed, struct container *c, const char *name)
{
	text_put(c->name, sizeof c->name, "/tg-%s-%d", name, bed->owner);
	cgroup_make(bed, c);
}

void container_child(const struct bed *bed, const struct container *parent, struct container *child, const char *name)
{
	text_put(child->name, sizeof child->name, "%s/%s", parent->name, name);
	cgroup_make(bed, child);
}

static int container_open(const struct container *c)
{
	int fd = open(c->path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	must(fd >= 0, c->path, NULL);
	return fd;
}

void container_register_as(struct bed *bed, const struct container *c, bool selected, uint32_t flags)
{
	struct abi_container_info info = { .source = ABI_INFO_HOOK };
	int fd = container_open(c);
	struct abi_policy_set set = { 0 };
	struct error err = { 0 };

	if (selected)
		set.bit[SLOT / 64] = 1ull << SLOT % 64;
	text_put(info.cgroup_path, sizeof info.cgroup_path, "%s", c->name);
	must(sensor_container_add(bed->sensor, c->id, fd, flags, 0, &set, &info, &err) >= 0, "sensor_container_add",
	     &err);
	close(fd);
}

void container_register(struct bed *bed, const struct container *c, bool selected)
{
	container_register_as(bed, c, selected, 0);
}

int container_mark_within(struct bed *bed, const struct container *c, int64_t budget_ns, struct error *err)
{
	int fd = container_open(c), r = sensor_container_mark_running(bed->sensor, c->id, fd, budget_ns, err);

	close(fd);
	return r;
}

int container_mark(struct bed *bed, const struct container *c, struct error *err)
{
	return container_mark_within(bed, c, 0, err);
}

bool container_remove(const struct container *c)
{
	for (int i = 0; i < TRIES && rmdir(c->path) && errno == EBUSY; i++) {
		(void)nftw(c->path, cgroup_drop, WALK_FDS, FTW_PHYS | FTW_DEPTH); /* cgroups below it */
		usleep(PAUSE_US);
	}
	return access(c->path, F_OK) != 0;
}

int container_collected(struct bed *bed, uint64_t id)
{
	struct abi_cgroup entry;
	int r = 0;

	for (int i = 0; i < TRIES && (r = sensor_cgroup_get(bed->sensor, id, &entry)) == 0; i++) {
		(void)sensor_collect(bed->sensor, true, 0, NULL, NULL);
		usleep(PAUSE_US);
	}
	return r;
}

void enter_cgroup(const char *path)
{
	char procs[PATH_MAX + 1100];

	text_put(procs, sizeof procs, "%s/cgroup.procs", path);
	file_write(procs, "0");
}

/* What the runtime's init does between its clone and its exec. */
static void runtime_init(const struct bed *bed, const char *cgroup)
{
	const char *rootfs = bed->rootfs;
	char path[160];

	enter_cgroup(cgroup);
	must(unshare(CLONE_NEWNS) == 0, "unshare", NULL);
	must(mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) == 0, "private", NULL);
	must(mount(rootfs, rootfs, NULL, MS_BIND | MS_REC, NULL) == 0, "bind", NULL);
	text_put(path, sizeof path, "%s/cg", rootfs);
	/* not through /proc/1/root: that is a mount of another namespace by now */
	must(mount(strstr(bed->hierarchy.root, "/sys/fs/cgroup"), path, NULL, MS_BIND, NULL) == 0, "bind cgroups",
	     NULL);
	text_put(path, sizeof path, "%s/old", rootfs);
	must(syscall(SYS_pivot_root, rootfs, path) == 0, "pivot_root", NULL);
	must(chdir("/") == 0 && umount2("/old", MNT_DETACH) == 0, "umount old root", NULL);
}

static void setup_call(void)
{
	(void)lseek(-1, 0, SEEK_SET);
	(void)!write(1, "setup", 5);
}

/* The child of a fork; becomes the container's program. `in` may be -1. */
_Noreturn static void runtime_child(const struct bed *bed, const struct container *c, char **argv, enum twist twist,
				    int in, int out)
{
	char *envp[] = { NULL };

	(void)prctl(PR_SET_PDEATHSIG, SIGKILL); /* also if the rows crash */
	if (in >= 0)
		dup2(in, 0);
	dup2(out, 1);
	if (twist == CALL_BEFORE_PIVOT) {
		enter_cgroup(c->path);
		must(unshare(CLONE_NEWNS) == 0, "unshare", NULL);
		setup_call();
	}
	runtime_init(bed, c->path);
	if (twist == EXEC_FAILS) {
		execve("/bin/not-there", argv, envp);
		setup_call();
	}
	execve(argv[0], argv, envp);
	_exit(99);
}

struct outcome container_run_args(const struct bed *bed, const struct container *c, char **argv, enum twist twist)
{
	struct outcome outcome = { 0 };
	char text[4096];
	size_t n = 0;
	int out[2];
	pid_t pid;

	must(pipe2(out, O_CLOEXEC) == 0, "pipe", NULL);
	fflush(stdout);
	pid = fork();
	if (pid == 0)
		runtime_child(bed, c, argv, twist, -1, out[1]);
	must(pid > 0, "fork", NULL);
	close(out[1]);
	for (ssize_t got; n < sizeof text - 1 && (got = read(out[0], text + n, sizeof text - 1 - n)) > 0;)
		n += (size_t)got;
	text[n] = '\0';
	close(out[0]);
	must(waitpid(pid, &outcome.status, 0) == pid, "wait", NULL);
	if (strstr(text, "Bail out!"))
		printf("# in the container: %s", text);
	outcome.survived = strstr(text, "survived");
	outcome.passed_setup = strstr(text, "setup");
	return outcome;
}

struct outcome container_run(const struct bed *bed, const struct container *c, const char *program, enum twist twist)
{
	char *argv[] = { (char *)program, NULL };

	return container_run_args(bed, c, argv, twist);
}

bool killed(struct outcome outcome)
{
	if (WIFSIGNALED(outcome.status) && WTERMSIG(outcome.status) == SIGKILL && !outcome.survived)
		return true;
	printf("# status %x, survived %d\n", (unsigned)outcome.status, outcome.survived);
	return false;
}

void guest_start(const struct bed *bed, const struct container *c, char **argv, struct guest *ret_guest)
{
	int in[2], out[2];
	char text[64] = "";

	must(pipe2(in, O_CLOEXEC) == 0 && pipe2(out, O_CLOEXEC) == 0, "pipe", NULL);
	fflush(stdout);
	ret_guest->pid = fork();
	if (ret_guest->pid == 0)
		runtime_child(bed, c, argv, PLAIN, in[0], out[1]);
	must(ret_guest->pid > 0, "fork", NULL);
	close(in[0]);
	close(out[1]);
	ret_guest->in = in[1];
	ret_guest->out = out[0];
	must(read(ret_guest->out, text, sizeof text - 1) > 0 && !strncmp(text, "ready", 5), text, NULL);
}

bool guest_calls(const struct guest *guest, const char *text)
{
	char answer[64] = "";

	return write(guest->in, "x", 1) == 1 && read(guest->out, answer, sizeof answer - 1) > 0 &&
	       !strncmp(answer, text, strlen(text));
}

bool guest_survives(const struct guest *guest)
{
	return guest_calls(guest, "survived");
}

int guest_end(struct guest *guest)
{
	int status = 0;

	close(guest->in);
	close(guest->out);
	(void)kill(guest->pid, SIGKILL); /* not reaped yet: the pid is still its own */
	must(waitpid(guest->pid, &status, 0) == guest->pid, "wait", NULL);
	return status;
}

/* --- policies ----------------------------------------------------------------------------------------------------- */

void policy_load_at(struct bed *bed, unsigned slot, const char *yaml)
{
	struct policy *policy = NULL;
	struct error err = { 0 };

	must(policy_parse(yaml, strlen(yaml), &policy, &err) >= 0, "policy_parse", &err);
	must(sensor_policy_add(bed->sensor, slot, 1, policy, &err) >= 0, "sensor_policy_add", &err);
	policy_free(policy);
}

void policy_unload_at(struct bed *bed, unsigned slot)
{
	struct error err = { 0 };

	must(sensor_policy_remove(bed->sensor, slot, &err) >= 0, "sensor_policy_remove", &err);
}

void policy_load(struct bed *bed, const char *yaml)
{
	policy_load_at(bed, SLOT, yaml);
}

void policy_unload(struct bed *bed)
{
	policy_unload_at(bed, SLOT);
}

void policy_load_global(struct bed *bed, unsigned slot, const char *yaml)
{
	struct error err = { 0 };

	policy_load_at(bed, slot, yaml);
	must(sensor_global(bed->sensor, slot, true, &err) >= 0, "sensor_global", &err);
}
