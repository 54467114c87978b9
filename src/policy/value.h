/* SPDX-License-Identifier: Apache-2.0 */
/*
 * src/policy/value.h: integers as policies write them: decimal, 0x hexadecimal, 0o or leading 0 octal, 0b binary, an
 * optional sign; ranges "min:max", both ends included. Pure, any thread.
 */
#ifndef POLICY_VALUE_H
#define POLICY_VALUE_H

#include <linux/types.h>
#include <stdint.h>

#include "abi.h"
#include "base/str.h"

/*
 * Parses `text` as a value of `type` (not ABI_T_STRING). *ret_value is sign extended for S32 and S64.
 * Returns 0; -EINVAL no integer; -ERANGE outside of the type.
 */
int value_integer(struct str text, enum abi_type type, uint64_t *ret_value);

/* "min:max" into two values. Returns as above; -EDOM: min > max, which would never match. */
int value_range(struct str text, enum abi_type type, uint64_t ret_values[2]);

/* "-2147483648 to 2147483647": what the type holds. */
const char *value_limits(enum abi_type type);

#endif
