/* SPDX-License-Identifier: Apache-2.0 */
/* What a plain scalar is. Source: yaml.org/type (1.1), YAML 1.2 core schema; base 60 left out as Go's YAML does. */
#include "policy/yaml_tree.h"

static const struct word {
	const char *text;
	enum yaml_kind kind;
	bool value;
} words[] = {
	{ "", YAML_NULL, false },      { "~", YAML_NULL, false },     { "null", YAML_NULL, false },
	{ "Null", YAML_NULL, false },  { "NULL", YAML_NULL, false },  { "true", YAML_BOOL, true },
	{ "True", YAML_BOOL, true },   { "TRUE", YAML_BOOL, true },   { "yes", YAML_BOOL, true },
	{ "Yes", YAML_BOOL, true },    { "YES", YAML_BOOL, true },    { "on", YAML_BOOL, true },
	{ "On", YAML_BOOL, true },     { "ON", YAML_BOOL, true },     { "y", YAML_BOOL, true },
	{ "Y", YAML_BOOL, true },      { "false", YAML_BOOL, false }, { "False", YAML_BOOL, false },
	{ "FALSE", YAML_BOOL, false }, { "no", YAML_BOOL, false },    { "No", YAML_BOOL, false },
	{ "NO", YAML_BOOL, false },    { "off", YAML_BOOL, false },   { "Off", YAML_BOOL, false },
	{ "OFF", YAML_BOOL, false },   { "n", YAML_BOOL, false },     { "N", YAML_BOOL, false },
};

static const struct word *word_find(struct str text)
{
	for (size_t i = 0; i < sizeof words / sizeof *words; i++)
		if (str_is(text, words[i].text))
			return &words[i];
	return NULL;
}

bool yaml_bool(const struct yaml_node *scalar)
{
	const struct word *word = word_find(scalar->text);

	return word && word->value;
}

static bool is_in(char c, const char *set)
{
	return c && strchr(set, c);
}

/* All of `text` is of `set`, and it is not empty. */
static bool is_all(struct str text, const char *set)
{
	for (size_t i = 0; i < text.len; i++)
		if (!is_in(text.p[i], set))
			return false;
	return text.len;
}

static bool is_float(struct str text)
{
	bool digit = false, point = false;
	size_t i = 0;

	if (str_is(text, ".inf") || str_is(text, ".Inf") || str_is(text, ".INF") || str_is(text, ".nan") ||
	    str_is(text, ".NaN") || str_is(text, ".NAN"))
		return true;
	for (; i < text.len && is_in(text.p[i], "0123456789_."); i++) {
		if (text.p[i] == '.') {
			if (point)
				return false; /* 1.2.3 */
			point = true;
		} else if (text.p[i] != '_') {
			digit = true;
		}
	}
	if (!digit)
		return false;
	if (i < text.len && is_in(text.p[i], "eE")) {
		i++;
		if (i < text.len && is_in(text.p[i], "+-"))
			i++;
		return is_all(str_from(text, i), "0123456789");
	}
	return i == text.len;
}

enum yaml_kind yaml_kind_of_plain(struct str text)
{
	const struct word *word = word_find(text);
	struct str digits = text;

	if (word)
		return word->kind;
	if (is_in(text.p[0], "+-"))
		digits = str_from(text, 1);
	if (is_all(digits, "0123456789_") && is_in(digits.p[0], "0123456789"))
		return text.p[0] != '+' && is_all(digits, "0123456789") && (digits.len == 1 || digits.p[0] != '0')
			       ? YAML_INT
			       : YAML_INT_OTHER;
	if (digits.len > 2 && digits.p[0] == '0' &&
	    ((is_in(digits.p[1], "xX") && is_all(str_from(digits, 2), "0123456789abcdefABCDEF_")) ||
	     (is_in(digits.p[1], "oO") && is_all(str_from(digits, 2), "01234567_")) ||
	     (is_in(digits.p[1], "bB") && is_all(str_from(digits, 2), "01_"))))
		return YAML_INT_OTHER;
	return is_float(digits) ? YAML_FLOAT : YAML_TEXT;
}
