/* SPDX-License-Identifier: Apache-2.0 */
/* src/setup/hook_binary.h: is a file really the hook, and can this machine run it? Asked by running it. */
#ifndef SETUP_HOOK_BINARY_H
#define SETUP_HOOK_BINARY_H

#include <stdbool.h>

#include "base/str.h"

struct error;

#define HOOK_BINARY_MAX (256u << 20) /* bytes; the original is some 30 MB */

/* What running it told. */
struct hook_binary {
	char version[128];  /* first line of --version; "" where it knows no --version (the original) */
	bool knows_runtime; /* its --help names --runtime */
};

/*
 * Looks at `content`, a file's: empty, no ELF, or for another machine is -ENOEXEC with the reason in words.
 */
int hook_binary_inspect(struct str content, struct error *err);

/*
 * Runs `path` with --version (the original: --help) and --help. 0: it is a tetragon-oci-hook and runs here. -ENOEXEC:
 * it runs, but it is another program; else as command_run. What it is called in argv[0] tells nothing, for most
 * programs repeat that in their help.
 */
int hook_binary_ask(const char *path, struct hook_binary *ret, struct error *err);

/*
 * Whether the hook (ours: one that told a version) accepts `args` (NULL-terminated) and the configuration file beside
 * it. 0; -EIO: it refuses them, the text says what; else as command_run; -ENOMEM.
 */
int hook_binary_accepts(const char *path, const char *const *args, struct error *err);

#endif
