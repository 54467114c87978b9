/* SPDX-License-Identifier: Apache-2.0 */
/*
 * src/match/cel/limits.h: what bounds an expression. Each limit has an error of its own, which names it. Besides these
 * the arenas that the caller gives bound all memory, and the steps that the caller allows bound the time.
 */
#ifndef MATCH_CEL_LIMITS_H
#define MATCH_CEL_LIMITS_H

#define CEL_SOURCE_MAX 65536 /* bytes of an expression */
#define CEL_DEPTH_MAX                                                                                       \
	250 /* levels of nesting, also a + b + c + … and a.b.c…, but not && and || (as cel-go's parser) \
	     */
#define CEL_FOLD_MAX 16           /* macros inside each other */
#define CEL_ITEMS_MAX 16384       /* items of a list, entries of a map, operands of one && or || */
#define CEL_TEXT_MAX (256 * 1024) /* bytes of a string or bytes value that an expression makes */
#define CEL_CHECK_STEPS_MAX \
	1000000 /* comparisons of types: types that double with each macro must not stall the checker */
#define CEL_STEPS_DEFAULT \
	1000000 /* of an evaluation: nodes, loop rounds, compared items, 64 bytes of text: a few 10 ms */

#endif
