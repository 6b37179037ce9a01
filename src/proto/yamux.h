/* SPDX-License-Identifier: Apache-2.0
 *
 * yamux (hashicorp/yamux spec, version 0) as a state machine, either end: one byte stream carries
 * many.  Bytes in, stream events and bytes out, no I/O.
 *
 * Header: u8 version, u8 type (0 data, 1 window update, 2 ping, 3 go away), u16 flags (SYN 1,
 * ACK 2, FIN 4, RST 8), u32 stream id, u32 length; big-endian.  Client ids odd, server ids even.
 * Each direction of a stream starts with a window of 256 KiB.
 *
 * A receiver that keeps up doubles its window with each update, up to 1 MiB: behind an emulated
 * CPU an update takes as long as 256 KiB do.  One that never kept up has no more than those to
 * keep.
 *
 * Ours on top: data frames of at most 32 KiB are sent, at most HULL_YAMUX_STREAMS_MAX streams live
 * at once, and streams may queue data only while all unsent output is below the budget, so that a
 * reset loses little and a small stream is never far behind a big one.  Streams that were refused
 * get their turns in order, one frame each.
 *
 * Callbacks may call everything below except feed and sent, for any stream, also free; pending()
 * may call nothing.  A stream or session freed in its own callback is gone when that returns.
 */
#ifndef HULL_PROTO_YAMUX_H
#define HULL_PROTO_YAMUX_H

#include "base/error.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#define HULL_YAMUX_FRAME_MAX ((size_t)32 << 10)
#define HULL_YAMUX_WINDOW ((size_t)256 << 10)	/* where each stream starts */
#define HULL_YAMUX_WINDOW_MAX ((size_t)1 << 20) /* where one whose receiver keeps up ends */
#define HULL_YAMUX_STREAMS_MAX 256
#define HULL_YAMUX_BUDGET ((size_t)256 << 10) /* the default */
#define HULL_YAMUX_BUDGET_MIN ((size_t)4 << 10)

struct hull_yamux;
struct hull_yamux_stream;

struct hull_yamux_ops {
	/* Output is pending: hull_yamux_output() has something.  Called when that becomes so, not
	 * for each addition.  Must not re-enter the machine. */
	void (*pending)(void *ctx);
	/* The peer opened a stream: set its user pointer and return true, or false to reset it.
	 * NULL: none is accepted. */
	bool (*accept)(void *ctx, struct hull_yamux_stream *s);
	/* Bytes arrived (1 or more, inside the fed buffer).  Their window comes back only through
	 * hull_yamux_consume(). */
	void (*data)(void *ctx, struct hull_yamux_stream *s, const void *data, size_t len);
	/* The peer's half-close, after all its data. */
	void (*eof)(void *ctx, struct hull_yamux_stream *s);
	/* Reset by the peer, or the session died: the stream is freed when this returns. */
	void (*reset)(void *ctx, struct hull_yamux_stream *s);
	/* hull_yamux_write() would take something again, after it took less than offered. */
	void (*writable)(void *ctx, struct hull_yamux_stream *s);
};

/* budget 0: the default; below the minimum: the minimum. */
int hull_yamux_new(bool client, size_t budget, const struct hull_yamux_ops *ops, void *ctx,
		   struct hull_yamux **ret, struct hull_error **err);
/* Every live stream gets reset().  NULL is fine. */
void hull_yamux_free(struct hull_yamux *y);
/* For a session inside a link: keeps the magic of fence.h out of the output. */
void hull_yamux_set_fenced(struct hull_yamux *y, bool fenced);

/* Bytes from the peer, in any pieces.  -1 when the session is dead: a protocol error, the peer's
 * going away because of one, output that the peer provokes but does not read, no memory.  Every
 * stream has had its reset() by then; what hull_yamux_output() still has tells the peer why.  If a
 * callback freed the session, returns 0. */
int hull_yamux_feed(struct hull_yamux *y, const void *data, size_t len, struct hull_error **err);
/* What to send next (borrowed until the next call of anything; NULL if nothing), and that @len of
 * it is sent; sent() may call writable().  There may be more behind it. */
const void *hull_yamux_output(struct hull_yamux *y, size_t *ret_len);
void hull_yamux_sent(struct hull_yamux *y, size_t len);
/* Refuses the peer's new streams from now on and says so. */
void hull_yamux_go_away(struct hull_yamux *y);

/* UNAVAILABLE: dead, or the peer takes no more streams; EXHAUSTED: too many. */
int hull_yamux_open(struct hull_yamux *y, struct hull_yamux_stream **ret, struct hull_error **err);
/* Takes what window and budget allow, at least 0 bytes, and returns how much.  -EPIPE after
 * shutdown. */
ssize_t hull_yamux_write(struct hull_yamux_stream *s, const void *data, size_t len);
/* Zero-copy form: where up to *ret_room payload bytes may be put (one frame; NULL and 0 if blocked,
 * then writable() follows, or after shutdown), and that @len of them were put there (0: none after
 * all).  Nothing of the session may be called in between. */
void *hull_yamux_reserve(struct hull_yamux_stream *s, size_t *ret_room);
void hull_yamux_commit(struct hull_yamux_stream *s, size_t len);
/* @len received bytes are used up: the peer may send more. */
void hull_yamux_consume(struct hull_yamux_stream *s, size_t len);
/* Half-close (FIN), after what was written.  When both sides have, the stream is done: close it. */
void hull_yamux_shutdown(struct hull_yamux_stream *s);
/* Done with it: frees; sends RST unless both sides had finished. */
void hull_yamux_close(struct hull_yamux_stream *s);
void hull_yamux_set_user(struct hull_yamux_stream *s, void *user);
void *hull_yamux_user(const struct hull_yamux_stream *s);
uint32_t hull_yamux_id(const struct hull_yamux_stream *s);
size_t hull_yamux_streams(const struct hull_yamux *y);

static inline void hull_yamux_freep(struct hull_yamux **y)
{
	hull_yamux_free(*y);
	*y = NULL;
}

#endif
