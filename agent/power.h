/* SPDX-License-Identifier: Apache-2.0
 *
 * The end of the VM: sessions asked to end, then killed, what was said sent, file systems synced,
 * power off.
 */
#ifndef HULL_AGENT_POWER_H
#define HULL_AGENT_POWER_H

#include <stdbool.h>
#include <stdint.h>

struct hull_agent;

/* Returns at once; the loop goes on until it happens, 10 s at most after @grace_ns, in which the
 * programs that run are asked to end (SIGTERM) and may do so. */
void hull_power_off(struct hull_agent *a, bool reboot, uint64_t grace_ns);
/* After programs have ended: the last one needs no more grace. */
void hull_power_settle(struct hull_agent *a);
/* After each turn of the loop: the power goes when all has been said. */
void hull_power_turn(struct hull_agent *a);

#endif
