/* SPDX-License-Identifier: Apache-2.0 */
/* What is taken for a state has an absolute bundle and no NUL; too little memory is told as that and as nothing else.
 */
#include <assert.h>
#include <errno.h>
#include <stdint.h>
#include <stdlib.h>

#include "base/error.h"
#include "oci/state.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct str text = { (const char *)data, size };
	char *memory = malloc(4 * size + 64), *little = malloc(32);
	struct arena arena = arena_over(memory, 4 * size + 64), tight = arena_over(little, 32);
	struct oci_state state, other;
	struct error err = { 0 };
	int r = state_parse(text, &arena, &state, &err);
	int s = state_parse(text, &tight, &other, NULL);

	assert(r == 0 || r == -EINVAL || r == -E2BIG);
	assert(r == 0 || err.text[0]);
	assert(s == r || s == -ENOMEM);
	if (!r) {
		assert(!state.bundle.len || state.bundle.p[0] == '/');
		assert(str_find(state.bundle, '\0') < 0 && str_find(state.id, '\0') < 0);
		assert(state.pid >= 0);
	}
	if (!r && !s)
		assert(str_equal(state.bundle, other.bundle) && str_equal(state.id, other.id) &&
		       state.pid == other.pid);
	free(memory);
	free(little);
	return 0;
}
