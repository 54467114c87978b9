/* SPDX-License-Identifier: Apache-2.0 */
#include "ask/ask_request.h"

#include <errno.h>

#include "ask/ask_fields.h"
#include "base/error.h"
#include "rpc/pb_write.h"

#define PREFIX_BYTES 5 /* not compressed, length in big endian */

static void annotations_write(struct buf *out, const struct spec *spec)
{
	for (size_t i = 0; i < spec->annotations; i++) {
		size_t entry = pb_open(out, CONTAINER_ANNOTATIONS);

		pb_item(out, MAP_KEY, spec->annotation[i].key);
		pb_item(out, MAP_VALUE, spec->annotation[i].value);
		pb_close(out, entry);
	}
}

static void mounts_write(struct buf *out, const struct spec *spec)
{
	for (size_t i = 0; i < spec->mounts; i++) {
		const struct spec_mount *mount = &spec->mount[i];
		size_t mark = pb_open(out, CONTAINER_MOUNTS);

		pb_text(out, MOUNT_DESTINATION, mount->destination);
		pb_text(out, MOUNT_TYPE, mount->type);
		pb_text(out, MOUNT_SOURCE, mount->source);
		for (size_t n = 0; n < mount->options; n++)
			pb_item(out, MOUNT_OPTIONS, mount->option[n]);
		pb_close(out, mark);
	}
}

static void container_write(struct buf *out, const struct ask_container *container)
{
	const struct identity *identity = &container->identity;
	size_t mark = pb_open(out, REQUEST_CREATE_CONTAINER);

	pb_text(out, CONTAINER_CGROUPS_PATH, container->cgroup_path);
	pb_text(out, CONTAINER_ROOT_DIR, container->root_dir);
	annotations_write(out, &container->spec);
	pb_text(out, CONTAINER_NAME, identity->container_name);
	pb_text(out, CONTAINER_ID, identity->container_id);
	pb_text(out, CONTAINER_POD_NAME, identity->pod_name);
	pb_text(out, CONTAINER_POD_UID, identity->pod_uid);
	pb_text(out, CONTAINER_POD_NAMESPACE, identity->pod_namespace);
	pb_text(out, CONTAINER_IMAGE, identity->image);
	mounts_write(out, &container->spec);
	pb_close(out, mark);
}

int ask_request_build(const struct ask_container *container, struct arena *arena, size_t leave, struct str *ret_body,
		      struct error *err)
{
	size_t before = arena->used, room = arena->size - arena->used;
	size_t size = room > leave ? room - leave : 0;
	char *memory = arena_alloc(arena, size);
	struct buf out = buf_over(memory, memory ? size : 0);
	uint32_t n;

	buf_add(&out, "\0\0\0\0\0", PREFIX_BYTES);
	container_write(&out, container);
	arena->used = before;
	if (!memory || out.overflow || out.len > UINT32_MAX)
		return error_set(err, ENOMEM, "the request for the agent is too large");
	(void)arena_alloc(arena, out.len + 1); /* the same place, shrunk */
	n = (uint32_t)(out.len - PREFIX_BYTES);
	out.p[1] = (char)(n >> 24);
	out.p[2] = (char)(n >> 16);
	out.p[3] = (char)(n >> 8);
	out.p[4] = (char)n;
	*ret_body = (struct str){ out.p, out.len };
	return 0;
}
