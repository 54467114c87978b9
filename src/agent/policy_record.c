/* SPDX-License-Identifier: Apache-2.0 */
#include "agent/policy_record.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "agent/policies.h"
#include "base/buf.h"
#include "base/cleanup.h"
#include "base/error.h"
#include "base/file.h"
#include "policy/policy.h"

#define HEAD_BEGIN "# tetragon policy record 1: generation "
#define HEAD_DOMAIN ", domain "
#define HEAD_MAX 256
#define NAME_MAX_BYTES 16

bool policy_record_domain_is_valid(const char *domain)
{
	size_t len = strspn(domain, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-");

	return len && len <= POLICIES_DOMAIN_MAX && !domain[len] && *domain != '.';
}

static void name_of(unsigned slot, char name[NAME_MAX_BYTES])
{
	struct buf text = buf_over(name, NAME_MAX_BYTES);

	buf_printf(&text, "%04u.yaml", slot);
}

int policy_record_write(int dir_fd, unsigned slot, uint32_t generation, const char *domain, const char *yaml,
			size_t len, struct error *err)
{
	size_t size = HEAD_MAX + len;
	auto_free char *memory = malloc(size);
	char name[NAME_MAX_BYTES];
	struct buf text;

	if (!memory)
		return error_errno(err, ENOMEM, "record of the policy");
	text = buf_over(memory, size);
	buf_printf(&text, HEAD_BEGIN "%" PRIu32 HEAD_DOMAIN "%s\n", generation, domain);
	buf_add(&text, yaml, len);
	name_of(slot, name);
	return file_replace_at(dir_fd, name, memory, text.len, 0600, err);
}

void policy_record_remove(int dir_fd, unsigned slot)
{
	char name[NAME_MAX_BYTES];

	name_of(slot, name);
	(void)unlinkat(dir_fd, name, 0); /* one that stays is found to be stale by the next start */
}

int policy_record_parse(char *text, size_t len, struct policy_record *ret_record, struct error *err)
{
	static const char begin[] = HEAD_BEGIN, domain[] = HEAD_DOMAIN;
	char *end = memchr(text, '\n', len), *at, *comma;
	unsigned long generation;

	if (!end || strncmp(text, begin, sizeof begin - 1))
		return error_set(err, EINVAL, "line 1: not a policy record of this agent");
	*end = '\0';
	at = text + sizeof begin - 1;
	errno = 0;
	generation = strtoul(at, &comma, 10);
	if (errno || comma == at || *at < '0' || *at > '9' || generation > UINT32_MAX ||
	    strncmp(comma, domain, sizeof domain - 1) || !policy_record_domain_is_valid(comma + sizeof domain - 1))
		return error_set(err, EINVAL, "line 1: not a policy record of this agent");
	ret_record->generation = (uint32_t)generation;
	ret_record->domain = comma + sizeof domain - 1;
	ret_record->yaml = end + 1;
	ret_record->yaml_len = len - (size_t)(end + 1 - text);
	return 0;
}

int policy_records_read(int dir_fd, int (*each)(void *context, const struct policy_record *record), void *context,
			struct error *err)
{
	for (unsigned slot = 0; slot < ABI_POLICIES; slot++) {
		auto_free char *text = NULL;
		struct policy_record record = { .slot = slot };
		char name[NAME_MAX_BYTES];
		size_t len;
		int r;

		name_of(slot, name);
		if (faccessat(dir_fd, name, F_OK, 0) < 0)
			continue;
		record.file = name;
		r = file_read_at(dir_fd, name, POLICY_BYTES_MAX + HEAD_MAX, &text, &len, err);
		if (r >= 0)
			r = policy_record_parse(text, len, &record, err);
		if (r < 0)
			return error_wrap(err, r, "record %s of an earlier agent", name);
		r = each(context, &record);
		if (r < 0)
			return r;
	}
	return 0;
}
