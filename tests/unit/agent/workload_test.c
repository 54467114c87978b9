/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <string.h>

#include "agent/workload.h"
#include "base/error.h"
#include "pod/registry.h"
#include "policy/policy.h"

#define HEAD "apiVersion: cilium.io/v1alpha1\nkind: "
#define HOOK "kprobes: [{call: sys_lseek}]"
#define CLUSTER(text) HEAD "TracingPolicy\nmetadata: {name: p}\nspec: {" HOOK text "}\n"
#define IN_A(text) HEAD "TracingPolicyNamespaced\nmetadata: {name: p, namespace: a}\nspec: {" HOOK text "}\n"
#define WEB ", podSelector: {matchLabels: {app: web}}"
#define REPO(name) ", containerSelector: {matchLabels: {repo: '" name "'}}"

static const struct pod_label web[] = { { "app", "web" } }, db[] = { { "app", "db" } },
			      forged[] = { { WORKLOAD_NAMESPACE_LABEL, "a" } };

static void policies_choose(void **state)
{
	static const struct {
		const char *why, *yaml;
		struct workload workload;
		enum label_verdict want;
	} rows[] = {
		{ "everything", CLUSTER(""), { 0 }, LABELS_MATCH },
		{ "a namespace", IN_A(""), { .pod_namespace = "a" }, LABELS_MATCH },
		{ "another namespace", IN_A(""), { .pod_namespace = "b" }, LABELS_DIFFER },
		{ "no namespace", IN_A(""), { .pod_name = "x" }, LABELS_DIFFER },
		{ "no pod", CLUSTER(", podSelector: {}"), { .container_name = "x" }, LABELS_DIFFER },
		{ "any pod", CLUSTER(", podSelector: {}"), { .pod_uid = "x" }, LABELS_MATCH },
		{ "labels",
		  CLUSTER(WEB),
		  { .pod_name = "x", .label = web, .labels = 1, .labels_known = true },
		  LABELS_MATCH },
		{ "a label that passes for the namespace",
		  CLUSTER(", podSelector: {matchLabels: {'k8s:io.kubernetes.pod.namespace': a}}"),
		  { .pod_namespace = "b", .label = forged, .labels = 1, .labels_known = true },
		  LABELS_DIFFER },
		{ "other labels",
		  CLUSTER(WEB),
		  { .pod_name = "x", .label = db, .labels = 1, .labels_known = true },
		  LABELS_DIFFER },
		{ "no labels", CLUSTER(WEB), { .pod_name = "x", .labels_known = true }, LABELS_DIFFER },
		{ "labels not known", CLUSTER(WEB), { .pod_name = "x" }, LABELS_UNDECIDED },
		{ "labels not known, other namespace", IN_A(WEB), { .pod_namespace = "b" }, LABELS_DIFFER },
		{ "labels not known, container differs",
		  CLUSTER(WEB ", containerSelector: {matchLabels: {name: main}}"),
		  { .pod_name = "x", .container_name = "side" },
		  LABELS_DIFFER },
		{ "name not known",
		  CLUSTER(", containerSelector: {matchLabels: {name: main}}"),
		  { .pod_name = "x" },
		  LABELS_UNDECIDED },
		{ "no such label of a container",
		  CLUSTER(", containerSelector: {matchLabels: {app: main}}"),
		  { .pod_name = "x" },
		  LABELS_DIFFER },
		{ "tag", CLUSTER(REPO("r/a")), { .pod_name = "x", .image = "r/a:1" }, LABELS_MATCH },
		{ "digest", CLUSTER(REPO("r/a")), { .pod_name = "x", .image = "r/a@sha256:0" }, LABELS_MATCH },
		{ "port", CLUSTER(REPO("r:5/a")), { .pod_name = "x", .image = "r:5/a" }, LABELS_MATCH },
		{ "port and tag",
		  CLUSTER(REPO("r:5/a")),
		  { .pod_name = "x", .image = "r:5/a:1@sha256:0" },
		  LABELS_MATCH },
		{ "plain", CLUSTER(REPO("a")), { .pod_name = "x", .image = "a" }, LABELS_MATCH },
		{ "another", CLUSTER(REPO("a")), { .pod_name = "x", .image = "ab" }, LABELS_DIFFER },
		{ "an id", CLUSTER(REPO("sha256")), { .pod_name = "x", .image = "sha256:00" }, LABELS_UNDECIDED },
		{ "image not known", CLUSTER(REPO("a")), { .pod_name = "x" }, LABELS_UNDECIDED },
	};

	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		struct policy *policy = NULL;
		struct error err = { 0 };
		enum label_verdict got;

		if (policy_parse(rows[i].yaml, strlen(rows[i].yaml), &policy, &err) < 0)
			fail_msg("%s: %s", rows[i].why, err.text);
		got = workload_match(&rows[i].workload, policy);
		if (got != rows[i].want)
			fail_msg("%s: %d, want %d", rows[i].why, (int)got, (int)rows[i].want);
		policy_free(policy);
	}
	(void)state;
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(policies_choose) };

	return cmocka_run_group_tests(tests, NULL, NULL);
}
