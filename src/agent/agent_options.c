/* SPDX-License-Identifier: Apache-2.0 */
#include "agent/agent_options.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stddef.h>
#include <string.h>
#include <sys/un.h>

#include "base/cleanup.h"
#include "base/error.h"
#include "base/file.h"
#include "base/flags_dir.h"
#include "nri/nri_link.h"
#include "policy/yaml_tree.h"

#define ENVIRONMENT_PREFIX "TETRAGON_"
#define YAML_BYTES_MAX (1024 * 1024)
#define POLICY_DIR "/etc/tetragon/tetragon.tp.d"

#define NRI_STATUS "/var/run/tetragon/nri-hook.json" /* where the set-up tool's `verify` looks */

#define FIELD(member) offsetof(struct agent_options, member)
static const struct flag flags[] = {
	{ "server-address", FLAG_LIST, FIELD(server_address), "unix:///var/run/tetragon/tetragon.sock", "ADDRESS,...",
	  "gRPC: unix:///path, or IP:PORT for what only reads; empty = none" },
	{ "bpf-dir", FLAG_STRING, FIELD(bpf_dir), "tetragon", "NAME",
	  "folder below /sys/fs/bpf for pinned programs and maps" },
	{ "procfs", FLAG_STRING, FIELD(procfs), "/proc", "DIR", "the host's procfs" },
	{ "tracing-policy", FLAG_LIST, FIELD(tracing_policy), "", "FILE,...", "policies to load at start" },
	{ "tracing-policy-dir", FLAG_STRING, FIELD(tracing_policy_dir), POLICY_DIR, "DIR",
	  "load all policies in DIR and its folders" },
	{ "export-filename", FLAG_STRING, FIELD(export_filename), "", "FILE",
	  "append events as JSON lines; - = standard output" },
	{ "log-level", FLAG_STRING, FIELD(log_level_text), "info", "LEVEL", "trace, debug, info, warn or error" },
	{ "log-format", FLAG_STRING, FIELD(log_format_text), "text", "FORMAT", "text, json, text-ts or json-ts" },
	{ "config-dir", FLAG_STRING, FIELD(config_dir), "", "DIR", "read options from DIR, one file each" },
	{ "release-pinned-bpf", FLAG_BOOL, FIELD(release_pinned_bpf), "false", NULL,
	  "start anew instead of taking over what an earlier agent left: opens a gap" },
	{ "keep-sensors-on-exit", FLAG_BOOL, FIELD(keep_sensors_on_exit), "true", NULL,
	  "containers stay under policy while no agent runs" },
	{ "cgroup-hierarchy", FLAG_STRING, FIELD(cgroup_hierarchy), "", "NAME",
	  "whose cgroups count: v2, or a v1 controller; empty = found out" },
	{ "unseen-dir", FLAG_STRING, FIELD(unseen_dir), "/run/tetragon/unseen", "DIR",
	  "records of containers that the hook let start without an agent" },
	{ "announce-timeout", FLAG_DURATION, FIELD(announce_timeout_ns), "5m", "DURATION",
	  "how long the cgroup of an announced container is waited for" },
	{ "nri", FLAG_STRING, FIELD(nri), "", "[=SOCKET]",
	  "be the container runtime's NRI plugin too, at " NRI_SOCKET " or SOCKET: each container is put under policy "
	  "at its creation, without a hook and without tetragon-nri-hook. While this agent is away the runtime starts "
	  "containers without asking, unless it requires the plugin (containerd: default_validator, "
	  "required_plugins)" },
	{ "nri-mode", FLAG_STRING, FIELD(nri_conf.mode), "direct", "MODE",
	  "direct: decide here; inject: add the OCI hook to each container; auto: direct where an answer that comes "
	  "too "
	  "late fails the container, else inject" },
	{ "nri-name", FLAG_STRING, FIELD(nri_conf.name), "tetragon", "NAME", "name of the plugin" },
	{ "nri-index", FLAG_STRING, FIELD(nri_conf.index), "01", "NN",
	  "two digits: plugins are called in their order" },
	{ "nri-fail-allow-namespaces", FLAG_LIST, FIELD(nri_conf.allow_namespaces), "kube-system", "NAME,...",
	  "start containers of these namespaces even if the decision fails. The agent answers itself, so there is no "
	  "outage to tolerate: what remains is an error of its own (a full map) or a cgroup that it refuses; a forged "
	  "identity is never tolerated (direct)" },
	{ "nri-hook-path", FLAG_STRING, FIELD(nri_conf.oci_hook_path), "/opt/tetragon/tetragon-oci-hook", "FILE",
	  "the hook's program on the host (inject)" },
	{ "nri-hook-args", FLAG_LIST, FIELD(nri_conf.hook_args), "", "ARG,...",
	  "more arguments for the hook; --grpc-address is passed if --server-address is not the default (inject)" },
	{ "nri-hook-timeout", FLAG_DURATION, FIELD(nri_conf.timeout_ns), "10s", "DURATION",
	  "--grpc-timeout of the hook (inject)" },
	{ "nri-log-fname", FLAG_STRING, FIELD(nri_conf.log_fname), "", "FILE",
	  "the plugin's lines about containers go there, as JSON lines with the hook's keys; without it to the agent's "
	  "log" },
	{ "nri-status-file", FLAG_STRING, FIELD(nri_conf.status_file), NRI_STATUS, "FILE",
	  "where the plugin keeps its state for others to read; empty: nowhere" },
	{ "dump", FLAG_BOOL, FIELD(dump), "false", NULL,
	  "print what the agent that runs (at the first of --server-address) knows of each container, as lines of "
	  "JSON: cgroup, policies, who told of it and when, how long the decision took; then end" },
	{ "debug-skip-program", FLAG_STRING, FIELD(debug_skip_program), "", "NAME",
	  "leave one BPF program out, to see what it is for; never in production" },
	{ 0 },
};

const struct flag_set agent_flags = {
	.usage = "tetragon [flags]",
	.about =
		"Agent: puts containers under policy before their first instruction, and reports what happens in them.",
	.flags = flags,
};

static int read_optional_dir(struct flag_parse *parse, const char *root, const char *path, struct error *err)
{
	char full[PATH_MAX];
	struct buf at = buf_over(full, sizeof full);
	int r;

	buf_printf(&at, "%s%s", root, path);
	if (at.overflow)
		return error_set(err, ENAMETOOLONG, "%s%s", root, path);
	r = flags_dir_read(parse, full, NULL, err);
	return r == -ENOENT ? 0 : r;
}

static int set_from_tree(struct flag_parse *parse, const struct yaml_tree *tree, struct error *err)
{
	const struct yaml_node *root = &tree->node[0];

	if (root->type == YAML_SCALAR && root->kind == YAML_NULL)
		return 0;
	if (root->type != YAML_MAP)
		return error_set(err, EINVAL, "line %u: want a map from option names to values", root->line);
	for (uint32_t i = root->first; i; i = tree->node[i].next) {
		const struct yaml_node *node = &tree->node[i];
		int r;

		if (node->type != YAML_SCALAR)
			return error_set(err, EINVAL, "line %u: %.*s: want a text, a number or true or false",
					 node->key_line, (int)node->key.len, node->key.p);
		r = flags_set(parse, FLAG_FROM_CONFIG, node->key, node->kind == YAML_NULL ? STR("") : node->text, err);
		if (r < 0)
			return error_wrap(err, r, "line %u", node->key_line);
	}
	return 0;
}

static int read_optional_yaml(struct flag_parse *parse, const char *root, const char *path, struct error *err)
{
	const struct yaml_limits limits = { .bytes = YAML_BYTES_MAX, .nodes = 1024, .depth = 4 };
	struct yaml_tree tree = { 0 };
	auto_free char *text = NULL;
	char full[PATH_MAX];
	struct buf at = buf_over(full, sizeof full);
	size_t len = 0;
	int r;

	buf_printf(&at, "%s%s", root, path);
	if (at.overflow)
		return error_set(err, ENAMETOOLONG, "%s%s", root, path);
	r = file_read_at(AT_FDCWD, full, YAML_BYTES_MAX, &text, &len, err);
	if (r == -ENOENT)
		return 0;
	if (r >= 0 && len)
		r = yaml_tree_parse(text, len, &limits, &tree, err);
	if (r >= 0 && len)
		r = set_from_tree(parse, &tree, err);
	yaml_tree_done(&tree);
	return r < 0 ? error_wrap(err, r, "%s", full) : 0;
}

static int log_format_parse(const char *text, enum log_format *ret_format, struct error *err)
{
	static const struct {
		const char *name;
		enum log_format format;
	} formats[] = {
		{ "text", LOG_TEXT },
		{ "json", LOG_JSON_LOWER },
		{ "text-ts", LOG_TEXT_TS },
		{ "json-ts", LOG_JSON_TS },
	};

	for (size_t i = 0; i < sizeof formats / sizeof *formats; i++) {
		if (strcmp(formats[i].name, text))
			continue;
		*ret_format = formats[i].format;
		return 0;
	}
	return error_set(err, EINVAL, "--log-format: '%s': want text, json, text-ts or json-ts", text);
}

static int check_nri(struct agent_options *options, struct error *err)
{
	struct nri_conf *conf = &options->nri_conf;
	enum nri_mode mode;
	bool truth = true;

	conf->socket = NRI_SOCKET;
	conf->hook_identity = true;
	conf->log_level = options->log_level_text;
	conf->unseen_dir = options->unseen_dir;
	conf->agent = "";
	for (size_t i = 0; i < options->server_address.n && !*conf->agent; i++)
		if (str_starts(str_of(options->server_address.item[i]), STR("unix:")))
			conf->agent = options->server_address.item[i];
	if (*options->nri == '/')
		conf->socket = options->nri;
	else if (*options->nri && flags_bool(str_of(options->nri), &truth, NULL) < 0)
		return error_set(err, EINVAL,
				 "--nri: '%s': want the absolute path of the runtime's NRI socket, or nothing",
				 options->nri);
	options->has_nri = *options->nri && truth;
	if (!options->has_nri)
		return 0;
	if (strlen(conf->socket) >= sizeof((struct sockaddr_un *)NULL)->sun_path)
		return error_set(err, ENAMETOOLONG, "--nri: '%s': longer than a socket's name can be", conf->socket);
	if (nri_mode_parse(str_of(conf->mode), &mode, NULL) < 0)
		return error_set(err, EINVAL, "--nri-mode: '%s': want direct, inject or auto", conf->mode);
	if (mode != NRI_MODE_DIRECT && !*conf->agent)
		return error_set(err, EINVAL, "--nri-mode=%s: the hook needs a unix socket among --server-address",
				 conf->mode);
	if (*conf->oci_hook_path != '/')
		return error_set(err, EINVAL, "--nri-hook-path: '%s': want an absolute path", conf->oci_hook_path);
	if (*conf->status_file && *conf->status_file != '/')
		return error_set(err, EINVAL, "--nri-status-file: '%s': want an absolute path", conf->status_file);
	return nri_name_check(conf->name, conf->index, err);
}

static int check(struct agent_options *options, struct error *err)
{
	int r;

	if (log_level_parse(str_of(options->log_level_text), &options->log_level) < 0)
		return error_set(err, EINVAL, "--log-level: '%s': want trace, debug, info, warn or error",
				 options->log_level_text);
	r = log_format_parse(options->log_format_text, &options->log_format, err);
	if (r < 0)
		return r;
	if (!*options->bpf_dir || strchr(options->bpf_dir, '/') || *options->bpf_dir == '.' ||
	    strlen(options->bpf_dir) > 128)
		return error_set(err, EINVAL, "--bpf-dir: '%s': want a plain name, at most 128 bytes",
				 options->bpf_dir);
	if (*options->procfs != '/')
		return error_set(err, EINVAL, "--procfs: '%s': want an absolute path", options->procfs);
	if (*options->tracing_policy_dir && *options->tracing_policy_dir != '/')
		return error_set(err, EINVAL, "--tracing-policy-dir: '%s': want an absolute path",
				 options->tracing_policy_dir);
	if (*options->unseen_dir && *options->unseen_dir != '/')
		return error_set(err, EINVAL, "--unseen-dir: '%s': want an absolute path", options->unseen_dir);
	options->is_default_policy_dir = !strcmp(options->tracing_policy_dir, POLICY_DIR);
	return check_nri(options, err);
}

int agent_options_read(struct agent_options *options, struct flag_parse *parse, struct arena *arena, const char *root,
		       int argc, char *const argv[], char *const environment[], const struct flags_unknown *unknown,
		       struct error *err)
{
	int r = flags_init(parse, &agent_flags, options, arena, err);

	if (r >= 0)
		r = flags_parse_argv(parse, argc, argv, err);
	if (r < 0)
		return r;
	if (parse->help || parse->version)
		return 1;
	if (parse->arguments)
		return error_set(err, EINVAL, "unexpected argument '%s'", parse->argument[0]);
	r = flags_env_read(parse, ENVIRONMENT_PREFIX, environment, unknown, err);
	if (r >= 0)
		r = read_optional_dir(parse, root, "/usr/lib/tetragon/tetragon.conf.d", err);
	if (r >= 0)
		r = read_optional_dir(parse, root, "/usr/local/lib/tetragon/tetragon.conf.d", err);
	if (r >= 0)
		r = read_optional_yaml(parse, root, "/etc/tetragon/tetragon.yaml", err);
	if (r >= 0)
		r = read_optional_dir(parse, root, "/etc/tetragon/tetragon.conf.d", err);
	if (r >= 0 && *options->config_dir) {
		r = flags_dir_read(parse, options->config_dir, NULL, err);
		if (r < 0)
			return error_wrap(err, r, "--config-dir");
	}
	return r < 0 ? r : check(options, err);
}
