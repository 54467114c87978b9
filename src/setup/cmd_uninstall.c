/* SPDX-License-Identifier: Apache-2.0 */
/* uninstall: the hook goes, if nothing needs it any more. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/error.h"
#include "base/file.h"
#include "setup/hook_remove.h"
#include "setup/hooks_place.h"
#include "setup/nri_plugin.h"
#include "setup/running.h"
#include "setup/setup_context.h"
#include "setup/setup_values.h"

#define SPEC_MAX (4u << 20)
#define STATUS_MAX 65536

/* Whoever keeps the status file: a plugin of its own, or the agent. A plugin that was killed leaves it there. */
static bool plugin_runs(const char *status)
{
	static const char inside[] = "\"program\": \"" NRI_PLUGIN_INSIDE "\"", direct[] = "\"mode\": \"direct\"";
	auto_free char *text = NULL;
	size_t len;

	if (file_read_at(AT_FDCWD, status, STATUS_MAX, &text, &len, NULL) < 0)
		return false;
	if (memmem(text, len, inside, sizeof inside - 1))
		return !memmem(text, len, direct, sizeof direct - 1) && running_has(NRI_PLUGIN_INSIDE);
	return running_has(NRI_PLUGIN_NAME);
}

/* What would have every container's start fail once the hook is gone: both are read on this host, where they are seen.
 */
static int users_check(struct setup_context *context, struct error *err)
{
	const struct setup_conf *conf = &context->conf;
	auto_free char *spec = NULL;
	char name[NAME_MAX + 4];
	size_t len;

	if (plugin_runs(conf->nri_status))
		return error_set(err, EBUSY, "the NRI plugin still adds the hook to each container (%s): stop it first",
				 conf->nri_status);
	(void)snprintf(name, sizeof name, "/%.*s\"", NAME_MAX, conf->binary_name);
	if (file_read_at(AT_FDCWD, conf->runtime_spec, SPEC_MAX, &spec, &len, NULL) >= 0 &&
	    memmem(spec, len, name, strlen(name)))
		return error_set(err, EBUSY,
				 "%s still names the hook: patch-containerd-conf add-oci-hook --undo "
				 "--write-runtime-spec, then restart containerd",
				 conf->runtime_spec);
	return 0;
}

/* What was not found above, for its folder was named. */
static int registrations_check(const char *binary, const char *drop_in, struct error *err)
{
	char file[PATH_MAX];

	if (hooks_place_registers(binary, drop_in, file))
		return error_set(err, EBUSY, "%s still registers %s: name its folder with --oci-hooks.local-dir", file,
				 binary);
	return 0;
}

/*
 * Without --oci-hooks.local-dir: all files but the last that register this very program go here; `drop_in` is the last,
 * or what one would be called. `dir` has to live as long as the context.
 */
static int drop_in_find(struct setup_context *context, const char *binary, char dir[PATH_MAX], char drop_in[PATH_MAX],
			struct error *err)
{
	bool by_default = !setup_given(context, "oci-hooks.local-dir") && access(context->conf.hooks_dir, F_OK) != 0;
	char other[PATH_MAX];
	bool ours;
	int result;

	if (by_default && hooks_place_registers(binary, "", drop_in)) {
		while (hooks_place_registers(binary, drop_in, other)) {
			result = hook_remove_registration(context, other, context->conf.binary_name, &ours, err);
			if (result < 0)
				return result;
		}
		return 0;
	}
	/* Nothing registers it in any folder that is known here; where one would be is only for the log. */
	(void)hooks_place_option(context, dir, NULL);
	return setup_path_join(drop_in, PATH_MAX, context->conf.hooks_dir, context->conf.binary_name, ".json", err);
}

int setup_uninstall(struct setup_context *context, struct error *err)
{
	static const char *const interfaces[] = { "oci-hooks", NULL };
	const struct setup_conf *conf = &context->conf;
	char drop_in[PATH_MAX], binary[PATH_MAX], hooks_dir[PATH_MAX];
	int result = setup_is_one_of(context, "interface", conf->interface, interfaces, err);

	if (result >= 0 && !*conf->local_install_dir)
		result = setup_usage_error(context, err, "--local-install-dir is required");
	if (result >= 0 && (!*conf->binary_name || strchr(conf->binary_name, '/')))
		result = setup_usage_error(context, err, "--binary-name: want a name without folders");
	if (result >= 0)
		result = setup_path_join(binary, sizeof binary, conf->local_install_dir, conf->binary_name, "", err);
	if (result >= 0)
		result = users_check(context, err);
	if (result >= 0)
		result = drop_in_find(context, binary, hooks_dir, drop_in, err);
	if (result >= 0)
		result = registrations_check(binary, drop_in, err);
	return result < 0 ? result : hook_remove(context, drop_in, binary, conf->binary_name, err);
}
