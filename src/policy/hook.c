/* SPDX-License-Identifier: Apache-2.0 */
#include "policy/hook.h"

#include <assert.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/error.h"
#include "policy/shown.h"
#include "policy/syscall_table.h"
#include "policy/value.h"

#define TEXT_MIN 2      /* bytes of a message or tag */
#define MESSAGE_MAX 256 /* longer ones are cut, as the original does */
#define TAG_MAX 128
#define TAGS_MAX 16
#define ARCHES_ALL ((1 << ABI_X64) | (1 << ABI_I386) | (1 << ABI_X32))
#define FIELD_FIRST 4 /* tracepoints: fields 0 to 3 are common to all events */

/* Argument types of the CRD; ABI_T_NONE: not supported yet. */
static const struct arg_type {
	const char *name;
	enum abi_type abi;
} arg_types[] = {
	{ "auto", ABI_T_NONE },
	{ "bpf_attr", ABI_T_NONE },
	{ "bpf_cmd", ABI_T_NONE },
	{ "bpf_map", ABI_T_NONE },
	{ "bpf_prog", ABI_T_NONE },
	{ "cap_effective", ABI_T_NONE },
	{ "cap_inheritable", ABI_T_NONE },
	{ "cap_permitted", ABI_T_NONE },
	{ "capability", ABI_T_NONE },
	{ "char_buf", ABI_T_NONE },
	{ "char_iovec", ABI_T_NONE },
	{ "const_buf", ABI_T_NONE },
	{ "cred", ABI_T_NONE },
	{ "data_loc", ABI_T_NONE },
	{ "dentry", ABI_T_NONE },
	{ "fd", ABI_T_NONE },
	{ "file", ABI_T_NONE },
	{ "filename", ABI_T_NONE },
	{ "int", ABI_T_S32 },
	{ "int16", ABI_T_NONE },
	{ "int32", ABI_T_S32 },
	{ "int64", ABI_T_S64 },
	{ "int8", ABI_T_NONE },
	{ "iov_iter", ABI_T_NONE },
	{ "kernel_cap_t", ABI_T_NONE },
	{ "kiocb", ABI_T_NONE },
	{ "linux_binprm", ABI_T_NONE },
	{ "load_info", ABI_T_NONE },
	{ "long", ABI_T_S64 },
	{ "module", ABI_T_NONE },
	{ "net_device", ABI_T_NONE },
	{ "nop", ABI_T_NONE },
	{ "path", ABI_T_NONE },
	{ "perf_event", ABI_T_NONE },
	{ "sint16", ABI_T_NONE },
	{ "sint32", ABI_T_S32 },
	{ "sint64", ABI_T_S64 },
	{ "sint8", ABI_T_NONE },
	{ "size_t", ABI_T_U64 },
	{ "skb", ABI_T_NONE },
	{ "sock", ABI_T_NONE },
	{ "sockaddr", ABI_T_NONE },
	{ "sockaddr_un", ABI_T_NONE },
	{ "socket", ABI_T_NONE },
	{ "string", ABI_T_STRING },
	{ "syscall64", ABI_T_SYSCALL },
	{ "uint16", ABI_T_NONE },
	{ "uint32", ABI_T_U32 },
	{ "uint64", ABI_T_U64 },
	{ "uint8", ABI_T_NONE },
	{ "ulong", ABI_T_U64 },
	{ "user_namespace", ABI_T_NONE },
};

#define ARG_TYPES (sizeof arg_types / sizeof *arg_types)

int hook_text_copy(const struct parse *parse, struct str text, char **ret_copy)
{
	char *copy = malloc(text.len + 1);

	if (!copy)
		return parse_fail(parse, ENOMEM, NULL, "out of memory");
	if (text.len)
		memcpy(copy, text.p, text.len);
	copy[text.len] = '\0';
	*ret_copy = copy;
	return 0;
}

int hook_list_limit(const struct parse *parse, const struct yaml_node *list, size_t limit, const char *what)
{
	if (list->children > limit)
		return parse_fail(parse, E2BIG, list, "%u %s; at most %zu are supported", list->children, what, limit);
	return 0;
}

/* At most `limit` bytes, without half a character at the end. */
static struct str cut(struct str text, size_t limit)
{
	if (text.len > limit) {
		text.len = limit;
		while (text.len && ((unsigned char)text.p[text.len] & 0xc0) == 0x80)
			text.len--;
	}
	return text;
}

static int message_read(struct parse *parse, const struct yaml_node *node, struct policy_hook *hook)
{
	const struct yaml_node *message = schema_get(parse, node, "message");

	if (!message)
		return 0;
	if (message->text.len < TEXT_MIN)
		return parse_fail_key(parse, EINVAL, message, "needs at least %d bytes", TEXT_MIN);
	return hook_text_copy(parse, cut(message->text, MESSAGE_MAX), &hook->message);
}

static int tags_read(struct parse *parse, const struct yaml_node *node, struct policy_hook *hook)
{
	const struct yaml_node *tags = schema_get(parse, node, "tags");
	size_t mark = path_mark(parse);
	int r;

	if (!tags || !tags->children)
		return 0;
	path_key(parse, "tags");
	r = hook_list_limit(parse, tags, TAGS_MAX, "tags");
	if (r < 0)
		return r;
	hook->tags = calloc(tags->children, sizeof *hook->tags);
	if (!hook->tags)
		return parse_fail(parse, ENOMEM, NULL, "out of memory");
	for (const struct yaml_node *tag = yaml_first(parse->tree, tags); tag; tag = yaml_next(parse->tree, tag)) {
		path_index(parse, hook->tags_n);
		if (tag->type != YAML_SCALAR || tag->kind != YAML_TEXT || memchr(tag->text.p, '\0', tag->text.len))
			return parse_fail(parse, EINVAL, tag, "want a string");
		if (tag->text.len < TEXT_MIN)
			return parse_fail(parse, EINVAL, tag, "needs at least %d bytes", TEXT_MIN);
		r = hook_text_copy(parse, cut(tag->text, TAG_MAX), &hook->tags[hook->tags_n]);
		if (r < 0)
			return r;
		hook->tags_n++;
		path_reset(parse, mark);
		path_key(parse, "tags");
	}
	path_reset(parse, mark);
	return 0;
}

int hook_source(const struct policy_hook *hook, unsigned long index, enum abi_source *ret_source)
{
	if (hook->section == POLICY_KPROBES) {
		if (index > 5)
			return -ENOENT;
		*ret_source = (enum abi_source)(ABI_SRC_ARG0 + index);
		return 0;
	}
	if (index == FIELD_FIRST) {
		*ret_source = ABI_SRC_NR;
		return 0;
	}
	if (hook->at_exit && index == FIELD_FIRST + 1) {
		*ret_source = ABI_SRC_RET;
		return 0;
	}
	if (!hook->at_exit && *hook->syscall && index > FIELD_FIRST && index <= FIELD_FIRST + 6) {
		*ret_source = (enum abi_source)(ABI_SRC_ARG0 + index - FIELD_FIRST - 1);
		return 0;
	}
	return -ENOENT;
}

static const char *indexes_text(const struct policy_hook *hook)
{
	if (hook->section == POLICY_KPROBES)
		return "a system call has arguments 0 to 5";
	if (hook->at_exit)
		return "this event has fields 4 (number) and 5 (return value)";
	if (*hook->syscall)
		return "this event has fields 4 (number) and 5 to 10 (arguments)";
	return "this event has field 4 (number); field 5, the array of arguments, is not supported yet";
}

/* What `auto` stands for, or NULL where it can't be known. */
static const char *auto_type(const struct policy_hook *hook, enum abi_source source)
{
	if (source == ABI_SRC_NR)
		return *hook->syscall ? "int" : "long"; /* the fields' types in the events' format */
	return source == ABI_SRC_RET ? "long" : NULL;
}

static int type_read(struct parse *parse, const struct policy_hook *hook, const struct yaml_node *node,
		     enum abi_source source, const struct arg_type **ret_type)
{
	const struct yaml_node *type = schema_get(parse, node, "type");
	struct str name = type ? type->text : STR("auto");
	const struct yaml_node *at = type ? type : node;
	const struct arg_type *found = NULL;

	path_key(parse, "type");
	if (str_is(name, "auto")) {
		const char *known = hook->section == POLICY_TRACEPOINTS ? auto_type(hook, source) : NULL;

		if (!known)
			return parse_fail(parse, EINVAL, at,
					  "type 'auto' is invalid %s; name one: int, uint32, int64, "
					  "uint64, size_t, string",
					  hook->section == POLICY_KPROBES ? "for kprobes" : "for a call's arguments");
		name = str_of(known);
	}
	for (size_t i = 0; i < ARG_TYPES && !found; i++)
		if (str_is(name, arg_types[i].name))
			found = &arg_types[i];
	if (!found)
		return parse_fail(parse, EINVAL, at, "unknown type %s%s", shown(name).text,
				  schema_hint(name, arg_types, ARG_TYPES, sizeof *arg_types).text);
	if (found->abi == ABI_T_NONE)
		return parse_fail(parse, EINVAL, at, "type '%s': not supported yet%s", found->name,
				  !strcmp(found->name, "fd") ? "; type int is the descriptor's number" : "");
	if (found->abi == ABI_T_SYSCALL && source != ABI_SRC_NR)
		return parse_fail(parse, EINVAL, at, "type 'syscall64' is for a tracepoint's field 4, the number");
	if (found->abi == ABI_T_STRING && source > ABI_SRC_ARG0 + 5)
		return parse_fail(parse, EINVAL, at, "type 'string': this field is a number");
	*ret_type = found;
	return 0;
}

static int arg_read(struct parse *parse, const struct yaml_node *node, struct policy_hook *hook)
{
	const struct yaml_node *index, *label;
	const struct arg_type *type = NULL;
	enum abi_source source;
	uint64_t number;
	int r = schema_check(parse, SCHEMA_ARG, node);

	if (r < 0)
		return r;
	index = schema_get(parse, node, "index");
	if (value_integer(index->text, ABI_T_U32, &number) < 0 || hook_source(hook, number, &source) < 0)
		return parse_fail_key(parse, EINVAL, index, "%s out of bounds: %s", shown(index->text).text,
				      indexes_text(hook));
	for (unsigned i = 0; i < hook->args_n; i++)
		if (hook->rule.arg[i].source == source)
			return parse_fail_key(parse, EINVAL, index, "%s is args[%u] already", shown(index->text).text,
					      i);
	r = type_read(parse, hook, node, source, &type);
	if (r < 0)
		return r;
	assert(type);
	label = schema_get(parse, node, "label");
	if (label) {
		r = hook_text_copy(parse, label->text, &hook->arg[hook->args_n].label);
		if (r < 0)
			return r;
	}
	(void)snprintf(hook->arg[hook->args_n].type_name, sizeof hook->arg[0].type_name, "%s", type->name);
	hook->rule.arg[hook->args_n].source = (__u8)source;
	hook->rule.arg[hook->args_n].type = (__u8)type->abi;
	hook->args_n++;
	return 0;
}

static int args_read(struct parse *parse, const struct yaml_node *node, struct policy_hook *hook)
{
	const struct yaml_node *args = schema_get(parse, node, "args");
	size_t outer = path_mark(parse), mark;
	int r;

	if (!args)
		return 0;
	path_key(parse, "args");
	mark = path_mark(parse);
	r = hook_list_limit(parse, args, ABI_ARGS, "arguments");
	for (const struct yaml_node *arg = yaml_first(parse->tree, args); arg && r >= 0;
	     arg = yaml_next(parse->tree, arg)) {
		path_index(parse, hook->args_n);
		r = arg_read(parse, arg, hook);
		if (r >= 0)
			path_reset(parse, mark);
	}
	if (r >= 0)
		path_reset(parse, outer);
	return r;
}

/* What every kind of hook has besides its place: arguments first, since selectors refer to them. */
static int body_read(struct parse *parse, const struct yaml_node *node, struct policy_hook *hook)
{
	int r = message_read(parse, node, hook);

	if (r >= 0)
		r = tags_read(parse, node, hook);
	if (r >= 0)
		r = args_read(parse, node, hook);
	if (r >= 0)
		r = selectors_read(parse, schema_get(parse, node, "selectors"), hook);
	return r;
}

/* Puts the call's canonical name into the hook. `words` is what stands before the name in the policy: "sys_". */
static int syscall_set(struct parse *parse, const struct yaml_node *node, struct str name, const char *words,
		       struct policy_hook *hook)
{
	char text[sizeof hook->syscall];
	const char *known = NULL;

	(void)snprintf(text, sizeof text, "%.*s", (int)(name.len < sizeof text ? name.len : sizeof text), name.p);
	if (name.len < sizeof text)
		known = syscall_canonical(text);
	if (!known) {
		const char *near = syscall_suggest(text);

		return parse_fail_key(parse, EINVAL, node, "no system call is named %s%s%s%s%s", shown(name).text,
				      near ? "; did you mean '" : "", near ? words : "", near ? near : "",
				      near ? "'?" : "");
	}
	(void)snprintf(hook->syscall, sizeof hook->syscall, "%s", known);
	return 0;
}

/* "__x64_sys_lseek", "sys_lseek", "__ia32_compat_sys_lseek" */
static int call_read(struct parse *parse, const struct yaml_node *call, struct policy_hook *hook)
{
	struct str name = call->text;
	bool x64 = str_starts(name, STR("__x64_")), ia32 = str_starts(name, STR("__ia32_"));
	struct syscall_numbers numbers;
	int r;

	if (str_starts(name, STR("__arm64_")))
		return parse_fail_key(parse, EINVAL, call, "%s is another architecture's; leave the prefix out",
				      shown(call->text).text);
	if (str_starts(name, STR("list:")))
		return parse_fail_key(parse, EINVAL, call, "lists: not supported yet");
	if (x64)
		name = str_from(name, sizeof "__x64_" - 1);
	if (ia32)
		name = str_from(name, sizeof "__ia32_" - 1);
	if (ia32 && str_starts(name, STR("compat_sys_")))
		name = str_from(name, sizeof "compat_" - 1);
	if (!str_starts(name, STR("sys_")))
		return parse_fail_key(parse, EINVAL, call,
				      "%s is no system call (\"sys_...\"); other functions: not "
				      "supported yet",
				      shown(call->text).text);
	r = syscall_set(parse, call, str_from(name, sizeof "sys_" - 1), "sys_", hook);
	if (r < 0)
		return r;
	hook->rule.arches = ia32 ? 1 << ABI_I386 : ARCHES_ALL;
	syscall_numbers(hook->syscall, ABI_I386, &numbers);
	if (ia32 && !numbers.n)
		return parse_fail_key(parse, EINVAL, call, "i386 has no such call");
	(void)snprintf(hook->symbol, sizeof hook->symbol, "%s%.*s", x64 || ia32 ? "" : "__x64_", (int)call->text.len,
		       call->text.p);
	return 0;
}

int hook_kprobe_read(struct parse *parse, const struct yaml_node *node, struct policy_hook *hook)
{
	const struct yaml_node *syscall;
	int r = schema_check(parse, SCHEMA_KPROBE, node);

	if (r < 0)
		return r;
	hook->section = POLICY_KPROBES;
	syscall = schema_get(parse, node, "syscall");
	if (syscall && !yaml_bool(syscall))
		return parse_fail_key(parse, EINVAL, syscall, "false: not supported yet; only system calls are");
	r = call_read(parse, schema_get(parse, node, "call"), hook);
	return r < 0 ? r : body_read(parse, node, hook);
}

static int event_read(struct parse *parse, const struct yaml_node *subsystem, const struct yaml_node *event,
		      struct policy_hook *hook)
{
	bool raw = str_is(subsystem->text, "raw_syscalls");
	struct str name = event->text;

	if (!raw && !str_is(subsystem->text, "syscalls"))
		return parse_fail_key(parse, EINVAL, subsystem,
				      "%s: not supported yet; only syscalls and raw_syscalls are",
				      shown(subsystem->text).text);
	hook->at_exit = str_starts(name, STR("sys_exit"));
	if (raw) {
		if (!str_is(name, "sys_enter") && !str_is(name, "sys_exit"))
			return parse_fail_key(parse, EINVAL, event,
					      "unknown event %s; raw_syscalls has sys_enter and sys_exit",
					      shown(name).text);
	} else {
		const char *words = hook->at_exit ? "sys_exit_" : "sys_enter_";
		int r;

		if (!str_starts(name, str_of(words)))
			return parse_fail_key(parse, EINVAL, event,
					      "unknown event %s; want sys_enter_NAME or sys_exit_NAME",
					      shown(name).text);
		r = syscall_set(parse, event, str_from(name, strlen(words)), words, hook);
		if (r < 0)
			return r;
	}
	hook->rule.arches = ARCHES_ALL;
	(void)snprintf(hook->subsystem, sizeof hook->subsystem, "%s", raw ? "raw_syscalls" : "syscalls");
	(void)snprintf(hook->event, sizeof hook->event, "%.*s", (int)name.len, name.p);
	return 0;
}

int hook_tracepoint_read(struct parse *parse, const struct yaml_node *node, struct policy_hook *hook)
{
	int r = schema_check(parse, SCHEMA_TRACEPOINT, node);

	if (r < 0)
		return r;
	hook->section = POLICY_TRACEPOINTS;
	r = event_read(parse, schema_get(parse, node, "subsystem"), schema_get(parse, node, "event"), hook);
	return r < 0 ? r : body_read(parse, node, hook);
}
