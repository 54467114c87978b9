/* SPDX-License-Identifier: Apache-2.0 */
#include "nri/nri_answer.h"

#include "rpc/pb_write.h"

enum { CREATE_ADJUST = 1, CREATE_UPDATE, CREATE_EVICT };
enum { ADJUST_ANNOTATIONS = 2, ADJUST_MOUNTS, ADJUST_ENV, ADJUST_HOOKS };
enum { PAIR_KEY = 1, PAIR_VALUE };
enum { MOUNT_DESTINATION = 1, MOUNT_TYPE, MOUNT_SOURCE, MOUNT_OPTIONS };
enum { HOOK_PATH = 1, HOOK_ARGS, HOOK_ENV, HOOK_TIMEOUT };
enum { VALIDATE_REJECT = 1, VALIDATE_REASON };
enum { UPDATE_CONTAINER_ID = 1, UPDATE_LINUX, UPDATE_IGNORE_FAILURE };
enum { UPDATE_LINUX_RESOURCES = 1 };
enum { RESOURCES_MEMORY = 1, RESOURCES_CPU };
enum { MEMORY_LIMIT = 1 };
enum { CPU_SHARES = 1, CPU_QUOTA, CPU_PERIOD };
enum { EVICT_CONTAINER_ID = 1, EVICT_REASON };
enum { OPTIONAL_VALUE = 1 };

size_t nri_adjust_open(struct buf *answer)
{
	return pb_open(answer, CREATE_ADJUST);
}

void nri_adjust_close(struct buf *answer, size_t mark)
{
	pb_close(answer, mark);
}

static void pair_write(struct buf *answer, unsigned field, struct str key, struct str value)
{
	size_t mark = pb_open(answer, field);

	pb_item(answer, PAIR_KEY, key);
	pb_item(answer, PAIR_VALUE, value);
	pb_close(answer, mark);
}

void nri_adjust_env(struct buf *answer, struct str key, struct str value)
{
	pair_write(answer, ADJUST_ENV, key, value);
}

void nri_adjust_annotation(struct buf *answer, struct str key, struct str value)
{
	pair_write(answer, ADJUST_ANNOTATIONS, key, value);
}

static void items_write(struct buf *answer, unsigned field, const struct str *item, size_t n)
{
	for (size_t i = 0; i < n; i++)
		pb_item(answer, field, item[i]);
}

void nri_adjust_mount(struct buf *answer, const struct nri_mount *mount)
{
	size_t mark = pb_open(answer, ADJUST_MOUNTS);

	pb_text(answer, MOUNT_DESTINATION, mount->destination);
	pb_text(answer, MOUNT_TYPE, mount->type);
	pb_text(answer, MOUNT_SOURCE, mount->source);
	items_write(answer, MOUNT_OPTIONS, mount->option, mount->options);
	pb_close(answer, mark);
}

/* A number with a presence of its own: 0 is the caller's "absent". */
static void optional_write(struct buf *out, unsigned field, uint64_t value)
{
	size_t mark;

	if (!value)
		return;
	mark = pb_open(out, field);
	pb_number(out, OPTIONAL_VALUE, value);
	pb_close(out, mark);
}

void nri_adjust_hook(struct buf *answer, enum nri_hook_stage stage, const struct nri_hook *hook)
{
	size_t hooks = pb_open(answer, ADJUST_HOOKS);
	size_t mark = pb_open(answer, stage);

	pb_text(answer, HOOK_PATH, hook->path);
	items_write(answer, HOOK_ARGS, hook->arg, hook->args);
	items_write(answer, HOOK_ENV, hook->env, hook->envs);
	optional_write(answer, HOOK_TIMEOUT, (uint64_t)hook->timeout_s);
	pb_close(answer, mark);
	pb_close(answer, hooks);
}

void nri_reject(struct buf *answer, struct str reason)
{
	pb_number(answer, VALIDATE_REJECT, 1);
	pb_text(answer, VALIDATE_REASON, reason);
}

static unsigned update_field(enum nri_updates_in in)
{
	return in == NRI_IN_CREATE_ANSWER ? CREATE_UPDATE : 1;
}

void nri_update_add(struct buf *out, enum nri_updates_in in, const struct nri_update *update)
{
	size_t mark = pb_open(out, update_field(in));
	size_t linux_mark, resources, part;

	pb_text(out, UPDATE_CONTAINER_ID, update->container_id);
	linux_mark = pb_open(out, UPDATE_LINUX);
	resources = pb_open(out, UPDATE_LINUX_RESOURCES);
	if (update->memory_bytes) {
		part = pb_open(out, RESOURCES_MEMORY);
		optional_write(out, MEMORY_LIMIT, (uint64_t)update->memory_bytes);
		pb_close(out, part);
	}
	if (update->cpu_shares || update->cpu_quota_us || update->cpu_period_us) {
		part = pb_open(out, RESOURCES_CPU);
		optional_write(out, CPU_SHARES, update->cpu_shares);
		optional_write(out, CPU_QUOTA, (uint64_t)update->cpu_quota_us);
		optional_write(out, CPU_PERIOD, update->cpu_period_us);
		pb_close(out, part);
	}
	pb_close(out, resources);
	pb_close(out, linux_mark);
	pb_number(out, UPDATE_IGNORE_FAILURE, update->may_fail);
	pb_close(out, mark);
}

void nri_evict_add(struct buf *out, enum nri_updates_in in, struct str container_id, struct str reason)
{
	size_t mark = pb_open(out, in == NRI_IN_CREATE_ANSWER ? CREATE_EVICT : 2);

	pb_text(out, EVICT_CONTAINER_ID, container_id);
	pb_text(out, EVICT_REASON, reason);
	pb_close(out, mark);
}
