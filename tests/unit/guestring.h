/* SPDX-License-Identifier: Apache-2.0
 *
 * The driver's side of a split ring, for tests: one page-aligned piece of memory with a ring at its
 * beginning and room for buffers behind it, at guest address GR_BASE.
 */
#ifndef HULL_TESTS_GUESTRING_H
#define HULL_TESTS_GUESTRING_H

#include "vsock/memory.h"
#include "vsock/ring.h"

#include <assert.h>
#include <linux/virtio_ring.h>
#include <stdlib.h>
#include <string.h>

#define GR_BASE UINT64_C(0x100000)
#define GR_USER UINT64_C(0x7f0000000000)
#define GR_SIZE ((size_t)64 << 10)
#define GR_DESC 0
#define GR_AVAIL 4096
#define GR_USED 8192
#define GR_DATA 16384

struct gr {
	char *memory; /* owned */
	struct hull_memory table;
	struct vring_desc *desc;
	struct vring_avail *avail;
	struct vring_used *used;
	struct hull_ring_where where;
	struct hull_ring ring;
};

static inline void gr_init(struct gr *g, uint32_t num, bool event_idx)
{
	*g = (struct gr){.memory = aligned_alloc(4096, GR_SIZE)};
	assert(g->memory);
	memset(g->memory, 0, GR_SIZE);
	assert(hull_memory_add(&g->table, &(struct hull_memory_region){.guest = GR_BASE,
								       .user = GR_USER,
								       .size = GR_SIZE,
								       .at = g->memory}) == 0);
	g->desc = (struct vring_desc *)(g->memory + GR_DESC);
	g->avail = (struct vring_avail *)(g->memory + GR_AVAIL);
	g->used = (struct vring_used *)(g->memory + GR_USED);
	g->where = (struct hull_ring_where){.desc = GR_USER + GR_DESC,
					    .avail = GR_USER + GR_AVAIL,
					    .used = GR_USER + GR_USED,
					    .num = num,
					    .event_idx = event_idx,
					    .indirect = true};
}

static inline void gr_start(struct gr *g)
{
	int r = hull_ring_start(&g->ring, &g->table, &g->where, 0, NULL);

	assert(r == 0);
	(void)r;
}

static inline void gr_fini(struct gr *g)
{
	free(g->memory);
}

static inline void gr_desc(struct gr *g, uint16_t i, uint64_t addr, uint32_t len, uint16_t flags,
			   uint16_t next)
{
	g->desc[i] = (struct vring_desc){addr, len, flags, next};
}

/* Makes the chain that begins with @head available. */
static inline void gr_offer(struct gr *g, uint16_t head)
{
	g->avail->ring[g->avail->idx & (g->where.num - 1)] = head;
	g->avail->idx++;
}

#endif
