/* SPDX-License-Identifier: Apache-2.0 */
/* src/agent/runtime_hook.h: the RPC RuntimeHook: a request of a runtime's hook becomes an admission, its result a
 * status. */
#ifndef AGENT_RUNTIME_HOOK_H
#define AGENT_RUNTIME_HOOK_H

#include <stddef.h>
#include <stdint.h>

struct admission;
struct admission_answer;
struct admission_request;
struct announced;
struct error;
struct grpc_call;
struct log;

/* Takes the packed RuntimeHookRequest of `call` and answers it: OK, or a status as docs of the fail check have it. */
void runtime_hook_handle(struct admission *admission, struct announced *announced, struct log *log,
			 struct grpc_call *call, const uint8_t *message, size_t len);

/*
 * The decision itself, and its line in the log: for whoever tells of a container without a call. `reason` is a
 * RuntimeHookReason, `reporter` who told ("" = a hook), `began_ns` (CLOCK_MONOTONIC) when the request came. 0, or as
 * admission_admit and announced_add; text in `err`.
 */
int runtime_hook_decide(struct admission *admission, struct announced *announced, struct log *log, int reason,
			const char *reporter, int64_t began_ns, const struct admission_request *told,
			struct admission_answer *ret_answer, struct error *err);

#endif
