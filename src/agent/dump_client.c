/* SPDX-License-Identifier: Apache-2.0 */
#include "agent/dump_client.h"

#include <errno.h>
#include <stdlib.h>

#include "agent/request_memory.h"
#include "base/arena.h"
#include "base/buf.h"
#include "base/cleanup.h"
#include "base/clock.h"
#include "base/error.h"
#include "event/protojson.h"
#include "rpc/grpc_client.h"
#include "tetragon/sensors.pb-c.h"

#define METHOD "/tetragon.FineGuidanceSensors/GetDebug"
#define PREFIX_BYTES 5
#define TIMEOUT_NS (10 * NS_PER_S)
#define LINE_BYTES (8 * (size_t)GRPC_UNARY_DATA_BYTES_MAX) /* each byte of an answer may become an escape */

struct dumping {
	struct grpc_target target;
	struct arena arena;
	FILE *out;
	char *line;
	const char *address;
};

static size_t request_write(uint64_t skip, uint8_t *bytes, size_t size)
{
	Tetragon__DumpContainersReqArgs args = TETRAGON__DUMP_CONTAINERS_REQ_ARGS__INIT;
	Tetragon__GetDebugRequest request = TETRAGON__GET_DEBUG_REQUEST__INIT;
	size_t len;

	args.skip = skip;
	request.flag = TETRAGON__CONFIG_FLAG__CONFIG_FLAG_DUMP_CONTAINERS;
	request.arg_case = TETRAGON__GET_DEBUG_REQUEST__ARG_CONTAINERS;
	request.containers = &args;
	len = tetragon__get_debug_request__get_packed_size(&request);
	if (PREFIX_BYTES + len > size || len > UINT8_MAX)
		return 0;
	bytes[0] = bytes[1] = bytes[2] = bytes[3] = 0;
	bytes[4] = (uint8_t)len;
	return PREFIX_BYTES + tetragon__get_debug_request__pack(&request, bytes + PREFIX_BYTES);
}

static int print(const struct dumping *dumping, const Tetragon__ContainerState *state, struct error *err)
{
	struct buf line = buf_over(dumping->line, LINE_BYTES);

	if (protojson_write(&line, &state->base) < 0)
		return error_set(err, ECANCELED, "agent at %s: its answer cannot be printed", dumping->address);
	buf_byte(&line, '\n');
	if (fwrite(line.p, 1, line.len, dumping->out) != line.len)
		return error_errno(err, EPIPE, "standard output");
	return 0;
}

/* One answer: *skip moves on; 0 when there are no more. */
static int part(struct dumping *dumping, uint64_t *skip, struct error *err)
{
	static char response_memory[GRPC_UNARY_DATA_BYTES_MAX];
	const struct grpc_call_limits limits = { .deadline_ns = clock_now_ns(CLOCK_MONOTONIC) + TIMEOUT_NS };
	struct buf response = buf_over(response_memory, sizeof response_memory);
	uint8_t body[64];
	struct grpc_request request = { .path = METHOD, .authority = "localhost", .timeout_ns = TIMEOUT_NS };
	const Tetragon__GetDebugResponse *answer;
	struct request_memory memory;
	struct grpc_result result;
	uint64_t next;
	int r = 0;

	request.body = (struct str){ (const char *)body, request_write(*skip, body, sizeof body) };
	grpc_client_call(&dumping->target, &request, &limits, &dumping->arena, &response, &result);
	if (result.outcome == GRPC_NO_CONNECTION)
		return error_set(err, ECANCELED,
				 "no agent answers at %s: is it running, with this --server-address?%s%s",
				 dumping->address, *result.message ? " " : "", result.message);
	if (result.outcome != GRPC_ANSWERED || result.status != GRPC_OK)
		return error_set(err, ECANCELED, "agent at %s: %s%s%s", dumping->address,
				 grpc_status_name(result.status), *result.message ? ": " : "", result.message);
	request_memory_init(&memory);
	answer = (const void *)request_unpack(&memory, &tetragon__get_debug_response__descriptor,
					      (const uint8_t *)response.p, response.len);
	if (!answer || answer->arg_case != TETRAGON__GET_DEBUG_RESPONSE__ARG_CONTAINERS) {
		r = error_set(err, ECANCELED, "agent at %s: its answer is no list of containers", dumping->address);
	} else {
		for (size_t i = 0; i < answer->containers->n_containers && r >= 0; i++)
			r = print(dumping, answer->containers->containers[i], err);
		next = answer->containers->next;
		*skip = next > *skip ? next : 0; /* whatever it says, we come to an end */
	}
	request_memory_done(&memory);
	return r;
}

int dump_client_run(const char *address, FILE *out, struct error *err)
{
	auto_free char *memory = malloc(GRPC_KEPT_ARENA_BYTES), *line = malloc(LINE_BYTES);
	struct dumping dumping = { .out = out, .line = line, .address = address };
	uint64_t skip = 0;
	int r = memory && line ? 0 : error_errno(err, ENOMEM, "dump");

	if (r >= 0)
		r = grpc_target_parse(str_of(address), &dumping.target, err);
	if (r >= 0) {
		dumping.arena = arena_over(memory, GRPC_KEPT_ARENA_BYTES);
		do
			r = part(&dumping, &skip, err);
		while (r >= 0 && skip);
	}
	if (r >= 0 && fflush(out) != 0)
		r = error_errno(err, EPIPE, "standard output");
	return r;
}
