/* SPDX-License-Identifier: Apache-2.0
 *
 * The policies of a VM: what becomes of it when its guest has ended, and what it shares with
 * others; and what follows from them.  Pure; src/monitor carries it out.
 */
#ifndef HULL_CONFIG_POLICY_H
#define HULL_CONFIG_POLICY_H

#include "base/error.h"

#include <stdbool.h>
#include <stdint.h>

struct hull_config;
struct hull_fields;

/* A guest that reboots.  Auto: what has been booted from its disks, by firmware, goes on as it does
 * elsewhere; a kernel that the host has given it ends the VM, since one that gives up while it
 * boots looks the same. */
enum hull_on_reboot { HULL_ON_REBOOT_AUTO, HULL_ON_REBOOT_END, HULL_ON_REBOOT_REBOOT };

extern const char *const hull_on_reboot_names[];

/* What a VM may have in common with others of its user.  Strict: nothing: it is booted cold, never
 * restored from what others started from, and the kernel doesn't merge equal pages of its memory
 * with theirs, by which they could be told apart or attacked. */
enum hull_isolation { HULL_ISOLATION_NORMAL, HULL_ISOLATION_STRICT };

extern const char *const hull_isolation_names[];

/* A VM that has ended by itself once it had been ready.  On-failure: unless its guest has powered
 * off or rebooted.  Nobody starts one anew that was stopped on request. */
enum hull_restart_policy { HULL_RESTART_NO, HULL_RESTART_ON_FAILURE, HULL_RESTART_ALWAYS };
struct hull_restart {
	enum hull_restart_policy policy;
	uint64_t max; /* so often; 0: no limit */
};

extern const char *const hull_restart_policy_names[];
extern const struct hull_fields hull_restart_fields;

/* Whether the machine is reset when its guest asks for it. */
bool hull_policy_reboots(const struct hull_config *config);
/* Whether a VM that has ended for @reason, as exit.json names it, and has been started anew @done
 * times, is so again. */
bool hull_policy_restarts(const struct hull_restart *restart, const char *reason, uint64_t done);
/* From its end to its start, for the nth time, from 0, since it was up for HULL_POLICY_CALM_MS. */
uint64_t hull_policy_delay_ms(unsigned int n);
#define HULL_POLICY_CALM_MS 10000
/* "no", "on-failure[:MAX]", "always" */
int hull_policy_parse_restart(const char *text, struct hull_restart *ret, struct hull_error **err);
/* Whether the policies fit the rest. */
int hull_policy_check(const struct hull_config *config, struct hull_error **err);

#endif
