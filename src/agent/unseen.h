/* SPDX-License-Identifier: Apache-2.0 */
/*
 * src/agent/unseen.h: containers that started while no agent was there to be asked. Two ways to learn of them: the
 * records that the hook leaves, which tell who they are, and a walk of the cgroup tree at start, which finds the rest.
 * Each is taken under policy, its running tasks are marked, a log line names it, and it is counted.
 */
#ifndef AGENT_UNSEEN_H
#define AGENT_UNSEEN_H

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
	struct timespec looked;      /* the folder's time of change at the last look */
	uint64_t by_record, by_walk; /* containers found */
	uint64_t without_identity;   /* of them, those of which nobody knows the pod */
	uint64_t bad_records;        /* refused: not root's, malformed, forged */
};

/*
 * Reads all records and removes those that were dealt with. A record that could not be served now (no memory, map full)
 * stays for the next look. The folder need not exist; one that is not root's alone is reported and left. Returns
 * containers taken. Cheap when the folder has not changed.
 */
int unseen_read_records(struct unseen *unseen);

/* Looks at the whole tree for cgroups whose name is a container's. Returns containers taken. */
int unseen_walk(struct unseen *unseen);

#endif
