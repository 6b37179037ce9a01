/* SPDX-License-Identifier: Apache-2.0
 *
 * A listening socket on a loop.  While no descriptor is to be had for a connection, it waits in the
 * kernel's queue, and the loop sleeps: without that, a socket that can't be emptied would keep it
 * running.
 */
#ifndef HULL_BASE_LISTEN_H
#define HULL_BASE_LISTEN_H

#include "base/loop.h"

struct hull_listener;

/* How long before the next try; that there are descriptors again nobody tells. */
#define HULL_LISTEN_PAUSE_MS 100

/* Owns @fd, also on failure.  @accepted takes over each connection, which does not block.  0 or
 * -errno. */
int hull_listener_new(struct hull_loop *loop, int fd, void (*accepted)(void *ctx, int fd),
		      void *ctx, struct hull_listener **ret_listener);
/* NULL is fine; not from within @accepted. */
void hull_listener_free(struct hull_listener *listener);

#endif
