/* SPDX-License-Identifier: Apache-2.0
 *
 * Waiting, for handles that several threads may wait for at the same time: with nothing locked, for
 * no longer than asked, and until somebody gives up.
 *
 * A handle has one loop, and of those who wait for it one waits for the loop's own descriptor, does
 * what there is to do, and wakes the others: each of them looks whether that was what it waits for,
 * and if not, one of them waits for the loop next.
 */
#ifndef HULL_LIB_TURN_H
#define HULL_LIB_TURN_H

#include "base/loop.h"

#include <hull/vms.h>
#include <pthread.h>
#include <stdbool.h>

struct hull_lib_patience {
	const char *what;			  /* is waited for: for messages */
	uint64_t deadline_ns;			  /* 0: none */
	const struct hull_cancel *cancel, *abort; /* NULL: nobody gives up */
};

/* Until @fd has @events, or has failed: 0; or -1 with TIMEOUT or CANCELED. */
int hull_lib_wait_fd(int fd, short events, const struct hull_lib_patience *patience,
		     struct hull_error **err);
/* Of options; HULL_FOREVER and @default_ms 0 are none. */
uint64_t hull_lib_deadline(uint64_t timeout_ms, uint64_t default_ms);

struct hull_lib_waiter;

struct hull_lib_turns {
	pthread_mutex_t *lock; /* the handle's */
	struct hull_loop *loop;
	bool taken; /* somebody waits for the loop */
	struct hull_lib_waiter *waiters;
};

/* One turn, with the handle locked, but not while it waits: something may have come of it. */
int hull_lib_turn(struct hull_lib_turns *turns, const struct hull_lib_patience *patience,
		  struct hull_error **err);

#endif
