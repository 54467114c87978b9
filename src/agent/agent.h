/* SPDX-License-Identifier: Apache-2.0 */
/*
 * src/agent/agent.h: the agent's life: take the lock, listen, read the policies, open the sensor, give every container
 * its policies, find what started unseen; then the loop, until a signal. The sockets are there before the policies, and
 * are served after them: a hook's call waits in the socket meanwhile.
 */
#ifndef AGENT_AGENT_H
#define AGENT_AGENT_H

struct agent_options;
struct error;
struct log;

#define AGENT_STATE_DIR "/run/tetragon" /* <bpf-dir>/lock and <bpf-dir>/policies below it */

/*
 * Runs until SIGTERM or SIGINT (0); a second signal kills it. On failure (-errno, text in `err`) the sockets are gone,
 * and what the kernel enforced before is still enforced.
 */
int agent_run(const struct agent_options *options, struct log *log, struct error *err);

#endif
