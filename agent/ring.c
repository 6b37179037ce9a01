/* SPDX-License-Identifier: Apache-2.0
 *
 * The output ring.
 */
#include "agent/ring.h"

#include "base/cleanup.h"

#include <stdlib.h>

#define RING_START ((size_t)4 << 10)

uint64_t hull_ring_first(const struct hull_ring *r)
{
	return r->total > r->cap ? r->total - r->cap : 0;
}

/* Only at the moment before it would wrap for the first time: then growing is a realloc.  Without
 * memory it stays as it is. */
static void grow(struct hull_ring *r)
{
	size_t cap = r->cap ? r->cap * 2 : RING_START;
	char *p;

	if (r->cap == HULL_RING_SIZE || r->total != r->cap)
		return;
	p = realloc(r->data, cap);
	if (!p)
		return;
	r->data = p;
	r->cap = cap;
}

char *hull_ring_reserve(struct hull_ring *r, uint64_t keep, size_t *ret_room)
{
	size_t at, used = (size_t)(r->total - keep);

	grow(r);
	if (used >= r->cap) {
		*ret_room = 0;
		return NULL;
	}
	at = (size_t)(r->total & (r->cap - 1));
	*ret_room = MIN(r->cap - at, r->cap - used);
	return r->data + at;
}

void hull_ring_commit(struct hull_ring *r, size_t len)
{
	r->total += len;
}

const char *hull_ring_peek(const struct hull_ring *r, uint64_t pos, size_t *ret_len)
{
	size_t at;

	if (pos >= r->total) {
		*ret_len = 0;
		return NULL;
	}
	at = (size_t)(pos & (r->cap - 1));
	*ret_len = (size_t)MIN(r->total - pos, (uint64_t)(r->cap - at));
	return r->data + at;
}

void hull_ring_fini(struct hull_ring *r)
{
	free(r->data);
	*r = (struct hull_ring){0};
}
