/* SPDX-License-Identifier: Apache-2.0
 *
 * A VM's run directory, $run/vm/<12 hex>: the truth about what lives.
 *
 *   lock           held (flock) by the monitor for its life: held = the VM lives
 *   monitor.json   pid, start time, boot id, cgroup, sockets elsewhere: how to find and kill it
 *   *.sock         vsock, control, console
 *   paused         is there while the guest is paused
 *   restarts.json  how often, and why, a VM that runs has been started anew
 *   console.log    what the guest printed
 *   exit.json      how a detached VM ended, written whole by the monitor
 *
 * Whoever makes a directory holds the parent's lock (shared) until the new lock is held, and hands
 * the locked descriptor to the monitor; so a directory whose lock can be had is dead, always.
 */
#ifndef HULL_VM_RUNDIR_H
#define HULL_VM_RUNDIR_H

#include "base/error.h"
#include "base/proc.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define HULL_ID_LEN 32	  /* hex digits of a VM's id */
#define HULL_SHORT_LEN 12 /* as shown, and in paths */

/* A fresh one. */
int hull_id_make(char ret_id[HULL_ID_LEN + 1], struct hull_error **err);

/* Twelve hex digits, as directories and control groups are called by. */
bool hull_id_is_short(const char *s);

struct hull_strv;

struct hull_rundir {
	char *path; /* owned */
	char id[HULL_ID_LEN + 1];
	int lock_fd; /* owned; -1 once handed over */
};

/* A new directory for the VM of that id (NULL: a fresh one), its lock held by lock_fd. */
int hull_rundir_create(const char *id, struct hull_rundir *ret_dir, struct hull_error **err);
void hull_rundir_fini(struct hull_rundir *dir); /* leaves the directory */
/* Where the VM of that id has its directory, if it has one; nothing is made.  The caller frees. */
int hull_rundir_find(const char *id, char **ret_path, struct hull_error **err);

/* If nobody holds the lock: kills what is left of the VM (cgroup), removes its sockets at the
 * user's places, and the directory.  A VM
 * that lives is left alone: BUSY.  A directory that is gone is success.  With @keep_exit, one that
 * holds an exit.json is left as it is. */
int hull_rundir_reap(const char *path, bool keep_exit, struct hull_error **err);
/* The same for every directory of this user; returns how many were cleaned up, or -1.  Those
 * that hold an exit.json wait for the verb that asks for them, a day at most. */
int hull_rundir_reap_all(struct hull_error **err);

/* Those that a reap would remove, and whether it would remove this one, or it has gone: 1, 0, -1.
 * Starters are kept out while we look, for microseconds. */
int hull_rundir_list_dead(bool keep_exit, struct hull_strv *ret, struct hull_error **err);
int hull_rundir_is_dead(const char *path, struct hull_error **err);
/* Sockets elsewhere that its monitor has made, if they still are the same: 0 or -errno. */
int hull_rundir_sockets(const char *path, struct hull_strv *ret);

/* Whether the VM lives; false where there is no directory.  Only for who has the VM's lock in the
 * store: a starter must not find the directory's taken. */
bool hull_rundir_held(const char *path);
/* The group of its processes, "" if it has none: 0 or -errno.  The caller frees. */
int hull_rundir_cgroup(const char *path, char **ret);
/* Who its monitor is, or was: 0 or -errno. */
int hull_rundir_monitor(const char *path, struct hull_process_id *ret_id);

struct hull_vm_exit {
	char *reason, *message, *code, *hint; /* owned; not NULL */
	uint64_t at_ns;			      /* CLOCK_REALTIME */
};
/* How it ended, as its monitor has written it down: 0, or -ENOENT where it has not, or -errno. */
int hull_rundir_exit(const char *path, struct hull_vm_exit *ret_exit);
void hull_vm_exit_fini(struct hull_vm_exit *exit);

struct hull_vm_restarts {
	uint64_t n;
	char *reason, *message; /* of the last time; owned; not NULL */
	uint64_t next_at_ns;	/* CLOCK_REALTIME: it is about to happen again; 0: it isn't */
};
/* How often a VM that runs has been started anew: 0, or -ENOENT for never, or -errno. */
int hull_rundir_restarts(const char *path, struct hull_vm_restarts *ret_restarts);
void hull_vm_restarts_fini(struct hull_vm_restarts *restarts);

#endif
