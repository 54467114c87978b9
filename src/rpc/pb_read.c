/* SPDX-License-Identifier: Apache-2.0 */
#include "rpc/pb_read.h"

#include <errno.h>

#define VARINT_MAX 10
#define NUMBER_MAX ((UINT32_C(1) << 29) - 1)

static int varint_take(struct str *rest, uint64_t *ret_value)
{
	uint64_t value = 0;

	for (size_t i = 0; i < rest->len && i < VARINT_MAX; i++) {
		unsigned char byte = (unsigned char)rest->p[i];

		value |= (uint64_t)(byte & 0x7f) << (7 * i); /* of a tenth byte only the lowest bit has room */
		if (!(byte & 0x80)) {
			*ret_value = value;
			*rest = str_from(*rest, i + 1);
			return 0;
		}
	}
	return -EINVAL;
}

static int fixed_take(struct str *rest, unsigned bytes, uint64_t *ret_value)
{
	uint64_t value = 0;

	if (rest->len < bytes)
		return -EINVAL;
	for (unsigned i = 0; i < bytes; i++)
		value |= (uint64_t)(unsigned char)rest->p[i] << (8 * i);
	*ret_value = value;
	*rest = str_from(*rest, bytes);
	return 0;
}

int pb_next(struct str *rest, struct pb_field *ret_field)
{
	struct pb_field field = { 0 };
	uint64_t key, length;

	if (!rest->len)
		return 0;
	if (varint_take(rest, &key) < 0 || key >> 3 == 0 || key >> 3 > NUMBER_MAX)
		return -EINVAL;
	field.number = (uint32_t)(key >> 3);
	switch (key & 7) {
	case PB_VARINT:
		field.type = PB_VARINT;
		if (varint_take(rest, &field.value) < 0)
			return -EINVAL;
		break;
	case PB_FIXED64:
		field.type = PB_FIXED64;
		if (fixed_take(rest, 8, &field.value) < 0)
			return -EINVAL;
		break;
	case PB_FIXED32:
		field.type = PB_FIXED32;
		if (fixed_take(rest, 4, &field.value) < 0)
			return -EINVAL;
		break;
	case PB_BYTES:
		field.type = PB_BYTES;
		if (varint_take(rest, &length) < 0 || length > rest->len)
			return -EINVAL;
		field.bytes = (struct str){ rest->p, (size_t)length };
		*rest = str_from(*rest, (size_t)length);
		break;
	default:
		return -EINVAL;
	}
	*ret_field = field;
	return 1;
}
