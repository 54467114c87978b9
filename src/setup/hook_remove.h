/* SPDX-License-Identifier: Apache-2.0 */
/*
 * src/setup/hook_remove.h: what install has made is taken away again, if it is provably ours, the registration first.
 * While something that may name the binary stays, so does the binary: without it every start would fail. What is done,
 * and what cannot be, is logged.
 */
#ifndef SETUP_HOOK_REMOVE_H
#define SETUP_HOOK_REMOVE_H

#include <stdbool.h>

struct error;
struct setup_context;

/* The registration alone; *ret_ours: there was one. 0, also where nothing is there; -EPERM it is not ours; -errno. */
int hook_remove_registration(struct setup_context *context, const char *path, const char *name, bool *ret_ours,
			     struct error *err);

/* Both. `name`: of the binary. 0, also where nothing is there; -EPERM it is not ours; -errno. */
int hook_remove(struct setup_context *context, const char *drop_in, const char *binary, const char *name,
		struct error *err);

/* `registered`: a registration of ours named it, which is proof enough, even if it cannot run. */
int hook_remove_binary(struct setup_context *context, const char *path, bool registered, struct error *err);

#endif
