/* SPDX-License-Identifier: Apache-2.0 */
/* verify, the NRI plugin: what it wrote down of itself, and whether it is still there. */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/error.h"
#include "base/json.h"
#include "setup/nri_plugin.h"
#include "setup/verify.h"

#define STATUS_MAX 65536

static void member_take(struct str key, const struct json_reader *reader, enum json_event event,
			struct plugin_status *status)
{
	const struct {
		const char *key;
		char *text;
		size_t size;
	} members[] = {
		{ "since", status->since, sizeof status->since },
		{ "program", status->program, sizeof status->program },
		{ "mode", status->mode, sizeof status->mode },
		{ "reason", status->reason, sizeof status->reason },
	};

	if (json_string_is(key, STR("connected")))
		status->connected = event == JSON_TRUE;
	for (size_t i = 0; event == JSON_STRING && i < sizeof members / sizeof *members; i++)
		if (json_string_is(key, str_of(members[i].key))) {
			struct buf out = buf_over(members[i].text, members[i].size);

			(void)json_string_decode(reader->text, &out); /* what does not fit is cut: it is only shown */
		}
}

static int status_read(struct str text, struct plugin_status *status, struct error *err)
{
	struct json_reader reader;
	int event;

	json_reader_init(&reader, text);
	event = json_next(&reader, err);
	if (event != JSON_OBJECT_BEGIN)
		return event < 0 ? event : error_set(err, EINVAL, "want a JSON object");
	while ((event = json_next(&reader, err)) == JSON_KEY) {
		struct str key = reader.text;

		event = json_next(&reader, err);
		if (event < 0)
			return event;
		member_take(key, &reader, (enum json_event)event, status);
		event = json_skip(&reader, (enum json_event)event, err);
		if (event < 0)
			return event;
	}
	return event < 0 ? event : 0;
}

void verify_plugin_read(struct verify *verify)
{
	struct plugin_status *status = &verify->plugin;
	auto_free char *text = NULL;
	struct error err = { 0 };
	size_t len;
	int result = verify_read(verify, verify->conf->nri_status, STATUS_MAX, &text, &len, &err);

	*status = (struct plugin_status){ .is_there = result != -ENOENT };
	if (result >= 0)
		result = status_read((struct str){ text, len }, status, &err);
	if (result >= 0 || !status->is_there)
		return;
	*status = (struct plugin_status){ .is_there = true, .is_bad = true };
	(void)snprintf(status->reason, sizeof status->reason, "%.*s", (int)sizeof status->reason - 1, err.text);
}

/* The agent has the plugin inside; one that does not say is the plugin. */
static bool is_agents(const struct verify *verify)
{
	return !strcmp(verify->plugin.program, NRI_PLUGIN_INSIDE);
}

static const char *program(const struct verify *verify)
{
	return is_agents(verify) ? NRI_PLUGIN_INSIDE : NRI_PLUGIN_NAME;
}

/* A plugin that was killed leaves the file as it was. */
static bool is_gone(const struct verify *verify)
{
	return verify->is_here && !running_has(program(verify));
}

bool verify_is_direct(const struct verify *verify)
{
	return verify->plugin.connected && !strcmp(verify->plugin.mode, "direct") && !is_gone(verify);
}

void verify_plugin_tell(struct verify *verify)
{
	static const char *const todo = "run the NRI plugin: tetragon-oci-hook-setup install --interface=nri-hook "
					"--daemonize, or the agent with --nri; or use add-oci-hook";
	const struct plugin_status *status = &verify->plugin;
	const char *path = verify->conf->nri_status;

	if (!status->is_there) {
		verify_tell(verify->report, false, "registered", todo,
			    "no base spec names the hook, and no NRI plugin has written %s", path);
		return;
	}
	if (status->is_bad)
		verify_tell(verify->report, false, "registered", todo, "%s: %s", path, status->reason);
	else if (!status->connected)
		verify_tell(verify->report, false, "registered", todo,
			    "the NRI plugin is not connected since %s%s%s: containers start without it", status->since,
			    *status->reason ? ": " : "", status->reason);
	else if (is_gone(verify))
		verify_tell(verify->report, false, "registered", todo,
			    "%s says connected, but no process %s is there: it was killed", path, program(verify));
	else
		verify_tell(verify->report, true, "registered", "", "the NRI plugin%s is connected since %s, mode %s",
			    is_agents(verify) ? " inside the agent" : "", status->since, status->mode);
	verify->registered = true;
}
