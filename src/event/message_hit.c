/* SPDX-License-Identifier: Apache-2.0 */
/* The message of a policy hit. */
#include <stdio.h>
#include <string.h>

#include "event/message.h"
#include "policy/policy.h"

#define ABI_OF_I386 UINT64_C(0x80000000) /* bit of a system call number of type syscall64; bpf/abi.h, ABI_SRC_NR */
#define ABI_OF_X32 UINT64_C(0x40000000)

static Tetragon__SyscallId *syscall_new(struct message_maker *maker, const struct abi_hit *hit, uint64_t value)
{
	Tetragon__SyscallId *id = message_alloc(maker, sizeof *id);
	const char *abi = "x64";

	if (!id)
		return NULL;
	if (value & ABI_OF_I386)
		abi = "i386";
	else if (hit->arch == ABI_X32)
		abi = "x32";
	tetragon__syscall_id__init(id);
	id->id = (uint32_t)(value & ~(ABI_OF_I386 | ABI_OF_X32));
	id->abi = (char *)abi;
	return id;
}

static Tetragon__KprobeError *error_new(struct message_maker *maker, const char *text)
{
	Tetragon__KprobeError *error = message_alloc(maker, sizeof *error);

	if (!error)
		return NULL;
	tetragon__kprobe_error__init(error);
	error->message = (char *)text;
	return error;
}

/* Argument `i`, whose text, if it is one, begins at `text`. */
static Tetragon__KprobeArgument *argument_new(struct message_maker *maker, const struct abi_hit *hit, size_t i,
					      const char *text)
{
	Tetragon__KprobeArgument *arg = message_alloc(maker, sizeof *arg);
	uint64_t value = hit->value[i];

	if (!arg)
		return NULL;
	tetragon__kprobe_argument__init(arg);
	switch ((enum abi_type)hit->type[i]) {
	case ABI_T_S32:
		arg->arg_case = TETRAGON__KPROBE_ARGUMENT__ARG_INT_ARG;
		arg->int_arg = (int32_t)(uint32_t)value;
		break;
	case ABI_T_U32:
		arg->arg_case = TETRAGON__KPROBE_ARGUMENT__ARG_UINT_ARG;
		arg->uint_arg = (uint32_t)value;
		break;
	case ABI_T_S64:
		arg->arg_case = TETRAGON__KPROBE_ARGUMENT__ARG_LONG_ARG;
		arg->long_arg = (int64_t)value;
		break;
	case ABI_T_U64:
		arg->arg_case = TETRAGON__KPROBE_ARGUMENT__ARG_SIZE_ARG;
		arg->size_arg = value;
		break;
	case ABI_T_STRING:
		if (hit->unreadable & 1u << i) {
			arg->arg_case = TETRAGON__KPROBE_ARGUMENT__ARG_ERROR_ARG;
			arg->error_arg = error_new(maker, "Bad address for basic type");
		} else {
			arg->arg_case = TETRAGON__KPROBE_ARGUMENT__ARG_STRING_ARG;
			arg->string_arg = message_text(maker, (struct str){ text, hit->str_len[i] });
		}
		break;
	case ABI_T_SYSCALL:
		arg->arg_case = TETRAGON__KPROBE_ARGUMENT__ARG_SYSCALL_ID;
		arg->syscall_id = syscall_new(maker, hit, value);
		break;
	case ABI_T_NONE:
		break;
	}
	return arg;
}

/* `hook` lends the labels; NULL: without. Returns the number of arguments. */
static size_t arguments_new(struct message_maker *maker, const struct abi_hit *hit, const struct policy_hook *hook,
			    Tetragon__KprobeArgument ***ret_args)
{
	Tetragon__KprobeArgument **args = message_alloc(maker, ABI_ARGS * sizeof(void *));
	const char *text = hit->text;
	size_t n = 0;

	while (args && n < ABI_ARGS && hit->type[n]) {
		args[n] = argument_new(maker, hit, n, text);
		if (!args[n])
			break;
		if (hook && n < hook->args_n && hook->arg[n].label)
			args[n]->label = hook->arg[n].label;
		text += hit->str_len[n];
		n++;
	}
	*ret_args = args;
	return n;
}

/*
 * Symbol of the entry function that the call went through: the policy's, but for 32-bit calls, which have one of their
 * own. Source of the names: arch/x86/include/asm/syscall_wrapper.h.
 */
static char *function_name(struct message_maker *maker, const struct abi_hit *hit, const struct policy_hook *hook)
{
	char text[96];

	if (hit->arch != ABI_I386)
		return (char *)hook->symbol;
	(void)snprintf(text, sizeof text, "__ia32_sys_%s", hook->syscall);
	return message_text(maker, str_of(text));
}

static Tetragon__KprobeAction action_of(const struct abi_hit *hit)
{
	return hit->actions & ABI_ACT_SIGKILL ? TETRAGON__KPROBE_ACTION__KPROBE_ACTION_SIGKILL
					      : TETRAGON__KPROBE_ACTION__KPROBE_ACTION_POST;
}

static Tetragon__ProcessKprobe *kprobe_new(struct message_maker *maker, const struct process *process,
					   const struct abi_hit *hit, const struct policy *policy,
					   const struct policy_hook *hook)
{
	Tetragon__ProcessKprobe *kprobe = message_alloc(maker, sizeof *kprobe);

	if (!kprobe)
		return NULL;
	tetragon__process_kprobe__init(kprobe);
	kprobe->process = message_process(maker, process, hit->h.tid);
	kprobe->parent = message_parent(maker, process);
	if (kprobe->process)
		kprobe->process->refcnt = process->refs;
	kprobe->function_name = function_name(maker, hit, hook);
	kprobe->n_args = arguments_new(maker, hit, hook, &kprobe->args);
	kprobe->action = action_of(hit);
	kprobe->return_action = TETRAGON__KPROBE_ACTION__KPROBE_ACTION_POST;
	kprobe->policy_name = policy->name;
	if (hook->message)
		kprobe->message = hook->message;
	kprobe->tags = hook->tags;
	kprobe->n_tags = hook->tags_n;
	return kprobe;
}

static Tetragon__ProcessTracepoint *tracepoint_new(struct message_maker *maker, const struct process *process,
						   const struct abi_hit *hit, const struct policy *policy,
						   const struct policy_hook *hook)
{
	Tetragon__ProcessTracepoint *tracepoint = message_alloc(maker, sizeof *tracepoint);

	if (!tracepoint)
		return NULL;
	tetragon__process_tracepoint__init(tracepoint);
	tracepoint->process = message_process(maker, process, hit->h.tid);
	tracepoint->parent = message_parent(maker, process);
	if (tracepoint->process)
		tracepoint->process->refcnt = process->refs;
	tracepoint->subsys = (char *)(hook ? hook->subsystem : "UNKNOWN");
	tracepoint->event = (char *)(hook ? hook->event : "UNKNOWN");
	tracepoint->n_args = arguments_new(maker, hit, NULL, &tracepoint->args);
	tracepoint->action = action_of(hit);
	if (hook) {
		tracepoint->policy_name = policy->name;
		if (hook->message)
			tracepoint->message = hook->message;
		tracepoint->tags = hook->tags;
		tracepoint->n_tags = hook->tags_n;
	}
	return tracepoint;
}

Tetragon__GetEventsResponse *message_hit(struct message_maker *maker, const struct process *process,
					 const struct abi_hit *record, const struct policy *policy)
{
	const struct policy_hook *hook = policy && record->hook < policy->hooks ? &policy->hook[record->hook] : NULL;
	Tetragon__GetEventsResponse *event = message_envelope(maker, record->h.ktime);

	if (!event)
		return NULL;
	if (hook && hook->section == POLICY_KPROBES) {
		event->process_kprobe = kprobe_new(maker, process, record, policy, hook);
		event->event_case = TETRAGON__GET_EVENTS_RESPONSE__EVENT_PROCESS_KPROBE;
	} else {
		event->process_tracepoint = tracepoint_new(maker, process, record, policy, hook);
		event->event_case = TETRAGON__GET_EVENTS_RESPONSE__EVENT_PROCESS_TRACEPOINT;
	}
	return maker->failed ? NULL : event;
}
