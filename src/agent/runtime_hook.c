/* SPDX-License-Identifier: Apache-2.0 */
#include "agent/runtime_hook.h"

#include <errno.h>

#include "agent/admission.h"
#include "agent/announced.h"
#include "agent/request_memory.h"
#include "base/clock.h"
#include "base/error.h"
#include "base/log.h"
#include "rpc/grpc_conn.h"
#include "rpc/grpc_wire.h"
#include "tetragon/tetragon.pb-c.h"

static void log_decision(struct log *log, const struct admission_request *request,
			 const struct admission_answer *answer, const char *reporter, int result,
			 const struct error *err, int64_t took_ns)
{
	bool is_armed = result >= 0 && !answer->cgroup_id;
	const char *undecided = result >= 0 ? answer->undecided : NULL;
	enum log_level level = result < 0 || undecided ? LOG_WARN : LOG_DEBUG;
	struct log_line line;

	if (level < log->level)
		return;
	log_begin(&line, log, level,
		  result < 0 ? "runtime hook refused"
		  : is_armed ? "runtime hook: container is armed before its cgroup is there"
			     : "runtime hook: container is under policy");
	if (result < 0)
		log_text(&line, "error", err->text);
	log_text(&line, "cgroup-path", request->cgroup_path);
	log_text(&line, "container-id", request->container_id);
	log_text(&line, "namespace", request->pod_namespace);
	log_text(&line, "pod", request->pod_name);
	if (*reporter)
		log_text(&line, "reporter", reporter);
	if (result >= 0) {
		log_int(&line, "cgroup-id", (int64_t)answer->cgroup_id);
		log_int(&line, "policies", answer->policies);
		log_int(&line, "flags", answer->flags);
		log_bool(&line, "known", !answer->is_new);
		if (undecided) /* it chooses by labels, name or image, and these are not known */
			log_text(&line, "undecided-policy", undecided);
	}
	log_int(&line, "took-us", took_ns / 1000);
	(void)log_end(&line); /* counted in the log */
}

/* Whoever gives a reason wants to know whether he told us something new. */
static void reply(struct grpc_call *call, const Tetragon__CreateContainer *create, bool is_new)
{
	Tetragon__RuntimeHookResponse response = TETRAGON__RUNTIME_HOOK_RESPONSE__INIT;
	uint8_t bytes[32];

	if (create->reason)
		response.known = is_new ? TETRAGON__RUNTIME_HOOK_KNOWN__RUNTIME_HOOK_KNOWN_NEW
					: TETRAGON__RUNTIME_HOOK_KNOWN__RUNTIME_HOOK_KNOWN_BEFORE;
	grpc_call_reply(call, bytes, tetragon__runtime_hook_response__pack(&response, bytes));
}

/* NULL: no memory. */
static const struct pod_label *labels_of(struct request_memory *memory, const Tetragon__CreateContainer *create)
{
	struct pod_label *label = request_memory_alloc(memory, (create->n_podlabels + 1) * sizeof *label);

	for (size_t i = 0; label && i < create->n_podlabels; i++)
		label[i] = (struct pod_label){ create->podlabels[i]->key, create->podlabels[i]->value };
	return label;
}

static int decide(struct admission *admission, struct announced *announced, int reason,
		  const struct admission_request *told, struct admission_answer *answer, struct error *err)
{
	struct admission_request request;
	int r;

	if (reason == TETRAGON__RUNTIME_HOOK_REASON__RUNTIME_HOOK_REASON_AHEAD)
		return announced_add(announced, told, clock_now_ns(CLOCK_BOOTTIME), answer, err);
	r = announced_join(announced, told, &request,
			   err); /* the kernel may have made it, and its record not be read yet */
	request.may_run = reason >= TETRAGON__RUNTIME_HOOK_REASON__RUNTIME_HOOK_REASON_LISTED;
	if (r >= 0)
		r = admission_admit(admission, &request, answer, err);
	if (r >= 0)
		announced_confirm(announced, answer->path);
	return r;
}

/* Rounded up: 0 stands for "not known". */
static uint32_t microseconds(int64_t ns)
{
	return ns < INT64_C(4000000000000) ? (uint32_t)(ns / 1000 + 1) : UINT32_MAX;
}

int runtime_hook_decide(struct admission *admission, struct announced *announced, struct log *log, int reason,
			const char *reporter, int64_t began_ns, const struct admission_request *told,
			struct admission_answer *ret_answer, struct error *err)
{
	int r = decide(admission, announced, reason, told, ret_answer, err);
	int64_t took_ns = clock_now_ns(CLOCK_MONOTONIC) - began_ns;

	if (r >= 0 && ret_answer->cgroup_id)
		pod_registry_decided(admission->registry, ret_answer->cgroup_id, microseconds(took_ns));
	else if (r >= 0)
		announced_decided(announced, ret_answer->path, microseconds(took_ns));
	log_decision(log, told, ret_answer, reporter, r, err, took_ns);
	return r;
}

void runtime_hook_handle(struct admission *admission, struct announced *announced, struct log *log,
			 struct grpc_call *call, const uint8_t *message, size_t len)
{
	int64_t began_ns = clock_now_ns(CLOCK_MONOTONIC);
	struct admission_answer answer;
	struct request_memory memory;
	const Tetragon__RuntimeHookRequest *request;
	const Tetragon__CreateContainer *create;
	const struct pod_label *label;
	struct error err = { 0 };
	int r;

	request_memory_init(&memory);
	request = (const Tetragon__RuntimeHookRequest *)request_unpack(
		&memory, &tetragon__runtime_hook_request__descriptor, message, len);
	create = request && request->event_case == TETRAGON__RUNTIME_HOOK_REQUEST__EVENT_CREATE_CONTAINER
			 ? request->createcontainer
			 : NULL;
	label = create ? labels_of(&memory, create) : NULL;
	if (!request) {
		grpc_call_fail(call, GRPC_INTERNAL, "RuntimeHook: the request is malformed or too large");
	} else if (!create) {
		grpc_call_fail(call, GRPC_INVALID_ARGUMENT, "RuntimeHook: want createContainer in the request");
	} else if (!label) {
		grpc_call_fail(call, GRPC_RESOURCE_EXHAUSTED, "RuntimeHook: the pod has too many labels");
	} else {
		const struct admission_request told = {
			.cgroup_path = create->cgroupspath,
			.root_dir = create->rootdir,
			.container_id = create->containerid,
			.container_name = create->containername,
			.image = create->containerimage,
			.pod_name = create->podname,
			.pod_uid = create->poduid,
			.pod_namespace = create->podnamespace,
			.label = label,
			.labels = create->n_podlabels,
			.labels_known = create->podlabelsknown || create->n_podlabels,
			.source = create->reason ? POD_FROM_NRI : POD_FROM_HOOK,
			.peer_pid = grpc_call_peer(call)->pid,
		};

		r = runtime_hook_decide(admission, announced, log, (int)create->reason, create->reporter, began_ns,
					&told, &answer, &err);
		if (r < 0)
			grpc_call_fail(call, grpc_status_of_errno(r), err.text);
		else
			reply(call, create, answer.is_new);
	}
	request_memory_done(&memory);
}
