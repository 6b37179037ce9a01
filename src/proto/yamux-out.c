/* SPDX-License-Identifier: Apache-2.0
 *
 * The sending half of the yamux machine: a queue of frames, and who may fill it.
 *
 * The queue is a list of chunks that never move or grow.  hull_yamux_reserve() hands out the end of
 * the last one, behind room for a header, so that read() can put a payload where it will be sent
 * from.  There is always at least one chunk, hence queuing data fails for want of memory only while
 * there is output, whose sending will bring on another attempt.
 *
 * A stream with window may queue while the queue is below the budget.  One that is refused for the
 * budget joins the line, and while there is a line only its head may queue: when enough has been
 * sent, each in the line gets a turn of one frame, and is at the back again if it still has
 * something.  A stream refused for its window stands outside until an update comes.
 *
 * Inside a link the magic of fence.h must not occur in the output.  A payload that contains it is
 * cut in the middle of it, so that a header comes between the halves; and after a frame whose last
 * bytes might begin one, an empty frame follows at once, because the receiver holds such bytes back
 * until it knows.
 */
#define _GNU_SOURCE
#include "proto/yamux-internal.h"

#include "base/cleanup.h"
#include "proto/fence.h"

#include <assert.h>
#include <endian.h>
#include <errno.h>
#include <string.h>

#define SPARES_MAX 3

/* ---- the queue ---- */

/* The last chunk with room for @len bytes, or NULL without memory. */
static struct chunk *room_for(struct hull_yamux *y, size_t len)
{
	struct chunk *c = y->last;

	if (CHUNK_LEN - c->tail >= len)
		return c;
	c = y->spares;
	if (c) {
		y->spares = c->next;
		y->n_spares--;
	} else {
		c = malloc(sizeof(*c));
		if (!c)
			return NULL;
	}
	c->next = NULL;
	c->head = c->tail = 0;
	y->last->next = c;
	y->last = c;
	return c;
}

static void drop_first(struct hull_yamux *y)
{
	struct chunk *c = y->first;

	if (!c->next) {
		c->head = c->tail = 0;
		return;
	}
	y->first = c->next;
	if (y->n_spares >= SPARES_MAX) {
		free(c);
		return;
	}
	c->next = y->spares;
	y->spares = c;
	y->n_spares++;
}

int hull_yamux_queue_init(struct hull_yamux *y)
{
	y->first = y->last = malloc(sizeof(*y->first));
	if (!y->first)
		return -ENOMEM;
	y->first->next = NULL;
	y->first->head = y->first->tail = 0;
	return 0;
}

static void free_chunks(struct chunk *c)
{
	while (c) {
		struct chunk *next = c->next;

		free(c);
		c = next;
	}
}

void hull_yamux_queue_fini(struct hull_yamux *y)
{
	free_chunks(y->first);
	free_chunks(y->spares);
}

/* @len bytes were put at the end of the last chunk. */
static void queued(struct hull_yamux *y, size_t len)
{
	bool was_empty = !y->queued;

	y->last->tail += len;
	y->queued += len;
	if (was_empty && y->ops.pending)
		y->ops.pending(y->ctx);
}

static void encode(uint8_t *p, uint8_t type, uint16_t flags, uint32_t id, uint32_t length)
{
	uint32_t w[3] = {htobe32((uint32_t)type << 16 | flags), htobe32(id), htobe32(length)};

	static_assert(sizeof(w) == HEADER_LEN, "three words");
	memcpy(p, w, sizeof(w));
}

void hull_yamux_put(struct hull_yamux *y, uint8_t type, uint16_t flags, uint32_t id,
		    uint32_t length)
{
	struct chunk *c;

	assert(!y->reserved);
	if (y->dead)
		return;
	c = room_for(y, 2 * HEADER_LEN);
	if (!c) {
		y->no_memory = true;
		return;
	}
	encode(c->data + c->tail, type, flags, id, length);
	/* The receiver holds back what may be a magic's beginning: an empty frame resolves it. */
	if (y->fenced && hull_fence_tail(c->data + c->tail, HEADER_LEN)) {
		encode(c->data + c->tail + HEADER_LEN, TYPE_WINDOW, 0, 0, 0);
		queued(y, 2 * HEADER_LEN);
		return;
	}
	queued(y, HEADER_LEN);
}

void hull_yamux_put_window(struct hull_yamux_stream *s, uint16_t flags, uint32_t delta)
{
	flags |= s->tx_flags;
	s->tx_flags = 0;
	hull_yamux_put(s->y, TYPE_WINDOW, flags, s->id, delta);
}

/* ---- the line ---- */

void hull_yamux_leave_line(struct hull_yamux_stream *s)
{
	struct hull_yamux *y = s->y;

	if (!s->in_line)
		return;
	s->in_line = false;
	*(s->line_prev ? &s->line_prev->line_next : &y->line) = s->line_next;
	*(s->line_next ? &s->line_next->line_prev : &y->line_last) = s->line_prev;
	s->line_prev = s->line_next = NULL;
}

void hull_yamux_join_line(struct hull_yamux_stream *s)
{
	struct hull_yamux *y = s->y;

	if (s->in_line)
		return;
	s->in_line = true;
	s->line_prev = y->line_last;
	*(y->line_last ? &y->line_last->line_next : &y->line) = s;
	y->line_last = s;
}

static size_t budget_left(const struct hull_yamux *y)
{
	return y->queued < y->budget ? y->budget - y->queued : 0;
}

void hull_yamux_wake_line(struct hull_yamux *y)
{
	if (y->waking || !y->line)
		return;
	y->waking = true;
	hull_yamux_enter(y);
	while (y->line && budget_left(y) >= y->wake_at) {
		struct hull_yamux_stream *s = y->line;
		size_t before = y->queued;
		bool stuck;

		pin(s);
		hull_yamux_leave_line(s);
		s->turn = y->line ? HULL_YAMUX_FRAME_MAX : SIZE_MAX;
		if (y->ops.writable)
			y->ops.writable(y->ctx, s);
		s->turn = 0;
		stuck = s->in_line && y->queued == before; /* no memory */
		unpin(s);
		if (stuck)
			break;
	}
	y->waking = false;
	hull_yamux_leave(y);
}

/* ---- sending ---- */

const void *hull_yamux_output(struct hull_yamux *y, size_t *ret_len)
{
	struct chunk *c = y->first;

	*ret_len = c->tail - c->head;
	return *ret_len ? c->data + c->head : NULL;
}

void hull_yamux_sent(struct hull_yamux *y, size_t len)
{
	struct chunk *c = y->first;

	assert(!y->reserved && len <= c->tail - c->head);
	c->head += len;
	y->queued -= len;
	if (c->head == c->tail)
		drop_first(y);
	hull_yamux_wake_line(y);
}

/* Where a data frame of up to @want bytes may go, header first; *ret_room is the payload's.  NULL
 * if the stream is blocked. */
static uint8_t *claim(struct hull_yamux_stream *s, size_t want, size_t *ret_room)
{
	struct hull_yamux *y = s->y;
	size_t left = budget_left(y), least;
	struct chunk *c;

	assert(!y->reserved);
	if (!s->tx_window) {
		s->short_window = true;
		return NULL;
	}
	want = MIN(want, MIN(HULL_YAMUX_FRAME_MAX, s->tx_window));
	if (y->line) {
		want = MIN(want, s->turn);
		if (!want) {
			hull_yamux_join_line(s);
			return NULL;
		}
	}
	least = HEADER_LEN + MIN(want, PAYLOAD_MIN);
	c = left < least ? NULL : room_for(y, least);
	if (!c) {
		hull_yamux_join_line(s);
		return NULL;
	}
	*ret_room = MIN(want, MIN(left, CHUNK_LEN - c->tail) - HEADER_LEN);
	return c->data + c->tail;
}

/* The payload's first part that can go into one frame without a magic in it: all of it, or up to
 * the middle of the magic.  p is the frame; its header is written. */
static size_t fence(uint8_t *p, uint16_t flags, uint32_t id, size_t len)
{
	for (;;) {
		/* A magic may begin with the low byte of the length. */
		const size_t before = HEADER_LEN - 1;
		size_t at;

		encode(p, TYPE_DATA, flags, id, (uint32_t)len);
		at = hull_fence_find(p + before, len + 1);
		if (at == len + 1)
			return len;
		len = at + HULL_FENCE_LEN / 2 - 1;
	}
}

/* A fenced frame at the end of the last chunk.  Where the payload holds a magic, its rest goes
 * into frames of its own, which for once may exceed the budget by their headers. */
static void put_fenced(struct hull_yamux_stream *s, uint8_t *p, uint16_t flags, size_t len)
{
	struct hull_yamux *y = s->y;
	cleanup_free uint8_t *copy = NULL;
	const uint8_t *rest = NULL;
	size_t n = fence(p, flags, s->id, len);

	len -= n;
	if (len) {
		rest = copy = malloc(len);
		if (!copy) {
			y->no_memory = true;
			return;
		}
		memcpy(copy, p + HEADER_LEN + n, len);
	}
	queued(y, HEADER_LEN + n);
	while (len) {
		size_t upto = hull_fence_find(rest, len);
		struct chunk *c;

		upto = MIN(len, upto + HULL_FENCE_LEN / 2);
		c = room_for(y, HEADER_LEN + upto);
		if (!c) {
			y->no_memory = true;
			return;
		}
		p = c->data + c->tail;
		memcpy(p + HEADER_LEN, rest, upto);
		n = fence(p, 0, s->id, upto);
		queued(y, HEADER_LEN + n);
		rest += n;
		len -= n;
	}
	if (hull_fence_tail(p, HEADER_LEN + n))
		hull_yamux_put(y, TYPE_WINDOW, 0, 0, 0);
}

/* @len bytes of payload have been put behind the header's place at @p. */
static void put_data(struct hull_yamux_stream *s, uint8_t *p, size_t len)
{
	uint16_t flags = s->tx_flags;

	s->tx_flags = 0;
	s->tx_window -= (uint32_t)len;
	s->turn -= MIN(len, s->turn);
	if (s->y->fenced) {
		put_fenced(s, p, flags, len);
		return;
	}
	encode(p, TYPE_DATA, flags, s->id, (uint32_t)len);
	queued(s->y, HEADER_LEN + len);
}

static bool writable(const struct hull_yamux_stream *s)
{
	return !s->gone && !s->fin_sent && !s->y->dead;
}

ssize_t hull_yamux_write(struct hull_yamux_stream *s, const void *data, size_t len)
{
	const uint8_t *p = data;
	size_t done = 0;

	if (!writable(s))
		return -EPIPE;
	while (done < len) {
		size_t room;
		uint8_t *frame = claim(s, len - done, &room);

		if (!frame)
			break;
		memcpy(frame + HEADER_LEN, p + done, room);
		put_data(s, frame, room);
		done += room;
	}
	return (ssize_t)done;
}

void *hull_yamux_reserve(struct hull_yamux_stream *s, size_t *ret_room)
{
	uint8_t *frame;

	*ret_room = 0;
	if (!writable(s))
		return NULL;
	frame = claim(s, HULL_YAMUX_FRAME_MAX, ret_room);
	if (!frame)
		return NULL;
	s->y->reserved = s;
	s->y->reserved_len = *ret_room;
	return frame + HEADER_LEN;
}

void hull_yamux_commit(struct hull_yamux_stream *s, size_t len)
{
	struct hull_yamux *y = s->y;
	struct chunk *c = y->last;

	assert(y->reserved == s && len <= y->reserved_len);
	y->reserved = NULL;
	if (len)
		put_data(s, c->data + c->tail, len);
}

void hull_yamux_consume(struct hull_yamux_stream *s, size_t len)
{
	uint32_t kept;

	if (s->gone)
		return;
	assert(len <= s->rx_max - s->rx_window - s->rx_used);
	s->rx_used += (uint32_t)len;
	if (s->rx_used < s->rx_max / 4 || s->fin_seen)
		return;
	kept = s->rx_max - s->rx_window - s->rx_used;
	if (kept <= s->rx_max / 4 && s->rx_max < HULL_YAMUX_WINDOW_MAX) {
		s->rx_used += s->rx_max;
		s->rx_max *= 2;
	}
	s->rx_window += s->rx_used;
	hull_yamux_put_window(s, 0, s->rx_used);
	s->rx_used = 0;
}
