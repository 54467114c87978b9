/* SPDX-License-Identifier: Apache-2.0 */
/* Policies that are accepted, and the kernel's rows that they become. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <inttypes.h>
#include <stdlib.h>

#include "base/buf.h"
#include "base/error.h"
#include "policy/policy.h"
#include "policy_text.h"

static const char *const type_text[] = {
	[ABI_T_S32] = "s32", [ABI_T_U32] = "u32",       [ABI_T_S64] = "s64",
	[ABI_T_U64] = "u64", [ABI_T_STRING] = "string", [ABI_T_SYSCALL] = "nr",
};

static const char *const op_text[] = {
	[ABI_OP_EQUAL] = "eq",
	[ABI_OP_GT] = "gt",
	[ABI_OP_LT] = "lt",
	[ABI_OP_MASK] = "mask",
	[ABI_OP_RANGE] = "range",
	[ABI_OP_STR_EQUAL] = "is",
	[ABI_OP_STR_PREFIX] = "prefix",
	[ABI_OP_STR_POSTFIX] = "postfix",
};

static void number_write(struct buf *out, unsigned type, uint64_t value)
{
	if (type == ABI_T_S32 || type == ABI_T_S64)
		buf_printf(out, "%" PRId64, (int64_t)value);
	else
		buf_printf(out, "%" PRIu64, value);
}

static void filter_write(struct buf *out, const struct policy *policy, const struct abi_rule *rule,
			 const struct abi_filter *filter)
{
	unsigned type = rule->arg[filter->arg].type;

	buf_printf(out, " %s%u %s", filter->negate ? "!" : "", filter->arg, op_text[filter->op]);
	for (size_t i = 0; i < filter->n; i++) {
		buf_byte(out, ' ');
		number_write(out, type, filter->value[filter->op == ABI_OP_RANGE ? 2 * i : i]);
		if (filter->op == ABI_OP_RANGE) {
			buf_text(out, "..");
			number_write(out, type, filter->value[2 * i + 1]);
		}
	}
	for (size_t i = 0; i < policy->strings; i++)
		if (filter->set && policy->string[i].set == filter->set)
			buf_printf(out, " '%s'", policy->string[i].text);
}

/* "lseek@enter (0:s32 1:s64) { 1 eq -1 => post kill }"; arches only where they are not all three. */
static void hook_write(struct buf *out, const struct policy *policy, const struct policy_hook *hook)
{
	const struct abi_rule *rule = &hook->rule;

	buf_printf(out, "%s@%s", *hook->syscall ? hook->syscall : "*", hook->at_exit ? "exit" : "enter");
	if (rule->arches != 7)
		buf_printf(out, " arches=%u", rule->arches);
	if (hook->args_n) {
		buf_text(out, " (");
		for (unsigned i = 0; i < hook->args_n; i++)
			buf_printf(out, "%s%u:%s", i ? " " : "", rule->arg[i].source, type_text[rule->arg[i].type]);
		buf_byte(out, ')');
	}
	for (unsigned s = 0; s < ABI_SELECTORS && rule->selector[s].actions; s++) {
		buf_text(out, " {");
		for (unsigned f = 0; f < ABI_FILTERS && rule->selector[s].filter[f].op; f++)
			filter_write(out, policy, rule, &rule->selector[s].filter[f]);
		buf_text(out, " =>");
		buf_text(out, rule->selector[s].actions & ABI_ACT_POST ? " post" : "");
		buf_text(out, rule->selector[s].actions & ABI_ACT_SIGKILL ? " kill" : "");
		buf_text(out, " }");
	}
	if (rule->has_strings)
		buf_text(out, " strings");
}

static const struct {
	const char *why, *yaml, *want; /* rows of several hooks are separated by "; " */
} cases[] = {
	{ "a call alone is posted", KPROBE("call: sys_lseek"), "lseek@enter" },
	{ "explicit prefix of x86-64 judges every ABI", KPROBE("call: __x64_sys_lseek"), "lseek@enter" },
	{ "prefix of i386 judges i386", KPROBE("call: __ia32_sys_lseek"), "lseek@enter arches=2" },
	{ "compat prefix of i386", KPROBE("call: __ia32_compat_sys_lseek"), "lseek@enter arches=2" },
	{ "quoted name", KPROBE("call: \"sys_lseek\""), "lseek@enter" },
	{ "syscall: true", LSEEK("syscall: true"), "lseek@enter" },
	{ "syscall: yes is YAML 1.1's true", LSEEK("syscall: yes"), "lseek@enter" },
	{ "function name of umount2", KPROBE("call: sys_umount"), "umount2@enter" },
	{ "function name of stat", KPROBE("call: sys_newstat"), "stat@enter" },
	{ "function name of sendfile", KPROBE("call: sys_sendfile64"), "sendfile@enter" },
	{ "32-bit variant stands for the family", KPROBE("call: sys_setuid32"), "setuid@enter" },
	{ "a call newer than the headers", KPROBE("call: sys_mseal"), "mseal@enter" },
	{ "a call of i386 alone", KPROBE("call: sys_socketcall"), "socketcall@enter" },
	{ "nulls ask for nothing", LSEEK("args: , selectors: ~, message: null, tags: null, returnArg: null"),
	  "lseek@enter" },
	{ "zeros ask for nothing",
	  LSEEK("return: false, returnArgAction: '', data: [], args: [], selectors: [], tags: []"), "lseek@enter" },
	{ "unsupported parts of spec may be null",
	  SPEC("kprobes: [{call: sys_lseek}], podSelector: null, containerSelector: ~, hostSelector: , nodeSelector: "
	       "null, "
	       "lists: [], enforcers: [], options: [], loader: false, tracepoints: [], fentries: [], lsmhooks: [], "
	       "uprobes: [], usdts: [], selectorsMacros: null"),
	  "lseek@enter" },
	{ "what the API server adds",
	  API "kind: TracingPolicy\nmetadata: {name: p, uid: u, resourceVersion: '1', generation: 1, managedFields: "
	      "[{a: b}], "
	      "creationTimestamp: 2026-01-02T03:04:05Z, labels: {a: b}, annotations: {c: d}, finalizers: [], "
	      "ownerReferences: [], selfLink: x}\nspec: {kprobes: [{call: sys_lseek}]}\n",
	  "lseek@enter" },
	{ "keys in any order", "spec: {kprobes: [{call: sys_lseek}]}\nmetadata: {name: p}\nkind: TracingPolicy\n" API,
	  "lseek@enter" },
	{ "JSON is YAML",
	  "{\"apiVersion\":\"cilium.io/v1alpha1\",\"kind\":\"TracingPolicy\",\"metadata\":{\"name\":\"p\"},"
	  "\"spec\":{\"kprobes\":[{\"call\":\"sys_lseek\"}]}}",
	  "lseek@enter" },
	{ "document marks and comments", "# c\n---\n" KPROBE("call: sys_lseek") "...\n# end\n", "lseek@enter" },
	{ "byte order mark", "\xef\xbb\xbf" KPROBE("call: sys_lseek"), "lseek@enter" },
	{ "CRLF",
	  "apiVersion: cilium.io/v1alpha1\r\nkind: TracingPolicy\r\nmetadata:\r\n  name: p\r\nspec:\r\n  kprobes:\r\n"
	  "  - call: sys_lseek\r\n",
	  "lseek@enter" },
	{ "no newline at the end", CLUSTER "spec: {kprobes: [{call: sys_lseek}]}", "lseek@enter" },
	{ "two hooks", KPROBES("  - call: sys_lseek\n  - call: sys_read\n"), "lseek@enter; read@enter" },
	{ "two hooks on one call", KPROBES("  - call: sys_lseek\n  - call: sys_lseek\n"), "lseek@enter; lseek@enter" },

	{ "all arguments that a row holds",
	  LSEEK("args: [{index: 0, type: int}, {index: 1, type: uint32}, {index: 2, type: int64}, {index: 3, type: "
		"uint64}, "
		"{index: 4, type: string}]"),
	  "lseek@enter (0:s32 1:u32 2:s64 3:u64 4:string)" },
	{ "sixth argument", LSEEK("args: [{index: 5, type: size_t}]"), "lseek@enter (5:u64)" },
	{ "type int32", LSEEK("args: [{index: 0, type: int32}]"), "lseek@enter (0:s32)" },
	{ "type sint32", LSEEK("args: [{index: 0, type: sint32}]"), "lseek@enter (0:s32)" },
	{ "type sint64", LSEEK("args: [{index: 0, type: sint64}]"), "lseek@enter (0:s64)" },
	{ "type long", LSEEK("args: [{index: 0, type: long}]"), "lseek@enter (0:s64)" },
	{ "type ulong", LSEEK("args: [{index: 0, type: ulong}]"), "lseek@enter (0:u64)" },
	{ "arguments out of order", LSEEK("args: [{index: 2, type: int}, {index: 0, type: int}]"),
	  "lseek@enter (2:s32 0:s32)" },
	{ "zeros of an argument ask for nothing",
	  LSEEK("args: [{index: 0, type: int, sizeArgIndex: 0, returnCopy: false, maxData: false, resolve: '', source: "
		"''}]"),
	  "lseek@enter (0:s32)" },

	{ "Equal", FILTER("int64", "Equal", "'-1'"), "lseek@enter (1:s64) { 0 eq -1 => post }" },
	{ "plain number as value", FILTER("int64", "Equal", "-1"), "lseek@enter (1:s64) { 0 eq -1 => post }" },
	{ "plain hexadecimal reads alike everywhere", FILTER("int64", "Equal", "0x10"),
	  "lseek@enter (1:s64) { 0 eq 16 => post }" },
	{ "eq", FILTER("int64", "eq", "1"), "lseek@enter (1:s64) { 0 eq 1 => post }" },
	{ "NotEqual", FILTER("int64", "NotEqual", "1, 2"), "lseek@enter (1:s64) { !0 eq 1 2 => post }" },
	{ "neq", FILTER("int64", "neq", "1"), "lseek@enter (1:s64) { !0 eq 1 => post }" },
	{ "GT", FILTER("int64", "GT", "1"), "lseek@enter (1:s64) { 0 gt 1 => post }" },
	{ "GreaterThan", FILTER("int64", "GreaterThan", "1"), "lseek@enter (1:s64) { 0 gt 1 => post }" },
	{ "LT", FILTER("int64", "LT", "1"), "lseek@enter (1:s64) { 0 lt 1 => post }" },
	{ "LessThan", FILTER("int64", "LessThan", "1"), "lseek@enter (1:s64) { 0 lt 1 => post }" },
	{ "Mask", FILTER("uint64", "Mask", "'0x8000000000000000', 0b11"),
	  "lseek@enter (1:u64) { 0 mask 9223372036854775808 3 => post }" },
	{ "InRange", FILTER("int64", "InRange", "'-5:5', 7:0x9"),
	  "lseek@enter (1:s64) { 0 range -5..5 7..9 => post }" },
	{ "NotInRange", FILTER("int64", "NotInRange", "1:1"), "lseek@enter (1:s64) { !0 range 1..1 => post }" },
	{ "four ranges", FILTER("int64", "InRange", "0:1, 2:3, 4:5, 6:7"),
	  "lseek@enter (1:s64) { 0 range 0..1 2..3 4..5 6..7 => post }" },
	{ "four values", FILTER("int64", "Equal", "1, 2, 3, 4"), "lseek@enter (1:s64) { 0 eq 1 2 3 4 => post }" },
	{ "bases", FILTER("int64", "Equal", "'0x1f', '017', '0o17', '0b11'"),
	  "lseek@enter (1:s64) { 0 eq 31 15 15 3 => post }" },
	{ "limits of int", FILTER("int", "Equal", "-2147483648, 2147483647"),
	  "lseek@enter (1:s32) { 0 eq -2147483648 2147483647 => post }" },
	{ "limits of uint32", FILTER("uint32", "Equal", "0, 4294967295"),
	  "lseek@enter (1:u32) { 0 eq 0 4294967295 => post }" },
	{ "limits of int64", FILTER("int64", "InRange", "'-9223372036854775808:9223372036854775807'"),
	  "lseek@enter (1:s64) { 0 range -9223372036854775808..9223372036854775807 => post }" },
	{ "limit of uint64", FILTER("uint64", "Equal", "18446744073709551615"),
	  "lseek@enter (1:u64) { 0 eq 18446744073709551615 => post }" },
	{ "limit of size_t is 64 bit", FILTER("size_t", "Equal", "18446744073709551615"),
	  "lseek@enter (1:u64) { 0 eq 18446744073709551615 => post }" },
	{ "filter by position in args",
	  LSEEK("args: [{index: 2, type: int}, {index: 1, type: int64}], selectors: [{matchArgs: [{args: [1], "
		"operator: Equal, "
		"values: ['7']}]}]"),
	  "lseek@enter (2:s32 1:s64) { 1 eq 7 => post }" },
	{ "args beats index", SELECTOR("matchArgs: [{args: [0], index: 4, operator: Equal, values: ['7']}]"),
	  "lseek@enter (1:s64) { 0 eq 7 => post }" },
	{ "five filters are ANDed",
	  SELECTOR("matchArgs: [{index: 1, operator: GT, values: [1]}, {index: 1, operator: GT, values: [2]}, {index: "
		   "1, operator: "
		   "GT, values: [3]}, {index: 1, operator: GT, values: [4]}, {index: 1, operator: GT, values: [5]}]"),
	  "lseek@enter (1:s64) { 0 gt 1 0 gt 2 0 gt 3 0 gt 4 0 gt 5 => post }" },

	{ "string Equal", FILTER("string", "Equal", "/etc/passwd, ''"),
	  "lseek@enter (1:string) { 0 is '/etc/passwd' '' => post } strings" },
	{ "string NotEqual", FILTER("string", "NotEqual", "a"),
	  "lseek@enter (1:string) { !0 is 'a' => post } strings" },
	{ "string Prefix", FILTER("string", "Prefix", "/etc/"),
	  "lseek@enter (1:string) { 0 prefix '/etc/' => post } strings" },
	{ "string NotPrefix", FILTER("string", "NotPrefix", "/etc/"),
	  "lseek@enter (1:string) { !0 prefix '/etc/' => post } strings" },
	{ "string Postfix", FILTER("string", "Postfix", ".so"),
	  "lseek@enter (1:string) { 0 postfix '.so' => post } strings" },
	{ "string NotPostfix", FILTER("string", "NotPostfix", ".so"),
	  "lseek@enter (1:string) { !0 postfix '.so' => post } strings" },
	{ "more than four strings", FILTER("string", "Equal", "a, b, c, d, e, f"),
	  "lseek@enter (1:string) { 0 is 'a' 'b' 'c' 'd' 'e' 'f' => post } strings" },
	{ "a number as string", FILTER("string", "Equal", "5"), "lseek@enter (1:string) { 0 is '5' => post } strings" },
	{ "trailing NULs are dropped", FILTER("string", "Equal", "\"a\\0\\0\""),
	  "lseek@enter (1:string) { 0 is 'a' => post } strings" },
	{ "only NULs is the empty string", FILTER("string", "Equal", "\"\\0\\0\""),
	  "lseek@enter (1:string) { 0 is '' => post } strings" },
	{ "string of 255 for Equal", FILTER("string", "Equal", X50("abcde") "abcde"),
	  "lseek@enter (1:string) { 0 is '" X50("abcde") "abcde' => post } strings" },
	{ "string of 252 for Prefix", FILTER("string", "Prefix", X50("abcde") "ab"),
	  "lseek@enter (1:string) { 0 prefix '" X50("abcde") "ab' => post } strings" },
	{ "string of 127 for Postfix", FILTER("string", "Postfix", X10("0123456789ab") "abcdefg"),
	  "lseek@enter (1:string) { 0 postfix '" X10("0123456789ab") "abcdefg' => post } strings" },
	{ "each filter has its own strings",
	  LSEEK("args: [{index: 1, type: string}], selectors: [{matchArgs: [{index: 1, operator: Prefix, values: [a]}, "
		"{index: 1, "
		"operator: Postfix, values: [b]}]}, {matchArgs: [{index: 1, operator: Equal, values: [c]}]}]"),
	  "lseek@enter (1:string) { 0 prefix 'a' 0 postfix 'b' => post } { 0 is 'c' => post } strings" },
	{ "a string that no filter judges", LSEEK("args: [{index: 0, type: string}]"), "lseek@enter (0:string)" },

	{ "Post", ACTIONS_OF("{action: Post}"), "lseek@enter (1:s64) { => post }" },
	{ "NoPost", ACTIONS_OF("{action: NoPost}"), "lseek@enter (1:s64) { => }" },
	{ "Sigkill posts too", ACTIONS_OF("{action: Sigkill}"), "lseek@enter (1:s64) { => post kill }" },
	{ "Sigkill without an event", ACTIONS_OF("{action: Sigkill}, {action: NoPost}"),
	  "lseek@enter (1:s64) { => kill }" },
	{ "NoPost beats Post", ACTIONS_OF("{action: NoPost}, {action: Post}"), "lseek@enter (1:s64) { => }" },
	{ "three actions", ACTIONS_OF("{action: Post}, {action: Sigkill}, {action: Post}"),
	  "lseek@enter (1:s64) { => post kill }" },
	{ "zeros of an action ask for nothing",
	  ACTIONS_OF("{action: Post, rateLimit: '', rateLimitScope: '', argError: 0, argSig: 0, argUrl: '', argFqdn: "
		     "'', argSock: 0, "
		     "argIndex: 0, kernelStackTrace: false, userStackTrace: false, imaHash: false}"),
	  "lseek@enter (1:s64) { => post }" },
	{ "no actions in the list", SELECTOR("matchActions: []"), "lseek@enter (1:s64) { => post }" },
	{ "an empty selector matches everything", LSEEK("selectors: [{}]"), "lseek@enter { => post }" },
	{ "five selectors in order",
	  LSEEK("args: [{index: 0, type: int}], selectors: [{matchArgs: [{index: 0, operator: Equal, values: [1]}], "
		"matchActions: "
		"[{action: NoPost}]}, {matchArgs: [{index: 0, operator: Equal, values: [2]}]}, {matchArgs: []}, "
		"{matchActions: "
		"[{action: Sigkill}]}, {}]"),
	  "lseek@enter (0:s32) { 0 eq 1 => } { 0 eq 2 => post } { => post } { => post kill } { => post }" },

	{ "tracepoint on entry", TRACEPOINT("syscalls", "sys_enter_lseek", ""), "lseek@enter" },
	{ "tracepoint on exit", TRACEPOINT("syscalls", "sys_exit_lseek", ""), "lseek@exit" },
	{ "tracepoint by function name", TRACEPOINT("syscalls", "sys_enter_newstat", ""), "stat@enter" },
	{ "fields of an entry",
	  TRACEPOINT("syscalls", "sys_enter_lseek",
		     ", args: [{index: 4, type: int}, {index: 5, type: int}, {index: 10, type: string}]"),
	  "lseek@enter (6:s32 0:s32 5:string)" },
	{ "number by auto", TRACEPOINT("syscalls", "sys_enter_lseek", ", args: [{index: 4, type: auto}]"),
	  "lseek@enter (6:s32)" },
	{ "fields of an exit by auto", TRACEPOINT("syscalls", "sys_exit_lseek", ", args: [{index: 4}, {index: 5}]"),
	  "lseek@exit (6:s32 7:s64)" },
	{ "return value filtered",
	  TRACEPOINT("syscalls", "sys_exit_lseek",
		     ", args: [{index: 5, type: int}], selectors: [{matchArgs: [{index: 5, "
		     "operator: LT, values: ['0']}]}]"),
	  "lseek@exit (7:s32) { 0 lt 0 => post }" },
	{ "any call", TRACEPOINT("raw_syscalls", "sys_enter", ""), "*@enter" },
	{ "any call's return", TRACEPOINT("raw_syscalls", "sys_exit", ", args: [{index: 5, type: auto}]"),
	  "*@exit (7:s64)" },
	{ "number of any call by auto", TRACEPOINT("raw_syscalls", "sys_enter", ", args: [{index: 4}]"),
	  "*@enter (6:s64)" },
	{ "number of any call",
	  TRACEPOINT("raw_syscalls", "sys_enter",
		     ", args: [{index: 4, type: syscall64}], selectors: [{matchArgs: [{index: 4, "
		     "operator: Equal, values: ['8', '0x80000013']}], matchActions: [{action: Sigkill}]}]"),
	  "*@enter (6:nr) { 0 eq 8 2147483667 => post kill }" },
};

static void rows_are_as_the_table_says(void **state)
{
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		struct error err = { 0 };
		struct policy *policy = NULL;
		char text[2048];
		struct buf out = buf_over(text, sizeof text);

		if (policy_parse(cases[i].yaml, strlen(cases[i].yaml), &policy, &err) < 0)
			fail_msg("%s: %s", cases[i].why, err.text);
		for (size_t h = 0; h < policy->hooks; h++) {
			buf_text(&out, h ? "; " : "");
			hook_write(&out, policy, &policy->hook[h]);
		}
		if (strcmp(text, cases[i].want) != 0)
			fail_msg("%s:\n  got  %s\n  want %s", cases[i].why, text, cases[i].want);
		if (strcmp(policy->yaml, cases[i].yaml) != 0 || policy->yaml_len != strlen(cases[i].yaml))
			fail_msg("%s: the source is not kept", cases[i].why);
		policy_free(policy);
	}
	(void)state;
}

static struct policy *parsed(const char *yaml)
{
	struct error err = { 0 };
	struct policy *policy = NULL;

	if (policy_parse(yaml, strlen(yaml), &policy, &err) < 0)
		fail_msg("%s", err.text);
	return policy;
}

static void names_and_texts_are_kept(void **state)
{
	struct policy *policy = parsed(NAMESPACED "spec:\n"
						  "  kprobes:\n"
						  "  - call: sys_read\n"
						  "  - call: sys_lseek\n"
						  "    message: hello\n"
						  "    tags: [one, two]\n"
						  "    args:\n"
						  "    - {index: 1, type: size_t, label: offset}\n"
						  "    - {index: 2, type: int}\n"
						  "    selectors: [{matchActions: [{action: Sigkill}]}, {}]\n");
	struct policy_hook *hook = &policy->hook[1];

	assert_string_equal(policy->name, "p");
	assert_string_equal(policy->namespace, "a");
	assert_true(policy->enforces);
	assert_int_equal(policy->hooks, 2);
	assert_false(policy->hook[0].signalled);
	assert_true(hook->signalled);
	assert_int_equal(hook->section, POLICY_KPROBES);
	assert_int_equal(hook->index, 1);
	assert_int_equal(hook->rule.hook, 1);
	assert_string_equal(hook->symbol, "__x64_sys_lseek");
	assert_string_equal(hook->message, "hello");
	assert_int_equal(hook->tags_n, 2);
	assert_string_equal(hook->tags[1], "two");
	assert_int_equal(hook->args_n, 2);
	assert_string_equal(hook->arg[0].type_name, "size_t");
	assert_string_equal(hook->arg[0].label, "offset");
	assert_null(hook->arg[1].label);
	assert_int_equal(hook->selectors_n, 2);
	assert_int_equal(hook->rule.next | hook->rule.policy | hook->rule.point, 0);
	policy_free(policy);

	policy = parsed(TRACEPOINT("syscalls", "sys_exit_lseek", ", args: [{index: 5}]"));
	assert_string_equal(policy->hook->subsystem, "syscalls");
	assert_string_equal(policy->hook->event, "sys_exit_lseek");
	assert_string_equal(policy->hook->arg[0].type_name, "long");
	assert_int_equal(policy->hook->section, POLICY_TRACEPOINTS);
	assert_false(policy->enforces);
	policy_free(policy);

	policy = parsed(KPROBE("call: __ia32_compat_sys_lseek"));
	assert_string_equal(policy->hook->symbol, "__ia32_compat_sys_lseek");
	policy_free(policy);
	(void)state;
}

static void long_texts_are_cut_between_characters(void **state)
{
	struct policy *policy = parsed(LSEEK(
		"message: '" X50("abcde") "12345\xc3\xa4rest', tags: ['" X10("0123456789ab") "1234567\xc3\xa4']"));

	assert_int_equal(strlen(policy->hook->message), 255);
	assert_int_equal(strlen(policy->hook->tags[0]), 127);
	policy_free(policy);
	policy = parsed(LSEEK("message: '" X50("abcde") "123456'"));
	assert_int_equal(strlen(policy->hook->message), 256);
	policy_free(policy);
	(void)state;
}

/* What a policy selects, as a text: "global", or its terms: "pods[a In b,c; d Exists] containers[name In x]". */
static void workloads_write(const struct label_selector *selector, struct buf *out)
{
	static const char *const ops[] = { "?", "In", "NotIn", "Exists", "DoesNotExist" };

	for (size_t i = 0; i < selector->terms; i++) {
		const struct label_term *term = &selector->term[i];

		buf_printf(out, "%s%s %s", i ? "; " : "", term->key, ops[term->op]);
		for (size_t j = 0; j < term->values; j++)
			buf_printf(out, "%c%s", j ? ',' : ' ', term->value[j]);
	}
}

static void workloads_are_selected(void **state)
{
	static const struct {
		const char *yaml, *want;
	} rows[] = {
		{ SPEC("kprobes: [{call: sys_lseek}]"), "global pods[] containers[]" },
		{ SPEC("kprobes: [{call: sys_lseek}], podSelector: {}, hostSelector: {}, containerSelector: {}"),
		  "global pods[] containers[]" },
		{ SPEC("kprobes: [{call: sys_lseek}], podSelector: {}"), "pods[] containers[]" },
		{ SPEC("kprobes: [{call: sys_lseek}], containerSelector: {matchLabels: }"), "pods[] containers[]" },
		{ SPEC("kprobes: [{call: sys_lseek}], podSelector: {matchLabels: {app: web, 'a/b': '', n: 1}}"),
		  "pods[app In web; a/b In ; n In 1] containers[]" },
		{ SPEC("kprobes: [{call: sys_lseek}], podSelector: {matchExpressions: [{key: a, operator: In, values: "
		       "[b, c]}, "
		       "{key: d, operator: NotIn, values: [e]}, {key: f, operator: Exists}, {key: g, operator: "
		       "DoesNotExist, values: []}], matchLabels: {h: i}}"),
		  "pods[h In i; a In b,c; d NotIn e; f Exists; g DoesNotExist] containers[]" },
		{ SPEC("kprobes: [{call: sys_lseek}], containerSelector: {matchExpressions: [{key: repo, operator: In, "
		       "values: [docker.io/library/nginx]}], matchLabels: {name: main}}"),
		  "pods[] containers[name In main; repo In docker.io/library/nginx]" },
		{ NAMESPACED "spec: {kprobes: [{call: sys_lseek}], podSelector: {matchLabels: {a: b}}}",
		  "pods[a In b] containers[]" },
		{ NAMESPACED "spec: {kprobes: [{call: sys_lseek}]}", "pods[] containers[]" },
	};

	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		struct policy *policy = parsed(rows[i].yaml);
		char text[512];
		struct buf out = buf_over(text, sizeof text);

		buf_text(&out, policy->is_global ? "global pods[" : "pods[");
		workloads_write(&policy->pods, &out);
		buf_text(&out, "] containers[");
		workloads_write(&policy->containers, &out);
		buf_byte(&out, ']');
		assert_string_equal(text, rows[i].want);
		assert_int_equal(policy_has_terms(policy), policy->pods.terms + policy->containers.terms > 0);
		for (size_t j = 0; j < sizeof rows / sizeof *rows; j++) {
			struct policy *other = parsed(rows[j].yaml);
			bool is_alike = !strcmp(rows[i].want, rows[j].want) && !policy->namespace == !other->namespace;

			assert_int_equal(policy_chooses_alike(policy, other), is_alike);
			policy_free(other);
		}
		policy_free(policy);
	}
	policy_free(NULL);
	(void)state;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(rows_are_as_the_table_says),
		cmocka_unit_test(names_and_texts_are_kept),
		cmocka_unit_test(long_texts_are_cut_between_characters),
		cmocka_unit_test(workloads_are_selected),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
