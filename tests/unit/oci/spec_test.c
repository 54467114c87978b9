/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <errno.h>
#include <glob.h>
#include <stdlib.h>

#include "base/buf.h"
#include "base/cleanup.h"
#include "base/error.h"
#include "base/file.h"
#include "oci/cgroup_path.h"
#include "oci/identity.h"
#include "oci/spec.h"
#include "oci/state.h"

static char memory[4 * 1024 * 1024];

static int parse(struct str text, struct spec *spec, struct error *err)
{
	struct arena arena = arena_over(memory, sizeof memory);

	return spec_parse(text, &arena, spec, err);
}

static void every_member_arrives(void **state)
{
	static const char text[] = "{\"ociVersion\":\"1.1.0\",\"process\":{\"args\":[\"annotations\",{\"linux\":1}]},"
				   "\"root\":{\"readonly\":true,\"path\":\"rootfs\"},"
				   "\"mounts\":[{\"destination\":\"/d\",\"type\":\"bind\",\"source\":\"/"
				   "s\",\"options\":[\"ro\",\"a\\tb\"]},{}],"
				   "\"annotations\":{\"k\":\"v\",\"e\":\"\",\"\\u006e\":\"\\u00e9\"},"
				   "\"linux\":{\"cgroupsPath\":\"/"
				   "c\",\"namespaces\":[{\"type\":\"pid\"},{\"type\":\"network\",\"path\":\"/n\"}],"
				   "\"seccomp\":{\"cgroupsPath\":\"/wrong\"}}}";
	struct spec spec;

	assert_int_equal(parse(str_of(text), &spec, NULL), 0);
	assert_true(str_is(spec.root_path, "rootfs"));
	assert_true(str_is(spec.cgroups_path, "/c"));
	assert_true(spec.has_linux);
	assert_int_equal(spec.annotations, 3);
	assert_true(str_is(spec_annotation(&spec, STR("k")), "v"));
	assert_true(str_is(spec_annotation(&spec, STR("n")), "\xc3\xa9"));
	assert_non_null(spec_annotation(&spec, STR("e")).p);
	assert_null(spec_annotation(&spec, STR("none")).p);
	assert_int_equal(spec.mounts, 2);
	assert_true(str_is(spec.mount[0].source, "/s"));
	assert_int_equal(spec.mount[0].options, 2);
	assert_true(str_is(spec.mount[0].option[1], "a\tb"));
	assert_int_equal(spec.mount[1].options, 0);
	assert_int_equal(spec.namespaces, 2);
	assert_true(str_is(spec.name_space[1].path, "/n"));
	(void)state;
}

static const struct {
	const char *why, *text;
	int want;
	const char *error;
} specs[] = {
	{ "nothing in it", "{}", 0, "" },
	{ "null everywhere", "{\"annotations\":null,\"linux\":null,\"mounts\":null,\"root\":null}", 0, "" },
	{ "null inside",
	  "{\"annotations\":{\"a\":null},\"linux\":{\"cgroupsPath\":null,\"namespaces\":null},\"root\":{\"path\":null}"
	  "}",
	  0, "" },
	{ "a member that is skipped may be twice", "{\"hostname\":1,\"hostname\":2}", 0, "" },
	{ "other letter case", "{\"Linux\":{}}", -EINVAL, "linux is written 'Linux'" },
	{ "other letter case beside it", "{\"linux\":{\"cgroupsPath\":\"/a\",\"CgroupsPath\":\"/b\"}}", -EINVAL,
	  "linux.cgroupsPath is written" },
	{ "other letter case by an escape", "{\"\\u0041nnotations\":{}}", -EINVAL, "annotations is written" },
	{ "a long s", "{\"annotation\xc5\xbf\":{}}", -EINVAL, "annotations is written" },
	{ "other names are other members", "{\"linux2\":1,\"inux\":2,\"LIN\":3,\"\":4}", 0, "" },

	{ "empty", "", -EINVAL, "byte 0" },
	{ "array", "[]", -EINVAL, "not a JSON object" },
	{ "null", "null", -EINVAL, "not a JSON object" },
	{ "cut", "{\"linux\":{\"cgroupsPath\":\"/a", -EINVAL, "byte" },
	{ "garbage behind", "{}{}", -EINVAL, "byte 2" },
	{ "annotations twice", "{\"annotations\":{},\"annotations\":{}}", -EINVAL, "annotations is there twice" },
	{ "linux twice", "{\"linux\":{},\"linux\":{}}", -EINVAL, "linux is there twice" },
	{ "linux twice, once escaped", "{\"linux\":{},\"\\u006cinux\":{}}", -EINVAL, "linux is there twice" },
	{ "cgroupsPath twice", "{\"linux\":{\"cgroupsPath\":\"/a\",\"cgroupsPath\":\"/b\"}}", -EINVAL,
	  "linux.cgroupsPath is there twice" },
	{ "root.path twice", "{\"root\":{\"path\":\"/a\",\"path\":\"/b\"}}", -EINVAL, "root.path is there twice" },
	{ "an annotation twice", "{\"annotations\":{\"a\":\"1\",\"\\u0061\":\"2\"}}", -EINVAL,
	  "annotations: 'a' is there twice" },
	{ "annotations are a list", "{\"annotations\":[]}", -EINVAL, "annotations: want an object" },
	{ "an annotation is a number", "{\"annotations\":{\"a\":1}}", -EINVAL, "annotations: want a string" },
	{ "an annotation with a NUL", "{\"annotations\":{\"a\":\"x\\u0000\"}}", -EINVAL, "holds a NUL" },
	{ "a key with a NUL", "{\"annotations\":{\"a\\u0000\":\"x\"}}", -EINVAL, "holds a NUL" },
	{ "linux is a text", "{\"linux\":\"x\"}", -EINVAL, "linux: want an object" },
	{ "cgroupsPath is a number", "{\"linux\":{\"cgroupsPath\":1}}", -EINVAL, "linux.cgroupsPath: want a string" },
	{ "root is a text", "{\"root\":\"x\"}", -EINVAL, "root: want an object" },
	{ "mounts is an object", "{\"mounts\":{}}", -EINVAL, "mounts: want an array" },
	{ "a mount is a text", "{\"mounts\":[\"x\"]}", -EINVAL, "mounts: want objects" },
	{ "options is a text", "{\"mounts\":[{\"options\":\"ro\"}]}", -EINVAL, "mounts: options: want an array" },
	{ "an option is a number", "{\"mounts\":[{\"options\":[1]}]}", -EINVAL, "mounts: options: want a string" },
	{ "a namespace is a text", "{\"linux\":{\"namespaces\":[\"pid\"]}}", -EINVAL,
	  "linux.namespaces: want objects" },
};

static void parse_follows_the_table(void **state)
{
	for (size_t i = 0; i < sizeof specs / sizeof *specs; i++) {
		struct error err = { 0 };
		struct spec spec;
		int r = parse(str_of(specs[i].text), &spec, &err);

		if (r != specs[i].want || !strstr(err.text, specs[i].error))
			fail_msg("%s: %d, %s", specs[i].why, r, err.text);
	}
	(void)state;
}

/* `head`, then n times `item` (with the number in place of '#'), commas between, then `tail`. */
static struct str many(const char *head, const char *item, int n, const char *tail)
{
	static char text[1024 * 1024];
	struct buf out = buf_over(text, sizeof text);

	buf_text(&out, head);
	for (int i = 0; i < n; i++) {
		const char *number = strchr(item, '#');

		buf_text(&out, i ? "," : "");
		if (number)
			buf_printf(&out, "%.*s%d%s", (int)(number - item), item, i, number + 1);
		else
			buf_text(&out, item);
	}
	buf_text(&out, tail);
	assert_false(out.overflow);
	return (struct str){ text, out.len };
}

static void limits_hold(void **state)
{
	static const struct {
		const char *why, *head, *item;
		int limit;
		const char *tail;
	} limits[] = {
		{ "annotations", "{\"annotations\":{", "\"k#\":\"v\"", SPEC_ANNOTATIONS_MAX, "}}" },
		{ "mounts", "{\"mounts\":[", "{\"source\":\"#\"}", SPEC_MOUNTS_MAX, "]}" },
		{ "options", "{\"mounts\":[{\"options\":[", "\"o\"", SPEC_MOUNT_OPTIONS_MAX, "]}]}" },
		{ "namespaces", "{\"linux\":{\"namespaces\":[", "{}", SPEC_NAMESPACES_MAX, "]}}" },
	};

	for (size_t i = 0; i < sizeof limits / sizeof *limits; i++) {
		struct error err = { 0 };
		struct spec spec;

		if (parse(many(limits[i].head, limits[i].item, limits[i].limit, limits[i].tail), &spec, &err) < 0)
			fail_msg("%s: %s", limits[i].why, err.text);
		if (parse(many(limits[i].head, limits[i].item, limits[i].limit + 1, limits[i].tail), &spec, &err) !=
		    -E2BIG)
			fail_msg("%s: one more than the limit: %s", limits[i].why, err.text);
	}
	assert_int_equal(parse(many("{\"x\":", "[[[[[[[[[[", 10, ""), &(struct spec){ 0 }, NULL), -EINVAL);
	assert_int_equal(parse(STR("{\"x\":"
				   "[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[["),
			       &(struct spec){ 0 }, NULL),
			 -E2BIG);
	(void)state;
}

static void every_memory_limit_is_an_error(void **state)
{
	struct str text = many("{\"mounts\":[{\"source\":\"a\\tb\",\"options\":[\"x\"]}],\"annotations\":{",
			       "\"\\u006b#\":\"v\\n\"", 40, "}}");
	size_t size = 0;
	int r;

	do {
		struct arena arena = arena_over(memory, size++);
		struct spec spec;

		r = spec_parse(text, &arena, &spec, NULL);
		if (r < 0 && r != -ENOMEM)
			fail_msg("%zu bytes: %d", size - 1, r);
	} while (r < 0 && size < 65536);
	assert_int_equal(r, 0);
	(void)state;
}

/* What real runtimes wrote: parsed, and nothing in it contradicts itself. */
static void fixtures_are_understood(void **state)
{
	glob_t found;

	assert_int_equal(glob(FIXTURES "/oci/*/config.json", 0, NULL, &found), 0);
	assert_true(found.gl_pathc >= 15);
	for (size_t i = 0; i < found.gl_pathc; i++) {
		const char *name = found.gl_pathv[i];
		bool is_podman = strstr(name, "/podman-"), is_crio = strstr(name, "/cri-o-");
		struct arena arena = arena_over(memory, sizeof memory);
		char path[CGROUP_PATH_MAX];
		auto_free char *text = NULL;
		struct oci_state none = { 0 };
		struct identity identity = { 0 };
		struct error err = { 0 };
		struct spec spec;
		size_t len;
		int r = file_read_at(-1, name, SPEC_MAX_BYTES, &text, &len, &err);

		if (r >= 0)
			r = spec_parse((struct str){ text, len }, &arena, &spec, &err);
		if (r >= 0)
			r = cgroup_path_expand(spec.cgroups_path, path, sizeof path, &err);
		if (r >= 0) {
			identity_tell(RUNTIME_AUTO, &spec, &none, str_of(path), &identity);
			r = identity_check(&identity, str_of(path), &err);
		}
		if (r < 0)
			fail_msg("%s: %s", name, err.text);
		if (identity.runtime != (is_podman ? RUNTIME_PODMAN
					 : is_crio ? RUNTIME_CRIO
						   : RUNTIME_CONTAINERD) ||
		    !str_is(identity.pod_namespace, "tenant-a") || !str_is(identity.pod_name, "web-0") ||
		    identity.container_id.len != 64 ||
		    !str_is(identity.pod_uid, is_podman ? "" : "11111111-2222-3333-4444-555555555555") || !spec.mounts)
			fail_msg("%s: %s '%.*s' '%.*s'", name, runtime_name(identity.runtime),
				 (int)identity.pod_uid.len, identity.pod_uid.p, (int)identity.container_id.len,
				 identity.container_id.p);
	}
	globfree(&found);
	(void)state;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_member_arrives),
		cmocka_unit_test(parse_follows_the_table),
		cmocka_unit_test(limits_hold),
		cmocka_unit_test(every_memory_limit_is_an_error),
		cmocka_unit_test(fixtures_are_understood),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
