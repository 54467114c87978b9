/* SPDX-License-Identifier: Apache-2.0 */
#include "hook/hook_ask.h"

#include <errno.h>
#include <poll.h>

#include "base/clock.h"
#include "base/error.h"
#include "hook/hook_request.h"
#include "rpc/grpc_client.h"

#define BACKOFF_FIRST_NS (2 * NS_PER_MS)
#define BACKOFF_MAX_NS (100 * NS_PER_MS)

static bool is_worth_another(const struct hook_ask *ask, const struct grpc_result *result)
{
	bool is_down = result->outcome == GRPC_NO_CONNECTION ||
		       (result->outcome == GRPC_ANSWERED && result->status == GRPC_UNAVAILABLE);

	return is_down && (!ask->is_tolerated || result->is_retried_soon);
}

/* Waits, not beyond `until_ns`. False: no time left, or a signal. */
static bool back_off(const struct hook_ask *ask, int64_t wait_ns, int64_t until_ns)
{
	int64_t left = until_ns - clock_now_ns(CLOCK_MONOTONIC);
	struct timespec timeout;

	if (left <= 0)
		return false;
	if (wait_ns > left)
		wait_ns = left;
	timeout = (struct timespec){ .tv_sec = wait_ns / NS_PER_S, .tv_nsec = wait_ns % NS_PER_S };
	return ppoll(NULL, 0, &timeout, &ask->stop->wait_mask) == 0 && clock_now_ns(CLOCK_MONOTONIC) < until_ns;
}

static void seconds_write(struct buf *out, int64_t ns)
{
	uint64_t ms = (uint64_t)(ns + NS_PER_MS / 2) / (uint64_t)NS_PER_MS;

	buf_u64(out, ms / 1000);
	buf_byte(out, '.');
	buf_byte(out, (char)('0' + ms % 1000 / 100));
	buf_byte(out, (char)('0' + ms % 100 / 10));
	buf_byte(out, (char)('0' + ms % 10));
	buf_text(out, " s");
}

/* An answer stands as the agent gave it; for the rest we say which address, how long, and what happened. */
static void description_write(struct buf *out, const struct hook_ask *ask, const struct hook_answer *answer)
{
	const struct grpc_result *result = &answer->result;

	switch (result->outcome) {
	case GRPC_ANSWERED:
		if (result->is_servers_word) {
			buf_text(out, result->message);
			return;
		}
		buf_text(out, "agent at ");
		break;
	case GRPC_NO_CONNECTION:
		buf_text(out, "no connection to the agent at ");
		break;
	case GRPC_NO_ANSWER:
		buf_text(out, "no answer from the agent at ");
		break;
	case GRPC_STOPPED:
		buf_text(out, "call stopped by a signal; agent at ");
		break;
	}
	buf_text(out, ask->agent);
	buf_text(out, " after ");
	seconds_write(out, answer->took_ns);
	buf_text(out, " (");
	buf_u64(out, answer->attempts);
	buf_text(out, answer->attempts == 1 ? " attempt): " : " attempts): ");
	buf_text(out, result->message);
}

static void error_write(const struct hook_ask *ask, struct hook_answer *answer)
{
	struct buf out = buf_over(answer->error, sizeof answer->error);

	if (answer->result.outcome == GRPC_ANSWERED && answer->result.status == GRPC_OK)
		return;
	buf_text(&out, "rpc error: code = ");
	buf_text(&out, grpc_status_name(answer->result.status));
	if (answer->result.status < 0 || answer->result.status >= GRPC_STATUSES) {
		buf_byte(&out, '(');
		buf_u64(&out, (uint64_t)answer->result.status);
		buf_byte(&out, ')');
	}
	buf_text(&out, " desc = ");
	description_write(&out, ask, answer);
}

bool hook_ask(const struct hook_ask *ask, struct arena *arena, struct hook_answer *ret_answer)
{
	const struct grpc_request request = { .path = HOOK_REQUEST_METHOD,
					      .authority = "localhost",
					      .body = ask->body };
	struct grpc_call_limits limits = { .deadline_ns = ask->deadline_ns,
					   .mask = &ask->stop->wait_mask,
					   .stop = ask->stop->stop };
	int64_t begin = clock_now_ns(CLOCK_MONOTONIC), wait_ns = BACKOFF_FIRST_NS;
	struct grpc_target target;
	struct error err = { 0 };

	*ret_answer = (struct hook_answer){ 0 };
	if (ask->is_tolerated && begin + HOOK_TOLERATED_NS < limits.deadline_ns)
		limits.deadline_ns = begin + HOOK_TOLERATED_NS;
	if (grpc_target_parse(str_of(ask->agent), &target, &err) < 0) {
		struct buf out = buf_over(ret_answer->error, sizeof ret_answer->error);

		ret_answer->result =
			(struct grpc_result){ .outcome = GRPC_NO_CONNECTION, .status = GRPC_INVALID_ARGUMENT };
		buf_text(&out, "rpc error: code = InvalidArgument desc = ");
		buf_add(&out, err.text, strnlen(err.text, HOOK_ASK_TEXT_MAX - 64));
		return false;
	}
	for (;;) {
		ret_answer->attempts++;
		grpc_client_call(&target, &request, &limits, arena, NULL, &ret_answer->result);
		if (!is_worth_another(ask, &ret_answer->result) || !back_off(ask, wait_ns, limits.deadline_ns))
			break;
		wait_ns = wait_ns * 2 < BACKOFF_MAX_NS ? wait_ns * 2 : BACKOFF_MAX_NS;
	}
	if (*ask->stop->stop && ret_answer->result.outcome == GRPC_NO_CONNECTION)
		ret_answer->result.outcome = GRPC_STOPPED; /* while it waited for the next attempt */
	if (ret_answer->result.outcome == GRPC_STOPPED)
		ret_answer->result.status = GRPC_CANCELLED;
	ret_answer->took_ns = clock_now_ns(CLOCK_MONOTONIC) - begin;
	error_write(ask, ret_answer);
	return ret_answer->result.outcome == GRPC_ANSWERED && ret_answer->result.status == GRPC_OK;
}

const char *hook_answer_kind(const struct hook_answer *answer)
{
	switch (answer->result.outcome) {
	case GRPC_ANSWERED:
		return answer->result.status == GRPC_OK ? "answered" : "answered with an error";
	case GRPC_NO_CONNECTION:
		return "unreachable";
	case GRPC_NO_ANSWER:
		return "silent until the deadline";
	case GRPC_STOPPED:
		return "stopped by a signal";
	}
	return "";
}
