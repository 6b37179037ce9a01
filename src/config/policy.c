/* SPDX-License-Identifier: Apache-2.0
 *
 * The policies of policy.h.
 */
#define _GNU_SOURCE
#include "config/policy.h"

#include "base/cleanup.h"
#include "config/config.h"

#include <assert.h>

const char *const hull_on_reboot_names[] = {"auto", "end", "reboot", NULL};
static_assert(ARRAY_SIZE(hull_on_reboot_names) == HULL_ON_REBOOT_REBOOT + 2,
	      "one name for each value");

bool hull_policy_reboots(const struct hull_config *c)
{
	if (c->on_reboot != HULL_ON_REBOOT_AUTO)
		return c->on_reboot == HULL_ON_REBOOT_REBOOT;
	return c->firmware.kind != HULL_FIRMWARE_NONE && c->gdb.kind == HULL_GDB_NONE;
}

/* A debugger would have to let the guest go on each time, and nobody knows whether there still is
 * one. */
int hull_policy_check(const struct hull_config *c, struct hull_error **err)
{
	if (c->on_reboot == HULL_ON_REBOOT_REBOOT && c->gdb.kind != HULL_GDB_NONE)
		return hull_fail(err, HULL_E_INVALID,
				 "on_reboot: a guest under a debugger ends when it reboots");
	return 0;
}
