/* SPDX-License-Identifier: Apache-2.0 */
/*
 * src/nri/nri_plugin.h: what a plugin is to this library: its name, the events it wants, and functions that are called.
 * All of them run in the thread that drives the session (nri_session.h) or the link (nri_link.h); what they are given
 * is valid until they return. A function that is not needed may be NULL.
 */
#ifndef NRI_NRI_PLUGIN_H
#define NRI_NRI_PLUGIN_H

#include "base/buf.h"
#include "nri/nri_answer.h"
#include "nri/nri_message.h"

struct nri_plugin {
	const char *name;  /* borrowed; for a plugin that the runtime launched, the file's name wins */
	const char *index; /* two digits: plugins are called in their order */
	/*
	 * NRI_BIT(…) of each; bits that the runtime does not know are left out. 0 after that would mean "all" to the
	 * runtime: the session is ended instead.
	 */
	uint32_t events;

	/* First of all. May change *events. A negative errno with text ends the session. */
	int (*configure)(void *user, const struct nri_runtime *runtime, uint32_t *events, struct error *err);

	/*
	 * What exists already: begin, then pods and containers in any order (a container's pod may come later or not at
	 * all), then end. A list that breaks off is begun anew. They must be quick: the runtime waits, with all pods of
	 * the node, and for all parts together only as long as for one request.
	 */
	void (*list_begin)(void *user);
	void (*list_pod)(void *user, const struct nri_pod *pod);
	void (*list_container)(void *user, const struct nri_container *container);
	void (*list_end)(void *user);

	/*
	 * An event. Whatever the function does must take less than request->timeout_ns: a plugin that is late is
	 * dropped, and the container goes on without it. `answer` is empty; see nri_answer.h for what may be put there.
	 * Returns 0, or a negative errno: err->text then goes to the runtime, which refuses the container if the event
	 * is one where it can.
	 */
	int (*event)(void *user, const struct nri_request *request, struct buf *answer, struct error *err);

	/* The answer to nri_session_update: code 0 or gRPC's, `failed` containers that could not be updated. */
	void (*updated)(void *user, int code, struct str text, unsigned failed);
	void (*shutdown)(void *user); /* the runtime says goodbye; it closes next */
	void *user;
};

#endif
