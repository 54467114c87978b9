/* SPDX-License-Identifier: Apache-2.0 */
/* src/hook/hook_options.h: the hook's options, a row each, and the names of the hooks that it can be called as. */
#ifndef HOOK_HOOK_OPTIONS_H
#define HOOK_HOOK_OPTIONS_H

#include "base/flags.h"
#include "oci/runtime.h"

struct hook_conf {
	const char *log_fname; /* "" = beside the program */
	const char *log_level;
	const char *agent;
	int64_t timeout_ns;
	bool disable_grpc;
	struct flag_list namespace_keys; /* empty: the runtime's own key */
	struct flag_list allow_namespaces, allow_namespaces_regex;
	const char *fail_cel_expr; /* "" = none: the two lists above decide */
	const char *runtime;
	const char *unseen_dir;
	/* Who the container is, as the runtime itself told the NRI plugin; "" = not told. They beat every annotation.
	 */
	const char *pod_namespace, *pod_name, *pod_uid;
	const char *container_name, *container_id;
	/* Questions about the program, not settings (hook_questions). */
	bool just_print_config, check_config;
	const char *eval_cel, *annotations;
};

extern const struct flag_set hook_options;

/* Names of the flags that ask something, NULL-terminated: on the command line only. */
extern const char *const hook_questions[];

/* Whether the value in force came from `source`. */
bool hook_option_is_from(const struct flag_parse *parse, const char *name, enum flag_source source);

enum hook_name { HOOK_CREATE_RUNTIME, HOOK_CREATE_CONTAINER, HOOK_POSTSTOP, HOOK_SERVER_VERSION };

/* Returns 0; -EINVAL with the names there are and the one that was probably meant. */
int hook_name_parse(struct str name, enum hook_name *ret_name, struct error *err);

#endif
