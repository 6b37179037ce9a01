/* SPDX-License-Identifier: Apache-2.0
 *
 * A control group of the guest per session: what it uses is accounted, what was killed for lack of
 * memory is known.
 */
#ifndef HULL_AGENT_CGROUP_H
#define HULL_AGENT_CGROUP_H

#include <stdbool.h>
#include <stdint.h>

/* Mounts cgroup2 and hands all controllers down.  A kernel without is no error. */
void hull_guest_cgroup_init(void);
/* Descriptor of the new group's directory, or -1: the session goes without. */
int hull_guest_cgroup_create(uint64_t number);
/* How many processes and threads may be in it; 0 or -errno. */
int hull_guest_cgroup_limit_pids(int fd, uint64_t most);
/* The kernel has killed something in it for lack of memory. */
bool hull_guest_cgroup_oom(int fd);
/* When all in it have ended. */
void hull_guest_cgroup_remove(uint64_t number);

#endif
