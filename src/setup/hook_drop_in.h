/* SPDX-License-Identifier: Apache-2.0 */
/*
 * src/setup/hook_drop_in.h: the JSON file that registers the hook with CRI-O and podman ("OCI hooks" 1.0.0).
 * `env` is never empty: an empty list drops out of the JSON and means that the hook inherits whatever surrounds the
 * runtime. The hook itself reads none of it. `timeout` is the hook's own deadline and two seconds: a hook that the
 * runtime kills cannot spare even exempt containers.
 */
#ifndef SETUP_HOOK_DROP_IN_H
#define SETUP_HOOK_DROP_IN_H

#include <stdint.h>

#include "base/buf.h"
#include "base/sha256.h"

struct error;

#define HOOK_TIMEOUT_DEFAULT_NS INT64_C(10000000000) /* the hook's --grpc-timeout */
#define HOOK_TIMEOUT_MARGIN_S 2
#define HOOK_CONFIG_NAME "tetragon-oci-hook.json" /* the hook's own options, beside it */

struct hook_drop_in {
	const char *path;        /* of the hook, as the host sees it; is args[0] too */
	const char *log;         /* NULL: no --log-fname */
	const char *runtime;     /* NULL: no --runtime */
	const char *sum;         /* SHA-256 of the hook, kept for verify as a variable of its environment; NULL: none */
	const char *const *args; /* more of them, NULL-terminated; may be NULL */
	int64_t hook_timeout_ns;
};

/* Appends the file's content, indented by three spaces, without a last line end. */
void hook_drop_in_write(const struct hook_drop_in *drop_in, struct buf *out);

/*
 * The deadline that the hook will have: --grpc-timeout among `args` (the last one counts), else in `config`, the text
 * of its configuration file ("" if there is none), else its default. -EINVAL: the hook itself would refuse this; text
 * says where.
 */
int hook_timeout_find(const char *const *args, struct str config, int64_t *ret_ns, struct error *err);

/* Whether `args` has --NAME or --NAME=…. */
bool hook_args_have(const char *const *args, const char *name);

/*
 * Whether `text` registers a program of the name `binary` as a createRuntime hook, as we and the original do. *ret_path
 * (may be NULL; `size` bytes, which hold at least PATH_MAX) is the program's path. Not JSON, or another shape: false.
 */
bool hook_drop_in_is_ours(struct str text, const char *binary, char *ret_path, size_t size);

/*
 * What keeps a registration that is ours from hooking every container's start: NULL, or the reason in words. All
 * conditions of `when` must hold together (oci-hooks(5)), so it is {"always": true} and nothing else.
 */
const char *hook_drop_in_gap(struct str text);

#define HOOK_SUM_NAME "TETRAGON_HOOK_SHA256"

/* The sum that hook_drop_in_write left in `text`, 64 digits and a NUL; "" if there is none. */
void hook_drop_in_sum(struct str text, char sum[SHA256_TEXT]);

#endif
