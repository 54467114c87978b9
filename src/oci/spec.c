/* SPDX-License-Identifier: Apache-2.0 */
#include "oci/spec.h"

#include "oci/json_text.h"

/* A parse in progress. */
struct spec_parse {
	struct json_reader reader;
	struct arena *arena;
	struct spec *spec;
	struct error *err;
	size_t annotation_room, mount_room; /* entries allocated */
	uint32_t *hash; /* of each annotation's key, so that the search for duplicates stays cheap */
};

/* A member that a table names: its handler gets the first event of the value. */
struct member {
	struct str key;
	int (*parse)(struct spec_parse *parse, int event);
};

static int type_error(struct spec_parse *parse, const char *what, const char *want)
{
	return error_set(parse->err, EINVAL, "%s: want %s, at byte %zu", what, want, parse->reader.at);
}

/* A character as Go's encoding/json folds it to compare names: ASCII, and the two letters beyond that fold to ASCII. */
static char folded_next(struct str text, size_t *at)
{
	struct str rest = str_from(text, *at);
	char c = rest.p[0];

	if (str_starts(rest, STR("\xc5\xbf"))) { /* U+017F, long s */
		*at += 2;
		return 's';
	}
	if (str_starts(rest, STR("\xe2\x84\xaa"))) { /* U+212A, Kelvin */
		*at += 3;
		return 'k';
	}
	++*at;
	return c >= 'A' && c <= 'Z' ? (char)(c + ('a' - 'A')) : c;
}

/* Whether `raw`, which is not the name, is taken for it by readers that do not mind letter case: runc, containerd. */
static bool is_other_case(struct str raw, struct str name)
{
	char memory[64];
	struct buf key = buf_over(memory, sizeof memory);
	size_t at = 0, i = 0;

	if (raw.len < name.len ||
	    ((unsigned char)raw.p[0] < 0x80 && raw.p[0] != '\\' && (raw.p[0] | 0x20) != name.p[0]))
		return false; /* nearly always; no name begins with a capital */
	if (json_string_decode(raw, &key) < 0)
		return false; /* longer than any name */
	while (at < key.len && i < name.len) {
		char want = name.p[i++];

		if (folded_next((struct str){ memory, key.len }, &at) !=
		    (want >= 'A' && want <= 'Z' ? (char)(want + ('a' - 'A')) : want))
			return false;
	}
	return at == key.len && i == name.len;
}

static int other_case_check(struct spec_parse *parse, const char *what, const struct member *table, size_t members,
			    struct str key)
{
	for (size_t i = 0; i < members; i++)
		if (is_other_case(key, table[i].key))
			return error_set(parse->err, EINVAL,
					 "%s%s is written '%.*s', which only some readers take for it, at byte %zu",
					 what, table[i].key.p, (int)key.len, key.p, parse->reader.at);
	return 0;
}

/* Walks one object: members of the table to their handlers, once each; everything else is skipped. */
static int object_parse(struct spec_parse *parse, const char *what, const struct member *table, size_t members)
{
	unsigned seen = 0;
	int event;

	while ((event = json_next(&parse->reader, parse->err)) == JSON_KEY) {
		struct str key = parse->reader.text;
		size_t i = 0;
		int r;

		while (i < members && !json_string_is(key, table[i].key))
			i++;
		if (i < members && seen & 1u << i)
			return error_set(parse->err, EINVAL, "%s%s is there twice, at byte %zu", what, table[i].key.p,
					 parse->reader.at);
		r = i < members ? 0 : other_case_check(parse, what, table, members, key);
		if (r >= 0)
			r = json_next(&parse->reader, parse->err);
		if (r >= 0 && i < members) {
			seen |= 1u << i;
			r = table[i].parse(parse, r);
		} else if (r >= 0) {
			r = json_skip(&parse->reader, (enum json_event)r, parse->err);
		}
		if (r < 0)
			return r;
	}
	return event;
}

/* Room for one more of `size` bytes each: doubled in the arena, the old place is given up. */
static void *array_grow(struct spec_parse *parse, void *array, size_t count, size_t *room, size_t size)
{
	size_t more = *room ? *room * 2 : 32;
	void *grown;

	if (count < *room)
		return array;
	grown = arena_alloc(parse->arena, more * size);
	if (!grown)
		return NULL;
	if (count)
		memcpy(grown, array, count * size);
	*room = more;
	return grown;
}

static uint32_t hash_of(struct str text)
{
	uint32_t hash = 2166136261u; /* FNV-1a: a miss costs a comparison, no more */

	for (size_t i = 0; i < text.len; i++)
		hash = (hash ^ (unsigned char)text.p[i]) * 16777619u;
	return hash;
}

static int annotation_add(struct spec_parse *parse, struct str key, struct str value)
{
	struct spec *spec = parse->spec;
	size_t room = parse->annotation_room;
	uint32_t hash = hash_of(key);

	for (size_t i = 0; i < spec->annotations; i++)
		if (parse->hash[i] == hash && str_equal(spec->annotation[i].key, key))
			return error_set(parse->err, EINVAL, "annotations: '%.*s' is there twice, at byte %zu",
					 (int)key.len, key.p, parse->reader.at);
	if (spec->annotations == SPEC_ANNOTATIONS_MAX)
		return error_set(parse->err, E2BIG, "annotations: more than %d", SPEC_ANNOTATIONS_MAX);
	spec->annotation = array_grow(parse, spec->annotation, spec->annotations, &room, sizeof *spec->annotation);
	parse->hash = array_grow(parse, parse->hash, spec->annotations, &parse->annotation_room, sizeof *parse->hash);
	if (!spec->annotation || !parse->hash)
		return error_set(parse->err, ENOMEM, "annotations: out of memory");
	parse->hash[spec->annotations] = hash;
	spec->annotation[spec->annotations++] = (struct spec_annotation){ key, value };
	return 0;
}

static int annotations_parse(struct spec_parse *parse, int event)
{
	if (event == JSON_NULL)
		return 0;
	if (event != JSON_OBJECT_BEGIN)
		return type_error(parse, "annotations", "an object");
	while ((event = json_next(&parse->reader, parse->err)) == JSON_KEY) {
		struct str key = { 0 }, value = { 0 };
		int r = json_text(parse->reader.text, parse->arena, "annotations: a key", &key, parse->err);

		if (r >= 0)
			r = json_text_value(&parse->reader, json_next(&parse->reader, parse->err), parse->arena,
					    "annotations", &value, parse->err);
		if (r >= 0)
			r = annotation_add(parse, key, value);
		if (r < 0)
			return r;
	}
	return event;
}

static int text_parse(struct spec_parse *parse, int event, const char *what, struct str *ret_text)
{
	return json_text_value(&parse->reader, event, parse->arena, what, ret_text, parse->err);
}

static int root_path_parse(struct spec_parse *parse, int event)
{
	return text_parse(parse, event, "root.path", &parse->spec->root_path);
}

static int root_parse(struct spec_parse *parse, int event)
{
	static const struct member members[] = { { STR("path"), root_path_parse } };

	if (event == JSON_NULL)
		return 0;
	if (event != JSON_OBJECT_BEGIN)
		return type_error(parse, "root", "an object");
	return object_parse(parse, "root.", members, sizeof members / sizeof *members);
}

static int cgroups_path_parse(struct spec_parse *parse, int event)
{
	return text_parse(parse, event, "linux.cgroupsPath", &parse->spec->cgroups_path);
}

static int namespace_type_parse(struct spec_parse *parse, int event)
{
	return text_parse(parse, event, "linux.namespaces: type",
			  &parse->spec->name_space[parse->spec->namespaces].type);
}

static int namespace_path_parse(struct spec_parse *parse, int event)
{
	return text_parse(parse, event, "linux.namespaces: path",
			  &parse->spec->name_space[parse->spec->namespaces].path);
}

/* Walks an array of objects; `item` is called behind each '{'. */
static int objects_parse(struct spec_parse *parse, int event, const char *what, int (*item)(struct spec_parse *parse))
{
	if (event == JSON_NULL)
		return 0;
	if (event != JSON_ARRAY_BEGIN)
		return type_error(parse, what, "an array");
	while ((event = json_next(&parse->reader, parse->err)) == JSON_OBJECT_BEGIN) {
		int r = item(parse);

		if (r < 0)
			return r;
	}
	if (event >= 0 && event != JSON_ARRAY_END)
		return type_error(parse, what, "objects");
	return event;
}

static int namespace_parse(struct spec_parse *parse)
{
	static const struct member members[] = {
		{ STR("type"), namespace_type_parse },
		{ STR("path"), namespace_path_parse },
	};
	int r;

	if (parse->spec->namespaces == SPEC_NAMESPACES_MAX)
		return error_set(parse->err, E2BIG, "linux.namespaces: more than %d", SPEC_NAMESPACES_MAX);
	r = object_parse(parse, "linux.namespaces: ", members, sizeof members / sizeof *members);
	parse->spec->namespaces++;
	return r;
}

static int namespaces_parse(struct spec_parse *parse, int event)
{
	return objects_parse(parse, event, "linux.namespaces", namespace_parse);
}

static int linux_parse(struct spec_parse *parse, int event)
{
	static const struct member members[] = {
		{ STR("cgroupsPath"), cgroups_path_parse },
		{ STR("namespaces"), namespaces_parse },
	};

	if (event == JSON_NULL)
		return 0;
	if (event != JSON_OBJECT_BEGIN)
		return type_error(parse, "linux", "an object");
	parse->spec->has_linux = true;
	return object_parse(parse, "linux.", members, sizeof members / sizeof *members);
}

static struct spec_mount *mount_now(struct spec_parse *parse)
{
	return &parse->spec->mount[parse->spec->mounts];
}

static int destination_parse(struct spec_parse *parse, int event)
{
	return text_parse(parse, event, "mounts: destination", &mount_now(parse)->destination);
}

static int type_parse(struct spec_parse *parse, int event)
{
	return text_parse(parse, event, "mounts: type", &mount_now(parse)->type);
}

static int source_parse(struct spec_parse *parse, int event)
{
	return text_parse(parse, event, "mounts: source", &mount_now(parse)->source);
}

static int options_parse(struct spec_parse *parse, int event)
{
	struct str option[SPEC_MOUNT_OPTIONS_MAX];
	size_t options = 0;

	if (event == JSON_NULL)
		return 0;
	if (event != JSON_ARRAY_BEGIN)
		return type_error(parse, "mounts: options", "an array");
	while ((event = json_next(&parse->reader, parse->err)) >= 0 && event != JSON_ARRAY_END) {
		int r;

		if (options == SPEC_MOUNT_OPTIONS_MAX)
			return error_set(parse->err, E2BIG, "mounts: options: more than %d", SPEC_MOUNT_OPTIONS_MAX);
		r = text_parse(parse, event, "mounts: options", &option[options]);
		if (r < 0)
			return r;
		options++;
	}
	if (event < 0 || !options)
		return event;
	mount_now(parse)->option = arena_alloc(parse->arena, options * sizeof *option);
	if (!mount_now(parse)->option)
		return error_set(parse->err, ENOMEM, "mounts: out of memory");
	memcpy(mount_now(parse)->option, option, options * sizeof *option);
	mount_now(parse)->options = options;
	return event;
}

static int mount_parse(struct spec_parse *parse)
{
	static const struct member members[] = {
		{ STR("destination"), destination_parse },
		{ STR("type"), type_parse },
		{ STR("source"), source_parse },
		{ STR("options"), options_parse },
	};
	struct spec *spec = parse->spec;
	int r;

	if (spec->mounts == SPEC_MOUNTS_MAX)
		return error_set(parse->err, E2BIG, "mounts: more than %d", SPEC_MOUNTS_MAX);
	spec->mount = array_grow(parse, spec->mount, spec->mounts, &parse->mount_room, sizeof *spec->mount);
	if (!spec->mount)
		return error_set(parse->err, ENOMEM, "mounts: out of memory");
	*mount_now(parse) = (struct spec_mount){ 0 };
	r = object_parse(parse, "mounts: ", members, sizeof members / sizeof *members);
	spec->mounts++;
	return r;
}

static int mounts_parse(struct spec_parse *parse, int event)
{
	return objects_parse(parse, event, "mounts", mount_parse);
}

int spec_parse(struct str text, struct arena *arena, struct spec *ret_spec, struct error *err)
{
	static const struct member members[] = {
		{ STR("annotations"), annotations_parse },
		{ STR("linux"), linux_parse },
		{ STR("mounts"), mounts_parse },
		{ STR("root"), root_parse },
	};
	struct spec_parse parse = { .arena = arena, .spec = ret_spec, .err = err };
	int r;

	*ret_spec = (struct spec){ 0 };
	json_reader_init(&parse.reader, text);
	r = json_next(&parse.reader, err);
	if (r >= 0 && r != JSON_OBJECT_BEGIN)
		return error_set(err, EINVAL, "not a JSON object");
	if (r >= 0)
		r = object_parse(&parse, "", members, sizeof members / sizeof *members);
	if (r >= 0)
		r = json_next(&parse.reader, err); /* JSON_END, or what is wrong behind the object */
	return r < 0 ? r : 0;
}

struct str spec_annotation(const struct spec *spec, struct str key)
{
	for (size_t i = 0; i < spec->annotations; i++)
		if (str_equal(spec->annotation[i].key, key))
			return (struct str){ spec->annotation[i].value.p ? spec->annotation[i].value.p : "",
					     spec->annotation[i].value.len };
	return (struct str){ 0 };
}
