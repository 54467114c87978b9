/* SPDX-License-Identifier: Apache-2.0 */
#include "setup/hook_binary.h"

#include <elf.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "base/error.h"
#include "setup/command_run.h"

#define ASK_LIMIT_NS (10 * NS_PER_S)
#define NAME "tetragon-oci-hook"
#define FLAG_OF_OURS "--fail-allow-namespaces" /* the original names itself only as it was called */
#define CALLED "asked"                         /* argv[0]: not what we want to hear */

static const struct {
	unsigned machine;
	const char *name;
} machines[] = {
	{ EM_X86_64, "x86-64" }, { EM_AARCH64, "aarch64" }, { EM_386, "i386" },    { EM_ARM, "arm" },
	{ EM_PPC64, "ppc64" },   { EM_S390, "s390x" },      { EM_RISCV, "riscv" },
};

#if defined(__x86_64__)
#define OURS EM_X86_64
#elif defined(__aarch64__)
#define OURS EM_AARCH64
#else
#define OURS EM_NONE
#endif

static const char *machine_name(unsigned machine)
{
	for (size_t i = 0; i < sizeof machines / sizeof *machines; i++)
		if (machines[i].machine == machine)
			return machines[i].name;
	return "another machine";
}

int hook_binary_inspect(struct str content, struct error *err)
{
	Elf64_Ehdr header;

	if (!content.len)
		return error_set(err, ENOEXEC, "the file is empty");
	if (str_starts(content, STR("#!")))
		return 0; /* a script: whether it runs is found out by running it */
	if (content.len < sizeof header || memcmp(content.p, ELFMAG, SELFMAG) != 0)
		return error_set(err, ENOEXEC, "the file is no program (it does not begin with an ELF header)");
	memcpy(&header, content.p, sizeof header);
	if (OURS != EM_NONE && header.e_machine != OURS)
		return error_set(err, ENOEXEC, "the program is for %s, this machine is %s",
				 machine_name(header.e_machine), machine_name(OURS));
	return 0;
}

int hook_binary_ask(const char *path, struct hook_binary *ret, struct error *err)
{
	const char *const version[] = { CALLED, "--version", NULL }, *const help[] = { CALLED, "--help", NULL };
	auto_free char *said = NULL, *helped = NULL;
	struct error own = { 0 };
	size_t len;
	int result;

	*ret = (struct hook_binary){ 0 };
	result = command_run_as(path, help, ASK_LIMIT_NS, &helped, &len, err);
	if (result < 0)
		return result;
	if (command_run_as(path, version, ASK_LIMIT_NS, &said, &len, &own) >= 0)
		(void)snprintf(ret->version, sizeof ret->version, "%.*s", (int)strcspn(said, "\r\n"), said);
	if (!strstr(helped, NAME) && !strstr(helped, FLAG_OF_OURS) && !(said && strstr(said, NAME)))
		return error_set(err, ENOEXEC, "%s: runs, but does not call itself " NAME, path);
	ret->knows_runtime = strstr(helped, "--runtime ") != NULL;
	return 0;
}

int hook_binary_accepts(const char *path, const char *const *args, struct error *err)
{
	auto_free const char **argv = NULL;
	size_t n = 0;

	while (args[n])
		n++;
	argv = calloc(n + 3, sizeof *argv);
	if (!argv)
		return error_set(err, ENOMEM, "not enough memory");
	argv[0] = path;
	memcpy(argv + 1, args, n * sizeof *argv);
	argv[n + 1] = "--check-config";
	return command_run(argv, ASK_LIMIT_NS, NULL, NULL, err);
}
