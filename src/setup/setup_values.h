/* SPDX-License-Identifier: Apache-2.0 */
/* src/setup/setup_values.h: what the values of set-up's options must look like. Errors are those of wrong usage. */
#ifndef SETUP_SETUP_VALUES_H
#define SETUP_SETUP_VALUES_H

#include <stddef.h>

struct error;
struct setup_context;

/* `known` ends with NULL. */
int setup_is_one_of(struct setup_context *context, const char *flag, const char *value, const char *const *known,
		    struct error *err);

/* --runtime. */
int setup_is_runtime(struct setup_context *context, struct error *err);

/* A path that ends up in a file must mean the same to whoever reads it. */
int setup_is_absolute(struct setup_context *context, const char *flag, const char *path, struct error *err);

/* DIR/NAMEEND. 0, or -ENAMETOOLONG. */
int setup_path_join(char *path, size_t size, const char *dir, const char *name, const char *end, struct error *err);

#endif
