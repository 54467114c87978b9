/* SPDX-License-Identifier: Apache-2.0 */
/* Pieces of policies for the tests' tables. Flow style keeps a case on one line. */
#ifndef POLICY_TEXT_H
#define POLICY_TEXT_H

#define API "apiVersion: cilium.io/v1alpha1\n"
#define CLUSTER API "kind: TracingPolicy\nmetadata: {name: p}\n"
#define NAMESPACED API "kind: TracingPolicyNamespaced\nmetadata: {name: p, namespace: a}\n"
#define SPEC(text) CLUSTER "spec: {" text "}\n"
#define KPROBES(text) CLUSTER "spec:\n  kprobes:\n" text
#define KPROBE(text) KPROBES("  - {" text "}\n")
#define LSEEK(text) KPROBE("call: sys_lseek, " text)
#define TRACEPOINT(subsystem, event, text) \
	CLUSTER "spec:\n  tracepoints:\n  - {subsystem: " subsystem ", event: " event text "}\n"
#define SELECTOR(text) LSEEK("args: [{index: 1, type: int64}], selectors: [{" text "}]")
#define MATCH(text) SELECTOR("matchArgs: [{" text "}]")
#define ACTIONS_OF(text) SELECTOR("matchActions: [" text "]")
#define FILTER(type, operator, values)                            \
	LSEEK("args: [{index: 1, type: " type "}], selectors: [{" \
	      "matchArgs: [{index: 1, operator: "                 \
	      operator", values: [" values "]}]}]")

#define X10(text) text text text text text text text text text text
#define X50(text) X10(text) X10(text) X10(text) X10(text) X10(text)

#endif
