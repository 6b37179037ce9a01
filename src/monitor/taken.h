/* SPDX-License-Identifier: Apache-2.0
 *
 * Whether whoever holds the other end of a socket pair has begun to read.  Something is sent first
 * that it has to take; the kernel tells when it has.  For programs that don't say when they are up.
 */
#ifndef HULL_MONITOR_TAKEN_H
#define HULL_MONITOR_TAKEN_H

#include "base/loop.h"

struct hull_taken;

/* Sends @len bytes, at most some kilobytes, down @fd, a fresh end of a stream; then others may use
 * it.  @fn is called once, from the loop, when they have been taken; never if the other end closes
 * before.  0 or -errno. */
int hull_taken_new(struct hull_loop *loop, int fd, const void *data, size_t len,
		   void (*fn)(void *ctx), void *ctx, struct hull_taken **ret);
/* NULL is fine. */
void hull_taken_free(struct hull_taken *t);
static inline void hull_taken_freep(struct hull_taken **t)
{
	hull_taken_free(*t);
}

#endif
