/* SPDX-License-Identifier: Apache-2.0 */
#include "event/record.h"

#include <errno.h>
#include <stdbool.h>

static bool is_exec(const struct abi_exec *exec, size_t size)
{
	size_t text = offsetof(struct abi_exec, text);

	return size >= text && size <= sizeof *exec && exec->path_len <= ABI_EXEC_PATH_MAX &&
	       exec->args_len <= ABI_EXEC_ARGS_MAX &&
	       (size_t)exec->path_len + exec->args_len + exec->cwd_len <= size - text;
}

static bool is_hit(const struct abi_hit *hit, size_t size)
{
	size_t text = offsetof(struct abi_hit, text), used = 0;

	if (size < text || size > sizeof *hit || hit->arch >= ABI_ARCHES || hit->policy >= ABI_POLICIES)
		return false;
	for (size_t i = 0; i < ABI_ARGS; i++) {
		if (hit->type[i] > ABI_T_SYSCALL || (hit->type[i] != ABI_T_STRING && hit->str_len[i]))
			return false;
		if (i && hit->type[i] && !hit->type[i - 1])
			return false;
		used += hit->str_len[i];
	}
	return used <= size - text;
}

int record_check(const struct abi_header *record, size_t size)
{
	bool good = false;

	if (size < sizeof *record || record->size > size || record->size < sizeof *record)
		return -EINVAL;
	size = record->size;
	switch ((enum abi_record)record->type) {
	case ABI_REC_EXEC:
		good = is_exec((const struct abi_exec *)record, size);
		break;
	case ABI_REC_EXIT:
		good = size >= sizeof(struct abi_exit);
		break;
	case ABI_REC_FORK:
		good = size >= sizeof(struct abi_fork);
		break;
	case ABI_REC_HIT:
		good = is_hit((const struct abi_hit *)record, size);
		break;
	case ABI_REC_CGROUP_GONE:
		good = size >= sizeof(struct abi_cgroup_gone);
		break;
	case ABI_REC_CGROUP_ARMED:
		good = size >= sizeof(struct abi_cgroup_armed);
		break;
	}
	return good ? 0 : -EINVAL;
}
