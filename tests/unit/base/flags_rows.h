/* SPDX-License-Identifier: Apache-2.0 */
/* tests/unit/base/flags_rows.h: a table with a flag of each type, and what the tests of its sources share. */
#ifndef TESTS_FLAGS_ROWS_H
#define TESTS_FLAGS_ROWS_H

#include "base/error.h"
#include "base/flags.h"

struct conf {
	const char *log_fname, *grpc_address;
	int64_t timeout_ns, rate, rb_size;
	bool disable_grpc;
	struct flag_list namespaces;
};

#define FIELD(member) offsetof(struct conf, member)
static const struct flag rows[] = {
	{ "log-fname", FLAG_STRING, FIELD(log_fname), "", "FILE", "log file" },
	{ "grpc-address", FLAG_STRING, FIELD(grpc_address), "unix:///run/a.sock", "TARGET", "agent to ask" },
	{ "grpc-timeout", FLAG_DURATION, FIELD(timeout_ns), "10s", "DURATION", "limit of the call, retries included" },
	{ "export-rate-limit", FLAG_INT, FIELD(rate), "-1", "N", "events a minute; -1: no limit" },
	{ "rb-size", FLAG_SIZE, FIELD(rb_size), "64K", "SIZE", "ring buffer" },
	{ "disable-grpc", FLAG_BOOL, FIELD(disable_grpc), "false", NULL, "never ask the agent" },
	{ "fail-allow-namespaces", FLAG_LIST, FIELD(namespaces), "kube-system", "NAME,...",
	  "start containers here even without agent" },
	{ 0 },
};
static const struct flag_set set = { "program [flags] HOOK", "Does nothing.", rows };

/* A parse with its memory. */
struct bench {
	struct conf conf;
	struct arena arena;
	struct flag_parse parse;
	struct error err;
	_Alignas(16) char memory[16384];
};

static inline int bench_init(struct bench *bench)
{
	bench->arena = arena_over(bench->memory, sizeof bench->memory);
	bench->err = (struct error){ 0 };
	return flags_init(&bench->parse, &set, &bench->conf, &bench->arena, &bench->err);
}

/* "name=value name=value ..." of all rows, separated by a blank; valid until the next call. */
static inline const char *bench_print(const struct bench *bench)
{
	static char text[8192];
	struct buf out = buf_over(text, sizeof text);

	for (const struct flag *flag = rows; flag->name; flag++) {
		buf_text(&out, flag == rows ? "" : " ");
		buf_text(&out, flag->name);
		buf_byte(&out, '=');
		flags_print_value(flag, &bench->conf, &out);
	}
	return text;
}

/* The value in force of one flag; valid until the next call. */
static inline const char *bench_value(const struct bench *bench, const char *name)
{
	static char text[8192];
	struct buf out = buf_over(text, sizeof text);

	flags_print_value(flags_find(&set, str_of(name)), &bench->conf, &out);
	return text;
}

#define DEFAULTS                                                                                          \
	"log-fname= grpc-address=unix:///run/a.sock grpc-timeout=10s export-rate-limit=-1 rb-size=65536 " \
	"disable-grpc=false fail-allow-namespaces=kube-system"

#endif
