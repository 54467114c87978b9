/* SPDX-License-Identifier: Apache-2.0 */
/* install: the hook's file, and the file that registers it or the NRI plugin. */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/error.h"
#include "base/file.h"
#include "setup/file_swap.h"
#include "setup/hook_binary.h"
#include "setup/hook_drop_in.h"
#include "setup/hook_remove.h"
#include "setup/hooks_place.h"
#include "setup/nri_plugin.h"
#include "setup/setup_context.h"
#include "setup/setup_values.h"

#define DROP_IN_MAX (256u << 10)
#define LOG_FILE "tetragon-oci-hook.log" /* whatever the binary is called, as in the original */

static const char *base_name(const char *path)
{
	const char *slash = strrchr(path, '/');

	return slash ? slash + 1 : path;
}

/* The hook as installed: what the registration needs to know of it. */
struct installed {
	char local[PATH_MAX], host[PATH_MAX], log[PATH_MAX], drop_in[PATH_MAX];
	const char *name;
	struct hook_binary told;
	char sum[SHA256_TEXT];
	int64_t timeout_ns;
	struct stat binary_mark, drop_in_mark; /* of what we wrote */
};

/* Whether somebody has put another file there since; one that is gone is none. */
static bool is_replaced(const char *path, const struct stat *mark)
{
	struct stat now;

	return !stat(path, &now) &&
	       (now.st_dev != mark->st_dev || now.st_ino != mark->st_ino ||
		now.st_mtim.tv_sec != mark->st_mtim.tv_sec || now.st_mtim.tv_nsec != mark->st_mtim.tv_nsec);
}

static int source_read(const char *path, char **ret_content, size_t *ret_len, struct error *err)
{
	auto_free char *content = NULL;
	size_t len;
	int result = file_read_at(AT_FDCWD, path, HOOK_BINARY_MAX, &content, &len, err);

	if (result >= 0)
		result = hook_binary_inspect((struct str){ content, len }, err);
	if (result < 0)
		return error_wrap(err, result, "nothing was installed: --local-binary=%s", path);
	*ret_content = take(content);
	*ret_len = len;
	return 0;
}

/*
 * Copies the hook. It is run under its temporary name, in its folder, before it takes the place of the old one: noexec,
 * a wrong architecture and a bad file system show here, not at the next container's start.
 */
static int binary_install(struct setup_context *context, struct installed *hook, struct error *err)
{
	auto_swap struct file_swap swap = FILE_SWAP_NONE;
	auto_free char *content = NULL;
	char trial[PATH_MAX];
	struct str dir;
	size_t len = 0;
	int result = source_read(context->conf.local_binary, &content, &len, err);

	if (result < 0)
		return result;
	sha256_text((struct str){ content, len }, hook->sum);
	result = file_swap_begin(&swap, hook->local, NULL, err);
	if (result < 0)
		return error_wrap(err, result, "cannot install the hook");
	swap.exists = false; /* mode and owner are ours to choose */
	swap.elsewhere = "; choose a folder that can be written to (--local-install-dir and --host-install-dir, of the "
			 "chart rthooks.installDir)";
	result = file_swap_write(&swap, content, len, 0755, err);
	if (result < 0)
		return result;
	dir = (struct str){ swap.path, (size_t)str_find_last(str_of(swap.path), '/') };
	(void)snprintf(trial, sizeof trial, "%.*s/%s", (int)dir.len, dir.p, swap.temporary);
	result = hook_binary_ask(trial, &hook->told, err);
	if (result < 0)
		return error_wrap(err, result, "the hook does not run in %s, so it is not installed",
				  context->conf.local_install_dir);
	result = *hook->told.version ? hook_binary_accepts(trial, context->hook_args, err) : 0;
	if (result < 0)
		return error_wrap(
			err, result,
			"the hook refuses its arguments or its configuration file, with which each container's "
			"start would fail, so it is not installed");
	result = file_swap_commit(&swap, err);
	if (result < 0)
		return result;
	(void)stat(hook->local, &hook->binary_mark); /* fails: then it is replaced */
	(void)log_event(&context->log, LOG_INFO, "written binary", "hook-dst-path", hook->local, "version",
			hook->told.version, NULL);
	return 0;
}

static int timeout_find(struct setup_context *context, struct installed *hook, struct error *err)
{
	char path[PATH_MAX];
	auto_free char *config = NULL;
	size_t len = 0;
	int result = setup_path_join(path, sizeof path, context->conf.local_install_dir, HOOK_CONFIG_NAME, "", err);

	if (result < 0)
		return result;
	result = file_read_at(AT_FDCWD, path, DROP_IN_MAX, &config, &len, err);
	if (result < 0 && result != -ENOENT)
		return error_wrap(err, result, "the hook's configuration");
	return hook_timeout_find(context->hook_args, (struct str){ config, result < 0 ? 0 : len }, &hook->timeout_ns,
				 err);
}

static int drop_in_install(struct setup_context *context, struct installed *hook, struct error *err)
{
	const char *const *args = context->hook_args;
	struct hook_drop_in drop_in = { .path = hook->host,
					.log = hook->log,
					.args = args,
					.sum = hook->sum,
					.hook_timeout_ns = hook->timeout_ns };
	auto_free char *room = malloc(DROP_IN_MAX);
	struct buf out = buf_over(room, room ? DROP_IN_MAX : 0);
	auto_swap struct file_swap swap = FILE_SWAP_NONE;
	int result;

	if (hook->told.knows_runtime && !hook_args_have(args, "runtime"))
		drop_in.runtime = context->conf.runtime;
	hook_drop_in_write(&drop_in, &out);
	if (out.overflow)
		return error_set(err, E2BIG, "the hook's arguments do not fit into a file of %u bytes", DROP_IN_MAX);
	result = file_swap_begin(&swap, hook->drop_in, NULL, err);
	swap.elsewhere = "; choose another folder, which the runtime reads (hooks_dir of its configuration), with "
			 "--oci-hooks.local-dir";
	if (result >= 0)
		result = file_swap_write(&swap, room, out.len, 0644, err);
	if (result >= 0)
		result = file_swap_commit(&swap, err);
	if (result < 0)
		return error_wrap(err, result, "the hook is there, but not registered");
	(void)stat(hook->drop_in, &hook->drop_in_mark); /* fails: then it is replaced */
	(void)log_event(&context->log, LOG_INFO, "written conf", "conf-dst-path", hook->drop_in, NULL);
	return 0;
}

static void signal_wait(const sigset_t *set)
{
	int number;

	while (sigwait(set, &number))
		;
}

static void stop_signals(sigset_t *ret_set)
{
	(void)sigemptyset(ret_set); /* these cannot fail for signals that exist */
	(void)sigaddset(ret_set, SIGTERM);
	(void)sigaddset(ret_set, SIGINT);
}

/*
 * Whether what was installed is to stay when this process ends. What a later install has put there is that one's, and
 * the gate would be open without it.
 */
static bool hook_stays(struct setup_context *context, const struct installed *hook, bool nri)
{
	const char *message = "ending; the hook stays in place";

	if (strcmp(context->conf.on_exit, "keep") != 0) {
		if (!is_replaced(hook->local, &hook->binary_mark) &&
		    (nri || !is_replaced(hook->drop_in, &hook->drop_in_mark)))
			return false;
		message = "ending; another install has replaced the hook, which stays in place";
	}
	(void)log_event(&context->log, LOG_INFO, message, NULL); /* counted by the log */
	return true;
}

static int hook_register(struct setup_context *context, struct installed *hook, struct error *err)
{
	sigset_t set;
	int result;

	stop_signals(&set);
	if (context->conf.daemonize) /* from before the file is there, so that no signal leaves it behind */
		(void)sigprocmask(SIG_BLOCK, &set, NULL);
	result = drop_in_install(context, hook, err);
	if (result < 0 || !context->conf.daemonize)
		return result;
	signal_wait(&set);
	if (hook_stays(context, hook, false))
		return 0;
	return hook_remove(context, hook->drop_in, hook->local, hook->name, err);
}

/*
 * With NRI nothing is registered on the host: the plugin is connected as long as it runs. A container that is made but
 * not started yet when the hook is taken away fails, and is made again by whoever wanted it.
 */
static int plugin_run(struct setup_context *context, const struct installed *hook, const char *plugin,
		      struct nri_plugin_start *start, struct error *err)
{
	sigset_t set;
	int result;

	stop_signals(&set);
	(void)sigprocmask(SIG_BLOCK, &set, NULL); /* fails for wrong arguments only */
	start->hook = hook->host;
	start->log = hook->log;
	start->hook_timeout_ns = hook->timeout_ns;
	start->hook_knows_identity = hook->told.knows_runtime;
	(void)log_event(&context->log, LOG_INFO, "starting the NRI plugin", "program", plugin, "socket", start->socket,
			NULL); /* counted by the log */
	result = nri_plugin_run(start, plugin, &set, err);
	if (result < 0)
		return error_wrap(err, result, "the hook stays in place, but nothing calls it now");
	if (hook_stays(context, hook, true))
		return 0;
	return hook_remove_binary(context, hook->local, true, err);
}

/* Before anything is copied. */
static int plugin_check(struct setup_context *context, const struct nri_plugin_start *start, char *ret_plugin,
			struct error *err)
{
	if (!context->conf.daemonize)
		return error_set(err, EINVAL,
				 "NRI hook setup needs to be daemonized: the NRI plugin works as long as it runs; add "
				 "--daemonize. Nothing was installed");
	if (strlen(start->index) != 2 || strspn(start->index, "0123456789") != 2)
		return setup_usage_error(context, err, "--nri-hook.index: want two digits, not '%.80s'", start->index);
	if (!*start->name)
		return setup_usage_error(context, err, "--nri-hook.name: want a name");
	return nri_plugin_find(start, ret_plugin, err);
}

/* Both folders, before anything is written: a hook without a registration would look like one. */
static int folders_check(const struct setup_conf *conf, bool nri, struct error *err)
{
	struct {
		const char *path, *flag, *more;
	} folders[] = {
		{ conf->local_install_dir, "local-install-dir", "" },
		{ nri ? NULL : conf->hooks_dir, "oci-hooks.local-dir",
		  ", and restart CRI-O: it watches only folders that "
		  "were there when it started" },
	};

	for (size_t i = 0; i < sizeof folders / sizeof *folders; i++) {
		struct stat st;

		if (!folders[i].path || (!stat(folders[i].path, &st) && S_ISDIR(st.st_mode)))
			continue;
		return error_set(err, ENOTDIR,
				 "%s is no folder (--%s): make it with `mkdir -p %s`%s. Nothing was installed",
				 folders[i].path, folders[i].flag, folders[i].path, folders[i].more);
	}
	return 0;
}

int setup_install(struct setup_context *context, struct error *err)
{
	static const char *const interfaces[] = { "oci-hooks", "nri-hook", NULL }, *const exits[] = { "remove", "keep",
												      NULL };
	const struct setup_conf *conf = &context->conf;
	struct installed hook = { .name = base_name(conf->local_binary) };
	struct nri_plugin_start start = { .program = conf->nri_program,
					  .index = conf->nri_index,
					  .name = conf->nri_name,
					  .socket = conf->nri_socket,
					  .status_file = conf->nri_status,
					  .log_level = conf->log_level,
					  .hook_args = context->hook_args };
	bool nri = !strcmp(conf->interface, "nri-hook");
	char plugin[PATH_MAX], hooks_dir[PATH_MAX];
	int result = setup_is_one_of(context, "interface", conf->interface, interfaces, err);

	if (result >= 0)
		result = setup_is_one_of(context, "on-exit", conf->on_exit, exits, err);
	if (result >= 0)
		result = setup_is_runtime(context, err);
	if (result >= 0 && !*conf->local_install_dir)
		result = setup_usage_error(context, err, "--local-install-dir is required");
	if (result >= 0)
		result = setup_is_absolute(context, "host-install-dir", conf->host_install_dir, err);
	if (result >= 0 && !*hook.name)
		result =
			setup_usage_error(context, err, "--local-binary: want a file, not '%.80s'", conf->local_binary);
	if (result >= 0 && !nri)
		result = hooks_place_option(context, hooks_dir, err);
	if (result >= 0)
		result = folders_check(conf, nri, err);
	if (result >= 0)
		result = setup_path_join(hook.local, sizeof hook.local, conf->local_install_dir, hook.name, "", err);
	if (result >= 0)
		result = setup_path_join(hook.host, sizeof hook.host, conf->host_install_dir, hook.name, "", err);
	if (result >= 0)
		result = setup_path_join(hook.log, sizeof hook.log, conf->host_install_dir, LOG_FILE, "", err);
	if (result >= 0)
		result = setup_path_join(hook.drop_in, sizeof hook.drop_in, conf->hooks_dir, hook.name, ".json", err);
	if (result >= 0)
		result = timeout_find(context, &hook, err);
	if (result >= 0 && nri)
		result = plugin_check(context, &start, plugin, err);
	if (result >= 0)
		result = binary_install(context, &hook, err);
	if (result < 0)
		return result;
	if (nri)
		return plugin_run(context, &hook, plugin, &start, err);
	return hook_register(context, &hook, err);
}
