/* SPDX-License-Identifier: Apache-2.0 */
/* The store of policies over a kernel in memory: what is in force, what a restart keeps, what a failure leaves. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <string.h>
#include <unistd.h>

#include "agent/policies.h"
#include "agent/policy_record.h"
#include "agent/workload.h"
#include "base/error.h"
#include "memory_sensor.h"
#include "pod/registry.h"
#include "policy/policy.h"
#include "policy/policy_set.h"

struct bed {
	char folder[64], records[80];
	int dir_fd;
	struct sensor sensor; /* outlives the store, as the kernel does */
	struct pod_registry *registry;
	struct policies *policies;
	struct error err;
};

static const char *yaml_of(const char *kind, const char *name, const char *name_space)
{
	static char text[1024];

	(void)snprintf(text, sizeof text,
		       "apiVersion: cilium.io/v1alpha1\nkind: %s\nmetadata:\n  name: %s\n%s%s%s"
		       "spec:\n  kprobes:\n  - call: sys_lseek\n    syscall: true\n    args:\n    - index: 0\n      "
		       "type: int\n",
		       kind, name, *name_space ? "  namespace: " : "", name_space, *name_space ? "\n" : "");
	return text;
}

static const char *in(const char *name, const char *name_space)
{
	return yaml_of(*name_space ? "TracingPolicyNamespaced" : "TracingPolicy", name, name_space);
}

static void store_open(struct bed *bed)
{
	const struct policies_options options = { .registry = bed->registry,
						  .state_dir_fd = bed->dir_fd,
						  .now_s = 1000 };

	assert_int_equal(policies_new(&options, &bed->policies, &bed->err), 0);
}

static void bed_open(struct bed *bed)
{
	*bed = (struct bed){ .folder = "/dev/shm/policies-test-XXXXXX" }; /* records are synced: not to a disk */
	assert_non_null(mkdtemp(bed->folder));
	(void)snprintf(bed->records, sizeof bed->records, "%s/records", bed->folder);
	assert_int_equal(mkdir(bed->records, 0700), 0);
	bed->dir_fd = open(bed->records, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	assert_true(bed->dir_fd >= 0);
	bed->registry = pod_registry_new(NULL);
	bed->sensor.containers = 3;
	bed->sensor.container[0].id = 10;
	bed->sensor.container[0].name_space = "a";
	bed->sensor.container[0].path = "/x/10";
	bed->sensor.container[1].id = 11;
	bed->sensor.container[1].name_space = "b";
	bed->sensor.container[1].path = "/x/11";
	bed->sensor.container[2].id = 12; /* runs inside of the first one */
	bed->sensor.container[2].name_space = "b";
	bed->sensor.container[2].path = "/x/10/y/12";
	for (size_t i = 0; i < bed->sensor.containers; i++) {
		const struct pod_container container = {
			.cgroup_id = bed->sensor.container[i].id,
			.pod_namespace = bed->sensor.container[i].name_space,
			.cgroup_path = bed->sensor.container[i].path,
			.source = POD_FROM_KERNEL,
		};

		assert_int_equal(pod_registry_add(bed->registry, &container, 1, NULL), 1);
	}
	store_open(bed);
}

/* The agent dies and comes back. */
static void restart(struct bed *bed)
{
	policies_free(bed->policies);
	bed->sensor.adds = bed->sensor.removes = bed->sensor.refreshes = 0;
	store_open(bed);
}

static void bed_close(struct bed *bed)
{
	char command[128];

	policies_free(bed->policies);
	pod_registry_free(bed->registry);
	(void)close(bed->dir_fd);
	(void)snprintf(command, sizeof command, "rm -rf %s", bed->folder);
	assert_int_equal(system(command), 0);
}

static void add(struct bed *bed, const char *yaml)
{
	int r = policies_add(bed->policies, yaml, strlen(yaml), "", &bed->err);

	if (r < 0)
		fail_msg("add: %d, %s", r, bed->err.text);
}

static void apply(struct bed *bed)
{
	int r = policies_apply(bed->policies, &bed->sensor, &bed->err);

	if (r < 0)
		fail_msg("apply: %d, %s", r, bed->err.text);
}

static void stage(struct bed *bed, const char *name, const char *yaml)
{
	char path[128];
	FILE *file;
	int r;

	(void)snprintf(path, sizeof path, "%s/%s", bed->folder, name);
	file = fopen(path, "w");
	assert_non_null(file);
	(void)fputs(yaml, file);
	(void)fclose(file);
	r = policies_stage_file(bed->policies, path, &bed->err);
	if (r < 0)
		fail_msg("stage %s: %d, %s", name, r, bed->err.text);
}

static unsigned slot_of(struct bed *bed, const char *name)
{
	const struct policies_entry *entry;

	for (size_t i = 0; (entry = policies_at(bed->policies, i)); i++)
		if (!strcmp(entry->policy->name, name))
			return entry->slot;
	fail_msg("no policy %s", name);
	return 0;
}

static bool has(const struct abi_policy_set *set, unsigned slot)
{
	return set->bit[slot / 64] >> slot % 64 & 1;
}

/* "abc" of "x.x": which of the three containers the slot selects. */
static const char *selected(struct bed *bed, unsigned slot)
{
	static char text[4];

	for (size_t i = 0; i < 3; i++)
		text[i] = has(&bed->sensor.container[i].policies, slot) ? 'x' : '.';
	return text;
}

static void a_policy_selects_its_namespace_and_what_is_inside(void **state)
{
	struct bed bed;

	bed_open(&bed);
	apply(&bed);
	add(&bed, in("one", "a"));
	add(&bed, in("two", "b"));
	add(&bed, in("all", ""));
	assert_string_equal(selected(&bed, slot_of(&bed, "one")), "x.x");
	assert_string_equal(selected(&bed, slot_of(&bed, "two")), ".xx");
	assert_string_equal(selected(&bed, slot_of(&bed, "all")), "..."); /* the kernel's global set has it */
	assert_true(has(&bed.sensor.global, slot_of(&bed, "all")));
	assert_int_equal(policies_delete(bed.policies, "", "a", "one", &bed.err), 0);
	assert_int_equal(policies_delete(bed.policies, "", "", "all", &bed.err), 0);
	assert_string_equal(selected(&bed, slot_of(&bed, "two")), ".xx");
	assert_null(policies_at(bed.policies, 1));
	bed_close(&bed);
	(void)state;
}

/* A container that the registry has no room for, or has forgotten, is still known to the kernel. */
static void a_container_that_the_registry_does_not_know_is_selected_too(void **state)
{
	struct bed bed;

	bed_open(&bed);
	apply(&bed);
	assert_int_equal(pod_registry_remove(bed.registry, 10, 1), 0);
	add(&bed, in("recent", "a"));
	assert_string_equal(selected(&bed, slot_of(&bed, "recent")), "x.."); /* what was inside runs on its own */
	assert_int_equal(pod_registry_expire(bed.registry, INT64_MAX), 1);
	add(&bed, in("forgotten", "a"));
	assert_string_equal(selected(&bed, slot_of(&bed, "forgotten")), "x..");
	bed.sensor.container[0].is_announced = true;
	add(&bed, in("announced", "a"));
	assert_string_equal(selected(&bed, slot_of(&bed, "announced")), "...");
	assert_string_equal(selected(&bed, slot_of(&bed, "forgotten")), "x.."); /* it keeps what it has */
	bed_close(&bed);
	(void)state;
}

static void a_restart_touches_nothing_that_stays(void **state)
{
	struct bed bed;
	unsigned file_slot, grpc_slot;
	uint32_t generation;

	bed_open(&bed);
	stage(&bed, "file.yaml", in("from-file", "a"));
	apply(&bed);
	add(&bed, in("added", "b"));
	file_slot = slot_of(&bed, "from-file");
	grpc_slot = slot_of(&bed, "added");
	generation = policies_at(bed.policies, 1)->generation;

	restart(&bed);
	stage(&bed, "file.yaml", in("from-file", "a"));
	apply(&bed);
	assert_int_equal(slot_of(&bed, "from-file"), file_slot);
	assert_int_equal(slot_of(&bed, "added"), grpc_slot);
	assert_non_null(policies_find(bed.policies, grpc_slot, generation));
	assert_null(policies_find(bed.policies, grpc_slot, generation + 1));
	assert_int_equal(bed.sensor.adds + bed.sensor.removes + bed.sensor.refreshes, 0);
	bed_close(&bed);
	(void)state;
}

static void a_changed_file_gets_a_new_slot_before_it_loses_the_old_one(void **state)
{
	struct bed bed;
	unsigned old;

	bed_open(&bed);
	stage(&bed, "file.yaml", in("p", "a"));
	apply(&bed);
	old = slot_of(&bed, "p");

	restart(&bed);
	stage(&bed, "file.yaml", yaml_of("TracingPolicyNamespaced", "p  ", "a"));
	apply(&bed);
	assert_int_not_equal(slot_of(&bed, "p"), old);
	assert_string_equal(selected(&bed, slot_of(&bed, "p")), "x.x");
	assert_false(has(&bed.sensor.slots, old));
	assert_string_equal(selected(&bed, old), "...");
	bed_close(&bed);
	(void)state;
}

static void what_is_no_longer_configured_is_removed(void **state)
{
	struct bed bed;

	bed_open(&bed);
	stage(&bed, "file.yaml", in("p", "a"));
	apply(&bed);
	add(&bed, in("added", "b"));

	restart(&bed);
	apply(&bed);
	assert_null(policies_at(bed.policies, 1));
	assert_string_equal(policies_at(bed.policies, 0)->policy->name, "added");
	assert_int_equal(bed.sensor.removes, 1);
	bed_close(&bed);
	(void)state;
}

static void a_kernel_that_has_lost_everything_is_filled_again(void **state)
{
	struct bed bed;

	bed_open(&bed);
	apply(&bed);
	add(&bed, in("added", "a"));
	bed.sensor.slots = (struct abi_policy_set){ 0 }; /* a reboot, or --release-pinned-bpf */
	bed.sensor.container[0].policies = bed.sensor.container[2].policies = (struct abi_policy_set){ 0 };

	restart(&bed);
	apply(&bed);
	assert_true(has(&bed.sensor.slots, slot_of(&bed, "added")));
	assert_string_equal(selected(&bed, slot_of(&bed, "added")), "x.x");
	bed_close(&bed);
	(void)state;
}

static void a_slot_without_a_record_is_removed(void **state)
{
	struct bed bed;

	bed_open(&bed);
	bed.sensor.slots.bit[0] = 1 << 5; /* an agent died between the kernel's rows and … */
	bed.sensor.container[1].policies.bit[0] = 1 << 5;
	apply(&bed);
	assert_int_equal(bed.sensor.slots.bit[0], 0);
	assert_string_equal(selected(&bed, 5), "...");
	bed_close(&bed);
	(void)state;
}

static void a_failed_add_leaves_nothing(void **state)
{
	const char *yaml = in("p", "a");
	struct bed bed;

	bed_open(&bed);
	apply(&bed);
	bed.sensor.fail_add = ENOSPC;
	assert_int_equal(policies_add(bed.policies, yaml, strlen(yaml), "", &bed.err), -ENOSPC);
	bed.sensor.fail_add = 0;
	bed.sensor.fail_refresh = EIO;
	assert_int_equal(policies_add(bed.policies, yaml, strlen(yaml), "", &bed.err), -EIO);
	bed.sensor.fail_refresh = 0;
	assert_null(policies_at(bed.policies, 0));
	assert_int_equal(bed.sensor.slots.bit[0], 0);
	restart(&bed);
	apply(&bed);
	assert_null(policies_at(bed.policies, 0));
	add(&bed, yaml);
	bed_close(&bed);
	(void)state;
}

static void keys_are_unique_in_their_domain(void **state)
{
	struct bed bed;
	const char *yaml;

	bed_open(&bed);
	apply(&bed);
	yaml = in("p", "a");
	add(&bed, yaml);
	assert_int_equal(policies_add(bed.policies, yaml, strlen(yaml), "", &bed.err), -EEXIST);
	assert_int_equal(policies_add(bed.policies, yaml, strlen(yaml), "one", &bed.err), 0);
	assert_int_equal(policies_add(bed.policies, yaml, strlen(yaml), "two", &bed.err), 0);
	assert_int_equal(policies_add(bed.policies, yaml, strlen(yaml), "a/b", &bed.err), -EINVAL);
	assert_int_equal(policies_add(bed.policies, yaml, strlen(yaml), "sensors", &bed.err), -EINVAL);
	assert_int_equal(policies_delete(bed.policies, "", "a", "p", &bed.err), 0);       /* that of "grpc" */
	assert_int_equal(policies_delete(bed.policies, "", "a", "p", &bed.err), -EINVAL); /* which of the two? */
	assert_int_equal(policies_delete(bed.policies, "one", "a", "p", &bed.err), 0);
	assert_int_equal(policies_delete(bed.policies, "", "a", "p", &bed.err), 0); /* the only one left */
	assert_int_equal(policies_delete(bed.policies, "", "a", "p", &bed.err), -ENOENT);
	bed_close(&bed);
	(void)state;
}

static void slots_run_out_at_the_limit(void **state)
{
	struct bed bed;
	const char *yaml;

	bed_open(&bed);
	apply(&bed);
	for (int i = 0; i < ABI_POLICIES; i++) {
		char name[16];

		(void)snprintf(name, sizeof name, "p%d", i);
		add(&bed, in(name, "z"));
	}
	yaml = in("one-more", "z");
	assert_int_equal(policies_add(bed.policies, yaml, strlen(yaml), "", &bed.err), -ENOSPC);
	assert_int_equal(policies_delete(bed.policies, "", "z", "p7", &bed.err), 0);
	add(&bed, in("one-more", "z"));
	bed_close(&bed);
	(void)state;
}

static void records_are_checked(void **state)
{
	static const struct {
		const char *why, *text;
		int want;
	} rows[] = {
		{ "a record", "# tetragon policy record 1: generation 7, domain grpc\nyaml", 0 },
		{ "empty yaml", "# tetragon policy record 1: generation 7, domain grpc\n", 0 },
		{ "nothing", "", -EINVAL },
		{ "a mere policy", "kind: TracingPolicy\n", -EINVAL },
		{ "another version", "# tetragon policy record 2: generation 7, domain grpc\n", -EINVAL },
		{ "no end of line", "# tetragon policy record 1: generation 7, domain grpc", -EINVAL },
		{ "generation too large", "# tetragon policy record 1: generation 4294967296, domain grpc\n", -EINVAL },
		{ "negative generation", "# tetragon policy record 1: generation -1, domain grpc\n", -EINVAL },
		{ "bad domain", "# tetragon policy record 1: generation 7, domain a/b\n", -EINVAL },
		{ "no domain", "# tetragon policy record 1: generation 7, domain \n", -EINVAL },
	};

	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		char text[256];
		struct policy_record record;
		int r;

		(void)snprintf(text, sizeof text, "%s", rows[i].text);
		r = policy_record_parse(text, strlen(text), &record, NULL);
		if (r != rows[i].want || (r == 0 && (record.generation != 7 || strcmp(record.domain, "grpc") != 0)))
			fail_msg("%s: %d", rows[i].why, r);
	}
	(void)state;
}

/* Announced to an earlier agent, found by the walk: until somebody tells who it is, nothing is taken from it. */
static void what_nobody_names_keeps_its_policies(void **state)
{
	struct pod_container container = { .cgroup_id = 20, .cgroup_path = "/x/20", .source = POD_FROM_WALK };
	struct abi_policy_set set = { 0 };
	struct workload workload;
	static struct bed bed;

	(void)state;
	bed_open(&bed);
	policy_set_put(&set, 70, true);
	assert_int_equal(pod_registry_add(bed.registry, &container, 1, NULL), 1);
	workload = workload_of(pod_registry_by_cgroup(bed.registry, 20));
	assert_null(policies_select(bed.policies, container.cgroup_path, &workload, &set));
	assert_true(policy_set_has(&set, 70));
	container.pod_namespace = "a";
	container.source = POD_FROM_NRI;
	assert_int_equal(pod_registry_add(bed.registry, &container, 2, NULL), 0);
	workload = workload_of(pod_registry_by_cgroup(bed.registry, 20));
	assert_null(policies_select(bed.policies, container.cgroup_path, &workload, &set));
	assert_false(policy_set_has(&set, 70));
	bed_close(&bed);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_policy_selects_its_namespace_and_what_is_inside),
		cmocka_unit_test(a_container_that_the_registry_does_not_know_is_selected_too),
		cmocka_unit_test(a_restart_touches_nothing_that_stays),
		cmocka_unit_test(a_changed_file_gets_a_new_slot_before_it_loses_the_old_one),
		cmocka_unit_test(what_is_no_longer_configured_is_removed),
		cmocka_unit_test(a_kernel_that_has_lost_everything_is_filled_again),
		cmocka_unit_test(a_slot_without_a_record_is_removed),
		cmocka_unit_test(a_failed_add_leaves_nothing),
		cmocka_unit_test(keys_are_unique_in_their_domain),
		cmocka_unit_test(slots_run_out_at_the_limit),
		cmocka_unit_test(records_are_checked),
		cmocka_unit_test(what_nobody_names_keeps_its_policies),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
