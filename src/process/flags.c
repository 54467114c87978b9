/* SPDX-License-Identifier: Apache-2.0 */
#include "process/flags.h"

static const struct {
	uint32_t flag;
	const char *word;
} words[] = {
	{ PROCESS_EXECVE, "execve" },
	{ PROCESS_PROCFS, "procFS" },
	{ PROCESS_ARGS_CUT, "truncArgs" },
	{ PROCESS_MISS, "miss" },
	{ PROCESS_PATH_ERROR, "errorFilename" },
	{ PROCESS_ARGS_ERROR, "errorArgs" },
	{ PROCESS_ROOT_CWD, "rootcwd" },
	{ PROCESS_CWD_ERROR, "errorCWD" },
	{ PROCESS_CLONE, "clone" },
	{ PROCESS_CWD_CUT, "errorPathResolutionCwd" },
	{ PROCESS_INIT_TREE, "inInitTree" },
	{ PROCESS_UNKNOWN, "unknown" },
};

void process_flags_write(struct buf *out, uint32_t flags)
{
	const char *blank = "";

	for (size_t i = 0; i < sizeof words / sizeof *words; i++) {
		if (!(flags & words[i].flag))
			continue;
		buf_text(out, blank);
		buf_text(out, words[i].word);
		blank = " ";
	}
}
