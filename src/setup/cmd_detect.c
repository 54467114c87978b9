/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>

#include "base/error.h"
#include "setup/setup_context.h"

int setup_detect(struct setup_context *context, struct error *err)
{
	(void)context;
	return error_set(err, ENOSYS, "detect is not part of this version");
}
