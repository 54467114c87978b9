/* SPDX-License-Identifier: Apache-2.0 */
/* What set-up reads on a host besides TOML and JSON, one after the other: each finds a text that ends within its room,
 * or nothing. */
#include <assert.h>
#include <limits.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "setup/hook_drop_in.h"
#include "setup/host_data_dir.h"
#include "setup/kubelet_endpoint.h"
#include "setup/socket_owner.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char *bytes = malloc(size ? size : 1), dir[PATH_MAX], small[8],
	     sum[SHA256_TEXT]; /* exact fit: ASan sees one byte too many */
	struct str text = { bytes, size }, endpoint;
	uint32_t inode = 0;
	int result;

	memcpy(bytes, data, size);
	if (host_data_dir_in(text, dir, sizeof dir))
		assert(dir[0] == '/' && dir[strlen(dir) - 1] != '/' && !strchr(dir, '\n'));
	if (host_data_dir_in(text, small, sizeof small))
		assert(strlen(small) < sizeof small);
	endpoint = kubelet_endpoint_in(text);
	if (endpoint.p)
		assert(endpoint.len && endpoint.p >= bytes && endpoint.p + endpoint.len <= bytes + size &&
		       str_find(endpoint, '\n') < 0);
	(void)hook_drop_in_gap(text); /* any answer, without an end beyond the text */
	hook_drop_in_sum(text, sum);
	assert(!*sum || strlen(sum) == SHA256_TEXT - 1);
	result = socket_owner_in(bytes, size, 7, 9, &inode);
	assert(result <= 1);
	free(bytes);
	return 0;
}
