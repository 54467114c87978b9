/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <errno.h>

#include "hook/hook_check.h"
#include "hook/hook_identity.h"
#include "oci/state.h"

static char option_memory[1 << 16], spec_memory[1 << 16], check_memory[4 << 20];

/* A container of containerd's in tenant-a; "team" is an annotation of the tenant's. */
#define SPEC(namespace)                                                                                              \
	"{\"annotations\":{\"io.kubernetes.cri.sandbox-namespace\":\"" namespace "\",\"team\":\"ops\",\"empty\":"    \
										 "\"\",\"io.kubernetes.cri.sandbox-" \
										 "name\":\"web-0\",\"io.kubernetes." \
										 "cri.image-name\":\"reg.io/a:1\"}," \
										 "\"linux\":{\"cgroupsPath\":\"/"    \
										 "kubepods/pod1/c1\"}}"

enum { STARTS = 1, FAILS = 0, BROKEN = -1 };

struct row {
	const char *why;
	const char *flags[6];
	const char *spec; /* NULL: it could not be read */
	int want;
	const char *error;
};

static const struct row rows[] = {
	{ "default: kube-system starts", { 0 }, SPEC("kube-system"), STARTS, "" },
	{ "default: others do not", { 0 }, SPEC("tenant-a"), FAILS, "" },
	{ "default: not a part of a name", { 0 }, SPEC("kube-systems"), FAILS, "" },
	{ "nothing known", { 0 }, "{}", FAILS, "" },
	{ "no spec", { 0 }, NULL, FAILS, "" },
	{ "no spec, but the plugin knows", { "--pod-namespace=kube-system" }, NULL, STARTS, "" },
	{ "the plugin's word beats the annotation", { "--pod-namespace=tenant-a" }, SPEC("kube-system"), FAILS, "" },
	{ "an empty list", { "--fail-allow-namespaces=" }, SPEC("kube-system"), FAILS, "" },
	{ "an empty namespace is in no list", { "--fail-allow-namespaces-regex=.*" }, SPEC(""), FAILS, "" },

	{ "pattern", { "--fail-allow-namespaces-regex=^tenant-[ab]$" }, SPEC("tenant-a"), STARTS, "" },
	{ "pattern, anchored", { "--fail-allow-namespaces-regex=^tenant$" }, SPEC("tenant-a"), FAILS, "" },
	{ "pattern, anywhere", { "--fail-allow-namespaces-regex=nant" }, SPEC("tenant-a"), STARTS, "" },
	{ "second pattern", { "--fail-allow-namespaces-regex=x,y,-a$" }, SPEC("tenant-a"), STARTS, "" },
	{ "a comma in a pattern", { "--fail-allow-namespaces-regex=n{1\\,2}" }, SPEC("tenant-a"), STARTS, "" },
	{ "a list beside patterns", { "--fail-allow-namespaces-regex=x" }, SPEC("kube-system"), STARTS, "" },
	{ "a wrong pattern", { "--fail-allow-namespaces-regex=a(" }, SPEC("tenant-a"), BROKEN, "regular expression" },
	{ "a wrong pattern beside a listed name",
	  { "--fail-allow-namespaces-regex=a(" },
	  SPEC("kube-system"),
	  STARTS,
	  "" },
	{ "a wrong pattern before a right one",
	  { "--fail-allow-namespaces-regex=a(,ten" },
	  SPEC("tenant-a"),
	  STARTS,
	  "" },
	{ "a wrong pattern behind a right one",
	  { "--fail-allow-namespaces-regex=ten,a(" },
	  SPEC("tenant-a"),
	  STARTS,
	  "" },
	{ "a wrong pattern and no namespace", { "--fail-allow-namespaces-regex=a(" }, "{}", FAILS, "" },
	{ "no pattern stalls",
	  { "--fail-allow-namespaces-regex=(a*)*(a*)*b$" },
	  SPEC("aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"),
	  FAILS,
	  "" },

	{ "keys: one is enough",
	  { "--annotations-namespace-key=other,team", "--fail-allow-namespaces=ops" },
	  SPEC("x"),
	  STARTS,
	  "" },
	{ "keys: second of two",
	  { "--annotations-namespace-key=io.kubernetes.cri.sandbox-namespace,team", "--fail-allow-namespaces=ops" },
	  SPEC("x"),
	  STARTS,
	  "" },
	{ "keys: none there",
	  { "--annotations-namespace-key=other", "--fail-allow-namespaces=ops" },
	  SPEC("ops"),
	  FAILS,
	  "" },
	{ "keys: an empty value",
	  { "--annotations-namespace-key=empty", "--fail-allow-namespaces-regex=.*" },
	  SPEC("x"),
	  FAILS,
	  "" },
	{ "keys: pattern",
	  { "--annotations-namespace-key=team", "--fail-allow-namespaces-regex=^o" },
	  SPEC("x"),
	  STARTS,
	  "" },
	{ "keys: the plugin's word beats them",
	  { "--annotations-namespace-key=team", "--fail-allow-namespaces=ops", "--pod-namespace=x" },
	  SPEC("x"),
	  FAILS,
	  "" },
	{ "another runtime's key", { "--runtime=cri-o" }, SPEC("kube-system"), FAILS, "" },

	{ "CEL: false starts", { "--fail-cel-expr=false" }, SPEC("tenant-a"), STARTS, "" },
	{ "CEL: true fails", { "--fail-cel-expr=true" }, SPEC("kube-system"), FAILS, "" },
	{ "CEL: the lists are not asked",
	  { "--fail-cel-expr=true", "--fail-allow-namespaces=tenant-a" },
	  SPEC("tenant-a"),
	  FAILS,
	  "" },
	{ "CEL: annotations", { "--fail-cel-expr=annotations['team'] != 'ops'" }, SPEC("x"), STARTS, "" },
	{ "CEL: a key that is not there", { "--fail-cel-expr=annotations['nix'] != 'ops'" }, SPEC("x"), BROKEN, "nix" },
	{ "CEL: in", { "--fail-cel-expr='nix' in annotations" }, SPEC("x"), STARTS, "" },
	{ "CEL: keys, plural",
	  { "--fail-cel-expr=!annotations_namespace_keys.exists(k, k in annotations && annotations[k] == 'x')" },
	  SPEC("x"),
	  STARTS,
	  "" },
	{ "CEL: keys, singular",
	  { "--fail-cel-expr=annotations_namespace_key != ['team']", "--annotations-namespace-key=team" },
	  SPEC("x"),
	  STARTS,
	  "" },
	{ "CEL: namespace, pod, image, runtime",
	  { "--fail-cel-expr=!(namespace == 'x' && pod == 'web-0' && image.startsWith('reg.io/') && runtime == "
	    "'containerd' && container == '')" },
	  SPEC("x"),
	  STARTS,
	  "" },
	{ "CEL: namespace of the plugin",
	  { "--fail-cel-expr=namespace != 'y'", "--pod-namespace=y" },
	  SPEC("x"),
	  STARTS,
	  "" },
	{ "CEL: matches", { "--fail-cel-expr=!namespace.matches('^x$')" }, SPEC("x"), STARTS, "" },
	{ "CEL: a type error", { "--fail-cel-expr=1 + 'a' == 2" }, SPEC("kube-system"), BROKEN, "no overload" },
	{ "CEL: not a bool", { "--fail-cel-expr=1" }, SPEC("kube-system"), BROKEN, "bool" },
	{ "CEL: not a bool, found late", { "--fail-cel-expr=dyn(1)" }, SPEC("kube-system"), BROKEN, "bool" },
	{ "CEL: division by zero", { "--fail-cel-expr=1 / 0 == 1" }, SPEC("x"), BROKEN, "zero" },
	{ "CEL: no spec, nothing used", { "--fail-cel-expr=false" }, NULL, STARTS, "" },
	{ "CEL: no spec, namespace used", { "--fail-cel-expr=namespace == 'tenant-a'" }, NULL, BROKEN, "namespace" },
	{ "CEL: no spec, annotations used", { "--fail-cel-expr=size(annotations) > 5" }, NULL, BROKEN, "annotations" },
	{ "CEL: no spec, keys used",
	  { "--fail-cel-expr=size(annotations_namespace_keys) > 5" },
	  NULL,
	  BROKEN,
	  "annotations_namespace_keys" },
	{ "CEL: no spec, runtime given",
	  { "--fail-cel-expr=runtime != 'cri-o'", "--runtime=cri-o" },
	  NULL,
	  STARTS,
	  "" },
	{ "CEL: no spec, namespace of the plugin",
	  { "--fail-cel-expr=namespace == 'tenant-a'", "--pod-namespace=x" },
	  NULL,
	  STARTS,
	  "" },
	{ "CEL: no stall",
	  { "--fail-cel-expr=[0,1,2,3,4,5,6,7,8,9].all(a,[0,1,2,3,4,5,6,7,8,9].all(b,[0,1,2,3,4,5,6,7,8,9].all(c,[0,1,"
	    "2,3,4,5,6,7,8,9].all(d,[0,1,2,3,4,5,6,7,8,9].all(e,[0,1,2,3,4,5,6,7,8,9].all(f,[0,1,2,3,4,5,6,7,8,9].all("
	    "g,true)))))))" },
	  SPEC("x"),
	  BROKEN,
	  "" },
};

static void conf_make(struct hook_conf *conf, const char *const *flags)
{
	struct arena arena = arena_over(option_memory, sizeof option_memory);
	struct flag_parse parse = { 0 };
	char text[6][512], *argv[8] = { text[0] };
	int argc = 1;

	for (; flags[argc - 1]; argc++) {
		assert_true(strlen(flags[argc - 1]) < sizeof text[0]);
		argv[argc] = strcpy(text[argc - 1], flags[argc - 1]); /* NOLINT: its length was looked at */
	}
	assert_int_equal(flags_init(&parse, &hook_options, conf, &arena, NULL), 0);
	assert_int_equal(flags_parse_argv(&parse, argc, argv, NULL), 0);
}

static int row_run(const struct row *row, struct error *err)
{
	struct arena spec_arena = arena_over(spec_memory, sizeof spec_memory);
	struct arena check_arena = arena_over(check_memory, sizeof check_memory);
	const struct oci_state state = { 0 };
	struct ask_container container = { 0 };
	struct hook_conf conf;
	struct hook_check check = { &conf, &container, row->spec != NULL, &check_arena };
	enum runtime runtime;
	int r;

	conf_make(&conf, row->flags);
	assert_int_equal(runtime_parse(str_of(conf.runtime), &runtime, NULL), 0);
	container.identity.runtime = runtime;
	if (row->spec) {
		assert_int_equal(spec_parse(str_of(row->spec), &spec_arena, &container.spec, NULL), 0);
		identity_tell(runtime, &container.spec, &state, container.spec.cgroups_path, &container.identity);
	}
	hook_identity_told(&conf, &container.identity);
	r = hook_check_run(&check, err);
	assert_int_equal(check_arena.used, 0);
	return r < 0 ? BROKEN : r;
}

static void the_fail_check_follows_the_table(void **state)
{
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		struct error err = { 0 };
		int got = row_run(&rows[i], &err);

		if (got != rows[i].want || !strstr(err.text, rows[i].error))
			fail_msg("%s: %d, '%s'", rows[i].why, got, err.text);
	}
	(void)state;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_fail_check_follows_the_table),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
