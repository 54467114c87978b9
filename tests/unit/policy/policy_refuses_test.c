/* SPDX-License-Identifier: Apache-2.0 */
/* Policies that are refused, and what the operator is told: path, reason, place, what to do. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "policy/policy.h"
#include "policy_text.h"

#define NOT_YET ": not supported yet"
#define K0 "spec.kprobes[0]"
#define S0 K0 ".selectors[0]"
#define F0 S0 ".matchArgs[0]"
#define A0 S0 ".matchActions[0]"

static const struct {
	const char *why, *yaml, *want; /* want: part of the text */
	int code;                      /* 0 stands for -EINVAL */
} cases[] = {
	/* document */
	{ "nothing", "", "YAML: no document", 0 },
	{ "only a comment", "# nothing\n", "YAML: no document", 0 },
	{ "null document", "---\n", "policy: want a mapping, not null (line 2, column 1)", 0 },
	{ "scalar document", "x", "want a mapping, not a string", 0 },
	{ "list document", "- x", "want a mapping, not a list", 0 },
	{ "second document", KPROBE("call: sys_lseek") "---\n" KPROBE("call: sys_read"),
	  "a second document begins; a policy is one document (line 7, column 1)", 0 },
	{ "second document, empty", KPROBE("call: sys_lseek") "---\n", "a second document begins", 0 },
	{ "anchor on a scalar", SPEC("kprobes: [{call: &a sys_lseek}]"),
	  "anchors are not supported (line 4, column 25)", 0 },
	{ "anchor on a mapping", SPEC("kprobes: [&a {call: sys_lseek}]"), "anchors are not supported", 0 },
	{ "anchor on a list", SPEC("kprobes: &a [{call: sys_lseek}]"), "anchors are not supported", 0 },
	{ "anchor on a key", SPEC("&a kprobes: [{call: sys_lseek}]"), "anchors are not supported", 0 },
	{ "alias", SPEC("kprobes: *a"), "aliases are not supported (line 4, column 17)", 0 },
	{ "merge key", LSEEK("<<: {message: x}"), K0 ".<<: unknown key", 0 },
	{ "tag on a mapping", SPEC("kprobes: [!!map {call: sys_lseek}]"), "tags are not supported", 0 },
	{ "local tag", KPROBE("call: !x sys_lseek"), "tags are not supported (line 6, column 12)", 0 },
	{ "binary tag", KPROBE("call: !!binary c3lzX2xzZWVr"), "tags are not supported", 0 },
	{ "tag that lies", LSEEK("syscall: !!bool maybe"), "the value is not what its tag says", 0 },
	{ "duplicate key", KPROBES("  - call: sys_lseek\n    call: sys_read\n"),
	  "YAML: duplicate key 'call', first seen on line 6 (line 7, column 5)", 0 },
	{ "duplicate key in quotes", KPROBE("call: sys_lseek, 'call': x"), "duplicate key 'call'", 0 },
	{ "duplicate key in what is ignored",
	  API "kind: TracingPolicy\nmetadata: {name: p, labels: {a: b, a: c}}\nspec: {}\n", "duplicate key 'a'", 0 },
	{ "numeric key", LSEEK("1: x"), "a key must be text", 0 },
	{ "null key", LSEEK("~: x"), "a key must be text", 0 },
	{ "list as key", LSEEK("[a]: x"), "a key must be text", 0 },
	{ "mapping as key", LSEEK("{a: b}: x"), "a key must be text", 0 },
	{ "tab", "apiVersion: cilium.io/v1alpha1\n\tkind: TracingPolicy\n", "(line 2, column 1)", 0 },
	{ "unclosed list", SPEC("kprobes: [{call: sys_lseek}"), "YAML: ", 0 },
	{ "control character", "apiVersion: \001\n", "control characters are not allowed (line 1, column 13)", 0 },
	{ "invalid UTF-8", "apiVersion: x\nkind: \xff\n", "invalid leading UTF-8 octet (line 2, column 7)", 0 },
	{ "overlong UTF-8", "a: \xc0\xaf", "UTF-8", 0 },
	{ "surrogate in UTF-8", "a: \xed\xa0\x80", "invalid Unicode character", 0 },
	{ "UTF-16 by its mark",
	  "\xff\xfe"
	  "a\0:",
	  "UTF-8", 0 },

	/* root and metadata */
	{ "no apiVersion", "kind: TracingPolicy\nmetadata: {name: p}\nspec: {}\n",
	  "apiVersion: required, but not there", 0 },
	{ "null apiVersion", "apiVersion:\nkind: TracingPolicy\nmetadata: {name: p}\nspec: {}\n",
	  "apiVersion: required", 0 },
	{ "other apiVersion", "apiVersion: cilium.io/v2\nkind: TracingPolicy\nmetadata: {name: p}\nspec: {}\n",
	  "apiVersion: 'cilium.io/v2'; want cilium.io/v1alpha1 (line 1, column 1)", 0 },
	{ "no kind", API "metadata: {name: p}\nspec: {}\n", "kind: required", 0 },
	{ "misspelt kind", API "kind: TracingPolcy\nmetadata: {name: p}\nspec: {}\n",
	  "kind: unknown CRD kind: 'TracingPolcy'; did you mean 'TracingPolicy'? (line 2, column 1)", 0 },
	{ "other kind", API "kind: Pod\nmetadata: {name: p}\nspec: {}\n", "unknown CRD kind: 'Pod' (", 0 },
	{ "no metadata", API "kind: TracingPolicy\nspec: {}\n", "metadata: required", 0 },
	{ "no spec", CLUSTER, "spec: required, but not there (line 1, column 1)", 0 },
	{ "null spec", CLUSTER "spec:\n", "spec: required", 0 },
	{ "unknown key at the root", CLUSTER "spec: {}\nstatus: {}\n", "status: unknown key (line 5, column 1)", 0 },
	{ "no name", API "kind: TracingPolicy\nmetadata: {}\nspec: {}\n", "metadata.name: required", 0 },
	{ "empty name", API "kind: TracingPolicy\nmetadata: {name: ''}\nspec: {}\n", "metadata.name: '' is no name",
	  0 },
	{ "name in upper case", API "kind: TracingPolicy\nmetadata: {name: Deny}\nspec: {}\n",
	  "metadata.name: 'Deny' is no name", 0 },
	{ "name with a slash", API "kind: TracingPolicy\nmetadata: {name: ../a}\nspec: {}\n",
	  "metadata.name: '../a' is no name", 0 },
	{ "name with an empty part", API "kind: TracingPolicy\nmetadata: {name: a..b}\nspec: {}\n", "is no name", 0 },
	{ "name that ends in -", API "kind: TracingPolicy\nmetadata: {name: a-}\nspec: {}\n", "is no name", 0 },
	{ "name part that begins with -", API "kind: TracingPolicy\nmetadata: {name: a.-b}\nspec: {}\n", "is no name",
	  0 },
	{ "name of 254", API "kind: TracingPolicy\nmetadata: {name: " X50("abcde") "abcd}\nspec: {}\n", "is no name",
	  0 },
	{ "name that is a boolean", API "kind: TracingPolicy\nmetadata: {name: yes}\nspec: {}\n",
	  "metadata.name: want a string, not a boolean; put it in quotes", 0 },
	{ "name that is a list", API "kind: TracingPolicy\nmetadata: {name: [a]}\nspec: {}\n",
	  "want a string, not a list (", 0 },
	{ "generateName", API "kind: TracingPolicy\nmetadata: {name: a, generateName: a-}\nspec: {}\n",
	  "metadata.generateName" NOT_YET, 0 },
	{ "misspelt namespace", API "kind: TracingPolicyNamespaced\nmetadata: {name: p, namspace: a}\nspec: {}\n",
	  "metadata.namspace: unknown key; did you mean 'namespace'? (line 3, column 21)", 0 },
	{ "namespaced without namespace", API "kind: TracingPolicyNamespaced\nmetadata: {name: p}\nspec: {}\n",
	  "metadata: namespace is required", 0 },
	{ "namespaced with an empty one",
	  API "kind: TracingPolicyNamespaced\nmetadata: {name: p, namespace: ''}\nspec: {}\n",
	  "metadata.namespace: '' is no namespace", 0 },
	{ "namespace with a dot", API "kind: TracingPolicyNamespaced\nmetadata: {name: p, namespace: a.b}\nspec: {}\n",
	  "'a.b' is no namespace", 0 },
	{ "namespace of 64",
	  API "kind: TracingPolicyNamespaced\nmetadata: {name: p, namespace: " X10("abcdef") "abcd}\nspec: {}\n",
	  "is no namespace", 0 },
	{ "cluster-wide with namespace", API "kind: TracingPolicy\nmetadata: {name: p, namespace: a}\nspec: {}\n",
	  "metadata.namespace: not allowed in a TracingPolicy", 0 },

	/* spec */
	{ "no hooks", SPEC(""), "spec: no hooks: kprobes or tracepoints needs an entry (line 4, column 7)", 0 },
	{ "empty sections", SPEC("kprobes: [], tracepoints: null"), "spec: no hooks", 0 },
	{ "two sections",
	  SPEC("kprobes: [{call: sys_lseek}], tracepoints: [{subsystem: syscalls, event: sys_enter_read}]"),
	  "spec: tracing policies with multiple sections", 0 },
	{ "spec is a list", CLUSTER "spec: []\n", "spec: want a mapping, not a list", 0 },
	{ "kprobes is a mapping", SPEC("kprobes: {}"), "spec.kprobes: want a list, not a mapping", 0 },
	{ "hook is null", SPEC("kprobes: [~]"), K0 ": want a mapping, not null", 0 },
	{ "misspelt section", SPEC("kprobe: []"), "spec.kprobe: unknown key; did you mean 'kprobes'?", 0 },
	{ "podSelector is a list", SPEC("podSelector: []"), "spec.podSelector: want a mapping, not a list", 0 },
	{ "misspelt matchLabels", SPEC("podSelector: {matchLabel: {a: b}}"),
	  "spec.podSelector.matchLabel: unknown key; did you mean 'matchLabels'? (line 4, column 22)", 0 },
	{ "label without value", SPEC("podSelector: {matchLabels: {a: }}"),
	  "spec.podSelector.matchLabels: a label's value is a string; put it in quotes (line 4, column 39)", 0 },
	{ "label's value is a boolean", SPEC("podSelector: {matchLabels: {a: true}}"), "put it in quotes", 0 },
	{ "label without name", SPEC("podSelector: {matchLabels: {'': b}}"),
	  "spec.podSelector.matchLabels: want a label's name that is not empty", 0 },
	{ "NUL in a label", SPEC("containerSelector: {matchLabels: {a: \"b\\0c\"}}"), "no NUL byte", 0 },
	{ "term without key", SPEC("podSelector: {matchExpressions: [{operator: Exists}]}"),
	  "spec.podSelector.matchExpressions[0].key: required, but not there", 0 },
	{ "term without operator", SPEC("podSelector: {matchExpressions: [{key: a}]}"), "operator: required", 0 },
	{ "unknown operator", SPEC("podSelector: {matchExpressions: [{key: a, operator: notin, values: [b]}]}"),
	  "spec.podSelector.matchExpressions[0].operator: unknown operator: 'notin'; did you mean 'NotIn'?", 0 },
	{ "In without values",
	  SPEC("podSelector: {matchExpressions: [{key: z, operator: Exists}, {key: a, operator: In}]}"),
	  "spec.podSelector.matchExpressions[1]: In and NotIn need at least one of values", 0 },
	{ "NotIn with an empty list", SPEC("podSelector: {matchExpressions: [{key: a, operator: NotIn, values: []}]}"),
	  "need at least one of values", 0 },
	{ "Exists with values", SPEC("podSelector: {matchExpressions: [{key: a, operator: Exists, values: [b]}]}"),
	  "Exists and DoesNotExist take no values", 0 },
	{ "a label's value is a list", SPEC("podSelector: {matchExpressions: [{key: a, operator: In, values: [[b]]}]}"),
	  "matchExpressions[0].values: a label's value is a string", 0 },
	{ "hostSelector with labels", SPEC("hostSelector: {matchLabels: {a: b}}"),
	  "spec.hostSelector: spec.hostSelector does not support arbitrary labels. Only null (default) and {} (all) is "
	  "supported for now",
	  0 },
	{ "hostSelector alone", SPEC("hostSelector: {}"), "spec.hostSelector" NOT_YET, 0 },
	{ "hostSelector and some pods",
	  SPEC("hostSelector: {}, containerSelector: {}, podSelector: {matchLabels: {a: b}}"),
	  "spec.hostSelector" NOT_YET, 0 },
	{ "hostSelector in a namespace",
	  NAMESPACED "spec: {hostSelector: {}, podSelector: {}, containerSelector: {}}\n",
	  "TracingPolicyNamespaced cannot match host workloads so spec.hostSelector should be null", 0 },
	{ "nodeSelector", SPEC("nodeSelector: {}"), "spec.nodeSelector" NOT_YET, 0 },
	{ "lists", SPEC("lists: [{name: a}]"), "spec.lists" NOT_YET, 0 },
	{ "enforcers", SPEC("enforcers: [{calls: [sys_read]}]"), "spec.enforcers" NOT_YET, 0 },
	{ "options", SPEC("options: [{name: policy-mode, value: monitor}]"), "spec.options" NOT_YET, 0 },
	{ "loader", SPEC("loader: true"), "spec.loader" NOT_YET, 0 },
	{ "loader of a wrong type", SPEC("loader: 1"), "spec.loader" NOT_YET, 0 },
	{ "fentries", SPEC("fentries: [{call: x}]"), "spec.fentries" NOT_YET, 0 },
	{ "lsmhooks", SPEC("lsmhooks: [{hook: x}]"), "spec.lsmhooks" NOT_YET, 0 },
	{ "uprobes", SPEC("uprobes: [{path: x}]"), "spec.uprobes" NOT_YET, 0 },
	{ "usdts", SPEC("usdts: [{path: x}]"), "spec.usdts" NOT_YET, 0 },
	{ "selectorsMacros", SPEC("selectorsMacros: {a: {}}"), "spec.selectorsMacros" NOT_YET, 0 },

	/* kprobes */
	{ "no call", KPROBE("message: xx"), K0 ".call: required", 0 },
	{ "misspelt call", KPROBE("call: sys_lsek"),
	  K0 ".call: no system call is named 'lsek'; did you mean 'sys_lseek'?", 0 },
	{ "unlike any call", KPROBE("call: sys_qqqqqqqqqqqq"), "no system call is named 'qqqqqqqqqqqq' (", 0 },
	{ "only the prefix", KPROBE("call: sys_"), "no system call is named ''", 0 },
	{ "call in upper case", KPROBE("call: sys_LSEEK"), "did you mean 'sys_lseek'?", 0 },
	{ "very long call", KPROBE("call: sys_" X50("abcde")), "no system call is named 'abcde", 0 },
	{ "kernel function", KPROBE("call: fd_install, syscall: false"), K0 ".syscall: false: not supported yet", 0 },
	{ "kernel function as system call", KPROBE("call: fd_install"), "'fd_install' is no system call", 0 },
	{ "security function", KPROBE("call: security_bprm_check"), "is no system call", 0 },
	{ "list as call", KPROBE("call: 'list:dups'"), K0 ".call: lists: not supported yet", 0 },
	{ "prefix of another architecture", KPROBE("call: __arm64_sys_lseek"),
	  "another architecture's; leave the prefix out", 0 },
	{ "two prefixes", KPROBE("call: __x64___ia32_sys_lseek"), "is no system call", 0 },
	{ "compat prefix of x86-64", KPROBE("call: __x64_compat_sys_lseek"), "is no system call", 0 },
	{ "i386 prefix for a call that i386 lacks", KPROBE("call: __ia32_sys_kexec_file_load"), "i386 has no such call",
	  0 },
	{ "syscall is text", LSEEK("syscall: 'true'"), K0 ".syscall: want true or false, not a string", 0 },
	{ "return", LSEEK("return: true"), K0 ".return" NOT_YET, 0 },
	{ "returnArg", LSEEK("returnArg: {index: 0, type: int}"), K0 ".returnArg" NOT_YET, 0 },
	{ "returnArgAction", LSEEK("returnArgAction: TrackSock"), K0 ".returnArgAction" NOT_YET, 0 },
	{ "data", LSEEK("data: [{}]"), K0 ".data" NOT_YET, 0 },
	{ "ignore", LSEEK("ignore: {callNotFound: true}"), K0 ".ignore" NOT_YET, 0 },
	{ "unknown key of a hook", LSEEK("selector: []"), K0 ".selector: unknown key; did you mean 'selectors'?", 0 },
	{ "unknown key of another hook", KPROBES("  - call: sys_read\n  - call: sys_lseek\n    foo: 1\n"),
	  "spec.kprobes[1].foo: unknown key (line 8, column 5)", 0 },
	{ "message too short", LSEEK("message: x"), K0 ".message: needs at least 2 bytes", 0 },
	{ "message of two readings", LSEEK("message: no"),
	  K0 ".message: want a string, not a boolean; put it in quotes", 0 },
	{ "message with a NUL", LSEEK("message: \"a\\0b\""), K0 ".message: a NUL byte inside", 0 },
	{ "tag too short", LSEEK("tags: [aa, b]"), K0 ".tags[1]: needs at least 2 bytes", 0 },
	{ "tag is a list", LSEEK("tags: [[a]]"), K0 ".tags[0]: want a string", 0 },
	{ "17 tags", LSEEK("tags: [" X10("aa, ") "bb, bb, bb, bb, bb, bb, bb]"), K0 ".tags: 17 tags; at most 16",
	  -E2BIG },
	{ "17 hooks on one call",
	  KPROBES(X10("  - call: sys_lseek\n") "  - call: sys_read\n" X10("  - call: sys_lseek\n")),
	  "spec.kprobes[17]: more than 16 hooks of one policy on one call", -E2BIG },
	{ "257 hooks",
	  KPROBES(X50("  - call: sys_a\n") X50("  - call: sys_a\n") X50("  - call: sys_a\n") X50("  - call: sys_a\n")
			  X50("  - call: sys_a\n") "  - {}\n  - {}\n  - {}\n  - {}\n  - {}\n  - {}\n  - {}\n"),
	  "spec.kprobes: 257 hooks; at most 256", -E2BIG },

	/* arguments */
	{ "no index", LSEEK("args: [{type: int}]"), K0 ".args[0].index: required", 0 },
	{ "no type", LSEEK("args: [{index: 0}]"), K0 ".args[0].type: type 'auto' is invalid for kprobes; name one", 0 },
	{ "auto", LSEEK("args: [{index: 0, type: auto}]"), "type 'auto' is invalid for kprobes", 0 },
	{ "index 6", LSEEK("args: [{index: 6, type: int}]"), K0 ".args[0].index: '6' out of bounds", 0 },
	{ "negative index", LSEEK("args: [{index: -1, type: int}]"), "'-1' out of bounds", 0 },
	{ "huge index", LSEEK("args: [{index: 18446744073709551617, type: int}]"), "out of bounds", 0 },
	{ "index is text", LSEEK("args: [{index: '0', type: int}]"), "want an integer, not a string", 0 },
	{ "index is a fraction", LSEEK("args: [{index: 0.0, type: int}]"),
	  "want an integer, not a number with a fraction", 0 },
	{ "same index twice", LSEEK("args: [{index: 0, type: int}, {index: 0, type: string}]"),
	  K0 ".args[1].index: '0' is args[0] already", 0 },
	{ "six arguments", LSEEK("args: [{}, {}, {}, {}, {}, {}]"), K0 ".args: 6 arguments; at most 5", -E2BIG },
	{ "fd", LSEEK("args: [{index: 0, type: fd}]"), K0 ".args[0].type: type 'fd': not supported yet; type int is",
	  0 },
	{ "file", LSEEK("args: [{index: 0, type: file}]"), "type 'file': not supported yet", 0 },
	{ "int8", LSEEK("args: [{index: 0, type: int8}]"), "type 'int8': not supported yet", 0 },
	{ "char_buf", LSEEK("args: [{index: 0, type: char_buf, sizeArgIndex: 3}]"), K0 ".args[0].sizeArgIndex" NOT_YET,
	  0 },
	{ "syscall64 in a kprobe", LSEEK("args: [{index: 0, type: syscall64}]"),
	  "type 'syscall64' is for a tracepoint's field 4", 0 },
	{ "misspelt type", LSEEK("args: [{index: 0, type: unit32}]"), "unknown type 'unit32'; did you mean 'uint32'?",
	  0 },
	{ "resolve", LSEEK("args: [{index: 0, type: int, resolve: a.b}]"), K0 ".args[0].resolve" NOT_YET, 0 },
	{ "label is a number with a fraction", LSEEK("args: [{index: 0, type: int, label: 1.5}]"), "put it in quotes",
	  0 },

	/* selectors */
	{ "selectors is a mapping", LSEEK("selectors: {}"), K0 ".selectors: want a list", 0 },
	{ "six selectors", LSEEK("selectors: [{}, {}, {}, {}, {}, {}]"), K0 ".selectors: 6 selectors; at most 5",
	  -E2BIG },
	{ "matchBinaries of the second selector",
	  LSEEK("selectors: [{}, {matchBinaries: [{operator: In, values: [/a]}]}]"),
	  K0 ".selectors[1].matchBinaries" NOT_YET " (line 6, column 40)", 0 },
	{ "matchPIDs", SELECTOR("matchPIDs: [{}]"), S0 ".matchPIDs" NOT_YET, 0 },
	{ "matchNamespaces", SELECTOR("matchNamespaces: [{}]"), S0 ".matchNamespaces" NOT_YET, 0 },
	{ "matchCapabilities", SELECTOR("matchCapabilities: [{}]"), S0 ".matchCapabilities" NOT_YET, 0 },
	{ "matchReturnArgs", SELECTOR("matchReturnArgs: [{}]"), S0 ".matchReturnArgs" NOT_YET, 0 },
	{ "matchReturnActions", SELECTOR("matchReturnActions: [{}]"), S0 ".matchReturnActions" NOT_YET, 0 },
	{ "matchWorkloads", SELECTOR("matchWorkloads: {}"), S0 ".matchWorkloads" NOT_YET, 0 },
	{ "matchData", SELECTOR("matchData: [{}]"), S0 ".matchData" NOT_YET, 0 },
	{ "macros", SELECTOR("macros: [a]"), S0 ".macros" NOT_YET, 0 },
	{ "label of a selector", SELECTOR("label: a"), S0 ".label" NOT_YET, 0 },
	{ "misspelt matchArgs", SELECTOR("matchArg: []"), S0 ".matchArg: unknown key; did you mean 'matchArgs'?", 0 },
	{ "matchCurrentCred does not exist", SELECTOR("matchCurrentCred: {}"), "unknown key (", 0 },
	{ "six filters", SELECTOR("matchArgs: [{}, {}, {}, {}, {}, {}]"), S0 ".matchArgs: 6 filters; at most 5",
	  -E2BIG },

	/* filters */
	{ "no operator", MATCH("index: 1, values: ['1']"), F0 ".operator: required", 0 },
	{ "no values", MATCH("index: 1, operator: Equal"), F0 ".values: required", 0 },
	{ "empty values", FILTER("int64", "Equal", ""), F0 ".values: at least one is needed", 0 },
	{ "neither index nor args", MATCH("operator: Equal, values: ['1']"), F0 ": index or args is required", 0 },
	{ "index that no argument has", MATCH("index: 0, operator: Equal, values: ['1']"),
	  F0 ".index: argFilter for unknown index '0'", 0 },
	{ "position beyond the arguments", MATCH("args: [1], operator: Equal, values: ['1']"),
	  F0 ".args: want a position", 0 },
	{ "two positions", MATCH("args: [0, 0], operator: Equal, values: ['1']"), F0 ".args: want one position, not 2",
	  0 },
	{ "no position", MATCH("args: [], operator: Equal, values: ['1']"), F0 ".args: want one position, not 0", 0 },
	{ "misspelt operator", FILTER("int64", "Eqal", "1"),
	  F0 ".operator: unknown operator 'Eqal'; did you mean 'Equal'?", 0 },
	{ "operator in other case", FILTER("int64", "equal", "1"), "unknown operator 'equal'; did you mean 'Equal'?",
	  0 },
	{ "InMap", FILTER("int64", "InMap", "1"), F0 ".operator: 'InMap': not supported yet", 0 },
	{ "SubString", FILTER("string", "SubString", "a"), "'SubString': not supported yet", 0 },
	{ "SAddr", FILTER("int64", "SAddr", "1"), "'SAddr': not supported yet", 0 },
	{ "CelExpr", FILTER("int64", "CelExpr", "1"), "'CelExpr': not supported yet", 0 },
	{ "Prefix on a number", FILTER("int64", "Prefix", "1"),
	  F0 ".operator: 'Prefix' is not for an argument of type int64", 0 },
	{ "Postfix on a number", FILTER("int64", "NotPostfix", "1"), "is not for an argument of type int64", 0 },
	{ "GT on a string", FILTER("string", "GT", "1"), "'GT' is not for an argument of type string", 0 },
	{ "Mask on a string", FILTER("string", "Mask", "1"), "'Mask' is not for an argument of type string", 0 },
	{ "InRange on a string", FILTER("string", "InRange", "1:2"), "'InRange' is not for an argument of type string",
	  0 },
	{ "five values", FILTER("int64", "Equal", "1, 2, 3, 4, 5"),
	  F0 ".values: selector does not support more than 4 values", 0 },
	{ "five ranges", FILTER("int64", "InRange", "1:2, 1:2, 1:2, 1:2, 1:2"), "does not support more than 4 values",
	  0 },
	{ "value that is no number", FILTER("int64", "Equal", "abc"), F0 ".values[0]: value 'abc' is no integer", 0 },
	{ "second value that is no number", FILTER("int64", "Equal", "1, 1x"),
	  F0 ".values[1]: value '1x' is no integer", 0 },
	{ "empty value", FILTER("int64", "Equal", "''"), "value '' is no integer", 0 },
	{ "value of space", FILTER("int64", "Equal", "' 1'"), "value ' 1' is no integer", 0 },
	{ "value of a sign", FILTER("int64", "Equal", "'-'"), "value '-' is no integer", 0 },
	{ "value of a prefix", FILTER("int64", "Equal", "'0x'"), "value '0x' is no integer", 0 },
	{ "octal digit 8", FILTER("int64", "Equal", "'08'"), "value '08' is no integer", 0 },
	{ "boolean as value", FILTER("int64", "Equal", "true"), "value 'true' is no integer", 0 },
	{ "null as value", FILTER("int64", "Equal", "~"), "value '~' is no integer", 0 },
	{ "fraction as value", FILTER("int64", "Equal", "1.0"), "value '1.0' is no integer", 0 },
	{ "list as value", FILTER("int64", "Equal", "[1]"), F0 ".values[0]: want an integer", 0 },
	{ "plain octal reads two ways", FILTER("int64", "Equal", "010"),
	  "YAML's versions read '010' differently; put it in quotes", 0 },
	{ "plain underscores read two ways", FILTER("int64", "Equal", "1_000"), "read '1_000' differently", 0 },
	{ "above int", FILTER("int", "Equal", "2147483648"),
	  F0 ".values[0]: value '2147483648' is out of range; the argument's type holds -2147483648 to 2147483647", 0 },
	{ "below int", FILTER("int", "Equal", "-2147483649"), "is out of range", 0 },
	{ "above uint32", FILTER("uint32", "Equal", "4294967296"), "holds 0 to 4294967295", 0 },
	{ "negative for uint32", FILTER("uint32", "Equal", "-1"), "holds 0 to 4294967295", 0 },
	{ "negative for size_t", FILTER("size_t", "Equal", "-1"), "holds 0 to 18446744073709551615", 0 },
	{ "above int64", FILTER("int64", "Equal", "9223372036854775808"), "is out of range", 0 },
	{ "below int64", FILTER("int64", "Equal", "-9223372036854775809"), "is out of range", 0 },
	{ "above uint64", FILTER("uint64", "Equal", "18446744073709551616"), "is out of range", 0 },
	{ "far above uint64", FILTER("uint64", "Equal", "'0xffffffffffffffffffffffff'"), "is out of range", 0 },
	{ "range without colon", FILTER("int64", "InRange", "5"), "value '5' is no range; want min:max", 0 },
	{ "range without max", FILTER("int64", "InRange", "'5:'"), "value '5:' is no range", 0 },
	{ "range with two colons", FILTER("int64", "InRange", "1:2:3"), "value '1:2:3' is no range", 0 },
	{ "range upside down", FILTER("int64", "InRange", "5:-5"), "range '5:-5': min is above max", 0 },
	{ "range above its type", FILTER("uint32", "InRange", "'0:4294967296'"), "is out of range", 0 },
	{ "range for an equality", FILTER("int64", "Equal", "1:2"), "value '1:2' is no integer", 0 },
	{ "empty Prefix", FILTER("string", "Prefix", "''"),
	  F0 ".values[0]: an empty string for Prefix would match everything", 0 },
	{ "empty Postfix", FILTER("string", "Postfix", "''"), "an empty string for Postfix", 0 },
	{ "Postfix of NULs", FILTER("string", "NotPostfix", "\"\\0\\0\""), "an empty string for NotPostfix", 0 },
	{ "NUL inside a string", FILTER("string", "Equal", "\"a\\0b\""), F0 ".values[0]: a NUL byte inside", 0 },
	{ "boolean for a string", FILTER("string", "Equal", "yes"), F0 ".values[0]: want a string; put it in quotes",
	  0 },
	{ "hexadecimal for a string", FILTER("string", "Equal", "0x10"), "want a string; put it in quotes", 0 },
	{ "null for a string", FILTER("string", "Equal", "~"), "want a string", 0 },
	{ "mapping for a string", FILTER("string", "Equal", "{a: b}"), "want a string", 0 },
	{ "256 bytes for Equal", FILTER("string", "Equal", X50("abcde") "abcdef"), "256 bytes; Equal takes at most 255",
	  0 },
	{ "253 bytes for Prefix", FILTER("string", "Prefix", X50("abcde") "abc"), "253 bytes; Prefix takes at most 252",
	  0 },
	{ "128 bytes for Postfix", FILTER("string", "Postfix", X10("0123456789ab") "abcdefgh"),
	  "128 bytes; Postfix takes at most 127", 0 },

	/* actions */
	{ "four actions", ACTIONS_OF("{action: Post}, {action: Post}, {action: Post}, {action: Post}"),
	  S0 ".matchActions: 4 actions; at most 3", -E2BIG },
	{ "no action", ACTIONS_OF("{}"), A0 ".action: required", 0 },
	{ "action is null", ACTIONS_OF("{action: ~}"), A0 ".action: required", 0 },
	{ "action is a number", ACTIONS_OF("{action: 9}"), "unknown action '9'", 0 },
	{ "action as text", ACTIONS_OF("Sigkill"), A0 ": want a mapping, not a string", 0 },
	{ "Override", ACTIONS_OF("{action: Override, argError: -1}"), A0 ".action: 'Override': not supported yet", 0 },
	{ "Signal", ACTIONS_OF("{action: Signal, argSig: 9}"), A0 ".action: 'Signal': not supported yet", 0 },
	{ "NotifyEnforcer", ACTIONS_OF("{action: NotifyEnforcer}"), "'NotifyEnforcer': not supported yet", 0 },
	{ "GetUrl", ACTIONS_OF("{action: GetUrl, argUrl: http://a}"), "'GetUrl': not supported yet", 0 },
	{ "DnsLookup", ACTIONS_OF("{action: DnsLookup, argFqdn: a}"), "'DnsLookup': not supported yet", 0 },
	{ "TrackSock", ACTIONS_OF("{action: TrackSock}"), "'TrackSock': not supported yet", 0 },
	{ "Set", ACTIONS_OF("{action: Set}"), "'Set': not supported yet", 0 },
	{ "action in other case", ACTIONS_OF("{action: SIGKILL}"), "unknown action 'SIGKILL'; did you mean 'Sigkill'?",
	  0 },
	{ "rate limit", ACTIONS_OF("{action: Post, rateLimit: 5m}"), A0 ".rateLimit" NOT_YET, 0 },
	{ "stack trace", ACTIONS_OF("{action: Post, kernelStackTrace: true}"), A0 ".kernelStackTrace" NOT_YET, 0 },
	{ "signal of Sigkill", ACTIONS_OF("{action: Sigkill, argSig: 15}"), A0 ".argSig" NOT_YET, 0 },
	{ "unknown key of an action", ACTIONS_OF("{action: Post, ratelimit: 5m}"), "did you mean 'rateLimit'?", 0 },

	/* tracepoints */
	{ "no event", CLUSTER "spec: {tracepoints: [{subsystem: syscalls}]}\n", "spec.tracepoints[0].event: required",
	  0 },
	{ "no subsystem", CLUSTER "spec: {tracepoints: [{event: sys_enter_lseek}]}\n",
	  "spec.tracepoints[0].subsystem: required", 0 },
	{ "other subsystem", TRACEPOINT("sched", "sched_switch", ""),
	  "spec.tracepoints[0].subsystem: 'sched': not supported yet", 0 },
	{ "event without direction", TRACEPOINT("syscalls", "lseek", ""), "unknown event 'lseek'; want sys_enter_NAME",
	  0 },
	{ "unknown call", TRACEPOINT("syscalls", "sys_enter_lsek", ""), "did you mean 'sys_enter_lseek'?", 0 },
	{ "unknown call on exit", TRACEPOINT("syscalls", "sys_exit_lsek", ""), "did you mean 'sys_exit_lseek'?", 0 },
	{ "named call in raw_syscalls", TRACEPOINT("raw_syscalls", "sys_enter_lseek", ""),
	  "raw_syscalls has sys_enter and sys_exit", 0 },
	{ "raw event in syscalls", TRACEPOINT("syscalls", "sys_enter", ""),
	  "unknown event 'sys_enter'; want sys_enter_NAME", 0 },
	{ "raw", TRACEPOINT("syscalls", "sys_enter_lseek", ", raw: true"), "spec.tracepoints[0].raw" NOT_YET, 0 },
	{ "key of kprobes", TRACEPOINT("syscalls", "sys_enter_lseek", ", return: false"), ".return: unknown key", 0 },
	{ "common field", TRACEPOINT("syscalls", "sys_enter_lseek", ", args: [{index: 3, type: int}]"),
	  "'3' out of bounds: this event has fields 4", 0 },
	{ "field 11", TRACEPOINT("syscalls", "sys_enter_lseek", ", args: [{index: 11, type: int}]"),
	  "'11' out of bounds", 0 },
	{ "argument at exit", TRACEPOINT("syscalls", "sys_exit_lseek", ", args: [{index: 6, type: int}]"),
	  "4 (number) and 5 (return value)", 0 },
	{ "array of arguments", TRACEPOINT("raw_syscalls", "sys_enter", ", args: [{index: 5, type: uint64}]"),
	  "field 5, the array of arguments, is not supported yet", 0 },
	{ "auto for an argument", TRACEPOINT("syscalls", "sys_enter_lseek", ", args: [{index: 5}]"),
	  "type 'auto' is invalid for a call's arguments; name one", 0 },
	{ "string for the return value", TRACEPOINT("syscalls", "sys_exit_lseek", ", args: [{index: 5, type: string}]"),
	  "this field is a number", 0 },
	{ "syscall64 for the return value",
	  TRACEPOINT("syscalls", "sys_exit_lseek", ", args: [{index: 5, type: syscall64}]"),
	  "is for a tracepoint's field 4", 0 },

	/* hostile words do not reach the operator's terminal */
	{ "control characters in a key", LSEEK("\"\\e[31m\": x"), K0 ".\\x1b[31m: unknown key", 0 },
	{ "control characters in a value", FILTER("int64", "Equal", "\"\\n{\\\"a\\\"\""),
	  "value '\\x0a{\"a\"' is no integer", 0 },
	{ "long key", LSEEK(X50("abcde") ": x"), "...: unknown key", 0 },
};

static void refusals_are_as_the_table_says(void **state)
{
	int failed = 0;

	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		struct error err = { 0 };
		struct policy *policy = NULL;
		int want = cases[i].code ? cases[i].code : -EINVAL;
		int r = policy_parse(cases[i].yaml, strlen(cases[i].yaml), &policy, &err);

		if (r != want || err.code != -want || policy || !strstr(err.text, cases[i].want)) {
			print_error("%s: %d, '%s'\n", cases[i].why, r, err.text);
			failed++;
		}
		assert_int_equal(policy_parse(cases[i].yaml, strlen(cases[i].yaml), &policy, NULL), want);
	}
	assert_int_equal(failed, 0);
	(void)state;
}

/* `head`, then `body` n times, then `tail`. */
static char *repeated(const char *head, const char *body, size_t n, const char *tail)
{
	size_t size = strlen(head) + strlen(body) * n + strlen(tail) + 1;
	char *text = malloc(size), *at;

	assert_non_null(text);
	at = stpcpy(text, head);
	for (size_t i = 0; i < n; i++)
		at = stpcpy(at, body);
	memcpy(at, tail, strlen(tail) + 1);
	return text;
}

static const struct {
	const char *why, *head, *body;
	size_t n;
	const char *tail, *want; /* want NULL: accepted */
	int code;
} sizes[] = {
	{ "1 MiB of comment", KPROBE("call: sys_lseek") "# ", "x",
	  POLICY_BYTES_MAX - sizeof KPROBE("call: sys_lseek") - 1, "", NULL, 0 },
	{ "1 MiB and a byte", KPROBE("call: sys_lseek") "# ", "x", POLICY_BYTES_MAX, "", "a policy has at most 1048576",
	  -E2BIG },
	{ "labels 32 deep",
	  API "kind: TracingPolicy\nspec: {kprobes: [{call: sys_lseek}]}\nmetadata: {name: p, annotations: {x: ", "[",
	  29, "]]]]]]]]]]]]]]]]]]]]]]]]]]]]]}}\n", NULL, 0 },
	{ "labels 33 deep",
	  API "kind: TracingPolicy\nspec: {kprobes: [{call: sys_lseek}]}\nmetadata: {name: p, annotations: {x: ", "[",
	  30, "]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]}}\n", "nested too deeply", -E2BIG },
	{ "a million brackets", "", "[", 1000000, "", "nested too deeply", -E2BIG },
	{ "a million braces", "", "{", 1000000, "", "a key must be text (line 1, column 2)", -EINVAL },
	{ "deep block lists", "", "- ", 300000, "", "nested too deeply", -E2BIG },
	{ "many nodes", SPEC("kprobes: [{call: sys_lseek}]") "x: [", "a,", 20000, "]", "too many nodes", -E2BIG },
	{ "huge scalar", KPROBE("call: sys_lseek") "x: '", "a", 1000000, "'", "x: unknown key", -EINVAL },
	{ "huge key", KPROBE("call: sys_lseek") "'", "a", 900, "': x", "...: unknown key", -EINVAL },
};

static void sizes_are_limited(void **state)
{
	for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
		char *yaml = repeated(sizes[i].head, sizes[i].body, sizes[i].n, sizes[i].tail);
		struct error err = { 0 };
		struct policy *policy = NULL;
		int r = policy_parse(yaml, strlen(yaml), &policy, &err);

		if (r != sizes[i].code || (sizes[i].want && !strstr(err.text, sizes[i].want)))
			fail_msg("%s: %d, '%s'", sizes[i].why, r, err.text);
		policy_free(policy);
		free(yaml);
	}
	(void)state;
}

static void strings_of_one_policy_are_limited(void **state)
{
	static const char head[] = KPROBES("  - call: sys_open\n    args: [{index: 0, type: string}]\n    selectors:\n"
					   "    - matchArgs: [{index: 0, operator: Equal, values: [");

	for (int over = 0; over < 2; over++) {
		char *yaml = repeated(head, "a,", POLICY_STRINGS_MAX + (size_t)over, "]}]\n");
		struct error err = { 0 };
		struct policy *policy = NULL;

		assert_int_equal(policy_parse(yaml, strlen(yaml), &policy, &err), over ? -E2BIG : 0);
		assert_true(!over || strstr(err.text, "values[4096]: more than 4096 strings in one policy"));
		policy_free(policy);
		free(yaml);
	}
	(void)state;
}

static void keys_of_one_mapping_are_limited(void **state)
{
	for (int over = 0; over < 2; over++) {
		char yaml[16384] = API
			"kind: TracingPolicy\nspec: {kprobes: [{call: sys_lseek}]}\nmetadata: {name: p, labels: {";
		size_t at = strlen(yaml);
		struct error err = { 0 };
		struct policy *policy = NULL;

		for (int i = 0; i < 512 + over; i++)
			at += (size_t)snprintf(yaml + at, sizeof yaml - at, "k%d: v, ", i);
		(void)snprintf(yaml + at, sizeof yaml - at, "}}\n");
		assert_int_equal(policy_parse(yaml, strlen(yaml), &policy, &err), over ? -E2BIG : 0);
		assert_true(!over || strstr(err.text, "too many keys in one mapping"));
		policy_free(policy);
	}
	(void)state;
}

/* The classic: each line holds ten of the line before. Refused at the first anchor, in no time. */
static void billion_laughs_are_refused(void **state)
{
	static const char yaml[] = "a: &a [x,x,x,x,x,x,x,x,x,x]\nb: &b [*a,*a,*a,*a,*a,*a,*a,*a,*a,*a]\n"
				   "c: &c [*b,*b,*b,*b,*b,*b,*b,*b,*b,*b]\n";
	struct policy *policy = NULL;
	struct error err = { 0 };

	assert_int_equal(policy_parse(yaml, sizeof yaml - 1, &policy, &err), -EINVAL);
	assert_non_null(strstr(err.text, "anchors are not supported (line 1, column 4)"));
	(void)state;
}

static void bytes_after_a_nul_are_not_forgotten(void **state)
{
	static const char yaml[] = KPROBE("call: sys_lseek") "\0spec: {}\n";
	struct policy *policy = NULL;
	struct error err = { 0 };

	assert_int_equal(policy_parse(yaml, sizeof yaml - 1, &policy, &err), -EINVAL);
	assert_non_null(strstr(err.text, "control characters are not allowed (line 7, column 1)"));
	(void)state;
}

/* Cut at every byte: an error or a smaller policy, never a crash; exact memory, so a sanitizer sees one byte too many.
 */
static void any_cut_is_survived(void **state)
{
	static const char yaml[] = NAMESPACED "spec:\n"
					      "  kprobes:\n"
					      "  - call: \"sys_openat\"\n"
					      "    message: |\n"
					      "      hello\n"
					      "    tags: [aa, 'b\xc3\xa4', \"c\\x20\\u00e4\"]\n"
					      "    args:\n"
					      "    - {index: 1, type: string, label: path}\n"
					      "    - index: 2\n"
					      "      type: int\n"
					      "    selectors:\n"
					      "    - matchArgs:\n"
					      "      - index: 1\n"
					      "        operator: Prefix\n"
					      "        values: [/etc/, \"/root/\"]\n"
					      "      - {args: [1], operator: InRange, values: ['-1:0x10', 5:6]}\n"
					      "      matchActions: [{action: Sigkill}, {action: NoPost}]\n";
	struct policy *policy = NULL;

	assert_int_equal(policy_parse(yaml, sizeof yaml - 1, &policy, NULL), 0);
	policy_free(policy);
	for (size_t len = 0; len < sizeof yaml - 1; len++) {
		char *cut = malloc(len ? len : 1);
		struct error err = { 0 };

		assert_non_null(cut);
		memcpy(cut, yaml, len);
		policy = NULL;
		if (policy_parse(cut, len, &policy, &err) < 0)
			assert_true(err.code && *err.text && !policy);
		policy_free(policy);
		free(cut);
	}
	(void)state;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(refusals_are_as_the_table_says),
		cmocka_unit_test(sizes_are_limited),
		cmocka_unit_test(strings_of_one_policy_are_limited),
		cmocka_unit_test(keys_of_one_mapping_are_limited),
		cmocka_unit_test(billion_laughs_are_refused),
		cmocka_unit_test(bytes_after_a_nul_are_not_forgotten),
		cmocka_unit_test(any_cut_is_survived),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
