/* SPDX-License-Identifier: Apache-2.0
 *
 * The console of console.h: ring, readers.
 */
#define _GNU_SOURCE
#include "monitor/console.h"

#include "base/cleanup.h"
#include "base/conn.h"
#include "base/listen.h"
#include "base/os.h"
#include "base/strbuf.h"
#include "monitor/logger.h"

#include <ctype.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define READER_QUEUE ((size_t)1 << 20)
#define READERS_MAX 32
/* Typed, and not taken by the guest yet: then the writer waits. */
#define TYPED_MAX ((size_t)64 << 10)

struct reader {
	struct hull_console *owner;
	struct reader *next; /* in line: the first that is not mute is the writer */
	struct hull_conn *conn;
	bool mute;
	char name[HULL_UNIX_NAME_MAX + 1]; /* "": none */
};

struct hull_console {
	struct hull_loop *loop;
	struct hull_conn *conn;		/* to the hypervisor; NULL once it is gone */
	struct hull_listener *listener; /* NULL: none */
	struct hull_logger *logger;	/* not ours; NULL: none */
	char ring[HULL_CONSOLE_RING];
	size_t total; /* bytes ever; the ring holds the last of them */
	size_t mark;  /* as many were printed when this guest began */
	struct reader *readers;
	size_t n_readers;
	struct reader *writer;	    /* one of them, or NULL */
	void (*changed)(void *ctx); /* it is another; NULL: nobody asks */
	void *changed_ctx;
	void (*drained)(void *ctx); /* NULL: nobody waits for that */
	void *drained_ctx;
};

static bool typed_enough(const struct hull_console *c)
{
	return c->conn && hull_conn_queued(c->conn) >= TYPED_MAX;
}

static bool readers_lag(const struct hull_console *c)
{
	for (const struct reader *r = c->readers; r; r = r->next)
		if (hull_conn_queued(r->conn))
			return true;
	return false;
}

static void tell_drained(struct hull_console *c)
{
	void (*drained)(void *ctx) = c->drained;

	if (!drained || readers_lag(c))
		return;
	c->drained = NULL;
	drained(c->drained_ctx);
}

bool hull_console_drain_readers(struct hull_console *c, void (*drained)(void *ctx), void *ctx)
{
	if (!readers_lag(c))
		return false;
	c->drained = drained;
	c->drained_ctx = ctx;
	return true;
}

/* The line has changed. */
static void settle_writer(struct hull_console *c)
{
	struct reader *r = c->readers;

	while (r && r->mute)
		r = r->next;
	if (r == c->writer)
		return;
	/* What others type goes nowhere, at once. */
	if (c->writer)
		hull_conn_pause(c->writer->conn, false);
	c->writer = r;
	if (r)
		hull_conn_pause(r->conn, typed_enough(c));
	if (c->changed)
		c->changed(c->changed_ctx);
}

static void unlink_reader(struct reader *r)
{
	struct reader **p = &r->owner->readers;

	while (*p != r)
		p = &(*p)->next;
	*p = r->next;
}

static void reader_free(struct reader *r)
{
	struct hull_console *c = r->owner;

	unlink_reader(r);
	c->n_readers--;
	if (c->writer == r)
		c->writer = NULL;
	hull_conn_free(r->conn);
	free(r);
	settle_writer(c);
}

static void on_reader_data(void *ctx, const char *data, size_t len)
{
	struct reader *r = ctx;
	struct hull_console *c = r->owner;

	/* One that is paused is read all the same once it has hung up. */
	if (r != c->writer || !c->conn || typed_enough(c))
		return;
	(void)hull_conn_write(c->conn, data, len);
	if (typed_enough(c))
		hull_conn_pause(r->conn, true);
}

static void on_reader_eof(void *ctx)
{
	struct reader *r = ctx;

	r->mute = true; /* and reads on */
	settle_writer(r->owner);
}

static void on_reader_closed(void *ctx, int errnum)
{
	struct hull_console *c = ((struct reader *)ctx)->owner;

	reader_free(ctx);
	tell_drained(c);
}

static void on_reader_drained(void *ctx)
{
	tell_drained(((struct reader *)ctx)->owner);
}

static const struct hull_conn_ops reader_ops = {
	.data = on_reader_data,
	.eof = on_reader_eof,
	.closed = on_reader_closed,
	.drained = on_reader_drained,
};

/* The ring's content in order, as one or two pieces. */
static void ring_pieces(const struct hull_console *c, const char *piece[2], size_t len[2])
{
	size_t at = c->total % HULL_CONSOLE_RING;

	piece[0] = c->ring + at;
	len[0] = c->total >= HULL_CONSOLE_RING ? HULL_CONSOLE_RING - at : 0;
	piece[1] = c->ring;
	len[1] = at;
}

static void on_accepted(void *ctx, int fd)
{
	struct hull_console *c = ctx;
	struct reader *r = c->n_readers < READERS_MAX ? calloc(1, sizeof(*r)) : NULL;
	struct reader **tail = &c->readers;
	const char *piece[2];
	size_t len[2];

	if (!r) {
		hull_closep(&fd);
		return;
	}
	r->owner = c;
	hull_unix_peer_name(fd, r->name);
	if (hull_conn_new(c->loop, fd, READER_QUEUE, &reader_ops, r, &r->conn) < 0) {
		free(r);
		return;
	}
	while (*tail)
		tail = &(*tail)->next;
	*tail = r;
	c->n_readers++;
	settle_writer(c);
	ring_pieces(c, piece, len);
	(void)hull_conn_write(r->conn, piece[0], len[0]);
	(void)hull_conn_write(r->conn, piece[1], len[1]);
}

static void ring_add(struct hull_console *c, const char *data, size_t len)
{
	if (len > HULL_CONSOLE_RING) {
		c->total += len - HULL_CONSOLE_RING;
		data += len - HULL_CONSOLE_RING;
		len = HULL_CONSOLE_RING;
	}
	while (len) {
		size_t at = c->total % HULL_CONSOLE_RING;
		size_t n = MIN(len, HULL_CONSOLE_RING - at);

		memcpy(c->ring + at, data, n);
		c->total += n;
		data += n;
		len -= n;
	}
}

static void on_data(void *ctx, const char *data, size_t len)
{
	struct hull_console *c = ctx;
	struct reader *next;

	ring_add(c, data, len);
	if (c->logger)
		hull_logger_add(c->logger, data, len);
	for (struct reader *r = c->readers; r; r = next) {
		next = r->next;
		(void)hull_conn_write(r->conn, data, len); /* its closed() follows if it lags */
	}
}

static void on_closed(void *ctx, int errnum)
{
	struct hull_console *c = ctx;

	hull_conn_free(steal_ptr(&c->conn));
}

static void on_drained(void *ctx)
{
	struct hull_console *c = ctx;

	if (c->writer)
		hull_conn_pause(c->writer->conn, false);
}

static const struct hull_conn_ops conn_ops = {
	.data = on_data,
	.closed = on_closed,
	.drained = on_drained,
};

int hull_console_new(struct hull_loop *loop, int fd, int listen_fd, struct hull_logger *logger,
		     struct hull_console **ret_console, struct hull_error **err)
{
	struct hull_console *c = calloc(1, sizeof(*c));
	int r;

	if (!c) {
		hull_closep(&fd);
		hull_closep(&listen_fd);
		return hull_fail_nomem(err);
	}
	c->loop = loop;
	c->logger = logger;
	r = hull_conn_new(loop, fd, READER_QUEUE, &conn_ops, c, &c->conn);
	if (r < 0)
		hull_closep(&listen_fd);
	else if (listen_fd >= 0)
		r = hull_listener_new(loop, listen_fd, on_accepted, c, &c->listener);
	if (r < 0) {
		hull_console_free(c);
		return hull_fail_errno(err, -r, "watch console");
	}
	*ret_console = c;
	return 0;
}

int hull_console_attach(struct hull_console *c, int fd, struct hull_error **err)
{
	int r;

	hull_conn_free(steal_ptr(&c->conn));
	hull_console_mark(c);
	r = hull_conn_new(c->loop, fd, READER_QUEUE, &conn_ops, c, &c->conn);
	if (r == 0 && c->readers)
		hull_conn_pause(c->readers->conn, false); /* the old one may have lagged */
	return r < 0 ? hull_fail_errno(err, -r, "watch console") : 0;
}

void hull_console_free(struct hull_console *c)
{
	if (!c)
		return;
	c->changed = NULL;
	while (c->readers)
		reader_free(c->readers);
	hull_listener_free(c->listener);
	hull_conn_free(c->conn);
	free(c);
}

static struct reader *find_reader(const struct hull_console *c, const char *name)
{
	struct reader *r = *name ? c->readers : NULL;

	while (r && (r->mute || strcmp(r->name, name) != 0))
		r = r->next;
	return r;
}

int hull_console_writes(const struct hull_console *c, const char *name)
{
	struct reader *r = find_reader(c, name);

	return r ? r == c->writer : -ENOENT;
}

int hull_console_take(struct hull_console *c, const char *name)
{
	struct reader *r = find_reader(c, name);

	if (!r)
		return -ENOENT;
	unlink_reader(r);
	r->next = c->readers;
	c->readers = r;
	settle_writer(c);
	return 0;
}

void hull_console_watch_writer(struct hull_console *c, void (*changed)(void *ctx), void *ctx)
{
	c->changed = changed;
	c->changed_ctx = ctx;
}

void hull_console_drain(struct hull_console *c)
{
	char buf[4096];
	ssize_t n;

	while (c->conn && (n = read(hull_conn_fd(c->conn), buf, sizeof(buf))) > 0)
		on_data(c, buf, (size_t)n);
}

void hull_console_mark(struct hull_console *c)
{
	c->mark = c->total;
}

/* The ring, as far as it is of this guest, as one text without escape sequences and control
 * characters but newline and tab. */
static int clean_text(const struct hull_console *c, struct hull_strbuf *out)
{
	const char *piece[2];
	size_t len[2], older, skip;
	bool escape = false;

	ring_pieces(c, piece, len);
	older = len[0] + len[1] - MIN(len[0] + len[1], c->total - c->mark);
	for (int i = 0; i < 2; i++) {
		skip = MIN(older, len[i]);
		piece[i] += skip;
		len[i] -= skip;
		older -= skip;
	}
	for (int i = 0; i < 2; i++) {
		for (size_t k = 0; k < len[i]; k++) {
			char ch = piece[i][k];

			if (escape)
				escape = !isalpha((unsigned char)ch);
			else if (ch == '\033')
				escape = true;
			else if (ch == '\n' || ch == '\t' || (unsigned char)ch >= ' ')
				hull_strbuf_add(out, &ch, 1);
		}
	}
	return out->failed ? -ENOMEM : 0;
}

void hull_console_tail(const struct hull_console *c, size_t lines, struct hull_strbuf *out)
{
	cleanup_strbuf struct hull_strbuf text = HULL_STRBUF_INIT;
	size_t at;

	if (clean_text(c, &text) < 0 || !text.len)
		return;
	for (at = text.len - 1; at > 0 && lines; at--)
		if (text.data[at - 1] == '\n' && --lines == 0)
			break;
	hull_strbuf_add(out, text.data + at, text.len - at);
}

int hull_console_panic_line(const struct hull_console *c, struct hull_strbuf *out)
{
	cleanup_strbuf struct hull_strbuf text = HULL_STRBUF_INIT;
	const char *p, *end;

	if (clean_text(c, &text) < 0)
		return -ENOMEM;
	p = strstr(hull_strbuf_str(&text), "Kernel panic - not syncing");
	if (!p)
		return -ENOENT;
	end = strchrnul(p, '\n');
	return hull_strbuf_add(out, p, (size_t)(end - p));
}
