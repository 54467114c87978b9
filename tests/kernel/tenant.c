/* SPDX-License-Identifier: Apache-2.0 */
#include "tenant.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <sched.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "runtime_bed.h"

#define DIG_LEVELS 300    /* more than ABI_LEVEL_MAX */
#define FLOOD_CALLS 40000 /* their hits are more than fits into half of the ring buffer */

static void forbidden(void)
{
	(void)lseek(-1, 0, SEEK_SET);
	(void)!write(1, "survived\n", 9);
}

static int execute(char *program)
{
	char *argv[] = { program, NULL }, *envp[] = { NULL };

	execve(program, argv, envp);
	return 98;
}

/* inner CGROUP PROGRAM: the runtime of a container inside the container. */
static int inner(char **argv)
{
	enter_cgroup(argv[1]);
	must(unshare(CLONE_NEWNS) == 0, "unshare", NULL);
	must(mount("/inner", "/inner", NULL, MS_BIND, NULL) == 0, "bind", NULL);
	must(syscall(SYS_pivot_root, "/inner", "/inner/old") == 0, "pivot_root", NULL);
	must(chdir("/") == 0 && umount2("/old", MNT_DETACH) == 0, "umount", NULL);
	return execute(argv[2]);
}

/* move CGROUP PROGRAM: executes the program in another cgroup. */
static int move(char **argv)
{
	enter_cgroup(argv[1]);
	return execute(argv[2]);
}

/* move-pid CGROUP PID: moves another process. */
static int move_pid(char **argv)
{
	char procs[PATH_MAX];

	text_put(procs, sizeof procs, "%s/cgroup.procs", argv[1]);
	file_write(procs, argv[2]);
	return 0;
}

/* failed-exec CGROUP: an exec that fails in a nested container's cgroup; then a child goes to the root cgroup. */
static int failed_exec(char **argv)
{
	int status = 0;
	pid_t pid;

	enter_cgroup(argv[1]);
	(void)execute((char *)"/not-there");
	pid = fork();
	if (pid == 0) {
		enter_cgroup("/cg");
		forbidden();
		_exit(0);
	}
	must(pid > 0 && waitpid(pid, &status, 0) == pid, "fork", NULL);
	return WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status);
}

static void obey(void)
{
	char byte;

	(void)!write(1, "ready\n", 6);
	while (read(0, &byte, 1) == 1)
		forbidden();
}

static void *obey_alone(void *program)
{
	char byte;

	usleep(50000); /* the leader is a zombie by then */
	if (!program)
		obey();
	else if (write(1, "ready\n", 6) == 6 && read(0, &byte, 1) == 1)
		execute(program); /* takes the leader's place: nothing is left of it */
	_exit(0);
}

static int leave_alone(char *program)
{
	pthread_t thread;

	must(pthread_create(&thread, NULL, obey_alone, program) == 0, "pthread_create", NULL);
	syscall(SYS_exit, 0); /* this thread alone */
	return 95;
}

/* leaderless: a process whose first thread has ended. */
static int leaderless(char **argv)
{
	(void)argv;
	return leave_alone(NULL);
}

/* leaderless-exec PROGRAM: one that executes the program at the first byte. */
static int leaderless_exec(char **argv)
{
	return leave_alone(argv[1]);
}

/* memfd PROGRAM: the program from anonymous memory, under the name of a runtime that protects itself so. */
static int memfd(char **argv)
{
	char *args[] = { argv[1], NULL }, *envp[] = { NULL }, bytes[65536];
	int from = open(argv[1], O_RDONLY | O_CLOEXEC);
	int to = (int)syscall(SYS_memfd_create, "runc_cloned:/proc/self/exe", 0);
	ssize_t n;

	while ((n = read(from, bytes, sizeof bytes)) > 0)
		must(write(to, bytes, (size_t)n) == n, "write", NULL);
	syscall(SYS_execveat, to, "", args, envp, AT_EMPTY_PATH);
	return 97;
}

/* mounted-over: by the name of its program there is another file, in another mount namespace. */
static int mounted_over(char **argv)
{
	(void)argv;
	must(unshare(CLONE_NEWNS) == 0, "unshare", NULL);
	must(mount("/inner", "/bin", NULL, MS_BIND, NULL) == 0, "bind", NULL);
	must(close(open("/bin/gate_test", O_CREAT | O_RDWR | O_CLOEXEC, 0755)) == 0, "create", NULL);
	obey();
	return 0;
}

/* dig CGROUP: makes cgroups below each other. */
static int dig(char **argv)
{
	must(chdir(argv[1]) == 0, argv[1], NULL);
	for (int i = 0; i < DIG_LEVELS; i++)
		must(mkdir("d", 0755) == 0 && chdir("d") == 0, "mkdir", NULL);
	(void)!write(1, "survived\n", 9);
	return 0;
}

/* flood: the forbidden call again and again, under a policy that only reports it. */
static int flood(char **argv)
{
	(void)argv;
	for (int i = 0; i < FLOOD_CALLS; i++)
		(void)lseek(-1, 0, SEEK_SET);
	(void)!write(1, "survived\n", 9);
	return 0;
}

static const struct {
	const char *verb;
	int (*run)(char **argv);
	int arguments;
} tenants[] = {
	{ "inner", inner, 2 },
	{ "move", move, 2 },
	{ "move-pid", move_pid, 2 },
	{ "failed-exec", failed_exec, 1 },
	{ "leaderless", leaderless, 0 },
	{ "leaderless-exec", leaderless_exec, 1 },
	{ "memfd", memfd, 1 },
	{ "mounted-over", mounted_over, 0 },
	{ "dig", dig, 1 },
	{ "flood", flood, 0 },
};

int tenant_run(char **argv)
{
	int n = 0;

	while (argv[n])
		n++;
	for (size_t i = 0; n && i < sizeof tenants / sizeof *tenants; i++)
		if (!strcmp(argv[0], tenants[i].verb) && n == 1 + tenants[i].arguments)
			return tenants[i].run(argv);
	return 96;
}
