/* SPDX-License-Identifier: Apache-2.0
 *
 * Scope-bound clean-up: the one way this project frees and closes.  Declare with an
 * attribute, initialise at once, hand over with steal_ptr() or steal_fd().
 */
#ifndef HULL_BASE_CLEANUP_H
#define HULL_BASE_CLEANUP_H

#include <errno.h>
#include <stddef.h>
#include <stdlib.h>
#include <unistd.h>

#define ARRAY_SIZE(a) (sizeof(a) / sizeof((a)[0]))
#define MIN(a, b) ((a) < (b) ? (a) : (b))
#define MAX(a, b) ((a) > (b) ? (a) : (b))
#define container_of(ptr, type, member) ((type *)((char *)(ptr)-offsetof(type, member)))

#define cleanup_with(fn) __attribute__((cleanup(fn)))
#define cleanup_free cleanup_with(hull_freep)
#define cleanup_close cleanup_with(hull_closep)

/* Takes the pointer out of @p, leaving NULL, so that its clean-up does nothing. */
#define steal_ptr(p)                        \
	({                                  \
		__typeof__(*(p)) _v = *(p); \
		*(p) = NULL;                \
		_v;                         \
	})

static inline int steal_fd(int *fd)
{
	int v = *fd;

	*fd = -1;
	return v;
}

static inline void hull_freep(void *p)
{
	int saved = errno;

	free(*(void **)p);
	errno = saved;
}

/* Closes and forgets; a negative descriptor is nothing. */
static inline void hull_closep(int *fd)
{
	int saved = errno;

	if (*fd >= 0)
		close(*fd);
	*fd = -1;
	errno = saved;
}

#endif
