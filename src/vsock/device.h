/* SPDX-License-Identifier: Apache-2.0
 *
 * The virtio socket device (virtio 1.2, section 5.10): connections, credit, and how they begin and
 * end.  No I/O: packets of the guest and events of the host come in, packets for the guest are
 * asked for, and what is to be done on the host is called.  Streams only.
 *
 *   guest dials:  REQUEST ─▶ DIALLING ─hull_vsock_dialled─▶ OPEN (RESPONSE), or reset (RST)
 *   host dials:   hull_vsock_dial ─▶ ASKING (REQUEST) ─RESPONSE─▶ OPEN, ops.accepted
 *
 *   OPEN    each direction ends by itself: SHUTDOWN of the guest ─▶ ops.shutdown, once what it had
 *           sent is with the host; hull_vsock_eof() ─▶ SHUTDOWN to the guest.  One that has been
 *           told the end of both directions answers with RST, or is reset after a while.
 *   RESET   an RST waits for room in the guest's ring; packets of the guest's are not looked at.
 *   GONE    no longer the guest's; the host may still have bytes to take.
 *
 * A connection is freed once it is neither the guest's nor the host's: ops.close, or one of the
 * host's last words (hull_vsock_reset(), hull_vsock_gone()).
 *
 * Bounds: HULL_VSOCK_CONNS_MAX connections, of which the guest can make all but
 * HULL_VSOCK_CONNS_KEPT; of each as many bytes are kept for the host as the guest was promised room
 * for; HULL_VSOCK_REPLIES_MAX answers to packets of no connection, beyond which no packet is taken.
 */
#ifndef HULL_VSOCK_DEVICE_H
#define HULL_VSOCK_DEVICE_H

#include <linux/virtio_vsock.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>
#include <sys/uio.h>

#define HULL_VSOCK_HOST_CID 2
#define HULL_VSOCK_CONNS_MAX 1024
#define HULL_VSOCK_CONNS_KEPT 128
#define HULL_VSOCK_REPLIES_MAX 256
/* What a connection may have on its way to the host: much while there are few, and the least, which
 * they all have for sure, once those with more have HULL_VSOCK_ROOM_ALL together. */
#define HULL_VSOCK_ROOM ((uint32_t)1 << 20)
#define HULL_VSOCK_ROOM_LESS ((uint32_t)256 << 10)
#define HULL_VSOCK_ROOM_LEAST ((uint32_t)64 << 10)
#define HULL_VSOCK_ROOM_ALL ((size_t)32 << 20)
/* hull_vsock_expire() is to be called as often, while hull_vsock_is_leaving(): so a guest has
 * between once and twice this time to answer the end of a connection.  Linux gives 8 seconds. */
#define HULL_VSOCK_LEAVE_MS 4000
/* As many bytes go to one connection before it is another's turn. */
#define HULL_VSOCK_TURN ((size_t)64 << 10)
/* Ports of the host's end of connections that it makes. */
#define HULL_VSOCK_FIRST_PORT (UINT32_C(1) << 30)

struct hull_vsock;
struct hull_vsock_conn;

struct hull_vsock_ops {
	/* The guest dials @port; hull_vsock_dialled() follows, not from in here.  < 0: refused. */
	int (*dial)(void *ctx, struct hull_vsock_conn *c, uint32_t port);
	/* The guest has answered what the host dialled. */
	void (*accepted)(void *ctx, struct hull_vsock_conn *c);
	/* Bytes for the host: how many it took, 0 if it is full (hull_vsock_writable() follows), or
	 * -errno if it takes no more for good. */
	ssize_t (*write)(void *ctx, struct hull_vsock_conn *c, const struct iovec *iov, size_t n);
	/* SHUT_RD: nobody reads what the host sends any more.  SHUT_WR: the guest sends no more. */
	void (*shutdown)(void *ctx, struct hull_vsock_conn *c, int how);
	/* The connection is over: nothing may be said of it any more. */
	void (*close)(void *ctx, struct hull_vsock_conn *c);
};

/* NULL without memory. */
struct hull_vsock *hull_vsock_new(uint64_t guest_cid, const struct hull_vsock_ops *ops, void *ctx);
void hull_vsock_free(struct hull_vsock *v); /* ops.close for all; NULL is fine */
/* The guest has started anew and knows of no connection: what it had sent goes to the host still,
 * and then all of them are closed.  Not those that the guest has not been asked for yet. */
void hull_vsock_forget(struct hull_vsock *v);

/* What the host keeps about it. */
void hull_vsock_set_host(struct hull_vsock_conn *c, void *host);
void *hull_vsock_host(const struct hull_vsock_conn *c);
uint32_t hull_vsock_host_port(const struct hull_vsock_conn *c);
/* Whether what the host sends is still wanted. */
bool hull_vsock_is_read(const struct hull_vsock_conn *c);
size_t hull_vsock_count(const struct hull_vsock *v);

/* ---- from the guest ---- */

/* Whether a packet may be taken from the guest now: false until it has taken some of ours. */
bool hull_vsock_may_take(const struct hull_vsock *v);
/* @raw: little-endian, as read once from the guest.  @iov: the payload as far as there is any. */
void hull_vsock_take(struct hull_vsock *v, const struct virtio_vsock_hdr *raw,
		     const struct iovec *iov, size_t n);

/* ---- to the guest ---- */

struct hull_vsock_out {
	struct virtio_vsock_hdr header; /* to be sent as it is, unless: */
	struct hull_vsock_conn *c;	/* not NULL: bytes of the host's are due, */
	size_t room;			/* at most as many */
};

/* The next packet, false if there is none. */
bool hull_vsock_has_next(const struct hull_vsock *v);
bool hull_vsock_next(struct hull_vsock *v, struct hull_vsock_out *ret_out);
/* The header for @len of the bytes that were due; no more than room in all. */
void hull_vsock_send(struct hull_vsock *v, struct hull_vsock_conn *c, uint32_t len,
		     struct virtio_vsock_hdr *ret_header);

/* Whether the guest has been told the end of a connection, both ways, and has not answered. */
bool hull_vsock_is_leaving(const struct hull_vsock *v);
/* Resets those that were leaving at the last call already. */
void hull_vsock_expire(struct hull_vsock *v);

/* ---- from the host ---- */

/* The host wants to reach @port of the guest.  0, -EMFILE, or -ENOMEM. */
int hull_vsock_dial(struct hull_vsock *v, uint32_t port, void *host,
		    struct hull_vsock_conn **ret_c);
void hull_vsock_dialled(struct hull_vsock *v, struct hull_vsock_conn *c, bool ok);
/* There may be something to read, or nothing any more. */
void hull_vsock_readable(struct hull_vsock *v, struct hull_vsock_conn *c, bool yes);
void hull_vsock_writable(struct hull_vsock *v, struct hull_vsock_conn *c);
/* Everything has been read, and no more will come. */
void hull_vsock_eof(struct hull_vsock *v, struct hull_vsock_conn *c);
/* The same, and the host takes nothing either: it has closed.  Forget the connection. */
void hull_vsock_gone(struct hull_vsock *v, struct hull_vsock_conn *c);
/* The host breaks it off.  Forget the connection. */
void hull_vsock_reset(struct hull_vsock *v, struct hull_vsock_conn *c);

static inline void hull_vsock_freep(struct hull_vsock **v)
{
	hull_vsock_free(*v);
}

#endif
