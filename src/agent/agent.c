/* SPDX-License-Identifier: Apache-2.0 */
#include "agent/agent.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>
#include <uv.h>

#include "agent/admission.h"
#include "agent/agent_options.h"
#include "agent/agent_state.h"
#include "agent/announced.h"
#include "agent/counts.h"
#include "agent/event_streams.h"
#include "agent/found_running.h"
#include "agent/instance_files.h"
#include "agent/nri_inside.h"
#include "agent/policies.h"
#include "agent/policy_status.h"
#include "agent/rpc_handlers.h"
#include "agent/state_dir.h"
#include "agent/unseen.h"
#include "base/buf.h"
#include "base/clock.h"
#include "base/error.h"
#include "base/log.h"
#include "event/file_sink.h"
#include "event/pipeline.h"
#include "pod/registry.h"
#include "process/cache.h"
#include "rpc/grpc_server.h"
#include "sensor/hierarchy.h"
#include "sensor/sensor.h"

#define BPFFS "/sys/fs/bpf"
#define TICK_MS 1000
#define EXPORT_END_MS 2000 /* for the last events to be written: a disk that hangs must not hold up the end */

/* --- the loop's work --- */

static void on_events(uv_poll_t *poll, int status, int what)
{
	struct agent *agent = poll->data;

	(void)what;
	if (status < 0)
		return;
	(void)sensor_events_read(agent->sensor, agent_record, agent); /* losses are counted in the kernel */
	agent_export_flush(agent);
}

static void on_trouble(void *context, int code)
{
	struct agent *agent = context;

	if (code)
		(void)log_event(agent->log, LOG_WARN,
				"events cannot be written; those that do not fit in memory are lost", "file",
				agent->options->export_filename, "error", strerror(code), NULL);
	else
		(void)log_event(agent->log, LOG_INFO, "events can be written again", "file",
				agent->options->export_filename, NULL);
}

static void on_tick(uv_timer_t *timer)
{
	agent_tend(timer->data);
}

static void handle_close(uv_handle_t *handle, void *context)
{
	(void)context;
	if (!uv_is_closing(handle))
		uv_close(handle, NULL);
}

static void on_signal(uv_signal_t *signal, int number)
{
	struct agent *agent = signal->data;

	if (agent->is_stopping)
		return;
	agent->is_stopping = true;
	(void)log_event(agent->log, LOG_INFO,
			number == SIGINT ? "Received signal interrupt, shutting down..."
					 : "Received signal terminated, shutting down...",
			NULL);
	/* From here on nothing of ours waits for a signal: a second one kills. */
	uv_close((uv_handle_t *)&agent->sigterm, NULL);
	uv_close((uv_handle_t *)&agent->sigint, NULL);
	uv_stop(&agent->loop);
}

/* --- start --- */

static const char *node_name(char *memory, size_t size)
{
	const char *name = getenv("HUBBLE_NODE_NAME");

	if (!name || !*name)
		name = getenv("NODE_NAME");
	if (name && *name)
		return name;
	if (gethostname(memory, size) < 0)
		return "";
	memory[size - 1] = '\0';
	return memory;
}

/* A connection is a descriptor: as many as the administrator allows. */
static void raise_files(void)
{
	struct rlimit files;

	if (getrlimit(RLIMIT_NOFILE, &files) < 0)
		return;
	files.rlim_cur = files.rlim_max;
	(void)setrlimit(RLIMIT_NOFILE, &files); /* then the server takes fewer connections */
}

static int signals_start(struct agent *agent, struct error *err)
{
	int r;

	(void)signal(SIGPIPE, SIG_IGN); /* a peer that has gone is an error of write(2) */
	agent->sigterm.data = agent->sigint.data = agent;
	r = uv_signal_init(&agent->loop, &agent->sigterm);
	if (r >= 0)
		r = uv_signal_init(&agent->loop, &agent->sigint);
	if (r >= 0)
		r = uv_signal_start(&agent->sigterm, on_signal, SIGTERM);
	if (r >= 0)
		r = uv_signal_start(&agent->sigint, on_signal, SIGINT);
	return r < 0 ? error_set(err, -r, "cannot wait for signals: %s", uv_strerror(r)) : 0;
}

static int listen_start(struct agent *agent, struct error *err)
{
	const struct flag_list *addresses = &agent->options->server_address;
	int r = grpc_server_new(&agent->loop, rpc_methods, &agent->handlers, &agent->server);

	if (r < 0)
		return error_errno(err, -r, "gRPC server");
	grpc_server_on_denied(agent->server, rpc_denied);
	for (size_t i = 0; i < addresses->n; i++) {
		if (!*addresses->item[i])
			continue;
		r = grpc_server_listen(agent->server, addresses->item[i], err);
		if (r < 0)
			return error_wrap(err, r, "cannot listen for gRPC: --server-address");
		(void)log_event(agent->log, LOG_INFO, "listening", "address", addresses->item[i], NULL);
	}
	return 0;
}

static int policies_start(struct agent *agent, struct error *err)
{
	const struct agent_options *options = agent->options;
	int r;

	for (size_t i = 0; i < options->tracing_policy.n; i++) {
		if (!*options->tracing_policy.item[i])
			continue;
		r = policies_stage_file(agent->policies, options->tracing_policy.item[i], err);
		if (r < 0)
			return r;
	}
	return *options->tracing_policy_dir ? policies_stage_dir(agent->policies, options->tracing_policy_dir,
								 options->is_default_policy_dir, err)
					    : 0;
}

/* The kernel's memory of a container becomes the registry's. */
static int remember(void *context, uint64_t cgroup_id, const struct abi_container_set *set,
		    const struct abi_container_info *info)
{
	struct agent *agent = context;
	const struct pod_container container = {
		.cgroup_id = cgroup_id,
		.container_id = info->container_id,
		.name = info->container_name,
		.image = info->image,
		.pod_namespace = info->pod_namespace,
		.pod_name = info->pod_name,
		.pod_uid = info->pod_uid,
		.cgroup_path = info->cgroup_path,
		.registered_ns = (int64_t)info->registered_ns,
		/* what was a guess stays one */
		.source = info->source == ABI_INFO_WALK ? POD_FROM_WALK : POD_FROM_KERNEL,
	};
	struct error err = { 0 };

	(void)set;
	if (!info->registered_ns)
		return 0; /* announced to an earlier agent, and not confirmed: nobody knows who it is */
	if (pod_registry_add(agent->registry, &container, clock_now_ns(CLOCK_REALTIME), &err) < 0)
		(void)log_event(agent->log, LOG_WARN,
				"container of an earlier agent is not in the registry; its policies stay as they are",
				"error", err.text, NULL);
	return 0;
}

static int sensor_start(struct agent *agent, struct error *err)
{
	const struct sensor_options options = {
		.bpffs = BPFFS,
		.dir = agent->options->bpf_dir,
		.hierarchy = &agent->hierarchy,
		.release_pins = agent->options->release_pinned_bpf,
		.keep_on_close = agent->options->keep_sensors_on_exit,
		.procfs = agent->options->procfs,
		.skip_program = agent->options->debug_skip_program,
	};
	int r = hierarchy_find(agent->options->procfs, agent->options->cgroup_hierarchy, &agent->hierarchy, err);

	if (r < 0)
		return error_wrap(err, r, "cgroups");
	(void)log_event(agent->log, LOG_INFO, "cgroup hierarchy", "mode", agent->hierarchy.mode, "root",
			agent->hierarchy.root, "controller", agent->hierarchy.controller, NULL);
	r = sensor_open(&options, &agent->sensor, err);
	if (r < 0)
		return r;
	(void)log_event(agent->log, LOG_INFO,
			sensor_adopted(agent->sensor) ? "took over the programs of an earlier agent"
						      : "BPF programs loaded",
			"pins", BPFFS, "bpf-dir", agent->options->bpf_dir, NULL);
	if (sensor_has_gap(agent->sensor))
		(void)log_event(agent->log, LOG_WARN,
				"an earlier agent's kernel state is of another layout: it judges on until all "
				"containers are found "
				"again; tasks that have left their container's cgroup are lost then",
				NULL);
	r = sensor_containers(agent->sensor, remember, agent);
	return r < 0 ? error_errno(err, -r, "cannot list the kernel's containers") : 0;
}

static int pipeline_start(struct agent *agent, struct error *err);

static void parts_join(struct agent *agent)
{
	agent->admission = (struct admission){
		.sensor = agent->sensor,
		.hierarchy = &agent->hierarchy,
		.registry = agent->registry,
		.policies = agent->policies,
		.found = &agent->found,
	};
	runtime_judge_init(&agent->admission.judge, agent->options->procfs);
	admission_find_own_path(&agent->admission);
	agent->announced = (struct announced){
		.admission = &agent->admission,
		.log = agent->log,
		.ttl_ns = agent->options->announce_timeout_ns,
	};
	agent->unseen = (struct unseen){
		.admission = &agent->admission,
		.log = agent->log,
		.dir = agent->options->unseen_dir,
		.procfs = agent->options->procfs,
	};
	agent->streams = (struct event_streams){ .pipeline = agent->pipeline, .log = agent->log };
	agent->handlers = (struct rpc_handlers){
		.admission = &agent->admission,
		.announced = &agent->announced,
		.streams = &agent->streams,
		.policies = agent->policies,
		.sensor = agent->sensor,
		.log = agent->log,
	};
}

static const struct policy *policy_of(void *context, unsigned slot, uint32_t generation)
{
	return policies_find(((struct agent *)context)->policies, slot, generation);
}

static int pipeline_start(struct agent *agent, struct error *err)
{
	char host[256];
	const struct pipeline_options options = {
		.node_name = node_name(host, sizeof host),
		.cache = agent->cache,
		.registry = agent->registry,
		.context = agent,
		.policy = policy_of,
	};
	const struct file_sink_options export = {
		.filename = agent->options->export_filename,
		.trouble = on_trouble,
		.context = agent,
	};
	int r;

	agent->pipeline = pipeline_new(&options);
	if (!agent->pipeline)
		return error_errno(err, ENOMEM, "event pipeline");
	agent_clock_take(agent);
	if (!*export.filename)
		return 0;
	r = file_sink_new(&export, &agent->export, err);
	if (r < 0)
		return error_wrap(err, r, "--export-filename");
	pipeline_sink_add(agent->pipeline, file_sink_event_sink(agent->export));
	return 0;
}

static int scan(struct agent *agent, struct error *err)
{
	const struct pipeline_scan_options options = {
		.procfs = agent->options->procfs,
		.controller = agent->hierarchy.controller,
		.clock_ticks = sysconf(_SC_CLK_TCK),
	};
	int r = pipeline_scan(agent->pipeline, &options, err);

	if (r < 0)
		return error_wrap(err, r, "running processes");
	agent_export_flush(agent);
	return 0;
}

static int loop_start(struct agent *agent, struct error *err)
{
	int r;

	agent->tick.data = agent->events.data = agent;
	(void)uv_timer_init(&agent->loop, &agent->tick); /* cannot fail */
	(void)uv_timer_start(&agent->tick, on_tick, TICK_MS, TICK_MS);
	r = uv_poll_init(&agent->loop, &agent->events, sensor_events_fd(agent->sensor));
	if (r >= 0)
		r = uv_poll_start(&agent->events, UV_READABLE, on_events);
	return r < 0 ? error_set(err, -r, "cannot wait for events: %s", uv_strerror(r)) : 0;
}

static int store_start(struct agent *agent, struct error *err)
{
	struct policies_options options = {
		.state_dir_fd = agent->state.policies_fd,
		.now_s = clock_now_ns(CLOCK_REALTIME) / NS_PER_S,
		.changed = announced_refresh,
		.context = &agent->announced,
	};

	agent->registry = pod_registry_new(NULL);
	agent->cache = process_cache_new(NULL);
	if (!agent->registry || !agent->cache)
		return error_errno(err, ENOMEM, "registry and process cache");
	options.registry = agent->registry;
	return policies_new(&options, &agent->policies, err);
}

static int nri_start(struct agent *agent, struct error *err)
{
	const struct nri_inside_options options = {
		.loop = &agent->loop,
		.conf = &agent->options->nri_conf,
		.admission = &agent->admission,
		.announced = &agent->announced,
		.log = agent->log,
	};

	return nri_inside_start(&options, &agent->nri, err);
}

static int start(struct agent *agent, struct error *err)
{
	int r = signals_start(agent, err);

	if (r >= 0)
		r = state_dir_open(AGENT_STATE_DIR, agent->options->bpf_dir, &agent->state, err);
	if (r >= 0)
		r = listen_start(agent, err);
	if (r >= 0)
		r = store_start(agent, err);
	if (r >= 0)
		r = policies_start(agent, err); /* a wrong file ends the start before the kernel has seen anything */
	if (r >= 0)
		r = sensor_start(agent, err);
	if (r >= 0)
		r = pipeline_start(agent, err);
	if (r < 0)
		return r;
	parts_join(agent);
	r = policies_apply(agent->policies, agent->sensor, err);
	if (r < 0)
		return r;
	for (size_t i = 0; policies_at(agent->policies, i); i++)
		policy_status_log(agent->log, agent->sensor, policies_at(agent->policies, i));
	policy_status_undecided(agent->log, agent->policies);
	(void)unseen_look(&agent->unseen, clock_now_ns(CLOCK_MONOTONIC), 0);
	(void)unseen_walk(&agent->unseen);
	agent->found.n = 0; /* the scan tells of everybody */
	sensor_settle(agent->sensor);
	r = scan(agent, err);
	if (r >= 0)
		r = loop_start(agent, err);
	if (r >= 0 && agent->options->has_nri)
		r = nri_start(agent, err);
	return r;
}

/* Last: whoever finds them may come. */
static void instance_write(struct agent *agent)
{
	const struct flag_list *addresses = &agent->options->server_address;
	char map_dir[PATH_MAX];
	struct buf text = buf_over(map_dir, sizeof map_dir);
	struct instance instance = {
		.procfs = agent->options->procfs,
		.export_filename = agent->options->export_filename,
		.server_address = "",
		.map_dir = map_dir,
	};
	struct error err = { 0 };

	buf_printf(&text, "%s/%s", BPFFS, agent->options->bpf_dir);
	for (size_t i = 0; i < addresses->n && !*instance.server_address; i++)
		if (str_starts(str_of(addresses->item[i]), STR("unix:")))
			instance.server_address = addresses->item[i];
	if (instance_files_write(agent->state.public_fd, &instance, &err) < 0)
		(void)log_event(agent->log, LOG_WARN, "other programs cannot find this agent by its files", "error",
				err.text, NULL);
}

/* --- end --- */

static void stop(struct agent *agent)
{
	agent->is_stopping = true;
	if (agent->streams.pipeline)
		event_streams_close(&agent->streams);
	if (agent->server)
		grpc_server_stop(agent->server);
	nri_inside_stop(agent->nri);
	uv_walk(&agent->loop, handle_close, NULL);
	(void)uv_run(&agent->loop, UV_RUN_DEFAULT); /* until all handles are closed */
	(void)uv_loop_close(&agent->loop);
	nri_inside_free(agent->nri);
	grpc_server_free(agent->server);
	file_sink_free(agent->export);
	pipeline_free(agent->pipeline);
	process_cache_free(agent->cache);
	announced_done(&agent->announced);
	policies_free(agent->policies);
	sensor_close(agent->sensor);
	hierarchy_done(&agent->hierarchy);
	pod_registry_free(agent->registry);
	instance_files_remove(agent->state.public_fd);
	state_dir_close(&agent->state);
}

int agent_run(const struct agent_options *options, struct log *log, struct error *err)
{
	struct agent *agent = calloc(1, sizeof *agent);
	int r;

	if (!agent)
		return error_errno(err, ENOMEM, "agent");
	agent->options = options;
	agent->log = log;
	agent->state.lock_fd = agent->state.policies_fd = agent->state.public_fd = -1;
	r = uv_loop_init(&agent->loop);
	if (r < 0) {
		free(agent);
		return error_set(err, -r, "event loop: %s", uv_strerror(r));
	}
	raise_files();
	r = start(agent, err);
	if (r >= 0) {
		instance_write(agent);
		(void)log_event(log, LOG_INFO, "ready", NULL);
		(void)uv_run(&agent->loop, UV_RUN_DEFAULT);
		(void)sensor_events_read(agent->sensor, agent_record, agent); /* the last ones */
		if (agent->export)
			(void)file_sink_end(agent->export, EXPORT_END_MS); /* what is lost is counted */
		agent_counts_take(agent);
		counts_report_all(&agent->counts, log);
	}
	stop(agent);
	free(agent);
	return r < 0 ? r : 0;
}
