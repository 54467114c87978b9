/* SPDX-License-Identifier: Apache-2.0 */
#include "rpc/grpc_wire.h"

#include <errno.h>

#include "base/clock.h"

enum grpc_status grpc_status_of_errno(int error)
{
	switch (error < 0 ? -error : error) {
	case 0:
		return GRPC_OK;
	case EINVAL:
	case E2BIG:
	case ENAMETOOLONG:
	case EXDEV:
		return GRPC_INVALID_ARGUMENT;
	case ENOENT:
		return GRPC_NOT_FOUND;
	case EEXIST:
		return GRPC_ALREADY_EXISTS;
	case EACCES:
	case EPERM:
		return GRPC_PERMISSION_DENIED;
	case ENOSPC:
	case ENOMEM:
	case ENOBUFS:
		return GRPC_RESOURCE_EXHAUSTED;
	case EBUSY:
		return GRPC_FAILED_PRECONDITION;
	case ENOSYS:
	case EOPNOTSUPP:
		return GRPC_UNIMPLEMENTED;
	case ETIMEDOUT:
		return GRPC_DEADLINE_EXCEEDED;
	case EAGAIN:
		return GRPC_UNAVAILABLE;
	default:
		return GRPC_INTERNAL;
	}
}

int grpc_timeout_parse(struct str text, int64_t *ret_ns)
{
	static const struct {
		char unit;
		int64_t ns;
	} units[] = {
		{ 'H', 3600 * NS_PER_S }, { 'M', 60 * NS_PER_S }, { 'S', NS_PER_S },
		{ 'm', NS_PER_MS },       { 'u', 1000 },          { 'n', 1 },
	};
	int64_t value = 0;

	if (text.len < 2 || text.len > 9)
		return -EINVAL;
	for (size_t i = 0; i + 1 < text.len; i++) {
		if (text.p[i] < '0' || text.p[i] > '9')
			return -EINVAL;
		value = value * 10 + (text.p[i] - '0');
	}
	for (size_t i = 0; i < sizeof units / sizeof *units; i++) {
		if (units[i].unit != text.p[text.len - 1])
			continue;
		*ret_ns = value > INT64_MAX / units[i].ns ? INT64_MAX : value * units[i].ns;
		return 0;
	}
	return -EINVAL;
}

void grpc_message_encode(struct buf *out, struct str text)
{
	static const char hex[] = "0123456789ABCDEF";

	for (size_t i = 0; i < text.len; i++) {
		unsigned char byte = (unsigned char)text.p[i];

		bool is_edge = byte == ' ' && (i == 0 || i + 1 == text.len);

		if (byte >= 0x20 && byte <= 0x7e && byte != '%' && !is_edge) {
			buf_byte(out, (char)byte);
		} else {
			const char escaped[3] = { '%', hex[byte >> 4], hex[byte & 15] };

			buf_add(out, escaped, sizeof escaped); /* whole or not at all */
		}
	}
}
