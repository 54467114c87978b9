/* SPDX-License-Identifier: Apache-2.0 */
#include "nri/inject.h"

#include <errno.h>

#include "base/clock.h"
#include "base/error.h"
#include "nri/nri_answer.h"

#define IDENTITY_ARGS 6                                  /* runtime, and five about pod and container */
#define FIXED_ARGS (2 + INJECT_FOR_HOOK + IDENTITY_ARGS) /* program, name of the hook */
#define ENVIRONMENT "PATH=/usr/sbin:/usr/bin:/sbin:/bin"
#define TEXT_BYTES (IDENTITY_ARGS * (NRI_NAME_MAX + 32) + 8192)

static struct str base_name(struct str path)
{
	return str_from(path, (size_t)(str_find_last(path, '/') + 1));
}

int inject_check(const struct inject *inject, struct error *err)
{
	const struct nri_conf *conf = inject->conf;

	if (conf->oci_hook_path[0] != '/')
		return error_set(err, EINVAL, "--oci-hook-path '%s': want an absolute path", conf->oci_hook_path);
	if (strlen(conf->oci_hook_path) > NRI_PATH_MAX || strlen(conf->agent) > NRI_PATH_MAX)
		return error_set(err, E2BIG, "--oci-hook-path or --grpc-address is longer than %d bytes", NRI_PATH_MAX);
	if (conf->hook_args.n > INJECT_ARGS_MAX - FIXED_ARGS)
		return error_set(err, E2BIG, "--hook-args: more than %d arguments", INJECT_ARGS_MAX - FIXED_ARGS);
	return 0;
}

/* One "--flag=value" in `text`, as an argument. */
static void flag_add(struct buf *text, struct str *arg, size_t *args, const char *flag, struct str value)
{
	size_t start = text->len;

	if (!value.len)
		return;
	buf_text(text, flag);
	buf_str(text, value);
	if (!text->overflow)
		arg[(*args)++] = (struct str){ text->p + start, text->len - start };
}

static void identity_add(struct buf *text, struct str *arg, size_t *args, enum runtime runtime,
			 const struct nri_request *request)
{
	flag_add(text, arg, args, "--runtime=", str_of(runtime_name(runtime)));
	flag_add(text, arg, args, "--pod-namespace=", request->pod.name_space);
	flag_add(text, arg, args, "--pod-name=", request->pod.name);
	flag_add(text, arg, args, "--pod-uid=", request->pod.uid);
	flag_add(text, arg, args, "--container-name=", request->container.name);
	flag_add(text, arg, args, "--container-id=", request->container.id);
}

void inject_hook(const struct inject *inject, enum runtime runtime, const struct nri_request *request,
		 struct buf *answer)
{
	static const struct str env[] = { { ENVIRONMENT, sizeof ENVIRONMENT - 1 } };
	const struct nri_conf *conf = inject->conf;
	char memory[TEXT_BYTES], duration[64];
	struct buf text = buf_over(memory, sizeof memory), timeout = buf_over(duration, sizeof duration);
	struct str arg[INJECT_ARGS_MAX];
	size_t args = 0, mark;
	struct nri_hook hook = { .path = str_of(conf->oci_hook_path),
				 .arg = arg,
				 .env = env,
				 .envs = 1,
				 .timeout_s = (conf->timeout_ns + NS_PER_S - 1) / NS_PER_S + INJECT_GRACE_S };

	arg[args++] = base_name(hook.path);
	flags_print_duration(conf->timeout_ns, &timeout);
	flag_add(&text, arg, &args, "--grpc-timeout=", (struct str){ duration, timeout.len });
	if (inject->tells_agent)
		flag_add(&text, arg, &args, "--grpc-address=", str_of(conf->agent));
	for (size_t i = 0; i < conf->hook_args.n; i++)
		arg[args++] = str_of(conf->hook_args.item[i]);
	if (conf->hook_identity) /* behind --hook-args: the last one of a flag counts */
		identity_add(&text, arg, &args, runtime, request);
	arg[args++] = STR("createRuntime");
	hook.args = args;
	mark = nri_adjust_open(answer);
	nri_adjust_hook(answer, NRI_HOOK_CREATE_RUNTIME, &hook);
	nri_adjust_close(answer, mark);
}

bool inject_is_there(const struct inject *inject, struct nri_walk hooks)
{
	struct str hook;

	while (nri_walk_next(&hooks, &hook))
		if (str_is(nri_hook_path(hook), inject->conf->oci_hook_path))
			return true;
	return false;
}
