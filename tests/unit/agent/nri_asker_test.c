/* SPDX-License-Identifier: Apache-2.0 */
/* What the plugin inside the agent asks, and what it makes of the answer. The decision itself is this file's. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include <string.h>

#include "agent/admission.h"
#include "agent/nri_asker.h"
#include "agent/runtime_hook.h"
#include "base/error.h"
#include "rpc/pb_write.h"

static struct { /* of the decision: what it is to say, and what it was asked */
	int result;
	const char *error;
	bool is_new;
	int calls, reason;
	char seen[1024];
} decision;

/* Stands before the real one when the program is linked. */
int runtime_hook_decide(struct admission *admission, struct announced *announced, struct log *log, int reason,
			const char *reporter, int64_t began_ns, const struct admission_request *told,
			struct admission_answer *ret_answer, struct error *err)
{
	struct buf seen = buf_over(decision.seen, sizeof decision.seen);

	(void)admission, (void)announced, (void)log, (void)began_ns;
	decision.calls++;
	decision.reason = reason;
	buf_printf(&seen, "%s|%s|%s|%s|%s|%s|%s|%s|%d", reporter, told->cgroup_path, told->container_id,
		   told->container_name, told->image, told->pod_name, told->pod_uid, told->pod_namespace,
		   (int)told->peer_pid);
	for (size_t i = 0; i < told->labels; i++)
		buf_printf(&seen, "|%s=%s", told->label[i].key, told->label[i].value);
	assert_int_equal(told->source, POD_FROM_NRI_INSIDE);
	*ret_answer = (struct admission_answer){ .is_new = decision.is_new };
	if (decision.result < 0)
		(void)error_set(err, -decision.result, "%s", decision.error);
	return decision.result;
}

struct bed {
	struct nri_asker asker;
	struct nri_pod pod;
	struct nri_container container;
	struct nri_subject subject;
	char message[512];
	struct agent_answer answer;
};

static void label_add(struct buf *out, const char *key, const char *value)
{
	size_t mark = pb_open(out, 5); /* PodSandbox.labels */

	pb_text(out, 1, str_of(key));
	pb_text(out, 2, str_of(value));
	pb_close(out, mark);
}

static void bed_open(struct bed *bed)
{
	static const char letters[] = "namespaceXpodXuidXnameXidXimage"; /* texts that no NUL ends */
	struct buf message = buf_over(bed->message, sizeof bed->message);

	memset(&decision, 0, sizeof decision);
	*bed = (struct bed){ .asker.runtime_pid = 17 };
	label_add(&message, "app", "shop");
	label_add(&message, "empty", "");
	bed->pod.message = (struct str){ message.p, message.len };
	bed->subject = (struct nri_subject){
		.pod = &bed->pod,
		.nri = &bed->container,
		.container = { .cgroup_path = STR("/kubepods/podX/id"),
			       .identity = { .pod_namespace = { letters, 9 },
					     .pod_name = { letters + 10, 3 },
					     .pod_uid = { letters + 14, 3 },
					     .container_name = { letters + 18, 4 },
					     .container_id = { letters + 23, 2 },
					     .image = { letters + 26, 5 } } },
	};
}

static bool ask(struct bed *bed, enum ask_why why)
{
	return nri_asker_ask(&bed->asker, &bed->subject, why, 0, &bed->answer);
}

static void everything_that_is_known_is_told(void **state)
{
	static struct bed bed;

	(void)state;
	bed_open(&bed);
	assert_true(ask(&bed, ASK_AHEAD));
	assert_string_equal(decision.seen, "nri-in-agent|/kubepods/podX/id|id|name|image|pod|uid|namespace|17|app=shop|"
					   "empty=");
	assert_int_equal(decision.reason, ASK_AHEAD);
	assert_string_equal(bed.answer.error, "");
	assert_int_equal(bed.answer.known, ASK_WAS_KNOWN);
	decision.is_new = true;
	assert_true(ask(&bed, ASK_UNSEEN));
	assert_int_equal(decision.reason, ASK_UNSEEN);
	assert_int_equal(bed.answer.known, ASK_IS_NEW);
}

/* As the same error would come over the socket. */
static void a_refusal_is_the_servers_word(void **state)
{
	static const struct {
		int result;
		enum grpc_status status;
	} rows[] = {
		{ -EPERM, GRPC_PERMISSION_DENIED },
		{ -ENOENT, GRPC_NOT_FOUND },
		{ -EINVAL, GRPC_INVALID_ARGUMENT },
		{ -ENOSPC, GRPC_RESOURCE_EXHAUSTED },
	};
	static struct bed bed;
	char text[ERROR_TEXT_MAX], want[2 * ERROR_TEXT_MAX];

	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		struct buf out = buf_over(want, sizeof want);

		bed_open(&bed);
		decision.result = rows[i].result;
		decision.error = "no";
		assert_false(ask(&bed, ASK_START));
		assert_int_equal(bed.answer.result.outcome, GRPC_ANSWERED);
		assert_true(bed.answer.result.is_servers_word);
		assert_int_equal(bed.answer.result.status, rows[i].status);
		assert_string_equal(bed.answer.result.message, "no");
		buf_printf(&out, "rpc error: code = %s desc = no", grpc_status_name((int)rows[i].status));
		assert_string_equal(bed.answer.error, want);
	}
	memset(text, 'x', sizeof text - 1);
	text[sizeof text - 1] = '\0';
	decision.error = text; /* cut, not lost */
	assert_false(ask(&bed, ASK_START));
	assert_true(strlen(bed.answer.error) > ASK_ERROR_MAX / 2);
	assert_true(strlen(bed.answer.result.message) > 100);
}

/* More than a request over the socket may have: refused, and the decision is not even asked for. */
static void too_much_is_refused(void **state)
{
	enum { BYTES = 4 * 1024 * 1024 };
	static char message[BYTES];
	static struct bed bed;
	struct buf out = buf_over(message, sizeof message);

	(void)state;
	bed_open(&bed);
	while (sizeof message - out.len > 16)
		label_add(&out, "", "");
	bed.pod.message = (struct str){ out.p, out.len };
	assert_false(ask(&bed, ASK_AHEAD));
	assert_int_equal(bed.answer.result.status, GRPC_RESOURCE_EXHAUSTED);
	assert_int_equal(decision.calls, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(everything_that_is_known_is_told),
		cmocka_unit_test(a_refusal_is_the_servers_word),
		cmocka_unit_test(too_much_is_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
