/* SPDX-License-Identifier: Apache-2.0
 *
 * The catalogue of this user's VMs, an SQLite database: what each is made of, in which state its
 * last verb left it, who holds what, what happened.  It is a catalogue only: what lives is
 * told by the run directories (vm/rundir.h).  No SQL outside this directory.
 *
 * A transaction lasts for microseconds and never spans an effect; whoever finds the database
 * locked waits for ten seconds at most, and not beyond the handle's deadline.  A handle belongs to
 * one thread at a time.
 */
#ifndef HULL_STORE_STORE_H
#define HULL_STORE_STORE_H

#include "base/error.h"

#include <stdbool.h>
#include <stdint.h>

struct hull_store;

/* The database in @dir, made if missing.  CORRUPT: damaged; UNSUPPORTED: of a newer hull, or on a
 * file system over the network; nothing is changed then. */
int hull_store_open(const char *dir, uint64_t deadline_ns, struct hull_store **ret_store,
		    struct hull_error **err);
void hull_store_close(struct hull_store *store);
static inline void hull_store_closep(struct hull_store **store)
{
	hull_store_close(*store);
	*store = NULL;
}
#define cleanup_store __attribute__((cleanup(hull_store_closep)))

/* Until when calls wait for other processes (CLOCK_MONOTONIC); 0: ten seconds each. */
void hull_store_set_deadline(struct hull_store *store, uint64_t deadline_ns);
/* Differs from an earlier answer if anybody has changed something since. */
int hull_store_version(struct hull_store *store, uint64_t *ret_version, struct hull_error **err);

/* A descriptor, the caller's, that can be read when something may have changed or is just about to:
 * its bytes mean nothing.  -1 on failure. */
int hull_store_watch(struct hull_store *store, struct hull_error **err);

/* ---- the lock of a VM ----
 *
 * Held by whoever changes a VM, from before the intent is recorded until after the outcome is; the
 * kernel gives it back when the holder dies.  One byte of a file stands for each VM. */
struct hull_store_lock {
	int fd; /* owned; -1: not held */
};
/* 0, -EAGAIN if somebody else holds it, or -errno.  Never waits. */
int hull_store_try_lock(struct hull_store *store, const char *id, struct hull_store_lock *ret_lock);
void hull_store_unlock(struct hull_store_lock *lock);

#endif
