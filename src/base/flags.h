/* SPDX-License-Identifier: Apache-2.0 */
/*
 * src/base/flags.h: an option is a row. One table of rows serves the command line (--grpc-timeout 5s,
 * --grpc-timeout=5s), configuration files, --help, printing of what is in force, and the documentation's check.
 * Values land in the program's own struct at `offset`. Source of the value syntax: behaviour of the original hook, run.
 *   FLAG_BOOL      bool          bare = true; true|1|t|yes|false|0|f|no, any letter case
 *   FLAG_STRING    const char *
 *   FLAG_INT       int64_t       decimal, optional sign
 *   FLAG_DURATION  int64_t       nanoseconds, >= 0; Go syntax "1m30s", "300ms", "1.5h"; a unit is required (but "0")
 *   FLAG_SIZE      int64_t       bytes; integer with optional K, M, G (1024)
 *   FLAG_LIST      struct flag_list   comma separated, "\," keeps a comma, empty items are dropped (an empty pattern
 *                                     would match everything); repeated on the command line: accumulates; any other
 *                                     source replaces the whole list
 * Sources in rising rank: default < config < environment < command line. Setting from a lower rank than the value in
 * force is ignored without error (but its syntax is checked). Unknown names are errors with a suggestion ("did you
 * mean"). All memory comes from the caller's arena and lives as long as it. Texts passed in are copied. No globals,
 * any thread.
 */
#ifndef BASE_FLAGS_H
#define BASE_FLAGS_H

#include "base/arena.h"
#include "base/buf.h"

struct error;

#define FLAGS_MAX 128 /* rows in one table */

enum flag_type { FLAG_BOOL = 1, FLAG_STRING, FLAG_INT, FLAG_DURATION, FLAG_SIZE, FLAG_LIST };
enum flag_source { FLAG_FROM_DEFAULT = 1, FLAG_FROM_CONFIG, FLAG_FROM_ENVIRONMENT, FLAG_FROM_ARGV };

struct flag_list {
	const char **item; /* n NUL-terminated texts */
	size_t n;
};

struct flag {
	const char *name; /* "grpc-timeout"; NULL ends the table */
	enum flag_type type;
	size_t offset;   /* of the value in the program's struct */
	const char *def; /* default in command line syntax; "" is allowed for STRING and LIST */
	/*
	 * Word that --help shows for the value; NULL for a bool. "[=WORD]": the value may be left out on the command
	 * line, and is "true" then; one that is given needs the '=' form.
	 */
	const char *value;
	const char *help; /* a phrase, no final dot */
};

struct flag_set {
	const char *usage; /* "tetragon-oci-hook [flags] HOOK" */
	const char *about; /* paragraph(s) below it in --help; lines <= 100 columns */
	const struct flag *flags;
};

/* One parse in progress: caller's memory, zero-initialised members beyond the first three. */
struct flag_parse {
	const struct flag_set *set;
	void *conf; /* the program's struct */
	struct arena *arena;
	unsigned char source[FLAGS_MAX]; /* enum flag_source of the value in force, by row */
	const char **argument;           /* positional arguments after flags_parse_argv, NULL-terminated */
	size_t arguments;
	bool help;    /* -h or --help was seen: nothing else was checked */
	bool version; /* --version was seen */
};

/* Writes all defaults. Returns 0, -ENOMEM (arena), -EINVAL (a default in the table is wrong: our mistake). */
int flags_init(struct flag_parse *parse, const struct flag_set *set, void *conf, struct arena *arena,
	       struct error *err);

/*
 * Parses argv[1..argc). Flags may stand before or after positional arguments; "--" ends flags; a value that begins
 * with '-' needs the '=' form. Returns 0, -EINVAL (text names the flag), -ENOMEM.
 */
int flags_parse_argv(struct flag_parse *parse, int argc, char *const argv[], struct error *err);

/*
 * Sets one flag by name from `source`. Returns 0; -ENOENT unknown name; -EINVAL bad value (text: "--name: why");
 * -ENOMEM. After an error the value in force is what it was.
 */
int flags_set(struct flag_parse *parse, enum flag_source source, struct str name, struct str value, struct error *err);

/* As flags_set for a list, from items as they are: no commas and no escapes. -EINVAL: `name` is no list. */
int flags_set_items(struct flag_parse *parse, enum flag_source source, struct str name, const struct str *item,
		    size_t n, struct error *err);

/* The row of that name or NULL. */
const struct flag *flags_find(const struct flag_set *set, struct str name);

/* The row that a misspelt name most likely meant, '_' and '-' and letter case being equal, or NULL. */
const struct flag *flags_nearest(const struct flag_set *set, struct str name);

/* What to do with a name in a file or in the environment that is no flag's. Without one it is an error (-ENOENT). */
struct flags_unknown {
	void (*report)(void *user, struct str name, const struct flag *nearest); /* nearest may be NULL */
	void *user;
};

/* The --help text; lines <= 100 columns. */
void flags_help(const struct flag_set *set, struct buf *out);

/* The value in force in the command line's syntax. */
void flags_print_value(const struct flag *flag, const void *conf, struct buf *out);

/* A duration in Go's canonical form, which flags_duration reads: "1m30s", "1.5s", "300ms", "0s". */
void flags_print_duration(int64_t ns, struct buf *out);

/* Parsers of their own use; return 0 or -EINVAL (syntax), -ERANGE (too large, or negative where it must not be). */
int flags_duration(struct str text, int64_t *ret_ns, struct error *err);
int flags_bool(struct str text, bool *ret_value, struct error *err);
int flags_int(struct str text, int64_t *ret_value, struct error *err);
int flags_size(struct str text, int64_t *ret_bytes, struct error *err);

#endif
