/* SPDX-License-Identifier: Apache-2.0 */
/* tests/kernel/gate_pins.c: what outlives an agent, and what the next one makes of it. */
#include <bpf/bpf.h>
#include <stdio.h>
#include <unistd.h>

#include "base/error.h"
#include "gate.h"
#include "runtime_bed.h"

static void outlives_the_agent(struct bed *bed)
{
	struct container c;

	policy_load(bed, KILL_LSEEK);
	container_new(bed, &c, "pinned");
	container_register(bed, &c, true);
	sensor_close(bed->sensor);
	row(bed, killed(container_run(bed, &c, "/bin/first_lseek", PLAIN)), "pins: killed while no agent runs");
	bed_sensor_open(bed, NULL, false);
	row(bed, sensor_adopted(bed->sensor), "pins: taken over");
	row(bed, killed(container_run(bed, &c, "/bin/first_lseek", PLAIN)), "pins: killed after the take-over");
	policy_unload(bed);
	row(bed, container_run(bed, &c, "/bin/first_lseek", PLAIN).survived, "pins: free after the policy is removed");
	container_remove(&c);
}

/* 1 if it is the one of *context. */
static int container_is(void *context, uint64_t cgroup_id, const struct abi_container_set *set,
			const struct abi_container_info *info)
{
	(void)set, (void)info;
	return cgroup_id == *(uint64_t *)context;
}

/* As an agent leaves it that died after the set and before the cgroup's entry. */
static void half_a_container(struct bed *bed)
{
	struct abi_container_set set = { 0 };
	uint32_t slot = ABI_CONTAINERS - 3;
	struct container c;
	unsigned in_use;
	int sets;

	(void)sensor_collect(bed->sensor, false, ABI_CONTAINERS, NULL, NULL); /* what other rows have left */
	container_new(bed, &c, "half");
	sets = bed_map(bed, "container_sets");
	set.container = c.id;
	must(bpf_map_update_elem(sets, &slot, &set, BPF_ANY) == 0, "container_sets", NULL);
	bed_sensor_reopen(bed);
	in_use = sensor_slots_in_use(bed->sensor);
	row(bed, in_use > 0 && sensor_containers(bed->sensor, container_is, &c.id) == 0,
	    "half a container: is none (%u slots)", in_use);
	(void)sensor_collect(bed->sensor, false, ABI_CONTAINERS, NULL, NULL);
	row(bed, sensor_slots_in_use(bed->sensor) == in_use, "half a container: stays while its cgroup is there");
	container_remove(&c);
	(void)sensor_collect(bed->sensor, false, ABI_CONTAINERS, NULL, NULL);
	(void)bpf_map_lookup_elem(sets, &slot, &set); /* compared below */
	row(bed, sensor_slots_in_use(bed->sensor) == in_use - 1 && !set.container,
	    "half a container: its slot is free when that is gone");
	close(sets);
}

/* --- half a policy ------------------------------------------------------------------------------------------------ */

/* Rules under SLOT; *ret_point is that of the policy's last hook. */
static unsigned rules_left(const struct bed *bed, uint32_t *ret_point)
{
	int fd = bed_map(bed, "rules");
	uint32_t id, *at = NULL;
	struct abi_rule rule;
	unsigned n = 0, hook = 0;

	for (; bpf_map_get_next_key(fd, at, &id) == 0; at = &id)
		if (bpf_map_lookup_elem(fd, &id, &rule) == 0 && rule.policy == SLOT) {
			n++;
			if (rule.hook >= hook) {
				hook = rule.hook;
				*ret_point = rule.point;
			}
		}
	close(fd);
	return n;
}

/* As an agent leaves it that died between the last point's bit and the commitment. */
static void policy_halve(const struct bed *bed, uint32_t point)
{
	int policies = bed_map(bed, "policies"), points = bed_map(bed, "points");
	struct abi_point value;
	uint32_t slot = SLOT;

	must(bpf_map_delete_elem(policies, &slot) == 0, "policies", NULL);
	must(bpf_map_lookup_elem(points, &point, &value) == 0, "points", NULL);
	value.policies.bit[SLOT / 64] &= ~(1ull << SLOT % 64);
	must(bpf_map_update_elem(points, &point, &value, BPF_ANY) == 0, "points", NULL);
	close(policies);
	close(points);
}

static int bit_seen(void *context, uint64_t container, const struct abi_container_set *set,
		    const struct abi_container_info *info)
{
	(void)container, (void)info; /* whichever has it */
	*(unsigned *)context += (unsigned)(set->policies.bit[SLOT / 64] >> SLOT % 64 & 1);
	return 0;
}

static void half_policy(struct bed *bed)
{
	struct abi_policy_set slots = { 0 };
	unsigned rules, selected = 0;
	struct container c;
	uint32_t point = 0;

	policy_load(bed, HEAD OPEN_HOOK LSEEK_HOOK("-1"));
	container_new(bed, &c, "half");
	container_register(bed, &c, true);
	row(bed, killed(container_run(bed, &c, "/bin/first_lseek", PLAIN)), "half a policy: the whole one kills");
	rules = rules_left(bed, &point);
	must(rules == 2 && point, "two rules", NULL);
	bed_sensor_reopen(bed);
	(void)sensor_slots(bed->sensor, &slots);
	row(bed, slots.bit[SLOT / 64] >> SLOT % 64 & 1, "half a policy: the whole one is taken over");
	policy_halve(bed, point);
	bed_sensor_reopen(bed);
	(void)sensor_slots(bed->sensor, &slots);
	row(bed, !(slots.bit[SLOT / 64] >> SLOT % 64 & 1), "half a policy: is not taken over");
	(void)sensor_containers(bed->sensor, bit_seen, &selected);
	rules = rules_left(bed, &point);
	row(bed, rules == 0 && selected == 0, "half a policy: is removed (%u rules, %u containers left)", rules,
	    selected);
	row(bed, !killed(container_run(bed, &c, "/bin/open_rodata", PLAIN)), "half a policy: its other half is gone");
	policy_load(bed, HEAD OPEN_HOOK LSEEK_HOOK("-1"));
	container_register(bed, &c, true);
	row(bed, killed(container_run(bed, &c, "/bin/first_lseek", PLAIN)), "half a policy: can be loaded again");
	container_remove(&c);
	policy_unload(bed);
}

/* --- pins of another build ---------------------------------------------------------------------------------------- */

static void misfit(struct bed *bed)
{
	char path[PATH_MAX], aside[PATH_MAX], *argv[] = { (char *)"/bin/lseek_loop", NULL };
	struct guest stays, lives;
	struct container c;
	bool is_free = false;
	int fd;

	policy_load(bed, KILL_LSEEK);
	container_new(bed, &c, "misfit");
	container_register(bed, &c, true);
	guest_start(bed, &c, argv, &stays);
	guest_start(bed, &c, argv, &lives);
	sensor_close(bed->sensor);
	bed_map_path(bed, "armed", path);
	must(unlink(path) == 0, path, NULL);
	fd = bpf_map_create(BPF_MAP_TYPE_HASH, "armed", 4, 4, 8, NULL);
	must(fd >= 0 && bpf_obj_pin(fd, path) == 0, path, NULL);
	close(fd);
	bed_sensor_open(bed, NULL, false);
	text_put(aside, sizeof aside, "%s/%s_old", BED_BPFFS, bed->bpf_dir);
	row(bed, sensor_has_gap(bed->sensor) && !sensor_adopted(bed->sensor) && access(aside, F_OK) == 0,
	    "misfit: set aside (gap %d, adopted %d)", sensor_has_gap(bed->sensor), sensor_adopted(bed->sensor));
	row(bed, killed(container_run(bed, &c, "/bin/first_lseek", PLAIN)), "misfit: the old programs judge a start");
	row(bed, !guest_survives(&stays), "misfit: and what ran before");
	(void)guest_end(&stays);
	bed_sensor_reopen(bed); /* an agent that dies before it has settled */
	row(bed, sensor_has_gap(bed->sensor) && sensor_adopted(bed->sensor),
	    "misfit: the agent after it knows of the gap");
	row(bed, killed(container_run(bed, &c, "/bin/first_lseek", PLAIN)), "misfit: the old programs still judge");
	sensor_settle(bed->sensor);
	for (int i = 0; i < 40 && !is_free; i++) { /* the kernel lets links go in the background */
		is_free = container_run(bed, &c, "/bin/first_lseek", PLAIN).survived;
		usleep(25000);
	}
	row(bed, is_free && access(aside, F_OK) != 0, "misfit: settled, they are gone");
	row(bed, guest_survives(&lives), "misfit: settled, nobody judges what runs");
	policy_load(bed, KILL_LSEEK);
	container_register(bed, &c, true);
	row(bed, container_mark(bed, &c, NULL) == 1 && !guest_survives(&lives),
	    "misfit: told again and marked, it is judged");
	(void)guest_end(&lives);
	row(bed, killed(container_run(bed, &c, "/bin/first_lseek", PLAIN)), "misfit: told again, a start is judged");
	container_remove(&c);
	policy_unload(bed);
}

/* --- the last one ------------------------------------------------------------------------------------------------- */

static void inherit_matters(struct bed *bed)
{
	struct container c, inner;

	sensor_close(bed->sensor);
	bed_sensor_open(bed, "cgroup_inherit", true);
	policy_load(bed, KILL_LSEEK);
	container_new(bed, &c, "mutation");
	container_register(bed, &c, true);
	container_child(bed, &c, &inner, "late");
	row(bed, container_run(bed, &inner, "/bin/first_lseek", PLAIN).survived,
	    "mutation: without cgroup_inherit a child cgroup escapes");
	container_remove(&inner);
	container_remove(&c);
	policy_unload(bed);
}

static void pins_go(struct bed *bed)
{
	struct sensor_options options = {
		.bpffs = BED_BPFFS, .dir = bed->bpf_dir, .hierarchy = &bed->hierarchy, .procfs = "/proc"
	};
	struct error err = { 0 };
	char path[PATH_MAX];

	sensor_close(bed->sensor);
	must(sensor_open(&options, &bed->sensor, &err) >= 0, "sensor_open", &err);
	sensor_close(bed->sensor); /* without keep_on_close */
	bed->sensor = NULL;
	text_put(path, sizeof path, "%s/%s", BED_BPFFS, bed->bpf_dir);
	row(bed, access(path, F_OK) != 0, "pins: an agent that is to leave nothing leaves nothing");
}

void gate_pins(struct bed *bed)
{
	outlives_the_agent(bed);
	half_a_container(bed);
	half_policy(bed);
	misfit(bed);
	inherit_matters(bed);
	pins_go(bed);
}
