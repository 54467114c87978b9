/* SPDX-License-Identifier: Apache-2.0 */
/* Adjustments, refusals and updates, byte for byte as NRI's messages have them. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include "nri/nri_answer.h"

static void adjustments(struct buf *out)
{
	const struct str option[] = { STR("ro"), STR("bind") };
	const struct nri_mount mount = {
		.destination = STR("/d"), .source = STR("/s"), .option = option, .options = 2
	};
	size_t mark = nri_adjust_open(out);

	nri_adjust_env(out, STR("K"), STR("v"));
	nri_adjust_annotation(out, STR("a"), STR(""));
	nri_adjust_mount(out, &mount);
	nri_adjust_close(out, mark);
}

static void hook(struct buf *out)
{
	const struct str arg[] = { STR("h"), STR("") }, env[] = { STR("A=b") };
	const struct nri_hook one = {
		.path = STR("/h"), .arg = arg, .args = 2, .env = env, .envs = 1, .timeout_s = 12
	};
	size_t mark = nri_adjust_open(out);

	nri_adjust_hook(out, NRI_HOOK_POSTSTOP, &one);
	nri_adjust_close(out, mark);
}

static void rejection(struct buf *out)
{
	nri_reject(out, STR("no"));
}

static void update(struct buf *out, enum nri_updates_in in)
{
	const struct nri_update one = {
		.container_id = STR("c"), .memory_bytes = 300, .cpu_shares = 2, .cpu_quota_us = -1, .may_fail = true
	};

	nri_update_add(out, in, &one);
	if (in != NRI_IN_STOP_ANSWER)
		nri_evict_add(out, in, STR("c"), STR("r"));
}

static void update_request(struct buf *out)
{
	update(out, NRI_IN_REQUEST);
}
static void update_in_create(struct buf *out)
{
	update(out, NRI_IN_CREATE_ANSWER);
}
static void update_in_stop(struct buf *out)
{
	update(out, NRI_IN_STOP_ANSWER);
}

/* What the update's message is in all three. */
#define UPDATE                                     \
	"\x0a\x01"                                 \
	"c"                                        \
	"\x12\x1c\x0a\x1a"                         \
	"\x0a\x05\x0a\x03\x08\xac\x02"             \
	"\x12\x11\x0a\x02\x08\x02\x12\x0b\x08"     \
	"\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01" \
	"\x18\x01"
#define EVICT      \
	"\x0a\x01" \
	"c"        \
	"\x12\x01" \
	"r"

static const struct {
	const char *why;
	void (*make)(struct buf *out);
	struct str want;
} rows[] = {
	{ "adjustments", adjustments,
	  STR("\x0a\x23"
	      "\x22\x06\x0a\x01K\x12\x01v"
	      "\x12\x05\x0a\x01"
	      "a"
	      "\x12\x00"
	      "\x1a\x12\x0a\x02/d\x1a\x02/s\x22\x02ro\x22\x04"
	      "bind") },
	{ "hook", hook,
	  STR("\x0a\x16\x2a\x14\x32\x12\x0a\x02/h\x12\x01h\x12\x00\x1a\x03"
	      "A=b"
	      "\x22\x02\x08\x0c") },
	{ "rejection", rejection, STR("\x08\x01\x12\x02no") },
	{ "update request", update_request, STR("\x0a\x23" UPDATE "\x12\x06" EVICT) },
	{ "update in the answer to CreateContainer", update_in_create, STR("\x12\x23" UPDATE "\x1a\x06" EVICT) },
	{ "update in the answer to StopContainer", update_in_stop, STR("\x0a\x23" UPDATE) },
};

static void answers_follow_the_table(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		char memory[256], hex[1024];
		struct buf out = buf_over(memory, sizeof memory), text = buf_over(hex, sizeof hex);

		rows[i].make(&out);
		for (size_t n = 0; n < out.len; n++)
			buf_printf(&text, "%02x ", (unsigned char)out.p[n]);
		if (!str_equal((struct str){ out.p, out.len }, rows[i].want))
			fail_msg("%s: %s", rows[i].why, hex);
	}
}

static void what_does_not_fit_is_told(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
		for (size_t size = 0; size <= rows[i].want.len; size++) {
			char memory[256];
			struct buf out = buf_over(memory, size);

			rows[i].make(&out);
			if (!out.overflow)
				fail_msg("%s in %zu bytes", rows[i].why, size);
		}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(answers_follow_the_table),
		cmocka_unit_test(what_does_not_fit_is_told),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
