/* SPDX-License-Identifier: Apache-2.0 */
/*
 * tests/kernel/tenant.h: what runs inside the containers: gate_test is one of their programs, "gate_test tenant VERB
 * ARGUMENT…". Cgroups are seen at /cg. A tenant that gets away with the forbidden call prints "survived".
 */
#ifndef TENANT_H
#define TENANT_H

/* `argv` begins with VERB. Returns the exit status; 96: no such verb. */
int tenant_run(char **argv);

#endif
