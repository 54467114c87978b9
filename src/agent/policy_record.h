/* SPDX-License-Identifier: Apache-2.0 */
/* src/agent/policy_record.h: the records of agent/policies.h on disk: <slot>.yaml with a first line of ours. */
#ifndef AGENT_POLICY_RECORD_H
#define AGENT_POLICY_RECORD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/str.h"

struct error;

struct policy_record { /* borrowed during the call that hands it out */
	const char *file;
	unsigned slot;
	uint32_t generation;
	const char *domain;
	const char *yaml;
	size_t yaml_len;
};

/* 1 to POLICIES_DOMAIN_MAX of A-Z a-z 0-9 . _ -, and no "." at its begin. */
bool policy_record_domain_is_valid(const char *domain);

/* Replaces the record of `slot`. 0 or -errno. */
int policy_record_write(int dir_fd, unsigned slot, uint32_t generation, const char *domain, const char *yaml,
			size_t len, struct error *err);
/* Removes it; nothing if there is none. */
void policy_record_remove(int dir_fd, unsigned slot);

/*
 * Parses what follows the file's name. `text` is NUL-terminated and cut in place. -EINVAL: no record of ours.
 */
int policy_record_parse(char *text, size_t len, struct policy_record *ret_record, struct error *err);

/*
 * Hands out all records of the folder, lowest slot first; stops at the first negative result of `each` and returns it.
 * A file that is no record of ours is an error (-EINVAL), a half-written temporary file is passed over.
 */
int policy_records_read(int dir_fd, int (*each)(void *context, const struct policy_record *record), void *context,
			struct error *err);

#endif
