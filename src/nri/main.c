/* SPDX-License-Identifier: Apache-2.0 */
/* tetragon-nri-hook: see options.c for its usage. */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/error.h"
#include "base/flags_json.h"
#include "ask/ask_log.h"
#include "nri/guard.h"
#include "nri/status.h"

#define ARENA_BYTES (128 * 1024) /* for options, as long as the process lives */
#define EXIT_USAGE 80
#define LOG_OF_LAUNCHED "/var/log/tetragon/nri-hook.log" /* the runtime gives a plugin /dev/null for standard error */

static volatile sig_atomic_t stopped, hung_up; /* a handler can reach nothing but a global */

static void on_stop(int signal_number)
{
	(void)signal_number;
	stopped = 1;
}

static void on_hang_up(int signal_number)
{
	(void)signal_number;
	hung_up = 1;
}

struct program {
	struct flag_parse parse;
	struct nri_conf conf;
	struct log log;
	struct guard guard;
	struct nri_status status;
	struct nri_launch launch;
	struct nri_link *link;
};

static int usage_error(int status, const struct error *err)
{
	char memory[ERROR_TEXT_MAX + 64];
	struct buf text = buf_over(memory, sizeof memory);

	buf_text(&text, "tetragon-nri-hook: error: ");
	buf_text(&text, err->text);
	buf_byte(&text, '\n');
	(void)!write(STDERR_FILENO, text.p, text.len); /* nobody is left to tell */
	return status;
}

static int answer_question(const struct flag_parse *parse)
{
	char memory[16384];
	struct buf text = buf_over(memory, sizeof memory);

	if (parse->help)
		flags_help(&nri_options, &text);
	else
		buf_text(&text, "tetragon-nri-hook " PROJECT_VERSION "\n");
	(void)!write(STDOUT_FILENO, text.p, text.len); /* nobody is left to tell */
	return 0;
}

static bool is_launched(const struct program *program)
{
	return program->launch.fd >= 0;
}

/* Also when the options have changed. */
static int log_start(struct program *program, struct error *err)
{
	const char *name = program->conf.log_fname;
	enum log_level level;

	if (!name[0] && is_launched(program))
		name = LOG_OF_LAUNCHED;
	if (program->log.fd > STDERR_FILENO)
		(void)close(program->log.fd); /* nothing is lost: each line was written at once */
	program->log = (struct log){ .fd = STDERR_FILENO, .level = LOG_INFO, .format = LOG_TEXT_TS };
	if (log_level_parse(str_of(program->conf.log_level), &level) >= 0) /* else its check has said so */
		program->log.level = level;
	if (!name[0])
		return 0;
	program->log.format = LOG_JSON;
	program->log.fd = ask_log_open(name, err);
	return program->log.fd < 0 ? error_wrap(err, program->log.fd, "--log-fname") : 0;
}

static void on_news(void *user, enum nri_news news, const char *text)
{
	struct program *program = user;

	guard_news(&program->guard, news, text);
	nri_status_news(&program->status, news, text);
}

static int timeout_ms(int64_t wake_ns)
{
	int64_t left_ns = wake_ns == INT64_MAX ? INT64_MAX : wake_ns - clock_now_ns(CLOCK_MONOTONIC);

	if (left_ns <= 0)
		return 0;
	return left_ns > 60 * NS_PER_S ? 60000 : (int)(left_ns / NS_PER_MS) + 1;
}

/* SIGHUP: somebody has moved the log file away. It must never end a plugin. */
static void log_again(struct program *program)
{
	struct log before = program->log;
	struct error err = { 0 };
	int copy = before.fd > STDERR_FILENO ? fcntl(before.fd, F_DUPFD_CLOEXEC, STDERR_FILENO + 1) : -1;

	hung_up = 0;
	if (log_start(program, &err) >= 0) {
		if (copy >= 0)
			(void)close(copy); /* nothing is lost: each line was written at once */
		(void)log_event(&program->log, LOG_INFO, "log file opened again after SIGHUP", NULL); /* counted */
		return;
	}
	program->log = before;
	if (copy >= 0)
		program->log.fd = copy;
	(void)log_event(&program->log, LOG_WARN, "cannot open the log file again, going on with the old one", "error",
			err.text, NULL); /* counted by the log */
}

static int run(struct program *program)
{
	sigset_t block, wait_mask;
	struct error err = { 0 };
	int r = 0;

	sigemptyset(&block);
	sigaddset(&block, SIGTERM);
	sigaddset(&block, SIGINT);
	sigaddset(&block, SIGHUP);
	(void)sigprocmask(SIG_BLOCK, &block, &wait_mask); /* fails for wrong arguments only */
	sigdelset(&wait_mask, SIGTERM);
	sigdelset(&wait_mask, SIGINT);
	sigdelset(&wait_mask, SIGHUP);
	while (!stopped && (r = nri_link_step(program->link, &err)) == 0) {
		struct pollfd fd[3];
		int64_t wake_ns;
		struct timespec timeout;
		int ms;

		if (hung_up)
			log_again(program);
		reconcile_step(&program->guard.reconcile);
		nri_status_keep(&program->status, &program->guard);
		fd[0] = (struct pollfd){ .fd = nri_link_fd(program->link), .events = nri_link_events(program->link) };
		fd[1] = (struct pollfd){ 0 };
		fd[1].fd = reconcile_fd(&program->guard.reconcile, &fd[1].events);
		fd[2] = (struct pollfd){ .fd = guard_agent_fd(&program->guard), .events = POLLRDHUP };
		wake_ns = nri_link_wake_ns(
			program->link); /* of the reconciliation only now: guard_agent_fd may begin one */
		if (reconcile_wake_ns(&program->guard.reconcile) < wake_ns)
			wake_ns = reconcile_wake_ns(&program->guard.reconcile);
		if (nri_status_wake_ns(&program->status, &program->guard) < wake_ns)
			wake_ns = nri_status_wake_ns(&program->status, &program->guard);
		ms = timeout_ms(wake_ns);
		timeout = (struct timespec){ .tv_sec = ms / 1000, .tv_nsec = ms % 1000 * NS_PER_MS };
		/* Whatever it says about the runtime: the step looks itself. */
		if (ppoll(fd, 3, &timeout, &wait_mask) > 0 && fd[2].fd >= 0 && fd[2].revents)
			guard_agent_gone(&program->guard);
	}
	(void)log_event(&program->log, r < 0 ? LOG_ERROR : LOG_INFO, "ending", "reason",
			r < 0 ? err.text : "told to by a signal", NULL); /* counted by the log */
	nri_status_end(&program->status);
	return r < 0 ? 1 : 0;
}

static bool tells_agent(const struct program *program)
{
	size_t row = (size_t)(flags_find(&nri_options, STR("grpc-address")) - nri_options.flags);

	return program->parse.source[row] > FLAG_FROM_DEFAULT;
}

/* The runtime starts a plugin without arguments, and sends its configuration file: a JSON object of flags. */
static int on_configured(void *user, struct str text, struct error *err)
{
	struct program *program = user;
	int r = flags_json_read(&program->parse, text, NULL, err);

	if (r >= 0)
		r = nri_conf_check(&program->conf, err);
	if (r >= 0)
		r = log_start(program, err);
	if (r >= 0)
		r = guard_apply(&program->guard, tells_agent(program), err);
	program->status.path = program->conf.status_file;
	return r;
}

static int options_check(struct program *program, struct error *err)
{
	struct nri_conf *conf = &program->conf;
	int r = nri_conf_check(conf, err);

	if (r >= 0)
		r = nri_launch_tell(&program->launch, err);
	if (r < 0)
		return r;
	/* A launched plugin is called what its file is called: the runtime knows it by that name. */
	if (program->launch.name)
		conf->name = program->launch.name;
	if (program->launch.index)
		conf->index = program->launch.index;
	r = nri_name_check(conf->name, conf->index, err);
	if (r < 0)
		return r;
	if (program->parse.arguments)
		return error_set(err, EINVAL, "unexpected argument '%s'", program->parse.argument[0]);
	return 0;
}

int main(int argc, char *argv[])
{
	static char arena_memory[ARENA_BYTES];
	static struct program program;
	struct arena arena = arena_over(arena_memory, sizeof arena_memory);
	struct sigaction stop = { .sa_handler = on_stop }, hang_up = { .sa_handler = on_hang_up },
			 ignore = { .sa_handler = SIG_IGN };
	struct error err = { 0 };
	int r;

	if (flags_init(&program.parse, &nri_options, &program.conf, &arena, &err) < 0 ||
	    flags_parse_argv(&program.parse, argc, argv, &err) < 0)
		return usage_error(EXIT_USAGE, &err);
	if (program.parse.help || program.parse.version)
		return answer_question(&program.parse);
	(void)sigaction(SIGTERM, &stop, NULL); /* these fail for wrong arguments only */
	(void)sigaction(SIGINT, &stop, NULL);
	(void)sigaction(SIGHUP, &hang_up, NULL);
	(void)sigaction(SIGPIPE, &ignore, NULL);
	if (options_check(&program, &err) < 0)
		return usage_error(EXIT_USAGE, &err);
	if (log_start(&program, &err) < 0)
		return usage_error(1, &err);
	if (guard_init(&program.guard, &program.conf, NULL, tells_agent(&program), &program.log, &err) < 0)
		return usage_error(EXIT_USAGE, &err);

	const struct nri_link_options options = { .plugin = &program.guard.plugin,
						  .socket = program.conf.socket,
						  .fd = program.launch.fd,
						  .told = on_news,
						  .user = &program };

	program.guard.configured = on_configured;
	program.guard.user = &program;
	nri_status_init(&program.status, program.conf.status_file, "tetragon-nri-hook", &program.log);
	program.link = nri_link_new(&options);
	if (!program.link) {
		(void)error_set(&err, ENOMEM, "no memory");
		return usage_error(1, &err);
	}
	r = run(&program);
	nri_link_free(program.link);
	guard_done(&program.guard);
	return r;
}
