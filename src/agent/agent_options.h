/* SPDX-License-Identifier: Apache-2.0 */
/*
 * src/agent/agent_options.h: what the agent can be told, and from where. Sources in falling rank:
 *   command line
 *   environment TETRAGON_<NAME>       unknown names are reported, not refused: not all of them are meant for us
 *   --config-dir                      one file for each option; it must exist
 *   /etc/tetragon/tetragon.conf.d     the same form; may be missing, as those below
 *   /etc/tetragon/tetragon.yaml       a map from names to values
 *   /usr/local/lib/tetragon/tetragon.conf.d, /usr/lib/tetragon/tetragon.conf.d
 *   defaults
 * Names as in the original agent (agent-options reference, sections 1 and 2). A file in the current directory is never
 * read: the agent is root. Unknown options and bad values are errors.
 */
#ifndef AGENT_AGENT_OPTIONS_H
#define AGENT_AGENT_OPTIONS_H

#include "base/flags.h"
#include "base/log.h"
#include "nri/options.h"

struct error;

struct agent_options {
	struct flag_list server_address;
	const char *bpf_dir;
	const char *procfs;
	struct flag_list tracing_policy;
	const char *tracing_policy_dir;
	const char *export_filename;
	const char *log_level_text, *log_format_text;
	const char *config_dir;
	const char *cgroup_hierarchy;
	const char *unseen_dir;
	const char *debug_skip_program;
	int64_t announce_timeout_ns;
	bool release_pinned_bpf;
	bool keep_sensors_on_exit;
	bool dump;                /* be a client of the agent that runs */
	const char *nri;          /* "" or "false": no; "true": at the default socket; or the socket */
	struct nri_conf nri_conf; /* --nri-…; what the plugin has and the agent has not is filled in by check() */

	/* told from the above */
	enum log_level log_level;
	enum log_format log_format;
	bool is_default_policy_dir; /* it may be missing */
	bool has_nri;
};

extern const struct flag_set agent_flags;

/*
 * Reads all sources. `root` goes in front of the fixed paths above ("" in the agent, a folder in tests); texts live in
 * the arena. `unknown` is told of environment variables that begin with TETRAGON_ and name no option (NULL: errors).
 * Returns 0; 1: --help or --version was given, parse->help or parse->version tells which; -EINVAL, -ENOKEY, -ENOENT,
 * -EFBIG, -ENOMEM or -errno with a text that names the source.
 */
int agent_options_read(struct agent_options *options, struct flag_parse *parse, struct arena *arena, const char *root,
		       int argc, char *const argv[], char *const environment[], const struct flags_unknown *unknown,
		       struct error *err);

#endif
