/* SPDX-License-Identifier: Apache-2.0
 *
 * What the two halves of the yamux machine share: yamux.c (streams, receiving) and yamux-out.c (the
 * output queue and who may fill it).
 */
#ifndef HULL_PROTO_YAMUX_INTERNAL_H
#define HULL_PROTO_YAMUX_INTERNAL_H

#include "proto/yamux.h"

#include <assert.h>
#include <stdlib.h>

#define HEADER_LEN ((size_t)12)
#define CHUNK_LEN ((size_t)64 << 10)
#define BUCKETS 256

/* Frames that carry no data are never refused.  What the peer can provoke of them, or a caller by
 * opening and closing, ends when this much is queued above the budget. */
#define CONTROL_MAX ((size_t)64 << 10)
/* No payload shorter than this is cut off a longer one for want of budget or chunk. */
#define PAYLOAD_MIN ((size_t)1 << 10)

static_assert(HULL_YAMUX_BUDGET_MIN / 2 >= HEADER_LEN + PAYLOAD_MIN, "a woken stream gets room");
static_assert(CHUNK_LEN >= HEADER_LEN + HULL_YAMUX_FRAME_MAX, "a frame fits a chunk");
static_assert(HULL_YAMUX_FRAME_MAX <= 0x8000, "fence.h relies on it");

enum { TYPE_DATA, TYPE_WINDOW, TYPE_PING, TYPE_GO_AWAY };
enum { FLAG_SYN = 1, FLAG_ACK = 2, FLAG_FIN = 4, FLAG_RST = 8 };
enum { AWAY_NORMAL, AWAY_PROTOCOL, AWAY_INTERNAL };

struct chunk {
	struct chunk *next;
	size_t head, tail; /* what is unsent */
	uint8_t data[CHUNK_LEN];
};

struct hull_yamux_stream {
	struct hull_yamux *y;
	struct hull_yamux_stream *hash_next;
	struct hull_yamux_stream *line_prev, *line_next; /* the line for the budget */
	void *user;
	uint32_t id;
	uint32_t tx_window; /* what we may still send */
	uint32_t rx_window; /* what the peer may still send */
	uint32_t rx_used;   /* consumed, but not yet given back */
	uint32_t rx_max;    /* what rx_window is when nothing is under way */
	size_t turn;	    /* what it may queue although others wait */
	uint16_t tx_flags;  /* SYN or ACK, for its next frame */
	unsigned int pins;
	bool fin_sent, fin_seen;
	bool short_window; /* was refused for its window */
	bool in_line;
	bool gone; /* detached: freed with the last pin */
};

struct hull_yamux {
	struct hull_yamux_ops ops;
	void *ctx;
	bool client, fenced;
	bool dead; /* no frame is taken or queued any more */
	bool no_memory;
	bool freed;
	bool away, peer_away;
	bool waking;
	unsigned int busy;

	size_t budget, wake_at, queued;
	struct chunk *first, *last; /* owned, never empty */
	struct chunk *spares;	    /* owned */
	size_t n_spares;
	struct hull_yamux_stream *reserved; /* between reserve and commit */
	size_t reserved_len;

	struct hull_yamux_stream *line, *line_last;
	struct hull_yamux_stream *buckets[BUCKETS]; /* owned */
	size_t n_streams;
	uint32_t next_id;

	uint8_t head[HEADER_LEN]; /* of a header that came in pieces */
	size_t n_head;
	uint32_t rx_left; /* payload of the current frame */
	bool rx_fin;
	struct hull_yamux_stream *rx_stream; /* NULL: drain it */
};

static inline void pin(struct hull_yamux_stream *s)
{
	s->pins++;
}

static inline void unpin(struct hull_yamux_stream *s)
{
	if (!--s->pins && s->gone)
		free(s);
}

/* The session's memory lasts from enter to the last leave(), whatever callbacks do. */
void hull_yamux_enter(struct hull_yamux *y);
void hull_yamux_leave(struct hull_yamux *y);

/* Queues a frame without payload.  Without memory the session is lost: its peer would wait for
 * what was left out. */
void hull_yamux_put(struct hull_yamux *y, uint8_t type, uint16_t flags, uint32_t id,
		    uint32_t length);
/* A stream's, with the flags it owes. */
void hull_yamux_put_window(struct hull_yamux_stream *s, uint16_t flags, uint32_t delta);

void hull_yamux_join_line(struct hull_yamux_stream *s);
void hull_yamux_leave_line(struct hull_yamux_stream *s);
/* Turns, until the budget is used up again or nobody waits. */
void hull_yamux_wake_line(struct hull_yamux *y);

/* The first chunk; 0 or -ENOMEM. */
int hull_yamux_queue_init(struct hull_yamux *y);
void hull_yamux_queue_fini(struct hull_yamux *y);

#endif
