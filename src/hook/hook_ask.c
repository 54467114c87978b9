/* SPDX-License-Identifier: Apache-2.0 */
#include "hook/hook_ask.h"

#include <errno.h>
#include <poll.h>

#include "base/clock.h"
#include "base/error.h"
#include "rpc/grpc_client.h"

#define BACKOFF_FIRST_NS (2 * NS_PER_MS)
#define BACKOFF_MAX_NS (100 * NS_PER_MS)

/* What is found out on the way. */
struct asking {
	const struct hook_ask *ask;
	int64_t soft_ns; /* the end for a tolerated container */
	bool is_known, is_tolerated;
};

static bool is_tolerated(struct asking *asking)
{
	if (!asking->is_known) {
		asking->is_known = true;
		asking->is_tolerated = asking->ask->is_tolerated(asking->ask->user);
	}
	return asking->is_tolerated;
}

static bool is_worth_more(void *user)
{
	return !is_tolerated(user);
}

static bool is_worth_another(struct asking *asking, const struct grpc_result *result)
{
	bool is_down = result->outcome == GRPC_NO_CONNECTION ||
		       (result->outcome == GRPC_ANSWERED && result->status == GRPC_UNAVAILABLE);

	return asking->ask->is_tolerated && is_down && (!is_tolerated(asking) || result->is_retried_soon);
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

static void target_wrong(struct hook_answer *answer, const struct error *err)
{
	struct buf out = buf_over(answer->error, sizeof answer->error);

	answer->result = (struct grpc_result){ .outcome = GRPC_NO_CONNECTION, .status = GRPC_INVALID_ARGUMENT };
	buf_text(&out, "rpc error: code = InvalidArgument desc = ");
	buf_add(&out, err->text, strnlen(err->text, HOOK_ASK_TEXT_MAX - 64));
}

static void attempts_make(struct asking *asking, const struct grpc_target *target, struct arena *arena,
			  struct hook_answer *answer)
{
	const struct hook_ask *ask = asking->ask;
	const struct grpc_request request = { .path = ask->method, .authority = "localhost", .body = ask->body };
	struct grpc_call_limits limits = {
		.deadline_ns = ask->deadline_ns,
		.mask = &ask->stop->wait_mask,
		.stop = ask->stop->stop,
		.is_worth_more = ask->is_tolerated ? is_worth_more : NULL,
		.user = asking,
		.soft_ns = asking->soft_ns,
	};

	for (int64_t wait_ns = BACKOFF_FIRST_NS;;) {
		answer->attempts++;
		grpc_client_call(target, &request, &limits, arena, ask->response, &answer->result);
		if (!is_worth_another(asking, &answer->result))
			return;
		limits.is_worth_more = NULL; /* it is known now */
		if (is_tolerated(asking) && asking->soft_ns < ask->deadline_ns)
			limits.deadline_ns = asking->soft_ns;
		if (!back_off(ask, wait_ns, limits.deadline_ns))
			return;
		wait_ns = wait_ns * 2 < BACKOFF_MAX_NS ? wait_ns * 2 : BACKOFF_MAX_NS;
	}
}

bool hook_ask(const struct hook_ask *ask, struct arena *arena, struct hook_answer *ret_answer)
{
	int64_t begin = clock_now_ns(CLOCK_MONOTONIC);
	struct asking asking = { .ask = ask, .soft_ns = begin + HOOK_TOLERATED_NS };
	struct grpc_target target;
	struct error err = { 0 };

	*ret_answer = (struct hook_answer){ 0 };
	if (grpc_target_parse(str_of(ask->agent), &target, &err) < 0) {
		target_wrong(ret_answer, &err);
		return false;
	}
	attempts_make(&asking, &target, arena, ret_answer);
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
