/* SPDX-License-Identifier: Apache-2.0
 *
 * What becomes of a VM whose guest has ended: the policies of its description, and what follows
 * from them.  Pure; src/monitor carries it out.
 */
#ifndef HULL_CONFIG_POLICY_H
#define HULL_CONFIG_POLICY_H

#include "base/error.h"

#include <stdbool.h>
#include <stdint.h>

struct hull_config;

/* A guest that reboots.  Auto: what has been booted from its disks, by firmware, goes on as it does
 * elsewhere; a kernel that the host has given it ends the VM, since one that gives up while it
 * boots looks the same. */
enum hull_on_reboot { HULL_ON_REBOOT_AUTO, HULL_ON_REBOOT_END, HULL_ON_REBOOT_REBOOT };

extern const char *const hull_on_reboot_names[];

/* Whether the machine is reset when its guest asks for it. */
bool hull_policy_reboots(const struct hull_config *config);
/* Whether the policies fit the rest. */
int hull_policy_check(const struct hull_config *config, struct hull_error **err);

#endif
