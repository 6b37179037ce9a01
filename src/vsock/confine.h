/* SPDX-License-Identifier: Apache-2.0
 *
 * What the two processes of hull-vsock give up for good before they serve.
 *
 *   worker    reads what the guest wrote.  Another user if started as root, no capabilities, and no
 *             system call that opens, connects, executes or makes a process.
 *   dialler   connects to the host's sockets, as whoever started it, and makes copies of itself
 * that wait for one.  Of root's capabilities it keeps the one that other users' sockets take.
 */
#ifndef HULL_VSOCK_CONFINE_H
#define HULL_VSOCK_CONFINE_H

#include "base/error.h"

#include <sys/types.h>

/* @parent: ours when we started, whose end is also that of the worker. */
int hull_vsock_confine_worker(uid_t uid, gid_t gid, pid_t parent, struct hull_error **err);
int hull_vsock_confine_dialler(struct hull_error **err);
/* As many descriptors as the host lets us have. */
void hull_vsock_raise_files(void);

#endif
