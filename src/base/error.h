/* SPDX-License-Identifier: Apache-2.0 */
/*
 * src/base/error.h: what went wrong, as an errno and a text that is complete enough to print.
 * The struct lives on the caller's stack; nothing is allocated. A function that can fail returns a result >= 0 or a
 * negative errno and takes `struct error *err`, which may be NULL when the caller does not care.
 * The text's form is "what failed: where: why; what to do".
 */
#ifndef BASE_ERROR_H
#define BASE_ERROR_H

#define ERROR_TEXT_MAX 1024

struct error {
	int code;                  /* positive errno; 0 is "no error" */
	char text[ERROR_TEXT_MAX]; /* NUL-terminated; a text that did not fit ends in "..." */
};

/* Sets both members; `code` is a positive errno. Returns -code, so that a function can `return error_set(...)`. */
int error_set(struct error *err, int code, const char *format, ...) __attribute__((format(printf, 3, 4)));

/* As error_set with ": " and the system's text of `code` at the end (ENOENT: "it is not there"). */
int error_errno(struct error *err, int code, const char *format, ...) __attribute__((format(printf, 3, 4)));

/* Puts the formatted text and ": " in front of the text that is there. Returns `result` (negative) unchanged. */
int error_wrap(struct error *err, int result, const char *format, ...) __attribute__((format(printf, 3, 4)));

#endif
