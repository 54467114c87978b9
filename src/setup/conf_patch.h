/* SPDX-License-Identifier: Apache-2.0 */
/*
 * src/setup/conf_patch.h: what the three patch commands have in common: read all files that make up the configuration,
 * plan the change, have it judged on paper, show it or write it, keep a backup, restart. Nothing is written before it
 * is judged. The folder of the configuration is locked from the first read to the last write.
 */
#ifndef SETUP_CONF_PATCH_H
#define SETUP_CONF_PATCH_H

#include "base/buf.h"
#include "setup/conf_set.h"
#include "setup/setup_context.h"

struct conf_paper;

/* Which runtime's program judges the result, and how. */
struct conf_judge {
	const char *runtime; /* for messages */
	const char *program; /* of the daemon: "containerd", "crio" */
	/*
	 * The program's arguments (from argv[1], NULL-terminated) to print what is in force with `set`; `paper` NULL:
	 * with what lies on the disk.
	 */
	int (*arguments)(const struct conf_set *set, const char *root, struct conf_paper *paper, const char **argv,
			 struct error *err);
	bool always_on_paper;
	/* Arguments to print the defaults, for a program that leaves out what is as by default; NULL: it tells all. */
	const char *const *defaults;
	/* Whether our edit is meant to change this key of what is in force (x before, y after; one may be NULL). */
	bool (*may_differ)(const struct toml_node *x, const struct toml_node *y);
	/* Whether what we wanted is in force. Returns NULL or what is wrong. */
	const char *(*achieved)(const struct setup_context *context, const struct toml *after);
	/* Logs what stays open. May be NULL. */
	void (*remark)(struct setup_context *context, const struct toml *after);
};

/* What a change is planned on. */
struct conf_facts {
	const char *root;            /* the runtime's configuration file, absolute */
	const struct conf_set *set;  /* all files, as they are */
	const struct toml *in_force; /* what the runtime's program prints; NULL without --validate */
	const struct toml *defaults; /* what it has left out there; NULL: nothing, or not known */
};

#define CONF_CHANGES_MAX 16

struct conf_change {
	char path[PATH_MAX];
	char *text;
	size_t len;
};

/* In the order of writing; after each of them the runtime must start. */
struct conf_plan {
	struct conf_change change[CONF_CHANGES_MAX];
	size_t n;
};

/* Takes `text` (its memory, also on failure); NULL: nothing is added. 0, -E2BIG. */
int conf_plan_add(struct conf_plan *plan, const char *path, char *text, size_t len, struct error *err);
void conf_plan_done(struct conf_plan *plan);

struct conf_patch {
	const char *config_file;    /* absolute */
	const char *root;           /* the runtime's configuration file: config_file, or what reads that one */
	const char *apart;          /* folder for temporary files, which the runtime does not read */
	const char *drop_in;        /* NULL, or where the change goes, absolute */
	const char *mark;           /* beginning of the first line of a drop-in of ours */
	const char *output_pattern; /* "containerd" and ".toml" for a new file's name */
	const char *output_end;
	bool root_optional; /* the runtime does without the file */
	const struct conf_judge *judge;
	/* All files, in the order in which they take effect. */
	int (*read)(const struct conf_patch *patch, const struct conf_overlay *over, size_t n, struct conf_set *set,
		    struct error *err);
	int (*plan)(struct setup_context *context, const struct conf_patch *patch, const struct conf_facts *facts,
		    struct conf_plan *plan, struct buf *notes, struct error *err);
	/* Whether the files say in the end what was wanted, as far as can be told without the runtime's program. */
	int (*check)(struct setup_context *context, const struct conf_patch *patch, const struct conf_facts *before,
		     const struct conf_set *after, struct error *err);
	const char *config_dir; /* CRI-O's, absolute */
};

/* Runs the command by its options: --undo, --dry-run, --output, --in-place, --validate, --restart. 0 or a negative
 * errno. */
int conf_patch_run(struct setup_context *context, const struct conf_patch *patch, struct error *err);

#endif
