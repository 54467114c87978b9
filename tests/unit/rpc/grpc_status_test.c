/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "rpc/grpc_status.h"

static void names_are_gos(void **state)
{
	assert_string_equal(grpc_status_name(GRPC_OK), "OK");
	assert_string_equal(grpc_status_name(GRPC_CANCELLED), "Canceled");
	assert_string_equal(grpc_status_name(GRPC_UNAUTHENTICATED), "Unauthenticated");
	assert_string_equal(grpc_status_name(17), "Code");
	assert_string_equal(grpc_status_name(-1), "Code");
	(void)state;
}

static void numbers_are_read(void **state)
{
	assert_int_equal(grpc_status_parse(STR("0")), 0);
	assert_int_equal(grpc_status_parse(STR("16")), 16);
	assert_int_equal(grpc_status_parse(STR("99999")), 99999);
	assert_int_equal(grpc_status_parse(STR("")), GRPC_UNKNOWN);
	assert_int_equal(grpc_status_parse(STR("100000")), GRPC_UNKNOWN);
	assert_int_equal(grpc_status_parse(STR("-1")), GRPC_UNKNOWN);
	assert_int_equal(grpc_status_parse(STR("1 ")), GRPC_UNKNOWN);
	(void)state;
}

static void http_has_codes_too(void **state)
{
	static const struct {
		unsigned http;
		enum grpc_status want;
	} rows[] = {
		{ 400, GRPC_INTERNAL },      { 401, GRPC_UNAUTHENTICATED }, { 403, GRPC_PERMISSION_DENIED },
		{ 404, GRPC_UNIMPLEMENTED }, { 429, GRPC_UNAVAILABLE },     { 502, GRPC_UNAVAILABLE },
		{ 503, GRPC_UNAVAILABLE },   { 504, GRPC_UNAVAILABLE },     { 500, GRPC_UNKNOWN },
		{ 301, GRPC_UNKNOWN },       { 0, GRPC_UNKNOWN },
	};

	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
		if (grpc_status_of_http(rows[i].http) != rows[i].want)
			fail_msg("%u: %s", rows[i].http, grpc_status_name((int)grpc_status_of_http(rows[i].http)));
	assert_int_equal(grpc_status_of_h2(7), GRPC_UNAVAILABLE);
	assert_int_equal(grpc_status_of_h2(8), GRPC_CANCELLED);
	assert_int_equal(grpc_status_of_h2(11), GRPC_RESOURCE_EXHAUSTED);
	assert_int_equal(grpc_status_of_h2(1), GRPC_INTERNAL);
	assert_int_equal(grpc_status_of_h2(1000), GRPC_UNKNOWN);
	(void)state;
}

static void messages_are_decoded(void **state)
{
	static const struct {
		const char *text, *want;
	} rows[] = {
		{ "", "" },         { "plain", "plain" }, { "100%25", "100%" }, { "na%C3%AFve", "na\xc3\xafve" },
		{ "a%2fb", "a/b" }, { "%", "%" },         { "%4", "%4" },       { "%zz", "%zz" },
		{ "%4z", "%4z" },   { "%%41", "%A" },     { "a%0Ab", "a\nb" },
	};

	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		char text[32];
		struct buf out = buf_over(text, sizeof text);

		grpc_message_decode(&out, str_of(rows[i].text));
		if (strcmp(text, rows[i].want))
			fail_msg("%s: '%s'", rows[i].text, text);
	}
	(void)state;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(names_are_gos),
		cmocka_unit_test(numbers_are_read),
		cmocka_unit_test(http_has_codes_too),
		cmocka_unit_test(messages_are_decoded),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
