/* SPDX-License-Identifier: Apache-2.0
 *
 * Channels over yamux streams.  Flow control is yamux's: a window is given back when bytes have
 * been used, so what is kept for an owner is never more than one window.
 */
#define _GNU_SOURCE
#include "agent/channel.h"

#include "agent/agent.h"
#include "agent/rpc.h"
#include "base/cleanup.h"
#include "base/loop.h"
#include "base/os.h"
#include "base/strbuf.h"
#include "proto/hvsock.h"
#include "proto/yamux.h"

#include <string.h>

#define HEAD_MAX (4 + HULL_STREAM_ID_MAX)
/* Answers queued for a connection that doesn't read them: no more calls are taken above the
 * first, the connection ends above the second. */
#define ANSWERS_PAUSE ((size_t)256 << 10)
#define ANSWERS_MAX ((size_t)16 << 20)

static_assert(HEAD_MAX >= HULL_HVSOCK_LINE_MAX, "both handshakes fit");

enum channel_state {
	CHANNEL_CONNECT, /* waits for the line */
	CHANNEL_RPC,
	CHANNEL_SOURCE,
	CHANNEL_ID,	   /* waits for the stream's name */
	CHANNEL_UNCLAIMED, /* named; in the list */
	CHANNEL_CLAIMED,
	CHANNEL_LINGERING, /* released; waits for the peer's end */
};

/* Bytes in order, taken from the front without moving the rest each time. */
struct queue {
	struct hull_strbuf buf;
	size_t head;
};

struct hull_channel {
	struct hull_channels *owner;
	struct hull_yamux_stream *ys;
	enum channel_state state;
	bool eof;    /* the peer has half-closed */
	bool ending; /* we shall, once out is empty */
	bool shut;   /* we have */
	bool busy;   /* inside a callback of the owner's: not to be freed by it */
	char head[HEAD_MAX];
	size_t n_head;

	struct hull_rpc_conn *rpc; /* owned */
	struct queue out;	   /* rpc: answers; else handshake */
	size_t debt;		   /* rpc: window not yet given back */

	char *id;		   /* owned */
	struct hull_channel *next; /* unclaimed ones, oldest first */
	uint64_t deadline_ns;
	struct queue in; /* what the owner has not used */
	const struct hull_stream_ops *ops;
	void *ctx;
};

struct hull_channels {
	struct hull_agent *agent;
	struct hull_channel *unclaimed;
	size_t n_unclaimed;
	struct hull_source *timer; /* for the oldest unclaimed */
};

static const char *queue_peek(const struct queue *q, size_t *ret_len)
{
	*ret_len = q->buf.len - q->head;
	return hull_strbuf_str(&q->buf) + q->head;
}

static void queue_drop(struct queue *q, size_t len)
{
	q->head += len;
	if (q->head == q->buf.len) {
		/* Idle channels keep no memory. */
		hull_strbuf_fini(&q->buf);
		q->head = 0;
	}
}

static int queue_add(struct queue *q, const void *data, size_t len)
{
	if (q->head > q->buf.len / 2) {
		hull_strbuf_drop(&q->buf, q->head);
		q->head = 0;
	}
	return hull_strbuf_add(&q->buf, data, len);
}

/* ---- life ---- */

static void free_channel(struct hull_channel *ch)
{
	hull_rpc_conn_free(ch->rpc);
	hull_strbuf_fini(&ch->out.buf);
	hull_strbuf_fini(&ch->in.buf);
	free(ch->id);
	free(ch);
}

static void arm(struct hull_channels *cs)
{
	hull_source_arm(cs->timer, cs->unclaimed ? cs->unclaimed->deadline_ns : 0);
}

static void unlink_unclaimed(struct hull_channel *ch)
{
	struct hull_channel **p = &ch->owner->unclaimed;

	if (ch->state != CHANNEL_UNCLAIMED)
		return;
	while (*p != ch)
		p = &(*p)->next;
	*p = ch->next;
	ch->owner->n_unclaimed--;
	arm(ch->owner);
}

/* Our own doing: reset unless both sides have finished. */
static void close_channel(struct hull_channel *ch)
{
	unlink_unclaimed(ch);
	hull_yamux_close(ch->ys);
	free_channel(ch);
}

static void on_timer(void *ctx)
{
	struct hull_channels *cs = ctx;
	uint64_t now = hull_now_ns();

	while (cs->unclaimed && cs->unclaimed->deadline_ns <= now)
		close_channel(cs->unclaimed);
	arm(cs);
}

int hull_channels_new(struct hull_agent *a, struct hull_channels **ret_channels,
		      struct hull_error **err)
{
	struct hull_channels *cs = calloc(1, sizeof(*cs));

	if (!cs)
		return hull_fail_nomem(err);
	cs->agent = a;
	if (hull_loop_add_timer(a->loop, on_timer, cs, &cs->timer) < 0) {
		free(cs);
		return hull_fail_nomem(err);
	}
	*ret_channels = cs;
	return 0;
}

bool hull_channels_accept(struct hull_channels *cs, struct hull_yamux_stream *s)
{
	struct hull_channel *ch = calloc(1, sizeof(*ch));

	if (!ch)
		return false;
	ch->owner = cs;
	ch->ys = s;
	ch->out.buf.max = ANSWERS_MAX;
	ch->in.buf.max = 2 * HULL_YAMUX_WINDOW_MAX;
	hull_yamux_set_user(s, ch);
	return true;
}

void hull_channel_reset(struct hull_channel *ch)
{
	unlink_unclaimed(ch);
	if (ch->state == CHANNEL_CLAIMED)
		ch->ops->gone(ch->ctx);
	free_channel(ch);
}

/* ---- sending ---- */

/* Sends what is queued, then @data; queues what doesn't go. */
static int send_queued(struct hull_channel *ch, const void *data, size_t len)
{
	size_t queued;
	const char *p = queue_peek(&ch->out, &queued);
	ssize_t n;

	if (queued) {
		n = hull_yamux_write(ch->ys, p, queued);
		if (n < 0)
			return (int)n;
		queue_drop(&ch->out, (size_t)n);
		if ((size_t)n < queued)
			return len ? queue_add(&ch->out, data, len) : 0;
	}
	n = len ? hull_yamux_write(ch->ys, data, len) : 0;
	if (n < 0)
		return (int)n;
	return (size_t)n < len ? queue_add(&ch->out, (const char *)data + n, len - (size_t)n) : 0;
}

static void give_back(struct hull_channel *ch)
{
	size_t queued;

	(void)queue_peek(&ch->out, &queued);
	if (queued > ANSWERS_PAUSE || !ch->debt)
		return;
	hull_yamux_consume(ch->ys, ch->debt);
	ch->debt = 0;
}

/* Half-closes, after what is queued; the channel is over when the peer has as well. */
static void end_sending(struct hull_channel *ch)
{
	size_t queued;

	(void)queue_peek(&ch->out, &queued);
	ch->ending = true;
	if (queued || ch->shut)
		return;
	ch->shut = true;
	hull_yamux_shutdown(ch->ys);
}

static void close_if_over(struct hull_channel *ch)
{
	if (ch->state == CHANNEL_LINGERING && ch->eof && ch->shut)
		close_channel(ch);
}

static void fail_channel(struct hull_channel *ch)
{
	if (ch->state == CHANNEL_CLAIMED)
		ch->ops->gone(ch->ctx);
	close_channel(ch);
}

/* Zeros, as many as window and budget take. */
static void generate(struct hull_channel *ch)
{
	size_t room;
	void *p;

	while ((p = hull_yamux_reserve(ch->ys, &room))) {
		memset(p, 0, room);
		hull_yamux_commit(ch->ys, room);
	}
}

void hull_channel_writable(struct hull_channel *ch)
{
	size_t queued;

	if (send_queued(ch, NULL, 0) < 0) {
		fail_channel(ch);
		return;
	}
	(void)queue_peek(&ch->out, &queued);
	if (queued)
		return;
	if (ch->ending) {
		end_sending(ch);
		close_if_over(ch);
		return;
	}
	if (ch->state == CHANNEL_RPC)
		give_back(ch);
	else if (ch->state == CHANNEL_SOURCE)
		generate(ch);
	else if (ch->state == CHANNEL_CLAIMED)
		ch->ops->writable(ch->ctx);
}

size_t hull_stream_write(struct hull_channel *ch, const void *data, size_t len)
{
	size_t queued;
	ssize_t n;

	/* The handshake's answer goes first. */
	(void)queue_peek(&ch->out, &queued);
	if (queued)
		return 0;
	n = hull_yamux_write(ch->ys, data, len);
	return n < 0 ? 0 : (size_t)n;
}

/* ---- calls ---- */

static void on_rpc_output(void *ctx, const void *data, size_t len)
{
	struct hull_channel *ch = ctx;

	/* Overflow is seen by whoever feeds next: the machine must not be freed from here. */
	if (!ch->out.buf.failed && send_queued(ch, data, len) < 0)
		ch->out.buf.failed = true;
}

static bool rpc_data(struct hull_channel *ch, const char *data, size_t len)
{
	if (ch->out.buf.failed || hull_rpc_conn_feed(ch->rpc, data, len) < 0)
		return false;
	ch->debt += len;
	give_back(ch);
	return true;
}

/* ---- handshakes ---- */

static struct hull_channel *find_unclaimed(const struct hull_channels *cs, const char *id)
{
	struct hull_channel *ch = cs->unclaimed;

	while (ch && strcmp(ch->id, id))
		ch = ch->next;
	return ch;
}

/* Says why not, and ends the stream in order. */
static bool refuse(struct hull_channel *ch, const char *id, const char *why)
{
	cleanup_strbuf struct hull_strbuf text = HULL_STRBUF_INIT;
	char buf[4 + HULL_STREAM_ERROR_MAX];

	if (hull_strbuf_addf(&text, "stream \"%s\" %s", id, why) < 0 ||
	    text.len > HULL_STREAM_ERROR_MAX ||
	    send_queued(ch, buf, hull_stream_format(buf, hull_strbuf_str(&text))) < 0)
		return false;
	ch->state = CHANNEL_LINGERING;
	end_sending(ch);
	return true;
}

static bool register_stream(struct hull_channel *ch, const char *id)
{
	struct hull_channels *cs = ch->owner;
	struct hull_channel **p = &cs->unclaimed;
	char buf[4 + HULL_STREAM_ID_MAX];

	if (find_unclaimed(cs, id))
		return refuse(ch, id, "already exists");
	if (cs->n_unclaimed >= HULL_UNCLAIMED_MAX)
		return refuse(ch, id, "refused: too many unclaimed streams");
	ch->id = strdup(id);
	if (!ch->id || send_queued(ch, buf, hull_stream_format(buf, id)) < 0)
		return false;
	while (*p)
		p = &(*p)->next;
	*p = ch;
	ch->next = NULL;
	ch->state = CHANNEL_UNCLAIMED;
	ch->deadline_ns = hull_deadline_ms(HULL_UNCLAIMED_MS);
	cs->n_unclaimed++;
	arm(cs);
	return true;
}

static bool connect_to(struct hull_channel *ch, uint32_t port)
{
	char ok[HULL_HVSOCK_LINE_MAX];

	switch (port) {
	case HULL_PORT_RPC:
		if (hull_rpc_conn_new(ch->owner->agent, on_rpc_output, ch, &ch->rpc) < 0)
			return false;
		ch->state = CHANNEL_RPC;
		break;
	case HULL_PORT_STREAM:
		ch->state = CHANNEL_ID;
		break;
	case HULL_PORT_DISCARD:
		ch->state = CHANNEL_LINGERING;
		break;
	case HULL_PORT_SOURCE:
		ch->state = CHANNEL_SOURCE;
		break;
	default:
		return false;
	}
	if (send_queued(ch, ok, hull_hvsock_format_ok(ok, hull_yamux_id(ch->ys))) < 0)
		return false;
	if (ch->state == CHANNEL_LINGERING)
		end_sending(ch);
	else if (ch->state == CHANNEL_SOURCE)
		generate(ch);
	return true;
}

/* One step of a handshake on what is in head[].  > 0: bytes used up, 0: more needed, < 0: over. */
static ssize_t handshake(struct hull_channel *ch)
{
	char id[HULL_STREAM_ID_MAX + 1];
	uint32_t port;
	ssize_t n;

	if (ch->state == CHANNEL_CONNECT) {
		n = hull_hvsock_parse_connect(ch->head, ch->n_head, &port);
		return n > 0 && !connect_to(ch, port) ? -1 : n;
	}
	n = hull_stream_parse_id(ch->head, ch->n_head, id);
	return n > 0 && !register_stream(ch, id) ? -1 : n;
}

/* ---- receiving ---- */

static bool keep(struct hull_channel *ch, const char *data, size_t len)
{
	return !len || queue_add(&ch->in, data, len) >= 0;
}

static bool stream_data(struct hull_channel *ch, const char *data, size_t len)
{
	size_t kept, n = 0;

	(void)queue_peek(&ch->in, &kept);
	if (ch->state == CHANNEL_LINGERING || ch->state == CHANNEL_SOURCE) {
		hull_yamux_consume(ch->ys, len);
		return true;
	}
	if (ch->state == CHANNEL_CLAIMED && !kept) {
		ch->busy = true;
		n = ch->ops->data(ch->ctx, data, len);
		ch->busy = false;
		if (ch->state == CHANNEL_LINGERING)
			n = len;
		hull_yamux_consume(ch->ys, n);
	}
	return keep(ch, data + n, len - n);
}

/* Feeds the handshake by the few bytes it needs; the rest goes where the new state says. */
static bool take(struct hull_channel *ch, const char *data, size_t len)
{
	while (ch->state == CHANNEL_CONNECT || ch->state == CHANNEL_ID) {
		size_t had = ch->n_head, n = MIN(len, HEAD_MAX - had);
		ssize_t used;

		memcpy(ch->head + had, data, n);
		ch->n_head += n;
		used = handshake(ch);
		if (used < 0 || (!used && ch->n_head == HEAD_MAX))
			return false;
		if (!used) {
			hull_yamux_consume(ch->ys, n);
			return true;
		}
		/* What an earlier call brought was not enough, so the end is in these bytes. */
		n = (size_t)used - had;
		hull_yamux_consume(ch->ys, n);
		ch->n_head = 0;
		data += n;
		len -= n;
		if (!len)
			return true;
	}
	return ch->state == CHANNEL_RPC ? rpc_data(ch, data, len) : stream_data(ch, data, len);
}

void hull_channel_data(struct hull_channel *ch, const void *data, size_t len)
{
	if (!take(ch, data, len))
		fail_channel(ch);
}

static void finish_claimed(struct hull_channel *ch)
{
	size_t kept;

	(void)queue_peek(&ch->in, &kept);
	if (ch->eof && !kept)
		ch->ops->eof(ch->ctx);
}

void hull_channel_eof(struct hull_channel *ch)
{
	ch->eof = true;
	switch (ch->state) {
	case CHANNEL_CONNECT:
	case CHANNEL_RPC:
	case CHANNEL_SOURCE:
	case CHANNEL_ID:
		/* A client that has closed wants no answers. */
		hull_yamux_shutdown(ch->ys);
		close_channel(ch);
		return;
	case CHANNEL_LINGERING:
		close_if_over(ch);
		return;
	case CHANNEL_UNCLAIMED:
		return;
	case CHANNEL_CLAIMED:
		finish_claimed(ch);
		return;
	}
}

/* ---- owners ---- */

bool hull_stream_is_unclaimed(const struct hull_channels *cs, const char *id)
{
	return find_unclaimed(cs, id) != NULL;
}

struct hull_channel *hull_stream_claim(struct hull_channels *cs, const char *id,
				       const struct hull_stream_ops *ops, void *ctx)
{
	struct hull_channel *ch = find_unclaimed(cs, id);

	if (!ch)
		return NULL;
	unlink_unclaimed(ch);
	ch->state = CHANNEL_CLAIMED;
	ch->ops = ops;
	ch->ctx = ctx;
	return ch;
}

void hull_stream_resume(struct hull_channel *ch)
{
	size_t kept, n;
	const char *p = queue_peek(&ch->in, &kept);

	if (ch->busy)
		return;
	if (kept) {
		ch->busy = true;
		n = ch->ops->data(ch->ctx, p, kept);
		ch->busy = false;
		if (ch->state == CHANNEL_LINGERING) {
			hull_yamux_consume(ch->ys, kept);
			queue_drop(&ch->in, kept);
			close_if_over(ch);
			return;
		}
		queue_drop(&ch->in, n);
		hull_yamux_consume(ch->ys, n);
	}
	finish_claimed(ch);
}

bool hull_stream_pending(const struct hull_channel *ch)
{
	size_t kept;

	(void)queue_peek(&ch->in, &kept);
	return kept > 0;
}

void hull_stream_release(struct hull_channel *ch)
{
	size_t kept;

	if (!ch)
		return;
	ch->state = CHANNEL_LINGERING;
	ch->ops = NULL;
	end_sending(ch);
	if (ch->busy)
		return; /* whoever called the owner goes on with it */
	(void)queue_peek(&ch->in, &kept);
	if (kept) {
		hull_yamux_consume(ch->ys, kept);
		queue_drop(&ch->in, kept);
	}
	close_if_over(ch);
}

void hull_stream_abort(struct hull_channel *ch)
{
	if (!ch)
		return;
	ch->state = CHANNEL_LINGERING; /* no gone() for whoever asked for it */
	close_channel(ch);
}
