/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Any bytes as ring buffer records, through cache, messages and encoders. Input: records one after the other, each
 * behind its length in two bytes (little endian). Whatever they are: limits hold, every event is valid JSON and valid
 * protobuf.
 */
#include <assert.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/json.h"
#include "event/pipeline.h"
#include "pod/registry.h"
#include "policy/policy.h"
#include "process/cache.h"

#define CACHE_ENTRIES 20
#define CACHE_BYTES (64 * 1024)

static const struct policy *policy_of(void *context, unsigned slot, uint32_t generation)
{
	return slot % 2 && generation < 1000 ? context : NULL;
}

static void check(void *context, struct event *event)
{
	struct str json = event_json(event), packed = event_packed(event);
	Tetragon__GetEventsResponse *back;
	struct json_reader reader;
	int r;

	assert(json.len && packed.len);
	json_reader_init(&reader, json);
	do {
		r = json_next(&reader, NULL);
		assert(r >= 0);
	} while (r != JSON_END);
	back = tetragon__get_events_response__unpack(NULL, packed.len, (const uint8_t *)packed.p);
	assert(back && back->event_case == event_message(event)->event_case);
	tetragon__get_events_response__free_unpacked(back, NULL);
	(void)context;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct policy_hook hooks[] = {
		{ .section = POLICY_KPROBES, .syscall = "lseek", .symbol = "__x64_sys_lseek" },
		{ .section = POLICY_TRACEPOINTS, .subsystem = "raw_syscalls", .event = "sys_enter" },
	};
	struct policy policy = { .name = (char *)"p", .hook = hooks, .hooks = 2 };
	struct process_cache_options limits = { .limit = CACHE_ENTRIES, .limit_bytes = CACHE_BYTES };
	struct pod_container container = {
		.cgroup_id = 1, .container_id = "c\xff", .cgroup_path = "/c", .pod_namespace = "n\x01", .image = "i"
	};
	struct pipeline_options options = { .node_name = "n", .policy = policy_of, .context = &policy };
	struct event_sink sink = { .send = check };
	struct process_cache_stats cache_stats;
	struct pipeline_stats stats;
	struct pipeline *pipeline;

	options.registry = pod_registry_new(NULL);
	options.cache = process_cache_new(&limits);
	pipeline = pipeline_new(&options);
	assert(pipeline && pod_registry_add(options.registry, &container, 0, NULL) == 1);
	pipeline_sink_add(pipeline, &sink);
	while (size >= 2) {
		size_t len = data[0] | (size_t)data[1] << 8;
		struct abi_header *record;

		data += 2;
		size -= 2;
		len = len > size ? size : len;
		record = malloc(len ? len : 1); /* exact fit, aligned as the ring buffer's records are */
		assert(record);
		memcpy(record, data, len);
		data += len;
		size -= len;
		(void)pipeline_record(pipeline, record, len);
		free(record);
		process_cache_stats(options.cache, &cache_stats);
		assert(cache_stats.entries <= CACHE_ENTRIES && cache_stats.bytes <= CACHE_BYTES);
	}
	(void)process_cache_expire(options.cache, UINT64_MAX);
	pipeline_stats(pipeline, &stats);
	assert(!stats.build_failed);
	pipeline_free(pipeline);
	process_cache_free(options.cache);
	pod_registry_free(options.registry);
	return 0;
}
