/* SPDX-License-Identifier: Apache-2.0 */
/*
 * src/sensor/rows.c: a policy as rows. Order of writing: strings, rules (a chain for each point, last first), the
 * chain's head, the point's bit, then the mechanism looks, and last the commitment (map policies): without it an agent
 * that starts takes the rest away. Order of removal: the reverse. So the kernel never follows a
 * row that is not there; if it does all the same it counts ABI_CNT_RULE_MISSING.
 */
#include <bpf/bpf.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/error.h"
#include "policy/policy.h"
#include "sensor/map_walk.h"
#include "sensor/mechanism.h"
#include "sensor/state.h"

static int write_failed(struct error *err, const char *map)
{
	return error_errno(err, errno, "cannot write the BPF map '%s'", map);
}

struct found_rules {
	struct sensor *sensor;
	struct abi_policy_set half; /* slots with rows but without commitment */
};

static bool is_committed(const struct sensor *sensor, uint32_t slot)
{
	struct abi_policy policy;

	return bpf_map_lookup_elem(sensor->map[MAP_POLICIES], &slot, &policy) == 0;
}

static void rule_found(void *context, const void *key, const void *value)
{
	struct found_rules *found = context;
	const struct abi_rule *rule = value;

	(void)key; /* the slot tells */
	if (rule->policy < ABI_POLICIES && !is_committed(found->sensor, rule->policy))
		policy_set_put(&found->half, rule->policy, true);
}

/* An agent that died while it wrote or removed a policy leaves half of it: that is no policy. */
int rows_init(struct sensor *sensor, struct error *err)
{
	struct found_rules found = { .sensor = sensor };
	int r = 0;

	for (size_t i = 0; mechanisms[i] && r >= 0; i++)
		r = mechanisms[i]->init(sensor, err);
	if (r < 0)
		return r;
	for (uint32_t point = 1; point < ABI_POINTS; point++) {
		struct abi_point value;

		if (bpf_map_lookup_elem(sensor->map[MAP_POINTS], &point, &value))
			return error_errno(err, errno, "cannot read the BPF map 'points'");
		for (unsigned slot = 0; slot < ABI_POLICIES; slot++)
			if (policy_set_has(&value.policies, slot) && !is_committed(sensor, slot))
				policy_set_put(&found.half, slot, true);
	}
	r = map_walk(sensor->map[MAP_RULES], sizeof(uint32_t), sizeof(struct abi_rule), rule_found, &found);
	if (r < 0)
		return error_errno(err, -r, "cannot read the BPF map 'rules'");
	for (unsigned slot = 0; slot < ABI_POLICIES && r >= 0; slot++)
		if (policy_set_has(&found.half, slot))
			r = sensor_policy_remove(sensor, slot, err);
	return r;
}

static int string_write(struct sensor *sensor, const struct policy_string *string, uint32_t set, struct error *err)
{
	struct abi_string_postfix postfix = { .set = set };
	struct abi_string_prefix prefix = { .set = set };
	struct abi_string_equal equal = { .set = set };
	uint8_t one = 1;

	switch (string->op) {
	case ABI_OP_STR_EQUAL:
		if (string->len > ABI_STR_EQUAL_MAX)
			return error_set(err, E2BIG, "string value of %u bytes for Equal", string->len);
		equal.len = string->len;
		memcpy(equal.text, string->text, string->len);
		if (bpf_map_update_elem(sensor->map[MAP_STRING_EQUAL], &equal, &one, BPF_ANY))
			return write_failed(err, "string_equal");
		return 0;
	case ABI_OP_STR_PREFIX:
		if (string->len > ABI_STR_PREFIX_MAX)
			return error_set(err, E2BIG, "string value of %u bytes for Prefix", string->len);
		prefix.bits = (4 + (uint32_t)string->len) * 8;
		memcpy(prefix.text, string->text, string->len);
		if (bpf_map_update_elem(sensor->map[MAP_STRING_PREFIX], &prefix, &one, BPF_ANY))
			return write_failed(err, "string_prefix");
		return 0;
	case ABI_OP_STR_POSTFIX:
		if (string->len > ABI_STR_POSTFIX_MAX)
			return error_set(err, E2BIG, "string value of %u bytes for Postfix", string->len);
		postfix.bits = (4 + (uint32_t)string->len) * 8;
		for (size_t i = 0; i < string->len; i++)
			postfix.text[i] = string->text[string->len - 1 - i];
		if (bpf_map_update_elem(sensor->map[MAP_STRING_POSTFIX], &postfix, &one, BPF_ANY))
			return write_failed(err, "string_postfix");
		return 0;
	}
	return error_set(err, EINVAL, "string value with operator %u", string->op);
}

static int point_set(struct sensor *sensor, uint32_t point, unsigned slot, bool on, bool *ret_empty, struct error *err)
{
	struct abi_point value;

	if (bpf_map_lookup_elem(sensor->map[MAP_POINTS], &point, &value))
		return error_errno(err, errno, "cannot read the BPF map 'points'");
	policy_set_put(&value.policies, slot, on);
	if (ret_empty) {
		*ret_empty = true;
		for (size_t i = 0; i < ABI_POLICY_WORDS; i++)
			*ret_empty &= !value.policies.bit[i];
	}
	return bpf_map_update_elem(sensor->map[MAP_POINTS], &point, &value, BPF_ANY) ? write_failed(err, "points") : 0;
}

/* A hook on its way into the kernel. */
struct placed {
	const struct mechanism *mechanism;
	struct abi_rule rule;
	uint32_t id;
};

static int place(struct sensor *sensor, unsigned slot, uint32_t generation, const struct policy *policy,
		 uint32_t set_base, struct placed *placed, struct error *err)
{
	for (size_t i = 0; i < policy->hooks; i++) {
		struct placed *one = &placed[i];
		unsigned chain = 1;
		int r = -ENOTSUP;

		one->mechanism = mechanism_for(sensor, &policy->hook[i], err);
		if (one->mechanism) {
			one->rule = policy->hook[i].rule;
			r = one->mechanism->point(sensor, &policy->hook[i], &one->rule.point, err);
		}
		if (r < 0)
			return error_wrap(err, r, "%s[%u]",
					  policy->hook[i].section == POLICY_KPROBES ? "spec.kprobes"
										    : "spec.tracepoints",
					  policy->hook[i].index);
		one->id = sensor->next_rule++;
		one->rule.policy = (uint16_t)slot;
		one->rule.generation = generation;
		one->rule.hook = (uint16_t)i;
		one->rule.next = 0;
		for (size_t s = 0; s < ABI_SELECTORS; s++)
			for (size_t f = 0; f < ABI_FILTERS; f++)
				if (one->rule.selector[s].filter[f].set)
					one->rule.selector[s].filter[f].set += set_base;
		for (size_t before = i; before--;) {
			if (placed[before].rule.point != one->rule.point)
				continue;
			if (!placed[before].rule.next)
				placed[before].rule.next = one->id;
			chain++;
		}
		if (chain > ABI_CHAIN)
			return error_set(err, E2BIG, "%s is named by more than %d hooks of one policy",
					 *policy->hook[i].syscall ? policy->hook[i].syscall : "every system call",
					 ABI_CHAIN);
	}
	return 0;
}

int rows_add(struct sensor *sensor, unsigned slot, uint32_t generation, const struct policy *policy, struct error *err)
{
	auto_free struct placed *placed = calloc(policy->hooks ? policy->hooks : 1, sizeof *placed);
	uint32_t set_base = sensor->next_set - 1; /* the policy numbers its sets from 1 */
	int r;

	struct abi_policy commitment = { .generation = generation, .hooks = (uint32_t)policy->hooks };
	uint32_t key_slot = slot;

	if (!placed)
		return error_set(err, ENOMEM, "out of memory");
	for (size_t i = 0; i < policy->strings; i++) {
		uint32_t set = set_base + policy->string[i].set;

		r = string_write(sensor, &policy->string[i], set, err);
		if (r < 0)
			return r;
		if (set >= sensor->next_set)
			sensor->next_set = set + 1;
	}
	r = place(sensor, slot, generation, policy, set_base, placed, err);
	if (r >= 0)
		r = sensor_ids_note(sensor, err);
	for (size_t i = policy->hooks; r >= 0 && i--;)
		if (bpf_map_update_elem(sensor->map[MAP_RULES], &placed[i].id, &placed[i].rule, BPF_ANY))
			r = write_failed(err, "rules");
	for (size_t i = policy->hooks; r >= 0 && i--;) { /* the chain's first hook is written last and stays */
		struct abi_rule_key key = { .point = placed[i].rule.point, .policy = (uint16_t)slot };

		if (bpf_map_update_elem(sensor->map[MAP_RULE_FIRST], &key, &placed[i].id, BPF_ANY))
			r = write_failed(err, "rule_first");
	}
	for (size_t i = 0; r >= 0 && i < policy->hooks; i++)
		r = point_set(sensor, placed[i].rule.point, slot, true, NULL, err);
	for (size_t i = 0; r >= 0 && i < policy->hooks; i++)
		r = placed[i].mechanism->watch(sensor, &policy->hook[i], placed[i].rule.point, err);
	if (r >= 0 && bpf_map_update_elem(sensor->map[MAP_POLICIES], &key_slot, &commitment, BPF_ANY))
		r = write_failed(err, "policies");
	return r;
}

/* Numbers of string sets that are on their way out. */
struct sets_gone {
	uint32_t *set;
	size_t n;
};

static int sets_add(struct sets_gone *sets, uint32_t set)
{
	uint32_t *more = realloc(sets->set, (sets->n + 1) * sizeof *more);

	if (!more)
		return -ENOMEM;
	sets->set = more;
	sets->set[sets->n++] = set;
	return 0;
}

static bool sets_have(const struct sets_gone *sets, uint32_t set)
{
	for (size_t i = 0; i < sets->n; i++)
		if (sets->set[i] == set)
			return true;
	return false;
}

/* Tries are walked key by key: they have no batches before 5.15. Keys of one's own policy do not change meanwhile. */
static void strings_remove(int map, size_t key_size, size_t set_at, const struct sets_gone *sets)
{
	unsigned char key[sizeof(struct abi_string_equal)], next[sizeof(struct abi_string_equal)];
	bool have;

	have = bpf_map_get_next_key(map, NULL, key) == 0;
	while (have) {
		uint32_t set;

		have = bpf_map_get_next_key(map, key, next) == 0;
		memcpy(&set, key + set_at, sizeof set);
		if (sets_have(sets, set))
			(void)bpf_map_delete_elem(map, key); /* absent is what we want */
		memcpy(key, next, key_size);
	}
}

struct removal {
	struct sensor *sensor;
	unsigned slot;
	struct sets_gone sets;
};

static void rule_remove(void *context, const void *key, const void *value)
{
	struct removal *removal = context;
	const struct abi_rule *rule = value;

	if (rule->policy != removal->slot)
		return;
	for (size_t s = 0; s < ABI_SELECTORS; s++)
		for (size_t f = 0; f < ABI_FILTERS; f++)
			if (rule->selector[s].filter[f].set)
				(void)sets_add(&removal->sets,
					       rule->selector[s].filter[f].set); /* lost: strings stay, unused */
	(void)bpf_map_delete_elem(removal->sensor->map[MAP_RULES], key);         /* absent is what we want */
}

static void first_remove(void *context, const void *key, const void *value)
{
	struct removal *removal = context;

	(void)value; /* the rule goes by its own slot */
	if (((const struct abi_rule_key *)key)->policy == removal->slot)
		(void)bpf_map_delete_elem(removal->sensor->map[MAP_RULE_FIRST], key); /* absent is what we want */
}

int rows_remove(struct sensor *sensor, unsigned slot, struct error *err)
{
	struct removal removal = { .sensor = sensor, .slot = slot };
	uint32_t key_slot = slot;
	int r = 0;

	(void)bpf_map_delete_elem(sensor->map[MAP_POLICIES], &key_slot); /* absent: it was not complete */
	for (uint32_t point = 1; point < ABI_POINTS; point++) {
		struct abi_point value;
		bool empty = false;

		if (bpf_map_lookup_elem(sensor->map[MAP_POINTS], &point, &value) ||
		    !policy_set_has(&value.policies, slot))
			continue;
		r = point_set(sensor, point, slot, false, &empty, err);
		if (r < 0)
			return r;
		for (size_t i = 0; empty && mechanisms[i]; i++)
			mechanisms[i]->unwatch(sensor, (uint16_t)point);
	}
	r = map_walk(sensor->map[MAP_RULE_FIRST], sizeof(struct abi_rule_key), sizeof(uint32_t), first_remove,
		     &removal);
	if (r >= 0)
		r = map_walk(sensor->map[MAP_RULES], sizeof(uint32_t), sizeof(struct abi_rule), rule_remove, &removal);
	if (removal.sets.n) {
		strings_remove(sensor->map[MAP_STRING_EQUAL], sizeof(struct abi_string_equal),
			       offsetof(struct abi_string_equal, set), &removal.sets);
		strings_remove(sensor->map[MAP_STRING_PREFIX], sizeof(struct abi_string_prefix),
			       offsetof(struct abi_string_prefix, set), &removal.sets);
		strings_remove(sensor->map[MAP_STRING_POSTFIX], sizeof(struct abi_string_postfix),
			       offsetof(struct abi_string_postfix, set), &removal.sets);
	}
	free(removal.sets.set);
	return r < 0 ? error_errno(err, -r, "cannot remove the policy's rows") : 0;
}

int sensor_slots(struct sensor *sensor, struct abi_policy_set *ret_slots)
{
	memset(ret_slots, 0, sizeof *ret_slots);
	for (uint32_t slot = 0; slot < ABI_POLICIES; slot++)
		policy_set_put(ret_slots, slot, is_committed(sensor, slot));
	return 0;
}
