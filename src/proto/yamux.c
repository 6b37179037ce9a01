/* SPDX-License-Identifier: Apache-2.0
 *
 * The yamux machine of yamux.h.  It carries all bulk data between a guest process and the host, on
 * a CPU that may be emulated: payload is never gathered on the way in, and copied at most once on
 * the way out.
 *
 * In: frames are cut out of the fed buffer; only a header that is split over two buffers is
 * copied.  The stream of the current frame is looked up once, at its header, and kept in rx_stream;
 * whoever detaches a stream clears that, and the rest of the frame is drained.
 *
 * Out: yamux-out.c.
 *
 * Lifetime: callbacks may free the stream or session they are called for.  s->pins and y->busy
 * count the callers that still need the memory; the last one out frees it.
 */
#define _GNU_SOURCE
#include "proto/yamux-internal.h"

#include "base/cleanup.h"

#include <assert.h>
#include <endian.h>
#include <errno.h>
#include <string.h>

struct header {
	uint8_t version, type;
	uint16_t flags;
	uint32_t id, length;
};

/* ---- streams ---- */

static struct hull_yamux_stream **bucket(struct hull_yamux *y, uint32_t id)
{
	return &y->buckets[id / 2 % BUCKETS];
}

static struct hull_yamux_stream *find(struct hull_yamux *y, uint32_t id)
{
	struct hull_yamux_stream *s = *bucket(y, id);

	while (s && s->id != id)
		s = s->hash_next;
	return s;
}

static struct hull_yamux_stream *add_stream(struct hull_yamux *y, uint32_t id, uint16_t tx_flags)
{
	struct hull_yamux_stream *s = calloc(1, sizeof(*s)), **b = bucket(y, id);

	if (!s)
		return NULL;
	s->y = y;
	s->id = id;
	s->tx_flags = tx_flags;
	s->tx_window = s->rx_window = s->rx_max = HULL_YAMUX_WINDOW;
	s->hash_next = *b;
	*b = s;
	y->n_streams++;
	return s;
}

/* Where the table refers to it. */
static struct hull_yamux_stream **link_to(struct hull_yamux_stream *s)
{
	struct hull_yamux_stream **p = bucket(s->y, s->id);

	while (*p != s)
		p = &(*p)->hash_next;
	return p;
}

/* Nothing refers to the stream any more but pins, one of which is the caller's. */
static void detach(struct hull_yamux_stream *s, struct hull_yamux_stream **link)
{
	struct hull_yamux *y = s->y;

	*link = s->hash_next;
	hull_yamux_leave_line(s);
	if (y->rx_stream == s)
		y->rx_stream = NULL;
	if (y->reserved == s)
		y->reserved = NULL;
	y->n_streams--;
	s->gone = true;
}

static void reset_stream(struct hull_yamux_stream *s, struct hull_yamux_stream **link)
{
	struct hull_yamux *y = s->y;

	pin(s);
	detach(s, link);
	if (y->ops.reset)
		y->ops.reset(y->ctx, s);
	unpin(s);
}

/* Our end of it.  The caller holds a pin. */
static void drop_stream(struct hull_yamux_stream *s)
{
	detach(s, link_to(s));
	if (!s->fin_sent || !s->fin_seen)
		hull_yamux_put(s->y, TYPE_WINDOW, FLAG_RST, s->id, 0);
}

/* Everybody's end.  No stream can come to be any more. */
static void kill_session(struct hull_yamux *y)
{
	y->dead = true;
	for (size_t i = 0; i < BUCKETS; i++) {
		struct hull_yamux_stream *s;

		while ((s = y->buckets[i]))
			reset_stream(s, &y->buckets[i]);
	}
}

void hull_yamux_enter(struct hull_yamux *y)
{
	y->busy++;
}

void hull_yamux_leave(struct hull_yamux *y)
{
	if (--y->busy || !y->freed)
		return;
	hull_yamux_queue_fini(y);
	free(y);
}

/* ---- receiving ---- */

static int broken(struct hull_yamux *y, struct hull_error **err, const char *what, uint32_t id)
{
	hull_yamux_put(y, TYPE_GO_AWAY, 0, 0, AWAY_PROTOCOL);
	return hull_fail(err, HULL_E_CORRUPT, "yamux: %s (stream %u)", what, id);
}

/* The peer's new stream.  NULL if it was refused or is gone again. */
static struct hull_yamux_stream *incoming(struct hull_yamux *y, const struct header *h)
{
	struct hull_yamux_stream *s = NULL;
	bool alive;

	if (h->flags & FLAG_RST)
		return NULL;
	if (!y->away && y->ops.accept && y->n_streams < HULL_YAMUX_STREAMS_MAX)
		s = add_stream(y, h->id, FLAG_ACK);
	if (!s) {
		hull_yamux_put(y, TYPE_WINDOW, FLAG_RST, h->id, 0);
		return NULL;
	}
	pin(s);
	if (!y->ops.accept(y->ctx, s) && !s->gone)
		drop_stream(s);
	if (!s->gone && s->tx_flags)
		hull_yamux_put_window(s, 0, 0);
	alive = !s->gone;
	unpin(s);
	return alive ? s : NULL;
}

/* The caller holds a pin. */
static void seen_fin(struct hull_yamux_stream *s)
{
	struct hull_yamux *y = s->y;

	s->fin_seen = true;
	if (y->ops.eof)
		y->ops.eof(y->ctx, s);
}

static int take_window(struct hull_yamux_stream *s, const struct header *h, struct hull_error **err)
{
	struct hull_yamux *y = s->y;

	if (h->length > UINT32_MAX - s->tx_window)
		return broken(y, err, "window overflow", h->id);
	s->tx_window += h->length;
	if (h->flags & FLAG_RST) {
		reset_stream(s, link_to(s));
		return 0;
	}
	pin(s);
	if (s->short_window && s->tx_window) {
		s->short_window = false;
		hull_yamux_join_line(s);
		hull_yamux_wake_line(y);
	}
	if (h->flags & FLAG_FIN && !s->gone)
		seen_fin(s);
	unpin(s);
	return 0;
}

static int take_data(struct hull_yamux_stream *s, const struct header *h, struct hull_error **err)
{
	struct hull_yamux *y = s->y;

	if (h->length > s->rx_window)
		return broken(y, err, "peer exceeds the window", h->id);
	s->rx_window -= h->length;
	y->rx_left = h->length;
	if (h->flags & FLAG_RST) {
		reset_stream(s, link_to(s));
		return 0;
	}
	/* hashicorp's writers may overtake their own close: data behind a FIN is no crime. */
	if (s->fin_seen)
		return 0;
	if (!h->length && h->flags & FLAG_FIN) {
		pin(s);
		seen_fin(s);
		unpin(s);
		return 0;
	}
	y->rx_stream = s;
	y->rx_fin = h->flags & FLAG_FIN;
	return 0;
}

static int take_stream_frame(struct hull_yamux *y, const struct header *h, struct hull_error **err)
{
	struct hull_yamux_stream *s = find(y, h->id);

	if (h->flags & FLAG_SYN) {
		if (s)
			return broken(y, err, "opened twice", h->id);
		if (!h->id || h->id % 2 == y->client)
			return broken(y, err, "id is not the peer's to open", h->id);
		s = incoming(y, h);
		if (y->dead)
			return 0;
	}
	if (!s) {
		/* Most likely we have reset it and the peer doesn't know yet. */
		y->rx_left = h->type == TYPE_DATA ? h->length : 0;
		return 0;
	}
	if (h->flags & FLAG_FIN && s->fin_seen)
		return broken(y, err, "finished twice", h->id);
	return h->type == TYPE_DATA ? take_data(s, h, err) : take_window(s, h, err);
}

static int take_frame(struct hull_yamux *y, const uint8_t *p, struct hull_error **err)
{
	struct header h;
	uint32_t w[3];

	memcpy(w, p, sizeof(w));
	h.id = be32toh(w[1]);
	h.length = be32toh(w[2]);
	w[0] = be32toh(w[0]);
	h.version = (uint8_t)(w[0] >> 24);
	h.type = (uint8_t)(w[0] >> 16);
	h.flags = (uint16_t)w[0];
	y->rx_left = 0;
	y->rx_stream = NULL;

	if (h.version)
		return broken(y, err, "unknown version", h.id);
	switch (h.type) {
	case TYPE_DATA:
	case TYPE_WINDOW:
		return take_stream_frame(y, &h, err);
	case TYPE_PING:
		if (h.flags & FLAG_SYN)
			hull_yamux_put(y, TYPE_PING, FLAG_ACK, 0, h.length);
		return 0;
	case TYPE_GO_AWAY:
		y->peer_away = true;
		if (h.length == AWAY_NORMAL)
			return 0;
		return hull_fail(err, HULL_E_UNAVAILABLE, "yamux: the peer gave up (code %u)",
				 h.length);
	}
	return broken(y, err, "unknown frame type", h.id);
}

static size_t take_payload(struct hull_yamux *y, const uint8_t *p, size_t len)
{
	struct hull_yamux_stream *s = y->rx_stream;

	len = MIN(len, y->rx_left);
	y->rx_left -= (uint32_t)len;
	if (!s)
		return len;
	pin(s);
	if (y->ops.data)
		y->ops.data(y->ctx, s, p, len);
	if (!y->rx_left && y->rx_stream == s) {
		y->rx_stream = NULL;
		if (y->rx_fin)
			seen_fin(s);
	}
	unpin(s);
	return len;
}

/* A frame's header if there is enough of it, else NULL and all is used up. */
static const uint8_t *next_header(struct hull_yamux *y, const uint8_t **p, size_t *len)
{
	const uint8_t *head = *p;
	size_t n = HEADER_LEN - y->n_head;

	if (n > *len) {
		memcpy(y->head + y->n_head, *p, *len);
		y->n_head += *len;
		*len = 0;
		return NULL;
	}
	if (y->n_head) {
		memcpy(y->head + y->n_head, *p, n);
		y->n_head = 0;
		head = y->head;
	}
	*p += n;
	*len -= n;
	return head;
}

static int feed(struct hull_yamux *y, const uint8_t *p, size_t len, struct hull_error **err)
{
	while (len && !y->dead) {
		const uint8_t *head;

		if (y->rx_left) {
			size_t n = take_payload(y, p, len);

			p += n;
			len -= n;
			continue;
		}
		head = next_header(y, &p, &len);
		if (head && take_frame(y, head, err) < 0)
			return -1;
		if (y->queued > y->budget + CONTROL_MAX)
			return broken(y, err, "peer does not read what it asks for", 0);
	}
	if (!y->no_memory || y->dead)
		return 0;
	hull_yamux_put(y, TYPE_GO_AWAY, 0, 0, AWAY_INTERNAL);
	return hull_fail_nomem(err);
}

int hull_yamux_feed(struct hull_yamux *y, const void *data, size_t len, struct hull_error **err)
{
	cleanup_error struct hull_error *e = NULL;
	int r;

	assert(!y->reserved);
	if (y->dead)
		return hull_fail(err, HULL_E_UNAVAILABLE, "yamux: the session is over");
	hull_yamux_enter(y);
	r = feed(y, data, len, &e);
	if (r < 0)
		kill_session(y);
	if (y->freed)
		r = 0;
	hull_yamux_leave(y);
	return r < 0 ? hull_error_move(err, &e) : 0;
}

/* ---- life ---- */

int hull_yamux_new(bool client, size_t budget, const struct hull_yamux_ops *ops, void *ctx,
		   struct hull_yamux **ret, struct hull_error **err)
{
	struct hull_yamux *y = calloc(1, sizeof(*y));

	if (!y || hull_yamux_queue_init(y) < 0) {
		free(y);
		return hull_fail_nomem(err);
	}
	y->ops = *ops;
	y->ctx = ctx;
	y->client = client;
	y->next_id = client ? 1 : 2;
	y->budget = MAX(budget ? budget : HULL_YAMUX_BUDGET, HULL_YAMUX_BUDGET_MIN);
	y->wake_at = MIN(HEADER_LEN + HULL_YAMUX_FRAME_MAX, y->budget / 2);
	*ret = y;
	return 0;
}

void hull_yamux_free(struct hull_yamux *y)
{
	int saved = errno;

	if (!y || y->freed)
		return;
	hull_yamux_enter(y);
	kill_session(y);
	y->freed = true;
	hull_yamux_leave(y);
	errno = saved;
}

void hull_yamux_set_fenced(struct hull_yamux *y, bool fenced)
{
	y->fenced = fenced;
}

void hull_yamux_go_away(struct hull_yamux *y)
{
	if (!y->away)
		hull_yamux_put(y, TYPE_GO_AWAY, 0, 0, AWAY_NORMAL);
	y->away = true;
}

int hull_yamux_open(struct hull_yamux *y, struct hull_yamux_stream **ret, struct hull_error **err)
{
	struct hull_yamux_stream *s;

	if (y->dead)
		return hull_fail(err, HULL_E_UNAVAILABLE, "yamux: the session is over");
	if (y->peer_away)
		return hull_fail(err, HULL_E_UNAVAILABLE, "yamux: the peer takes no more streams");
	if (y->n_streams >= HULL_YAMUX_STREAMS_MAX)
		return hull_fail(err, HULL_E_EXHAUSTED, "yamux: %d streams are open",
				 HULL_YAMUX_STREAMS_MAX);
	if (y->queued > y->budget + CONTROL_MAX / 2)
		return hull_fail(err, HULL_E_EXHAUSTED, "yamux: the peer does not read");
	if (y->next_id >= UINT32_MAX - 1)
		return hull_fail(err, HULL_E_EXHAUSTED, "yamux: no stream id is left");
	s = add_stream(y, y->next_id, FLAG_SYN);
	if (!s)
		return hull_fail_nomem(err);
	y->next_id += 2;
	hull_yamux_put_window(s, 0, 0);
	*ret = s;
	return 0;
}

void hull_yamux_shutdown(struct hull_yamux_stream *s)
{
	if (s->gone || s->fin_sent || s->y->dead)
		return;
	hull_yamux_leave_line(s);
	s->short_window = false;
	s->fin_sent = true;
	hull_yamux_put_window(s, FLAG_FIN, 0);
}

void hull_yamux_close(struct hull_yamux_stream *s)
{
	if (s->gone)
		return;
	pin(s);
	drop_stream(s);
	unpin(s);
}

void hull_yamux_set_user(struct hull_yamux_stream *s, void *user)
{
	s->user = user;
}

void *hull_yamux_user(const struct hull_yamux_stream *s)
{
	return s->user;
}

uint32_t hull_yamux_id(const struct hull_yamux_stream *s)
{
	return s->id;
}

size_t hull_yamux_streams(const struct hull_yamux *y)
{
	return y->n_streams;
}
