/* SPDX-License-Identifier: Apache-2.0 */
/* src/base/sha256.h: SHA-256 of a piece of memory. Source: FIPS 180-4. Pure, no allocation. */
#ifndef BASE_SHA256_H
#define BASE_SHA256_H

#include "base/str.h"

#define SHA256_TEXT (2 * 32 + 1)

/* `text`: 64 lower-case hexadecimal digits and a NUL. */
void sha256_text(struct str bytes, char text[SHA256_TEXT]);

#endif
