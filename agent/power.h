/* SPDX-License-Identifier: Apache-2.0
 *
 * The end of the VM: sessions killed, what was said sent, file systems synced, power off.
 */
#ifndef HULL_AGENT_POWER_H
#define HULL_AGENT_POWER_H

#include <stdbool.h>

struct hull_agent;

/* Returns at once; the loop goes on until it happens, 10 s at most. */
void hull_power_off(struct hull_agent *a, bool reboot);

#endif
