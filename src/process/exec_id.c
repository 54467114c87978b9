/* SPDX-License-Identifier: Apache-2.0 */
#include "process/exec_id.h"

#include <string.h>

#include "base/buf.h"
#include "process/base64.h"

void exec_id_write(struct buf *out, const char *node_name, uint64_t ktime_ns, uint32_t pid)
{
	char text[EXEC_ID_NODE_MAX + 40];
	struct buf plain = buf_over(text, sizeof text);

	buf_add(&plain, node_name, strnlen(node_name, EXEC_ID_NODE_MAX));
	buf_byte(&plain, ':');
	buf_u64(&plain, ktime_ns);
	buf_byte(&plain, ':');
	buf_u64(&plain, pid);
	base64_write(out, plain.p, plain.len);
}
