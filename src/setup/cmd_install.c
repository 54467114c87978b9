/* SPDX-License-Identifier: Apache-2.0 */
/* install, uninstall, print-config: the hook's file and the file that registers it. */
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
#include "setup/host_detect.h"
#include "setup/nri_plugin.h"
#include "setup/running.h"
#include "setup/setup_context.h"

#define DROP_IN_MAX (256u << 10)
#define SPEC_MAX (4u << 20)
#define LOG_FILE "tetragon-oci-hook.log" /* whatever the binary is called, as in the original */

static int path_join(char *path, size_t size, const char *dir, const char *name, const char *end, struct error *err)
{
	struct buf out = buf_over(path, size);
	struct str all = str_of(dir);

	while (all.len > 1 && str_ends(all, STR("/")))
		all.len--;
	buf_str(&out, all);
	if (!str_is(all, "/"))
		buf_byte(&out, '/');
	buf_text(&out, name);
	buf_text(&out, end);
	return out.overflow ? error_set(err, ENAMETOOLONG, "%s/%s: too long", dir, name) : 0;
}

static const char *base_name(const char *path)
{
	const char *slash = strrchr(path, '/');

	return slash ? slash + 1 : path;
}

static int is_one_of(struct setup_context *context, const char *flag, const char *value, const char *const *known,
		     struct error *err)
{
	char all[256];
	struct buf out = buf_over(all, sizeof all);

	for (const char *const *one = known; *one; one++) {
		if (!strcmp(*one, value))
			return 0;
		buf_printf(&out, "%s%s", out.len ? ", " : "", *one);
	}
	return setup_usage_error(context, err, "--%s: want one of %s, not '%.80s'", flag, all, value);
}

static int runtime_check(struct setup_context *context, struct error *err)
{
	static const char *const known[] = { "auto", "containerd", "cri-o", "podman", "docker", NULL };

	return is_one_of(context, "runtime", context->conf.runtime, known, err);
}

/* Paths that end up in the hook's JSON must mean the same to whoever reads it. */
static int absolute_check(struct setup_context *context, const char *flag, const char *path, struct error *err)
{
	if (!*path)
		return setup_usage_error(context, err, "--%s is required", flag);
	if (*path != '/')
		return setup_usage_error(context, err, "--%s: want an absolute path, not '%.80s'", flag, path);
	return 0;
}

/* The hook as installed: what the registration needs to know of it. */
struct installed {
	char local[PATH_MAX], host[PATH_MAX], log[PATH_MAX], drop_in[PATH_MAX];
	const char *name;
	struct hook_binary told;
	char sum[SHA256_TEXT];
	int64_t timeout_ns;
};

static int source_read(const char *path, char **ret_content, size_t *ret_len, struct error *err)
{
	auto_free char *content = NULL;
	size_t len;
	int result = file_read_at(AT_FDCWD, path, HOOK_BINARY_MAX, &content, &len, err);

	if (result >= 0)
		result = hook_binary_inspect((struct str){ content, len }, err);
	if (result < 0)
		return error_wrap(err, result, "the hook to install, %s; nothing was installed", path);
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
	result = file_swap_write(&swap, content, len, 0755, err);
	if (result < 0)
		return result;
	dir = (struct str){ swap.path, (size_t)str_find_last(str_of(swap.path), '/') };
	(void)snprintf(trial, sizeof trial, "%.*s/%s", (int)dir.len, dir.p, swap.temporary);
	result = hook_binary_ask(trial, &hook->told, err);
	if (result < 0)
		return error_wrap(err, result, "the hook does not run in %s, so it is not installed",
				  context->conf.local_install_dir);
	result = file_swap_commit(&swap, err);
	if (result < 0)
		return result;
	(void)log_event(&context->log, LOG_INFO, "written binary", "hook-dst-path", hook->local, "version",
			hook->told.version, NULL);
	return 0;
}

static int timeout_find(struct setup_context *context, struct installed *hook, struct error *err)
{
	char path[PATH_MAX];
	auto_free char *config = NULL;
	size_t len = 0;
	int result = path_join(path, sizeof path, context->conf.local_install_dir, HOOK_CONFIG_NAME, "", err);

	if (result < 0)
		return result;
	result = file_read_at(AT_FDCWD, path, DROP_IN_MAX, &config, &len, err);
	if (result < 0 && result != -ENOENT)
		return error_wrap(err, result, "the hook's configuration");
	return hook_timeout_find(context->hook_args, (struct str){ config, result < 0 ? 0 : len }, &hook->timeout_ns,
				 err);
}

static int drop_in_install(struct setup_context *context, const struct installed *hook, struct error *err)
{
	const char *const *args = context->hook_args;
	struct hook_drop_in drop_in = { .path = hook->host,
					.log = hook->log,
					.args = args,
					.sum = hook->sum,
					.hook_timeout_ns = hook->timeout_ns };
	auto_free char *room = malloc(DROP_IN_MAX);
	struct buf out = buf_over(room, room ? DROP_IN_MAX : 0);
	int result;

	if (hook->told.knows_runtime && !hook_args_have(args, "runtime"))
		drop_in.runtime = context->conf.runtime;
	hook_drop_in_write(&drop_in, &out);
	if (out.overflow)
		return error_set(err, E2BIG, "the hook's arguments do not fit into a file of %u bytes", DROP_IN_MAX);
	result = file_swap(hook->drop_in, room, out.len, 0644, NULL, err);
	if (result < 0)
		return error_wrap(err, result, "the hook is there, but not registered");
	(void)log_event(&context->log, LOG_INFO, "written conf", "conf-dst-path", hook->drop_in, NULL);
	return 0;
}

static int drop_in_remove(struct setup_context *context, const char *path, const char *name, bool *ret_ours,
			  struct error *err)
{
	auto_swap struct file_swap swap = FILE_SWAP_NONE;
	auto_free char *text = NULL;
	size_t len;
	int result = file_swap_begin(&swap, path, NULL, err);

	*ret_ours = false;
	if (result >= 0)
		result = file_swap_read(&swap, DROP_IN_MAX, &text, &len, err);
	if (result == -ENOENT) {
		(void)log_event(&context->log, LOG_INFO, "no conf to remove", "conf-dst-path", path, NULL);
		return 0;
	}
	if (result < 0)
		return result;
	if (!hook_drop_in_is_ours((struct str){ text, len }, name, NULL, 0))
		return error_set(err, EPERM,
				 "%s: left as it is: it registers something else than %s as createRuntime hook", path,
				 name);
	*ret_ours = true;
	result = file_swap_remove(&swap, err);
	if (result >= 0)
		(void)log_event(&context->log, LOG_INFO, "removed conf", "conf-dst-path", path, NULL);
	return result;
}

/* `registered`: a registration of ours named it, which is proof enough, even if it cannot run. */
static int binary_remove(struct setup_context *context, const char *path, bool registered, struct error *err)
{
	auto_swap struct file_swap swap = FILE_SWAP_NONE;
	struct hook_binary told;
	int result = file_swap_begin(&swap, path, NULL, err);

	if (result == -ENOENT || (result >= 0 && !swap.exists)) {
		(void)log_event(&context->log, LOG_INFO, "no binary to remove", "bin-dst-path", path, NULL);
		return 0;
	}
	if (result < 0)
		return result;
	if (!registered && hook_binary_ask(path, &told, err) < 0)
		return error_wrap(err, -EPERM,
				  "%s: left as it is: no registration names it, and it cannot be asked what it is",
				  path);
	result = file_swap_remove(&swap, err);
	if (result >= 0)
		(void)log_event(&context->log, LOG_INFO, "binary removed", "bin-dst-path", path, NULL);
	return result;
}

/* Registration first. While something that may name the binary stays, so does the binary: without it every start would
 * fail. */
static int remove_both(struct setup_context *context, const char *drop_in, const char *binary, const char *name,
		       struct error *err)
{
	bool ours;
	int result = drop_in_remove(context, drop_in, name, &ours, err);

	if (result < 0) {
		(void)log_event(&context->log, LOG_WARN, "failed to remove conf", "conf-dst-path", drop_in, "error",
				err->text, NULL);
		return error_wrap(err, result, "the hook may still be registered, so %s stays", binary);
	}
	result = binary_remove(context, binary, ours, err);
	if (result < 0)
		(void)log_event(&context->log, LOG_WARN, "failed to remove binary", "bin-dst-path", binary, "error",
				err->text, NULL);
	return result;
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
	if (!strcmp(context->conf.on_exit, "keep")) {
		(void)log_event(&context->log, LOG_INFO, "ending; the hook stays in place", NULL);
		return 0;
	}
	return remove_both(context, hook->drop_in, hook->local, hook->name, err);
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
	if (!strcmp(context->conf.on_exit, "keep")) {
		(void)log_event(&context->log, LOG_INFO, "ending; the hook stays in place", NULL);
		return 0;
	}
	return binary_remove(context, hook->local, true, err);
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

/* Without --oci-hooks.local-dir, and where the default is not mounted: the folder that this host's runtime reads. */
static void hooks_dir_find(struct setup_context *context)
{
	struct host_found found;

	if (setup_given(context, "oci-hooks.local-dir") || !access(context->conf.hooks_dir, F_OK))
		return;
	if (host_detect("/", &found, NULL) >= 0 && found.host->hooks[0])
		context->conf.hooks_dir = found.host->hooks[0];
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
	char plugin[PATH_MAX];
	int result = is_one_of(context, "interface", conf->interface, interfaces, err);

	if (result >= 0)
		result = is_one_of(context, "on-exit", conf->on_exit, exits, err);
	if (result >= 0)
		result = runtime_check(context, err);
	if (result >= 0 && !*conf->local_install_dir)
		result = setup_usage_error(context, err, "--local-install-dir is required");
	if (result >= 0)
		result = absolute_check(context, "host-install-dir", conf->host_install_dir, err);
	if (result >= 0 && !*hook.name)
		result =
			setup_usage_error(context, err, "--local-binary: want a file, not '%.80s'", conf->local_binary);
	hooks_dir_find(context);
	if (result >= 0)
		result = path_join(hook.local, sizeof hook.local, conf->local_install_dir, hook.name, "", err);
	if (result >= 0)
		result = path_join(hook.host, sizeof hook.host, conf->host_install_dir, hook.name, "", err);
	if (result >= 0)
		result = path_join(hook.log, sizeof hook.log, conf->host_install_dir, LOG_FILE, "", err);
	if (result >= 0)
		result = path_join(hook.drop_in, sizeof hook.drop_in, conf->hooks_dir, hook.name, ".json", err);
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

/* What would have every container's start fail once the hook is gone: both are read on this host, where they are seen.
 */
static int users_check(struct setup_context *context, struct error *err)
{
	const struct setup_conf *conf = &context->conf;
	auto_free char *spec = NULL;
	char path[NAME_MAX + 4];
	size_t len;

	if (!access(conf->nri_status, F_OK) && running_has(NRI_PLUGIN_NAME))
		return error_set(err, EBUSY, "the NRI plugin still adds the hook to each container (%s): stop it first",
				 conf->nri_status);
	(void)snprintf(path, sizeof path, "/%.*s\"", NAME_MAX, conf->binary_name);
	if (file_read_at(AT_FDCWD, conf->runtime_spec, SPEC_MAX, &spec, &len, NULL) >= 0 &&
	    memmem(spec, len, path, strlen(path)))
		return error_set(err, EBUSY,
				 "%s still names the hook: patch-containerd-conf add-oci-hook --undo "
				 "--write-runtime-spec, then restart containerd",
				 conf->runtime_spec);
	return 0;
}

int setup_uninstall(struct setup_context *context, struct error *err)
{
	static const char *const interfaces[] = { "oci-hooks", NULL };
	const struct setup_conf *conf = &context->conf;
	char drop_in[PATH_MAX], binary[PATH_MAX];
	int result = is_one_of(context, "interface", conf->interface, interfaces, err);

	if (result >= 0 && !*conf->local_install_dir)
		result = setup_usage_error(context, err, "--local-install-dir is required");
	if (result >= 0 && (!*conf->binary_name || strchr(conf->binary_name, '/')))
		result = setup_usage_error(context, err, "--binary-name: want a name without folders");
	hooks_dir_find(context);
	if (result >= 0)
		result = path_join(drop_in, sizeof drop_in, conf->hooks_dir, conf->binary_name, ".json", err);
	if (result >= 0)
		result = path_join(binary, sizeof binary, conf->local_install_dir, conf->binary_name, "", err);
	if (result >= 0)
		result = users_check(context, err);
	return result < 0 ? result : remove_both(context, drop_in, binary, conf->binary_name, err);
}

int setup_print_config(struct setup_context *context, struct error *err)
{
	static const char *const interfaces[] = { "oci-hooks", NULL };
	const struct setup_conf *conf = &context->conf;
	struct hook_drop_in drop_in = { .path = conf->binary };
	auto_free const char **args = calloc(conf->args.n + 1, sizeof *args);
	auto_free char *room = malloc(DROP_IN_MAX);
	struct buf out = buf_over(room, room ? DROP_IN_MAX : 0);
	int result = is_one_of(context, "interface", conf->interface, interfaces, err);

	if (result >= 0)
		result = runtime_check(context, err);
	if (result >= 0)
		result = absolute_check(context, "binary", conf->binary, err);
	if (result < 0)
		return result;
	if (!args || !room)
		return error_set(err, ENOMEM, "not enough memory");
	for (size_t i = 0; i < conf->args.n; i++)
		args[i] = conf->args.item[i];
	result = hook_timeout_find(args, (struct str){ 0 }, &drop_in.hook_timeout_ns, err);
	if (result < 0)
		return result;
	drop_in.args = args;
	if (!hook_args_have(args, "runtime"))
		drop_in.runtime = conf->runtime;
	hook_drop_in_write(&drop_in, &out);
	buf_byte(&out, '\n');
	if (out.overflow)
		return error_set(err, E2BIG, "the hook's arguments do not fit into a file of %u bytes", DROP_IN_MAX);
	if (fwrite(room, 1, out.len, stdout) != out.len || fflush(stdout))
		return error_errno(err, errno, "cannot write to standard output");
	return 0;
}
