/* SPDX-License-Identifier: Apache-2.0 */
/* What is kept of the runtime's list: in any order, bounded, with the pods' labels. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <cmocka.h>

#include "base/cleanup.h"
#include "nri/listing.h"
#include "rpc/pb_write.h"

static struct str id_write(char memory[static 32], unsigned n)
{
	struct buf out = buf_over(memory, 32);

	buf_printf(&out, "id-%u", n);
	return (struct str){ out.p, out.len };
}

static void pod_add(struct listing *listing, unsigned n, size_t label_bytes)
{
	size_t size = label_bytes + 4096;
	auto_free char *memory = malloc(size), *value = malloc(label_bytes + 1);
	struct buf message = buf_over(memory, size);
	char id[32];
	struct nri_pod pod = { .id = id_write(id, n), .name = STR("web"), .name_space = STR("tenant-a") };
	size_t mark = pb_open(&message, 5); /* labels */

	memset(value, 'v', label_bytes);
	pb_item(&message, 1, STR("app"));
	pb_item(&message, 2, (struct str){ value, label_bytes });
	pb_close(&message, mark);
	mark = pb_open(&message, 6); /* annotations: not kept */
	pb_item(&message, 1, STR("note"));
	pb_close(&message, mark);
	pod.message = (struct str){ message.p, message.len };
	listing_add_pod(listing, &pod);
	memset(id, 'x', sizeof id); /* it must have been copied */
}

static void container_add(struct listing *listing, unsigned n)
{
	char id[32], pod_id[32];
	struct nri_container container = { .id = id_write(id, 100000 + n),
					   .pod_id = id_write(pod_id, n),
					   .state = NRI_RUNNING };

	listing_add_container(listing, &container);
	memset(pod_id, 'x', sizeof pod_id);
}

static void containers_find_their_pods_in_any_order(void **state)
{
	struct listing listing = { 0 };
	const struct nri_container *container;
	const struct nri_pod *pod;
	unsigned found = 0, alone = 0;

	(void)state;
	for (unsigned n = 0; n < 500; n++)
		container_add(&listing, n * 7 % 500);
	for (unsigned n = 400; n--;)
		pod_add(&listing, n, 20);
	listing_end(&listing);
	while (listing_next(&listing, &container, &pod)) {
		struct nri_walk annotations;
		struct str item, value;

		if (found + alone == 10) { /* once more */
			listing_back(&listing);
			assert_true(listing_next(&listing, &container, &pod));
		}
		if (!pod) {
			alone++;
			continue;
		}
		found++;
		assert_true(str_equal(pod->id, container->pod_id));
		value = nri_walk_find(nri_pod_labels(pod), STR("app"));
		assert_int_equal(value.len, 20);
		annotations = nri_pod_annotations(pod);
		assert_false(nri_walk_next(&annotations, &item));
	}
	assert_int_equal(found, 400);
	assert_int_equal(alone, 100);
	listing_clear(&listing);
	assert_false(listing_next(&listing, &container, &pod));
}

static void labels_over_the_limit_are_left_out(void **state)
{
	static const struct {
		size_t bytes;
		bool is_kept;
	} rows[] = { { 0, true }, { 127, true }, { 128, true }, { 20000, true }, { LISTING_LABELS_MAX, false } };

	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		struct listing listing = { 0 };
		const struct nri_container *container;
		const struct nri_pod *pod;

		pod_add(&listing, 1, rows[i].bytes);
		container_add(&listing, 1);
		listing_end(&listing);
		assert_true(listing_next(&listing, &container, &pod));
		if ((nri_walk_find(nri_pod_labels(pod), STR("app")).p != NULL) != rows[i].is_kept)
			fail_msg("label of %zu bytes", rows[i].bytes);
		listing_clear(&listing);
	}
}

static void more_than_the_limit_is_counted(void **state)
{
	struct listing listing = { 0 };

	(void)state;
	for (unsigned n = 0; n < LISTING_ITEMS_MAX + 10; n++)
		container_add(&listing, n);
	assert_int_equal(listing.containers, LISTING_ITEMS_MAX);
	assert_int_equal(listing.left_out, 10);
	listing_clear(&listing);
}

static void known_ids_are_known(void **state)
{
	struct known known = { 0 };
	char id[32];

	(void)state;
	assert_false(known_has(&known, STR("x")));
	for (unsigned n = 0; n < KNOWN_MAX + 100; n += 2) {
		known_add(&known, id_write(id, n));
		known_add(&known, id_write(id, n));
	}
	for (unsigned n = 0; n < 2000; n++)
		if (known_has(&known, id_write(id, n)) != (n % 2 == 0))
			fail_msg("id-%u", n);
	known_clear(&known);
	assert_false(known_has(&known, STR("id-0")));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(containers_find_their_pods_in_any_order),
		cmocka_unit_test(labels_over_the_limit_are_left_out),
		cmocka_unit_test(more_than_the_limit_is_counted),
		cmocka_unit_test(known_ids_are_known),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
