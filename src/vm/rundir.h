/* SPDX-License-Identifier: Apache-2.0
 *
 * A VM's run directory, $run/vm/<12 hex>: the truth about what lives.
 *
 *   lock           held (flock) by the monitor for its life: held = the VM lives
 *   monitor.json   pid, start time, boot id, cgroup, sockets elsewhere: how to find and kill it
 *   *.sock         vsock, control, console
 *   console.log    what the guest printed
 *   exit.json      how a detached VM ended, written whole by the monitor
 *
 * Whoever makes a directory holds the parent's lock (shared) until the new lock is held, and hands
 * the locked descriptor to the monitor; so a directory whose lock can be had is dead, always.
 */
#ifndef HULL_VM_RUNDIR_H
#define HULL_VM_RUNDIR_H

#include "base/error.h"

#include <stdbool.h>
#include <stddef.h>

#define HULL_ID_LEN 32	  /* hex digits of a VM's id */
#define HULL_SHORT_LEN 12 /* as shown, and in paths */

struct hull_rundir {
	char *path; /* owned */
	char id[HULL_ID_LEN + 1];
	int lock_fd; /* owned; -1 once handed over */
};

/* A new directory with a fresh id, its lock held by lock_fd. */
int hull_rundir_create(struct hull_rundir *ret_dir, struct hull_error **err);
void hull_rundir_fini(struct hull_rundir *dir); /* leaves the directory */

/* If nobody holds the lock: kills what is left of the VM (cgroup), removes its sockets at the
 * user's places, and the directory.  A VM
 * that lives is left alone: BUSY.  A directory that is gone is success.  With @keep_exit, one that
 * holds an exit.json is left as it is. */
int hull_rundir_reap(const char *path, bool keep_exit, struct hull_error **err);
/* The same for every directory of this user; returns how many were cleaned up, or -1.  Those
 * that hold an exit.json wait for the verb that asks for them, a day at most. */
int hull_rundir_reap_all(struct hull_error **err);

#endif
