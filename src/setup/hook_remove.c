/* SPDX-License-Identifier: Apache-2.0 */
#include "setup/hook_remove.h"

#include <errno.h>

#include "base/cleanup.h"
#include "base/error.h"
#include "setup/file_swap.h"
#include "setup/hook_binary.h"
#include "setup/hook_drop_in.h"
#include "setup/setup_context.h"

#define DROP_IN_MAX (256u << 10)

int hook_remove_registration(struct setup_context *context, const char *path, const char *name, bool *ret_ours,
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

int hook_remove_binary(struct setup_context *context, const char *path, bool registered, struct error *err)
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

int hook_remove(struct setup_context *context, const char *drop_in, const char *binary, const char *name,
		struct error *err)
{
	bool ours;
	int result = hook_remove_registration(context, drop_in, name, &ours, err);

	if (result < 0) {
		(void)log_event(&context->log, LOG_WARN, "failed to remove conf", "conf-dst-path", drop_in, "error",
				err->text, NULL);
		return error_wrap(err, result, "the hook may still be registered, so %s stays", binary);
	}
	result = hook_remove_binary(context, binary, ours, err);
	if (result < 0)
		(void)log_event(&context->log, LOG_WARN, "failed to remove binary", "bin-dst-path", binary, "error",
				err->text, NULL);
	return result;
}
