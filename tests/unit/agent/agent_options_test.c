/* SPDX-License-Identifier: Apache-2.0 */
/* Where options come from, and which source wins. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "agent/agent_options.h"
#include "base/error.h"

struct bed {
	char root[64];
	struct agent_options options;
	struct flag_parse parse;
	struct error err;
	char memory[65536];
};

static void put(struct bed *bed, const char *path, const char *text)
{
	char command[512];
	FILE *file;

	(void)snprintf(command, sizeof command, "mkdir -p \"$(dirname %s%s)\"", bed->root, path);
	assert_int_equal(system(command), 0);
	(void)snprintf(command, sizeof command, "%s%s", bed->root, path);
	file = fopen(command, "w");
	if (!file)
		fail_msg("%s", command);
	else if (fputs(text, file) < 0 || fclose(file) < 0)
		fail_msg("%s", command);
}

static void bed_open(struct bed *bed)
{
	memset(bed, 0, sizeof *bed);
	(void)snprintf(bed->root, sizeof bed->root, "/tmp/agent-options-XXXXXX");
	assert_non_null(mkdtemp(bed->root));
}

static void bed_close(struct bed *bed)
{
	char command[128];

	(void)snprintf(command, sizeof command, "rm -rf %s", bed->root);
	assert_int_equal(system(command), 0);
}

static int read_options(struct bed *bed, char *flag, char *variable)
{
	struct arena arena = arena_over(bed->memory, sizeof bed->memory);
	char program[] = "tetragon";
	char *argv[] = { program, flag, NULL };
	char *environment[] = { variable, NULL };

	bed->options = (struct agent_options){ 0 };
	bed->parse = (struct flag_parse){ 0 };
	bed->err = (struct error){ 0 };
	return agent_options_read(&bed->options, &bed->parse, &arena, bed->root, flag ? 2 : 1, argv, environment, NULL,
				  &bed->err);
}

static void each_source_beats_the_ones_below(void **state)
{
	static struct bed bed;
	static const struct {
		const char *path, *text, *want;
	} rows[] = {
		{ NULL, NULL, "/proc" },
		{ "/usr/lib/tetragon/tetragon.conf.d/procfs", "/1\n", "/1" },
		{ "/usr/local/lib/tetragon/tetragon.conf.d/procfs", "/2", "/2" },
		{ "/etc/tetragon/tetragon.yaml", "procfs: /3\n", "/3" },
		{ "/etc/tetragon/tetragon.conf.d/procfs", " /4 ", "/4" },
		{ "/given/procfs", "/5", "/5" },
	};
	char given[128], variable[] = "TETRAGON_PROCFS=/6", flag[] = "--procfs=/7";

	bed_open(&bed);
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		bool is_last = i + 1 == sizeof rows / sizeof *rows;
		int r;

		if (rows[i].path)
			put(&bed, rows[i].path, rows[i].text);
		(void)snprintf(given, sizeof given, "--config-dir=%s/given", bed.root);
		r = read_options(&bed, is_last ? given : NULL, NULL);
		if (r < 0 || !bed.options.procfs || strcmp(bed.options.procfs, rows[i].want) != 0)
			fail_msg("%s: %d, %s, %s", rows[i].path, r, bed.options.procfs, bed.err.text);
	}
	assert_int_equal(read_options(&bed, given, variable), 0);
	assert_string_equal(bed.options.procfs, "/6");
	assert_int_equal(read_options(&bed, flag, variable), 0);
	assert_string_equal(bed.options.procfs, "/7");
	bed_close(&bed);
	(void)state;
}

static void addresses_replace_the_default(void **state)
{
	static struct bed bed;
	char flag[] = "--server-address=unix:///a,127.0.0.1:1", none[] = "--server-address=";

	bed_open(&bed);
	assert_int_equal(read_options(&bed, NULL, NULL), 0);
	assert_int_equal(bed.options.server_address.n, 1);
	assert_string_equal(bed.options.server_address.item[0], "unix:///var/run/tetragon/tetragon.sock");
	assert_true(bed.options.keep_sensors_on_exit);
	assert_false(bed.options.release_pinned_bpf);
	assert_int_equal(read_options(&bed, flag, NULL), 0);
	assert_int_equal(bed.options.server_address.n, 2);
	assert_string_equal(bed.options.server_address.item[1], "127.0.0.1:1");
	assert_int_equal(read_options(&bed, none, NULL), 0);
	bed_close(&bed);
	(void)state;
}

/* --nri is no plain flag: alone, with a socket, or a truth. What belongs to it is not looked at without it. */
static void nri_is_on_when_it_is_asked_for(void **state)
{
	static const struct {
		const char *flag, *variable;
		bool on;
		const char *socket;
	} rows[] = {
		{ NULL, NULL, false, NULL },
		{ "--nri", NULL, true, "/var/run/nri/nri.sock" },
		{ "--nri=/x/nri.sock", NULL, true, "/x/nri.sock" },
		{ "--nri=no", "TETRAGON_NRI=true", false, NULL },
		{ "--nri=", "TETRAGON_NRI=true", false, NULL },
		{ NULL, "TETRAGON_NRI=true", true, "/var/run/nri/nri.sock" },
		{ NULL, "TETRAGON_NRI=/y", true, "/y" },
		{ "--nri-index=x", NULL, false, NULL },
	};

	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		static struct bed bed;
		char flag[64], variable[64];
		int r;

		bed_open(&bed);
		(void)snprintf(flag, sizeof flag, "%s", rows[i].flag ? rows[i].flag : "");
		(void)snprintf(variable, sizeof variable, "%s", rows[i].variable ? rows[i].variable : "");
		r = read_options(&bed, rows[i].flag ? flag : NULL, rows[i].variable ? variable : NULL);
		if (r != 0 || bed.options.has_nri != rows[i].on ||
		    (rows[i].on && strcmp(bed.options.nri_conf.socket, rows[i].socket) != 0))
			fail_msg("row %zu: %d, %s, on %d, %s", i, r, bed.err.text, bed.options.has_nri,
				 bed.options.nri_conf.socket);
		assert_string_equal(bed.options.nri_conf.mode, "direct");
		assert_string_equal(bed.options.nri_conf.agent, "unix:///var/run/tetragon/tetragon.sock");
		bed_close(&bed);
	}
	(void)state;
}

static void what_is_wrong_is_an_error(void **state)
{
	static const struct {
		const char *flag, *variable, *file, *text, *want;
	} rows[] = {
		{ .flag = "--nonsense", .want = "nonsense" },
		{ .flag = "surplus", .want = "surplus" },
		{ .flag = "--log-level=loud", .want = "loud" },
		{ .flag = "--log-format=xml", .want = "xml" },
		{ .flag = "--bpf-dir=../x", .want = "bpf-dir" },
		{ .flag = "--bpf-dir=", .want = "bpf-dir" },
		{ .flag = "--procfs=proc", .want = "absolute" },
		{ .flag = "--keep-sensors-on-exit=maybe", .want = "maybe" },
		{ .flag = "--config-dir=/no/such/folder", .want = "/no/such/folder" },
		{ .flag = "--nri=nri.sock", .want = "absolute" },
		{ .flag = "--nri=/0123456789012345678901234567890123456789012345678901234567890123456789012345678901"
			  "2345678901234567890123456",
		  .want = "longer" },
		{ .flag = "--nri-index=1", .variable = "TETRAGON_NRI=true", .want = "two digits" },
		{ .flag = "--nri-name=", .variable = "TETRAGON_NRI=1", .want = "--nri-name" },
		{ .flag = "--nri-mode=both", .variable = "TETRAGON_NRI=/run/nri.sock", .want = "--nri-mode" },
		{ .flag = "--nri-mode=inject",
		  .variable = "TETRAGON_NRI=true",
		  .file = "/etc/tetragon/tetragon.yaml",
		  .text = "server-address: 127.0.0.1:1\n",
		  .want = "unix socket" },
		{ .flag = "--nri-hook-path=hook", .variable = "TETRAGON_NRI=true", .want = "--nri-hook-path" },
		{ .flag = "--nri-status-file=x", .variable = "TETRAGON_NRI=true", .want = "--nri-status-file" },
		{ .variable = "TETRAGON_KEEP_SENSORS_ON_EXIT=12x", .want = "12x" },
		{ .file = "/etc/tetragon/tetragon.conf.d/nonsense", .text = "1", .want = "nonsense" },
		{ .file = "/etc/tetragon/tetragon.yaml", .text = "nonsense: 1\n", .want = "nonsense" },
		{ .file = "/etc/tetragon/tetragon.yaml", .text = "procfs: [a]\n", .want = "procfs" },
		{ .file = "/etc/tetragon/tetragon.yaml", .text = "- a\n", .want = "tetragon.yaml" },
	};

	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		static struct bed bed;
		char flag[128], variable[128];
		int r;

		bed_open(&bed);
		if (rows[i].file)
			put(&bed, rows[i].file, rows[i].text);
		(void)snprintf(flag, sizeof flag, "%s", rows[i].flag ? rows[i].flag : "");
		(void)snprintf(variable, sizeof variable, "%s", rows[i].variable ? rows[i].variable : "");
		r = read_options(&bed, rows[i].flag ? flag : NULL, rows[i].variable ? variable : NULL);
		if (r >= 0 || !strstr(bed.err.text, rows[i].want))
			fail_msg("row %zu (%s): %d, %s", i, rows[i].want, r, bed.err.text);
		bed_close(&bed);
	}
	(void)state;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(each_source_beats_the_ones_below),
		cmocka_unit_test(addresses_replace_the_default),
		cmocka_unit_test(nri_is_on_when_it_is_asked_for),
		cmocka_unit_test(what_is_wrong_is_an_error),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
