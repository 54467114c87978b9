/* SPDX-License-Identifier: Apache-2.0 */
/* tests/kernel/gate.h: the rows of gate_test, a file for each concern. */
#ifndef GATE_H
#define GATE_H

struct bed;

void gate_places(struct bed *bed);  /* children, nested, moved, announced */
void gate_running(struct bed *bed); /* found running, lost marks */
void gate_hostile(struct bed *bed); /* what a tenant tries */
void gate_events(struct bed *bed);  /* the ring buffer */
void gate_pins(struct bed *bed);    /* what outlives an agent; closes the sensor for good */

#endif
