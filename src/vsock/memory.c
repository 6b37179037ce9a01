/* SPDX-License-Identifier: Apache-2.0
 *
 * Looking up addresses, see memory.h.  Sums are never formed before it is known that they fit.
 */
#define _GNU_SOURCE
#include "vsock/memory.h"

#include "base/cleanup.h"

#include <errno.h>
#include <stdbool.h>

/* Whether the ranges share a byte; neither wraps. */
static bool overlap(uint64_t a, uint64_t a_len, uint64_t b, uint64_t b_len)
{
	return a < b ? b - a < a_len : a - b < b_len;
}

int hull_memory_add(struct hull_memory *m, const struct hull_memory_region *region)
{
	if (!region->size || region->size > SIZE_MAX / 2 ||
	    region->guest > UINT64_MAX - region->size || region->user > UINT64_MAX - region->size)
		return -EINVAL;
	for (size_t i = 0; i < m->n; i++)
		if (overlap(region->guest, region->size, m->v[i].guest, m->v[i].size) ||
		    overlap(region->user, region->size, m->v[i].user, m->v[i].size))
			return -EINVAL;
	if (m->n == HULL_MEMORY_REGIONS_MAX)
		return -ENOSPC;
	m->v[m->n++] = *region;
	return 0;
}

int hull_memory_remove(struct hull_memory *m, const struct hull_memory_region *like,
		       struct hull_memory_region *ret_region)
{
	for (size_t i = 0; i < m->n; i++) {
		const struct hull_memory_region r = m->v[i];

		if (r.guest != like->guest || r.user != like->user || r.size != like->size)
			continue;
		m->v[i] = m->v[--m->n];
		*ret_region = r;
		return 0;
	}
	return -ENOENT;
}

char *hull_memory_part(const struct hull_memory *m, uint64_t guest, uint64_t len, uint64_t *ret_len)
{
	for (size_t i = 0; i < m->n; i++) {
		const struct hull_memory_region *r = &m->v[i];

		if (guest < r->guest || guest - r->guest >= r->size)
			continue;
		*ret_len = MIN(len, r->size - (guest - r->guest));
		return r->at + (guest - r->guest);
	}
	return NULL;
}

char *hull_memory_at(const struct hull_memory *m, uint64_t guest, uint64_t len)
{
	uint64_t part = 0;
	char *at = hull_memory_part(m, guest, len, &part);

	return at && part == len ? at : NULL;
}

char *hull_memory_at_user(const struct hull_memory *m, uint64_t user, uint64_t len)
{
	for (size_t i = 0; i < m->n; i++) {
		const struct hull_memory_region *r = &m->v[i];

		if (user >= r->user && user - r->user < r->size &&
		    len <= r->size - (user - r->user))
			return r->at + (user - r->user);
	}
	return NULL;
}
