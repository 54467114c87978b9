/* SPDX-License-Identifier: Apache-2.0 */
/*
 * src/sensor/map_walk.h: every element of a BPF hash, by batches: unlike next-key walks they do not start again when an
 * element goes while they stand on it.
 */
#ifndef SENSOR_MAP_WALK_H
#define SENSOR_MAP_WALK_H

#include <stddef.h>

/* `key` and `value` are valid during the call. */
typedef void map_each_fn(void *context, const void *key, const void *value);

/* Calls `each` for the elements of `map`. 0; -ENOMEM; -errno of the kernel: not all were seen. */
int map_walk(int map, size_t key_size, size_t value_size, map_each_fn *each, void *context);

#endif
