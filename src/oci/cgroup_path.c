/* SPDX-License-Identifier: Apache-2.0 */
#include "oci/cgroup_path.h"

#include <errno.h>

#include "base/buf.h"
#include "base/error.h"

#define ID_DIGITS 64 /* of a container id, as all runtimes of today make it */

static const struct str slice_suffix = { ".slice", 6 };
static const struct str scope_suffix = { ".scope", 6 };

/* Each dash of "a-b.slice" opens a level: /a.slice/a-b.slice. */
static int slice_expand(struct buf *out, struct str slice, struct error *err)
{
	size_t name_len;

	if (str_is(slice, "-.slice"))
		return 0; /* the root: the leaf's '/' is all there is */
	if (!str_ends(slice, slice_suffix))
		return error_set(err, EINVAL, "'%.*s' does not end in .slice", (int)slice.len, slice.p);
	name_len = slice.len - slice_suffix.len;
	for (size_t at = 0, level = 0; at <= name_len; at++) {
		if (at < name_len && slice.p[at] != '-')
			continue;
		if (at == level)
			return error_set(err, EINVAL, "'%.*s' has an empty level at byte %zu", (int)slice.len, slice.p,
					 at);
		buf_byte(out, '/');
		buf_add(out, slice.p, at);
		buf_str(out, slice_suffix);
		level = at + 1;
	}
	return 0;
}

static void leaf_add(struct buf *out, struct str prefix, struct str name)
{
	buf_byte(out, '/');
	if (!str_ends(name, slice_suffix)) {
		buf_str(out, prefix);
		buf_byte(out, '-');
		buf_str(out, name);
		buf_str(out, scope_suffix);
	} else {
		buf_str(out, name);
	}
}

/* Cuts "slice:prefix:name" at its two colons; false if there are more or fewer. */
static bool parts_cut(struct str spec, struct str part[3])
{
	ptrdiff_t first = str_find(spec, ':');
	ptrdiff_t second;

	if (first < 0)
		return false;
	part[0] = (struct str){ spec.p, (size_t)first };
	part[1] = str_from(spec, (size_t)first + 1);
	second = str_find(part[1], ':');
	if (second < 0)
		return false;
	part[2] = str_from(part[1], (size_t)second + 1);
	part[1].len = (size_t)second;
	return str_find(part[2], ':') < 0;
}

int cgroup_path_expand(struct str spec, char *path, size_t size, struct error *err)
{
	struct buf out = buf_over(path, size); /* its overflow is sticky: one check at the end */
	struct str part[3];

	if (!spec.len)
		return error_set(err, ENODATA, "linux.cgroupsPath is empty");
	if (str_find(spec, '\0') >= 0)
		return error_set(err, EINVAL, "linux.cgroupsPath holds a NUL byte");
	if (str_find(spec, '/') >= 0) {
		buf_str(&out, spec);
	} else if (parts_cut(spec, part)) {
		int r = slice_expand(&out, part[0].len ? part[0] : STR("system.slice"), err);

		if (r < 0)
			return error_wrap(err, r, "linux.cgroupsPath '%.*s'", (int)spec.len, spec.p);
		leaf_add(&out, part[1], part[2]);
	} else {
		return error_set(err, EINVAL, "Unknown cgroup path: %.*s: want /path or slice:prefix:name",
				 (int)spec.len, spec.p);
	}
	if (out.overflow)
		return error_set(err, ENAMETOOLONG, "linux.cgroupsPath '%.*s': longer than %zu bytes", (int)spec.len,
				 spec.p, size);
	return (int)out.len;
}

/* Takes the last component off `*path`, past trailing slashes; "" when none is left. */
static struct str component_pop(struct str *path)
{
	struct str last;
	ptrdiff_t slash;

	while (path->len && path->p[path->len - 1] == '/')
		path->len--;
	slash = str_find_last(*path, '/');
	last = str_from(*path, (size_t)(slash + 1));
	path->len = (size_t)(slash + 1);
	return last;
}

bool cgroup_path_climbs(struct str path)
{
	struct str component;

	while ((component = component_pop(&path)).len)
		if (str_is(component, ".."))
			return true;
	return false;
}

struct str cgroup_path_leaf(struct str path)
{
	struct str leaf = component_pop(&path);

	if (str_ends(leaf, scope_suffix))
		leaf.len -= scope_suffix.len;
	return leaf;
}

struct str cgroup_path_parent(struct str path)
{
	(void)component_pop(&path); /* the leaf */
	return component_pop(&path);
}

static bool is_hex(char byte)
{
	return (byte >= '0' && byte <= '9') || (byte >= 'a' && byte <= 'f') || (byte >= 'A' && byte <= 'F');
}

static bool all_hex(struct str text)
{
	for (size_t i = 0; i < text.len; i++)
		if (!is_hex(text.p[i]))
			return false;
	return true;
}

struct str cgroup_path_container_id(struct str path)
{
	struct str leaf = cgroup_path_leaf(path);

	if (leaf.len > ID_DIGITS && leaf.p[leaf.len - ID_DIGITS - 1] == '-') {
		struct str tail = str_from(leaf, leaf.len - ID_DIGITS);

		if (all_hex(tail))
			return tail;
	}
	return leaf;
}

/* 8-4-4-4-12 hexadecimal digits, dashes or underscores between, or 32 digits. */
static bool is_uid_shaped(struct str uid)
{
	if (uid.len == 32)
		return all_hex(uid);
	if (uid.len != 36)
		return false;
	for (size_t i = 0; i < uid.len; i++) {
		bool is_gap = i == 8 || i == 13 || i == 18 || i == 23;

		if (is_gap ? uid.p[i] != '-' && uid.p[i] != '_' : !is_hex(uid.p[i]))
			return false;
	}
	return true;
}

static bool is_kubelet_dir(struct str component)
{
	return str_is(component, "kubepods") || str_is(component, "besteffort") || str_is(component, "burstable");
}

/* True if a dash-separated slice name above the pod's part is the kubelet's: "kubepods", "x-kubepods-burstable". */
static bool is_kubelet_slice(struct str above)
{
	ptrdiff_t dash = str_find_last(above, '-');

	return is_kubelet_dir(str_from(above, (size_t)(dash + 1)));
}

static struct str pod_uid_of(struct str component, struct str above)
{
	static const struct str none = { 0 };
	bool is_kubelet;
	struct str uid;

	if (str_ends(component, slice_suffix)) {
		ptrdiff_t dash;

		component.len -= slice_suffix.len;
		dash = str_find_last(component, '-');
		if (dash < 0)
			return none;
		is_kubelet = is_kubelet_slice((struct str){ component.p, (size_t)dash });
		component = str_from(component, (size_t)dash + 1);
	} else {
		is_kubelet = is_kubelet_dir(above);
	}
	if (!str_starts(component, STR("pod")))
		return none;
	uid = str_from(component, 3);
	return is_kubelet || is_uid_shaped(uid) ? uid : none;
}

struct str cgroup_path_pod_uid(struct str path)
{
	struct str component;

	(void)component_pop(&path); /* the container's own directory names no pod */
	while ((component = component_pop(&path)).len) {
		struct str rest = path;
		struct str uid = pod_uid_of(component, component_pop(&rest));

		if (uid.len)
			return uid;
	}
	return (struct str){ 0 };
}

bool cgroup_path_uid_equal(struct str a, struct str b)
{
	if (a.len != b.len)
		return false;
	for (size_t i = 0; i < a.len; i++) {
		char x = a.p[i] == '_' ? '-' : a.p[i];
		char y = b.p[i] == '_' ? '-' : b.p[i];

		if (x != y)
			return false;
	}
	return true;
}
