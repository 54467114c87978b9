/* SPDX-License-Identifier: Apache-2.0 */
/*
 * src/agent/dump_client.h: tetragon --dump: asks the agent that runs what it knows of each container, and prints it: a
 * ContainerState (api/tetragon/sensors.proto) as one line of JSON each, oldest first.
 */
#ifndef AGENT_DUMP_CLIENT_H
#define AGENT_DUMP_CLIENT_H

#include <stdio.h>

struct error;

/*
 * `address`: a target as the agent's --server-address. Returns 0; -EINVAL no such target; -ECANCELED no agent answers
 * there, or it answers with an error or what is no list; -EPIPE cannot write; -ENOMEM.
 */
int dump_client_run(const char *address, FILE *out, struct error *err);

#endif
