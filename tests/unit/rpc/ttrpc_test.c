/* SPDX-License-Identifier: Apache-2.0 */
/* ttrpc, the multiplexer and the protobuf reader below them: rows of bytes. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <cmocka.h>

#include "base/error.h"
#include "rpc/nri_mux.h"
#include "rpc/pb_read.h"
#include "rpc/ttrpc.h"

static const struct {
	const char *why;
	struct str bytes;
	int want; /* of pb_next */
	uint32_t number;
	enum pb_type type;
	uint64_t value;
} fields[] = {
	{ "end", { "", 0 }, 0, 0, 0, 0 },
	{ "varint", { "\x08\x96\x01", 3 }, 1, 1, PB_VARINT, 150 },
	{ "largest varint", { "\x08\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01", 11 }, 1, 1, PB_VARINT, UINT64_MAX },
	{ "varint of eleven bytes", { "\x08\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01", 12 }, -EINVAL, 0, 0, 0 },
	{ "varint without end", { "\x08\x80", 2 }, -EINVAL, 0, 0, 0 },
	{ "no value", { "\x08", 1 }, -EINVAL, 0, 0, 0 },
	{ "bytes", { "\x12\x02hi", 4 }, 1, 2, PB_BYTES, 2 },
	{ "bytes cut", { "\x12\x03hi", 4 }, -EINVAL, 0, 0, 0 },
	{ "length of 2^64 - 1", { "\x12\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01", 11 }, -EINVAL, 0, 0, 0 },
	{ "fixed64", { "\x19\1\2\3\4\5\6\7\x08", 9 }, 1, 3, PB_FIXED64, 0x0807060504030201 },
	{ "fixed64 cut", { "\x19\1\2\3\4\5\6\7", 8 }, -EINVAL, 0, 0, 0 },
	{ "fixed32", { "\x1d\1\2\3\4", 5 }, 1, 3, PB_FIXED32, 0x04030201 },
	{ "group", { "\x0b\x0c", 2 }, -EINVAL, 0, 0, 0 },
	{ "wire type 7", { "\x0f", 1 }, -EINVAL, 0, 0, 0 },
	{ "field 0", { "\x00\x01", 2 }, -EINVAL, 0, 0, 0 },
	{ "largest field", { "\xf8\xff\xff\xff\x0f\x01", 6 }, 1, (1 << 29) - 1, PB_VARINT, 1 },
	{ "field too large", { "\x80\x80\x80\x80\x10\x01", 6 }, -EINVAL, 0, 0, 0 },
};

static void fields_follow_the_table(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof fields / sizeof *fields; i++) {
		struct str rest = fields[i].bytes;
		struct pb_field field = { 0 };
		int r = pb_next(&rest, &field);

		if (r != fields[i].want ||
		    (r == 1 && (field.number != fields[i].number || field.type != fields[i].type || rest.len ||
				(field.type == PB_BYTES ? field.bytes.len : field.value) != fields[i].value)))
			fail_msg("%s: %d, field %u", fields[i].why, r, (unsigned)field.number);
	}
}

static void frames_of_all_sizes_come_whole(void **state)
{
	static const size_t sizes[] = { 0, 1, 4086, 4096, 70000, TTRPC_MESSAGE_MAX, TTRPC_MESSAGE_MAX + 1 };
	static const size_t steps[] = { 1 << 23, 4096, 999 };

	(void)state;
	for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++)
		for (size_t k = 0; k < sizeof steps / sizeof *steps; k++) {
			size_t n = sizes[i] + TTRPC_HEADER_BYTES, step = steps[k] < n ? steps[k] : n, frames = 0;
			unsigned char *bytes = calloc(1, n + TTRPC_HEADER_BYTES);
			struct ttrpc_stream stream = { 0 };
			struct ttrpc_frame frame = { 0 };

			assert_non_null(bytes);
			for (int at = 0; at < 4; at++)
				bytes[at] = (unsigned char)(sizes[i] >> (24 - 8 * at));
			bytes[7] = 9;
			bytes[8] = TTRPC_REQUEST;
			for (size_t at = 0; at < n; at += step) {
				struct str input = { (char *)bytes + at, n - at < step ? n - at : step };
				int r = ttrpc_next(&stream, &input, &frame, NULL);

				assert_true(r >= 0 && !input.len);
				frames += (size_t)r;
			}
			if (frames != 1 || frame.stream != 9 || frame.is_too_large != (sizes[i] > TTRPC_MESSAGE_MAX) ||
			    frame.payload.len != (frame.is_too_large ? 0 : sizes[i]))
				fail_msg("%zu bytes in pieces of %zu: %zu frames, %zu bytes", sizes[i], step, frames,
					 frame.payload.len);
			/* A small one after a large one gives the memory back. */
			memset(bytes, 0, TTRPC_HEADER_BYTES);
			struct str input = { (char *)bytes, TTRPC_HEADER_BYTES };

			assert_int_equal(ttrpc_next(&stream, &input, &frame, NULL), 1);
			assert_true(stream.size <= TTRPC_KEEP_BYTES);
			ttrpc_stream_done(&stream);
			free(bytes);
		}
}

static void a_frame_over_the_limit_ends_the_multiplexer(void **state)
{
	unsigned char header[NRI_MUX_HEADER_BYTES];

	(void)state;
	for (unsigned over = 0; over < 2; over++) {
		struct nri_mux mux = { 0 };
		struct nri_mux_piece piece;
		struct str input = { (char *)header, sizeof header };

		nri_mux_header_write(header, 1, NRI_MUX_PAYLOAD_MAX + over);
		assert_int_equal(nri_mux_next(&mux, &input, &piece, NULL), over ? -EMSGSIZE : 0);
	}
}

static void messages_are_what_others_send(void **state)
{
	/* Configure as containerd 2.3 begins it; a failed answer as its plugins send it. */
	static const struct str request = { "\x0a\x01s\x12\x01m\x1a\x01p\x20\x90\x4e\x2a\x04\x0a\x02id", 18 };
	static const struct str response = { "\x0a\x06\x08\x02\x12\x02no\x12\x01x", 11 };
	struct ttrpc_request asked;
	struct ttrpc_response answered;

	(void)state;
	assert_int_equal(ttrpc_request_parse(request, &asked), 0);
	assert_true(str_is(asked.service, "s") && str_is(asked.method, "m") && str_is(asked.payload, "p"));
	assert_int_equal(asked.timeout_ns, 10000);
	assert_int_equal(ttrpc_response_parse(response, &answered), 0);
	assert_true(answered.code == 2 && str_is(answered.message, "no") && str_is(answered.payload, "x"));
	assert_int_equal(ttrpc_request_parse(STR("\x0a\x7f"), &asked), -EINVAL);
	assert_int_equal(ttrpc_response_parse(STR("\x0a\x02\x08\x80"), &answered), -EINVAL);
	assert_int_equal(ttrpc_request_parse(STR("\x20\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01"), &asked), 0);
	assert_int_equal(asked.timeout_ns, 0); /* a negative one is none */
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(fields_follow_the_table),
		cmocka_unit_test(frames_of_all_sizes_come_whole),
		cmocka_unit_test(a_frame_over_the_limit_ends_the_multiplexer),
		cmocka_unit_test(messages_are_what_others_send),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
