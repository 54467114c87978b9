/* SPDX-License-Identifier: Apache-2.0 */
#include "agent/unseen_record.h"

#include <errno.h>
#include <stddef.h>

#include "base/buf.h"
#include "base/error.h"
#include "base/json.h"

#define FIELD(member) offsetof(struct unseen_record, member), sizeof(((struct unseen_record *)0)->member)
static const struct {
	struct str key;
	size_t offset, size;
} members[] = {
	{ { "cgroupsPath", 11 }, FIELD(cgroup_path) },
	{ { "rootDir", 7 }, FIELD(root_dir) },
	{ { "containerID", 11 }, FIELD(container_id) },
	{ { "containerName", 13 }, FIELD(container_name) },
	{ { "containerImage", 14 }, FIELD(image) },
	{ { "podName", 7 }, FIELD(pod_name) },
	{ { "podUID", 6 }, FIELD(pod_uid) },
	{ { "podNamespace", 12 }, FIELD(pod_namespace) },
	{ { "time", 4 }, FIELD(time) },
};
#define MEMBERS (sizeof members / sizeof *members)

static int member_read(struct json_reader *reader, size_t i, struct unseen_record *record, struct error *err)
{
	int event = json_next(reader, err), r;
	struct buf out;

	if (event < 0)
		return event;
	if (event == JSON_NULL)
		return 0;
	if (event != JSON_STRING)
		return error_set(err, EINVAL, "%s: want a text, at byte %zu", members[i].key.p, reader->at);
	out = buf_over((char *)record + members[i].offset, members[i].size);
	r = json_string_decode(reader->text, &out);
	if (r < 0)
		return error_set(err, EINVAL, "%s: longer than %zu bytes, or with a NUL", members[i].key.p,
				 members[i].size - 1);
	return 0;
}

int unseen_record_parse(struct str text, struct unseen_record *ret_record, struct error *err)
{
	struct json_reader reader;
	bool seen[MEMBERS] = { false };
	int event;

	*ret_record = (struct unseen_record){ 0 };
	json_reader_init(&reader, text);
	event = json_next(&reader, err);
	if (event >= 0 && event != JSON_OBJECT_BEGIN)
		return error_set(err, EINVAL, "want an object");
	while (event >= 0 && (event = json_next(&reader, err)) == JSON_KEY) {
		size_t i = 0;

		while (i < MEMBERS && !json_string_is(reader.text, members[i].key))
			i++;
		if (i < MEMBERS && seen[i])
			return error_set(err, EINVAL, "%s is there twice", members[i].key.p);
		if (i < MEMBERS) {
			seen[i] = true;
			event = member_read(&reader, i, ret_record, err);
		} else {
			event = json_next(&reader, err);
			if (event >= 0)
				event = json_skip(&reader, (enum json_event)event, err);
		}
	}
	if (event >= 0)
		event = json_next(&reader, err); /* nothing but white space may follow */
	if (event < 0)
		return event;
	if (!ret_record->cgroup_path[0])
		return error_set(err, EINVAL, "cgroupsPath is missing");
	return 0;
}
