/* SPDX-License-Identifier: Apache-2.0 */
/* tetragon, the agent: options, then agent/agent.h. Exit status: 0 ended by a signal; 1 failed; 2 wrong use. */
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "agent/agent.h"
#include "agent/agent_options.h"
#include "agent/dump_client.h"
#include "base/error.h"

#define OPTIONS_BYTES (256 * 1024)
#define HELP_BYTES 16384

enum { EXIT_OK = 0, EXIT_FAILED = 1, EXIT_USAGE = 2 };

static void on_unknown(void *user, struct str name, const struct flag *nearest)
{
	const char *hint = nearest ? nearest->name : "";

	(void)user;
	(void)fprintf(stderr, "tetragon: environment variable names no option, ignoring it: %.*s%s%s\n", (int)name.len,
		      name.p, *hint ? "; did you mean " : "", hint);
}

static int show(const struct flag_parse *parse)
{
	static char text[HELP_BYTES];
	struct buf out = buf_over(text, sizeof text);

	if (parse->help)
		flags_help(&agent_flags, &out);
	else
		buf_text(&out, "tetragon " PROJECT_VERSION "\n");
	return fwrite(text, 1, out.len, stdout) == out.len && fflush(stdout) == 0 ? EXIT_OK : EXIT_FAILED;
}

static int dump(const struct agent_options *options)
{
	const char *address = options->server_address.n ? options->server_address.item[0] : "";
	struct error err = { 0 };

	if (dump_client_run(address, stdout, &err) >= 0)
		return EXIT_OK;
	(void)fprintf(stderr, "tetragon: %s\n", err.text);
	return EXIT_FAILED;
}

int main(int argc, char *argv[])
{
	static char memory[OPTIONS_BYTES];
	struct arena arena = arena_over(memory, sizeof memory);
	const struct flags_unknown unknown = { on_unknown, NULL };
	struct agent_options options = { 0 };
	struct flag_parse parse = { 0 };
	struct error err = { 0 };
	struct log log = { .fd = STDOUT_FILENO };
	int r = agent_options_read(&options, &parse, &arena, "", argc, argv, environ, &unknown, &err);

	if (r < 0) {
		(void)fprintf(stderr, "tetragon: %s\nSee 'tetragon --help'.\n", err.text);
		return EXIT_USAGE;
	}
	if (r == 1)
		return show(&parse);
	if (options.dump)
		return dump(&options);
	if (!strcmp(options.export_filename, "-"))
		log.fd = STDERR_FILENO; /* standard output is the events' */
	log_output_never_waits(&log);
	log.level = options.log_level;
	log.format = options.log_format;
	(void)log_event(&log, LOG_INFO, "Starting tetragon", "version", PROJECT_VERSION, NULL);
	r = agent_run(&options, &log, &err);
	if (r < 0) {
		(void)log_event(&log, LOG_ERROR, "cannot run", "error", err.text, NULL);
		return EXIT_FAILED;
	}
	return EXIT_OK;
}
