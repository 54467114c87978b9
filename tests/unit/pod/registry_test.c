/* SPDX-License-Identifier: Apache-2.0 */
#include "pod/registry.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <cmocka.h>

#include "base/error.h"

static struct pod_container container(uint64_t cgroup_id, const char *id, const char *path, const char *pod_namespace)
{
	return (struct pod_container){ .cgroup_id = cgroup_id,
				       .container_id = id,
				       .cgroup_path = path,
				       .pod_namespace = pod_namespace,
				       .source = POD_FROM_HOOK };
}

static int add(struct pod_registry *registry, struct pod_container info)
{
	struct error err = { 0 };

	return pod_registry_add(registry, &info, 1000, &err);
}

static void found_by_each_key(void **state)
{
	struct pod_registry *registry = pod_registry_new(NULL);
	const struct pod_container *c;

	assert_int_equal(add(registry, container(7, "c1", "/a/b/", "shop")), 1);
	assert_int_equal(add(registry, container(8, "c2", "/a/c", "tools")), 1);
	c = pod_registry_by_cgroup(registry, 7);
	assert_non_null(c);
	assert_string_equal(c->container_id, "c1");
	assert_string_equal(c->cgroup_path, "/a/b"); /* trailing slash gone */
	assert_string_equal(c->image, "");
	assert_int_equal(c->registered_ns, 1000);
	assert_ptr_equal(pod_registry_by_id(registry, "c1"), c);
	assert_ptr_equal(pod_registry_by_path(registry, "/a/b"), c);
	assert_ptr_equal(pod_registry_above(registry, "/a/b/init/x"), c);
	assert_null(pod_registry_above(registry, "/a"));
	assert_null(pod_registry_above(registry, "/a/bb"));
	assert_null(pod_registry_by_id(registry, ""));
	assert_null(pod_registry_by_path(registry, ""));
	pod_registry_free(registry);
	(void)state;
}

static void later_sources_complete_and_never_change(void **state)
{
	struct pod_registry *registry = pod_registry_new(NULL);
	struct pod_label label[] = { { "tier", "1" }, { "app", "cart" } };
	struct pod_container more = { .cgroup_id = 7,
				      .container_id = "c1",
				      .image = "shop/cart:1",
				      .pod_name = "other",
				      .label = label,
				      .labels = 2,
				      .source = POD_FROM_CRI };
	struct pod_container first = container(7, "c1", "/a/b", "shop");
	const struct pod_container *c;

	first.pod_name = "cart";
	assert_int_equal(add(registry, first), 1);
	assert_int_equal(add(registry, more), 0);
	c = pod_registry_by_id(registry, "c1");
	assert_string_equal(c->pod_name, "cart");
	assert_string_equal(c->image, "shop/cart:1");
	assert_int_equal(c->source, POD_FROM_HOOK);
	assert_int_equal(c->labels, 2);
	assert_string_equal(c->label[0].key, "app"); /* sorted */
	assert_string_equal(c->label[1].value, "1");
	assert_ptr_equal(pod_registry_by_path(registry, "/a/b"), c);
	assert_int_equal(add(registry, more), 0);
	pod_registry_free(registry);
	(void)state;
}

static void conflicts_are_refused(void **state)
{
	struct pod_registry *registry = pod_registry_new(NULL);
	struct pod_container uid = container(7, "c1", "/a/b", "shop");
	struct pod_registry_stats stats;

	uid.pod_uid = "u1";
	assert_int_equal(add(registry, uid), 1);
	assert_int_equal(add(registry, container(7, "c2", "/a/b", "shop")), -EEXIST);
	assert_int_equal(add(registry, container(7, "c1", "/a/b", "kube-system")), -EEXIST);
	uid.pod_uid = "u2";
	assert_int_equal(add(registry, uid), -EEXIST);
	assert_int_equal(add(registry, container(7, NULL, "/a/b", NULL)), 0);
	pod_registry_stats(registry, &stats);
	assert_int_equal(stats.conflicts, 3);
	assert_int_equal(stats.containers, 1);
	pod_registry_free(registry);
	(void)state;
}

static void bad_input_is_refused(void **state)
{
	struct pod_registry *registry = pod_registry_new(NULL);
	static char text[POD_PATH_MAX + 2];

	memset(text, 'x', POD_PATH_MAX + 1);
	text[0] = '/';
	assert_int_equal(add(registry, container(0, "c", "/a", "")), -EINVAL);
	assert_int_equal(add(registry, container(1, "c", "a", "")), -EINVAL);
	assert_int_equal(add(registry, container(1, "c", text, "")), -E2BIG);
	assert_int_equal(add(registry, container(1, text, "/a", "")), -E2BIG);
	assert_int_equal(add(registry, container(1, "c", "/a", text)), -E2BIG);
	pod_registry_free(registry);
	(void)state;
}

static void paths_are_judged(void **state)
{
	static const struct {
		const char *why, *path, *id;
		uint64_t cgroup_id;
		enum pod_path want;
		const char *other; /* container id */
	} cases[] = {
		{ "empty", "", "n", 9, POD_PATH_ROOT, NULL },
		{ "root", "/", "n", 9, POD_PATH_ROOT, NULL },
		{ "root, twice", "//", "n", 9, POD_PATH_ROOT, NULL },
		{ "new", "/kubepods/pod2/c3", "n", 9, POD_PATH_NEW, NULL },
		{ "sibling whose name begins alike", "/kubepods/pod1/c11", "n", 9, POD_PATH_NEW, NULL },
		{ "same again", "/kubepods/pod1/c1", "c1", 1, POD_PATH_SAME, "c1" },
		{ "same, slash at the end", "/kubepods/pod1/c1/", "c1", 1, POD_PATH_SAME, "c1" },
		{ "same, id not known", "/kubepods/pod1/c1", "", 1, POD_PATH_SAME, "c1" },
		{ "another's", "/kubepods/pod1/c1", "n", 1, POD_PATH_TAKEN, "c1" },
		{ "made anew", "/kubepods/pod1/c1", "n", 9, POD_PATH_REMADE, "c1" },
		{ "pod's cgroup", "/kubepods/pod1", "n", 9, POD_PATH_ABOVE, "c2" },
		{ "everything", "/kubepods", "n", 9, POD_PATH_ABOVE, "c2" },
		{ "name that is only a beginning", "/kube", "n", 9, POD_PATH_NEW, NULL },
		{ "nested", "/kubepods/pod1/c2/docker/n", "n", 9, POD_PATH_BELOW, "c2" },
	};
	struct pod_registry *registry = pod_registry_new(NULL);

	assert_int_equal(add(registry, container(1, "c1", "/kubepods/pod1/c1", "a")), 1);
	assert_int_equal(add(registry, container(2, "c2", "/kubepods/pod1/c2", "a")), 1);
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		const struct pod_container *other = NULL;
		enum pod_path got =
			pod_registry_judge_path(registry, cases[i].path, cases[i].cgroup_id, cases[i].id, &other);

		if (got != cases[i].want)
			fail_msg("%s: got %d, want %d", cases[i].why, (int)got, (int)cases[i].want);
		if (!other != !cases[i].other || (other && strcmp(other->container_id, cases[i].other)))
			fail_msg("%s: other is '%s'", cases[i].why, other ? other->container_id : "none");
	}
	pod_registry_free(registry);
	(void)state;
}

/* What pod_registry_judge_path is to find, looked up the slow way. */
struct among {
	const char *path;
	bool is_same, is_above, is_below;
};

static bool is_inside(const char *path, const char *above)
{
	size_t len = strlen(above);

	return len && !strncmp(path, above, len) && path[len] == '/';
}

static int among_look(void *context, const struct pod_container *container)
{
	struct among *among = context;

	among->is_same |= !strcmp(container->cgroup_path, among->path);
	among->is_above |= is_inside(container->cgroup_path, among->path);
	among->is_below |= is_inside(among->path, container->cgroup_path);
	return 0;
}

/* One of 3 + 9 + 27 + 81 paths. */
static void path_pick(char *path, size_t size, unsigned number)
{
	int n = snprintf(path, size, "/%c", 'a' + (char)(number % 3));

	for (unsigned depth = number / 3 % 4; depth; depth--) {
		number = number / 3 + 7;
		n += snprintf(path + n, size - (size_t)n, "/%c", 'a' + (char)(number % 3));
	}
}

static void paths_are_found_as_a_search_of_all_would(void **state)
{
	struct pod_registry *registry = pod_registry_new(NULL);
	struct pod_registry_stats stats;
	unsigned seed = 1;
	char path[32];

	for (unsigned step = 0; step < 20000; step++) {
		const struct pod_container *other = NULL;
		struct among among = { .path = path };
		enum pod_path want, got;
		uint64_t id;

		seed = seed * 1103515245 + 12345;
		id = 1 + (seed >> 8) % 30;
		path_pick(path, sizeof path, seed >> 16);
		if (step % 2)
			(void)pod_registry_remove(registry, id, step); /* may not be there */
		else
			(void)add(registry, container(id, "", step % 3 ? path : "", "n"));
		path_pick(path, sizeof path, seed >> 12);
		(void)pod_registry_each(registry, NULL, among_look, &among);
		want = among.is_same    ? POD_PATH_REMADE
		       : among.is_above ? POD_PATH_ABOVE
		       : among.is_below ? POD_PATH_BELOW
					: POD_PATH_NEW;
		got = pod_registry_judge_path(registry, path, 1000, "n", &other);
		if (got != want || !other != (want == POD_PATH_NEW))
			fail_msg("step %u, %s: got %d, want %d", step, path, (int)got, (int)want);
		if (other && pod_registry_by_cgroup(registry, other->cgroup_id) != other)
			fail_msg("step %u, %s: the container that is told does not live", step, path);
		if ((want == POD_PATH_ABOVE && !is_inside(other->cgroup_path, path)) ||
		    (want == POD_PATH_BELOW && pod_registry_above(registry, path) != other))
			fail_msg("step %u, %s: other is at %s", step, path, other->cgroup_path);
	}
	for (uint64_t id = 1; id <= 30; id++)
		(void)pod_registry_remove(registry, id, 20000);
	assert_int_equal(pod_registry_expire(registry, INT64_MAX), 16); /* as many as one call asks for */
	(void)pod_registry_expire(registry, INT64_MAX);
	pod_registry_stats(registry, &stats);
	assert_int_equal(stats.containers, 0);
	assert_int_equal(pod_registry_judge_path(registry, "/a", 1, "", NULL), POD_PATH_NEW);
	pod_registry_free(registry);
	(void)state;
}

static void removed_ones_are_recalled_for_a_while(void **state)
{
	struct pod_registry_options options = { .limit = 4, .recent_limit = 2, .recent_ns = 100 };
	struct pod_registry *registry = pod_registry_new(&options);
	char id[8];

	for (unsigned i = 1; i <= 3; i++) {
		(void)snprintf(id, sizeof id, "c%u", i);
		assert_int_equal(add(registry, container(i, id, "/a", "n")), 1);
		assert_int_equal(pod_registry_remove(registry, i, 1000 + i), 0);
	}
	assert_int_equal(pod_registry_remove(registry, 3, 0), -ENOENT);
	assert_null(pod_registry_by_cgroup(registry, 3));
	assert_null(pod_registry_by_path(registry, "/a"));
	assert_null(pod_registry_recall(registry, 1)); /* pushed out */
	assert_string_equal(pod_registry_recall(registry, 2)->container_id, "c2");
	assert_int_equal(pod_registry_expire(registry, 1102), 0);
	assert_int_equal(pod_registry_expire(registry, 1103), 1);
	assert_null(pod_registry_recall(registry, 2));
	assert_non_null(pod_registry_recall(registry, 3));
	assert_int_equal(add(registry, container(3, "again", "/a", "n")), 1);
	assert_string_equal(pod_registry_recall(registry, 3)->container_id, "again");
	pod_registry_free(registry);
	(void)state;
}

static bool is_odd(const void *context, uint64_t cgroup_id)
{
	(void)context;
	return cgroup_id % 2;
}

static bool always(const void *context, uint64_t cgroup_id)
{
	(void)context;
	(void)cgroup_id;
	return true;
}

static void what_is_needed_is_kept_within_the_limit(void **state)
{
	struct pod_registry_options options = { .limit = 100, .recent_limit = 3, .recent_ns = 100 };
	struct pod_registry *registry = pod_registry_new(&options);
	struct pod_registry_stats stats;

	pod_registry_keep(registry, is_odd, NULL);
	for (uint64_t i = 1; i <= 4; i++) {
		(void)add(registry, container(i, "c", "/a", "n"));
		(void)pod_registry_remove(registry, i, 1000);
	}
	assert_non_null(pod_registry_recall(registry, 1)); /* 2 went in its place */
	assert_null(pod_registry_recall(registry, 2));
	assert_int_equal(pod_registry_expire(registry, 2000), 1);
	assert_non_null(pod_registry_recall(registry, 1));
	assert_non_null(pod_registry_recall(registry, 3));
	assert_null(pod_registry_recall(registry, 4));
	pod_registry_keep(registry, always, NULL);
	for (uint64_t i = 5; i <= 30; i++) {
		(void)add(registry, container(i, "c", "/a", "n"));
		(void)pod_registry_remove(registry, i, 2000);
	}
	pod_registry_stats(registry, &stats);
	assert_int_equal(stats.recent, 3);
	pod_registry_free(registry);
	(void)state;
}

static void it_is_bounded_and_counts(void **state)
{
	struct pod_registry_options options = { .limit = 100, .recent_limit = 10 };
	struct pod_registry *registry = pod_registry_new(&options);
	struct pod_registry_stats stats;
	size_t bytes = 0;
	char text[64];

	for (uint64_t i = 1; i <= 50000; i++) {
		(void)snprintf(text, sizeof text, "/pod/c%08llu", (unsigned long long)i);
		assert_int_equal(add(registry, container(i, text + 5, text, "n")), 1);
		if (i == 100) {
			assert_int_equal(add(registry, container(i + 1, "x", "/x", "n")), -ENOSPC);
			pod_registry_stats(registry, &stats);
			bytes = stats.bytes;
		}
		if (i >= 100)
			assert_int_equal(pod_registry_remove(registry, i - 99, (int64_t)i), 0);
	}
	pod_registry_stats(registry, &stats);
	assert_int_equal(stats.refused, 1);
	assert_int_equal(stats.containers, 99);
	assert_int_equal(stats.recent, 10);
	assert_true(stats.bytes < bytes + bytes / 5);
	pod_registry_free(registry);
	(void)state;
}

struct seen {
	struct pod_registry *registry;
	char text[64];
};

static int remember_and_remove(void *context, const struct pod_container *c)
{
	struct seen *seen = context;

	(void)strncat(seen->text, c->container_id, sizeof seen->text - strlen(seen->text) - 1);
	if (!strcmp(c->container_id, "d"))
		return 42;
	return pod_registry_remove(seen->registry, c->cgroup_id, 0);
}

static void iteration_is_by_namespace_and_in_order(void **state)
{
	struct pod_registry *registry = pod_registry_new(NULL);
	struct seen seen = { .registry = registry };

	(void)add(registry, container(1, "a", "/a", "n"));
	(void)add(registry, container(2, "b", "/b", "m"));
	(void)add(registry, container(3, "c", "/c", "n"));
	(void)add(registry, container(4, "d", "/d", "n"));
	(void)add(registry, container(5, "e", "/e", "n"));
	assert_int_equal(pod_registry_each(registry, "n", remember_and_remove, &seen), 42);
	assert_string_equal(seen.text, "acd");
	assert_null(pod_registry_by_cgroup(registry, 1));
	assert_non_null(pod_registry_by_cgroup(registry, 2));
	pod_registry_free(registry);
	(void)state;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(found_by_each_key),
		cmocka_unit_test(later_sources_complete_and_never_change),
		cmocka_unit_test(conflicts_are_refused),
		cmocka_unit_test(bad_input_is_refused),
		cmocka_unit_test(paths_are_judged),
		cmocka_unit_test(paths_are_found_as_a_search_of_all_would),
		cmocka_unit_test(removed_ones_are_recalled_for_a_while),
		cmocka_unit_test(what_is_needed_is_kept_within_the_limit),
		cmocka_unit_test(it_is_bounded_and_counts),
		cmocka_unit_test(iteration_is_by_namespace_and_in_order),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
