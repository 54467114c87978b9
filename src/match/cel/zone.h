/* SPDX-License-Identifier: Apache-2.0 */
/*
 * src/match/cel/zone.h: how far a time zone is from UTC at a moment. Names are looked up in the host's zone files; none
 * are built in. Source: RFC 9636 (TZif), its footer as POSIX TZ with the hours -167..167 that it allows.
 */
#ifndef MATCH_CEL_ZONE_H
#define MATCH_CEL_ZONE_H

#include <stdint.h>

#include "base/str.h"

#define ZONE_NAME_MAX 64    /* bytes; the longest of the tz database has 30 */
#define ZONE_FILE_MAX 16384 /* bytes; the largest has 4 KB, 8 KB with "fat" data */

/*
 * The offset, seconds east of UTC, of `zone` at `seconds` since 1970: "", "UTC", "+02:00", "-08:30", "02:00" (as
 * "+02:00"), or a file below `dir` (absolute path): "Europe/Berlin", which is read into `memory`. Returns NULL, or what
 * is wrong: a text for an error message.
 */
const char *zone_offset(const char *dir, struct str zone, int64_t seconds, char memory[ZONE_FILE_MAX],
			int32_t *ret_offset);

/* The same from a zone file's bytes (hostile): NULL, or what is wrong. */
const char *zone_file_offset(struct str file, int64_t seconds, int32_t *ret_offset);

/* The same from a POSIX TZ rule as "CET-1CEST,M3.5.0,M10.5.0/3". False: malformed. */
bool zone_rule_offset(struct str rule, int64_t seconds, int32_t *ret_offset);

#endif
