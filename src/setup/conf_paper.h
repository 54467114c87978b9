/* SPDX-License-Identifier: Apache-2.0 */
/*
 * src/setup/conf_paper.h: a configuration on paper: files that only this process and the program that judges them see
 * (memfd), so that nothing counts before it is judged, and nothing is left by whoever is killed. They are named
 * /proc/self/fd/N, which the judging program inherits; a folder, where one has to be named, holds links to them and
 * nothing else.
 */
#ifndef SETUP_CONF_PAPER_H
#define SETUP_CONF_PAPER_H

#include "base/str.h"
#include "setup/conf_set.h"

#define CONF_PAPER_NAME 32 /* bytes of a name, NUL included */

struct conf_paper {
	int fd[CONF_SET_MAX + 1];
	char name[CONF_SET_MAX + 1][CONF_PAPER_NAME];
	size_t n;
	char folder[CONF_PAPER_NAME]; /* "" while there is none */
	size_t links;
	char option[CONF_PAPER_NAME + 16]; /* room for the argument that names the folder */
};

/* A file with this content; *ret_name is valid as long as the paper. 0 or -errno. */
int conf_paper_add(struct conf_paper *paper, struct str text, const char **ret_name, struct error *err);

/* A folder of links: they are read in the order in which they are made. 0 or -errno. */
int conf_paper_folder(struct conf_paper *paper, struct error *err);
int conf_paper_link(struct conf_paper *paper, const char *to, struct error *err);

void conf_paper_done(struct conf_paper *paper);
#define auto_paper __attribute__((cleanup(conf_paper_done)))

#endif
