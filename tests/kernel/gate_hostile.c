/* SPDX-License-Identifier: Apache-2.0 */
/* tests/kernel/gate_hostile.c: what a tenant with writable cgroups tries, and what happens while others change. */
#include <bpf/bpf.h>
#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/error.h"
#include "gate.h"
#include "runtime_bed.h"

static void failed_exec(struct bed *bed)
{
	char cgroup[1100],
		*argv[] = { (char *)"/bin/gate_test", (char *)"tenant", (char *)"failed-exec", cgroup, NULL };
	struct container outer, inner;
	struct outcome outcome;

	policy_load(bed, KILL_LSEEK);
	container_new(bed, &outer, "outer");
	container_register(bed, &outer, true);
	container_child(bed, &outer, &inner, "pod");
	container_register(bed, &inner, true);
	text_put(cgroup, sizeof cgroup, "/cg%s", inner.name);
	outcome = container_run_args(bed, &outer, argv, PLAIN);
	row(bed, !outcome.survived && WIFEXITED(outcome.status) && WEXITSTATUS(outcome.status) == 128 + SIGKILL,
	    "nested exec that failed: the child has the outer mark (status %x)", (unsigned)outcome.status);
	container_remove(&outer);
	policy_unload(bed);
}

/* Processes that another container's moves away: of those without leader the kernel names nobody who has a mark. */
static const struct {
	const char *why;
	char *argv[5];
	bool executes;
} strays[] = {
	{ "stray", { (char *)"/bin/lseek_loop", NULL }, false },
	{ "stray without leader", { (char *)"/bin/gate_test", (char *)"tenant", (char *)"leaderless", NULL }, false },
	{ "stray without leader that executes",
	  { (char *)"/bin/gate_test", (char *)"tenant", (char *)"leaderless-exec", (char *)"/bin/lseek_loop", NULL },
	  true },
};

/* Lets the kernel release the cgroup in the background and the sensor collect. Whether the container is still known. */
static bool stays(struct bed *bed, uint64_t container, bool verify)
{
	struct abi_cgroup entry;

	for (int i = 0; i < 10; i++) {
		usleep(10000);
		(void)sensor_collect(bed->sensor, true, verify ? ABI_CONTAINERS : 0, NULL, NULL);
	}
	return sensor_cgroup_get(bed->sensor, container, &entry) == 0;
}

static void moved_away(struct bed *bed)
{
	for (size_t i = 0; i < sizeof strays / sizeof *strays; i++) {
		char pid[16], *mover[] = {
			(char *)"/bin/gate_test", (char *)"tenant", (char *)"move-pid", (char *)"/cg", pid, NULL
		};
		struct container strict, helper;
		bool is_removed, is_ready = true;
		struct guest guest;

		policy_load(bed, KILL_LSEEK);
		container_new(bed, &strict, "strict");
		container_register(bed, &strict, true);
		container_new(bed, &helper, "helper");
		container_register(bed, &helper, false);
		guest_start(bed, &strict, (char **)strays[i].argv, &guest);
		text_put(pid, sizeof pid, "%d", guest.pid);
		must(container_run_args(bed, &helper, mover, PLAIN).status == 0, "move-pid", NULL);
		is_removed = container_remove(&strict);
		if (strays[i].executes)
			is_ready = guest_calls(&guest, "ready");
		row(bed, is_removed && is_ready && stays(bed, strict.id, false),
		    "%s: its removed container stays (removed %d, ready %d)", strays[i].why, is_removed, is_ready);
		row(bed, stays(bed, strict.id, true), "%s: its removed container stays when all are verified",
		    strays[i].why);
		row(bed, !guest_survives(&guest), "%s: is judged", strays[i].why);
		(void)guest_end(&guest);
		row(bed, container_collected(bed, strict.id) == -ENOENT, "%s: its container goes after it",
		    strays[i].why);
		container_remove(&helper);
		policy_unload(bed);
	}
}

/* --- cgroups without end ------------------------------------------------------------------------------------------ */

#define NESTED 50

static uint32_t children_of(const struct bed *bed, uint64_t container)
{
	struct abi_container_state state = { 0 };
	int fd = bed_map(bed, "container_states");

	must(bpf_map_lookup_elem(fd, &container, &state) == 0, "container_states", NULL);
	close(fd);
	return state.children;
}

static void come_and_go(struct bed *bed)
{
	uint64_t gone[NESTED];
	struct container outer, inner;
	uint32_t children = 1;
	char name[16];

	container_new(bed, &outer, "outer");
	container_register(bed, &outer, false);
	for (int i = 0; i < NESTED; i++) {
		text_put(name, sizeof name, "pod%d", i);
		container_child(bed, &outer, &inner, name);
		container_register(bed, &inner, false);
		gone[i] = inner.id;
		container_remove(&inner);
	}
	for (int i = 0; i < NESTED; i++)
		if (container_collected(bed, gone[i]) != -ENOENT)
			break; /* counted below */
	for (int i = 0; i < 100 && (children = children_of(bed, outer.id)); i++)
		usleep(10000);
	row(bed, children == 0, "%d nested containers come and go: the outer one has %u children", NESTED, children);
	container_remove(&outer);
}

static int depth_below(const struct container *c, struct container *ret_deepest)
{
	int depth = 0;

	*ret_deepest = *c;
	for (;;) {
		size_t end = strlen(ret_deepest->path);

		text_put(ret_deepest->path + end, sizeof ret_deepest->path - end, "/d");
		if (access(ret_deepest->path, F_OK)) {
			ret_deepest->path[end] = '\0';
			return depth;
		}
		depth++;
	}
}

/* Whether somebody outside every container can make a cgroup there. */
static bool host_can_make(const struct container *parent)
{
	struct container child = *parent;
	int status = 0;
	pid_t pid;

	text_put(child.path + strlen(child.path), 8, "/d");
	fflush(stdout);
	pid = fork();
	if (pid == 0)
		_exit(mkdir(child.path, 0755) != 0);
	must(pid > 0 && waitpid(pid, &status, 0) == pid, "fork", NULL);
	return status == 0;
}

static void wide_and_deep(struct bed *bed)
{
	char cgroup[1100], name[16],
		*argv[] = { (char *)"/bin/gate_test", (char *)"tenant", (char *)"dig", cgroup, NULL };
	static const int levels[] = { 1, 23, 24, 25, 26, 32, 190 }; /* around what a bounded walk would reach */
	struct container c, deepest, at;
	struct outcome outcome;
	struct abi_cgroup entry;
	uint32_t children;
	int depth;

	policy_load(bed, KILL_LSEEK);
	container_new(bed, &c, "deep");
	container_register(bed, &c, true);
	for (int i = 0; i < ABI_CHILDREN_MAX + 6; i++) {
		text_put(name, sizeof name, "k%d", i);
		container_child(bed, &c, &at, name);
	}
	children = children_of(bed, c.id);
	row(bed, children == ABI_CHILDREN_MAX && sensor_cgroup_get(bed->sensor, at.id, &entry) == -ENOENT,
	    "quota: %u of %d children have entries", children, ABI_CHILDREN_MAX + 6);
	text_put(cgroup, sizeof cgroup, "/cg%s", c.name);
	outcome = container_run_args(bed, &c, argv, PLAIN);
	depth = depth_below(&c, &deepest);
	row(bed, killed(outcome) && depth >= ABI_LEVEL_MAX - 10 && depth <= ABI_LEVEL_MAX + 1,
	    "depth: who makes cgroups deeper than %d is killed (%d)", ABI_LEVEL_MAX, depth);
	row(bed, host_can_make(&deepest), "depth: a task outside containers is not");
	for (size_t i = 0; i < sizeof levels / sizeof *levels; i++) {
		at = c;
		for (int level = 0; level < levels[i]; level++) {
			size_t end = strlen(at.path);

			text_put(at.path + end, sizeof at.path - end, "/d");
		}
		row(bed, depth >= levels[i] && killed(container_run(bed, &at, "/bin/first_lseek", PLAIN)),
		    "quota: killed %d levels below, without an entry", levels[i]);
	}
	row(bed, container_remove(&c), "quota: all of it can be removed");
	(void)container_collected(bed, c.id); /* nothing depends on it */
	bed_losses_put(bed, 0, 0);            /* the rows after this one are to see what is usual */
	policy_unload(bed);
}

/* --- while others change ------------------------------------------------------------------------------------------ */

#define GLOBALS 40
#define STARTS 100
#define CALLS 20                     /* of the unselected container between two starts */
#define LAST_SLOT (ABI_POLICIES - 1) /* judged after all others: the longest time between looking up and judging */

struct rewriting {
	struct sensor *sensor;
	uint64_t strict, lax, other;
	atomic_bool stop;
	unsigned long writes;
	int failures;
};

/* The only one that calls the sensor while it runs. */
static void *rewrite(void *context)
{
	static const struct abi_policy_set none;
	struct abi_policy_set selected = { 0 };
	struct rewriting *job = context;

	selected.bit[LAST_SLOT / 64] = 1ull << LAST_SLOT % 64;
	while (!atomic_load(&job->stop)) {
		job->failures += sensor_container_policies(job->sensor, job->strict, &selected, NULL) < 0;
		job->failures += sensor_container_policies(job->sensor, job->lax, &none, NULL) < 0;
		job->failures += sensor_container_policies(job->sensor, job->other, job->writes & 1 ? &selected : &none,
							   NULL) < 0;
		job->writes++;
	}
	return NULL;
}

static void rewritten(struct bed *bed)
{
	char *argv[] = { (char *)"/bin/lseek_loop", NULL };
	struct container strict, lax, other;
	struct rewriting job = { .sensor = bed->sensor };
	unsigned escaped = 0, started = 0, calls = 0;
	struct guest guest;
	pthread_t thread;
	bool lives = true;

	for (unsigned slot = 0; slot < GLOBALS; slot++)
		policy_load_global(bed, slot, HEAD LSEEK_HOOK("77777"));
	policy_load_at(bed, LAST_SLOT, KILL_LSEEK);
	container_new(bed, &strict, "strict");
	container_register(bed, &strict, false);
	container_new(bed, &lax, "lax");
	container_register(bed, &lax, false);
	container_new(bed, &other, "other");
	container_register(bed, &other, false);
	job.strict = strict.id;
	job.lax = lax.id;
	job.other = other.id;
	guest_start(bed, &lax, argv, &guest);
	must(pthread_create(&thread, NULL, rewrite, &job) == 0, "pthread_create", NULL);
	usleep(10000); /* the strict one is strict by then */
	for (; started < STARTS; started++) {
		escaped += !killed(container_run(bed, &strict, "/bin/first_lseek", PLAIN));
		for (int i = 0; i < CALLS && lives; i++, calls++)
			lives = guest_survives(&guest);
	}
	atomic_store(&job.stop, true);
	must(pthread_join(thread, NULL) == 0, "pthread_join", NULL);
	row(bed, job.writes > STARTS && !job.failures, "rewritten: policies %lu times (%d failed)", job.writes,
	    job.failures);
	row(bed, escaped == 0, "rewritten: %u of %u starts under a policy escaped", escaped, started);
	row(bed, lives, "rewritten: %u calls under none", calls);
	(void)guest_end(&guest);
	container_remove(&strict);
	container_remove(&lax);
	container_remove(&other);
	policy_unload_at(bed, LAST_SLOT);
	for (unsigned slot = 0; slot < GLOBALS; slot++)
		policy_unload_at(bed, slot);
}

/* Tenants have made cgroups until the map is full: a new container finds its place, and theirs are judged all the same.
 */
static void map_filled(struct bed *bed)
{
	const uint64_t first = 1ull << 40; /* ids that no cgroup has */
	int map = bed_map(bed, "cgroup_policies"), filled = 0;
	char *argv[] = { (char *)"/bin/lseek_loop", NULL };
	struct container strict, child, late;
	struct abi_cgroup entry = { 0 };
	struct guest guest;

	policy_load(bed, KILL_LSEEK);
	container_new(bed, &strict, "filler");
	container_register(bed, &strict, true);
	container_child(bed, &strict, &child, "child");
	must(bpf_map_lookup_elem(map, &strict.id, &entry) == 0, "cgroup_policies", NULL);
	guest_start(bed, &child, argv, &guest);
	for (uint64_t id = first; filled < ABI_CGROUPS; id++, filled++) {
		entry.self = id;
		if (bpf_map_update_elem(map, &id, &entry, BPF_NOEXIST))
			break;
	}
	row(bed, filled > 1000 && filled < ABI_CGROUPS, "map filled: with %d cgroups of one container", filled);
	container_new(bed, &late, "late");
	container_register(bed, &late, true);
	row(bed, killed(container_run(bed, &late, "/bin/first_lseek", PLAIN)), "map filled: a new container is judged");
	(void)bpf_map_delete_elem(map, &child.id); /* as if it had been its turn */
	row(bed, !guest_survives(&guest), "map filled: so is a cgroup that gave its place");
	(void)guest_end(&guest);
	row(bed, killed(container_run(bed, &child, "/bin/first_lseek", PLAIN)), "map filled: and what starts in it");
	for (uint64_t id = first; filled-- > 0; id++)
		(void)bpf_map_delete_elem(map, &id); /* or gone already */
	bed_losses_put(bed, 0, 0);
	container_remove(&late);
	container_remove(&strict);
	policy_unload(bed);
	close(map);
}

void gate_hostile(struct bed *bed)
{
	map_filled(bed);
	rewritten(bed);
	failed_exec(bed);
	moved_away(bed);
	come_and_go(bed);
	wide_and_deep(bed);
}
