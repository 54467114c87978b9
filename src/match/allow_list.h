/* SPDX-License-Identifier: Apache-2.0 */
/* src/match/allow_list.h: is a name one of those that an operator listed? Exact, byte for byte; no pattern means
 * anything. */
#ifndef MATCH_ALLOW_LIST_H
#define MATCH_ALLOW_LIST_H

#include "base/str.h"

/* `item`: n NUL-terminated texts (borrowed). An empty name is in no list: "unknown" must never be tolerated. */
bool allow_list_has(const char *const *item, size_t n, struct str name);

#endif
