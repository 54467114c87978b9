/* SPDX-License-Identifier: Apache-2.0 */
#include "nri/nri_session.h"

#include <errno.h>
#include <stdlib.h>

#include "base/error.h"
#include "nri/nri_out.h"
#include "rpc/grpc_status.h"
#include "rpc/nri_mux.h"
#include "rpc/pb_read.h"
#include "rpc/pb_write.h"
#include "rpc/ttrpc.h"

#define SERVICE_PLUGIN STR("nri.pkg.api.v1alpha1.Plugin")
#define SERVICE_RUNTIME STR("nri.pkg.api.v1alpha1.Runtime")
#define NRI_VERSION STR("v0.12.0") /* what we speak; runtimes below 0.12 skip the field */

enum { REGISTER_NAME = 1, REGISTER_INDEX, REGISTER_NRI_VERSION };
enum { CONFIGURE_EVENTS = 2 };
enum { SYNCHRONIZE_PODS = 1, SYNCHRONIZE_CONTAINERS, SYNCHRONIZE_MORE };
enum { SYNCHRONIZED_MORE = 2 };
enum { UPDATED_FAILED = 1 };

#define REGISTER_STREAM 1

struct nri_session {
	const struct nri_plugin *plugin;
	struct nri_session_counts counts;
	struct nri_mux mux;
	struct ttrpc_stream from_runtime; /* requests to us */
	struct ttrpc_stream answers;      /* to our requests */
	struct nri_out out;
	struct nri_runtime runtime; /* its texts are gone: numbers only */
	uint32_t events;            /* as told to the runtime */
	uint32_t last_stream;       /* of its requests */
	uint32_t own_stream;        /* last one of ours */
	uint32_t update_stream;     /* not answered yet; 0 = none */
	int64_t start_ns, now_ns;
	bool is_registered, is_configured, is_listing, is_listed;
	char answer[NRI_ANSWER_MAX]; /* pages that nobody touches cost nothing */
};

/* What a request's answer is made of. */
struct reply {
	int code; /* enum grpc_status */
	struct buf body;
	struct error err;
};

static void refuse(struct reply *reply, enum grpc_status code, const char *text)
{
	reply->code = (int)code;
	(void)error_set(&reply->err, EPROTO, "%s", text);
}

/* --- methods of the plugin service --- */

static int configure(struct nri_session *session, struct str message, struct reply *reply, struct error *err)
{
	const struct nri_plugin *plugin = session->plugin;
	uint32_t events = plugin->events;
	struct nri_runtime runtime;
	int r;

	if (session->is_configured) {
		refuse(reply, GRPC_FAILED_PRECONDITION, "configured already");
		return 0;
	}
	if (nri_runtime_parse(message, &runtime, &reply->err) < 0) {
		reply->code = GRPC_INVALID_ARGUMENT;
		return 0;
	}
	if (plugin->configure) {
		r = plugin->configure(plugin->user, &runtime, &events, err);
		if (r < 0)
			return error_wrap(err, -ECANCELED, "Configure");
	}
	events &= runtime.range;
	if (!events)
		return error_set(err, ECANCELED, "Configure: this runtime (%.*s %.*s) has none of the events wanted",
				 (int)runtime.name.len, runtime.name.p, (int)runtime.version.len, runtime.version.p);
	session->runtime = (struct nri_runtime){ .request_ns = runtime.request_ns,
						 .registration_ns = runtime.registration_ns,
						 .range = runtime.range };
	session->events = events;
	session->is_configured = true;
	pb_number(&reply->body, CONFIGURE_EVENTS, events);
	return 0;
}

/* Only looks: what is malformed must not reach the plugin in part. */
static int synchronize_check(struct str message, bool *ret_more, struct error *err)
{
	struct nri_container container;
	struct pb_field field;
	struct nri_pod pod;
	int r;

	*ret_more = false;
	while ((r = pb_next(&message, &field)) > 0) {
		if (field.number == SYNCHRONIZE_MORE)
			*ret_more = field.value;
		else if (field.number == SYNCHRONIZE_PODS)
			r = field.type == PB_BYTES ? nri_pod_parse(field.bytes, &pod, err) : -EINVAL;
		else if (field.number == SYNCHRONIZE_CONTAINERS)
			r = field.type == PB_BYTES ? nri_container_parse(field.bytes, &container, err) : -EINVAL;
		if (r < 0)
			break;
	}
	return r < 0 ? error_set(err, EINVAL, "Synchronize: malformed") : 0;
}

static void synchronize_tell(const struct nri_plugin *plugin, struct str message)
{
	struct nri_container container;
	struct pb_field field;
	struct nri_pod pod;

	while (pb_next(&message, &field) > 0)
		if (field.number == SYNCHRONIZE_PODS && plugin->list_pod && nri_pod_parse(field.bytes, &pod, NULL) >= 0)
			plugin->list_pod(plugin->user, &pod);
		else if (field.number == SYNCHRONIZE_CONTAINERS && plugin->list_container &&
			 nri_container_parse(field.bytes, &container, NULL) >= 0)
			plugin->list_container(plugin->user, &container);
}

static int synchronize(struct nri_session *session, struct str message, struct reply *reply, struct error *err)
{
	const struct nri_plugin *plugin = session->plugin;
	bool more;

	(void)err;
	if (!session->is_configured) {
		refuse(reply, GRPC_FAILED_PRECONDITION, "Synchronize before Configure");
		return 0;
	}
	if (synchronize_check(message, &more, &reply->err) < 0) {
		session->is_listing = false;
		reply->code = GRPC_INVALID_ARGUMENT;
		return 0;
	}
	session->counts.list_parts++;
	if (!session->is_listing && plugin->list_begin)
		plugin->list_begin(plugin->user);
	session->is_listing = true;
	synchronize_tell(plugin, message);
	pb_number(&reply->body, SYNCHRONIZED_MORE, more);
	if (!more) {
		session->is_listing = false;
		session->is_listed = true;
		if (plugin->list_end)
			plugin->list_end(plugin->user);
	}
	return 0;
}

static int shutdown_told(struct nri_session *session, struct str message, struct reply *reply, struct error *err)
{
	(void)message;
	(void)reply;
	(void)err;
	if (session->plugin->shutdown)
		session->plugin->shutdown(session->plugin->user);
	return 0;
}

static void event_tell(struct nri_session *session, struct nri_request *request, int64_t timeout_ns,
		       struct reply *reply)
{
	const struct nri_plugin *plugin = session->plugin;
	int64_t limit_ns = session->runtime.request_ns;

	session->counts.requests++;
	if (!(session->events & NRI_BIT(request->event)) || !plugin->event)
		return; /* nothing to say to what we did not ask for */
	request->received_ns = session->now_ns;
	request->timeout_ns = timeout_ns && timeout_ns < limit_ns ? timeout_ns : limit_ns;
	if (plugin->event(plugin->user, request, &reply->body, &reply->err) < 0)
		reply->code = GRPC_UNKNOWN; /* what a plugin's plain error becomes in the original library */
	else if (reply->body.overflow)
		refuse(reply, GRPC_RESOURCE_EXHAUSTED, "the plugin's answer is too large");
	if (reply->code)
		session->counts.refused++;
}

/* --- dispatch --- */

struct method {
	const char *name;
	int (*call)(struct nri_session *session, struct str message, struct reply *reply, struct error *err);
};
static const struct method methods[] = {
	{ "Configure", configure },
	{ "Synchronize", synchronize },
	{ "Shutdown", shutdown_told },
};

static enum nri_event event_of(struct str method)
{
	for (unsigned event = 1; event < NRI_EVENTS; event++)
		if (str_is(method, nri_event_name((enum nri_event)event)))
			return (enum nri_event)event;
	return (enum nri_event)0;
}

/* Returns what ends the session, or 0 with the reply. */
static int request_serve(struct nri_session *session, const struct ttrpc_request *request, struct reply *reply,
			 struct error *err)
{
	struct nri_request event = { 0 };
	int r;

	if (!str_equal(request->service, SERVICE_PLUGIN)) {
		refuse(reply, GRPC_UNIMPLEMENTED, "unknown service");
		return 0;
	}
	for (size_t i = 0; i < sizeof methods / sizeof *methods; i++)
		if (str_is(request->method, methods[i].name))
			return methods[i].call(session, request->payload, reply, err);
	event.event = event_of(request->method);
	if (!event.event && !str_is(request->method, "StateChange")) {
		refuse(reply, GRPC_UNIMPLEMENTED, "unknown method");
		return 0;
	}
	if (!session->is_listed) {
		refuse(reply, GRPC_FAILED_PRECONDITION, "an event before Synchronize");
		return 0;
	}
	r = event.event ? nri_request_parse(event.event, request->payload, &event, &reply->err)
			: nri_state_change_parse(request->payload, &event, &reply->err);
	if (r < 0)
		reply->code = GRPC_INVALID_ARGUMENT;
	else
		event_tell(session, &event, request->timeout_ns, reply);
	return 0;
}

static int request_take(struct nri_session *session, const struct ttrpc_frame *frame, struct error *err)
{
	struct reply reply = { .body = buf_over(session->answer, sizeof session->answer) };
	struct ttrpc_request request = { 0 };
	uint64_t refused = session->counts.refused;
	struct ttrpc_response response;
	int r = 0;

	if (frame->type != TTRPC_REQUEST)
		return 0; /* answers and data have no place here */
	if (!(frame->stream & 1) || frame->stream <= session->last_stream)
		refuse(&reply, GRPC_INVALID_ARGUMENT, "stream id is even or was used before");
	else if (frame->is_too_large)
		refuse(&reply, GRPC_RESOURCE_EXHAUSTED, "request is larger than 4 MiB");
	else if (ttrpc_request_parse(frame->payload, &request) < 0)
		refuse(&reply, GRPC_INVALID_ARGUMENT, "malformed request");
	else
		r = request_serve(session, &request, &reply, err);
	if (r < 0) { /* the last thing that is said here: the runtime's log tells why */
		response = (struct ttrpc_response){ .code = GRPC_FAILED_PRECONDITION,
						    .message = str_of(err ? err->text : "") };
		(void)nri_out_response(&session->out, NRI_MUX_PLUGIN, frame->stream, &response, NULL);
		return r;
	}
	if (frame->stream > session->last_stream)
		session->last_stream = frame->stream;
	session->counts.bad_requests += reply.code && session->counts.refused == refused;
	response = (struct ttrpc_response){ .code = reply.code,
					    .message = str_of(reply.err.text),
					    .payload = { reply.body.p, reply.code ? 0 : reply.body.len } };
	return nri_out_response(&session->out, NRI_MUX_PLUGIN, frame->stream, &response, err);
}

static void updated_tell(const struct nri_plugin *plugin, const struct ttrpc_response *response)
{
	struct nri_walk walk = { response->payload, UPDATED_FAILED };
	unsigned failed = 0;
	struct str one;

	while (nri_walk_next(&walk, &one))
		failed++;
	if (plugin->updated)
		plugin->updated(plugin->user, response->code, response->message, failed);
}

static int answer_take(struct nri_session *session, const struct ttrpc_frame *frame, struct error *err)
{
	struct ttrpc_response response;

	if (frame->type != TTRPC_RESPONSE)
		return 0;
	if (frame->is_too_large || ttrpc_response_parse(frame->payload, &response) < 0)
		return error_set(err, EPROTO, "malformed answer from the runtime");
	if (frame->stream == REGISTER_STREAM && !session->is_registered) {
		if (response.code)
			return error_set(err, ECONNREFUSED, "the runtime refused the registration as %s-%s: %.*s",
					 session->plugin->index, session->plugin->name, (int)response.message.len,
					 response.message.p);
		session->is_registered = true;
	} else if (session->update_stream && frame->stream == session->update_stream) {
		session->update_stream = 0;
		updated_tell(session->plugin, &response);
	}
	return 0;
}

static int piece_take(struct nri_session *session, const struct nri_mux_piece *piece, struct error *err)
{
	struct ttrpc_stream *stream = piece->id == NRI_MUX_PLUGIN ? &session->from_runtime : &session->answers;
	struct str rest = piece->bytes;
	struct ttrpc_frame frame;
	int r;

	if (piece->id != NRI_MUX_PLUGIN && piece->id != NRI_MUX_RUNTIME)
		return 0; /* as the original does */
	while ((r = ttrpc_next(stream, &rest, &frame, err)) > 0) {
		r = piece->id == NRI_MUX_PLUGIN ? request_take(session, &frame, err)
						: answer_take(session, &frame, err);
		if (r < 0)
			break;
	}
	return r;
}

int nri_session_feed(struct nri_session *session, const void *bytes, size_t n, int64_t now_ns, struct error *err)
{
	struct str input = { bytes, n };
	struct nri_mux_piece piece;
	int r;

	session->now_ns = now_ns;
	while ((r = nri_mux_next(&session->mux, &input, &piece, err)) > 0) {
		r = piece_take(session, &piece, err);
		if (r < 0)
			break;
	}
	return r;
}

/* --- what goes out, and the rest --- */

static int call(struct nri_session *session, struct str method, struct str body, struct error *err)
{
	const struct ttrpc_request request = { .service = SERVICE_RUNTIME, .method = method, .payload = body };
	uint32_t stream = session->own_stream ? session->own_stream + 2 : REGISTER_STREAM;
	int r = nri_out_request(&session->out, NRI_MUX_RUNTIME, stream, &request, err);

	if (r >= 0)
		session->own_stream = stream;
	return r;
}

struct nri_session *nri_session_new(const struct nri_plugin *plugin, int64_t now_ns)
{
	char memory[2 * NRI_NAME_OF_PLUGIN_MAX + 64];
	struct buf body = buf_over(memory, sizeof memory);
	struct nri_session *session = malloc(sizeof *session); /* not calloc: see `answer` */

	if (!session)
		return NULL;
	memset(session, 0, offsetof(struct nri_session, answer));
	session->plugin = plugin;
	session->start_ns = session->now_ns = now_ns;
	pb_text(&body, REGISTER_NAME, str_of(plugin->name));
	pb_text(&body, REGISTER_INDEX, str_of(plugin->index));
	pb_text(&body, REGISTER_NRI_VERSION, NRI_VERSION);
	if (body.overflow || call(session, STR("RegisterPlugin"), (struct str){ body.p, body.len }, NULL) < 0) {
		nri_session_free(session);
		return NULL;
	}
	return session;
}

void nri_session_free(struct nri_session *session)
{
	if (!session)
		return;
	ttrpc_stream_done(&session->from_runtime);
	ttrpc_stream_done(&session->answers);
	nri_out_done(&session->out);
	free(session);
}

struct str nri_session_out(const struct nri_session *session)
{
	return nri_out_bytes(&session->out);
}

void nri_session_sent(struct nri_session *session, size_t n)
{
	nri_out_sent(&session->out, n);
}

enum nri_phase nri_session_phase(const struct nri_session *session)
{
	if (session->is_registered && session->is_configured && session->is_listed)
		return NRI_IS_RUNNING;
	return session->is_registered && session->is_configured ? NRI_SYNCHRONIZING : NRI_REGISTERING;
}

const struct nri_session_counts *nri_session_counts(const struct nri_session *session)
{
	return &session->counts;
}

int64_t nri_session_deadline_ns(const struct nri_session *session)
{
	return nri_session_phase(session) == NRI_IS_RUNNING ? INT64_MAX : session->start_ns + NRI_START_MAX_NS;
}

int nri_session_update(struct nri_session *session, struct str body, struct error *err)
{
	int r;

	if (nri_session_phase(session) != NRI_IS_RUNNING)
		return error_set(err, EAGAIN, "UpdateContainers: the plugin is not running yet");
	if (session->update_stream)
		return error_set(err, EAGAIN, "UpdateContainers: the last request is not answered yet");
	if (body.len > NRI_UPDATE_MAX)
		return error_set(err, EMSGSIZE, "UpdateContainers: more than %d bytes", NRI_UPDATE_MAX);
	r = call(session, STR("UpdateContainers"), body, err);
	if (r >= 0)
		session->update_stream = session->own_stream;
	return r;
}
