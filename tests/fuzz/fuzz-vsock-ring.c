/* SPDX-License-Identifier: Apache-2.0
 *
 * Arbitrary bytes as a guest's memory with a ring in it: whatever is taken lies within that memory,
 * and every walk ends.
 *
 * Input: a byte (bit 0: event indices, bits 1 to 3: the ring's size), then "offset, length, bytes"
 * groups that overlay the memory.
 */
#include "../unit/guestring.h"
#include "base/cleanup.h"

#include <stdint.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

#define CHAINS_MAX 300

static void overlay(struct gr *g, const uint8_t *p, size_t len)
{
	while (len > 3) {
		size_t at = p[0] | (size_t)p[1] << 8, n = p[2];

		p += 3;
		len -= 3;
		n = MIN(n, len);
		n = MIN(n, GR_SIZE - at);
		memcpy(g->memory + at, p, n);
		p += n;
		len -= n;
	}
}

static void check_chain(const struct gr *g, const struct hull_chain *c)
{
	uint64_t out = 0, in = 0;

	assert(c->n_out + c->n_in <= HULL_CHAIN_MAX);
	for (size_t i = 0; i < c->n_out + c->n_in; i++) {
		const char *at = c->iov[i].iov_base;

		assert(c->iov[i].iov_len && at >= g->memory &&
		       c->iov[i].iov_len <= (size_t)(g->memory + GR_SIZE - at));
		*(i < c->n_out ? &out : &in) += c->iov[i].iov_len;
	}
	assert(out == c->out_len && in == c->in_len);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	struct hull_chain c;
	struct gr g;
	int r = 1;

	if (!len)
		return 0;
	gr_init(&g, 1u << (data[0] >> 1 & 7), data[0] & 1);
	overlay(&g, data + 1, len - 1);
	gr_start(&g);
	for (int i = 0; i < CHAINS_MAX && r > 0; i++) {
		cleanup_error struct hull_error *err = NULL;
		uint8_t header[44];

		r = hull_ring_take(&g.ring, &g.table, &c, &err);
		assert((r < 0) == (err != NULL));
		if (r <= 0)
			break;
		check_chain(&g, &c);
		(void)hull_iov_read(c.iov, c.n_out, 0, header, sizeof(header));
		(void)hull_iov_write(c.iov + c.n_out, c.n_in, 3, header, sizeof(header));
		hull_ring_give(&g.ring, c.head, (uint32_t)c.in_len);
		(void)hull_ring_publish(&g.ring);
		(void)hull_ring_want_kick(&g.ring);
	}
	gr_fini(&g);
	return 0;
}
