/* SPDX-License-Identifier: Apache-2.0
 *
 * Drivers for the devices that a guest has beyond those of every guest: their modules are found by
 * the devices' aliases, where the kernel's are (modprobe.h), and loaded in a child.  Off until it
 * is asked for, and then on for good: devices may appear at any time.
 */
#ifndef HULL_AGENT_COLDPLUG_H
#define HULL_AGENT_COLDPLUG_H

#include "base/error.h"

#include <stddef.h>

struct hull_agent;
struct hull_coldplug;

int hull_coldplug_new(struct hull_agent *a, struct hull_coldplug **ret, struct hull_error **err);

/* Loads what drives the devices that are there.  @done is called once, when no more is to be loaded
 * and @disks disks that aren't virtio's are there, or when that has taken too long, of which the
 * console tells. */
int hull_coldplug_start(struct hull_coldplug *c, size_t disks, void (*done)(void *ctx), void *ctx,
			struct hull_error **err);

#endif
