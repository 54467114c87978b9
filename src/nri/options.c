/* SPDX-License-Identifier: Apache-2.0 */
#include "nri/options.h"

#include <errno.h>
#include <stddef.h>
#include <string.h>
#include <sys/un.h>

#include "base/error.h"
#include "base/log.h"
#include "nri/nri_link.h"

#define SOCKET_PATH_MAX (sizeof((struct sockaddr_un *)NULL)->sun_path - 1)
#define FIELD(member) offsetof(struct nri_conf, member)

static const struct flag rows[] = {
	{ "mode", FLAG_STRING, FIELD(mode), "inject", "MODE",
	  "inject: add the OCI hook to each container; direct: ask the agent from here; auto: direct where an answer "
	  "that comes too late fails the container, else inject" },
	{ "oci-hook-path", FLAG_STRING, FIELD(oci_hook_path), "/opt/tetragon/tetragon-oci-hook", "FILE",
	  "the hook's program on the host (inject)" },
	{ "hook-args", FLAG_LIST, FIELD(hook_args), "", "ARG,...", "more arguments for the hook (inject)" },
	{ "hook-identity", FLAG_BOOL, FIELD(hook_identity), "true", NULL,
	  "tell the hook who the container is (inject); false for a hook that does not know these flags" },
	{ "nri-socket", FLAG_STRING, FIELD(socket), NRI_SOCKET, "FILE", "the runtime's NRI socket" },
	{ "nri-name", FLAG_STRING, FIELD(name), "tetragon", "NAME", "name of the plugin" },
	{ "nri-index", FLAG_STRING, FIELD(index), "01", "NN", "two digits: plugins are called in their order" },
	{ "log-fname", FLAG_STRING, FIELD(log_fname), "", "FILE",
	  "log file, JSON lines; without it standard error, as text" },
	{ "log-level", FLAG_STRING, FIELD(log_level), "info", "LEVEL", "debug, info, warn or error" },
	{ "grpc-address", FLAG_STRING, FIELD(agent), "unix:///var/run/tetragon/tetragon.sock", "TARGET",
	  "agent to ask: unix:///path, unix-abstract:name, host:port with a numeric host" },
	{ "grpc-timeout", FLAG_DURATION, FIELD(timeout_ns), "10s", "DURATION",
	  "limit of a call; the hook gets it as an argument, direct mode never takes more than half of what the "
	  "runtime "
	  "waits" },
	{ "fail-allow-namespaces", FLAG_LIST, FIELD(allow_namespaces), "kube-system", "NAME,...",
	  "start containers of these namespaces even if the agent cannot be asked (direct)" },
	{ "unseen-dir", FLAG_STRING, FIELD(unseen_dir), "/run/tetragon/unseen", "DIR",
	  "where a container that started without the agent is written down for the next one (direct)" },
	{ "status-file", FLAG_STRING, FIELD(status_file), "", "FILE",
	  "where the plugin keeps its state for others to read: connected, mode, how often dropped; empty: nowhere" },
	{ 0 },
};

const struct flag_set nri_options = {
	.usage = "tetragon-nri-hook [flags]",
	.about =
		"NRI plugin: puts containers under the Tetragon agent's policies before they run. Started by hand or "
		"by\n"
		"the container runtime from its plugin folder; then it logs to /var/log/tetragon/nri-hook.log unless\n"
		"told otherwise. Exit status: 0 ended by SIGTERM or SIGINT, 1 lost the runtime that launched it, 80 "
		"wrong\n"
		"usage. Otherwise it never ends: when the runtime restarts it comes back. SIGHUP: opens the log again.",
	.flags = rows,
};

static const char *const modes[] = {
	[NRI_MODE_AUTO] = "auto", [NRI_MODE_INJECT] = "inject", [NRI_MODE_DIRECT] = "direct"
};

int nri_mode_parse(struct str name, enum nri_mode *ret_mode, struct error *err)
{
	for (unsigned mode = 0; mode < sizeof modes / sizeof *modes; mode++)
		if (str_is(name, modes[mode])) {
			*ret_mode = (enum nri_mode)mode;
			return 0;
		}
	return error_set(err, EINVAL, "--mode: unknown mode '%.*s'; want inject, direct or auto", (int)name.len,
			 name.p);
}

const char *nri_mode_name(enum nri_mode mode)
{
	return modes[mode];
}

/* A name goes into the runtime's log and its list of required plugins; there others put the index before it. */
int nri_name_check(const char *name, const char *index, struct error *err)
{
	static const char plain[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-";
	size_t n = strlen(name);

	if (!n || n >= NRI_NAME_OF_PLUGIN_MAX - 8 || strspn(name, plain) != n)
		return error_set(err, EINVAL, "--nri-name '%.200s': want 1 to %d letters, digits, '.', '_' or '-'",
				 name, NRI_NAME_OF_PLUGIN_MAX - 9);
	if (n > 3 && strspn(name, "0123456789") == 2 && name[2] == '-')
		return error_set(err, EINVAL, "--nri-name '%s': without the index; that is --nri-index=%.2s", name,
				 name);
	if (strlen(index) != 2 || strspn(index, "0123456789") != 2)
		return error_set(err, EINVAL, "--nri-index '%.200s': want two digits", index);
	return 0;
}

int nri_conf_check(const struct nri_conf *conf, struct error *err)
{
	enum log_level level;

	if (conf->socket[0] != '/' || strlen(conf->socket) > SOCKET_PATH_MAX)
		return error_set(err, EINVAL, "--nri-socket '%.200s': want an absolute path of at most %zu bytes",
				 conf->socket, SOCKET_PATH_MAX);
	if (conf->timeout_ns <= 0)
		return error_set(err, EINVAL, "--grpc-timeout: with 0 no agent could ever answer");
	if (log_level_parse(str_of(conf->log_level), &level) < 0)
		return error_set(err, EINVAL, "--log-level: unknown level '%.200s'; want debug, info, warn or error",
				 conf->log_level);
	return 0;
}
