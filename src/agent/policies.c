/* SPDX-License-Identifier: Apache-2.0 */
#include "agent/policies.h"

#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "agent/policies_refresh.h"
#include "agent/policies_stage.h"
#include "agent/policies_state.h"
#include "agent/policy_record.h"
#include "base/buf.h"
#include "base/cleanup.h"
#include "base/error.h"
#include "pod/registry.h"
#include "policy/policy.h"
#include "sensor/sensor.h"

static const char *text_of(const char *text)
{
	return text ? text : "";
}

static void entry_free(struct policies *policies, struct policies_entry *entry)
{
	if (!entry)
		return;
	policies_select_end(policies, entry);
	policy_free(entry->policy);
	free(entry->file);
	free(entry);
}

int policies_new(const struct policies_options *options, struct policies **ret_policies, struct error *err)
{
	struct policies *policies = calloc(1, sizeof *policies);

	if (!policies)
		return error_errno(err, ENOMEM, "store of policies");
	policies->options = *options;
	policies->next_id = 2;
	policies->next_generation = (uint32_t)options->now_s;
	*ret_policies = policies;
	return 0;
}

void policies_free(struct policies *policies)
{
	if (!policies)
		return;
	for (size_t i = 0; i < policies->entries; i++)
		entry_free(policies, policies->entry[i]);
	free(policies);
}

/* --- keys --- */

static bool has_key(const struct policies_entry *entry, const char *domain, const char *name_space, const char *name)
{
	return !strcmp(entry->policy->name, name) && !strcmp(text_of(entry->policy->namespace), text_of(name_space)) &&
	       (!*domain || !strcmp(entry->domain, domain));
}

static struct policies_entry *find_key(const struct policies *policies, const char *domain, const char *name_space,
				       const char *name)
{
	for (size_t i = 0; i < policies->entries; i++)
		if (has_key(policies->entry[i], domain, name_space, name))
			return policies->entry[i];
	return NULL;
}

/* "ns/name", or "name". */
static const char *key_text(const struct policy *policy, char *text, size_t size)
{
	struct buf out = buf_over(text, size);

	buf_printf(&out, "%s%s%s", text_of(policy->namespace), policy->namespace ? "/" : "", policy->name);
	return text;
}

static int check_domain(const char *domain, struct error *err)
{
	if (!policy_record_domain_is_valid(domain))
		return error_set(err, EINVAL, "domain '%s': want 1 to %d of A-Z a-z 0-9 . _ -", domain,
				 POLICIES_DOMAIN_MAX);
	if (!strcmp(domain, "sensors"))
		return error_set(err, EINVAL, "domain sensors is reserved for internal use");
	return 0;
}

/* Puts a parsed policy into the store (takes it, on failure too). */
static int entry_add(struct policies *policies, struct policy *policy, const char *domain, const char *file,
		     struct policies_entry **ret_entry, struct error *err)
{
	struct policies_entry *entry = calloc(1, sizeof *entry);
	const struct policies_entry *other;
	struct buf text;
	char key[600];
	int r;

	if (!entry) {
		policy_free(policy);
		return error_errno(err, ENOMEM, "policy");
	}
	entry->policy = policy;
	if ((file && !(entry->file = strdup(file))) || policies_select_prepare(policies, entry) < 0) {
		entry_free(policies, entry);
		return error_errno(err, ENOMEM, "policy");
	}
	text = buf_over(entry->domain, sizeof entry->domain);
	buf_text(&text, domain);
	other = find_key(policies, domain, policy->namespace, policy->name);
	if (other)
		r = error_set(err, EEXIST, "tracing policy %s exists already in domain %s%s%s",
			      key_text(policy, key, sizeof key), domain, other->file ? ": " : "", text_of(other->file));
	else if (policies->entries == ABI_POLICIES)
		r = error_set(err, ENOSPC, "there are %d policies already, and no more can be", ABI_POLICIES);
	else
		r = 0;
	if (r < 0) {
		entry_free(policies, entry);
		return r;
	}
	entry->id = policies->next_id++;
	policies->entry[policies->entries++] = entry;
	*ret_entry = entry;
	return 0;
}

static void entry_drop(struct policies *policies, struct policies_entry *entry)
{
	size_t at = 0;

	while (at < policies->entries && policies->entry[at] != entry)
		at++;
	for (; at + 1 < policies->entries; at++)
		policies->entry[at] = policies->entry[at + 1];
	policies->entries--;
	entry_free(policies, entry);
}

static int slot_take(struct policies *policies, struct policies_entry *entry, struct error *err)
{
	for (unsigned i = 0; i < ABI_POLICIES; i++) {
		unsigned slot = (policies->next_slot + i) % ABI_POLICIES;

		if (policy_set_has(&policies->taken, slot))
			continue;
		policy_set_put(&policies->taken, slot, true);
		policies->by_slot[slot] = entry;
		policies->next_slot = (slot + 1) % ABI_POLICIES;
		entry->slot = slot;
		entry->generation = policies->next_generation++;
		return 0;
	}
	return error_set(err, ENOSPC, "all %d policy slots are taken; delete a policy first", ABI_POLICIES);
}

static void slot_give(struct policies *policies, struct policies_entry *entry)
{
	policy_set_put(&policies->taken, entry->slot, false);
	policies->by_slot[entry->slot] = NULL;
}

/* --- the kernel --- */

static int containers_refresh(struct policies *policies, struct error *err)
{
	const struct policies_options *options = &policies->options;
	int r = options->changed ? options->changed(options->context, err) : 0;

	if (r >= 0)
		r = policies_refresh(policies, options->registry, policies->sensor, err);
	if (r >= 0)
		policies->undecided = (size_t)r;
	return r < 0 ? r : 0;
}

size_t policies_undecided(const struct policies *policies)
{
	return policies->undecided;
}

static int load(struct policies *policies, struct policies_entry *entry, struct error *err)
{
	const struct policies_options *options = &policies->options;
	int r = policy_record_write(options->state_dir_fd, entry->slot, entry->generation, entry->domain,
				    entry->policy->yaml, entry->policy->yaml_len, err);

	if (r < 0)
		return r;
	r = sensor_policy_add(policies->sensor, entry->slot, entry->generation, entry->policy, err);
	if (r < 0) {
		policy_record_remove(options->state_dir_fd, entry->slot);
		return r;
	}
	policies_select_begin(policies, entry);
	return 0;
}

static int unload(struct policies *policies, unsigned slot, struct error *err)
{
	int r = sensor_policy_remove(policies->sensor, slot, err);

	if (r >= 0)
		policy_record_remove(policies->options.state_dir_fd, slot);
	return r;
}

/* --- start --- */

int policies_stage(struct policies *policies, const char *path, const char *yaml, size_t len, struct error *err)
{
	struct policies_entry *entry = NULL;
	struct policy *policy = NULL;
	int r = policy_parse(yaml, len, &policy, err);

	if (r >= 0)
		r = entry_add(policies, policy, POLICIES_DOMAIN_STATIC, path, &entry, err);
	return r < 0 ? error_wrap(err, r, "cannot load the policy: %s", path) : 0;
}

static bool is_same(const struct policies_entry *entry, const struct policy *policy, const char *domain)
{
	return has_key(entry, domain, policy->namespace, policy->name) && entry->policy->yaml_len == policy->yaml_len &&
	       !memcmp(entry->policy->yaml, policy->yaml, policy->yaml_len);
}

static void slot_return(struct policies *policies, struct policies_entry *entry, const struct policy_record *record,
			bool is_in_kernel)
{
	entry->slot = record->slot;
	entry->generation = record->generation;
	if (is_in_kernel)
		policies_select_begin(policies, entry);
	policies->by_slot[record->slot] = entry;
	policy_set_put(&policies->taken, record->slot, true);
}

static void old_note(struct policies_entry *entry, unsigned slot)
{
	entry->has_old = true;
	entry->old_slot = slot;
}

/* What was decided with labels that nobody has told this agent yet holds for a policy's new text as well. */
static void old_follow(struct policies *policies)
{
	for (size_t i = 0; i < policies->entries; i++) {
		struct policies_entry *entry = policies->entry[i];

		if (entry->has_old && entry->old_slot != entry->slot)
			sensor_policy_follow(policies->sensor, entry->old_slot, entry->slot);
		entry->has_old = false;
	}
}

struct restoring {
	struct policies *policies;
	const struct abi_policy_set *in_kernel;
	struct error *err;
};

/* Each record finds its policy among the staged ones, becomes a policy, or is left to be removed. */
static int restore(void *context, const struct policy_record *record)
{
	struct restoring *restoring = context;
	struct policies *policies = restoring->policies;
	bool is_static = !strcmp(record->domain, POLICIES_DOMAIN_STATIC);
	bool is_in_kernel = policy_set_has(restoring->in_kernel, record->slot);
	struct policies_entry *entry = NULL;
	struct policy *policy = NULL;
	int r = policy_parse(record->yaml, record->yaml_len, &policy, restoring->err);

	if ((int32_t)(record->generation - policies->next_generation) >= 0)
		policies->next_generation = record->generation + 1;
	if (r < 0)
		return is_static ? 0
				 : error_wrap(restoring->err, r,
					      "cannot restore a policy that was added over gRPC: %s; remove that file "
					      "to start without it",
					      record->file);
	if (is_static) {
		entry = find_key(policies, record->domain, policy->namespace, policy->name);
		if (entry && is_same(entry, policy, record->domain) && is_in_kernel &&
		    !policies->by_slot[record->slot] && !entry->is_loaded)
			slot_return(policies, entry, record, true);
		else if (entry && is_in_kernel && policy_chooses_alike(entry->policy, policy))
			old_note(entry, record->slot);
		policy_free(policy);
		return 0;
	}
	r = entry_add(policies, policy, record->domain, NULL, &entry, restoring->err);
	if (r == -EEXIST)
		return 0; /* two records of one key: an agent died while it replaced one by the other */
	if (r < 0)
		return error_wrap(restoring->err, r, "%s", record->file);
	slot_return(policies, entry, record, is_in_kernel);
	return 0;
}

static int load_new(struct policies *policies, struct error *err)
{
	for (size_t i = 0; i < policies->entries; i++) {
		struct policies_entry *entry = policies->entry[i];
		int r = 0;

		if (entry->is_loaded)
			continue;
		if (policies->by_slot[entry->slot] != entry)
			r = slot_take(policies, entry, err);
		if (r >= 0)
			r = load(policies, entry, err);
		if (r < 0)
			return error_wrap(err, r, "cannot load the policy: %s",
					  entry->file ? entry->file : entry->policy->name);
	}
	return 0;
}

static int set_global(struct policies *policies, struct error *err)
{
	for (size_t i = 0; i < policies->entries; i++) {
		const struct policies_entry *entry = policies->entry[i];
		int r;

		if (!entry->policy->is_global)
			continue;
		r = sensor_global(policies->sensor, entry->slot, true, err);
		if (r < 0)
			return error_wrap(err, r, "policy %s", entry->policy->name);
	}
	return 0;
}

int policies_apply(struct policies *policies, struct sensor *sensor, struct error *err)
{
	struct abi_policy_set in_kernel = { 0 }, stale;
	struct restoring restoring = { policies, &in_kernel, err };
	int r = sensor_slots(sensor, &in_kernel);

	policies->sensor = sensor;
	if (r < 0)
		return error_errno(err, -r, "cannot list the kernel's policies");
	r = policy_records_read(policies->options.state_dir_fd, restore, &restoring, err);
	if (r < 0)
		return r;
	for (unsigned slot = 0; slot < ABI_POLICIES; slot++)
		if (policy_set_has(&in_kernel, slot))
			policy_set_put(&policies->taken, slot, true); /* not given out before it is removed */
	r = load_new(policies, err);
	if (r >= 0)
		old_follow(policies);
	if (r >= 0)
		r = set_global(policies, err);
	if (r >= 0)
		r = containers_refresh(policies, err);
	if (r < 0)
		return r;
	stale = in_kernel;
	for (unsigned slot = 0; slot < ABI_POLICIES; slot++) {
		if (policies->by_slot[slot])
			continue;
		if (policy_set_has(&stale, slot)) {
			r = unload(policies, slot, err);
			if (r < 0)
				return error_wrap(err, r, "cannot remove an earlier agent's policy in slot %u", slot);
			policy_set_put(&policies->taken, slot, false);
		} else {
			policy_record_remove(policies->options.state_dir_fd, slot);
		}
	}
	return 0;
}

/* --- at run time --- */

int policies_add(struct policies *policies, const char *yaml, size_t len, const char *domain, struct error *err)
{
	struct policies_entry *entry = NULL;
	struct policy *policy = NULL;
	int r;

	if (!*domain)
		domain = POLICIES_DOMAIN_GRPC;
	r = check_domain(domain, err);
	if (r >= 0)
		r = policy_parse(yaml, len, &policy, err);
	if (r >= 0)
		r = entry_add(policies, policy, domain, NULL, &entry, err);
	if (r < 0)
		return r;
	r = slot_take(policies, entry, err);
	if (r < 0) {
		entry_drop(policies, entry);
		return r;
	}
	r = load(policies, entry, err);
	if (r >= 0) {
		r = entry->policy->is_global ? sensor_global(policies->sensor, entry->slot, true, err)
					     : containers_refresh(policies, err);
		if (r < 0 && unload(policies, entry->slot, NULL) < 0)
			return error_wrap(
				err, r, "the policy is in force only in part, and could not be taken back; delete it");
	}
	if (r < 0) {
		slot_give(policies, entry);
		entry_drop(policies, entry);
	}
	return r;
}

int policies_delete(struct policies *policies, const char *domain, const char *name_space, const char *name,
		    struct error *err)
{
	struct policies_entry *entry = find_key(policies, *domain ? domain : POLICIES_DOMAIN_GRPC, name_space, name);
	int r;

	for (size_t i = 0; !entry && !*domain && i < policies->entries; i++) {
		if (!has_key(policies->entry[i], "", name_space, name))
			continue;
		for (size_t j = i + 1; j < policies->entries; j++)
			if (has_key(policies->entry[j], "", name_space, name))
				return error_set(err, EINVAL,
						 "tracing policy %s%s%s exists in the domains %s and %s: say which one",
						 text_of(name_space), name_space && *name_space ? "/" : "", name,
						 policies->entry[i]->domain, policies->entry[j]->domain);
		entry = policies->entry[i];
	}
	if (!entry)
		return error_set(err, ENOENT, "tracing policy %s%s%s does not exist%s%s", text_of(name_space),
				 name_space && *name_space ? "/" : "", name, *domain ? " in domain " : "", domain);
	r = unload(policies, entry->slot, err);
	if (r < 0)
		return error_wrap(err, r, "cannot remove policy %s", name);
	slot_give(policies, entry);
	entry_drop(policies, entry);
	return 0;
}

const struct policies_entry *policies_at(const struct policies *policies, size_t n)
{
	return n < policies->entries ? policies->entry[n] : NULL;
}

const struct policy *policies_find(const struct policies *policies, unsigned slot, uint32_t generation)
{
	const struct policies_entry *entry = slot < ABI_POLICIES ? policies->by_slot[slot] : NULL;

	return entry && entry->generation == generation ? entry->policy : NULL;
}
