/* SPDX-License-Identifier: Apache-2.0 */
/*
 * src/hook/hook_inspect.h: --check-config: everything that a container's start would stumble over, found beforehand.
 */
#ifndef HOOK_HOOK_INSPECT_H
#define HOOK_HOOK_INSPECT_H

#include "base/flags.h"
#include "hook/hook_options.h"

struct hook_inspect {
	const struct hook_conf *conf; /* log_fname: the effective name; "" = none */
	enum runtime runtime;         /* of conf, parsed */
	struct arena *arena;          /* scratch */
	/* Told of each finding; the text is one line or, for expressions, three. */
	void (*report)(void *user, bool is_mistake, const char *text);
	void *user;
};

/*
 * Looks at: log level, log file and folder of the records (can they be written?), the agent's address, the time-out,
 * every pattern, the expression, annotation keys that are not the runtime's own. Writes nothing. Returns the number of
 * mistakes; what is only doubtful is reported but not counted.
 */
unsigned hook_inspect(const struct hook_inspect *inspect);

#endif
