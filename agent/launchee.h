/* SPDX-License-Identifier: Apache-2.0
 *
 * What the children of launch.c do between fork and exec.  None of these returns.
 */
#ifndef HULL_AGENT_LAUNCHEE_H
#define HULL_AGENT_LAUNCHEE_H

struct hull_launch;

/* Pid 1 of the session: makes the mounts, writes a byte to @ready_fd, reaps. */
_Noreturn void hull_launchee_init(const struct hull_launch *l, int ready_fd, int report_fd);
/* Waits for that byte, joins the mount namespace of @init_fd, executes the program. */
_Noreturn void hull_launchee_program(const struct hull_launch *l, int init_fd, int ready_fd,
				     int report_fd);
/* The agent itself would be in the wrong namespace. */
_Noreturn void hull_launchee_lost(void);

#endif
