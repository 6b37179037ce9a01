/* SPDX-License-Identifier: Apache-2.0
 *
 * What a VM is going to need whatever it is told, done while the host is still being greeted: that
 * takes some twenty milliseconds in which this CPU often waits.  A forked child loads the modules
 * of the devices that are there and raises the loopback interface.
 */
#ifndef HULL_AGENT_EARLY_H
#define HULL_AGENT_EARLY_H

struct hull_agent;

void hull_early_start(struct hull_agent *a);
/* Blocks until it is done; the first call's affair only. */
void hull_early_wait(struct hull_agent *a);

#endif
