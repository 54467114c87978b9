/* SPDX-License-Identifier: Apache-2.0 */
#include "setup/host_running.h"

#include <errno.h>
#include <fnmatch.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/cleanup.h"
#include "base/error.h"
#include "setup/kubelet_endpoint.h"
#include "setup/running.h"

#define CONTAINERD_CONF "/etc/containerd/config.toml"
#define CRIO_CONF "/etc/crio/crio.conf"
#define DAEMONS_MAX ((size_t)2 * RUNNING_MAX)

/* `runtime`: as in the table. */
struct daemons {
	struct running process[DAEMONS_MAX];
	const char *runtime[DAEMONS_MAX];
	size_t n;
};

static void daemons_find(struct daemons *daemons, const char *runtime)
{
	static const struct {
		const char *program, *runtime, *config, *address;
	} kinds[] = {
		{ "containerd", "containerd", CONTAINERD_CONF, "/run/containerd/containerd.sock" },
		{ "crio", "cri-o", CRIO_CONF, "/var/run/crio/crio.sock" },
	};

	daemons->n = 0;
	for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++) {
		bool wanted = !runtime || !strcmp(runtime, kinds[i].runtime);
		struct running *found = &daemons->process[daemons->n];
		size_t n = wanted ? running_find(kinds[i].program, found) : 0;

		for (size_t k = 0; k < n; k++) {
			if (!*found[k].config)
				(void)snprintf(found[k].config, sizeof found[k].config, "%s", kinds[i].config);
			if (!*found[k].address)
				(void)snprintf(found[k].address, sizeof found[k].address, "%s", kinds[i].address);
			daemons->runtime[daemons->n++] = kinds[i].runtime;
		}
	}
}

/* /var/run is /run on every host that has both. */
static const char *socket_name(const char *path)
{
	return !strncmp(path, "/var/run/", 9) ? path + 4 : path;
}

static void daemon_keep(struct daemons *daemons, size_t i)
{
	if (i)
		daemons->process[0] = daemons->process[i];
	daemons->runtime[0] = daemons->runtime[i];
	daemons->n = 1;
}

static bool is_same(const struct daemons *daemons, size_t a, size_t b)
{
	return daemons->runtime[a] == daemons->runtime[b] &&
	       !strcmp(daemons->process[a].exe, daemons->process[b].exe) &&
	       !strcmp(daemons->process[a].config, daemons->process[b].config);
}

/* What the kubelet that runs was told, else what its files say; "": neither. */
static void endpoint_find(const struct host_tree *tree, char endpoint[PATH_MAX])
{
	auto_free char *arguments = running_arguments("kubelet");
	struct str told = kubelet_endpoint_in(str_of(arguments));
	struct buf out = buf_over(endpoint, PATH_MAX);

	buf_str(&out, told.len ? told : str_of(tree->endpoint));
}

/* Leaves one of several, or tells all. */
static int daemon_choose(const struct host_tree *tree, struct daemons *daemons, struct error *err)
{
	char endpoint[PATH_MAX];
	char all[ERROR_TEXT_MAX / 2];
	struct buf out = buf_over(all, sizeof all);
	size_t same = 1, match = daemons->n;

	while (same < daemons->n && is_same(daemons, 0, same))
		same++;
	if (same == daemons->n) {
		daemon_keep(daemons, 0);
		return 0;
	}
	endpoint_find(tree, endpoint);
	for (size_t i = 0; *endpoint && i < daemons->n; i++)
		if (!strcmp(socket_name(daemons->process[i].address), socket_name(endpoint)))
			match = match == daemons->n ? i : daemons->n + 1; /* two of one address: neither */
	if (match < daemons->n) {
		daemon_keep(daemons, match);
		return 0;
	}
	for (size_t i = 0; i < daemons->n; i++)
		buf_printf(&out, "%s%d (%s, configuration %s)", i ? ", " : "", (int)daemons->process[i].pid,
			   daemons->process[i].exe, daemons->process[i].config); /* cut is fine */
	return error_set(err, EPERM,
			 "several container runtimes run here, and nothing tells which one starts the pods: %s; name "
			 "its configuration with --config-file, or examine files alone with --root=/",
			 all);
}

static bool row_is_for(const struct host *host, const struct running *process)
{
	for (size_t i = 0; i < HOST_PROCESSES && host->processes[i]; i++)
		if (!fnmatch(host->processes[i], process->config, 0) || !fnmatch(host->processes[i], process->exe, 0))
			return true;
	return false;
}

static const struct host *row_find(const struct running *process, const char *runtime)
{
	const struct host *plain = NULL;

	for (const struct host *host = host_table; host->id; host++) {
		if (!strcmp(host->runtime, runtime) && row_is_for(host, process))
			return host;
		if (!strcmp(host->id, runtime)) /* "containerd", "cri-o": the row without further knowledge */
			plain = host;
	}
	return plain;
}

/* Where a row's data folder is, by the configuration that the daemon was given: DIR and what `reads` has behind it. */
static bool data_dir_find(const struct host *row, const struct running *process, char dir[PATH_MAX])
{
	struct str config = str_of(process->config), tail;

	if (!row->data_dir || !row->reads)
		return false;
	tail = str_of(row->reads + strlen(row->data_dir));
	if (!str_ends(config, tail))
		return false;
	(void)snprintf(dir, PATH_MAX, "%.*s", (int)(config.len - tail.len), config.p);
	return true;
}

/* Whether the daemon is the one that the files tell of. */
static bool agrees(const struct host_found *found, const struct running *process, const char *runtime)
{
	bool reads = !strcmp(found->reads, process->config);

	/* Rancher Desktop, nerdctl: whatever its containerd reads, the host is what its files say */
	if (!strcmp(found->host->runtime, runtime))
		return reads || !*found->reads || !strcmp(runtime, "cri-o") || row_is_for(found->host, process);
	/* docker's packages bring a containerd that runs for docker alone */
	return !strcmp(found->host->runtime, "docker") && (reads || !*found->reads) && running_has_docker();
}

int host_running_look(const struct host_tree *tree, const char *runtime, bool is_known, struct host_found *found,
		      struct error *err)
{
	auto_free struct daemons *daemons = malloc(sizeof *daemons);
	const struct running *process;
	const struct host *row;
	char data_dir[PATH_MAX];
	struct buf marker;
	int result;

	if (!daemons)
		return error_set(err, ENOMEM, "not enough memory");
	daemons_find(daemons, runtime);
	if (!daemons->n)
		return is_known ? 0 : -ENOENT;
	result = daemon_choose(tree, daemons, err);
	if (result < 0)
		return result;
	process = &daemons->process[0];
	if (!is_known || !agrees(found, process, daemons->runtime[0])) {
		row = row_find(process, daemons->runtime[0]);
		host_found_fill(tree, found, row, data_dir_find(row, process, data_dir) ? data_dir : NULL);
		if (!row->reads && !row_is_for(row, process)) /* the plain row: the file is whatever it was told */
			(void)snprintf(found->config, sizeof found->config, "%s", process->config);
		(void)snprintf(found->reads, sizeof found->reads, "%s", process->config);
	}
	if (strcmp(daemons->runtime[0], "containerd") != 0 || !strcmp(found->reads, process->config))
		(void)snprintf(found->socket, sizeof found->socket, "%s", process->address);
	marker = buf_over(found->marker, sizeof found->marker);
	buf_printf(&marker, "process %d, %s with %s", (int)process->pid, process->exe,
		   process->config); /* cut is fine */
	found->pid = process->pid;
	(void)snprintf(found->exe, sizeof found->exe, "%s", process->exe);
	return 0;
}
