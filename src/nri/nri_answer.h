/* SPDX-License-Identifier: Apache-2.0 */
/*
 * src/nri/nri_answer.h: what a plugin tells the runtime: adjustments of a container that is being created, a refusal of
 * another plugin's adjustment, updates and evictions of containers that run. Each call appends to the caller's buffer;
 * overflow is sticky there. An empty buffer is the answer "nothing to change". Field numbers as in nri_message.h.
 */
#ifndef NRI_NRI_ANSWER_H
#define NRI_NRI_ANSWER_H

#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"

/* --- the answer to CreateContainer: nri_adjust_… between open and close --- */

size_t nri_adjust_open(struct buf *answer);
void nri_adjust_close(struct buf *answer, size_t mark);

void nri_adjust_env(struct buf *answer, struct str key, struct str value);
void nri_adjust_annotation(struct buf *answer, struct str key, struct str value);

struct nri_mount {
	struct str destination, type, source;
	const struct str *option;
	size_t options;
};
void nri_adjust_mount(struct buf *answer, const struct nri_mount *mount);

enum nri_hook_stage { /* numbers of NRI's message Hooks */
		      NRI_HOOK_CREATE_RUNTIME = 2,
		      NRI_HOOK_CREATE_CONTAINER,
		      NRI_HOOK_START_CONTAINER,
		      NRI_HOOK_POSTSTART,
		      NRI_HOOK_POSTSTOP,
};
struct nri_hook {
	struct str path;
	const struct str *arg; /* argv, [0] included */
	size_t args;
	const struct str *env; /* "KEY=value"; none at all means "inherit" to some runtimes */
	size_t envs;
	int64_t timeout_s; /* 0: without limit */
};
void nri_adjust_hook(struct buf *answer, enum nri_hook_stage stage, const struct nri_hook *hook);

/* --- the answer to ValidateContainerAdjustment --- */

void nri_reject(struct buf *answer, struct str reason);

/* --- updates: of CreateContainer's, UpdateContainer's and StopContainer's answer, and requests of our own --- */

enum nri_updates_in {                       /* which field holds updates and evictions depends on the message */
		      NRI_IN_REQUEST,       /* nri_session_update */
		      NRI_IN_CREATE_ANSWER, /* CreateContainer */
		      NRI_IN_UPDATE_ANSWER, /* UpdateContainer */
		      NRI_IN_STOP_ANSWER,   /* StopContainer: updates only */
};
struct nri_update { /* 0 leaves a value alone */
	struct str container_id;
	int64_t memory_bytes;
	uint64_t cpu_shares, cpu_period_us;
	int64_t cpu_quota_us;
	bool may_fail; /* the rest goes on if this one cannot be done */
};
void nri_update_add(struct buf *out, enum nri_updates_in in, const struct nri_update *update);
void nri_evict_add(struct buf *out, enum nri_updates_in in, struct str container_id, struct str reason);

#endif
