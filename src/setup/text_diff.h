/* SPDX-License-Identifier: Apache-2.0 */
/* src/setup/text_diff.h: two texts as a unified diff, as patch(1) reads it. Myers' greedy algorithm. */
#ifndef SETUP_TEXT_DIFF_H
#define SETUP_TEXT_DIFF_H

#include <stdio.h>

#include "base/str.h"

struct error;

#define TEXT_DIFF_CONTEXT 3 /* lines */
#define TEXT_DIFF_CHANGES_MAX \
	1024 /* lines in and out; beyond it everything between the equal ends counts as replaced */

/* Writes nothing where the texts are equal. `from` and `to` name them. Returns 0 or -ENOMEM; errors of `out` are the
 * caller's. */
int text_diff_write(FILE *out, const char *from, struct str a, const char *to, struct str b, struct error *err);

#endif
