/* SPDX-License-Identifier: Apache-2.0 */
/*
 * protojson_dump TYPE: reads protobuf messages from standard input, each behind its length in four bytes (little
 * endian), and prints each as a line of JSON: for the comparison with another encoder in tests/peer.
 */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "event/protojson.h"
#include "tetragon/events.pb-c.h"
#include "tetragon/sensors.pb-c.h"

#define MESSAGE_MAX (1 << 20)

static const ProtobufCMessageDescriptor *const types[] = {
	&tetragon__get_events_response__descriptor,
	&tetragon__get_events_request__descriptor,
	&tetragon__get_debug_response__descriptor,
	&tetragon__get_info_response__descriptor,
	&tetragon__list_tracing_policies_response__descriptor,
	&tetragon__runtime_hook_request__descriptor,
	NULL,
};

static const ProtobufCMessageDescriptor *type_find(const char *name)
{
	for (size_t i = 0; types[i]; i++)
		if (!strcmp(types[i]->short_name, name))
			return types[i];
	return NULL;
}

int main(int argc, char **argv)
{
	const ProtobufCMessageDescriptor *type = argc == 2 ? type_find(argv[1]) : NULL;
	uint8_t *bytes = malloc(MESSAGE_MAX);
	char *json = malloc(4 * MESSAGE_MAX);
	uint32_t len;
	int status = 0;

	if (!type || !bytes || !json)
		status = 2;
	while (!status && fread(&len, sizeof len, 1, stdin) == 1) {
		struct buf out = buf_over(json, 4 * MESSAGE_MAX);
		ProtobufCMessage *message = NULL;

		if (len <= MESSAGE_MAX && (!len || fread(bytes, len, 1, stdin) == 1))
			message = protobuf_c_message_unpack(type, NULL, len, bytes);
		if (!message || protojson_write(&out, message) < 0)
			status = 1;
		else
			status = puts(out.p) < 0;
		if (message)
			protobuf_c_message_free_unpacked(message, NULL);
	}
	free(json);
	free(bytes);
	return status;
}
