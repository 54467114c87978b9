/* SPDX-License-Identifier: Apache-2.0 */
/* src/setup/command_run.h: another program, run to its end within a time limit, without a shell and with an environment
 * of ours. */
#ifndef SETUP_COMMAND_RUN_H
#define SETUP_COMMAND_RUN_H

#include <stddef.h>
#include <stdint.h>

struct error;

#define COMMAND_OUTPUT_MAX (16u << 20)
#define COMMAND_COMPLAINT_MAX 512 /* of its standard error, from its end, go into the error's text */

/*
 * Runs argv[0] (a path, or a name looked up in the usual folders of programs) with nothing on standard input.
 * *ret_output: what it wrote to standard output (malloc'd, NUL-terminated, caller frees; NULL ret: thrown away).
 * Returns 0 for exit status 0; -EIO another end, the text tells which and why; -ETIME it was killed at the limit;
 * -EFBIG; -ENOMEM; -errno it cannot be started
 * (-ENOEXEC, -EACCES: the text says what that means).
 */
int command_run(const char *const argv[], int64_t limit_ns, char **ret_output, size_t *ret_len, struct error *err);

/* The same for a program that is to see another name of its own in argv[0]. */
int command_run_as(const char *program, const char *const argv[], int64_t limit_ns, char **ret_output, size_t *ret_len,
		   struct error *err);

#endif
