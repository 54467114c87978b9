/* SPDX-License-Identifier: Apache-2.0 */
/*
 * src/ask/ask_request.h: the container as a RuntimeHookRequest. Source: tetragon's sensors.proto, messages
 * RuntimeHookRequest, CreateContainer and Mount (api/ of this tree).
 */
#ifndef ASK_ASK_REQUEST_H
#define ASK_ASK_REQUEST_H

#include "base/arena.h"
#include "oci/identity.h"
#include "oci/spec.h"

#define ASK_REQUEST_METHOD "/tetragon.FineGuidanceSensors/RuntimeHook"

/* What is known about the container; empty members are unknown. */
struct ask_container {
	struct spec spec;
	struct identity identity;
	struct str cgroup_path; /* expanded */
	struct str root_dir;
};

/*
 * The message with gRPC's 5 bytes before it, in the arena. `leave` bytes of the arena stay free. Returns 0; -ENOMEM the
 * request does not fit.
 */
int ask_request_build(const struct ask_container *container, struct arena *arena, size_t leave, struct str *ret_body,
		      struct error *err);

#endif
