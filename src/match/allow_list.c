/* SPDX-License-Identifier: Apache-2.0 */
#include "match/allow_list.h"

bool allow_list_has(const char *const *item, size_t n, struct str name)
{
	if (!name.len)
		return false;
	for (size_t i = 0; i < n; i++)
		if (str_is(name, item[i]))
			return true;
	return false;
}
