/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <errno.h>

#include "base/error.h"
#include "oci/cgroup_path.h"
#include "oci/runtime.h"

#define C64 "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"
#define UID_DASH "11111111-2222-3333-4444-555555555555"
#define UID_LOW "11111111_2222_3333_4444_555555555555"
#define UID_STATIC "0123456789abcdef0123456789abcdef"

static const struct {
	const char *why, *spec;
	int want;
	const char *text;
} expansions[] = {
	{ "containerd systemd, besteffort", "kubepods-besteffort-pod" UID_LOW ".slice:cri-containerd:" C64, 0,
	  "/kubepods.slice/kubepods-besteffort.slice/kubepods-besteffort-pod" UID_LOW ".slice/cri-containerd-" C64
	  ".scope" },
	{ "containerd systemd, guaranteed", "kubepods-pod" UID_LOW ".slice:cri-containerd:" C64, 0,
	  "/kubepods.slice/kubepods-pod" UID_LOW ".slice/cri-containerd-" C64 ".scope" },
	{ "CRI-O systemd, burstable", "kubepods-burstable-pod" UID_LOW ".slice:crio:" C64, 0,
	  "/kubepods.slice/kubepods-burstable.slice/kubepods-burstable-pod" UID_LOW ".slice/crio-" C64 ".scope" },
	{ "containerd cgroupfs", "/kubepods/besteffort/pod" UID_DASH "/" C64, 0,
	  "/kubepods/besteffort/pod" UID_DASH "/" C64 },
	{ "CRI-O cgroupfs", "/kubepods/besteffort/pod" UID_DASH "/crio-" C64, 0,
	  "/kubepods/besteffort/pod" UID_DASH "/crio-" C64 },
	{ "kind", "kubelet-kubepods-burstable-pod" UID_LOW ".slice:cri-containerd:" C64, 0,
	  "/kubelet.slice/kubelet-kubepods.slice/kubelet-kubepods-burstable.slice/"
	  "kubelet-kubepods-burstable-pod" UID_LOW ".slice/cri-containerd-" C64 ".scope" },
	{ "each dash a level", "a-b-c.slice:p:n", 0, "/a.slice/a-b.slice/a-b-c.slice/p-n.scope" },
	{ "the root slice", "-.slice:p:n", 0, "/p-n.scope" },
	{ "a leaf that is a slice", "a.slice:p:n.slice", 0, "/a.slice/n.slice" },
	{ "an empty slice is system.slice", ":runc:x", 0, "/system.slice/runc-x.scope" },
	{ "an empty prefix", "a.slice::n", 0, "/a.slice/-n.scope" },
	{ "relative path", "a/b", 0, "a/b" },
	{ "a slash wins over colons", "a/b.slice:x:y", 0, "a/b.slice:x:y" },
	{ "the root", "/", 0, "/" },

	{ "absent", NULL, -ENODATA, "is empty" },
	{ "empty", "", -ENODATA, "is empty" },
	{ "a word", "abc", -EINVAL, "Unknown cgroup path: abc" },
	{ "two parts", "a.slice:x", -EINVAL, "Unknown cgroup path" },
	{ "four parts", "a.slice:x:y:z", -EINVAL, "Unknown cgroup path" },
	{ "no .slice", "a:x:y", -EINVAL, "does not end in .slice" },
	{ "only .slice", ".slice:x:y", -EINVAL, "empty level at byte 0" },
	{ "empty level inside", "a--b.slice:x:y", -EINVAL, "empty level at byte 2" },
	{ "empty level first", "-a.slice:x:y", -EINVAL, "empty level at byte 0" },
	{ "empty level last", "a-.slice:x:y", -EINVAL, "empty level at byte 2" },
};

static void expand_follows_the_table(void **state)
{
	for (size_t i = 0; i < sizeof expansions / sizeof *expansions; i++) {
		struct error err = { 0 };
		char path[CGROUP_PATH_MAX];
		int r = cgroup_path_expand(str_of(expansions[i].spec), path, sizeof path, &err);
		const char *got = r < 0 ? err.text : path;

		if ((r < 0 ? r : 0) != expansions[i].want ||
		    (r < 0 ? !strstr(got, expansions[i].text) : strcmp(got, expansions[i].text)))
			fail_msg("%s: %d, '%s'", expansions[i].why, r, got);
	}
	(void)state;
}

static void expand_knows_its_room(void **state)
{
	static const char want[] = "/a.slice/a-b.slice/p-n.scope";
	struct str spec = STR("a-b.slice:p:n");
	char path[sizeof want];

	for (size_t size = 0; size < sizeof want; size++)
		assert_int_equal(cgroup_path_expand(spec, path, size, NULL), -ENAMETOOLONG);
	assert_int_equal(cgroup_path_expand(spec, path, sizeof want, NULL), (int)sizeof want - 1);
	assert_string_equal(path, want);
	assert_int_equal(cgroup_path_expand((struct str){ "/a\0b", 4 }, path, sizeof path, NULL), -EINVAL);
	(void)state;
}

static const struct {
	const char *why, *path, *leaf, *parent, *id, *uid;
	bool climbs;
} parts[] = {
	{ "containerd cgroupfs", "/kubepods/besteffort/pod" UID_DASH "/" C64, C64, "pod" UID_DASH, C64, UID_DASH,
	  false },
	{ "guaranteed, cgroupfs", "/kubepods/pod" UID_DASH "/" C64, C64, "pod" UID_DASH, C64, UID_DASH, false },
	{ "burstable, cgroupfs, CRI-O", "/kubepods/burstable/pod" UID_DASH "/crio-" C64, "crio-" C64, "pod" UID_DASH,
	  C64, UID_DASH, false },
	{ "static pod, cgroupfs", "/kubepods/burstable/pod" UID_STATIC "/" C64, C64, "pod" UID_STATIC, C64, UID_STATIC,
	  false },
	{ "static pod, systemd",
	  "/kubepods.slice/kubepods-burstable.slice/kubepods-burstable-pod" UID_STATIC ".slice/cri-containerd-" C64
	  ".scope",
	  "cri-containerd-" C64, "kubepods-burstable-pod" UID_STATIC ".slice", C64, UID_STATIC, false },
	{ "systemd, besteffort",
	  "/kubepods.slice/kubepods-besteffort.slice/kubepods-besteffort-pod" UID_LOW ".slice/cri-containerd-" C64
	  ".scope",
	  "cri-containerd-" C64, "kubepods-besteffort-pod" UID_LOW ".slice", C64, UID_LOW, false },
	{ "systemd, guaranteed", "/kubepods.slice/kubepods-pod" UID_LOW ".slice/crio-" C64 ".scope", "crio-" C64,
	  "kubepods-pod" UID_LOW ".slice", C64, UID_LOW, false },
	{ "kind, systemd",
	  "/kubelet.slice/kubelet-kubepods.slice/kubelet-kubepods-pod" UID_LOW ".slice/cri-containerd-" C64 ".scope",
	  "cri-containerd-" C64, "kubelet-kubepods-pod" UID_LOW ".slice", C64, UID_LOW, false },
	{ "kind, cgroupfs", "/kubelet/kubepods/besteffort/pod" UID_DASH "/" C64, C64, "pod" UID_DASH, C64, UID_DASH,
	  false },
	{ "kubernetes in a pod: the inner one", "/kubepods/podouter/" C64 "/kubepods/pod" UID_DASH "/" C64, C64,
	  "pod" UID_DASH, C64, UID_DASH, false },
	{ "a sub-cgroup", "/kubepods/pod" UID_DASH "/" C64 "/container", "container", C64, "container", UID_DASH,
	  false },
	{ "static pod with a UID of its manifest's", "/kubepods/burstable/podetcd-1/" C64, C64, "podetcd-1", C64,
	  "etcd-1", false },
	{ "the same, systemd", "/kubepods.slice/kubepods-podetcd_1.slice/crio-" C64 ".scope", "crio-" C64,
	  "kubepods-podetcd_1.slice", C64, "etcd_1", false },
	{ "a UID under another parent", "/custom/pod" UID_DASH "/x", "x", "pod" UID_DASH, "x", UID_DASH, false },
	{ "podman", "/libpod_parent/libpod-" C64, "libpod-" C64, "libpod_parent", C64, "", false },
	{ "podman's own pod", "/machine.slice/machine-libpod_pod_" C64 ".slice/libpod-" C64 ".scope", "libpod-" C64,
	  "machine-libpod_pod_" C64 ".slice", C64, "", false },
	{ "docker", "/docker/" C64, C64, "docker", C64, "", false },
	{ "a folder that only begins with pod", "/x/podium/" C64, C64, "podium", C64, "", false },
	{ "the leaf is no pod", "/kubepods/pod" UID_DASH, "pod" UID_DASH, "kubepods", "pod" UID_DASH, "", false },
	{ "climbs", "/a/../b", "b", "..", "b", "", true },
	{ "climbs at the end", "/a/..", "..", "a", "..", "", true },
	{ "climbs at the start", "../a", "a", "..", "a", "", true },
	{ "dots that do not climb", "/a..b/.../..c", "..c", "...", "..c", "", false },
	{ "double slashes", "//a//b//", "b", "a", "b", "", false },
	{ "the root", "/", "", "", "", "", false },
	{ "nothing", "", "", "", "", "", false },
};

static void parts_follow_the_table(void **state)
{
	for (size_t i = 0; i < sizeof parts / sizeof *parts; i++) {
		struct str path = str_of(parts[i].path);
		const struct {
			const char *what, *want;
			struct str got;
		} checks[] = {
			{ "leaf", parts[i].leaf, cgroup_path_leaf(path) },
			{ "parent", parts[i].parent, cgroup_path_parent(path) },
			{ "id", parts[i].id, cgroup_path_container_id(path) },
			{ "uid", parts[i].uid, cgroup_path_pod_uid(path) },
		};

		for (size_t n = 0; n < sizeof checks / sizeof *checks; n++)
			if (!str_is(checks[n].got, checks[n].want))
				fail_msg("%s: %s '%.*s'", parts[i].why, checks[n].what, (int)checks[n].got.len,
					 checks[n].got.p);
		if (cgroup_path_climbs(path) != parts[i].climbs)
			fail_msg("%s: climbs", parts[i].why);
	}
	(void)state;
}

static void uids_are_compared_as_text(void **state)
{
	assert_true(cgroup_path_uid_equal(STR(UID_DASH), STR(UID_LOW)));
	assert_true(cgroup_path_uid_equal(STR(UID_STATIC), STR(UID_STATIC)));
	assert_true(cgroup_path_uid_equal(STR(""), STR("")));
	assert_false(cgroup_path_uid_equal(STR(UID_DASH), STR(UID_STATIC)));
	assert_false(cgroup_path_uid_equal(STR("a-b"), STR("a-b-")));
	assert_false(cgroup_path_uid_equal(STR("ab"), STR("aB")));
	(void)state;
}

static const struct {
	const char *path;
	enum runtime want;
} runtimes[] = {
	{ "/kubepods/besteffort/pod" UID_DASH "/" C64, RUNTIME_CONTAINERD },
	{ "/kubepods.slice/kubepods-pod" UID_LOW ".slice/cri-containerd-" C64 ".scope", RUNTIME_CONTAINERD },
	{ "/kubepods/besteffort/pod" UID_DASH "/crio-" C64, RUNTIME_CRIO },
	{ "/kubepods.slice/kubepods-pod" UID_LOW ".slice/crio-" C64 ".scope", RUNTIME_CRIO },
	{ "/libpod_parent/libpod-" C64, RUNTIME_PODMAN },
	{ "/machine.slice/libpod-" C64 ".scope", RUNTIME_PODMAN },
	{ "/docker/" C64, RUNTIME_DOCKER },
	{ "/system.slice/docker-" C64 ".scope", RUNTIME_DOCKER },
	{ "/crio-x/" C64, RUNTIME_CONTAINERD },
	{ "/docker/x/" C64, RUNTIME_CONTAINERD },
	{ "", RUNTIME_CONTAINERD },
};

static void the_runtime_is_told_by_the_last_element(void **state)
{
	for (size_t i = 0; i < sizeof runtimes / sizeof *runtimes; i++) {
		enum runtime got = runtime_detect(str_of(runtimes[i].path));

		if (got != runtimes[i].want)
			fail_msg("%s: %s", runtimes[i].path, runtime_name(got));
	}
	(void)state;
}

static void runtime_names_are_read_back(void **state)
{
	struct error err = { 0 };
	enum runtime runtime;

	for (int i = 0; i < RUNTIMES; i++) {
		assert_int_equal(runtime_parse(str_of(runtime_name((enum runtime)i)), &runtime, NULL), 0);
		assert_int_equal(runtime, i);
	}
	assert_int_equal(runtime_parse(STR("crio"), &runtime, &err), -EINVAL);
	assert_non_null(strstr(err.text, "'crio'"));
	(void)state;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(expand_follows_the_table),
		cmocka_unit_test(expand_knows_its_room),
		cmocka_unit_test(parts_follow_the_table),
		cmocka_unit_test(uids_are_compared_as_text),
		cmocka_unit_test(the_runtime_is_told_by_the_last_element),
		cmocka_unit_test(runtime_names_are_read_back),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
