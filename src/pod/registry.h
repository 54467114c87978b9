/* SPDX-License-Identifier: Apache-2.0 */
/*
 * src/pod/registry.h: which containers there are, by cgroup id, container id and cgroup path. Several sources feed it:
 * the first one that knows a field wins, later ones only complete what is empty. A container that is removed stays
 * among the recent ones for a while, so that its last events still have their pod. Memory is bounded by the limits in
 * the options. One thread. Time is CLOCK_REALTIME or any other clock, as the caller likes, but one and the same in all
 * calls.
 */
#ifndef POD_REGISTRY_H
#define POD_REGISTRY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct error;
struct pod_registry;

#define POD_ID_MAX 256   /* bytes of a container id or pod uid */
#define POD_NAME_MAX 256 /* bytes of a namespace or name (Kubernetes: 253) */
#define POD_IMAGE_MAX 1024
#define POD_PATH_MAX 4095
#define POD_KEEP_TRIES 16  /* questions to pod_keep_fn in one call: each may cost a walk over all processes */
#define POD_LABELS_MAX 256 /* labels of one pod */
#define POD_LABEL_MAX 512  /* bytes of one key or value (Kubernetes: 317 and 63) */

enum pod_source {                         /* who told us */
		  POD_FROM_HOOK = 1,      /* RuntimeHook request */
		  POD_FROM_UNSEEN_RECORD, /* record of a tolerated start */
		  POD_FROM_WALK,          /* walk of the cgroup tree, or a process found in it */
		  POD_FROM_KERNEL,        /* container_info map of an earlier agent */
		  POD_FROM_NRI,           /* the plugin tetragon-nri-hook */
		  POD_FROM_NRI_INSIDE,    /* the same code inside the agent */
		  POD_FROM_CRI,
		  POD_FROM_API,
};

struct pod_label {
	const char *key, *value;
};

/* What is known of one container. Texts are NUL-terminated; "" (or NULL in what is passed in) is "not known". */
struct pod_container {
	uint64_t cgroup_id;       /* never 0: 0 means "no container" in the kernel's records */
	const char *container_id; /* without scheme */
	const char *runtime;      /* scheme of the id: "containerd", "cri-o", "podman", "docker" */
	const char *name;
	const char *image;
	const char *pod_namespace;
	const char *pod_name;
	const char *pod_uid;
	const char *cgroup_path;       /* below the hierarchy's root, begins with '/' */
	const struct pod_label *label; /* `labels` of them, sorted by key */
	size_t labels;
	bool labels_known;      /* these are all labels of the pod; never false where there are some */
	int64_t registered_ns;  /* when it was first added */
	enum pod_source source; /* who added it first */
	uint32_t decision_us;   /* how long whoever told first waited for the answer; 0: not known */
};

struct pod_registry_options {
	size_t limit;        /* containers at a time; 0: 65536 */
	size_t recent_limit; /* removed ones that are kept; 0: 1024 */
	int64_t recent_ns;   /* how long they are kept at most; 0: 60 s */
};

struct pod_registry_stats {
	uint64_t containers, recent; /* now */
	uint64_t refused;            /* additions refused: limit or memory */
	uint64_t conflicts;          /* additions refused: another container id, namespace or uid than is known */
	size_t bytes;                /* allocated for entries */
};

/* NULL: no memory. `options` may be NULL. */
struct pod_registry *pod_registry_new(const struct pod_registry_options *options);
void pod_registry_free(struct pod_registry *registry);

/*
 * Adds or completes the entry of info->cgroup_id (info is copied). Returns
 *   1          it is new
 *   0          it was known; empty fields were filled
 *   -EEXIST    it is known with another container id, pod namespace or pod uid; nothing changed
 *   -EINVAL    cgroup id 0, or path without leading '/'
 *   -E2BIG     a text or the number of labels is over a limit above
 *   -ENOSPC    the registry is full; -ENOMEM
 * Pointers to that entry that were handed out before are invalid afterwards.
 */
int pod_registry_add(struct pod_registry *registry, const struct pod_container *info, int64_t now_ns,
		     struct error *err);

/* Notes how long the first decision about it took, if that is not known yet. */
void pod_registry_decided(struct pod_registry *registry, uint64_t cgroup_id, uint32_t decision_us);

/* Moves it to the recent ones. -ENOENT: not known. Pointers to it stay valid until the next add, remove or expire. */
int pod_registry_remove(struct pod_registry *registry, uint64_t cgroup_id, int64_t now_ns);

/* Frees recent ones that are older than recent_ns. Call now and then. Returns how many. */
size_t pod_registry_expire(struct pod_registry *registry, int64_t now_ns);

/*
 * Sets who is asked before a removed one is forgotten: true keeps it for another recent_ns. A process that has left its
 * container lives on when the container's cgroup is gone, and must not pass for one of the host. The limit on the
 * number of recent ones holds all the same: of several, those that are not kept go first, as far as the POD_KEEP_TRIES
 * oldest tell.
 */
typedef bool pod_keep_fn(const void *context, uint64_t cgroup_id);
void pod_registry_keep(struct pod_registry *registry, pod_keep_fn *keep, const void *context);

/* Lookups; NULL: not known. Valid until the registry changes. Of several with one text: the one last added or
 * completed. */
const struct pod_container *pod_registry_by_cgroup(const struct pod_registry *registry, uint64_t cgroup_id);
const struct pod_container *pod_registry_by_id(const struct pod_registry *registry, const char *container_id);
const struct pod_container *pod_registry_by_path(const struct pod_registry *registry, const char *cgroup_path);
/* The container whose cgroup is `cgroup_path` or the nearest one above it. */
const struct pod_container *pod_registry_above(const struct pod_registry *registry, const char *cgroup_path);
/* For events: like by_cgroup, but recently removed ones are found too. */
const struct pod_container *pod_registry_recall(const struct pod_registry *registry, uint64_t cgroup_id);

/* What a cgroup path that somebody wants to put under policy is, seen from the containers that are known. */
enum pod_path {
	POD_PATH_NEW = 0, /* nobody's */
	POD_PATH_SAME,    /* the same container again (ids equal, or one of them not known) */
	POD_PATH_REMADE,  /* path known, but with another cgroup id: the directory was made anew, the entry is out of
			     date */
	POD_PATH_BELOW,   /* inside a known container (nested runtime): allowed */
	POD_PATH_ROOT,    /* empty or the hierarchy's root: refuse */
	POD_PATH_ABOVE,   /* an ancestor of a known container: refuse, unless that one is gone */
	POD_PATH_TAKEN,   /* a known container's with another container id: refuse */
};

/*
 * Judges `cgroup_path` ("/kubepods/…", without ".."; trailing slashes do not count). *ret_other (may be NULL): the
 * container that the answer is about, or NULL. For ABOVE the caller may see whether that cgroup still exists, remove
 * the entry if not, and ask again.
 */
enum pod_path pod_registry_judge_path(const struct pod_registry *registry, const char *cgroup_path, uint64_t cgroup_id,
				      const char *container_id, const struct pod_container **ret_other);

/*
 * Calls `each` for every container, or those of `pod_namespace` (NULL: all), oldest first, until it returns non-zero;
 * that value is returned. `each` may remove the container that it is given, no other, and must not add.
 */
typedef int pod_registry_fn(void *context, const struct pod_container *container);
int pod_registry_each(struct pod_registry *registry, const char *pod_namespace, pod_registry_fn *each, void *context);

void pod_registry_stats(const struct pod_registry *registry, struct pod_registry_stats *ret_stats);

#endif
