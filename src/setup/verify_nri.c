/* SPDX-License-Identifier: Apache-2.0 */
/* verify, NRI: is it on, may a plugin add hooks, is ours connected, is it required? */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/error.h"
#include "base/json.h"
#include "conf/toml.h"
#include "setup/containerd_conf.h"
#include "setup/host_detect.h"
#include "setup/nri_plugin.h"
#include "setup/running.h"
#include "setup/verify.h"

#define STATUS_MAX 65536
#define NAME_MAX_BYTES 256

static bool has(const struct verify *verify, const char *path)
{
	auto_close int fd = host_open(verify->root_fd, path, O_PATH);

	return fd >= 0;
}

bool verify_has_plugin(const struct verify *verify)
{
	return has(verify, verify->conf->nri_status);
}

struct status {
	bool connected;
	char since[64], mode[16], reason[256];
};

static void member_take(struct str key, const struct json_reader *reader, enum json_event event, struct status *status)
{
	struct buf since = buf_over(status->since, sizeof status->since),
		   mode = buf_over(status->mode, sizeof status->mode),
		   reason = buf_over(status->reason, sizeof status->reason);

	if (json_string_is(key, STR("connected")))
		status->connected = event == JSON_TRUE;
	if (event != JSON_STRING)
		return;
	if (json_string_is(key, STR("since"))) /* what does not fit is cut: it is only shown */
		(void)json_string_decode(reader->text, &since);
	else if (json_string_is(key, STR("mode")))
		(void)json_string_decode(reader->text, &mode);
	else if (json_string_is(key, STR("reason")))
		(void)json_string_decode(reader->text, &reason);
}

static int status_read(struct str text, struct status *ret, struct error *err)
{
	struct json_reader reader;
	int event;

	*ret = (struct status){ 0 };
	json_reader_init(&reader, text);
	event = json_next(&reader, err);
	if (event != JSON_OBJECT_BEGIN)
		return event < 0 ? event : error_set(err, EINVAL, "want a JSON object");
	while ((event = json_next(&reader, err)) == JSON_KEY) {
		struct str key = reader.text;

		event = json_next(&reader, err);
		if (event < 0)
			return event;
		member_take(key, &reader, (enum json_event)event, ret);
		event = json_skip(&reader, (enum json_event)event, err);
		if (event < 0)
			return event;
	}
	return event < 0 ? event : 0;
}

void verify_plugin(struct verify *verify)
{
	static const char *const todo = "run the NRI plugin: tetragon-oci-hook-setup install --interface=nri-hook "
					"--daemonize; or use add-oci-hook";
	const char *path = verify->conf->nri_status;
	auto_free char *text = NULL;
	struct error err = { 0 };
	struct status status;
	size_t len;
	int result = verify_read(verify, path, STATUS_MAX, &text, &len, &err);

	if (result == -ENOENT) {
		verify_tell(verify->report, false, "registered", todo,
			    "no base spec names the hook, and no NRI plugin has written %s", path);
		return;
	}
	if (result >= 0)
		result = status_read((struct str){ text, len }, &status, &err);
	if (result < 0)
		verify_tell(verify->report, false, "registered", todo, "%s: %s", path, err.text);
	else if (!status.connected)
		verify_tell(verify->report, false, "registered", todo,
			    "the NRI plugin is not connected since %s%s%s: containers start without it", status.since,
			    *status.reason ? ": " : "", status.reason);
	else if (verify->is_here && !running_has(NRI_PLUGIN_NAME))
		verify_tell(verify->report, false, "registered", todo,
			    "%s says connected, but no process " NRI_PLUGIN_NAME " is there: it was killed", path);
	else
		verify_tell(verify->report, true, "registered", "", "the NRI plugin is connected since %s, mode %s",
			    status.since, status.mode);
	verify->registered = true;
}

static bool is_true(const struct toml_node *node)
{
	return node && node->type == TOML_BOOL && toml_bool(node);
}

static bool list_has(const struct toml_node *list, const char *name)
{
	for (const struct toml_node *item = list && list->type == TOML_ARRAY ? list->first : NULL; item;
	     item = item->next) {
		char room[NAME_MAX_BYTES];
		struct str value;

		if (item->type != TOML_STRING || item->text.len >= sizeof room)
			continue;
		toml_string(item, room, &value);
		if (str_is(value, name))
			return true;
	}
	return false;
}

/* Only half of the setting is a mistake; none of it is a choice, unless the administrator says otherwise. */
static void required_check(struct verify *verify, const struct toml *doc)
{
	static const char *const list[] = { "plugins", CONTAINERD_NRI, "default_validator", "required_plugins", NULL },
				 *const enable[] = { "plugins", CONTAINERD_NRI, "default_validator", "enable", NULL };
	static const char *const todo =
		"patch-containerd-conf enable-nri --require-plugin=NAME --in-place (containerd 2.2 and newer)";
	const char *wanted = verify->conf->require_plugin, *name = *wanted ? wanted : "tetragon";
	bool named = list_has(toml_find(doc, list), name), on = is_true(toml_find(doc, enable));

	if (named && !on)
		verify_tell(verify->report, false, "nri required", "set enable = true in default_validator",
			    "%s is named in required_plugins, but the validator is not enabled", name);
	else if (named)
		verify_tell(verify->report, true, "nri required", "",
			    "%s is required: no container is made while it is not connected", name);
	else
		verify_tell(verify->report, !*wanted, "nri required", todo,
			    "%s is not required: while it is not connected, containers start without it", name);
}

void verify_containerd_nri(struct verify *verify, const struct toml *doc)
{
	static const char *const path[] = { "plugins", CONTAINERD_NRI, "disable", NULL }, *const reject[] = {
		"plugins", CONTAINERD_NRI, "default_validator", "reject_oci_hook_adjustment", NULL
	};
	const struct toml_node *disable = toml_find(doc, path);
	bool off = is_true(disable), socket = has(verify, verify->conf->nri_socket);

	verify_tell(verify->report, !off, "nri config",
		    "tetragon-oci-hook-setup patch-containerd-conf enable-nri --in-place, then restart", "%s",
		    off       ? "NRI is disabled"
		    : disable ? "NRI is enabled"
			      : "the file does not say whether NRI is on");
	verify_tell(verify->report, socket, "nri socket", "restart the runtime; containerd 1.7 needs enable-nri first",
		    "%s %s", verify->conf->nri_socket,
		    socket ? "is there" : "is not there: NRI is off in the runtime that runs");
	if (is_true(toml_find(doc, reject)))
		verify_tell(verify->report, false, "nri validator",
			    "take reject_oci_hook_adjustment out, or use the plugin's direct mode",
			    "the validator refuses injected hooks: every container would fail");
	required_check(verify, doc);
	verify_plugin(verify);
}
