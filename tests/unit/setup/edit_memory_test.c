/* SPDX-License-Identifier: Apache-2.0 */
/* The edits of real configurations with the first, the second, … the last allocation failing. */
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <cmocka.h>

#include "base/buf.h"
#include "base/cleanup.h"
#include "base/error.h"
#include "base/file.h"
#include "setup/containerd_conf.h"
#include "setup/crio_conf.h"
#include "setup/required_plugin.h"

void *__real_malloc(size_t n);
void *__real_calloc(size_t n, size_t size);
void *__real_realloc(void *p, size_t n);
void *__wrap_malloc(size_t n);
void *__wrap_calloc(size_t n, size_t size);
void *__wrap_realloc(void *p, size_t n);

static long left = -1; /* allocations that succeed before the one that fails; -1: all succeed */

static int fails(void)
{
	return left >= 0 && left-- == 0;
}

void *__wrap_malloc(size_t n)
{
	return fails() ? NULL : __real_malloc(n);
}

void *__wrap_calloc(size_t n, size_t size)
{
	return fails() ? NULL : __real_calloc(n, size);
}

void *__wrap_realloc(void *p, size_t n)
{
	return fails() ? NULL : __real_realloc(p, n);
}

enum edit { NRI, HOOK, CRIO, DROP_IN, IMPORT, REQUIRED, REQUIRED_CRIO, HOOK_DROP_IN, CRIO_DROP_IN };

static int edit_run(enum edit edit, struct str text, struct error *err)
{
	static const char *const annotations[] = { "a", "b" };
	const struct containerd_hook hook = { .spec_path = "/x" };
	const struct crio_wish wish = { .annotations = annotations, .n = 2, .plugin = "t", .tolerate = "x" };
	const struct conf_overlay over = { "/etc/x", text };
	auto_conf_set struct conf_set set = { 0 };
	char notes_memory[8192];
	struct buf notes = buf_over(notes_memory, sizeof notes_memory);
	char *out = NULL;
	size_t len;
	int result = conf_set_add(&set, over.path, err);

	if (result >= 0)
		result = conf_set_load(&set, 0, &over, 1, err);
	if (result < 0)
		return result;
	switch (edit) {
	case NRI:
		result = containerd_enable_nri(set.file[0].doc, &out, &len, &notes, err);
		break;
	case HOOK:
		result = containerd_add_oci_hook(set.file[0].doc, &hook, &out, &len, &notes, err);
		break;
	case CRIO:
		result = crio_enable_annotations(set.file[0].doc, annotations, 2, NULL, &out, &len, &notes, err);
		break;
	case DROP_IN:
		result = containerd_nri_drop_in(&set, CONTAINERD_ANY, "t", "x", &out, &len, err);
		break;
	case HOOK_DROP_IN:
		result = containerd_hook_drop_in(&set, CONTAINERD_ANY, "/x", &out, &len, err);
		break;
	case CRIO_DROP_IN:
		result = crio_drop_in(&set, &wish, &out, &len, &notes, err);
		break;
	case IMPORT:
		result = containerd_add_import(set.file[0].doc, "/etc/x.toml", &out, &len, &notes, err);
		break;
	case REQUIRED:
		result = required_plugin_add(text, &required_in_containerd, "t", "x", NULL, &out, &len, &notes, err);
		break;
	case REQUIRED_CRIO:
		result = required_plugin_add(text, &required_in_crio, "t", "x", NULL, &out, &len, &notes, err);
		break;
	default:
		return -EINVAL;
	}
	if (result >= 0)
		free(out);
	return result;
}

static void every_allocation_may_fail(void **state)
{
	static const struct {
		enum edit edit;
		const char *file;
	} cases[] = {
		{ NRI, "conf/containerd-1.7/config-default.toml" },
		{ NRI, "conf/containerd-1.6-debian/config.toml" },
		{ HOOK, "conf/containerd-2.3/config-testbed.toml" },
		{ CRIO, "conf/cri-o-1.37/crio-testbed.conf" },
		{ DROP_IN, "conf/containerd-1.7/config-testbed.toml" },
		{ IMPORT, "conf/containerd-2.3/config-default.toml" },
		{ HOOK_DROP_IN, "conf/containerd-2.3/config-testbed.toml" },
		{ CRIO_DROP_IN, "conf/cri-o-1.37/crio-testbed.conf" },
		{ REQUIRED, "conf/containerd-2.3/config-default.toml" },
		{ REQUIRED_CRIO, "conf/cri-o-1.37/crio-default.conf" },
	};

	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		auto_free char *text = NULL;
		struct error err = { 0 };
		char path[512];
		size_t len;
		long n = 0;

		(void)snprintf(path, sizeof path, "%s/%s", FIXTURES, cases[i].file);
		assert_int_equal(file_read_at(AT_FDCWD, path, 1u << 20, &text, &len, &err), 0);
		assert_int_equal(edit_run(cases[i].edit, (struct str){ text, len }, &err), 0);
		for (;; n++) {
			int result;

			err = (struct error){ 0 };
			left = n;
			result = edit_run(cases[i].edit, (struct str){ text, len }, &err);
			if (left >= 0) {
				left = -1;
				assert_int_equal(result, 0);
				break;
			}
			left = -1;
			/* A comparison without memory answers "differs", which refuses the edit. */
			if ((result != -ENOMEM && result != -EBADMSG) || !*err.text)
				fail_msg("%s: allocation %ld: %d '%s'", cases[i].file, n, result, err.text);
		}
		assert_true(n > 2);
	}
	(void)state;
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(every_allocation_may_fail) };

	return cmocka_run_group_tests(tests, NULL, NULL);
}
