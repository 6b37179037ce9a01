/* SPDX-License-Identifier: Apache-2.0
 *
 * The last bytes of an output: what nobody has read yet, and what is replayed to whoever attaches
 * later.  Positions count all bytes there ever were; those from first to total are kept.
 *
 * Memory grows to the full size only as it is used.
 */
#ifndef HULL_AGENT_RING_H
#define HULL_AGENT_RING_H

#include <stddef.h>
#include <stdint.h>

#define HULL_RING_SIZE ((size_t)64 << 10)

struct hull_ring {
	char *data; /* owned */
	size_t cap; /* a power of two, at most HULL_RING_SIZE */
	uint64_t total;
};

/* Position of the oldest byte kept. */
uint64_t hull_ring_first(const struct hull_ring *r);
/* Where up to *ret_room bytes may be put without overwriting anything from position @keep on
 * (@keep = total: everything may go); NULL and 0 if there is no room or no memory. */
char *hull_ring_reserve(struct hull_ring *r, uint64_t keep, size_t *ret_room);
void hull_ring_commit(struct hull_ring *r, size_t len);
/* The longest piece in one run from position @pos (first to total) on. */
const char *hull_ring_peek(const struct hull_ring *r, uint64_t pos, size_t *ret_len);
void hull_ring_fini(struct hull_ring *r);

#endif
