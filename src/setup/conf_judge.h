/* SPDX-License-Identifier: Apache-2.0 */
/*
 * src/setup/conf_judge.h: the runtime's own program judges a configuration before it counts. An exit status of 0 is not
 * enough: containerd 2.x prints a configuration whose imports are missing, with which it then does not start. So: the
 * old and the new file are both put in force on paper (`config dump`, `crio config`), every plain import exists, what
 * differs is what we meant to change, and what we wanted is in force.
 */
#ifndef SETUP_CONF_JUDGE_H
#define SETUP_CONF_JUDGE_H

struct conf_judge;
struct conf_set;
struct error;
struct setup_context;
struct toml;

extern const struct conf_judge conf_judge_nri, conf_judge_hook, conf_judge_crio;

/*
 * What the runtime has in force with the files as they are (`set`); *ret_defaults: what it has where it says nothing,
 * NULL where that cannot be asked. 0, or what command_run returns.
 */
int conf_judge_before(struct setup_context *context, const struct conf_judge *judge, const struct conf_set *set,
		      const char *root, struct toml **ret_in_force, struct toml **ret_defaults, struct error *err);

/*
 * Judges `after`, the files as they would be, on paper: nothing of it lies on the disk. 0; -EBADMSG: it must not be
 * used, the text says why; or what command_run returns.
 */
int conf_judge_run(struct setup_context *context, const struct conf_judge *judge, const struct toml *before,
		   const struct toml *defaults, const struct conf_set *after, const char *root, struct error *err);

#endif
