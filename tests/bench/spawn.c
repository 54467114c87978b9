/* SPDX-License-Identifier: Apache-2.0 */
/*
 * spawn RUNS FOLDER INPUT COMMAND... [-- COMMAND...]: starts the commands in turn, RUNS times each, as a container
 * runtime starts a hook: in FOLDER, with the file INPUT as standard input. Prints a JSON array, one object a command,
 * times in nanoseconds: wall from before the start until the end is known, CPU and peak memory as wait4 has them.
 *
 * Linked statically with musl: a child's peak memory counts that of its parent before exec, so the parent has to be
 * small.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ptrace.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define COMMANDS_MAX 4

struct command {
	char **argv;
	uint64_t *wall_ns, *cpu_ns;
	long rss_kb;
	unsigned failures;
};

static uint64_t now_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

static uint64_t timeval_ns(struct timeval t)
{
	return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_usec * 1000u;
}

static int compare(const void *a, const void *b)
{
	uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;

	return x < y ? -1 : x > y;
}

static void run_once(struct command *command, unsigned run, const char *input)
{
	char *environment[] = { "LC_ALL=C", NULL };
	posix_spawn_file_actions_t actions;
	struct rusage used;
	int status = 0, r;
	uint64_t began;
	pid_t pid;

	posix_spawn_file_actions_init(&actions);
	posix_spawn_file_actions_addopen(&actions, 0, input, O_RDONLY, 0);
	posix_spawn_file_actions_addopen(&actions, 1, "/dev/null", O_WRONLY, 0);
	began = now_ns();
	r = posix_spawn(&pid, command->argv[0], &actions, NULL, command->argv, environment);
	if (r) {
		fprintf(stderr, "spawn: cannot start %s: %s\n", command->argv[0], strerror(r));
		exit(1);
	}
	while (wait4(pid, &status, 0, &used) < 0 && errno == EINTR)
		;
	command->wall_ns[run] = now_ns() - began;
	command->cpu_ns[run] = timeval_ns(used.ru_utime) + timeval_ns(used.ru_stime);
	command->failures += status != 0;
	posix_spawn_file_actions_destroy(&actions);
}

static long smaps_rss_kb(pid_t pid)
{
	char path[64], line[256];
	long kb = -1;
	FILE *file;

	(void)snprintf(path, sizeof path, "/proc/%d/smaps_rollup", (int)pid);
	file = fopen(path, "re");
	while (file && kb < 0 && fgets(line, sizeof line, file))
		if (!strncmp(line, "Rss:", 4))
			kb = strtol(line + 4, NULL, 10);
	if (file)
		(void)fclose(file);
	return kb;
}

/* Memory in use when the process ends; neither of the programs measured gives memory back before. */
static void measure_memory(struct command *command, const char *input)
{
	char *environment[] = { "LC_ALL=C", NULL };
	int status = 0;
	pid_t pid = fork();

	if (pid == 0) {
		int in = open(input, O_RDONLY), out = open("/dev/null", O_WRONLY);

		if (dup2(in, 0) < 0 || dup2(out, 1) < 0 || ptrace(PTRACE_TRACEME, 0, NULL, NULL) < 0)
			_exit(126);
		execve(command->argv[0], command->argv, environment);
		_exit(127);
	}
	waitpid(pid, &status, 0); /* stopped by the exec */
	ptrace(PTRACE_SETOPTIONS, pid, NULL, PTRACE_O_TRACEEXIT);
	while (WIFSTOPPED(status)) {
		if (status >> 8 == (SIGTRAP | PTRACE_EVENT_EXIT << 8))
			command->rss_kb = smaps_rss_kb(pid);
		ptrace(PTRACE_CONT, pid, NULL, NULL);
		if (waitpid(pid, &status, 0) < 0)
			break;
	}
}

int main(int argc, char **argv)
{
	struct command command[COMMANDS_MAX] = { 0 };
	size_t commands = 0;
	unsigned runs;

	if (argc < 5 || (runs = (unsigned)strtoul(argv[1], NULL, 10)) == 0 || runs > 1000000) {
		fprintf(stderr, "usage: spawn RUNS FOLDER INPUT COMMAND... [-- COMMAND...]\n");
		return 2;
	}
	if (chdir(argv[2]) < 0) {
		fprintf(stderr, "spawn: cannot enter %s: %s\n", argv[2], strerror(errno));
		return 1;
	}
	for (char **word = argv + 4; *word; word++) {
		if (commands == COMMANDS_MAX) {
			fprintf(stderr, "spawn: at most %d commands\n", COMMANDS_MAX);
			return 2;
		}
		command[commands].argv = word;
		command[commands].wall_ns = calloc(runs, sizeof(uint64_t));
		command[commands].cpu_ns = calloc(runs, sizeof(uint64_t));
		if (!command[commands].wall_ns || !command[commands].cpu_ns)
			return 1;
		commands++;
		while (*word && strcmp(*word, "--"))
			word++;
		if (!*word)
			break;
		*word = NULL;
	}
	for (unsigned run = 0; run < runs; run++)
		for (size_t i = 0; i < commands; i++)
			run_once(&command[i], run, argv[3]);
	for (size_t i = 0; i < commands; i++)
		measure_memory(&command[i], argv[3]);
	printf("[");
	for (size_t i = 0; i < commands; i++) {
		struct command *c = &command[i];

		qsort(c->wall_ns, runs, sizeof(uint64_t), compare);
		qsort(c->cpu_ns, runs, sizeof(uint64_t), compare);
		printf("%s{\"wall_p50\":%llu,\"wall_p99\":%llu,\"cpu_p50\":%llu,\"cpu_p99\":%llu,\"rss_kb\":%ld,"
		       "\"failures\":%u}",
		       i ? "," : "", (unsigned long long)c->wall_ns[runs / 2],
		       (unsigned long long)c->wall_ns[runs - runs / 100 - 1], (unsigned long long)c->cpu_ns[runs / 2],
		       (unsigned long long)c->cpu_ns[runs - runs / 100 - 1], c->rss_kb, c->failures);
	}
	printf("]\n");
	return 0;
}
