/* SPDX-License-Identifier: Apache-2.0 */
/*
 * src/agent/nri_asker.h: what the NRI plugin inside the agent asks: the agent's own decision, by a function call
 * instead of a gRPC call. Same checks, same answers, same line in the agent's log as for a request of root on the
 * socket; nothing is serialised, only texts are given their NUL.
 */
#ifndef AGENT_NRI_ASKER_H
#define AGENT_NRI_ASKER_H

#include <sys/types.h>

#include "nri/agent_ask.h"

struct admission;
struct announced;
struct log;

struct nri_asker {
	struct admission *admission; /* borrowed, as the next two */
	struct announced *announced;
	struct log *log;
	/*
	 * The runtime on the other end, in our pid namespace; 0 = not known. What a hook's own process is to the exec
	 * rule (runtime_judge.h): somebody in the runtime's mount namespace.
	 */
	pid_t runtime_pid;
};

/*
 * asker.ask of a struct nri_asker (nri/agent_ask.h). The deadline is not looked at: nothing is waited for. An error of
 * the agent's own is answered as one that came over the socket: its status is the server's word.
 */
bool nri_asker_ask(void *asker, const struct nri_subject *subject, enum ask_why why, int64_t deadline_ns,
		   struct agent_answer *ret_answer);

#endif
