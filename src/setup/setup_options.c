/* SPDX-License-Identifier: Apache-2.0 */
#include "setup/setup_options.h"

#include <stddef.h>

#include "setup/nri_plugin.h"
#include "setup/setup_context.h"

#define FIELD(member) offsetof(struct setup_conf, member)
#define LOG_ROW                                                                                           \
	{                                                                                                 \
		"log-level", FLAG_STRING, FIELD(log_level), "info", "LEVEL", "debug, info, warn or error" \
	}
#define HOOKS_DIR_ROW                                                                                                  \
	{                                                                                                              \
		"oci-hooks.local-dir", FLAG_STRING, FIELD(hooks_dir), "/hostHooks", "DIR",                             \
			"folder of hook files that CRI-O and podman read, as this process sees it; where the default " \
			"is "                                                                                          \
			"not there: the one that the runtime of this host reads by its own configuration"              \
	}
#define RUNTIME_ROW                                                                                                \
	{                                                                                                          \
		"runtime", FLAG_STRING, FIELD(runtime), "auto", "NAME",                                            \
			"whose annotations the hook believes: cri-o, podman, containerd, docker, or auto (by the " \
			"cgroup path)"                                                                             \
	}
#define NRI_ROWS                                                                                   \
	{                                                                                          \
		"nri-hook.socket",       FLAG_STRING, FIELD(nri_socket),                           \
		"/var/run/nri/nri.sock", "FILE",      "the runtime's NRI socket"                   \
	},                                                                                         \
	{                                                                                          \
		"nri-hook.status-file", FLAG_STRING, FIELD(nri_status), NRI_PLUGIN_STATUS, "FILE", \
			"where the NRI plugin keeps its state and verify reads it"                 \
	}

static const struct flag install_rows[] = {
	{ "interface", FLAG_STRING, FIELD(interface), "oci-hooks", "NAME",
	  "how the hook is registered: oci-hooks (a file that CRI-O and podman read), or nri-hook: "
	  "the NRI plugin tetragon-nri-hook adds it to each container, while this program runs; needs --daemonize" },
	{ "local-binary", FLAG_STRING, FIELD(local_binary), "/usr/bin/tetragon-oci-hook", "FILE",
	  "the hook to copy, as this process sees it; it is run once before it is registered" },
	{ "local-install-dir", FLAG_STRING, FIELD(local_install_dir), "", "DIR",
	  "where to put it, as this process sees the folder (required)" },
	{ "host-install-dir", FLAG_STRING, FIELD(host_install_dir), "", "DIR",
	  "the same folder as the host sees it: goes into the hook's path (required)" },
	{ "daemonize", FLAG_BOOL, FIELD(daemonize), "false", NULL,
	  "stay in the foreground until SIGTERM or SIGINT, then act as --on-exit says" },
	{ "on-exit", FLAG_STRING, FIELD(on_exit), "remove", "WHAT",
	  "with --daemonize: remove what was installed, or keep it, so that an upgrade opens no window without the "
	  "hook" },
	RUNTIME_ROW,
	HOOKS_DIR_ROW,
	{ "nri-hook.index", FLAG_STRING, FIELD(nri_index), "01", "NN", "index of the NRI plugin, two digits" },
	{ "nri-hook.name", FLAG_STRING, FIELD(nri_name), "tetragon", "NAME", "name of the NRI plugin" },
	{ "nri-hook.program", FLAG_STRING, FIELD(nri_program), "", "FILE",
	  "the plugin's program, tetragon-nri-hook; without it the one beside this program" },
	NRI_ROWS,
	LOG_ROW,
	{ 0 },
};

static const struct flag uninstall_rows[] = {
	{ "interface", FLAG_STRING, FIELD(interface), "oci-hooks", "NAME", "oci-hooks is the only one" },
	{ "binary-name", FLAG_STRING, FIELD(binary_name), "tetragon-oci-hook", "NAME",
	  "name of the hook and of its file" },
	{ "local-install-dir", FLAG_STRING, FIELD(local_install_dir), "", "DIR",
	  "where the hook was put, as this process sees the folder (required)" },
	HOOKS_DIR_ROW,
	{ "runtime-spec", FLAG_STRING, FIELD(runtime_spec), "/etc/containerd/base-spec.json", "FILE",
	  "nothing is removed while this base spec names the hook" },
	{ "nri-hook.status-file", FLAG_STRING, FIELD(nri_status), NRI_PLUGIN_STATUS, "FILE",
	  "nothing is removed while the NRI plugin that keeps this file runs" },
	LOG_ROW,
	{ 0 },
};

static const struct flag print_rows[] = {
	{ "binary", FLAG_STRING, FIELD(binary), "/usr/bin/tetragon-oci-hook", "FILE",
	  "path of the hook, as the host sees it" },
	{ "args", FLAG_LIST, FIELD(args), "", "ARG,...", "arguments for the hook" },
	{ "interface", FLAG_STRING, FIELD(interface), "oci-hooks", "NAME", "oci-hooks is the only one" },
	RUNTIME_ROW,
	LOG_ROW,
	{ 0 },
};

#define PATCH_ROWS(output_name, what, binary_help, unit_name)                                                          \
	{ output_name,                                                                                                 \
	  FLAG_STRING,                                                                                                 \
	  FIELD(output),                                                                                               \
	  "",                                                                                                          \
	  "FILE",                                                                                                      \
	  "where to write the result; without it a new file " what " in the temporary folder, told in the log" },      \
		{ "dry-run", FLAG_BOOL, FIELD(dry_run),                                                                \
		  "false",   NULL,      "print the change as a unified diff, write nothing" },                         \
		{ "in-place", FLAG_BOOL, FIELD(in_place),                                                              \
		  "false",    NULL,      "change the file itself; what it was goes into --backup-dir" },               \
		{ "undo",                                                                                              \
		  FLAG_BOOL,                                                                                           \
		  FIELD(undo),                                                                                         \
		  "false",                                                                                             \
		  NULL,                                                                                                \
		  "put back, byte for byte, what an earlier --in-place changed; refused if somebody changed the file " \
		  "since" },                                                                                           \
		{ "backup-dir",                                                                                        \
		  FLAG_STRING,                                                                                         \
		  FIELD(backup_dir),                                                                                   \
		  "/var/lib/tetragon/setup",                                                                           \
		  "DIR",                                                                                               \
		  "folder of the backups; never one that the runtime reads" },                                         \
		{ "validate", FLAG_STRING, FIELD(validate), "", "BINARY", binary_help },                               \
		{ "restart",                                                                                           \
		  FLAG_STRING,                                                                                         \
		  FIELD(restart),                                                                                      \
		  "never",                                                                                             \
		  "HOW",                                                                                               \
		  "after a change: never, systemd (systemctl restart), signal (CRI-O reads again at SIGHUP; "          \
		  "containerd is "                                                                                     \
		  "ended, and waited for until its keeper has started it again) or auto (systemd where it is init, "   \
		  "else "                                                                                              \
		  "signal); nothing is restarted when nothing changed" },                                              \
		{ "unit", FLAG_STRING, FIELD(unit), unit_name, "UNIT", "systemd's unit for --restart" }, LOG_ROW

#define CONTAINERD_BINARY_HELP                                                                                      \
	"containerd's own program: it must accept the result (config dump), and what is in force before and after " \
	"may differ only in what this command is about"

static const struct flag nri_rows[] = {
	{ "config-file", FLAG_STRING, FIELD(config_file), "/etc/containerd/config.toml", "FILE",
	  "configuration to change; without this option the one that this host's runtime reads is looked for (see "
	  "detect)" },
	{ "drop-in", FLAG_STRING, FIELD(drop_in), "", "FILE",
	  "write the change into a file of its own, which --config-file imports (an import is added if it does not), "
	  "with the "
	  "version that --config-file has" },
	{ "require-plugin", FLAG_STRING, FIELD(require_plugin), "", "NAME",
	  "declare this NRI plugin required (containerd 2.2 and newer; needs --validate): while it is not connected no "
	  "container is "
	  "created, static pods at boot included" },
	{ "tolerate-annotation", FLAG_STRING, FIELD(tolerate), "", "KEY",
	  "with --require-plugin: pods that carry this annotation start without the plugin. Static pods come up at "
	  "boot that way, "
	  "but it is an off switch in the hands of whoever may write pods" },
	PATCH_ROWS("output", "containerd.RANDOM.toml", CONTAINERD_BINARY_HELP, "containerd"),
	{ 0 },
};

static const struct flag hook_rows[] = {
	{ "config-file", FLAG_STRING, FIELD(config_file), "/etc/containerd/config.toml", "FILE",
	  "configuration to change; without this option the one that this host's runtime reads is looked for (see "
	  "detect)" },
	{ "runtime-spec", FLAG_STRING, FIELD(runtime_spec), "/etc/containerd/base-spec.json", "FILE",
	  "base spec that the runtimes are to use" },
	{ "drop-in", FLAG_STRING, FIELD(drop_in), "", "FILE",
	  "write the change into a file of its own, which --config-file imports (an import is added if it does not); "
	  "not "
	  "for containerd 1.x, which would lose settings: version 2 of the file needs --validate" },
	{ "write-runtime-spec", FLAG_BOOL, FIELD(write_spec), "false", NULL,
	  "write that file: `ctr oci spec`, and the hook in it; with --undo: take it away again" },
	{ "ctr", FLAG_STRING, FIELD(ctr), "ctr", "BINARY", "containerd's client, for --write-runtime-spec" },
	{ "hook", FLAG_STRING, FIELD(hook), "/opt/tetragon/tetragon-oci-hook", "FILE",
	  "the hook as the host sees it, for --write-runtime-spec; its arguments follow the word hook-args" },
	PATCH_ROWS("output", "containerd.RANDOM.toml", CONTAINERD_BINARY_HELP, "containerd"),
	{ 0 },
};

static const struct flag crio_rows[] = {
	{ "config-file", FLAG_STRING, FIELD(config_file), "/etc/crio/crio.conf", "FILE",
	  "CRI-O's configuration: each handler, [crio.runtime.runtimes.NAME], is changed in the file that decides it, "
	  "this one or one of --config-dir; a file of --config-dir is changed alone" },
	{ "config-dir", FLAG_STRING, FIELD(config_dir), "", "DIR",
	  "folder of drop-ins, all of which CRI-O reads after --config-file; without it crio.conf.d beside that" },
	{ "drop-in", FLAG_STRING, FIELD(drop_in), "", "FILE",
	  "write the change into a file of its own below --config-dir: handlers that have to change are copied whole, "
	  "as they are in force" },
	{ "annotations", FLAG_LIST, FIELD(annotations), "", "NAME,...", "annotations to allow" },
	{ "require-plugin", FLAG_STRING, FIELD(require_plugin), "", "NAME",
	  "declare this NRI plugin required (needs --validate): while it is not connected no container is created, "
	  "static pods at boot included. What is required already stays so" },
	{ "tolerate-annotation", FLAG_STRING, FIELD(tolerate), "", "KEY",
	  "with --require-plugin: pods that carry this annotation start without the plugin, so it is an off switch in "
	  "the hands of whoever may write pods" },
	PATCH_ROWS("output-file", "crio.RANDOM.conf",
		   "CRI-O's own program: it must accept the result (crio config), and what is in force before and "
		   "after may "
		   "differ only in allowed_annotations and the required plugin",
		   "crio"),
	{ 0 },
};

static const struct flag detect_rows[] = {
	{ "root", FLAG_STRING, FIELD(root), "/", "DIR",
	  "examine this tree, by its files alone; without it the daemons that run here are asked first" },
	{ "json", FLAG_BOOL, FIELD(json), "false", NULL, "for machines" },
	LOG_ROW,
	{ 0 },
};

static const struct flag verify_rows[] = {
	{ "root", FLAG_STRING, FIELD(root), "/", "DIR", "the host's tree, as this process sees it" },
	{ "host-install-dir", FLAG_STRING, FIELD(host_install_dir), "/opt/tetragon", "DIR",
	  "where the hook is, as the host sees it" },
	{ "binary-name", FLAG_STRING, FIELD(binary_name), "tetragon-oci-hook", "NAME",
	  "name of the hook and of its file" },
	{ "hooks-dir", FLAG_STRING, FIELD(hooks_dir), "", "DIR",
	  "folder of hook files; without it those that the runtime of this host reads" },
	{ "agent-socket", FLAG_STRING, FIELD(socket), "/var/run/tetragon/tetragon.sock", "FILE", "the agent's socket" },
	{ "local-binary", FLAG_STRING, FIELD(local_binary), "/usr/bin/tetragon-oci-hook", "FILE",
	  "the hook that ought to be installed, to compare with, as this process sees it; the default only where it is "
	  "there, else the sum that install left in the registration" },
	{ "config-file", FLAG_STRING, FIELD(config_file), "", "FILE",
	  "containerd's configuration; without it the one that the daemon of this host reads" },
	{ "validate", FLAG_STRING, FIELD(validate), "", "BINARY",
	  "containerd's own program: what it has in force is checked (config dump), not what its files say" },
	{ "require-plugin", FLAG_STRING, FIELD(require_plugin), "", "NAME",
	  "the gate is open unless this NRI plugin is required; without it that is only told" },
	NRI_ROWS,
	{ "json", FLAG_BOOL, FIELD(json), "false", NULL, "for machines" },
	LOG_ROW,
	{ 0 },
};

#define PROGRAM "tetragon-oci-hook-setup "

const struct setup_command setup_commands[SETUP_COMMANDS] = {
	{ "install",
	  NULL,
	  "copy the hook to its place and register it",
	  { PROGRAM "install [flags] [hook-args ARG...]",
	    "Copies the hook, runs it once there, and registers it with CRI-O and podman by a file in their hooks\n"
	    "folder, or runs the NRI plugin that adds it to each container (containerd, CRI-O). Whatever follows the\n"
	    "word hook-args goes to the hook as it is, even if it begins with '-'.\n"
	    "Nothing is registered when the copy cannot run: a hook that fails stops every container.\n"
	    "\n"
	    "  " PROGRAM "install --local-install-dir=/opt/tetragon --host-install-dir=/opt/tetragon \\\n"
	    "    --oci-hooks.local-dir=/usr/share/containers/oci/hooks.d --runtime=podman",
	    install_rows },
	  setup_install,
	  true },
	{ "uninstall",
	  NULL,
	  "unregister the hook and remove it",
	  { PROGRAM "uninstall [flags]",
	    "Removes the hook's file in the hooks folder, then the hook. Only what is provably ours goes: a file that\n"
	    "registers another program, and a program that is not the hook, stay and are told. Exit status 1 if\n"
	    "something could not be removed. Logs and the hook's configuration stay.",
	    uninstall_rows },
	  setup_uninstall,
	  false },
	{ "print-config",
	  NULL,
	  "print the file that registers the hook",
	  { PROGRAM "print-config [flags]", "Prints the JSON file that install would write, with these arguments.",
	    print_rows },
	  setup_print_config,
	  false },
	{ "patch-containerd-conf",
	  "enable-nri",
	  "switch NRI on in containerd's configuration",
	  { PROGRAM "patch-containerd-conf enable-nri [flags]",
	    "Adds or enables NRI's section, and takes its name out of disabled_plugins. Needed for containerd 1.7; in\n"
	    "2.x NRI is on unless a file says otherwise. Every byte that needs no change stays.\n"
	    "\n"
	    "  " PROGRAM "patch-containerd-conf enable-nri --dry-run       show the change\n"
	    "  " PROGRAM "patch-containerd-conf enable-nri --in-place --validate=/usr/bin/containerd\n"
	    "  " PROGRAM "patch-containerd-conf enable-nri --undo          back to what it was",
	    nri_rows },
	  setup_enable_nri,
	  false },
	{ "patch-containerd-conf",
	  "add-oci-hook",
	  "have containerd's runtimes use a base spec with the hook",
	  { PROGRAM "patch-containerd-conf add-oci-hook [flags] [hook-args ARG...]",
	    "Gives each runtime of type io.containerd.runc.v2 that has no base_runtime_spec the one of "
	    "--runtime-spec,\n"
	    "under the plugin names of containerd 1.x and 2.x, and the built-in runc where no file names it. The way\n"
	    "for containerd without NRI (1.6).",
	    hook_rows },
	  setup_add_oci_hook,
	  true },
	{ "patch-crio-conf",
	  "enable-annotations",
	  "let CRI-O's handlers see these annotations",
	  { PROGRAM "patch-crio-conf enable-annotations [flags]",
	    "Adds to allowed_annotations of every handler those that are not there yet, in the file that decides; or\n"
	    "in a drop-in. Declares an NRI plugin required.",
	    crio_rows },
	  setup_enable_annotations,
	  false },
	{ "detect",
	  NULL,
	  "tell which runtime and which files belong to this host",
	  { PROGRAM "detect [flags]",
	    "Tells distribution, runtime, configuration file, socket, unit and hooks folders of this host, and what\n"
	    "set-up may do on it. Exit status 1 where nothing is known, or nothing may be changed.",
	    detect_rows },
	  setup_detect,
	  false },
	{ "verify",
	  NULL,
	  "check whether the gate is closed on this host",
	  { PROGRAM "verify [flags]",
	    "A line for each check, with what was found and what to do. Exit status 1 when the gate is open.",
	    verify_rows },
	  setup_verify,
	  false },
};

const struct setup_command *setup_command_find(int argc, char *const argv[], int *ret_words)
{
	for (size_t i = 0; i < SETUP_COMMANDS; i++) {
		const struct setup_command *command = &setup_commands[i];

		if (argc < 2 || strcmp(argv[1], command->name) != 0)
			continue;
		if (command->sub && (argc < 3 || strcmp(argv[2], command->sub) != 0))
			continue;
		*ret_words = command->sub ? 2 : 1;
		return command;
	}
	return NULL;
}

void setup_help(struct buf *out)
{
	buf_text(
		out,
		"Usage: " PROGRAM "COMMAND [flags]\n\n"
		"Gets Tetragon's hook onto a node and off it again. No container runtime is restarted unless asked, "
		"no\n"
		"file is touched that needs no change, and every change can be shown first and undone.\n\nCommands:\n");
	for (size_t i = 0; i < SETUP_COMMANDS; i++) {
		const struct setup_command *command = &setup_commands[i];
		size_t begin = out->len;

		buf_printf(out, "  %s%s%s", command->name, command->sub ? " " : "", command->sub ? command->sub : "");
		while (out->len - begin < 42)
			buf_byte(out, ' ');
		buf_printf(out, "%s\n", command->help);
	}
	buf_text(out, "\nEach command has --help of its own. Exit status: 0 done, or nothing to do; 1 it failed (the "
		      "text says\n"
		      "why and what to do); 80 wrong usage.\n");
}
