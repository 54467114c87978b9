/* SPDX-License-Identifier: Apache-2.0 */
/*
 * src/setup/runtime_restart.h: has the runtime read its changed configuration, as --restart says.
 *   never    only says that a restart is needed
 *   systemd  systemctl restart UNIT
 *   signal   CRI-O: SIGHUP, with which it reads its handlers again; containerd has no such thing: SIGTERM, and whoever
 *            keeps it running has to start it again, which is waited for
 *   auto     systemd where it is the host's init, else signal
 * Containers keep running in each case: their shims are processes of their own.
 */
#ifndef SETUP_RUNTIME_RESTART_H
#define SETUP_RUNTIME_RESTART_H

struct error;
struct setup_context;

/* -EINVAL, as one of usage: no such way. */
int runtime_restart_check(struct setup_context *context, struct error *err);

/*
 * `program`: "containerd" or "crio"; config_file: of the daemon that is meant. 0; -ESRCH none runs with this file;
 * -ETIME it was ended and did not come back; as command_run.
 */
int runtime_restart(struct setup_context *context, const char *program, const char *config_file, struct error *err);

#endif
