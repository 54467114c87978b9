/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>

#include "agent/agent_options.h"
#include "agent/agent_state.h"
#include "agent/nri_inside.h"
#include "base/cleanup.h"
#include "base/clock.h"
#include "base/log.h"
#include "event/file_sink.h"
#include "event/pipeline.h"
#include "pod/registry.h"
#include "process/cache.h"
#include "rpc/grpc_server.h"
#include "sensor/sensor.h"

#define VERIFY_TICKS 30 /* ticks between looks at what the kernel may have failed to tell */
#define MARKS_DUE_EACH_TICK 1
#define MARKS_DUE_PART 50               /* one part in so many of the time, whatever a tenant makes of its cgroups */
#define TEND_NS (50 * INT64_C(1000000)) /* what a tick spends at most on containers that were found: hooks wait */

static void container_gone(void *context, uint64_t container)
{
	struct agent *agent = context;

	/* the sensor tells again and again until its last task is gone: then it is not known any more */
	(void)pod_registry_remove(agent->registry, container, clock_now_ns(CLOCK_REALTIME));
	agent->gone_noted = true;
}

int agent_record(void *context, const struct abi_header *record, size_t size)
{
	struct agent *agent = context;

	if (pipeline_record(agent->pipeline, record, size) < 0)
		return 0; /* counted there */
	if (record->type == ABI_REC_CGROUP_GONE)
		container_gone(agent, record->cgroup);
	else if (record->type == ABI_REC_CGROUP_ARMED)
		announced_armed(&agent->announced, ((const struct abi_cgroup_armed *)record)->name, record->cgroup);
	return 0;
}

void agent_export_flush(struct agent *agent)
{
	if (agent->export)
		file_sink_flush(agent->export);
}

void agent_counts_take(struct agent *agent)
{
	struct counts *counts = &agent->counts;
	uint64_t kernel[ABI_COUNTERS];
	struct pipeline_stats pipeline;
	struct process_cache_stats cache;
	struct pod_registry_stats registry;
	struct grpc_server_stats server;
	struct file_sink_stats export = { 0 };

	if (sensor_counters(agent->sensor, kernel) >= 0)
		counts_kernel(counts, kernel);
	pipeline_stats(agent->pipeline, &pipeline);
	process_cache_stats(agent->cache, &cache);
	pod_registry_stats(agent->registry, &registry);
	grpc_server_stats(agent->server, &server);
	if (agent->export)
		file_sink_stats(agent->export, &export);
	counts_set(counts, "callers-refused", false, agent->handlers.denied);
	counts_set(counts, "program-runs-missed", true, sensor_missed_runs(agent->sensor));
	counts_set(counts, "containers-admitted", false, agent->admission.admitted);
	counts_set(counts, "cgroups-refused", false, agent->admission.refused_cgroup);
	counts_set(counts, "identities-refused", false, agent->admission.refused_identity);
	counts_set(counts, "policies-undecided", false, agent->admission.undecided);
	counts_set(counts, "admissions-failed", true, agent->admission.failed);
	counts_set(counts, "containers-announced", false, agent->announced.announced);
	counts_set(counts, "container-slots", false, sensor_slots_in_use(agent->sensor));
	counts_set(counts, "announcements-used", false, agent->announced.armed);
	counts_set(counts, "announcements-expired", false, agent->announced.expired);
	counts_set(counts, "announcements-refused", true, agent->announced.refused);
	counts_set(counts, "announced-elsewhere", false, agent->announced.elsewhere);
	counts_set(counts, "announced-to-an-earlier-agent", false, agent->announced.unknown);
	counts_set(counts, "unseen-by-record", false, agent->unseen.by_record);
	counts_set(counts, "unseen-by-walk", false, agent->unseen.by_walk);
	counts_set(counts, "unseen-without-identity", false, agent->unseen.without_identity);
	counts_set(counts, "found-running-told", false, agent->found.told);
	counts_set(counts, "found-running-not-told", true, agent->found.not_told);
	counts_set(counts, "unseen-records-refused", false, agent->unseen.bad_records);
	nri_inside_count(agent->nri, counts);
	counts_set(counts, "records", false, pipeline.records);
	counts_set(counts, "records-malformed", true, pipeline.malformed);
	counts_set(counts, "events-not-built", true, pipeline.build_failed);
	counts_set(counts, "processes-evicted", true, cache.evicted);
	counts_set(counts, "containers-refused-by-registry", true, registry.refused);
	counts_set(counts, "connections", false, server.accepted);
	counts_set(counts, "connections-refused", true, server.refused);
	counts_set(counts, "connections-cut", false, server.failed);
	counts_set(counts, "exported-lines", false, export.lines);
	counts_set(counts, "export-lost", true, export.dropped);
	counts_set(counts, "stream-events-lost", true, agent->streams.dropped);
	counts_set(counts, "log-lines-lost", true, agent->log->dropped);
}

void agent_clock_take(struct agent *agent)
{
	pipeline_set_clock_offset(agent->pipeline, clock_now_ns(CLOCK_REALTIME) - clock_now_ns(CLOCK_BOOTTIME));
}

/* `path`: where it was when it was registered; "": not known. */
static int mark_container(struct agent *agent, uint64_t cgroup_id, const char *path, int64_t budget_ns)
{
	auto_close int fd = hierarchy_open_either(&agent->hierarchy, cgroup_id, path);
	int r;

	if (fd < 0) /* with neither it was announced to an earlier agent: not before it is confirmed */
		return fd == -ENOENT || *path ? 0 : fd;
	r = sensor_container_mark_running(agent->sensor, cgroup_id, fd, budget_ns, NULL);
	return r < 0 && r != -ENOENT ? r : 0;
}

static int mark_again(void *context, uint64_t cgroup_id, const struct abi_container_set *set,
		      const struct abi_container_info *info)
{
	(void)set;
	return mark_container(context, cgroup_id, info->cgroup_path, 0);
}

/* What could not be marked when it was registered: a few each time, so that the loop goes on. */
static void marks_due_tend(struct agent *agent)
{
	int64_t began_ns = clock_now_ns(CLOCK_MONOTONIC);
	uint64_t due[MARKS_DUE_EACH_TICK];
	size_t n;

	if (began_ns < agent->marks_due_ns)
		return;
	n = sensor_marks_due(agent->sensor, &agent->marks_due_at, due, MARKS_DUE_EACH_TICK);
	for (size_t i = 0; i < n; i++) {
		const struct pod_container *known = pod_registry_by_cgroup(agent->registry, due[i]);

		/* else the next time */
		(void)mark_container(agent, due[i], known ? known->cgroup_path : "", ADMISSION_MARK_NS);
	}
	agent->marks_due_ns = began_ns + MARKS_DUE_PART * (clock_now_ns(CLOCK_MONOTONIC) - began_ns);
}

/*
 * The kernel's side of the tick: what ended, what it could not tell us because the ring buffer was full, and marks that
 * it could not store: once all that runs is marked anew it need not be strict with unmarked tasks any more.
 */
static void kernel_tend(struct agent *agent)
{
	struct abi_losses losses;
	bool verify = agent->ticks++ % VERIFY_TICKS == 0, noted = verify || agent->gone_noted;

	agent->gone_noted = false; /* unless somebody is told of now */
	(void)sensor_collect(agent->sensor, noted, ABI_CONTAINERS / VERIFY_TICKS + 1, container_gone, agent);
	marks_due_tend(agent);
	if (!verify || sensor_losses(agent->sensor, &losses) < 0 || !losses.marks)
		return;
	if (sensor_containers(agent->sensor, mark_again, agent) == 0) {
		sensor_losses_mended(agent->sensor, &losses);
		(void)log_event(agent->log, LOG_WARN,
				"marks of tasks were lost (too many threads?); all running containers are marked anew",
				NULL);
	}
}

static void found_tell(struct agent *agent)
{
	const struct found_running_place place = {
		.hierarchy = &agent->hierarchy,
		.registry = agent->registry,
		.pipeline = agent->pipeline,
		.procfs = agent->options->procfs,
	};

	if (!agent->found.n)
		return;
	found_running_tell(&agent->found, &place, TEND_NS);
	agent_export_flush(agent);
}

void agent_tend(struct agent *agent)
{
	agent_clock_take(agent);
	(void)unseen_look(&agent->unseen, clock_now_ns(CLOCK_MONOTONIC), TEND_NS);
	kernel_tend(agent);
	found_tell(agent);
	(void)announced_expire(&agent->announced, clock_now_ns(CLOCK_BOOTTIME));
	(void)sensor_arm_expire(agent->sensor); /* the slots of those that were never used */
	(void)pod_registry_expire(agent->registry, clock_now_ns(CLOCK_REALTIME));
	(void)process_cache_expire(agent->cache, (uint64_t)clock_now_ns(CLOCK_BOOTTIME));
	nri_inside_tick(agent->nri);
	agent_export_flush(agent);
	agent_counts_take(agent);
	counts_report_losses(&agent->counts, agent->log, clock_now_ns(CLOCK_MONOTONIC));
}
