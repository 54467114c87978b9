/* SPDX-License-Identifier: Apache-2.0 */
/* tests/unit/base/guard_page.h: input that ends at an inaccessible page, so that a read one byte too far ends the test.
 */
#ifndef TESTS_GUARD_PAGE_H
#define TESTS_GUARD_PAGE_H

#include <stddef.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

struct guard_page {
	char *p;     /* the mapping */
	size_t size; /* its accessible part */
};

/* Room for `limit` bytes; 0 or -1. */
static inline int guard_page_make(struct guard_page *guard, size_t limit)
{
	size_t page = (size_t)sysconf(_SC_PAGESIZE);

	guard->size = (limit / page + 1) * page;
	guard->p = mmap(NULL, guard->size + page, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	return guard->p == MAP_FAILED || mprotect(guard->p + guard->size, page, PROT_NONE) ? -1 : 0;
}

/* The bytes, laid so that the page follows the last one. Valid until the next call. */
static inline const char *guard_page_lay(const struct guard_page *guard, const void *bytes, size_t n)
{
	char *at = guard->p + guard->size - n;

	if (n)
		memcpy(at, bytes, n);
	return at;
}

static inline void guard_page_done(const struct guard_page *guard)
{
	(void)munmap(guard->p, guard->size + (size_t)sysconf(_SC_PAGESIZE));
}

#endif
