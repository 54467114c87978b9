/* SPDX-License-Identifier: Apache-2.0 */
/* verify, NRI in containerd: is it on, may a plugin add hooks, is ours connected, is it required? */
#include <stdio.h>
#include <string.h>

#include "conf/toml.h"
#include "setup/containerd_conf.h"
#include "setup/host_conf.h"
#include "setup/verify.h"

#define VALIDATOR "plugins", CONTAINERD_NRI, "default_validator"

/* What is in force: containerd's own word, else the last file that says something. */
static const struct toml_node *get(const struct host_conf *conf, const struct toml *in_force, const char *const path[],
				   const struct host_conf_file **file)
{
	*file = NULL;
	return in_force ? toml_find(in_force, path) : host_conf_last(conf, path, file);
}

static bool is_true(const struct host_conf *conf, const struct toml *in_force, const char *const path[],
		    const struct host_conf_file **file)
{
	const struct toml_node *node = get(conf, in_force, path, file);

	return node && node->type == TOML_BOOL && toml_bool(node);
}

static bool list_has(const struct toml_node *list, const char *name)
{
	for (const struct toml_node *item = list && list->type == TOML_ARRAY ? list->first : NULL; item;
	     item = item->next)
		if (toml_is_string(item, str_of(name)))
			return true;
	return false;
}

/* disabled_plugins is joined over all files, and beats `disable`. */
static bool is_listed(const struct host_conf *conf, const struct toml *in_force, const struct host_conf_file **file)
{
	static const char *const path[] = { "disabled_plugins", NULL };

	*file = NULL;
	if (in_force)
		return list_has(toml_find(in_force, path), CONTAINERD_NRI);
	for (size_t i = 0; i < conf->n; i++) {
		*file = &conf->file[i];
		if (list_has(toml_find(conf->file[i].doc, path), CONTAINERD_NRI))
			return true;
	}
	return false;
}

static const char *name_of(const struct verify *verify, const struct host_conf_file *file)
{
	return file ? file->path : verify->config;
}

static void switch_check(struct verify *verify, const struct host_conf *conf, const struct toml *in_force)
{
	static const char *const path[] = { "plugins", CONTAINERD_NRI, "disable", NULL };
	static const char *const todo =
		"tetragon-oci-hook-setup patch-containerd-conf enable-nri --in-place, then restart";
	const struct host_conf_file *file;
	const struct toml_node *disable;

	if (is_listed(conf, in_force, &file)) {
		verify_tell(verify->report, false, "nri config", todo, "NRI is disabled: disabled_plugins of %s",
			    name_of(verify, file));
		return;
	}
	disable = get(conf, in_force, path, &file);
	if (!disable || disable->type != TOML_BOOL)
		verify_tell(verify->report, true, "nri config", "", "no file says whether NRI is on");
	else if (toml_bool(disable))
		verify_tell(verify->report, false, "nri config", todo, "NRI is disabled%s%s", file ? " in " : "",
			    file ? file->path : "");
	else
		verify_tell(verify->report, true, "nri config", "", "NRI is enabled%s%s", file ? " in " : "",
			    file ? file->path : "");
}

/* Only half of the setting is a mistake; none of it is a choice, unless the administrator says otherwise. */
static void required_check(struct verify *verify, const struct host_conf *conf, const struct toml *in_force)
{
	static const char *const list[] = { VALIDATOR, "required_plugins", NULL }, *const enable[] = { VALIDATOR,
												       "enable", NULL };
	static const char *const todo = "to close that: patch-containerd-conf enable-nri --require-plugin=NAME "
					"--validate=BINARY --in-place (containerd 2.2 and newer)";
	const char *wanted = verify->conf->require_plugin, *name = *wanted ? wanted : "tetragon";
	const struct host_conf_file *file;
	bool named = list_has(get(conf, in_force, list, &file), name), on = is_true(conf, in_force, enable, &file);

	verify_required_tell(verify->report,
			     &(struct verify_required){ .list = "required_plugins",
							.enable_todo = "set enable = true in default_validator",
							.todo = todo,
							.name = name,
							.is_named = named,
							.is_enabled = on,
							.is_wanted = *wanted });
}

static void socket_check(struct verify *verify, const struct host_conf *conf, const struct toml *in_force)
{
	static const char *const path[] = { "plugins", CONTAINERD_NRI, "socket_path", NULL };
	const struct host_conf_file *file;
	const struct toml_node *node = get(conf, in_force, path, &file);
	char room[PATH_MAX], socket[PATH_MAX];
	struct str value = str_of(verify->conf->nri_socket);

	if (!verify->names_socket && node && node->type == TOML_STRING && node->text.len < sizeof room)
		toml_string(node, room, &value);
	(void)snprintf(socket, sizeof socket, "%.*s", (int)value.len, value.p);
	verify_socket(verify, socket);
}

void verify_nri(struct verify *verify, const struct host_conf *conf, const struct toml *in_force)
{
	static const char *const reject[] = { VALIDATOR, "reject_oci_hook_adjustment", NULL };
	const struct host_conf_file *file;

	switch_check(verify, conf, in_force);
	socket_check(verify, conf, in_force);
	if (is_true(conf, in_force, reject, &file) && !verify_is_direct(verify))
		verify_tell(verify->report, false, "nri validator",
			    "take reject_oci_hook_adjustment out, or use the plugin's direct mode",
			    "the validator refuses injected hooks: every container would fail");
	required_check(verify, conf, in_force);
	verify_plugin_tell(verify);
}
