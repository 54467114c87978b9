/* SPDX-License-Identifier: Apache-2.0 */
#include "nri/agent_ask.h"

#include <errno.h>
#include <stdlib.h>

#include "ask/ask_fields.h"
#include "base/clock.h"
#include "base/error.h"
#include "rpc/pb_read.h"
#include "rpc/pb_write.h"

enum { RESPONSE_KNOWN = 10001 };

#define PREFIX_BYTES 5 /* not compressed, length in big endian */

int agent_ask_init(struct agent_ask *ask, const char *address, struct error *err)
{
	*ask = (struct agent_ask){ .address = address };
	if (grpc_target_parse(str_of(address), &ask->target, err) < 0)
		return error_wrap(err, -EINVAL, "--grpc-address");
	ask->memory = malloc(ASK_ARENA_BYTES);
	if (!ask->memory)
		return error_set(err, ENOMEM, "no memory for calls to the agent");
	grpc_kept_init(&ask->kept, &ask->target, (char *)ask->memory + ASK_BODY_MAX);
	return 0;
}

void agent_ask_done(struct agent_ask *ask)
{
	if (ask->memory)
		grpc_kept_close(&ask->kept);
	free(ask->memory);
	ask->memory = NULL;
}

static void map_write(struct buf *out, unsigned field, struct nri_walk walk)
{
	struct str key, value;

	while (nri_walk_pair(&walk, &key, &value)) {
		size_t entry = pb_open(out, field);

		pb_item(out, MAP_KEY, key);
		pb_item(out, MAP_VALUE, value);
		pb_close(out, entry);
	}
}

/* NRI's Mount and the agent's have the same fields: the bytes are taken over. */
static void mounts_write(struct buf *out, const struct nri_container *container)
{
	struct nri_walk walk = nri_container_mounts(container);
	struct str mount;

	while (nri_walk_next(&walk, &mount)) {
		size_t mark = pb_open(out, CONTAINER_MOUNTS);

		buf_str(out, mount);
		pb_close(out, mark);
	}
}

static void body_write(struct buf *out, const struct nri_subject *subject, enum ask_why why, bool is_whole)
{
	const struct identity *identity = &subject->container.identity;
	size_t mark;
	uint32_t n;

	buf_add(out, "\0\0\0\0\0", PREFIX_BYTES);
	mark = pb_open(out, REQUEST_CREATE_CONTAINER);
	pb_text(out, CONTAINER_CGROUPS_PATH, subject->container.cgroup_path);
	pb_text(out, CONTAINER_NAME, identity->container_name);
	pb_text(out, CONTAINER_ID, identity->container_id);
	pb_text(out, CONTAINER_POD_NAME, identity->pod_name);
	pb_text(out, CONTAINER_POD_UID, identity->pod_uid);
	pb_text(out, CONTAINER_POD_NAMESPACE, identity->pod_namespace);
	pb_text(out, CONTAINER_IMAGE, identity->image);
	if (is_whole) {
		map_write(out, CONTAINER_ANNOTATIONS, nri_container_annotations(subject->nri));
		mounts_write(out, subject->nri);
		map_write(out, CONTAINER_POD_ANNOTATIONS, nri_pod_annotations(subject->pod));
	}
	map_write(out, CONTAINER_POD_LABELS, nri_pod_labels(subject->pod));
	pb_number(out, CONTAINER_WHY, why);
	pb_text(out, CONTAINER_REPORTER, STR("nri"));
	pb_number(out, CONTAINER_POD_LABELS_KNOWN, nri_subject_labels_known(subject));
	pb_close(out, mark);
	if (out->overflow)
		return;
	n = (uint32_t)(out->len - PREFIX_BYTES);
	for (int i = 0; i < 4; i++)
		out->p[1 + i] = (char)(n >> (24 - 8 * i));
}

static void error_write(const struct agent_ask *ask, struct agent_answer *answer)
{
	static const char *const what[] = { [GRPC_ANSWERED] = "agent at",
					    [GRPC_NO_CONNECTION] = "no connection to the agent at",
					    [GRPC_NO_ANSWER] = "no answer from the agent at",
					    [GRPC_STOPPED] = "call stopped; agent at" };
	const struct grpc_result *result = &answer->result;
	struct buf out = buf_over(answer->error, sizeof answer->error);

	if (result->outcome == GRPC_ANSWERED && result->status == GRPC_OK)
		return;
	buf_printf(&out, "rpc error: code = %s desc = ", grpc_status_name(result->status));
	if (result->outcome == GRPC_ANSWERED && result->is_servers_word)
		buf_text(&out, result->message);
	else
		buf_printf(&out, "%s %s after %d ms: %s", what[result->outcome], ask->address,
			   (int)(answer->took_ns / NS_PER_MS), result->message);
}

static enum ask_known known_read(struct str message)
{
	enum ask_known known = ASK_KNOWN_UNTOLD;
	struct pb_field field;

	while (pb_next(&message, &field) > 0)
		if (field.number == RESPONSE_KNOWN && field.type == PB_VARINT && field.value <= ASK_IS_NEW)
			known = (enum ask_known)field.value;
	return known;
}

bool agent_ask(void *context, const struct nri_subject *subject, enum ask_why why, int64_t deadline_ns,
	       struct agent_answer *ret_answer)
{
	const struct grpc_call_limits limits = { .deadline_ns = deadline_ns };
	struct agent_ask *ask = context;
	struct grpc_request request = { .path = ASK_REQUEST_METHOD, .authority = "localhost" };
	int64_t begin_ns = clock_now_ns(CLOCK_MONOTONIC);
	char response_memory[1024];
	struct buf response = buf_over(response_memory, sizeof response_memory);
	struct buf body = buf_over(ask->memory, ASK_BODY_MAX);

	*ret_answer = (struct agent_answer){ 0 };
	body_write(&body, subject, why, true);
	if (body.overflow) { /* a tenant's annotations must not keep his container out of reach */
		body = buf_over(ask->memory, ASK_BODY_MAX);
		body_write(&body, subject, why, false);
	}
	request.body = (struct str){ body.p, body.len };
	grpc_kept_call(&ask->kept, &request, &limits, &response, &ret_answer->result);
	ret_answer->took_ns = clock_now_ns(CLOCK_MONOTONIC) - begin_ns;
	error_write(ask, ret_answer);
	if (ret_answer->result.outcome != GRPC_ANSWERED || ret_answer->result.status != GRPC_OK)
		return false;
	ret_answer->known = response.overflow ? ASK_KNOWN_UNTOLD : known_read((struct str){ response.p, response.len });
	return true;
}
