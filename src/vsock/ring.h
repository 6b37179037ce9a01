/* SPDX-License-Identifier: Apache-2.0
 *
 * The device's side of a split virtqueue (virtio 1.2, section 2.7) in memory that the guest can
 * change at any time: every index, address and length is read once and checked, chains are bounded,
 * loops end.  A ring that breaks the rules is an error of the guest's; nothing of it is used then.
 *
 *   take: the next chain the guest offers  ─▶  give: it is done  ─▶  publish: the guest sees it
 *
 * Chains are given in the order they were taken.
 */
#ifndef HULL_VSOCK_RING_H
#define HULL_VSOCK_RING_H

#include "base/error.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/uio.h>

struct hull_memory;

#define HULL_RING_NUM_MAX 32768
/* Pieces of memory in a chain.  A packet of 64 KiB in pages, with its header, has 18. */
#define HULL_CHAIN_MAX 128

struct hull_ring_where {
	uint64_t desc, avail, used; /* the hypervisor's addresses */
	uint32_t num;
	bool event_idx, indirect; /* the features that were agreed upon */
};

struct hull_ring {
	uint32_t num; /* 0: not started */
	bool event_idx, indirect;
	void *desc, *avail, *used; /* in the guest's memory */
	uint16_t next_avail;	   /* the next entry to take */
	uint16_t next_used;	   /* the next entry to give, */
	uint16_t published;	   /* and what the guest knows of */
	uint16_t signalled;	   /* what it has been told with an interrupt */
	bool must_signal;	   /* nothing is known of what it has been told */
};

/* Addresses are of the host; a chain's parts that can be read stand before those to be written. */
struct hull_chain {
	uint16_t head;
	size_t n_out, n_in;	/* of @iov: read by the device, written by it */
	size_t out_len, in_len; /* bytes */
	struct iovec iov[HULL_CHAIN_MAX];
};

/* @base: the next entry to take, as hull_ring_stop() told the last time.  Leaves the ring as it was
 * on failure. */
int hull_ring_start(struct hull_ring *r, const struct hull_memory *m,
		    const struct hull_ring_where *where, uint16_t base, struct hull_error **err);
/* The memory is elsewhere now; the ring goes on. */
int hull_ring_move(struct hull_ring *r, const struct hull_memory *m,
		   const struct hull_ring_where *where, struct hull_error **err);
/* Forgets the memory; what was taken and not given counts as not taken. */
uint16_t hull_ring_stop(struct hull_ring *r);

/* 1 and *ret_chain, 0 when there is none, or -1: the guest broke the ring. */
int hull_ring_take(struct hull_ring *r, const struct hull_memory *m, struct hull_chain *ret_chain,
		   struct hull_error **err);
/* The last @n taken were not used after all. */
void hull_ring_untake(struct hull_ring *r, uint16_t n);
/* @len bytes were written into it. */
void hull_ring_give(struct hull_ring *r, uint16_t head, uint32_t len);
/* Whether the guest wants an interrupt for it. */
bool hull_ring_publish(struct hull_ring *r);
/* How many have been given of which the guest does not know. */
uint16_t hull_ring_unpublished(const struct hull_ring *r);
/* Asks to be kicked when there is more.  True: there is already. */
bool hull_ring_want_kick(struct hull_ring *r);
/* It need not kick for a while; it may all the same. */
void hull_ring_no_kick(struct hull_ring *r);

/* Copies @len bytes out of the pieces, from @from on, or into them: how many there were. */
size_t hull_iov_read(const struct iovec *iov, size_t n, size_t from, void *to, size_t len);
size_t hull_iov_write(const struct iovec *iov, size_t n, size_t at, const void *from, size_t len);
/* The pieces of bytes @from to @from + @len: how many, at most @max. */
size_t hull_iov_slice(const struct iovec *iov, size_t n, size_t from, size_t len, struct iovec *ret,
		      size_t max);

#endif
