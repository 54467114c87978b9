/* SPDX-License-Identifier: Apache-2.0 */
/* print-config: the file with which install registers the hook. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/cleanup.h"
#include "base/error.h"
#include "setup/hook_drop_in.h"
#include "setup/setup_context.h"
#include "setup/setup_values.h"

#define DROP_IN_MAX (256u << 10)

int setup_print_config(struct setup_context *context, struct error *err)
{
	static const char *const interfaces[] = { "oci-hooks", NULL };
	const struct setup_conf *conf = &context->conf;
	struct hook_drop_in drop_in = { .path = conf->binary };
	auto_free const char **args = calloc(conf->args.n + 1, sizeof *args);
	auto_free char *room = malloc(DROP_IN_MAX);
	struct buf out = buf_over(room, room ? DROP_IN_MAX : 0);
	int result = setup_is_one_of(context, "interface", conf->interface, interfaces, err);

	if (result >= 0)
		result = setup_is_runtime(context, err);
	if (result >= 0)
		result = setup_is_absolute(context, "binary", conf->binary, err);
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
