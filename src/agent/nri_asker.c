/* SPDX-License-Identifier: Apache-2.0 */
#include "agent/nri_asker.h"

#include <errno.h>
#include <string.h>

#include "agent/admission.h"
#include "agent/request_memory.h"
#include "agent/runtime_hook.h"
#include "base/clock.h"
#include "base/error.h"
#include "rpc/grpc_wire.h"
#include "tetragon/tetragon.pb-c.h"

/* One enumeration on either side of the wire. */
_Static_assert((int)ASK_AHEAD == (int)TETRAGON__RUNTIME_HOOK_REASON__RUNTIME_HOOK_REASON_AHEAD, "reasons");
_Static_assert((int)ASK_START == (int)TETRAGON__RUNTIME_HOOK_REASON__RUNTIME_HOOK_REASON_START, "reasons");
_Static_assert((int)ASK_LISTED == (int)TETRAGON__RUNTIME_HOOK_REASON__RUNTIME_HOOK_REASON_LISTED, "reasons");
_Static_assert((int)ASK_UNSEEN == (int)TETRAGON__RUNTIME_HOOK_REASON__RUNTIME_HOOK_REASON_UNSEEN, "reasons");

/* NUL-terminated; NULL: no memory. */
static const char *copy(struct request_memory *memory, struct str text)
{
	char *to = request_memory_alloc(memory, text.len + 1); /* of a message of limited size: cannot wrap */

	if (!to)
		return NULL;
	if (text.len)
		memcpy(to, text.p, text.len);
	to[text.len] = '\0';
	return to;
}

static bool texts_take(struct request_memory *memory, const struct nri_subject *subject,
		       struct admission_request *request)
{
	const struct identity *identity = &subject->container.identity;
	const struct {
		const char **to;
		struct str text;
	} texts[] = {
		{ &request->cgroup_path, subject->container.cgroup_path },
		{ &request->container_id, identity->container_id },
		{ &request->container_name, identity->container_name },
		{ &request->image, identity->image },
		{ &request->pod_name, identity->pod_name },
		{ &request->pod_uid, identity->pod_uid },
		{ &request->pod_namespace, identity->pod_namespace },
	};

	for (size_t i = 0; i < sizeof texts / sizeof *texts; i++)
		if (!(*texts[i].to = copy(memory, texts[i].text)))
			return false;
	return true;
}

static bool labels_take(struct request_memory *memory, const struct nri_subject *subject,
			struct admission_request *request)
{
	struct nri_walk walk = nri_pod_labels(subject->pod);
	struct nri_walk ahead = walk;
	struct pod_label *label;
	struct str key, value;
	size_t n = 0;

	while (nri_walk_pair(&ahead, &key, &value))
		n++;
	label = request_memory_alloc(memory, (n + 1) * sizeof *label);
	if (!label)
		return false;
	for (n = 0; nri_walk_pair(&walk, &key, &value); n++) {
		label[n] = (struct pod_label){ copy(memory, key), copy(memory, value) };
		if (!label[n].key || !label[n].value)
			return false;
	}
	request->label = label;
	request->labels = n;
	request->labels_known = nri_subject_labels_known(subject);
	return true;
}

static void refuse(struct agent_answer *answer, int code, const char *text)
{
	struct buf message = buf_over(answer->result.message, sizeof answer->result.message);
	struct buf error = buf_over(answer->error, sizeof answer->error);

	answer->result.status = (int)grpc_status_of_errno(code);
	buf_printf(&message, "%.*s", (int)sizeof answer->result.message - 1, text);
	buf_printf(&error, "rpc error: code = %s desc = %.*s", grpc_status_name(answer->result.status),
		   ASK_ERROR_MAX - 64, text);
}

bool nri_asker_ask(void *context, const struct nri_subject *subject, enum ask_why why, int64_t deadline_ns,
		   struct agent_answer *ret_answer)
{
	struct nri_asker *asker = context;
	int64_t began_ns = clock_now_ns(CLOCK_MONOTONIC);
	struct admission_request request = { .source = POD_FROM_NRI_INSIDE, .peer_pid = asker->runtime_pid };
	struct admission_answer answer;
	struct request_memory memory;
	struct error err = { 0 };
	int r = -ENOMEM;

	(void)deadline_ns;
	*ret_answer = (struct agent_answer){ .result = { .outcome = GRPC_ANSWERED, .is_servers_word = true } };
	request_memory_init(&memory);
	if (texts_take(&memory, subject, &request) && labels_take(&memory, subject, &request))
		r = runtime_hook_decide(asker->admission, asker->announced, asker->log, (int)why, "nri-in-agent",
					began_ns, &request, &answer, &err);
	else
		(void)error_set(&err, ENOMEM, "no memory for what the runtime tells of the container");
	if (r < 0)
		refuse(ret_answer, r, err.text);
	else
		ret_answer->known = answer.is_new ? ASK_IS_NEW : ASK_WAS_KNOWN;
	request_memory_done(&memory);
	ret_answer->took_ns = clock_now_ns(CLOCK_MONOTONIC) - began_ns;
	return r >= 0;
}
