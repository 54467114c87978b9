/* SPDX-License-Identifier: Apache-2.0 */
/* verify, containerd's configuration: does each handler start containers from a spec with the hook, or does NRI? */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "base/error.h"
#include "conf/toml.h"
#include "setup/command_run.h"
#include "setup/host_conf.h"
#include "setup/verify.h"

#define DUMP_LIMIT_NS (10 * NS_PER_S)
#define SPEC_MAX (4u << 20)
#define HANDLERS_MAX 32
#define RUNC_TYPE "io.containerd.runc.v2"

/* The handlers of pods, and their base specs. */
struct handlers {
	struct str name[HANDLERS_MAX]; /* spans of the documents */
	char spec[HANDLERS_MAX][PATH_MAX];
	bool is_runc[HANDLERS_MAX];
	size_t n;
};

static size_t handler_index(struct handlers *handlers, struct str name)
{
	size_t i = 0;

	while (i < handlers->n && !str_equal(handlers->name[i], name))
		i++;
	if (i == handlers->n && handlers->n < HANDLERS_MAX) {
		handlers->name[handlers->n++] = name;
		handlers->is_runc[i] = true; /* unless its type says otherwise */
	}
	return i;
}

/* A later document replaces single keys, as containerd 2.x joins them; 1.x has all of CRI in one file. */
static void handlers_add(struct handlers *handlers, const struct toml *doc, const char *plugin)
{
	const char *const path[] = { "plugins", plugin, "containerd", "runtimes", NULL };
	const struct toml_node *runtimes = toml_find(doc, path);

	for (const struct toml_node *one = runtimes && runtimes->type == TOML_TABLE ? runtimes->first : NULL; one;
	     one = one->next) {
		const struct toml_node *spec = toml_get(doc, one, STR("base_runtime_spec")),
				       *type = toml_get(doc, one, STR("runtime_type"));
		size_t i = handler_index(handlers, one->key);
		char room[PATH_MAX];
		struct str name;

		if (i == HANDLERS_MAX)
			return;
		if (type && type->type == TOML_STRING)
			handlers->is_runc[i] = toml_is_string(type, STR(RUNC_TYPE));
		if (!spec || spec->type != TOML_STRING || spec->text.len >= sizeof room)
			continue;
		toml_string(spec, room, &name);
		(void)snprintf(handlers->spec[i], PATH_MAX, "%.*s", (int)name.len, name.p);
	}
}

static void document_add(struct handlers *handlers, const struct toml *doc)
{
	handlers_add(handlers, doc, "io.containerd.grpc.v1.cri");
	handlers_add(handlers, doc, "io.containerd.cri.v1.runtime");
}

static bool spec_has_hook(struct verify *verify, const char *file)
{
	auto_free char *text = NULL;
	size_t len;

	return *file && verify_read(verify, file, SPEC_MAX, &text, &len, NULL) >= 0 &&
	       memmem(text, len, verify->hook, strlen(verify->hook));
}

/* Whether the handlers' base specs name the hook; tells if some do and some do not. `ret_specs`: those that do. */
static bool specs_check(struct verify *verify, const struct handlers *handlers, const char **ret_specs)
{
	char without[256];
	struct buf out = buf_over(without, sizeof without);
	const char *with = NULL;
	size_t specs = 0;

	for (size_t i = 0; i < handlers->n; i++) {
		if (spec_has_hook(verify, handlers->spec[i]))
			ret_specs[specs++] = with = handlers->spec[i];
		else if (handlers->is_runc[i])
			buf_printf(&out, "%s%.*s", out.len ? ", " : "", (int)handlers->name[i].len,
				   handlers->name[i].p); /* cut is fine */
	}
	ret_specs[specs] = NULL;
	if (!with || (out.len && verify->plugin.is_there)) /* then NRI is what this host relies on */
		return false;
	verify->registered = true;
	verify_tell(verify->report, !out.len, "registered",
		    "patch-containerd-conf add-oci-hook gives each runc handler that has none a base spec",
		    out.len ? "the base spec %s names %s, but these handlers start containers without it: %s"
			    : "the base spec %s names %s%s",
		    with, verify->hook, without);
	return true;
}

static int in_force_read(struct verify *verify, struct toml **ret_doc, struct error *err)
{
	const char *const dump[] = { verify->conf->validate, "--config", verify->config, "config", "dump", NULL };
	auto_free char *text = NULL;
	size_t len;
	int result = command_run(dump, DUMP_LIMIT_NS, &text, &len, err);

	return result < 0 ? result : toml_parse((struct str){ text, len }, ret_doc, err);
}

static void conf_check(struct verify *verify, const struct host_conf *conf, const struct toml *in_force)
{
	const char *specs[HANDLERS_MAX + 1] = { NULL };
	auto_free struct handlers *handlers = calloc(1, sizeof *handlers);
	bool by_spec;

	if (!handlers)
		return;
	if (in_force)
		document_add(handlers, in_force);
	for (size_t i = 0; !in_force && i < conf->n; i++)
		document_add(handlers, conf->file[i].doc);
	by_spec = specs_check(verify, handlers, specs);
	verify_daemon_restarted(verify, conf, specs);
	if (!by_spec)
		verify_nri(verify, conf, in_force);
}

void verify_containerd(struct verify *verify)
{
	const char *given = verify->conf->config_file;
	auto_toml struct toml *in_force = NULL;
	struct host_conf conf;
	struct error err = { 0 };
	bool no_file;
	int result;

	(void)snprintf(verify->config, sizeof verify->config, "%s", *given ? given : verify->found.reads);
	verify_daemon_find(verify, "containerd");
	result = host_conf_containerd(verify->root_fd, verify->config, &conf, &err);
	no_file = result == -ENOENT && !conf.n && !*given;
	if (no_file) /* a containerd without one starts */
		result = 0;
	if (*verify->conf->validate) /* its word counts, not how we follow imports */
		result = in_force_read(verify, &in_force, &err);
	if (result < 0)
		verify_tell(verify->report, false, "configuration",
			    result == -ENOENT && !conf.n ? "name the file that containerd reads with --config-file"
							 : "correct the file",
			    "%s", err.text);
	else if (no_file)
		verify_tell(verify->report, true, "configuration", "",
			    "%s is not there: containerd has its defaults in force", verify->config);
	else if (conf.n > 1)
		verify_tell(verify->report, true, "configuration", "", "%s and %zu that it imports", verify->config,
			    conf.n - 1);
	else
		verify_tell(verify->report, true, "configuration", "", "%s", verify->config);
	if (result >= 0)
		conf_check(verify, &conf, in_force);
	host_conf_done(&conf);
}
