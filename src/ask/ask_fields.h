/* SPDX-License-Identifier: Apache-2.0 */
/*
 * src/ask/ask_fields.h: field numbers of what is asked. Source: tetragon's sensors.proto and tetragon.proto, messages
 * RuntimeHookRequest, CreateContainer and Mount; those from 10001 on are ours, and only the NRI plugin writes them.
 */
#ifndef ASK_ASK_FIELDS_H
#define ASK_ASK_FIELDS_H

enum { REQUEST_CREATE_CONTAINER = 1 };
enum {
	CONTAINER_CGROUPS_PATH = 1,
	CONTAINER_ROOT_DIR,
	CONTAINER_ANNOTATIONS,
	CONTAINER_NAME,
	CONTAINER_ID,
	CONTAINER_POD_NAME,
	CONTAINER_POD_UID,
	CONTAINER_POD_NAMESPACE,
	CONTAINER_IMAGE,
	CONTAINER_MOUNTS,
	CONTAINER_POD_LABELS = 10001,
	CONTAINER_POD_ANNOTATIONS,
	CONTAINER_WHY,
	CONTAINER_REPORTER,
	CONTAINER_POD_LABELS_KNOWN,
};
enum { MAP_KEY = 1, MAP_VALUE };
enum { MOUNT_DESTINATION = 1, MOUNT_TYPE, MOUNT_SOURCE, MOUNT_OPTIONS };

#endif
