/* SPDX-License-Identifier: Apache-2.0 */
/*
 * src/base/flags_json.h: options from a JSON file: one object, a key per flag.
 *   key       the flag's name with underscores (log_fname), else in camel case (logFname); where both are given the
 *             first one counts. Names with dashes are unknown. null is as if the key were absent. A key twice is an
 *             error
 *   bool      true, false, or a string as on the command line
 *   string    a string
 *   int, size a whole number, or a string as on the command line
 *   duration  a string in Go's syntax; a whole number is nanoseconds
 *   list      an array of strings taken as they are, or one string in the command line's comma syntax
 * Source of the rules: behaviour of the original hook's configuration file, run with it.
 */
#ifndef BASE_FLAGS_JSON_H
#define BASE_FLAGS_JSON_H

#include "base/flags.h"

#define FLAGS_JSON_LIST_MAX 1024 /* items of one list */

/*
 * Sets from `text` (borrowed) with rank FLAG_FROM_CONFIG. The whole text is checked before anything is set, so what
 * is not JSON changes nothing; after a wrong value, keys before it may have been set. An unknown key goes to
 * unknown->report; without `unknown` it is an error. Returns 0; -EINVAL malformed, not an object, wrong value (text
 * names the key), key twice; -E2BIG nested too deeply, or a list too long; -ENOENT unknown key; -ENOMEM the arena is
 * exhausted.
 */
int flags_json_read(struct flag_parse *parse, struct str text, const struct flags_unknown *unknown, struct error *err);

/*
 * The values in force as such a file: an object with a line for each flag, keys with underscores, durations in Go's
 * syntax. Flags that `skip` names (NULL-terminated; may be NULL) are left out. Reading it gives the same values.
 */
void flags_json_write(const struct flag_set *set, const void *conf, const char *const *skip, struct buf *out);

#endif
