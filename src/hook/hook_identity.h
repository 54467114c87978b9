/* SPDX-License-Identifier: Apache-2.0 */
/* src/hook/hook_identity.h: who the container is by the identity flags (--pod-namespace, --pod-uid, …). */
#ifndef HOOK_HOOK_IDENTITY_H
#define HOOK_HOOK_IDENTITY_H

#include "hook/hook_options.h"
#include "oci/identity.h"

/*
 * Flags are the word of the runtime, through its NRI plugin: what a tenant wrote into annotations counts no more. Sets
 * the members that a flag tells; spans of the configuration.
 */
void hook_identity_told(const struct hook_conf *conf, struct identity *identity);

#endif
