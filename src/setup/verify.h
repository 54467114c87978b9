/* SPDX-License-Identifier: Apache-2.0 */
/*
 * src/setup/verify.h: what the files of the command verify share: the report, and what is known of the host. The
 * checks, in the order in which they are made:
 *   cmd_verify          the host, the log, the agent
 *   verify_plugin       what the NRI plugin says of itself
 *   verify_hook         the program that was installed
 *   verify_folders      hook files that CRI-O and podman read
 *   verify_crio         CRI-O's daemon, and its configuration of NRI
 *   verify_containerd   containerd's configuration: base specs, NRI
 *   verify_daemon       the daemon that runs: is it the one, does it know what its files say, whose is the NRI socket
 */
#ifndef SETUP_VERIFY_H
#define SETUP_VERIFY_H

#include <limits.h>

#include "base/buf.h"
#include "base/sha256.h"
#include "setup/host_detect.h"
#include "setup/running.h"
#include "setup/setup_options.h"

struct error;
struct host_conf;
struct host_conf_file;
struct toml;

struct report {
	struct buf out;
	bool json, open; /* open: a check failed */
	size_t checks;
};

/* What the NRI plugin wrote down (src/nri/status.h). */
struct plugin_status {
	bool is_there, is_bad; /* the file; is_bad: it cannot be read, `reason` says why */
	bool connected;
	char since[64], mode[16], reason[256];
	char program[32]; /* whose process the plugin is: the agent's with --nri */
};

struct verify {
	const struct setup_conf *conf;
	struct report *report;
	int root_fd;
	bool is_here; /* the tree is this machine's own: its processes may be asked */
	bool is_known;
	struct host_found found; /* if is_known */
	char hook[PATH_MAX];     /* as the host sees it */
	bool registered;
	bool names_binary, names_socket; /* --local-binary, --nri-hook.socket were given */
	struct plugin_status plugin;
	char sum[SHA256_TEXT];       /* of the hook that is there; "": none is */
	char sum_noted[SHA256_TEXT]; /* that a registration was made for; "": none says */
	char config[PATH_MAX];       /* containerd's or CRI-O's file; "": another runtime */
	struct running daemon;       /* that reads it; pid 0: none that can be seen */
};

/* One line. `todo`: what to do where it failed. */
void verify_tell(struct report *report, bool good, const char *check, const char *todo, const char *format, ...)
	__attribute__((format(printf, 5, 6)));

/* One line of what is no hole, but could be better: `todo` is told all the same. */
void verify_advise(struct report *report, const char *check, const char *todo, const char *format, ...)
	__attribute__((format(printf, 4, 5)));

/* Is the NRI plugin required: what the runtime's validator says of it. */
struct verify_required {
	const char *list, *enable_todo; /* the list's name; how to enable the validator */
	const char *todo;               /* how to require it */
	const char *name;
	bool is_named, is_enabled;
	bool is_wanted; /* asked for: then that it is not required is a hole */
};
void verify_required_tell(struct report *report, const struct verify_required *required);

/* A file below the host's root: malloc'd text, caller frees. 0 or a negative errno. */
int verify_read(const struct verify *verify, const char *path, size_t limit, char **ret_text, size_t *ret_len,
		struct error *err);

bool verify_has(const struct verify *verify, const char *path);

/* Fills verify->plugin. */
void verify_plugin_read(struct verify *verify);
/* The NRI plugin as it told itself, and that it is still there: is it what registers the hook? */
void verify_plugin_tell(struct verify *verify);
/* Connected, and asks the agent itself: then no hook is needed. */
bool verify_is_direct(const struct verify *verify);

/* The program; options that it would refuse. */
void verify_hook(struct verify *verify);
/* Whether it is the one that was installed: after verify_folders, which may note its sum. */
void verify_hook_content(struct verify *verify);

void verify_folders(struct verify *verify);

/*
 * CRI-O: whether the daemon looks into `folder`, a list that the file `decides` made (NULL: the default); what the
 * configuration says about NRI.
 */
void verify_crio_watches(struct verify *verify, const char *folder, const struct host_conf_file *decides);
void verify_crio_nri(struct verify *verify, const struct host_conf *conf);

void verify_containerd(struct verify *verify);

/*
 * What containerd's configuration says about NRI. `conf`: its files; `in_force`: what containerd itself says, NULL: not
 * asked.
 */
void verify_nri(struct verify *verify, const struct host_conf *conf, const struct toml *in_force);

/* Fills verify->daemon, and tells a daemon that reads another file, and a second one. */
void verify_daemon_find(struct verify *verify, const char *program);
/* Whether the daemon was started after the last change of its files and of `specs` (NULL-terminated paths). */
void verify_daemon_restarted(struct verify *verify, const struct host_conf *conf, const char *const specs[]);
/* Whose the NRI socket at `path` is. */
void verify_socket(struct verify *verify, const char *path);

/* Slack in comparing a file's time with a daemon's start, which the kernel tells to the 100th of a second. */
#define VERIFY_START_SLACK_NS (20 * NS_PER_MS)

#endif
