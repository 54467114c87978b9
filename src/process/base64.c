/* SPDX-License-Identifier: Apache-2.0 */
#include "process/base64.h"

#include <string.h>

void base64_write(struct buf *out, const void *bytes, size_t n)
{
	static const char digit[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

	for (size_t i = 0; i < n; i += 3) {
		unsigned char b[3] = { 0 };
		char four[4];

		memcpy(b, (const char *)bytes + i, n - i < 3 ? n - i : 3);
		four[0] = digit[b[0] >> 2];
		four[1] = digit[(b[0] & 3) << 4 | b[1] >> 4];
		four[2] = n - i > 1 ? digit[(b[1] & 15) << 2 | b[2] >> 6] : '=';
		four[3] = n - i > 2 ? digit[b[2] & 63] : '=';
		buf_add(out, four, sizeof four);
	}
}
