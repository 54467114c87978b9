/* SPDX-License-Identifier: Apache-2.0 */
/*
 * All edits and drop-ins on any bytes. The first byte chooses which. What comes out is TOML, every line that was not
 * touched is there byte for byte and in order, and editing it again changes nothing. That only the keys meant differ is
 * checked by the edit itself, which refuses with -EBADMSG: here such a refusal is a failure. A drop-in is made again,
 * with itself among the files, and comes out the same.
 */
#include <assert.h>
#include <errno.h>
#include <stdint.h>
#include <stdlib.h>

#include "base/buf.h"
#include "base/error.h"
#include "conf/toml.h"
#include "setup/containerd_conf.h"
#include "setup/crio_conf.h"
#include "setup/required_plugin.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define EDITS 6
#define KINDS 9 /* and three drop-ins */

static const char *const annotations[] = { "a", "io.x/\"y\"" };

/* The drop-in for a root file and, where there is one already (p not NULL), the one as it was. */
static int drop_in(unsigned kind, struct str text, struct str ours, char **ret_text, size_t *ret_len, struct error *err)
{
	const struct crio_wish wish = { .annotations = annotations, .n = 2, .plugin = "tetragon" };
	const struct conf_overlay over[] = { { "/fuzz/a", text }, { "/fuzz/b", ours } };
	auto_conf_set struct conf_set set = { 0 };
	static char memory[1 << 20];
	struct buf notes = buf_over(memory, sizeof memory);
	int result = 0;

	for (size_t i = 0; result >= 0 && i < (ours.p ? 2 : 1); i++) {
		result = conf_set_add(&set, over[i].path, err);
		if (result >= 0)
			result = conf_set_load(&set, i, over, 2, err);
		set.file[i].ours = i;
	}
	if (result < 0)
		return result;
	if (kind == EDITS)
		return containerd_nri_drop_in(&set, CONTAINERD_ANY, "tetragon", "io.x/skip", ret_text, ret_len, err);
	if (kind == EDITS + 1)
		return containerd_hook_drop_in(&set, CONTAINERD_2, "/x/spec.json", ret_text, ret_len, err);
	return crio_drop_in(&set, &wish, ret_text, ret_len, &notes, err);
}

static void drop_in_twice(unsigned kind, struct str text)
{
	char *once = NULL, *twice = NULL;
	struct error err = { 0 };
	size_t len, again;
	int result = drop_in(kind, text, (struct str){ 0 }, &once, &len, &err);

	assert(result != -EBADMSG);
	if (result < 0 || !once)
		return;
	result = drop_in(kind, text, (struct str){ once, len }, &twice, &again, &err);
	assert(result >= 0 && twice && len == again && !memcmp(once, twice, len));
	free(once);
	free(twice);
}

static int edit(unsigned kind, struct str text, char **ret_text, size_t *ret_len, struct error *err)
{
	auto_toml struct toml *doc = NULL;
	static const struct containerd_hook hook = { .spec_path = "/x/spec.json" };
	static char memory[1 << 20];
	struct buf notes = buf_over(memory, sizeof memory);

	if (toml_parse(text, &doc, err) < 0)
		return -EINVAL;
	switch (kind % KINDS) {
	case 0:
		return containerd_enable_nri(doc, ret_text, ret_len, &notes, err);
	case 1:
		return containerd_add_oci_hook(doc, &hook, ret_text, ret_len, &notes, err);
	case 2:
		return crio_enable_annotations(doc, annotations, 2, NULL, ret_text, ret_len, &notes, err);
	case 3:
		return containerd_add_import(doc, "/etc/containerd/conf.d/x.toml", ret_text, ret_len, &notes, err);
	case 4:
		return required_plugin_add(text, &required_in_containerd, "tetragon", "io.x/skip", NULL, ret_text,
					   ret_len, &notes, err);
	default:
		return required_plugin_add(text, &required_in_crio, "tetragon", NULL, NULL, ret_text, ret_len, &notes,
					   err);
	}
}

static struct str line_next(struct str *rest)
{
	ptrdiff_t end = str_find(*rest, '\n');
	struct str line = { rest->p, end < 0 ? rest->len : (size_t)end };

	*rest = str_from(*rest, line.len + 1);
	return line;
}

/* How many lines of `before` are not, in order, in `after`. */
static size_t lines_lost(struct str before, struct str after)
{
	size_t lost = 0;

	while (before.len) {
		struct str line = line_next(&before), rest = after;
		bool found = false;

		while (rest.len && !found)
			found = str_equal(line_next(&rest), line);
		if (found)
			after = rest;
		else
			lost++;
	}
	return lost;
}

/* What follows the first `word` in `text`; absent if it is not there. */
static struct str found_behind(struct str text, const char *word)
{
	const char *at = text.len ? memmem(text.p, text.len, word, strlen(word)) : NULL;

	return at ? str_from(text, (size_t)(at - text.p) + strlen(word)) : (struct str){ 0 };
}

/* Places where an edit may touch a line that is there: list elements and runtimes, which their keys give away. */
static size_t statements(struct str text)
{
	static const char *const words[] = { "disabled_plugins",
					     "imports",
					     "base_runtime_spec",
					     "allowed_annotations",
					     "runtimes",
					     "plugins",
					     "enable",
					     "required",
					     "tolerate",
					     "\\" };
	size_t n = 0;

	for (size_t i = 0; i < text.len; i++)
		n += text.p[i] == ',';
	for (size_t w = 0; w < sizeof words / sizeof *words; w++)
		for (struct str rest = text; (rest = found_behind(rest, words[w])).p;)
			n += 2;
	return n;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct str text = { (const char *)data + 1, size ? size - 1 : 0 };
	char *once = NULL, *twice = NULL;
	size_t len, again;
	struct error err = { 0 };
	struct toml *doc = NULL;
	int result;

	if (!size || size > 1 << 16)
		return 0;
	if (data[0] % KINDS >= EDITS) {
		drop_in_twice(data[0] % KINDS, text);
		return 0;
	}
	result = edit(data[0], text, &once, &len, &err);
	assert(result != -EBADMSG);
	if (result < 0 || !once)
		return 0;
	assert(toml_parse((struct str){ once, len }, &doc, NULL) >= 0);
	/* Lines change only where a value, a list or an inline table stands; enough of them and the file was not kept.
	 */
	assert(lines_lost(text, (struct str){ once, len }) <= 2 + statements(text));
	toml_free(doc);
	result = edit(data[0], (struct str){ once, len }, &twice, &again, &err);
	assert(result >= 0 && !twice);
	free(once);
	return 0;
}
