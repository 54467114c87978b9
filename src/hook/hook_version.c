/* SPDX-License-Identifier: Apache-2.0 */
#include "hook/hook_version.h"

#include <errno.h>

#include "base/error.h"
#include "hook/hook_ask.h"
#include "rpc/pb_read.h"

#define METHOD "/tetragon.FineGuidanceSensors/GetVersion"

enum { RESPONSE_VERSION = 1 };

static int version_read(struct str message, struct buf *out, struct error *err)
{
	struct pb_field field;
	int r;

	while ((r = pb_next(&message, &field)) > 0)
		if (field.number == RESPONSE_VERSION && field.type == PB_BYTES) {
			out->len = 0; /* of several, protobuf takes the last */
			buf_str(out, field.bytes);
		}
	if (r < 0 || out->overflow)
		return error_set(err, ECANCELED, "the agent's answer is not a version");
	for (size_t i = 0; i < out->len; i++)
		if ((unsigned char)out->p[i] < ' ' || out->p[i] == 0x7f)
			out->p[i] = ' '; /* goes to terminals */
	return 0;
}

int hook_version_run(const struct hook_create *create, struct buf *out, struct error *err)
{
	char memory[2 * HOOK_VERSION_MAX];
	struct buf response = buf_over(memory, sizeof memory);
	const struct hook_ask ask = {
		.agent = create->conf->agent,
		.method = METHOD,
		.body = { "\0\0\0\0\0", 5 }, /* an empty message: its prefix only */
		.response = &response,
		.deadline_ns = create->start_ns + create->conf->timeout_ns,
		.stop = create->stop,
	};
	struct hook_answer answer;
	int r;

	if (hook_ask(&ask, create->arena, &answer))
		r = response.overflow ? error_set(err, ECANCELED, "the agent's answer is too long")
				      : version_read((struct str){ memory, response.len }, out, err);
	else
		r = error_set(err, ECANCELED, "%s", answer.error);
	if (r < 0)
		(void)log_event(create->log, LOG_WARN, "failed to get server version", "error", err->text, NULL);
	else
		(void)log_event(create->log, LOG_INFO, "server-version", "version", out->p, NULL);
	return r; /* lines that cannot be written are counted by the log */
}
