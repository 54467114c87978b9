/* SPDX-License-Identifier: Apache-2.0 */
#include "pod/container_name.h"

/* Prefixes that stand for a container. Others, such as crio-conmon and libpod-conmon, are the runtime's own processes.
 */
static const struct {
	const char *prefix, *runtime;
} prefixes[] = {
	{ "", "" },
	{ "cri-containerd", "containerd" },
	{ "crio", "cri-o" },
	{ "docker", "docker" },
	{ "libpod", "podman" },
	{ "nerdctl", "containerd" },
};

static bool is_id(struct str text)
{
	if (text.len != CONTAINER_ID_DIGITS)
		return false;
	for (size_t i = 0; i < text.len; i++)
		if (!(text.p[i] >= '0' && text.p[i] <= '9') && !(text.p[i] >= 'a' && text.p[i] <= 'f'))
			return false;
	return true;
}

struct str container_name_id(struct str leaf, const char **ret_runtime)
{
	struct str prefix = { NULL, 0 };
	ptrdiff_t at;

	if (str_ends(leaf, STR(".scope")))
		leaf.len -= sizeof ".scope" - 1;
	at = str_find_last(leaf, ':');
	if (at >= 0) {
		prefix = (struct str){ leaf.p, (size_t)at };
		prefix = str_from(prefix, (size_t)(str_find_last(prefix, ':') + 1));
	} else {
		at = str_find_last(leaf, '-');
		if (at >= 0)
			prefix = (struct str){ leaf.p, (size_t)at };
	}
	leaf = str_from(leaf, (size_t)(at + 1));
	if (!is_id(leaf))
		return (struct str){ NULL, 0 };
	for (size_t i = 0; i < sizeof prefixes / sizeof *prefixes; i++) {
		if (str_is(prefix, prefixes[i].prefix)) {
			if (ret_runtime)
				*ret_runtime = prefixes[i].runtime;
			return leaf;
		}
	}
	return (struct str){ NULL, 0 };
}
