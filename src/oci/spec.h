/* SPDX-License-Identifier: Apache-2.0 */
/*
 * src/oci/spec.h: what the hook needs of a container's config.json.
 * Source: OCI runtime-spec, config.md ("root", "mounts", "annotations") and config-linux.md ("cgroupsPath",
 * "namespaces"). Keys are compared after JSON's escapes are undone. A member that decides who the container is may
 * stand there only once, and in no other letter case (which Go's encoding/json would take for it): two readers could
 * take two different ones. What is not named below is skipped, whatever it is.
 * JSON null is the same as absent.
 */
#ifndef OCI_SPEC_H
#define OCI_SPEC_H

#include "base/arena.h"

struct error;

#define SPEC_MAX_BYTES (4 * 1024 * 1024) /* of config.json; real ones have 3 to 100 KiB */
#define SPEC_ANNOTATIONS_MAX 4096
#define SPEC_MOUNTS_MAX 4096
#define SPEC_MOUNT_OPTIONS_MAX 256 /* of one mount */
#define SPEC_NAMESPACES_MAX 16

struct spec_annotation {
	struct str key, value;
};

struct spec_mount {
	struct str destination, type, source;
	struct str *option;
	size_t options;
};

struct spec_namespace {
	struct str type, path; /* path "" = a new one */
};

/* All texts are spans of the parsed input or of the arena and live as long as both. Absent members are "" and 0. */
struct spec {
	struct str root_path;
	struct str cgroups_path;
	struct spec_annotation *annotation;
	size_t annotations;
	struct spec_mount *mount; /* in the file's order */
	size_t mounts;
	struct spec_namespace name_space[SPEC_NAMESPACES_MAX];
	size_t namespaces;
	bool has_linux;
};

/*
 * Parses `text` (hostile). Returns 0; on failure *ret_spec is unspecified and the text of `err` has member or byte:
 *   -EINVAL  malformed, not an object, a wrong type, a NUL in a text, a member or an annotation twice
 *   -E2BIG   nested too deeply, or more entries than a limit above
 *   -ENOMEM  the arena is exhausted
 */
int spec_parse(struct str text, struct arena *arena, struct spec *ret_spec, struct error *err);

/* The value of the annotation `key`; p is NULL if there is none (a present but empty one has p != NULL). */
struct str spec_annotation(const struct spec *spec, struct str key);

#endif
