/* SPDX-License-Identifier: Apache-2.0
 *
 * What a stream of the link becomes.  The host begins each with "CONNECT <port>\n":
 *
 *   1024   a ttrpc connection
 *      9   discard (RFC 863) and
 *     19   a source of zeros (after RFC 864): what the link itself carries, for measuring it
 *   1026   a raw stream that names itself (nerdbox's handshake) and waits to be claimed by the
 *          call that names it, once, for 30 s
 *
 * Anything else is reset.  All of a link's channels end with it.
 *
 *   accepted ─CONNECT─▶ rpc, source ──────▶ closed
 *                └────▶ id ─▶ unclaimed ─▶ claimed ─release─▶ lingering ─peer's FIN─▶ closed
 */
#ifndef HULL_AGENT_CHANNEL_H
#define HULL_AGENT_CHANNEL_H

#include "base/error.h"

#include <stdbool.h>
#include <stddef.h>

#define HULL_PORT_DISCARD 9
#define HULL_PORT_SOURCE 19
#define HULL_PORT_RPC 1024
#define HULL_PORT_STREAM 1026
#define HULL_UNCLAIMED_MAX 256
#define HULL_UNCLAIMED_MS 30000

struct hull_agent;
struct hull_channel;
struct hull_channels;
struct hull_yamux_stream;

int hull_channels_new(struct hull_agent *a, struct hull_channels **ret_channels,
		      struct hull_error **err);

/* ---- for the link ---- */
bool hull_channels_accept(struct hull_channels *cs, struct hull_yamux_stream *s);
void hull_channel_data(struct hull_channel *ch, const void *data, size_t len);
void hull_channel_eof(struct hull_channel *ch);
void hull_channel_reset(struct hull_channel *ch);
void hull_channel_writable(struct hull_channel *ch);

/* ---- for the owner of a claimed stream ---- */
struct hull_stream_ops {
	/* Bytes from the host: returns how many are used; the rest is kept (at most a window) and
	 * offered again by hull_stream_resume(). */
	size_t (*data)(void *ctx, const void *data, size_t len);
	/* The host will send no more, and all it sent has been used. */
	void (*eof)(void *ctx);
	/* hull_stream_write() takes something again. */
	void (*writable)(void *ctx);
	/* The host is gone; the channel is freed when this returns. */
	void (*gone)(void *ctx);
};

bool hull_stream_is_unclaimed(const struct hull_channels *cs, const char *id);
/* NULL if there is none of that name.  Nothing is delivered before hull_stream_resume(). */
struct hull_channel *hull_stream_claim(struct hull_channels *cs, const char *id,
				       const struct hull_stream_ops *ops, void *ctx);
/* Offers what came in meanwhile, and the end if it has come; may call gone(). */
void hull_stream_resume(struct hull_channel *ch);
/* Something is kept that data() has not used. */
bool hull_stream_pending(const struct hull_channel *ch);
/* How much of it was taken; if not all, writable() follows. */
size_t hull_stream_write(struct hull_channel *ch, const void *data, size_t len);
/* The owner lets go: half-close after what was written; what the host still sends is dropped.
 * No callback follows.  NULL is fine. */
void hull_stream_release(struct hull_channel *ch);
/* The owner lets go at once: the host sees a reset.  NULL is fine. */
void hull_stream_abort(struct hull_channel *ch);

#endif
