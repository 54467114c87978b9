/* SPDX-License-Identifier: Apache-2.0 */
#include "agent/rpc_handlers.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "agent/admission.h"
#include "agent/container_dump.h"
#include "agent/event_streams.h"
#include "agent/policies.h"
#include "agent/policy_status.h"
#include "agent/request_memory.h"
#include "agent/runtime_hook.h"
#include "base/buf.h"
#include "base/cleanup.h"
#include "base/clock.h"
#include "base/error.h"
#include "base/log.h"
#include "policy/policy.h"
#include "rpc/grpc_wire.h"
#include "tetragon/sensors.pb-c.h"

#define SERVICE "/tetragon.FineGuidanceSensors/"
#define SMALL_REQUEST 4096 /* bytes: requests without, or with few fields */
#define EVENTS_REQUEST (256 * 1024)
#define POLICY_REQUEST (POLICY_BYTES_MAX + 4096)
#define ANSWER_MAX (64 * 1024 * 1024)

static void reply(struct grpc_call *call, const ProtobufCMessage *message)
{
	size_t size = protobuf_c_message_get_packed_size(message);
	auto_free uint8_t *packed = size <= ANSWER_MAX ? malloc(size + 1) : NULL;

	if (!packed) {
		grpc_call_fail(call, GRPC_RESOURCE_EXHAUSTED, "no memory for the answer; try again");
		return;
	}
	grpc_call_reply(call, packed, protobuf_c_message_pack(message, packed));
}

/* Unpacks the request, or fails the call. */
static const ProtobufCMessage *request_of(struct grpc_call *call, struct request_memory *memory,
					  const ProtobufCMessageDescriptor *descriptor, const uint8_t *message,
					  size_t len)
{
	const ProtobufCMessage *request;

	request_memory_init(memory);
	request = request_unpack(memory, descriptor, message, len);
	if (!request)
		grpc_call_fail(call, GRPC_INTERNAL, "the request is malformed or too large");
	return request;
}

static void runtime_hook(void *context, struct grpc_call *call, const uint8_t *message, size_t len)
{
	struct rpc_handlers *handlers = context;

	runtime_hook_handle(handlers->admission, handlers->announced, handlers->log, call, message, len);
}

static void get_events(void *context, struct grpc_call *call, const uint8_t *message, size_t len)
{
	struct rpc_handlers *handlers = context;

	event_streams_handle(handlers->streams, call, message, len);
}

static void get_version(void *context, struct grpc_call *call, const uint8_t *message, size_t len)
{
	Tetragon__GetVersionResponse response = TETRAGON__GET_VERSION_RESPONSE__INIT;
	char version[] = PROJECT_VERSION;

	(void)context, (void)message, (void)len;
	response.version = version;
	reply(call, &response.base);
}

static void get_health(void *context, struct grpc_call *call, const uint8_t *message, size_t len)
{
	Tetragon__GetHealthStatusResponse response = TETRAGON__GET_HEALTH_STATUS_RESPONSE__INIT;
	Tetragon__HealthStatus status = TETRAGON__HEALTH_STATUS__INIT;
	Tetragon__HealthStatus *list[] = { &status };
	char details[] = "running";

	(void)context, (void)message, (void)len;
	status.event = TETRAGON__HEALTH_STATUS_TYPE__HEALTH_STATUS_TYPE_STATUS;
	status.status = TETRAGON__HEALTH_STATUS_RESULT__HEALTH_STATUS_RUNNING;
	status.details = details;
	response.health_status = list;
	response.n_health_status = 1;
	reply(call, &response.base);
}

/* A change of policies is an event of its own in the log, whoever asked. */
static void log_change(struct log *log, const char *msg, const char *name, const char *name_space, const char *error)
{
	if (error)
		(void)log_event(log, LOG_WARN, msg, "policy", name, "namespace", name_space, "error", error, NULL);
	else
		(void)log_event(log, LOG_INFO, msg, "policy", name, "namespace", name_space, NULL);
}

static void add_tracing_policy(void *context, struct grpc_call *call, const uint8_t *message, size_t len)
{
	struct rpc_handlers *handlers = context;
	const Tetragon__AddTracingPolicyRequest *request;
	struct request_memory memory;
	struct error err = { 0 };
	int r;

	request = (const void *)request_of(call, &memory, &tetragon__add_tracing_policy_request__descriptor, message,
					   len);
	if (request) {
		r = policies_add(handlers->policies, request->yaml, strlen(request->yaml), request->domain, &err);
		if (r < 0) {
			log_change(handlers->log, "tracing policy is not added", "", "", err.text);
			grpc_call_fail(call, grpc_status_of_errno(r), err.text);
		} else {
			for (size_t i = 0; policies_at(handlers->policies, i); i++)
				if (!policies_at(handlers->policies, i + 1)) /* the newest is the last */
					policy_status_log(handlers->log, handlers->sensor,
							  policies_at(handlers->policies, i));
			policy_status_undecided(handlers->log, handlers->policies);
			grpc_call_reply(call, NULL, 0);
		}
	}
	request_memory_done(&memory);
}

static void delete_tracing_policy(void *context, struct grpc_call *call, const uint8_t *message, size_t len)
{
	struct rpc_handlers *handlers = context;
	const Tetragon__DeleteTracingPolicyRequest *request;
	struct request_memory memory;
	struct error err = { 0 };
	int r;

	request = (const void *)request_of(call, &memory, &tetragon__delete_tracing_policy_request__descriptor, message,
					   len);
	if (request) {
		r = policies_delete(handlers->policies, request->domain, request->namespace_, request->name, &err);
		log_change(handlers->log, r < 0 ? "tracing policy is not deleted" : "tracing policy is deleted",
			   request->name, request->namespace_, r < 0 ? err.text : NULL);
		if (r < 0)
			grpc_call_fail(call, grpc_status_of_errno(r), err.text);
		else
			grpc_call_reply(call, NULL, 0);
	}
	request_memory_done(&memory);
}

static Tetragon__LogLevel log_level_told(enum log_level level)
{
	switch (level) {
	case LOG_TRACE:
		return TETRAGON__LOG_LEVEL__LOG_LEVEL_TRACE;
	case LOG_DEBUG:
		return TETRAGON__LOG_LEVEL__LOG_LEVEL_DEBUG;
	case LOG_INFO:
		return TETRAGON__LOG_LEVEL__LOG_LEVEL_INFO;
	case LOG_WARN:
		return TETRAGON__LOG_LEVEL__LOG_LEVEL_WARN;
	case LOG_ERROR:
		break;
	}
	return TETRAGON__LOG_LEVEL__LOG_LEVEL_ERROR;
}

static bool list_fill(struct rpc_handlers *handlers, struct request_memory *memory, const char *domain,
		      Tetragon__ListTracingPoliciesResponse *response)
{
	const struct policies_entry *entry;

	uint32_t *containers = request_memory_alloc(memory, ABI_POLICIES * sizeof *containers);

	response->policies = request_memory_alloc(memory, ABI_POLICIES * sizeof(void *));
	if (!response->policies || !containers)
		return false;
	container_dump_count(handlers->sensor, containers);
	for (size_t i = 0; (entry = policies_at(handlers->policies, i)); i++) {
		if (*domain && strcmp(domain, entry->domain))
			continue;
		response->policies[response->n_policies] = policy_status_new(memory, handlers->sensor, entry);
		if (!response->policies[response->n_policies])
			return false;
		response->policies[response->n_policies]->containers = containers[entry->slot];
		response->n_policies++;
	}
	return true;
}

static void list_tracing_policies(void *context, struct grpc_call *call, const uint8_t *message, size_t len)
{
	Tetragon__ListTracingPoliciesResponse response = TETRAGON__LIST_TRACING_POLICIES_RESPONSE__INIT;
	struct rpc_handlers *handlers = context;
	const Tetragon__ListTracingPoliciesRequest *request;
	struct request_memory memory;

	request = (const void *)request_of(call, &memory, &tetragon__list_tracing_policies_request__descriptor, message,
					   len);
	if (request && !list_fill(handlers, &memory, request->domain, &response))
		grpc_call_fail(call, GRPC_RESOURCE_EXHAUSTED,
			       "the list of policies is too long for one answer; name a domain");
	else if (request)
		reply(call, &response.base);
	request_memory_done(&memory);
}

static void get_debug(void *context, struct grpc_call *call, const uint8_t *message, size_t len)
{
	static const Tetragon__DumpContainersReqArgs all = TETRAGON__DUMP_CONTAINERS_REQ_ARGS__INIT;
	Tetragon__DumpContainersResArgs containers = TETRAGON__DUMP_CONTAINERS_RES_ARGS__INIT;
	Tetragon__GetDebugResponse response = TETRAGON__GET_DEBUG_RESPONSE__INIT;
	struct rpc_handlers *handlers = context;
	const Tetragon__GetDebugRequest *request;
	struct request_memory memory;

	request = (const void *)request_of(call, &memory, &tetragon__get_debug_request__descriptor, message, len);
	if (request && request->flag == TETRAGON__CONFIG_FLAG__CONFIG_FLAG_LOG_LEVEL) {
		response.flag = request->flag;
		response.arg_case = TETRAGON__GET_DEBUG_RESPONSE__ARG_LEVEL;
		response.level = log_level_told(handlers->log->level);
		reply(call, &response.base);
	} else if (request && request->flag == TETRAGON__CONFIG_FLAG__CONFIG_FLAG_DUMP_CONTAINERS) {
		const struct container_dump dump = { handlers->admission->registry, handlers->policies,
						     handlers->sensor, &memory };
		bool is_asked = request->arg_case == TETRAGON__GET_DEBUG_REQUEST__ARG_CONTAINERS;

		response.flag = request->flag;
		response.arg_case = TETRAGON__GET_DEBUG_RESPONSE__ARG_CONTAINERS;
		response.containers = &containers;
		if (container_dump_fill(&dump, is_asked ? request->containers : &all, &containers) < 0)
			grpc_call_fail(call, GRPC_RESOURCE_EXHAUSTED, "no memory for the answer; try again");
		else
			reply(call, &response.base);
	} else if (request) {
		char text[64];
		struct buf out = buf_over(text, sizeof text);

		buf_printf(&out, "client requested unknown config flag %d", (int)request->flag);
		grpc_call_fail(call, GRPC_UNKNOWN, text);
	}
	request_memory_done(&memory);
}

void rpc_denied(void *context, const struct grpc_peer *peer, const char *path)
{
	struct rpc_handlers *handlers = context;
	int64_t now_ns = clock_now_ns(CLOCK_MONOTONIC);
	struct log_line line;

	handlers->denied++;
	if (handlers->denied_told_ns && now_ns - handlers->denied_told_ns < NS_PER_S)
		return;
	handlers->denied_told_ns = now_ns;
	log_begin(&line, handlers->log, LOG_WARN,
		  "a caller who is not root on the unix socket asked for a change: refused");
	log_text(&line, "method", path);
	log_text(&line, "socket", peer->is_unix ? "unix" : "tcp");
	if (peer->has_creds) {
		log_int(&line, "uid", peer->uid);
		log_int(&line, "pid", peer->pid);
	}
	log_int(&line, "refused-so-far", (int64_t)handlers->denied);
	(void)log_end(&line); /* counted in the log */
}

const struct grpc_method rpc_methods[] = {
	/* path                               stream changes request's limit */
	{ SERVICE "RuntimeHook", false, true, 0, runtime_hook },
	{ SERVICE "GetVersion", false, false, SMALL_REQUEST, get_version },
	{ SERVICE "GetHealth", false, false, SMALL_REQUEST, get_health },
	{ SERVICE "GetEvents", true, false, EVENTS_REQUEST, get_events },
	{ SERVICE "AddTracingPolicy", false, true, POLICY_REQUEST, add_tracing_policy },
	{ SERVICE "DeleteTracingPolicy", false, true, SMALL_REQUEST, delete_tracing_policy },
	{ SERVICE "GetDebug", false, false, SMALL_REQUEST, get_debug },
	{ SERVICE "ListTracingPolicies", false, false, SMALL_REQUEST, list_tracing_policies },
	{ 0 },
};
