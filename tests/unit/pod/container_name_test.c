/* SPDX-License-Identifier: Apache-2.0 */
#include "pod/container_name.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#define ID "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"

static const struct {
	const char *why, *leaf, *id, *runtime;
} cases[] = {
	{ "containerd, systemd driver", "cri-containerd-" ID ".scope", ID, "containerd" },
	{ "containerd, cgroupfs driver", ID, ID, "" },
	{ "CRI-O, systemd driver", "crio-" ID ".scope", ID, "cri-o" },
	{ "CRI-O, cgroupfs driver", "crio-" ID, ID, "cri-o" },
	{ "CRI-O's monitor is no container", "crio-conmon-" ID ".scope", "", NULL },
	{ "podman, systemd driver", "libpod-" ID ".scope", ID, "podman" },
	{ "podman, cgroupfs driver", "libpod-" ID, ID, "podman" },
	{ "podman's monitor is no container", "libpod-conmon-" ID ".scope", "", NULL },
	{ "docker", "docker-" ID ".scope", ID, "docker" },
	{ "systemd style path by the cgroupfs driver", "kubepods-podx.slice:cri-containerd:" ID, ID, "containerd" },
	{ "the same of docker", "system.slice:docker:" ID, ID, "docker" },
	{ "one colon", "docker:" ID, ID, "docker" },
	{ "sub-cgroup of crun", "container", "", NULL },
	{ "slice of a pod", "kubepods-pod4c9f1974_5c46_44c2_b42f_3bbf0e98eef9.slice", "", NULL },
	{ "a unit", "docker.service", "", NULL },
	{ "unknown prefix", "foo-" ID ".scope", "", NULL },
	{ "one digit short", "crio-123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef", "", NULL },
	{ "one digit long", "0" ID, "", NULL },
	{ "capital digits", "0123456789ABCDEF0123456789abcdef0123456789abcdef0123456789abcdef", "", NULL },
	{ "only the suffix", ".scope", "", NULL },
	{ "empty", "", "", NULL },
	{ "dash at the end", ID "-", "", NULL },
};

static void names_follow_the_table(void **state)
{
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		const char *runtime = NULL;
		struct str id = container_name_id(str_of(cases[i].leaf), &runtime);

		if (!str_is(id, cases[i].id))
			fail_msg("%s: got id '%.*s'", cases[i].why, (int)id.len, id.p);
		if (!str_equal(str_of(runtime), str_of(cases[i].runtime)))
			fail_msg("%s: got runtime '%s'", cases[i].why, runtime);
	}
	(void)state;
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(names_follow_the_table) };

	return cmocka_run_group_tests(tests, NULL, NULL);
}
