/* SPDX-License-Identifier: Apache-2.0 */
#include "sensor/map_walk.h"

#include <bpf/bpf.h>
#include <errno.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>

#include "base/cleanup.h"

#define BATCH 1024
#define BATCH_MAX (256 * 1024) /* elements of one bucket of a hash: far beyond what happens */

int map_walk(int map, size_t key_size, size_t value_size, map_each_fn *each, void *context)
{
	uint32_t room = BATCH, at = 0, next = 0;
	auto_free char *keys = malloc(room * key_size);
	auto_free char *values = malloc(room * value_size);
	bool is_first = true;

	while (keys && values) {
		uint32_t n = room;
		int code = bpf_map_lookup_batch(map, is_first ? NULL : &at, &next, keys, values, &n, NULL) ? errno : 0;

		if (code == ENOSPC && room < BATCH_MAX) { /* a bucket with more elements than fit */
			room *= 2;
			free(keys);
			free(values);
			keys = malloc(room * key_size);
			values = malloc(room * value_size);
			continue;
		}
		if (code && code != ENOENT)
			return -code;
		for (uint32_t i = 0; i < n; i++)
			each(context, keys + i * key_size, values + i * value_size);
		if (code == ENOENT)
			return 0;
		at = next;
		is_first = false;
	}
	return -ENOMEM;
}
