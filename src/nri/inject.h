/* SPDX-License-Identifier: Apache-2.0 */
/*
 * src/nri/inject.h: the hook that inject mode adds to a container: createRuntime, with a time-out (without one a hook
 * that hangs would hang the start for ever), an environment that is not empty (an empty one means "inherit" to some
 * runtimes) and who the container is, from NRI's own fields.
 */
#ifndef NRI_INJECT_H
#define NRI_INJECT_H

#include "base/buf.h"
#include "nri/nri_message.h"
#include "nri/options.h"
#include "oci/runtime.h"

#define INJECT_ARGS_MAX 128 /* of one hook, ours included; more of --hook-args are an error at start */
#define INJECT_GRACE_S 2    /* what the runtime waits longer than the hook itself */
#define INJECT_FOR_HOOK 2   /* arguments that carry flags of the plugin itself: --grpc-timeout, --grpc-address */

struct inject {
	const struct nri_conf *conf;
	bool tells_agent; /* --grpc-address was given: the hook is told, else its own configuration counts */
};

/* Checks what would fail later: 0, -EINVAL, -E2BIG. */
int inject_check(const struct inject *inject, struct error *err);

/* Appends the adjustment to an answer to CreateContainer. */
void inject_hook(const struct inject *inject, enum runtime runtime, const struct nri_request *request,
		 struct buf *answer);

/* Is our hook among these: a container's own, or those that all plugins together ask for? */
bool inject_is_there(const struct inject *inject, struct nri_walk hooks);

#endif
