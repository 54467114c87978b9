/* SPDX-License-Identifier: Apache-2.0 */
/*
 * src/oci/state.h: the OCI state that a runtime writes to a hook's standard input.
 * Source: OCI runtime-spec, runtime.md, "State", and config.md, "POSIX-platform Hooks". Members that are not read here
 * (status, ociVersion, annotations, crun's "root") may be anything.
 */
#ifndef OCI_STATE_H
#define OCI_STATE_H

#include <signal.h>
#include <stdint.h>

#include "base/arena.h"

struct error;

/* The state repeats the spec's annotations: the API server lets 256 KiB of them through, JSON escapes may swell them.
 */
#define STATE_MAX_BYTES (1024 * 1024)

struct oci_state {
	struct str id;     /* "" if absent */
	struct str bundle; /* absolute path; "" if absent */
	int64_t pid;       /* of the container's init; 0 if absent */
};

/*
 * Reads the state from `fd` until its JSON value is complete or the input ends, whichever comes first: a runtime that
 * leaves the pipe open holds up nobody. *ret_text (in the arena) is "" for a descriptor that is not open or has
 * nothing. `mask` is the signal mask while waiting (NULL: unchanged). Returns 0; -ETIMEDOUT at deadline_ns
 * (CLOCK_MONOTONIC); -EFBIG; -EINTR a signal came; -ENOMEM arena; -errno of read.
 */
int state_read(int fd, int64_t deadline_ns, const sigset_t *mask, struct arena *arena, struct str *ret_text,
	       struct error *err);

/*
 * Parses `text` (hostile; spans of it and of the arena go into *ret_state). Only white space is the same as no state:
 * all members empty. Returns 0; -EINVAL not an object, malformed, a member twice or of the wrong type, a bundle that is
 * not absolute, a NUL in a text; -E2BIG too deep; -ENOMEM.
 */
int state_parse(struct str text, struct arena *arena, struct oci_state *ret_state, struct error *err);

#endif
