/* SPDX-License-Identifier: Apache-2.0
 *
 * A control group of the guest per session.  Controllers are switched on when something is to be
 * limited: each would cost every start some milliseconds under emulation.
 */
#ifndef HULL_AGENT_CGROUP_H
#define HULL_AGENT_CGROUP_H

#include <stdint.h>

/* Mounts cgroup2.  A kernel without is no error. */
void hull_guest_cgroup_init(void);
/* Descriptor of the new group's directory, or -1: the session goes without. */
int hull_guest_cgroup_create(uint64_t number);
/* How many processes and threads may be in it; 0 or -errno. */
int hull_guest_cgroup_limit_pids(int fd, uint64_t most);
/* When all in it have ended. */
void hull_guest_cgroup_remove(uint64_t number);

#endif
