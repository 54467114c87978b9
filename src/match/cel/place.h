/* SPDX-License-Identifier: Apache-2.0 */
/*
 * src/match/cel/place.h: errors that show where in an expression they are:
 *   line 1, column 3: no overload of _==_ takes (int, uint); there is: A == A
 *    | 1 == 1u
 *    | ..^
 * The first line is complete for a log. Columns count characters from 1. A long source line is cut to what is around.
 */
#ifndef MATCH_CEL_PLACE_H
#define MATCH_CEL_PLACE_H

#include "base/str.h"

struct error;

/* Fills `err` (may be NULL); `at` is a byte offset into the source, its length included. Returns -code. */
int cel_error_at(struct error *err, int code, struct str source, size_t at, const char *format, ...)
	__attribute__((format(printf, 5, 6)));

#endif
