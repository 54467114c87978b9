/* SPDX-License-Identifier: Apache-2.0 */
/* tests/kernel/gate_events.c: what the ring buffer tells. */
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "gate.h"
#include "runtime_bed.h"

#define FORKS (SENSOR_RECORDS_MAX * 3 / 4) /* two records each */

static int count_records(void *context, const struct abi_header *record, size_t size)
{
	unsigned *seen = context;

	if (record->type < 8 && record->size == size)
		seen[record->type]++;
	return 0;
}

#define DRAIN_READS 8000 /* more than a full buffer; the host makes records meanwhile */

/* Takes all there is: hits are lost while more than half of the buffer is waiting. */
static void drain(struct bed *bed, unsigned *seen)
{
	for (int i = 0; i < DRAIN_READS && sensor_events_read(bed->sensor, count_records, seen) == SENSOR_RECORDS_MAX;
	     i++)
		;
	memset(seen, 0, 8 * sizeof *seen);
}

static void kinds(struct bed *bed)
{
	unsigned seen[8] = { 0 };
	struct container c;

	policy_load(bed, KILL_LSEEK);
	container_new(bed, &c, "events");
	container_register(bed, &c, true);
	drain(bed, seen);
	(void)container_run(bed, &c, "/bin/first_lseek", PLAIN);
	usleep(100000);
	(void)sensor_events_read(bed->sensor, count_records, seen);
	row(bed, seen[ABI_REC_HIT] == 1, "events: one hit (%u)", seen[ABI_REC_HIT]);
	row(bed, seen[ABI_REC_EXEC] >= 1 && seen[ABI_REC_FORK] >= 1 && seen[ABI_REC_EXIT] >= 1,
	    "events: exec %u, fork %u, exit %u", seen[ABI_REC_EXEC], seen[ABI_REC_FORK], seen[ABI_REC_EXIT]);
	container_remove(&c);
	policy_unload(bed);
}

static void forks_make(int n)
{
	fflush(stdout);
	for (int i = 0; i < n; i++) {
		pid_t pid = fork();

		if (pid == 0)
			_exit(0);
		must(pid > 0 && waitpid(pid, NULL, 0) == pid, "fork", NULL);
	}
}

/* Who makes records faster than they are read must not keep the reader. */
static void bounded(struct bed *bed)
{
	struct pollfd ring = { .fd = sensor_events_fd(bed->sensor), .events = POLLIN };
	unsigned seen[8] = { 0 }, all = 0;
	int first, is_readable, second;

	drain(bed, seen);
	forks_make(FORKS);
	first = sensor_events_read(bed->sensor, count_records, seen);
	for (int i = 0; i < 8; i++)
		all += seen[i];
	is_readable = poll(&ring, 1, 0);
	second = sensor_events_read(bed->sensor, count_records, seen);
	row(bed, first == SENSOR_RECORDS_MAX && all == SENSOR_RECORDS_MAX, "events: a call reads %d of more (%u)",
	    first, all);
	row(bed, is_readable == 1 && second >= 2 * FORKS - SENSOR_RECORDS_MAX && second <= SENSOR_RECORDS_MAX,
	    "events: the descriptor stays readable, %d more", second);
}

/* A tenant's hits must not keep the records of processes out. */
static void flooded(struct bed *bed)
{
	char *argv[] = { (char *)"/bin/gate_test", (char *)"tenant", (char *)"flood", NULL };
	uint64_t before[ABI_COUNTERS], after[ABI_COUNTERS];
	unsigned seen[8] = { 0 };
	struct outcome outcome;
	struct container c;

	policy_load(bed, HEAD "  - call: sys_lseek\n    syscall: true\n    args:\n    - {index: 0, type: int}\n"
			      "    selectors:\n    - matchArgs:\n"
			      "      - {index: 0, operator: Equal, values: ['-1']}\n");
	container_new(bed, &c, "flood");
	container_register(bed, &c, true);
	drain(bed, seen);
	must(sensor_counters(bed->sensor, before) == 0, "sensor_counters", NULL);
	outcome = container_run_args(bed, &c, argv, PLAIN);
	forks_make(FORKS);
	must(sensor_counters(bed->sensor, after) == 0, "sensor_counters", NULL);
	row(bed, outcome.survived && after[ABI_CNT_HITS_LOST] > before[ABI_CNT_HITS_LOST],
	    "events: hits are lost in a flood (%llu)",
	    (unsigned long long)(after[ABI_CNT_HITS_LOST] - before[ABI_CNT_HITS_LOST]));
	row(bed, after[ABI_CNT_EVENTS_LOST] == before[ABI_CNT_EVENTS_LOST], "events: those of processes are not (%llu)",
	    (unsigned long long)(after[ABI_CNT_EVENTS_LOST] - before[ABI_CNT_EVENTS_LOST]));
	drain(bed, seen);
	container_remove(&c);
	policy_unload(bed);
}

void gate_events(struct bed *bed)
{
	kinds(bed);
	bounded(bed);
	flooded(bed);
}
