/* SPDX-License-Identifier: Apache-2.0
 *
 * The guest link over one byte channel that may be cut and rejoined at any moment (a virtio-serial
 * port): a hello that resynchronises and fences, then a yamux session.
 *
 * The guest may miss that the host went away, and bytes of an old and a new connection arrive
 * glued together; so every connection begins with a fixed 48-byte hello
 *
 *     16 magic   16 epoch   2 version   2 flags   12 zero
 *
 * (big-endian; the epoch is random, chosen by the host for this connection).  The guest looks for
 * the magic in every byte, at any time: a hello with a new epoch drops all streams and starts
 * afresh; the guest answers with the same hello (its own version and flags, the host's epoch).  The
 * host discards everything until it sees that answer with its own epoch.
 *
 * So that the guest can't take data for a hello, whatever files are carried, the host's yamux
 * session keeps the magic out of all other output (fence.h).  The guest's need not: after the
 * answer the host looks for nothing.
 *
 *   host:   new -> hello sent -> answer seen: ops.up -> streams ... -> free
 *   guest:  idle -> hello seen, answered: ops.up -> streams ...
 *                '-- port closed, new hello, protocol error: ops.down <--'
 *
 * Callbacks may do what those of yamux may; also free the link, hang it up.
 */
#ifndef HULL_PROTO_LINK_H
#define HULL_PROTO_LINK_H

#include "proto/yamux.h"

#define HULL_LINK_HELLO_LEN 48
#define HULL_LINK_EPOCH_LEN 16
#define HULL_LINK_VERSION 1

/* Where the channels are connections over vsock: the guest listens on these ports, and each
 * connection begins with the token that the guest found in this file of its initramfs. */
#define HULL_LINK_PORT_CONTROL 1024
#define HULL_LINK_PORT_BULK 1026
#define HULL_LINK_TOKEN_LEN 16
#define HULL_LINK_TOKEN_FILE "/hull-token"

struct hull_link;

struct hull_link_ops {
	struct hull_yamux_ops yamux; /* all with the same ctx */
	/* The peer has greeted; streams may be opened (host: hull_link_yamux()). */
	void (*up)(void *ctx, uint16_t peer_version);
	/* Guest only: the session is over, its streams have had their reset().  Not called by
	 * hull_link_free(). */
	void (*down)(void *ctx);
};

/* The host is yamux client.  It queues its hello at once, without calling pending(); @epoch is 16
 * random bytes. */
int hull_link_host_new(const uint8_t epoch[HULL_LINK_EPOCH_LEN], size_t budget,
		       const struct hull_link_ops *ops, void *ctx, struct hull_link **ret,
		       struct hull_error **err);
int hull_link_guest_new(size_t budget, const struct hull_link_ops *ops, void *ctx,
			struct hull_link **ret, struct hull_error **err);
void hull_link_free(struct hull_link *l);

/* Host: -1 when the session is dead.  Guest: never fails for what the peer sends (it drops the
 * session, tells the host and waits for the next hello), only without memory.  If a callback freed
 * the link, returns 0. */
int hull_link_feed(struct hull_link *l, const void *data, size_t len, struct hull_error **err);
/* Guest: the port says that the host is gone.  Queued output is forgotten. */
void hull_link_hangup(struct hull_link *l);
const void *hull_link_output(struct hull_link *l, size_t *ret_len);
void hull_link_sent(struct hull_link *l, size_t len);
/* NULL while not up. */
struct hull_yamux *hull_link_yamux(struct hull_link *l);

static inline void hull_link_freep(struct hull_link **l)
{
	hull_link_free(*l);
	*l = NULL;
}

#endif
