/* SPDX-License-Identifier: Apache-2.0 */
/*
 * src/match/label_selector.h: a Kubernetes label selector over labels that may not be known. Source: Kubernetes API,
 * meta/v1 LabelSelector: all terms must hold; matchLabels {k: v} is the term k In [v].
 *
 * What is not known is neither there nor absent: a term on it is undecided, and so is the selector, unless another term
 * fails whatever the label is. Whoever decides about a container must not take "undecided" for "no".
 */
#ifndef MATCH_LABEL_SELECTOR_H
#define MATCH_LABEL_SELECTOR_H

#include <stdbool.h>
#include <stddef.h>

#include "base/str.h"

#define LABEL_TERMS_MAX 64        /* of one selector */
#define LABEL_TERM_VALUES_MAX 256 /* of one term */
#define LABEL_TEXT_MAX 1024       /* bytes of a key or value; an image's repository may be a value */

enum label_op { LABEL_IN = 1, LABEL_NOT_IN, LABEL_EXISTS, LABEL_DOES_NOT_EXIST };

struct label_term {
	char *key; /* owned, as the values */
	enum label_op op;
	char **value; /* In, NotIn: at least one; else none */
	size_t values;
};

struct label_selector { /* all zeros: selects everything */
	struct label_term *term;
	size_t terms;
};

/*
 * Adds a term; texts are copied. Returns the term's index; -E2BIG more than LABEL_TERMS_MAX terms, or a key or value
 * longer than LABEL_TEXT_MAX; -EINVAL an empty key or a NUL in it; -ENOMEM.
 */
int label_selector_add(struct label_selector *selector, struct str key, enum label_op op);
/* Adds a value to the last term. -E2BIG (LABEL_TERM_VALUES_MAX, LABEL_TEXT_MAX), -EINVAL a NUL, -ENOMEM. */
int label_selector_value(struct label_selector *selector, struct str value);
void label_selector_done(struct label_selector *selector);

/* The same terms in the same order. */
bool label_selector_equal(const struct label_selector *a, const struct label_selector *b);

/* "In", "NotIn", "Exists", "DoesNotExist", as Kubernetes spells them; 0: none of these. */
enum label_op label_op_of(struct str name);

enum label_state { LABEL_ABSENT = 0, LABEL_THERE, LABEL_UNKNOWN };

/* What is known of `key`; with LABEL_THERE *ret_value is its value. */
typedef enum label_state label_find_fn(const void *context, const char *key, const char **ret_value);

enum label_verdict { LABELS_DIFFER = 0, LABELS_MATCH, LABELS_UNDECIDED };

enum label_verdict label_selector_match(const struct label_selector *selector, label_find_fn *find,
					const void *context);

#endif
