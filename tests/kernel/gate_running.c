/* SPDX-License-Identifier: Apache-2.0 */
/* tests/kernel/gate_running.c: containers that started unseen, and what is marked again when marks were lost. */
#include <errno.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/error.h"
#include "gate.h"
#include "runtime_bed.h"

/* What a tenant's program may look like from outside: none is the runtime's init. */
static const struct {
	const char *why;
	char *argv[5];
} unseen[] = {
	{ "an ordinary program", { (char *)"/bin/lseek_loop", NULL } },
	{ "a program in anonymous memory that has a runtime's name",
	  { (char *)"/bin/gate_test", (char *)"tenant", (char *)"memfd", (char *)"/bin/lseek_loop", NULL } },
	{ "a program that has mounted over its own file",
	  { (char *)"/bin/gate_test", (char *)"tenant", (char *)"mounted-over", NULL } },
	{ "a program whose first thread has ended",
	  { (char *)"/bin/gate_test", (char *)"tenant", (char *)"leaderless", NULL } },
};

static void found_running(struct bed *bed)
{
	for (size_t i = 0; i < sizeof unseen / sizeof *unseen; i++) {
		struct error err = { 0 };
		struct container c;
		struct guest guest;
		int marked;

		policy_load(bed, KILL_LSEEK);
		container_new(bed, &c, "unseen");
		guest_start(bed, &c, (char **)unseen[i].argv, &guest);
		container_register(bed, &c, true);
		marked = container_mark(bed, &c, &err);
		row(bed, marked == 1, "unseen: one thread is marked (%d) in %s %s", marked, unseen[i].why, err.text);
		row(bed, !guest_survives(&guest), "unseen: killed at its next forbidden call: %s", unseen[i].why);
		(void)guest_end(&guest);
		container_remove(&c);
		policy_unload(bed);
	}
}

/* Between its registration and its marks, however long that takes, the kernel marks what it meets. */
static void marks_are_due(struct bed *bed)
{
	for (size_t i = 0; i < sizeof unseen / sizeof *unseen; i++) {
		struct error err = { 0 };
		uint64_t due[2] = { 0 };
		struct container c;
		struct guest guest;
		uint32_t at = 0;
		size_t n;
		int marked;

		policy_load(bed, KILL_LSEEK);
		container_new(bed, &c, "due");
		guest_start(bed, &c, (char **)unseen[i].argv, &guest);
		container_register_as(bed, &c, true, ABI_CG_MARKS_DUE);
		container_register(bed, &c, true); /* told again: still due */
		n = sensor_marks_due(bed->sensor, &at, due, 2);
		row(bed, n == 1 && due[0] == c.id && sensor_container_marks_due(bed->sensor, c.id),
		    "marks due: is told of the container (%zu)", n);
		marked = container_mark_within(bed, &c, 1, &err);
		row(bed, marked == -EBUSY && sensor_container_marks_due(bed->sensor, c.id),
		    "marks due: as long as there was no time to mark all (%d)", marked);
		err = (struct error){ 0 };
		row(bed, !guest_survives(&guest), "marks due: killed at its next forbidden call: %s", unseen[i].why);
		(void)guest_end(&guest);
		marked = container_mark(bed, &c, &err);
		row(bed, marked == 0 && !sensor_container_marks_due(bed->sensor, c.id),
		    "marks due: not any more when all is marked (%d) %s", marked, err.text);
		container_remove(&c);
		policy_unload(bed);
	}
}

/* Moved into a cgroup that is taken for a container without policies: its mark is the one that counts. */
static void keeps_its_mark(struct bed *bed)
{
	char procs[PATH_MAX + 1100], pid[16], *argv[] = { (char *)"/bin/lseek_loop", NULL };
	struct container strict, found;
	struct error err = { 0 };
	struct guest guest;
	int marked;

	policy_load(bed, KILL_LSEEK);
	container_new(bed, &strict, "strict");
	container_register(bed, &strict, true);
	guest_start(bed, &strict, argv, &guest);
	container_new(bed, &found, "found");
	text_put(procs, sizeof procs, "%s/cgroup.procs", found.path);
	text_put(pid, sizeof pid, "%d", guest.pid);
	file_write(procs, pid);
	container_register(bed, &found, false);
	marked = container_mark(bed, &found, &err);
	row(bed, marked == 0, "unseen: a thread that has a mark is not marked again (%d) %s", marked, err.text);
	row(bed, !guest_survives(&guest), "unseen: it stays under the policies that it came from");
	(void)guest_end(&guest);
	container_remove(&found);
	container_remove(&strict);
	policy_unload(bed);
}

/* While a mark is missing nobody in a container's cgroup is trusted, not even the runtime's init. */
static void lost_marks(struct bed *bed)
{
	struct abi_losses before = { 0 }, now = { 0 };
	struct error err = { 0 };
	struct outcome outcome;
	struct container c;
	int marked;

	policy_load(bed, KILL_LSEEK);
	container_new(bed, &c, "lost");
	container_register(bed, &c, true);
	bed_losses_put(bed, 1, 0);
	(void)sensor_losses(bed->sensor, &before);
	row(bed, before.marks == 1, "lost marks: are told (%llu)", (unsigned long long)before.marks);
	outcome = container_run(bed, &c, "/bin/harmless", CALL_BEFORE_PIVOT);
	row(bed, killed(outcome) && !outcome.passed_setup, "lost marks: the runtime's init is judged (status %x)",
	    (unsigned)outcome.status);
	marked = container_mark(bed, &c, &err);
	bed_losses_put(bed, 2, 0);
	sensor_losses_mended(bed->sensor, &before);
	(void)sensor_losses(bed->sensor, &now);
	row(bed, marked == 0 && now.marks == 2, "lost marks: one that was lost meanwhile still counts (%llu)",
	    (unsigned long long)now.marks);
	sensor_losses_mended(bed->sensor, &now);
	outcome = container_run(bed, &c, "/bin/harmless", CALL_BEFORE_PIVOT);
	row(bed, outcome.status == 0 && outcome.passed_setup,
	    "lost marks: mended, the runtime's init is left alone (status %x)", (unsigned)outcome.status);
	row(bed, killed(container_run(bed, &c, "/bin/first_lseek", PLAIN)), "lost marks: mended, the container is not");
	bed_losses_put(bed, 0, 0);
	container_remove(&c);
	policy_unload(bed);
}

void gate_running(struct bed *bed)
{
	found_running(bed);
	marks_are_due(bed);
	keeps_its_mark(bed);
	lost_marks(bed);
}
