/* SPDX-License-Identifier: Apache-2.0 */
/* src/nri/options.h: options of tetragon-nri-hook, a row each. */
#ifndef NRI_OPTIONS_H
#define NRI_OPTIONS_H

#include "base/flags.h"

struct nri_conf {
	const char *oci_hook_path, *mode, *socket, *name, *index;
	struct flag_list hook_args;
	bool hook_identity;
	const char *log_fname, *log_level;
	const char *agent;
	int64_t timeout_ns;
	struct flag_list allow_namespaces;
	const char *unseen_dir, *status_file;
};

extern const struct flag_set nri_options;

enum nri_mode { NRI_MODE_AUTO, NRI_MODE_INJECT, NRI_MODE_DIRECT };

/* 0; -EINVAL with the names that there are. */
int nri_mode_parse(struct str name, enum nri_mode *ret_mode, struct error *err);
const char *nri_mode_name(enum nri_mode mode);

/* What a plugin may be called: 0; -EINVAL. The name leaves room for the second look's "-look". */
int nri_name_check(const char *name, const char *index, struct error *err);
/* The program's other flags, which the agent does not have: 0; -EINVAL with what is wrong with which. */
int nri_conf_check(const struct nri_conf *conf, struct error *err);

#endif
