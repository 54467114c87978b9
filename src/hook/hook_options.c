/* SPDX-License-Identifier: Apache-2.0 */
#include "hook/hook_options.h"

#include <errno.h>
#include <stddef.h>

#include "base/error.h"

#define DEFAULT_AGENT "unix:///var/run/tetragon/tetragon.sock"
#define FIELD(member) offsetof(struct hook_conf, member)

static const struct flag rows[] = {
	{ "log-fname", FLAG_STRING, FIELD(log_fname), "", "FILE",
	  "log file; without it tetragon-oci-hook.log in the program's own folder" },
	{ "log-level", FLAG_STRING, FIELD(log_level), "info", "LEVEL", "debug, info, warn or error" },
	{ "grpc-address", FLAG_STRING, FIELD(agent), DEFAULT_AGENT, "TARGET",
	  "agent to ask: unix:///path, unix-abstract:name, host:port with a numeric host" },
	{ "grpc-timeout", FLAG_DURATION, FIELD(timeout_ns), "10s", "DURATION",
	  "limit of the whole call, retries and the reading of standard input included" },
	{ "disable-grpc", FLAG_BOOL, FIELD(disable_grpc), "false", NULL, "never ask the agent: log and succeed" },
	{ "annotations-namespace-key", FLAG_LIST, FIELD(namespace_keys), "", "KEY,...",
	  "annotations that carry the pod's namespace for the fail check; without it the one that the runtime writes "
	  "itself" },
	{ "fail-allow-namespaces", FLAG_LIST, FIELD(allow_namespaces), "kube-system", "NAME,...",
	  "start containers of these namespaces even if the agent cannot be asked; repeatable" },
	{ "fail-allow-namespaces-regex", FLAG_LIST, FIELD(allow_namespaces_regex), "", "PATTERN,...",
	  "the same for namespaces that a pattern (RE2 syntax) matches anywhere, unless anchored with ^ and $; a comma "
	  "in "
	  "a pattern is written \\,; repeatable" },
	{ "fail-cel-expr", FLAG_STRING, FIELD(fail_cel_expr), "", "EXPR",
	  "CEL expression that decides instead of the two flags above when the agent cannot be asked: true fails the "
	  "container" },
	{ "runtime", FLAG_STRING, FIELD(runtime), "auto", "NAME",
	  "whose annotations say who the container is: containerd, cri-o, podman, docker, or auto (by the cgroup "
	  "path)" },
	{ "unseen-dir", FLAG_STRING, FIELD(unseen_dir), "/run/tetragon/unseen", "DIR",
	  "where a container that started without the agent is written down for the next one" },
	{ "pod-namespace", FLAG_STRING, FIELD(pod_namespace), "", "NAME",
	  "this and the next four: who the container is, told by the NRI plugin; they beat every annotation" },
	{ "pod-name", FLAG_STRING, FIELD(pod_name), "", "NAME", "name of the pod" },
	{ "pod-uid", FLAG_STRING, FIELD(pod_uid), "", "UID", "UID of the pod, checked against the cgroup path" },
	{ "container-name", FLAG_STRING, FIELD(container_name), "", "NAME", "name of the container in its pod" },
	{ "container-id", FLAG_STRING, FIELD(container_id), "", "ID", "the runtime's id of the container" },
	{ "just-print-config", FLAG_BOOL, FIELD(just_print_config), "false", NULL,
	  "print the settings in force as JSON, which is a configuration file, and end" },
	{ "check-config", FLAG_BOOL, FIELD(check_config), "false", NULL,
	  "look for whatever could go wrong at a container's start, print it, and end with status 0 (good) or 1" },
	{ "eval-cel", FLAG_STRING, FIELD(eval_cel), "", "EXPR",
	  "try a CEL expression as --fail-cel-expr would: print its value, or what is wrong with it, and end with "
	  "status "
	  "0 or 1" },
	{ "annotations", FLAG_STRING, FIELD(annotations), "{}", "JSON", "annotations of the container for --eval-cel" },
	{ 0 },
};

const struct flag_set hook_options = {
	.usage = "tetragon-oci-hook [flags] HOOK",
	.about = "OCI hook: asks the Tetragon agent before a container runs its first instruction. HOOK is\n"
		 "createRuntime (asks the agent), createContainer or poststop (do nothing), or server-version\n"
		 "(prints the agent's version). The OCI state is read from standard input. Flags may also stand in\n"
		 "tetragon-oci-hook.json beside the program, with underscores for dashes; the command line counts\n"
		 "more. Exit status: 0 the container may start, 1 it must not, 80 wrong usage.",
	.flags = rows,
};

const char *const hook_questions[] = { "just-print-config", "check-config", "eval-cel", "annotations", NULL };

bool hook_option_is_from(const struct flag_parse *parse, const char *name, enum flag_source source)
{
	const struct flag *flag = flags_find(parse->set, str_of(name));

	return flag && parse->source[flag - parse->set->flags] == (unsigned char)source;
}

/* As rows, because what was probably meant is told in the same way. */
static const struct flag names[] = {
	[HOOK_CREATE_RUNTIME] = { .name = "createRuntime" },
	[HOOK_CREATE_CONTAINER] = { .name = "createContainer" },
	[HOOK_POSTSTOP] = { .name = "poststop" },
	[HOOK_SERVER_VERSION] = { .name = "server-version" },
	{ 0 },
};

int hook_name_parse(struct str name, enum hook_name *ret_name, struct error *err)
{
	static const struct flag_set all = { .flags = names };
	const struct flag *nearest = flags_find(&all, name);

	if (nearest) {
		*ret_name = (enum hook_name)(nearest - names);
		return 0;
	}
	nearest = flags_nearest(&all, name);
	return error_set(err, EINVAL,
			 "unknown hook '%.*s'; want createRuntime, createContainer, poststop or server-version%s%s%s",
			 (int)(name.len < 80 ? name.len : 80), name.p, nearest ? "; did you mean '" : "",
			 nearest ? nearest->name : "", nearest ? "'?" : "");
}
