/* SPDX-License-Identifier: Apache-2.0 */
/*
 * src/setup/conf_judge.h: the runtime's own program judges a configuration before it counts. An exit status of 0 is not
 * enough: containerd 2.x prints a configuration whose imports are missing, with which it then does not start. So: the
 * old and the new file are both put in force on paper (`config dump`, `crio config`), every plain import exists, what
 * differs is what we meant to change, and what we wanted is in force.
 */
#ifndef SETUP_CONF_JUDGE_H
#define SETUP_CONF_JUDGE_H

#include "base/str.h"

struct conf_judge;
struct error;
struct file_swap;
struct setup_context;

extern const struct conf_judge conf_judge_nri, conf_judge_hook, conf_judge_crio;

/*
 * Judges `after` as the content of the file that `swap` holds, under a temporary name beside it (imports are relative
 * to it), which stays for file_swap_commit. 0; -EBADMSG: it must not be used, the text says why; or what command_run
 * returns.
 */
int conf_judge_run(struct setup_context *context, const struct conf_judge *judge, struct file_swap *swap,
		   struct str after, struct error *err);

#endif
