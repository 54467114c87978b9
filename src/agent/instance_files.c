/* SPDX-License-Identifier: Apache-2.0 */
#include "agent/instance_files.h"

#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/error.h"
#include "base/file.h"
#include "base/json.h"

#define INFO_BYTES_MAX (4 * 6 * PATH_MAX)

/* In the pid namespace of that procfs; where it does not show us, in ours. */
static long own_pid(const char *procfs)
{
	char path[PATH_MAX], target[32] = "";
	struct buf text = buf_over(path, sizeof path);
	long pid;

	buf_printf(&text, "%s/self", procfs);
	if (readlink(path, target, sizeof target - 1) < 0)
		return getpid();
	pid = strtol(target, NULL, 10);
	return pid > 0 ? pid : getpid();
}

static int pid_write(int dir_fd, const char *procfs, struct error *err)
{
	char memory[32];
	struct buf text = buf_over(memory, sizeof memory);

	buf_printf(&text, "%ld", own_pid(procfs));
	return file_replace_at(dir_fd, INSTANCE_PID_FILE, memory, text.len, 0644, err);
}

static int info_write(int dir_fd, const struct instance *instance, struct error *err)
{
	const struct {
		const char *key, *value;
	} texts[] = {
		{ "export_fname", instance->export_filename },
		{ "lib_dir", "" }, /* the programs are in the agent's own file */
		{ "btf_fname", "/sys/kernel/btf/vmlinux" },
		{ "server_address", instance->server_address },
		{ "metrics_address", "" },
		{ "gops_address", "" },
		{ "map_dir", instance->map_dir },
		{ "bpftool_path", "" },
		{ "gops_path", "" },
	};
	char *memory = malloc(INFO_BYTES_MAX);
	struct buf out;
	int r;

	if (!memory)
		return error_errno(err, ENOMEM, INSTANCE_INFO_FILE);
	out = buf_over(memory, INFO_BYTES_MAX);
	buf_byte(&out, '{');
	for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
		json_write_string(&out, str_of(texts[i].key));
		buf_byte(&out, ':');
		json_write_string(&out, str_of(texts[i].value));
		buf_byte(&out, ',');
	}
	buf_printf(&out, "\"max_recv_size\":0,\"pid\":%ld}", (long)getpid());
	r = out.overflow ? error_errno(err, ENAMETOOLONG, INSTANCE_INFO_FILE)
			 : file_replace_at(dir_fd, INSTANCE_INFO_FILE, memory, out.len, 0644, err);
	free(memory);
	return r;
}

int instance_files_write(int dir_fd, const struct instance *instance, struct error *err)
{
	int r = pid_write(dir_fd, instance->procfs, err);

	return r < 0 ? r : info_write(dir_fd, instance, err);
}

void instance_files_remove(int dir_fd)
{
	if (dir_fd < 0)
		return;
	(void)unlinkat(dir_fd, INSTANCE_PID_FILE, 0); /* never written, or gone */
	(void)unlinkat(dir_fd, INSTANCE_INFO_FILE, 0);
}
