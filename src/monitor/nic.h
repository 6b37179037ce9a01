/* SPDX-License-Identifier: Apache-2.0
 *
 * What the network devices of the description's list send their frames to: the socket of a helper
 * that runs already, or one that the starter has handed down.
 */
#ifndef HULL_MONITOR_NIC_H
#define HULL_MONITOR_NIC_H

#include "base/error.h"
#include "config/config.h"

/* Of devices[index].  @handed: what the starter has opened for it, borrowed; -1: nothing.  A
 * descriptor, connected, or -1. */
int hull_nic_open(const struct hull_config *config, size_t index, int handed,
		  struct hull_error **err);

#endif
