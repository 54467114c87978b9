/* SPDX-License-Identifier: Apache-2.0 */
#include "match/label_selector.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

static const char *const op_names[] = {
	[LABEL_IN] = "In",
	[LABEL_NOT_IN] = "NotIn",
	[LABEL_EXISTS] = "Exists",
	[LABEL_DOES_NOT_EXIST] = "DoesNotExist",
};

enum label_op label_op_of(struct str name)
{
	for (size_t i = LABEL_IN; i < sizeof op_names / sizeof *op_names; i++)
		if (str_is(name, op_names[i]))
			return (enum label_op)i;
	return 0;
}

static int text_copy(struct str text, char **ret_copy)
{
	if (text.len > LABEL_TEXT_MAX)
		return -E2BIG;
	if (text.len && memchr(text.p, '\0', text.len))
		return -EINVAL;
	*ret_copy = strndup(text.len ? text.p : "", text.len);
	return *ret_copy ? 0 : -ENOMEM;
}

int label_selector_add(struct label_selector *selector, struct str key, enum label_op op)
{
	struct label_term *more;
	char *copy = NULL;
	int r = key.len ? text_copy(key, &copy) : -EINVAL;

	if (r >= 0 && selector->terms == LABEL_TERMS_MAX)
		r = -E2BIG;
	more = r < 0 ? NULL : realloc(selector->term, (selector->terms + 1) * sizeof *more);
	if (!more) {
		free(copy);
		return r < 0 ? r : -ENOMEM;
	}
	selector->term = more;
	more[selector->terms] = (struct label_term){ .key = copy, .op = op };
	return (int)selector->terms++;
}

int label_selector_value(struct label_selector *selector, struct str value)
{
	struct label_term *term = &selector->term[selector->terms - 1];
	char *copy = NULL, **more;
	int r = term->values == LABEL_TERM_VALUES_MAX ? -E2BIG : text_copy(value, &copy);

	if (r < 0)
		return r;
	more = realloc(term->value, (term->values + 1) * sizeof *more);
	if (!more) {
		free(copy);
		return -ENOMEM;
	}
	term->value = more;
	more[term->values++] = copy;
	return 0;
}

void label_selector_done(struct label_selector *selector)
{
	for (size_t i = 0; i < selector->terms; i++) {
		for (size_t j = 0; j < selector->term[i].values; j++)
			free(selector->term[i].value[j]);
		free(selector->term[i].value);
		free(selector->term[i].key);
	}
	free(selector->term);
	*selector = (struct label_selector){ 0 };
}

static bool term_equal(const struct label_term *a, const struct label_term *b)
{
	if (a->op != b->op || a->values != b->values || strcmp(a->key, b->key) != 0)
		return false;
	for (size_t i = 0; i < a->values; i++)
		if (strcmp(a->value[i], b->value[i]) != 0)
			return false;
	return true;
}

bool label_selector_equal(const struct label_selector *a, const struct label_selector *b)
{
	if (a->terms != b->terms)
		return false;
	for (size_t i = 0; i < a->terms; i++)
		if (!term_equal(&a->term[i], &b->term[i]))
			return false;
	return true;
}

static bool has_value(const struct label_term *term, const char *value)
{
	for (size_t i = 0; i < term->values; i++)
		if (!strcmp(term->value[i], value))
			return true;
	return false;
}

static enum label_verdict term_match(const struct label_term *term, label_find_fn *find, const void *context)
{
	const char *value = "";
	enum label_state state = find(context, term->key, &value);
	bool holds = false;

	if (state == LABEL_UNKNOWN)
		return LABELS_UNDECIDED;
	switch (term->op) {
	case LABEL_IN:
		holds = state == LABEL_THERE && has_value(term, value);
		break;
	case LABEL_NOT_IN:
		holds = state == LABEL_ABSENT || !has_value(term, value);
		break;
	case LABEL_EXISTS:
		holds = state == LABEL_THERE;
		break;
	case LABEL_DOES_NOT_EXIST:
		holds = state == LABEL_ABSENT;
		break;
	}
	return holds ? LABELS_MATCH : LABELS_DIFFER;
}

enum label_verdict label_selector_match(const struct label_selector *selector, label_find_fn *find, const void *context)
{
	enum label_verdict all = LABELS_MATCH;

	for (size_t i = 0; i < selector->terms; i++) {
		enum label_verdict one = term_match(&selector->term[i], find, context);

		if (one == LABELS_DIFFER)
			return LABELS_DIFFER;
		if (one == LABELS_UNDECIDED)
			all = LABELS_UNDECIDED;
	}
	return all;
}
