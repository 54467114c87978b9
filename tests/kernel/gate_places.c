/* SPDX-License-Identifier: Apache-2.0 */
/* tests/kernel/gate_places.c: which cgroup is whose: children, containers in containers, moves, announcements. */
#include <errno.h>
#include <stdio.h>
#include <unistd.h>

#include "base/error.h"
#include "gate.h"
#include "runtime_bed.h"

static bool belongs_to(struct bed *bed, const struct container *cgroup, const struct container *owner)
{
	struct abi_cgroup entry;

	return sensor_cgroup_get(bed->sensor, cgroup->id, &entry) == 0 && entry.container == owner->id;
}

static void children(struct bed *bed)
{
	struct container c, inner;
	struct abi_cgroup entry;

	policy_load(bed, KILL_LSEEK);
	container_new(bed, &c, "outer");
	container_child(bed, &c, &inner, "early");
	container_register(bed, &c, true);
	row(bed, belongs_to(bed, &inner, &c), "children: existed before");
	row(bed, killed(container_run(bed, &inner, "/bin/first_lseek", PLAIN)),
	    "children: killed in one that existed before");
	container_remove(&inner);
	container_child(bed, &c, &inner, "late");
	row(bed, belongs_to(bed, &inner, &c), "children: made later inherits");
	row(bed, killed(container_run(bed, &inner, "/bin/first_lseek", PLAIN)),
	    "children: killed in one that was made later");
	container_remove(&inner);
	container_remove(&c);
	row(bed,
	    container_collected(bed, c.id) == -ENOENT && sensor_cgroup_get(bed->sensor, inner.id, &entry) == -ENOENT,
	    "children: entries go with the cgroups");
	policy_unload(bed);
}

static void nested(struct bed *bed)
{
	struct container outer, inner, other;
	char cgroup[1100], *argv[] = {
		(char *)"/bin/gate_test", (char *)"tenant", (char *)"inner", cgroup, (char *)"/bin/first_lseek", NULL
	};
	struct outcome outcome;

	policy_load(bed, KILL_LSEEK);
	container_new(bed, &outer, "node");
	container_register(bed, &outer, false);
	container_child(bed, &outer, &inner, "pod");
	container_register(bed, &inner, true);
	text_put(cgroup, sizeof cgroup, "/cg%s", inner.name);
	row(bed, killed(container_run_args(bed, &outer, argv, PLAIN)),
	    "nested: the inner container's own policy kills");
	argv[2] = (char *)"move";
	container_remove(&inner);
	container_remove(&outer);

	container_new(bed, &outer, "strict");
	container_register(bed, &outer, true);
	container_new(bed, &other, "lax");
	container_register(bed, &other, false);
	text_put(cgroup, sizeof cgroup, "/cg%s", other.name);
	outcome = container_run_args(bed, &outer, argv, PLAIN);
	row(bed, killed(outcome), "moved: another container's cgroup does not trade policies (status %x)",
	    (unsigned)outcome.status);
	text_put(cgroup, sizeof cgroup, "/cg");
	row(bed, killed(container_run_args(bed, &outer, argv, PLAIN)), "moved: nor does the root cgroup");
	container_remove(&other);
	container_remove(&outer);
	policy_unload(bed);
}

static void announced(struct bed *bed)
{
	struct abi_policy_set set = { 0 };
	struct error err = { 0 };
	struct abi_cgroup entry;
	struct container c;
	unsigned before;
	char leaf[64];

	policy_load(bed, KILL_LSEEK);
	set.bit[SLOT / 64] = 1ull << SLOT % 64;
	text_put(leaf, sizeof leaf, "tg-announced-%d", bed->owner);
	row(bed, sensor_arm(bed->sensor, leaf, 10000000000, 0, 0, &set, &err) == 0,
	    "announced: before its cgroup is there %s", err.text);
	container_new(bed, &c, "announced");
	row(bed, belongs_to(bed, &c, &c), "announced: the cgroup of that name has it");
	row(bed, killed(container_run(bed, &c, "/bin/first_lseek", PLAIN)),
	    "announced: killed at its first instruction");
	row(bed, sensor_disarm(bed->sensor, leaf) == 0, "announced: good for one cgroup");
	container_remove(&c);
	(void)sensor_arm(bed->sensor, leaf, 1, 0, 0, &set, &err);
	container_new(bed, &c, "announced");
	row(bed, sensor_cgroup_get(bed->sensor, c.id, &entry) == -ENOENT, "announced: not after it has expired");
	container_remove(&c);
	before = sensor_slots_in_use(bed->sensor);
	for (int i = 0; i < 20; i++)
		(void)sensor_arm(bed->sensor, leaf, 1, 0, 0, &set, &err);
	usleep(1000);
	(void)sensor_arm_expire(bed->sensor);
	(void)sensor_arm_expire(bed->sensor);
	row(bed, sensor_slots_in_use(bed->sensor) < before,
	    "announced: what was announced again and again, and expired, holds no slot (%u, now %u)", before,
	    sensor_slots_in_use(bed->sensor));
	policy_unload(bed);
}

/* More cgroups below a container that runs already than it may have entries: the kernel looks for the rest's above. */
static void found_with_many_children(struct bed *bed)
{
	char *argv[] = { (char *)"/bin/lseek_loop", NULL }, name[32];
	struct container c, group, child;
	struct abi_losses losses;
	struct abi_cgroup entry;
	struct guest guest;

	policy_load(bed, KILL_LSEEK);
	container_new(bed, &c, "many");
	for (int i = 0; i < ABI_CHILDREN_MAX + 10; i++) {
		text_put(name, sizeof name, "%d", i);
		container_child(bed, &c, &child, name);
	}
	for (int i = 0; i < 2; i++) { /* its entry is missing only if the walk meets it late: then so are these */
		group = child;
		container_child(bed, &group, &child, "below");
	}
	guest_start(bed, &child, argv, &guest);
	container_register_as(bed, &c, true, ABI_CG_MARKS_DUE);
	must(sensor_losses(bed->sensor, &losses) == 0, "losses", NULL);
	row(bed, losses.children > 0, "many children: the kernel is told that some have no entry (%llu)",
	    (unsigned long long)losses.children);
	row(bed, sensor_cgroup_get(bed->sensor, child.id, &entry) == -ENOENT || entry.container == c.id,
	    "many children: the last is the container's or has none");
	row(bed, !guest_survives(&guest), "many children: killed in the last of them");
	(void)guest_end(&guest);
	bed_losses_put(bed, 0, 0);
	container_remove(&c);
	policy_unload(bed);
}

void gate_places(struct bed *bed)
{
	found_with_many_children(bed);
	children(bed);
	nested(bed);
	announced(bed);
}
