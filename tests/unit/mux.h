/* SPDX-License-Identifier: Apache-2.0
 *
 * A yamux or link machine under test: its events as text that does not depend on how the bytes
 * were cut, frames written and read as text, and a hook to act from inside callbacks.
 */
#ifndef HULL_TESTS_MUX_H
#define HULL_TESTS_MUX_H

#include "base/cleanup.h"
#include "base/strbuf.h"
#include "proto/fence.h"
#include "proto/link.h"

#include <assert.h>
#include <endian.h>
#include <string.h>

enum { DAT, WIN, PING, AWAY };
enum { SYN = 1, ACK = 2, FIN = 4, RST = 8 };

struct side {
	struct hull_yamux *y;
	struct hull_link *l;
	struct hull_strbuf log; /* "accept 1\ndata 1 hello\n": one line an event */
	struct hull_strbuf shown;
	uint32_t data_id; /* the line is open: of this stream's data */
	struct hull_yamux_stream *last;
	unsigned int pendings;
	bool refuse, keep; /* accept none; consume nothing */
	/* event: a d e r w, u(p), D(own). */
	void (*hook)(struct side *side, char event, struct hull_yamux_stream *s);
	void *ctx;
};

static inline void side_event(struct side *e, char c, const char *name, struct hull_yamux_stream *s)
{
	hull_strbuf_addf(&e->log, "%s%s", e->data_id ? "\n" : "", name);
	if (s)
		hull_strbuf_addf(&e->log, " %u", hull_yamux_id(s));
	hull_strbuf_adds(&e->log, "\n");
	e->data_id = 0;
	if (e->hook)
		e->hook(e, c, s);
}

static inline void side_pending(void *ctx)
{
	((struct side *)ctx)->pendings++;
}

static inline bool side_accept(void *ctx, struct hull_yamux_stream *s)
{
	struct side *e = ctx;

	e->last = s;
	side_event(e, 'a', "accept", s);
	return !e->refuse;
}

static inline void side_data(void *ctx, struct hull_yamux_stream *s, const void *data, size_t len)
{
	struct side *e = ctx;

	assert(len > 0);
	if (e->data_id != hull_yamux_id(s)) {
		hull_strbuf_addf(&e->log, "%sdata %u ", e->data_id ? "\n" : "", hull_yamux_id(s));
		e->data_id = hull_yamux_id(s);
	}
	hull_strbuf_add(&e->log, data, len);
	if (!e->keep)
		hull_yamux_consume(s, len);
	if (e->hook)
		e->hook(e, 'd', s);
}

static inline void side_eof(void *ctx, struct hull_yamux_stream *s)
{
	side_event(ctx, 'e', "eof", s);
}

static inline void side_reset(void *ctx, struct hull_yamux_stream *s)
{
	side_event(ctx, 'r', "reset", s);
}

static inline void side_writable(void *ctx, struct hull_yamux_stream *s)
{
	side_event(ctx, 'w', "writable", s);
}

static inline void side_up(void *ctx, uint16_t version)
{
	assert(version);
	side_event(ctx, 'u', "up", NULL);
}

static inline void side_down(void *ctx)
{
	side_event(ctx, 'D', "down", NULL);
}

static const struct hull_link_ops side_ops = {
	.yamux = {.pending = side_pending,
		  .accept = side_accept,
		  .data = side_data,
		  .eof = side_eof,
		  .reset = side_reset,
		  .writable = side_writable},
	.up = side_up,
	.down = side_down,
};

static inline int side_init(struct side *e, bool client, size_t budget)
{
	*e = (struct side){0};
	return hull_yamux_new(client, budget, &side_ops.yamux, e, &e->y, NULL);
}

static inline void side_fini(struct side *e)
{
	hull_yamux_free(steal_ptr(&e->y));
	hull_link_free(steal_ptr(&e->l));
	hull_strbuf_fini(&e->log);
	hull_strbuf_fini(&e->shown);
}

/* The events since the last call; valid until the next. */
static inline const char *side_log(struct side *e)
{
	if (e->data_id)
		hull_strbuf_adds(&e->log, "\n");
	e->data_id = 0;
	hull_strbuf_clear(&e->shown);
	hull_strbuf_add(&e->shown, e->log.data, e->log.len);
	hull_strbuf_clear(&e->log);
	return hull_strbuf_str(&e->shown);
}

static inline int side_feed(struct side *e, const void *data, size_t len)
{
	return e->l ? hull_link_feed(e->l, data, len, NULL)
		    : hull_yamux_feed(e->y, data, len, NULL);
}

/* Moves at most @max bytes of output to @out (NULL: nowhere); returns how many. */
static inline size_t side_output(struct side *e, struct hull_strbuf *out, size_t max)
{
	size_t done = 0;

	while (done < max && (e->l || e->y)) {
		size_t len;
		const void *p = e->l ? hull_link_output(e->l, &len) : hull_yamux_output(e->y, &len);

		len = MIN(len, max - done);
		if (!len)
			break;
		if (out)
			hull_strbuf_add(out, p, len);
		if (e->l)
			hull_link_sent(e->l, len);
		else
			hull_yamux_sent(e->y, len);
		done += len;
	}
	return done;
}

/* Appends a frame; @text is the payload of data, else NULL. */
static inline void frame(struct hull_strbuf *b, unsigned int type, unsigned int flags, uint32_t id,
			 uint32_t length, const char *text)
{
	uint32_t w[3] = {htobe32(type << 16 | flags), htobe32(id),
			 htobe32(text ? (uint32_t)strlen(text) : length)};

	hull_strbuf_add(b, w, sizeof(w));
	if (text)
		hull_strbuf_adds(b, text);
}

/* A whole hello with an epoch of all @epoch bytes. */
static inline void hello(struct hull_strbuf *b, uint8_t epoch)
{
	uint8_t h[HULL_LINK_HELLO_LEN] = {0};

	memcpy(h, hull_fence, HULL_FENCE_LEN);
	memset(h + HULL_FENCE_LEN, epoch, HULL_LINK_EPOCH_LEN);
	h[HULL_FENCE_LEN + HULL_LINK_EPOCH_LEN + 1] = HULL_LINK_VERSION;
	hull_strbuf_add(b, h, sizeof(h));
}

static inline int side_init_link(struct side *e, bool host, uint8_t epoch)
{
	uint8_t bytes[HULL_LINK_EPOCH_LEN];

	*e = (struct side){0};
	memset(bytes, epoch, sizeof(bytes));
	return host ? hull_link_host_new(bytes, 0, &side_ops, e, &e->l, NULL)
		    : hull_link_guest_new(0, &side_ops, e, &e->l, NULL);
}

/* One line a frame: "win+SYN 1 0\ndat 1 5 hello\n"; payloads above 16 bytes are left out. */
static inline char *frames_text(const struct hull_strbuf *b)
{
	static const char *const types[] = {"dat", "win", "ping", "away"};
	struct hull_strbuf t = HULL_STRBUF_INIT;
	size_t at = 0;

	while (at + 12 <= b->len) {
		uint32_t w[3];
		unsigned int type;

		memcpy(w, b->data + at, 12);
		at += 12;
		w[0] = be32toh(w[0]);
		w[2] = be32toh(w[2]);
		type = w[0] >> 16;
		assert(type <= AWAY);
		hull_strbuf_addf(&t, "%s%s%s%s%s %u %u", types[type], w[0] & SYN ? "+SYN" : "",
				 w[0] & ACK ? "+ACK" : "", w[0] & FIN ? "+FIN" : "",
				 w[0] & RST ? "+RST" : "", be32toh(w[1]), w[2]);
		if (type == DAT) {
			assert(w[2] <= HULL_YAMUX_FRAME_MAX && at + w[2] <= b->len);
			if (w[2] <= 16)
				hull_strbuf_addf(&t, " %.*s", (int)w[2], b->data + at);
			at += w[2];
		}
		hull_strbuf_adds(&t, "\n");
	}
	assert(at == b->len);
	return hull_strbuf_steal(&t);
}

/* All output as text; the caller frees. */
static inline char *side_frames(struct side *e)
{
	cleanup_strbuf struct hull_strbuf b = HULL_STRBUF_INIT;

	side_output(e, &b, SIZE_MAX);
	return frames_text(&b);
}

#endif
