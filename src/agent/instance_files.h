/* SPDX-License-Identifier: Apache-2.0 */
/*
 * src/agent/instance_files.h: what other programs may know of the running agent.
 *   tetragon.pid         its pid as the host's procfs shows it, decimal, no newline
 *   tetragon-info.json   where it listens, pins and exports, in the keys of the original
 * They lie in the folder for all agents if this one has the ordinary name, else in its own. Both are readable by all,
 * replaced atomically and gone when the agent has ended; one that was killed leaves them, and they mean nothing then:
 * the lock of state_dir.h tells whether an agent runs. Source: reference of the agent's options, section 5.
 */
#ifndef AGENT_INSTANCE_FILES_H
#define AGENT_INSTANCE_FILES_H

struct error;

#define INSTANCE_PID_FILE "tetragon.pid"
#define INSTANCE_INFO_FILE "tetragon-info.json"

struct instance {
	const char *procfs;
	const char *export_filename; /* "" = none */
	const char *server_address;  /* "unix:///path"; "" = no unix socket */
	const char *map_dir;         /* of the pins */
};

/* Writes both files into `dir_fd`. -errno. */
int instance_files_write(int dir_fd, const struct instance *instance, struct error *err);
/* Removes them; dir_fd < 0: nothing. */
void instance_files_remove(int dir_fd);

#endif
