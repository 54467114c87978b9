/* SPDX-License-Identifier: Apache-2.0 */
/* Announcements over a kernel and a cgroup tree in memory. */
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include <stdio.h>
#include <string.h>

#include "agent/admission.h"
#include "agent/announced.h"
#include "agent/cgroup_place.h"
#include "agent/found_running.h"
#include "agent/policies.h"
#include "base/error.h"
#include "base/log.h"
#include "memory_sensor.h"
#include "sensor/cgroup_walk.h"
#include "sensor/hierarchy.h"

#define LEAF(digit) "cri-containerd-" ID(digit) ".scope"
#define ID(digit) EIGHT(digit) EIGHT(digit) EIGHT(digit) EIGHT(digit)
#define EIGHT(digit) FOUR(digit) FOUR(digit) FOUR(digit) FOUR(digit)
#define FOUR(digit) digit digit digit digit

/* --- the tree: the one cgroup that is there --- */

static struct {
	const char *path; /* NULL: none */
	uint64_t id;
} tree;

int hierarchy_open(const struct hierarchy *hierarchy, const char *path, uint64_t *ret_id, struct error *err)
{
	int r = hierarchy_cgroup_id(hierarchy, path, ret_id, err);

	return r < 0 ? r : open("/", O_PATH | O_CLOEXEC); /* for the sensor, which does not look */
}

int hierarchy_cgroup_id(const struct hierarchy *hierarchy, const char *path, uint64_t *ret_id, struct error *err)
{
	(void)hierarchy;
	if (!tree.path || strcmp(path, tree.path) != 0)
		return error_errno(err, ENOENT, "no such cgroup");
	*ret_id = tree.id;
	return 0;
}

void found_running_add(struct found_running *found, uint64_t container)
{
	(void)found, (void)container; /* none ran before */
}

int cgroup_walk(int dir_fd, cgroup_walk_fn *each, void *context)
{
	(void)dir_fd, (void)each, (void)context;
	return 0; /* there is none below it */
}

int cgroup_place(const struct hierarchy *hierarchy, uint64_t cgroup_id, char *path, size_t size, struct error *err)
{
	(void)hierarchy;
	if (!tree.path || cgroup_id != tree.id)
		return error_errno(err, ENOENT, "no such cgroup");
	(void)snprintf(path, size, "%s", tree.path);
	return 0;
}

/* --- the bed --- */

struct bed {
	struct sensor sensor;
	struct hierarchy hierarchy;
	struct pod_registry *registry;
	struct policies *policies;
	struct admission admission;
	struct log log;
	struct announced announced;
	struct admission_answer answer;
	struct error err;
};

static void bed_open(struct bed *bed)
{
	struct policies_options options = { .state_dir_fd = -1 };

	*bed = (struct bed){ 0 };
	tree.path = NULL;
	bed->hierarchy.root_id = 1;
	options.registry = bed->registry = pod_registry_new(NULL);
	assert_int_equal(policies_new(&options, &bed->policies, &bed->err), 0);
	bed->admission = (struct admission){ .sensor = &bed->sensor,
					     .hierarchy = &bed->hierarchy,
					     .registry = bed->registry,
					     .policies = bed->policies,
					     .judge = { .procfs = "/nonexistent" } };
	bed->log = (struct log){ .fd = -1, .level = LOG_ERROR };
	bed->announced = (struct announced){ .admission = &bed->admission, .log = &bed->log, .ttl_ns = 100 };
}

static void bed_close(struct bed *bed)
{
	announced_done(&bed->announced);
	assert_int_equal(bed->announced.bytes, 0);
	policies_free(bed->policies);
	pod_registry_free(bed->registry);
}

static int add(struct bed *bed, const char *leaf, const char *name_space, int64_t now_ns)
{
	static const struct pod_label label[] = { { "app", "shop" } };
	char path[256];
	const struct admission_request request = {
		.cgroup_path = path, .pod_namespace = name_space, .label = label, .labels = 1, .source = POD_FROM_NRI
	};

	(void)snprintf(path, sizeof path, "/pods/%s", leaf);
	return announced_add(&bed->announced, &request, now_ns, &bed->answer, &bed->err);
}

static unsigned armed(const struct bed *bed)
{
	unsigned n = 0;

	for (size_t i = 0; i < MEMORY_ARMED; i++)
		n += bed->sensor.armed[i].leaf[0] != '\0';
	return n;
}

static void made_at(struct bed *bed, const char *path, uint64_t id)
{
	(void)bed;
	tree.path = path;
	tree.id = id;
}

static void what_is_announced_is_known_when_it_is_made(void **state)
{
	const struct pod_container *container;
	struct bed bed;

	bed_open(&bed);
	assert_int_equal(add(&bed, LEAF("a"), "shop", 1), 0);
	assert_true(bed.answer.is_new);
	assert_int_equal(bed.answer.cgroup_id, 0);
	assert_int_equal(armed(&bed), 1);
	made_at(&bed, "/pods/" LEAF("a"), 7);
	assert_int_equal(sensor_disarm(&bed.sensor, LEAF("a")), 1); /* as the kernel does */
	announced_armed(&bed.announced, LEAF("a"), 7);
	container = pod_registry_by_cgroup(bed.registry, 7);
	assert_non_null(container);
	assert_string_equal(container->container_id, ID("a")); /* told by the name */
	assert_string_equal(container->pod_namespace, "shop");
	assert_int_equal(container->labels, 1);
	assert_string_equal(container->label[0].value, "shop");
	assert_int_equal(bed.announced.waiting, 0);
	assert_int_equal(bed.announced.armed, 1);
	announced_armed(&bed.announced, LEAF("a"), 7); /* nothing is waiting, but it is known */
	assert_int_equal(bed.announced.unknown, 0);
	announced_armed(&bed.announced, LEAF("b"), 8);
	assert_int_equal(bed.announced.unknown, 1);
	bed_close(&bed);
	(void)state;
}

static void one_made_elsewhere_is_registered_where_it_is(void **state)
{
	struct bed bed;

	bed_open(&bed);
	assert_int_equal(add(&bed, LEAF("a"), "shop", 1), 0);
	made_at(&bed, "/kind/pods/" LEAF("a"), 7);
	announced_armed(&bed.announced, LEAF("a"), 7);
	assert_string_equal(pod_registry_by_cgroup(bed.registry, 7)->cgroup_path, "/kind/pods/" LEAF("a"));
	assert_int_equal(bed.announced.elsewhere, 1);
	assert_int_equal(add(&bed, LEAF("b"), "shop", 1), 0);
	announced_armed(&bed.announced, LEAF("b"), 99); /* gone before we looked */
	assert_null(pod_registry_by_cgroup(bed.registry, 99));
	assert_int_equal(bed.announced.waiting, 0);
	bed_close(&bed);
	(void)state;
}

/* The kernel has used it, and nobody has read its record yet. */
static void a_change_of_policies_reaches_one_made_meanwhile(void **state)
{
	struct bed bed;

	bed_open(&bed);
	assert_int_equal(add(&bed, LEAF("a"), "shop", 1), 0);
	made_at(&bed, "/pods/" LEAF("a"), 7);
	assert_int_equal(announced_refresh(&bed.announced, &bed.err), 0); /* still armed: it need not be looked for */
	assert_null(pod_registry_by_cgroup(bed.registry, 7));
	assert_int_equal(sensor_disarm(&bed.sensor, LEAF("a")), 1);
	assert_int_equal(announced_refresh(&bed.announced, &bed.err), 0);
	assert_non_null(pod_registry_by_cgroup(bed.registry, 7));
	announced_armed(&bed.announced, LEAF("a"), 7);
	assert_int_equal(bed.announced.waiting, 0);
	bed_close(&bed);
	(void)state;
}

static void it_expires_in_order(void **state)
{
	struct bed bed;

	bed_open(&bed);
	assert_int_equal(add(&bed, LEAF("a"), "shop", 10), 0);
	assert_int_equal(add(&bed, LEAF("b"), "shop", 20), 0);
	assert_int_equal(add(&bed, LEAF("a"), "shop", 30), 0); /* renewed */
	assert_false(bed.answer.is_new);
	assert_int_equal(announced_expire(&bed.announced, 119), 0);
	assert_int_equal(announced_expire(&bed.announced, 120), 1);
	assert_int_equal(sensor_disarm(&bed.sensor, LEAF("b")), 0);
	assert_int_equal(armed(&bed), 1);
	assert_int_equal(announced_expire(&bed.announced, INT64_MAX), 1);
	assert_int_equal(armed(&bed), 0);
	assert_int_equal(bed.announced.expired, 2);
	bed_close(&bed);
	(void)state;
}

static void a_full_kernel_is_said(void **state)
{
	struct bed bed;

	bed_open(&bed);
	bed.sensor.stale_armed = 2; /* an earlier agent's, expired: they make room */
	assert_int_equal(add(&bed, LEAF("a"), "shop", 1), 0);
	assert_int_equal(add(&bed, LEAF("b"), "shop", 1), 0);
	assert_int_equal(add(&bed, LEAF("c"), "shop", 1), 0);
	assert_int_equal(add(&bed, LEAF("d"), "shop", 1), -ENOSPC);
	assert_int_equal(bed.announced.refused, 1);
	assert_int_equal(bed.announced.waiting, 3);
	assert_int_equal(add(&bed, LEAF("d"), "shop", 101), 0); /* the others have expired */
	bed_close(&bed);
	(void)state;
}

static void names_and_identities_are_checked(void **state)
{
	static const struct {
		const char *why, *leaf, *name_space;
		int want;
	} rows[] = {
		{ "first", LEAF("a"), "shop", 0 },
		{ "again", LEAF("a"), "shop", 0 },
		{ "again, less known", LEAF("a"), "", 0 },
		{ "another namespace", LEAF("a"), "bank", -EPERM },
		{ "no container's name", "app", "shop", -ENOENT },
		{ "a monitor's", "crio-conmon-" ID("a") ".scope", "shop", -ENOENT },
		{ "climbs", "../" LEAF("a"), "shop", -EINVAL },
	};
	struct bed bed;

	bed_open(&bed);
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		int r = add(&bed, rows[i].leaf, rows[i].name_space, 1);

		if (r != rows[i].want)
			fail_msg("%s: %d, %s", rows[i].why, r, bed.err.text);
	}
	assert_int_equal(armed(&bed), 1);
	bed_close(&bed);
	(void)state;
}

static void one_that_is_there_already_waits_for_nothing(void **state)
{
	struct bed bed;

	bed_open(&bed);
	made_at(&bed, "/pods/" LEAF("a"), 7);
	assert_int_equal(add(&bed, LEAF("a"), "shop", 1), 0);
	assert_int_equal(bed.answer.cgroup_id, 7);
	assert_int_equal(armed(&bed), 0);
	assert_int_equal(bed.announced.waiting, 0);
	bed_close(&bed);
	(void)state;
}

static void a_confirmation_ends_the_wait(void **state)
{
	struct bed bed;

	bed_open(&bed);
	assert_int_equal(add(&bed, LEAF("a"), "shop", 1), 0);
	announced_confirm(&bed.announced, "/pods/" LEAF("b"));
	assert_int_equal(armed(&bed), 1);
	announced_confirm(&bed.announced, "/pods/" LEAF("a"));
	assert_int_equal(armed(&bed), 0);
	assert_int_equal(bed.announced.waiting, 0);
	bed_close(&bed);
	(void)state;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_is_announced_is_known_when_it_is_made),
		cmocka_unit_test(one_made_elsewhere_is_registered_where_it_is),
		cmocka_unit_test(a_change_of_policies_reaches_one_made_meanwhile),
		cmocka_unit_test(it_expires_in_order),
		cmocka_unit_test(a_full_kernel_is_said),
		cmocka_unit_test(names_and_identities_are_checked),
		cmocka_unit_test(one_that_is_there_already_waits_for_nothing),
		cmocka_unit_test(a_confirmation_ends_the_wait),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
