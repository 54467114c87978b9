/* SPDX-License-Identifier: Apache-2.0 */
/*
 * cel_bench: what expressions cost: compile (parse and check), evaluate, both with memory; how that grows with the
 * expression and with the annotations; and the worst that a small expression can do within the limits. Prints tables,
 * median of many rounds.
 */
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "base/error.h"
#include "match/cel/cel.h"
#include "match/regex.h"

#define ROUNDS 301
#define ARENA_BYTES (32u << 20)
#define ANNOTATIONS_MAX 1000

enum { NAMESPACE, POD, IMAGE, ANNOTATIONS, KEYS, VARIABLES };

static const struct cel_variable variable[VARIABLES] = {
	[NAMESPACE] = { "namespace", &cel_type_string },
	[POD] = { "pod", &cel_type_string },
	[IMAGE] = { "image", &cel_type_string },
	[ANNOTATIONS] = { "annotations", &cel_type_map_string_string },
	[KEYS] = { "annotations_namespace_keys", &cel_type_list_string },
};

static char *memory;

static double now_us(void)
{
	struct timespec t;

	(void)clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec * 1e6 + (double)t.tv_nsec / 1e3;
}

static int by_size(const void *a, const void *b)
{
	const double *x = a, *y = b;

	return *x < *y ? -1 : *x > *y;
}

static double median(double *value, size_t n)
{
	qsort(value, n, sizeof *value, by_size);
	return value[n / 2];
}

static void bind(size_t annotations, struct arena *arena, struct cel_value value[VARIABLES])
{
	static struct str key[ANNOTATIONS_MAX], text[ANNOTATIONS_MAX];
	static char name[ANNOTATIONS_MAX][64];
	static const struct str keys[] = { STR("io.kubernetes.pod.namespace"),
					   STR("io.kubernetes.cri.sandbox-namespace") };

	for (size_t i = 0; i + 1 < annotations; i++) {
		(void)snprintf(name[i], sizeof name[i], "io.kubernetes.cri.annotation-%zu", i);
		key[i] = str_of(name[i]);
		text[i] = STR("some value of an annotation");
	}
	key[annotations - 1] = keys[1];
	text[annotations - 1] = STR("kube-system");
	value[NAMESPACE] = cel_string(STR("kube-system"));
	value[POD] = cel_string(STR("coredns-5d78c9869d-abcde"));
	value[IMAGE] = cel_string(STR("registry.example.com/base/"
				      "pause@sha256:0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"));
	if (cel_map_of_texts(key, text, annotations, arena, &value[ANNOTATIONS]) ||
	    cel_list_of_texts(keys, 2, arena, &value[KEYS]))
		abort();
}

/* Prints a row. -1: the expression failed in a way that is not expected here. */
static int measure(const char *name, struct str source, size_t annotations, unsigned rounds, int want)
{
	static double compile[ROUNDS], evaluate[ROUNDS];
	size_t program_bytes = 0, value_bytes = 0;
	struct cel_value value[VARIABLES], result;
	struct error err = { 0 };

	for (unsigned i = 0; i < rounds; i++) {
		struct arena arena = arena_over(memory, ARENA_BYTES);
		struct cel_program *program;
		size_t mark;
		double begin;
		int r;

		bind(annotations, &arena, value);
		mark = arena.used;
		begin = now_us();
		r = cel_compile(source, variable, VARIABLES, NULL, &arena, &program, &err);
		compile[i] = now_us() - begin;
		if (r < 0) {
			(void)fprintf(stderr, "%s: %s\n", name, err.text);
			return -1;
		}
		program_bytes = arena.used - mark;
		mark = arena.used;
		begin = now_us();
		r = cel_evaluate(program, value, NULL, &arena, &result, &err);
		evaluate[i] = now_us() - begin;
		if (r != want) {
			(void)fprintf(stderr, "%s: %d %s\n", name, r, err.text);
			return -1;
		}
		value_bytes = arena.used - mark;
	}
	(void)printf("| %s | %.1f | %.2f | %.1f | %.1f |\n", name, median(compile, rounds), median(evaluate, rounds),
		     (double)program_bytes / 1024, (double)value_bytes / 1024);
	return 0;
}

static struct str grown(const char *head, const char *part, size_t n, const char *tail)
{
	static char text[CEL_SOURCE_MAX + 1];
	struct buf out = buf_over(text, sizeof text);

	buf_text(&out, head);
	for (size_t i = 0; i < n; i++)
		buf_text(&out, part);
	buf_text(&out, tail);
	return (struct str){ text, out.len };
}

static int rows_print(void)
{
	static const struct {
		const char *name, *source;
	} row[] = {
		{ "built-in check",
		  "!annotations_namespace_keys.exists(k, k in annotations && annotations[k] in [\"kube-system\"])" },
		{ "several namespaces", "!(namespace in [\"kube-system\", \"monitoring\"])" },
		{ "regular expression", "!namespace.matches(\"^(kube-.*|openshift-.*|monitoring)$\")" },
		{ "image by digest",
		  "!image.matches(r\"^registry\\.example\\.com/[a-z0-9/_-]+@sha256:[0-9a-f]{64}$\")" },
		{ "system pods", "!(namespace == \"kube-system\" && [\"coredns-\", \"kube-proxy-\", "
				 "\"cilium-\"].exists(p, pod.startsWith(p)))" },
		{ "an annotation",
		  "!(\"example.com/unguarded\" in annotations && annotations[\"example.com/unguarded\"] == \"true\")" },
	};
	static const size_t annotations[] = { 10, 100, 1000 }, terms[] = { 10, 100, 1000 };
	char name[64];
	int r = 0;

	(void)printf("| expression, 20 annotations | compile, µs | evaluate, µs | program, KB | value, KB "
		     "|\n|---|---|---|---|---|\n");
	for (size_t i = 0; i < sizeof row / sizeof *row; i++)
		r |= measure(row[i].name, str_of(row[i].source), 20, ROUNDS, 0);
	for (size_t i = 0; i < 3; i++) {
		(void)snprintf(name, sizeof name, "%zu terms with &#124;&#124;", terms[i]);
		r |= measure(name, grown("false", "||namespace == 'some-namespace'", terms[i], ""), 20, ROUNDS, 0);
	}
	for (size_t i = 0; i < 3; i++) {
		(void)snprintf(name, sizeof name, "all of %zu annotations", annotations[i]);
		r |= measure(name, STR("annotations.all(k, k.startsWith('io.'))"), annotations[i], ROUNDS, 0);
	}
	(void)printf("\n| the worst within the limits | compile, µs | evaluate, µs | program, KB | value, KB "
		     "|\n|---|---|---|---|---|\n");
	r |= measure("64 KB of names", grown("[pod", ",pod", 16000, "].size() == 0 || true"), 20, 11, 0);
	return r;
}

int main(void)
{
	static const char *const nine = "[1,2,3,4,5,6,7,8,9].all(x,";
	int r;

	memory = malloc(ARENA_BYTES);
	if (!memory)
		return 1;
	r = rows_print();
	r |= measure("loops in loops until the steps end", grown("", nine, 8, "true))))))))"), 20, 5, -62);
	r |= measure("patterns compiled in loops",
		     grown("", nine, 7, "'aaaa'.matches('(?i)[\\\\pL]{9}' + string(x))||true)))))))"), 20, 5, -62);
	r |= measure("a text searched again and again",
		     grown("[' ' + '", "a", 30000,
			   "'].all(t, [1,2,3,4,5,6,7,8,9].all(a, [1,2,3,4,5,6,7,8,9].all(b, [1,2,3,4,5,6,7,8,9].all(c, "
			   "!t.matches('(a*)*b' + string(a))))))"),
		     20, 5, -62);
	free(memory);
	return r ? 1 : 0;
}
