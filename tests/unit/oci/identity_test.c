/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <errno.h>

#include "base/error.h"
#include "oci/identity.h"
#include "oci/spec.h"
#include "oci/state.h"

#define C64 "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"
#define UID_DASH "11111111-2222-3333-4444-555555555555"
#define UID_LOW "11111111_2222_3333_4444_555555555555"
#define UID_STATIC "0123456789abcdef0123456789abcdef"

/* All key sets at once, as a tenant on CRI-O can have it. */
static struct spec_annotation mixed[] = {
	{ STR("io.kubernetes.cri.container-name"), STR("cri-name") },
	{ STR("io.kubernetes.cri.image-name"), STR("cri-image") },
	{ STR("io.kubernetes.cri.sandbox-name"), STR("cri-pod") },
	{ STR("io.kubernetes.cri.sandbox-uid"), STR("cri-uid") },
	{ STR("io.kubernetes.cri.sandbox-namespace"), STR("cri-ns") },
	{ STR("io.kubernetes.container.name"), STR("crio-name") },
	{ STR("io.kubernetes.cri-o.ImageName"), STR("crio-image") },
	{ STR("io.kubernetes.cri-o.ContainerID"), STR("crio-id") },
	{ STR("io.kubernetes.pod.name"), STR("crio-pod") },
	{ STR("io.kubernetes.pod.uid"), STR("crio-uid") },
	{ STR("io.kubernetes.pod.namespace"), STR("crio-ns") },
};

static const struct {
	const char *why;
	enum runtime runtime;
	const char *path, *state_id;
	enum runtime want;
	const char *name, *id, *image, *pod, *uid, *ns;
} tellings[] = {
	{ "containerd", RUNTIME_AUTO, "/kubepods/podx/" C64, "", RUNTIME_CONTAINERD, "cri-name", C64, "cri-image",
	  "cri-pod", "cri-uid", "cri-ns" },
	{ "CRI-O", RUNTIME_AUTO, "/kubepods/podx/crio-" C64, "", RUNTIME_CRIO, "crio-name", "crio-id", "crio-image",
	  "crio-pod", "crio-uid", "crio-ns" },
	{ "podman", RUNTIME_AUTO, "/libpod_parent/libpod-" C64, "", RUNTIME_PODMAN, "crio-name", "crio-id",
	  "crio-image", "crio-pod", "crio-uid", "crio-ns" },
	{ "docker has none", RUNTIME_AUTO, "/docker/" C64, "", RUNTIME_DOCKER, "", C64, "", "", "", "" },
	{ "fixed at install: containerd's on podman", RUNTIME_CONTAINERD, "/libpod_parent/libpod-" C64, "",
	  RUNTIME_CONTAINERD, "cri-name", C64, "cri-image", "cri-pod", "cri-uid", "cri-ns" },
	{ "the state's id is the runtime's word", RUNTIME_CRIO, "/a/crio-" C64, "state-id", RUNTIME_CRIO, "crio-name",
	  "state-id", "crio-image", "crio-pod", "crio-uid", "crio-ns" },
	{ "no path", RUNTIME_AUTO, "", "", RUNTIME_CONTAINERD, "cri-name", "", "cri-image", "cri-pod", "cri-uid",
	  "cri-ns" },
};

static void one_key_set_for_each_runtime(void **unused)
{
	const struct spec spec = { .annotation = mixed, .annotations = sizeof mixed / sizeof *mixed };

	for (size_t i = 0; i < sizeof tellings / sizeof *tellings; i++) {
		struct oci_state state = { .id = str_of(tellings[i].state_id) };
		struct identity got;

		identity_tell(tellings[i].runtime, &spec, &state, str_of(tellings[i].path), &got);
		if (got.runtime != tellings[i].want || !str_is(got.container_name, tellings[i].name) ||
		    !str_is(got.container_id, tellings[i].id) || !str_is(got.image, tellings[i].image) ||
		    !str_is(got.pod_name, tellings[i].pod) || !str_is(got.pod_uid, tellings[i].uid) ||
		    !str_is(got.pod_namespace, tellings[i].ns))
			fail_msg("%s: %s, id '%.*s', namespace '%.*s'", tellings[i].why, runtime_name(got.runtime),
				 (int)got.container_id.len, got.container_id.p, (int)got.pod_namespace.len,
				 got.pod_namespace.p);
	}
	(void)unused;
}

static const struct {
	const char *why, *uid, *path;
	int want;
} checks[] = {
	{ "cgroupfs", UID_DASH, "/kubepods/besteffort/pod" UID_DASH "/" C64, 0 },
	{ "systemd", UID_DASH, "/kubepods.slice/kubepods-pod" UID_LOW ".slice/cri-containerd-" C64 ".scope", 0 },
	{ "kind", UID_DASH,
	  "/kubelet.slice/kubelet-kubepods.slice/kubelet-kubepods-pod" UID_LOW ".slice/crio-" C64 ".scope", 0 },
	{ "static pod", UID_STATIC, "/kubepods/burstable/pod" UID_STATIC "/" C64, 0 },
	{ "static pod, systemd", UID_STATIC, "/kubepods.slice/kubepods-pod" UID_STATIC ".slice/crio-" C64 ".scope", 0 },
	{ "static pod, UID of its manifest's", "etcd-1", "/kubepods.slice/kubepods-podetcd_1.slice/crio-" C64 ".scope",
	  0 },
	{ "no UID in the path", UID_DASH, "/libpod_parent/libpod-" C64, 0 },
	{ "no annotation", "", "/kubepods/pod" UID_DASH "/" C64, 0 },
	{ "no path", UID_DASH, "", 0 },
	{ "another pod's", "99999999-2222-3333-4444-555555555555", "/kubepods/pod" UID_DASH "/" C64, -EPERM },
	{ "another pod's, systemd", "99999999-2222-3333-4444-555555555555",
	  "/kubepods.slice/kubepods-pod" UID_LOW ".slice/crio-" C64 ".scope", -EPERM },
	{ "a beginning only", "11111111-2222", "/kubepods/pod" UID_DASH "/" C64, -EPERM },
	{ "climbing path", "", "/kubepods/../system.slice/x", -EPERM },
};

static void the_uid_must_be_the_kubelets(void **unused)
{
	for (size_t i = 0; i < sizeof checks / sizeof *checks; i++) {
		struct identity identity = { .runtime = RUNTIME_CRIO, .pod_uid = str_of(checks[i].uid) };
		struct error err = { 0 };
		int r = identity_check(&identity, str_of(checks[i].path), &err);

		if (r != checks[i].want || (r < 0 && !strstr(err.text, "forged")))
			fail_msg("%s: %d, %s", checks[i].why, r, err.text);
	}
	(void)unused;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(one_key_set_for_each_runtime),
		cmocka_unit_test(the_uid_must_be_the_kubelets),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
