/* SPDX-License-Identifier: Apache-2.0 */
/*
 * src/agent/unseen.h: containers that started while no agent was there to be asked. Two ways to learn of them: the
 * records that the hook leaves, which tell who they are, and a walk of the cgroup tree at start, which finds the rest.
 * Each is taken under policy, its running tasks are marked, a log line names it, and it is counted.
 */
#ifndef AGENT_UNSEEN_H
#define AGENT_UNSEEN_H

#include <stdbool.h>
#include <stdint.h>
#include <time.h>

struct admission;
struct log;

#define UNSEEN_RECORDS_MAX 8192   /* files that one look takes; the rest waits for the next */
#define UNSEEN_CGROUPS_MAX 262144 /* directories that the walk looks at */

struct unseen {
	struct admission *admission; /* borrowed, as the log */
	struct log *log;
	const char *dir; /* of the records */
	const char *procfs;
	struct timespec looked;        /* the folder's time of change at the last look that was complete */
	bool records_wait, walk_waits; /* something that one of them told of could not be taken in */
	int64_t again_ns, delay_ns;    /* then: CLOCK_MONOTONIC of the next try; 0: not planned */
	uint64_t by_record, by_walk;   /* containers found */
	uint64_t without_identity;     /* of them, those of which nobody knows the pod */
	uint64_t bad_records;          /* refused: not root's, malformed, forged */
};

#define UNSEEN_AGAIN_MIN_NS INT64_C(1000000000)
#define UNSEEN_AGAIN_MAX_NS INT64_C(60000000000)

/*
 * Reads the records and removes those that were dealt with, until `budget_ns` is over (0: all). One that could not be
 * served now (no memory, map full, its tasks not marked) stays and is tried again, first after UNSEEN_AGAIN_MIN_NS,
 * then after twice as long each time, as is what the walk found. The folder need not exist; one that is not root's
 * alone is reported and left. `now_ns`: CLOCK_MONOTONIC. Returns containers taken. Cheap when there is nothing to do.
 */
int unseen_look(struct unseen *unseen, int64_t now_ns, int64_t budget_ns);

/* Looks at the whole tree for cgroups whose name is a container's. Returns containers taken. */
int unseen_walk(struct unseen *unseen);

#endif
