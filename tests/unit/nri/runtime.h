/* SPDX-License-Identifier: Apache-2.0 */
/* tests/unit/nri/runtime.h: the runtime's side of the wire, as far as tests need it: frames into a buffer. */
#ifndef TESTS_UNIT_NRI_RUNTIME_H
#define TESTS_UNIT_NRI_RUNTIME_H

#include <stdint.h>

#include "base/buf.h"
#include "rpc/nri_mux.h"
#include "rpc/pb_write.h"
#include "rpc/ttrpc.h"

static inline void mux_add(struct buf *out, uint32_t id, struct str payload)
{
	unsigned char header[NRI_MUX_HEADER_BYTES];

	nri_mux_header_write(header, id, (uint32_t)payload.len);
	buf_add(out, header, sizeof header);
	buf_str(out, payload);
}

/* A request in one frame. */
static inline void request_add(struct buf *out, uint32_t stream, const char *method, struct str payload)
{
	static char memory[8 * 1024 * 1024];
	struct buf message = buf_over(memory, sizeof memory);
	const struct ttrpc_request request = { .service = STR("nri.pkg.api.v1alpha1.Plugin"),
					       .method = str_of(method),
					       .payload = payload,
					       .timeout_ns = INT64_C(1999000000) };

	ttrpc_request_write(&message, stream, &request);
	mux_add(out, NRI_MUX_PLUGIN, (struct str){ message.p, message.len });
}

static inline void response_add(struct buf *out, uint32_t stream, int code, const char *text)
{
	char memory[4096];
	struct buf message = buf_over(memory, sizeof memory);
	const struct ttrpc_response response = { .code = code, .message = str_of(text) };

	ttrpc_response_write(&message, stream, &response);
	mux_add(out, NRI_MUX_RUNTIME, (struct str){ message.p, message.len });
}

static inline void configure_add(struct buf *out, uint32_t stream, const char *name, const char *version,
				 const char *nri_version)
{
	char memory[4096];
	struct buf body = buf_over(memory, sizeof memory);

	pb_text(&body, 2, str_of(name));
	pb_text(&body, 3, str_of(version));
	pb_number(&body, 4, 5000);
	pb_number(&body, 5, 2000);
	pb_text(&body, 6, str_of(nri_version));
	request_add(out, stream, "Configure", (struct str){ body.p, body.len });
}

/* Pod and container, by name, as fields `field` and `field + 1` of a request. */
static inline void pair_add(struct buf *body, unsigned field, const char *pod, const char *container)
{
	size_t mark = pb_open(body, field);

	pb_text(body, 1, STR("0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"));
	pb_text(body, 2, str_of(pod));
	pb_text(body, 3, STR("11111111-2222-3333-4444-555555555555"));
	pb_text(body, 4, STR("tenant-a"));
	pb_close(body, mark);
	mark = pb_open(body, field + 1);
	pb_text(body, 1, STR("fedcba9876543210fedcba9876543210fedcba9876543210fedcba9876543210"));
	pb_text(body, 3, str_of(container));
	pb_close(body, mark);
}

/* Up to running: answer to the registration, Configure, an empty Synchronize. The next stream is 5. */
static inline void hello_add(struct buf *out)
{
	response_add(out, 1, 0, "");
	configure_add(out, 1, "containerd", "v2.3.4", "v0.12.0");
	request_add(out, 3, "Synchronize", (struct str){ 0 });
}

#endif
