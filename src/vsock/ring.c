/* SPDX-License-Identifier: Apache-2.0
 *
 * Split rings, see ring.h.
 */
#define _GNU_SOURCE
#include "vsock/ring.h"

#include "base/cleanup.h"
#include "vsock/memory.h"

#include <assert.h>
#include <endian.h>
#include <inttypes.h>
#include <linux/virtio_ring.h>
#include <string.h>

static_assert(sizeof(struct vring_desc) == 16, "as on the wire");

/* The compiler may not look at the guest's memory again for what has been copied out of it. */
#define copied() __asm__ volatile("" : : : "memory")

static uint16_t load16(const void *at)
{
	return le16toh(__atomic_load_n((const uint16_t *)at, __ATOMIC_ACQUIRE));
}

static void store16(void *at, uint16_t value)
{
	__atomic_store_n((uint16_t *)at, htole16(value), __ATOMIC_RELEASE);
}

/* ---- where things are ---- */

static struct vring_avail *avail_of(const struct hull_ring *r)
{
	return r->avail;
}

static struct vring_used *used_of(const struct hull_ring *r)
{
	return r->used;
}

/* The guest: "interrupt me when this entry has been published". */
static void *used_event(const struct hull_ring *r)
{
	return &avail_of(r)->ring[r->num];
}

/* The device: "kick me when this entry is available". */
static void *avail_event(const struct hull_ring *r)
{
	return &used_of(r)->ring[r->num];
}

static void *find(const struct hull_memory *m, uint64_t user, uint64_t len, uint64_t align,
		  const char *what, struct hull_error **err)
{
	char *at = hull_memory_at_user(m, user, len);

	if (at && (uintptr_t)at % align == 0)
		return at;
	hull_fail(err, HULL_E_INVALID, "the ring's %s at %#" PRIx64 " (%" PRIu64 " bytes) %s", what,
		  user, len, at ? "is not aligned" : "lies outside of the guest's memory");
	return NULL;
}

static int locate(struct hull_ring *r, const struct hull_memory *m,
		  const struct hull_ring_where *where, struct hull_error **err)
{
	const uint64_t n = where->num;
	void *desc, *avail, *used;

	if (!n || n > HULL_RING_NUM_MAX || n & (n - 1))
		return hull_fail(err, HULL_E_INVALID, "a ring of %" PRIu64 " entries", n);
	desc = find(m, where->desc, n * sizeof(struct vring_desc), 16, "descriptor table", err);
	if (!desc)
		return -1;
	avail = find(m, where->avail, sizeof(struct vring_avail) + (n + 1) * 2, 2, "driver area",
		     err);
	if (!avail)
		return -1;
	used = find(m, where->used,
		    sizeof(struct vring_used) + n * sizeof(struct vring_used_elem) + 2, 4,
		    "device area", err);
	if (!used)
		return -1;
	r->desc = desc;
	r->avail = avail;
	r->used = used;
	r->num = where->num;
	return 0;
}

int hull_ring_start(struct hull_ring *r, const struct hull_memory *m,
		    const struct hull_ring_where *where, uint16_t base, struct hull_error **err)
{
	struct hull_ring new = {.event_idx = where->event_idx, .indirect = where->indirect};

	if (locate(&new, m, where, err) < 0)
		return -1;
	new.next_avail = base;
	/* The guest has seen all of what it was given by the time it starts a ring again. */
	new.next_used = new.published = load16(&used_of(&new)->idx);
	new.must_signal = true;
	*r = new;
	return 0;
}

int hull_ring_move(struct hull_ring *r, const struct hull_memory *m,
		   const struct hull_ring_where *where, struct hull_error **err)
{
	return locate(r, m, where, err);
}

uint16_t hull_ring_stop(struct hull_ring *r)
{
	uint16_t base = r->next_avail;

	*r = (struct hull_ring){.num = 0};
	return base;
}

/* ---- taking ---- */

static int broken(struct hull_error **err, const char *what, uint64_t number)
{
	return hull_fail_cause(err, HULL_E_INVALID, "broken-ring", "%s (%" PRIu64 ")", what,
			       number);
}

/* One piece of the chain, which may lie in several regions. */
static int add_piece(const struct hull_memory *m, const struct vring_desc *d,
		     struct hull_chain *chain, struct hull_error **err)
{
	bool in = d->flags & VRING_DESC_F_WRITE;
	uint64_t addr = d->addr, left = d->len, part = 0;

	if (!in && chain->n_in)
		return broken(err, "a piece to be read after one to be written", chain->head);
	if (addr > UINT64_MAX - left)
		return broken(err, "a piece beyond all addresses", addr);
	for (; left; left -= part, addr += part) {
		size_t n = chain->n_out + chain->n_in;
		char *at = hull_memory_part(m, addr, left, &part);

		if (!at)
			return broken(err, "a piece outside of the guest's memory", addr);
		if (n == HULL_CHAIN_MAX)
			return broken(err, "a chain of too many pieces", n);
		chain->iov[n] = (struct iovec){at, part};
		if (in)
			chain->n_in++;
		else
			chain->n_out++;
	}
	*(in ? &chain->in_len : &chain->out_len) += d->len;
	return 0;
}

static struct vring_desc read_desc(const char *table, uint32_t i)
{
	struct vring_desc d;

	memcpy(&d, table + (size_t)i * sizeof(d), sizeof(d));
	copied();
	return (struct vring_desc){.addr = le64toh(d.addr),
				   .len = le32toh(d.len),
				   .flags = le16toh(d.flags),
				   .next = le16toh(d.next)};
}

/* Follows the chain from entry @i of @table.  *ret_indirect: the one that leads elsewhere, if there
 * is one; then the chain ends with it. */
static int follow(const struct hull_memory *m, const char *table, uint32_t num, uint32_t i,
		  struct hull_chain *chain, struct vring_desc *ret_indirect,
		  struct hull_error **err)
{
	struct vring_desc d;

	for (uint32_t steps = 0;; steps++) {
		if (i >= num)
			return broken(err, "a descriptor that does not exist", i);
		if (steps == HULL_CHAIN_MAX)
			return broken(err, "a chain without end", chain->head);
		d = read_desc(table, i);
		if (d.flags & VRING_DESC_F_INDIRECT) {
			if (!ret_indirect || d.flags & VRING_DESC_F_NEXT)
				return broken(err, "a misplaced indirect descriptor", i);
			*ret_indirect = d;
			return 0;
		}
		if (add_piece(m, &d, chain, err) < 0)
			return -1;
		if (!(d.flags & VRING_DESC_F_NEXT))
			return 0;
		i = d.next;
	}
}

static int read_chain(const struct hull_ring *r, const struct hull_memory *m,
		      struct hull_chain *chain, struct hull_error **err)
{
	struct vring_desc indirect = {.flags = 0};
	const char *table;

	if (follow(m, r->desc, r->num, chain->head, chain, r->indirect ? &indirect : NULL, err) < 0)
		return -1;
	if (!indirect.flags)
		return 0;
	if (!indirect.len || indirect.len % sizeof(struct vring_desc))
		return broken(err, "an indirect table of no whole descriptors", indirect.len);
	table = hull_memory_at(m, indirect.addr, indirect.len);
	if (!table)
		return broken(err, "an indirect table outside of the guest's memory",
			      indirect.addr);
	return follow(m, table, indirect.len / sizeof(struct vring_desc), 0, chain, NULL, err);
}

int hull_ring_take(struct hull_ring *r, const struct hull_memory *m, struct hull_chain *ret_chain,
		   struct hull_error **err)
{
	uint16_t ready = (uint16_t)(load16(&avail_of(r)->idx) - r->next_avail);

	if (!ready)
		return 0;
	if (ready > r->num)
		return broken(err, "more is available than the ring holds", ready);
	ret_chain->head = load16(&avail_of(r)->ring[r->next_avail & (r->num - 1)]);
	ret_chain->n_out = ret_chain->n_in = 0;
	ret_chain->out_len = ret_chain->in_len = 0;
	if (read_chain(r, m, ret_chain, err) < 0)
		return -1;
	r->next_avail++;
	return 1;
}

void hull_ring_untake(struct hull_ring *r, uint16_t n)
{
	r->next_avail = (uint16_t)(r->next_avail - n);
}

/* ---- giving ---- */

void hull_ring_give(struct hull_ring *r, uint16_t head, uint32_t len)
{
	struct vring_used_elem *e = &used_of(r)->ring[r->next_used & (r->num - 1)];

	*e = (struct vring_used_elem){.id = htole32(head), .len = htole32(len)};
	r->next_used++;
}

bool hull_ring_publish(struct hull_ring *r)
{
	uint16_t old = r->signalled, new = r->next_used;
	bool first = r->must_signal;

	if (r->published == new)
		return false;
	store16(&used_of(r)->idx, new);
	r->published = new;
	/* The guest writes what it wants to be told, then looks at the index: the other way round.
	 */
	__atomic_thread_fence(__ATOMIC_SEQ_CST);
	if (!r->event_idx)
		return !(load16(&avail_of(r)->flags) & VRING_AVAIL_F_NO_INTERRUPT);
	r->must_signal = false;
	r->signalled = new;
	return first || vring_need_event(load16(used_event(r)), new, old);
}

uint16_t hull_ring_unpublished(const struct hull_ring *r)
{
	return (uint16_t)(r->next_used - r->published);
}

bool hull_ring_want_kick(struct hull_ring *r)
{
	if (r->event_idx)
		store16(avail_event(r), r->next_avail);
	else
		store16(&used_of(r)->flags, 0);
	__atomic_thread_fence(__ATOMIC_SEQ_CST);
	return load16(&avail_of(r)->idx) != r->next_avail;
}

void hull_ring_no_kick(struct hull_ring *r)
{
	/* With event indices it says nothing again before all of the ring has gone round. */
	if (!r->event_idx)
		store16(&used_of(r)->flags, VRING_USED_F_NO_NOTIFY);
}

/* ---- pieces ---- */

size_t hull_iov_slice(const struct iovec *iov, size_t n, size_t from, size_t len, struct iovec *ret,
		      size_t max)
{
	size_t k = 0;

	for (size_t i = 0; i < n && len && k < max; i++) {
		size_t take;

		if (from >= iov[i].iov_len) {
			from -= iov[i].iov_len;
			continue;
		}
		take = MIN(len, iov[i].iov_len - from);
		ret[k++] = (struct iovec){(char *)iov[i].iov_base + from, take};
		len -= take;
		from = 0;
	}
	return k;
}

size_t hull_iov_read(const struct iovec *iov, size_t n, size_t from, void *to, size_t len)
{
	struct iovec part;
	size_t done = 0;

	for (; hull_iov_slice(iov, n, from + done, len - done, &part, 1); done += part.iov_len)
		memcpy((char *)to + done, part.iov_base, part.iov_len);
	copied();
	return done;
}

size_t hull_iov_write(const struct iovec *iov, size_t n, size_t at, const void *from, size_t len)
{
	struct iovec part;
	size_t done = 0;

	for (; hull_iov_slice(iov, n, at + done, len - done, &part, 1); done += part.iov_len)
		memcpy(part.iov_base, (const char *)from + done, part.iov_len);
	return done;
}
