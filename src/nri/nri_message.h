/* SPDX-License-Identifier: Apache-2.0 */
/*
 * src/nri/nri_message.h: NRI's messages as views of the received bytes: nothing is copied, nothing is allocated, every
 * text is a span of the message and lives as long as it. What a plugin seldom needs (labels, environment, mounts) is
 * walked when it is wanted. Field numbers are those of NRI 0.3 to 0.12, which never changed one. Source: behaviour of
 * containerd 1.7.27, 2.1.5, 2.3.4 and CRI-O 1.37.0 (tests/fixtures/nri). Pure.
 */
#ifndef NRI_NRI_MESSAGE_H
#define NRI_NRI_MESSAGE_H

#include <stdbool.h>
#include <stdint.h>

#include "base/str.h"

struct error;

/* Of ids, names, namespaces; Kubernetes allows 253. A longer one makes the message malformed. */
#define NRI_NAME_MAX 1024
#define NRI_PATH_MAX 4096

enum nri_event {
	NRI_RUN_POD_SANDBOX = 1,
	NRI_STOP_POD_SANDBOX,
	NRI_REMOVE_POD_SANDBOX,
	NRI_CREATE_CONTAINER, /* may adjust the container; an error refuses it */
	NRI_POST_CREATE_CONTAINER,
	NRI_START_CONTAINER, /* an error refuses it on containerd; CRI-O logs it and goes on */
	NRI_POST_START_CONTAINER,
	NRI_UPDATE_CONTAINER,
	NRI_POST_UPDATE_CONTAINER,
	NRI_STOP_CONTAINER,
	NRI_REMOVE_CONTAINER,
	NRI_UPDATE_POD_SANDBOX, /* this one and the next ones: NRI 0.10 and newer */
	NRI_POST_UPDATE_POD_SANDBOX,
	NRI_VALIDATE_CONTAINER_ADJUSTMENT, /* a plugin dropped during creation then fails it */
	NRI_EVENTS,
};
#define NRI_BIT(event) (UINT32_C(1) << ((event)-1)) /* in a mask of events */
#define NRI_RANGE_OLD UINT32_C(0x7ff)               /* what NRI up to 0.8 knows; another bit is an error there */
#define NRI_RANGE_NEW UINT32_C(0x3fff)

const char *nri_event_name(enum nri_event event); /* "CreateContainer": the method's name; static */

/* What the runtime says about itself in Configure. */
struct nri_runtime {
	struct str config;       /* text of the configuration file of a plugin that the runtime launched; else "" */
	struct str name;         /* "containerd", "cri-o" */
	struct str version;      /* "v2.3.4" */
	struct str nri_version;  /* "" below 0.12 */
	int64_t request_ns;      /* how long it waits for an answer */
	int64_t registration_ns; /* both: the documented default where it does not say */
	uint32_t range;          /* events that it knows */
};

enum nri_container_state { NRI_UNKNOWN = 0, NRI_CREATED, NRI_PAUSED, NRI_RUNNING, NRI_STOPPED };

struct nri_pod {
	struct str id, name, uid, name_space, runtime_handler;
	struct str cgroup_parent, cgroups_path; /* as in the OCI spec: a path, or "slice:prefix:name" */
	uint32_t pid;                           /* 0: the runtime does not say */
	struct str message;                     /* all of it, for nri_pod_labels and nri_pod_annotations */
	bool labels_cut;                        /* not set by the parser: its labels were not kept */
};

struct nri_container {
	struct str id, pod_id, name;
	struct str cgroups_path; /* as in the OCI spec: a path, or "slice:prefix:name" */
	struct str image;        /* "" where the runtime does not say: then only its annotations do */
	enum nri_container_state state;
	uint32_t pid;
	struct str message; /* all of it, for the walks below */
};

/* 0; -EINVAL malformed, a NUL or too many bytes in a name. Absent members are "" and 0. */
int nri_runtime_parse(struct str message, struct nri_runtime *ret_runtime, struct error *err);
int nri_pod_parse(struct str message, struct nri_pod *ret_pod, struct error *err);
int nri_container_parse(struct str message, struct nri_container *ret_container, struct error *err);

/* A walk over a map or a repeated field. One that meets malformed bytes ends there. */
struct nri_walk {
	struct str rest;
	uint32_t field;
};
struct nri_walk nri_pod_labels(const struct nri_pod *pod);
struct nri_walk nri_pod_annotations(const struct nri_pod *pod);
struct nri_walk nri_container_labels(const struct nri_container *container);
struct nri_walk nri_container_annotations(const struct nri_container *container);
struct nri_walk nri_container_mounts(
	const struct nri_container *container); /* each: destination, type, source, options */
struct nri_walk nri_container_args(const struct nri_container *container);
struct nri_walk nri_container_env(const struct nri_container *container);
struct nri_walk nri_container_hooks(const struct nri_container *container); /* createRuntime; nri_hook_path of each */
bool nri_walk_next(struct nri_walk *walk, struct str *ret_item);
bool nri_walk_pair(struct nri_walk *walk, struct str *ret_key, struct str *ret_value);
/* The value of `key`; p is NULL if there is none. */
struct str nri_walk_find(struct nri_walk walk, struct str key);

/*
 * An event's request. Members that the event does not have are empty. `hook` (ValidateContainerAdjustment only): the
 * adjustment's createRuntime hooks, to be walked with nri_walk_next and nri_hook_path.
 */
struct nri_request {
	enum nri_event event;
	struct nri_pod pod;
	struct nri_container container;
	struct nri_walk hooks;
	int64_t timeout_ns; /* how long the runtime waits from `received_ns` on; never 0 */
	int64_t received_ns;
	struct str message;
};

/* The request of `event` as its own method has it. Returns 0 or -EINVAL. Times are left alone. */
int nri_request_parse(enum nri_event event, struct str message, struct nri_request *ret_request, struct error *err);
/* StateChange, in which older runtimes send most events. -EINVAL too if it names no event. */
int nri_state_change_parse(struct str message, struct nri_request *ret_request, struct error *err);
struct str nri_hook_path(struct str hook);

#endif
