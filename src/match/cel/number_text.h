/* SPDX-License-Identifier: Apache-2.0 */
/*
 * src/match/cel/number_text.h: numbers as text and back, to the last bit. Pure, any thread; the C locale's '.' is
 * assumed, which no program of ours changes.
 */
#ifndef MATCH_CEL_NUMBER_TEXT_H
#define MATCH_CEL_NUMBER_TEXT_H

#include "base/buf.h"

#define NUMBER_TEXT_MAX \
	1100 /* longer texts are not numbers: no double needs more than 1075 digits to be told exactly */

/*
 * The fewest digits that read back as `value`; of these the nearest to it. NUMBER_SHORT is Go's 'g': "1e+06" from 10^6
 * on and below 10^-4; NUMBER_PLAIN has never an exponent. "NaN", "+Inf", "-Inf".
 */
enum number_style { NUMBER_SHORT, NUMBER_PLAIN };
void number_print_double(struct buf *out, double value, enum number_style style);

void number_print_int(struct buf *out, int64_t value);

/* Decimal digits only, '+' or '-' in front (int). False: not a number, or out of range. */
bool number_read_int(struct str text, int64_t *ret);
bool number_read_uint(struct str text, uint64_t *ret);
bool number_read_hex(struct str digits, uint64_t *ret);

/* [+-] digits [. digits] [e [+-] digits], a digit on either side of the point; "inf", "infinity" and "nan" in any case.
 * False: not a number, or too big for a double (too small is 0). */
bool number_read_double(struct str text, double *ret);

#endif
