/* SPDX-License-Identifier: Apache-2.0
 *
 * The server of http.h.  A connection is a call: it has one request at a time.
 *
 *   HEAD ──▶ BODY ──▶ ANSWER ──▶ DRAIN ──▶ IDLE ──first byte──▶ HEAD
 *     └────────┴─ bad, too late, last request ─▶ CLOSING ─▶ freed
 *
 * Each phase but ANSWER has a deadline; one timer serves all.  The list of connections is in the
 * order in which they came into their phase.  A connection is freed from events of the loop only,
 * never from inside hull_http_reply().
 */
#define _GNU_SOURCE
#include "monitor/http.h"

#include "base/cleanup.h"
#include "base/conn.h"
#include "base/os.h"
#include "base/strbuf.h"

#include <string.h>
#include <sys/socket.h>

#define LISTENERS_MAX 2
#define ACCEPTS_PER_EVENT 16	      /* then others get their turn */
#define QUEUE_HIGH ((size_t)64 << 10) /* no further request is taken before the client has this */
#define QUEUE_MAX ((size_t)16 << 20)  /* of one answer */
#define AHEAD_MAX ((size_t)128 << 10) /* bytes behind a request that is being answered */
#define LINGER_MS 1000		      /* for the client to see the last answer, and close */
#define SHORT_MS 100		      /* until more descriptors may be had */

enum phase { PHASE_HEAD, PHASE_BODY, PHASE_ANSWER, PHASE_DRAIN, PHASE_IDLE, PHASE_CLOSING };

struct hull_http_call {
	struct hull_http_server *owner;
	struct hull_http_call *older, *newer;
	struct hull_conn *conn;
	struct hull_http1 *http;
	struct hull_strbuf ahead; /* came behind the request that is being answered */
	enum phase phase;
	uint64_t since_ns, deadline_ns; /* 0: none */
	bool taking;			/* bytes are being looked at */
	bool eof;			/* the client sends no more */
	bool lost;			/* not all it sent was kept: the next answer is the last */
	void *user;
};

struct hull_http_server {
	struct hull_loop *loop;
	const struct hull_http_limits *limits;
	const struct hull_http_ops *ops;
	void *ctx;
	int listen_fds[LISTENERS_MAX]; /* owned */
	struct hull_source *sources[LISTENERS_MAX];
	size_t n_listeners;
	struct hull_source *timer;
	struct hull_http_call *oldest, *newest;
	size_t n_calls;
	uint64_t held_ns; /* until when newcomers wait; 0: they don't */
};

/* ---- the list, and time ---- */

static void unlink_call(struct hull_http_call *c)
{
	struct hull_http_server *s = c->owner;

	*(c->older ? &c->older->newer : &s->oldest) = c->newer;
	*(c->newer ? &c->newer->older : &s->newest) = c->older;
}

static void append_call(struct hull_http_call *c)
{
	struct hull_http_server *s = c->owner;

	c->older = s->newest;
	c->newer = NULL;
	*(s->newest ? &s->newest->newer : &s->oldest) = c;
	s->newest = c;
}

static void arm(struct hull_http_server *s)
{
	uint64_t next = s->held_ns;

	for (const struct hull_http_call *c = s->oldest; c; c = c->newer)
		if (c->deadline_ns && (!next || c->deadline_ns < next))
			next = c->deadline_ns;
	hull_source_arm(s->timer, next);
}

static void hold(struct hull_http_server *s, uint64_t until_ns)
{
	bool held = s->held_ns;

	s->held_ns = until_ns;
	for (size_t i = 0; i < s->n_listeners && held != (until_ns != 0); i++)
		(void)hull_source_set_events(s->sources[i], until_ns ? 0 : EPOLLIN);
	arm(s);
}

static uint64_t time_of(const struct hull_http_limits *l, enum phase phase)
{
	const uint64_t times[] = {
		[PHASE_HEAD] = l->head_ms,   [PHASE_BODY] = l->body_ms, [PHASE_ANSWER] = 0,
		[PHASE_DRAIN] = l->write_ms, [PHASE_IDLE] = l->idle_ms, [PHASE_CLOSING] = LINGER_MS,
	};

	return times[phase];
}

static void enter(struct hull_http_call *c, enum phase phase)
{
	uint64_t ms = time_of(c->owner->limits, phase);

	c->phase = phase;
	c->since_ns = hull_now_ns();
	c->deadline_ns = ms ? c->since_ns + ms * HULL_NS_PER_MS : 0;
	unlink_call(c);
	append_call(c);
	if (phase == PHASE_IDLE && c->owner->held_ns)
		hold(c->owner, 0);
	else
		arm(c->owner);
}

static void call_free(struct hull_http_call *c)
{
	struct hull_http_server *s = c->owner;

	unlink_call(c);
	s->n_calls--;
	if (c->phase == PHASE_ANSWER && s->ops->gone)
		s->ops->gone(s->ctx, c);
	hull_conn_free(c->conn);
	hull_http1_free(c->http);
	hull_strbuf_fini(&c->ahead);
	free(c);
	if (s->held_ns)
		hold(s, 0);
}

/* ---- answers ---- */

/* The last answer has been given.  Its bytes must not be cut off by what the client still sends,
 * which is read and forgotten. */
static void close_call(struct hull_http_call *c)
{
	hull_strbuf_fini(&c->ahead);
	hull_conn_pause(c->conn, false);
	hull_conn_shutdown(c->conn);
	enter(c, PHASE_CLOSING);
	if (hull_conn_queued(c->conn))
		c->deadline_ns = c->since_ns + c->owner->limits->write_ms * HULL_NS_PER_MS;
	else if (c->eof)
		c->deadline_ns = 1;
	arm(c->owner);
}

/* @rq NULL: to what is no request. */
static void answer(struct hull_http_call *c, const struct hull_http1_request *rq,
		   const struct hull_http1_response *response)
{
	cleanup_strbuf struct hull_strbuf out = HULL_STRBUF_INIT;
	bool last = !rq || !rq->keep_alive || response->close || c->lost;
	struct hull_http1_response r = *response;

	r.close = last;
	if (hull_http1_respond(&out, rq, &r, hull_realtime_ns() / HULL_NS_PER_S) < 0) {
		hull_strbuf_fini(&out);
		r = (struct hull_http1_response){.status = 500, .close = true};
		last = true;
		(void)hull_http1_respond(&out, rq, &r, hull_realtime_ns() / HULL_NS_PER_S);
	}
	/* If one fails, closed() follows. */
	(void)hull_conn_write(c->conn, hull_strbuf_str(&out), out.len);
	if (r.lasting && hull_http1_wants_body(rq))
		(void)hull_conn_lend(c->conn, r.body, r.body_len);
	if (last)
		close_call(c);
}

static void answer_bad(struct hull_http_call *c)
{
	struct hull_http1_response r = {.status = hull_http1_status(c->http)};
	cleanup_free char *body = NULL;

	if (c->owner->ops->bad)
		body = c->owner->ops->bad(c->owner->ctx, hull_http1_why(c->http), &r);
	answer(c, NULL, &r);
}

/* ---- requests ---- */

static bool may_take(const struct hull_http_call *c)
{
	return c->phase != PHASE_ANSWER && c->phase != PHASE_CLOSING &&
	       hull_conn_queued(c->conn) < QUEUE_HIGH;
}

/* Where the connection is after bytes have been looked at, or have gone out. */
static void settle(struct hull_http_call *c)
{
	enum phase phase = c->phase;

	if (phase == PHASE_CLOSING)
		return;
	hull_conn_pause(c->conn, !may_take(c));
	if (phase == PHASE_ANSWER)
		return;
	if (c->eof && !c->ahead.len) {
		close_call(c);
		return;
	}
	if (hull_conn_queued(c->conn))
		phase = PHASE_DRAIN;
	else if (hull_http1_in_body(c->http))
		phase = PHASE_BODY;
	else if (!hull_http1_is_idle(c->http))
		phase = PHASE_HEAD;
	else if (phase != PHASE_HEAD) /* else it is still the first byte that is waited for */
		phase = PHASE_IDLE;
	if (phase != c->phase)
		enter(c, phase);
}

static void take(struct hull_http_call *c, const char *data, size_t len)
{
	struct hull_http_server *s = c->owner;
	size_t at = 0, used;

	c->taking = true;
	while (at < len && may_take(c)) {
		enum hull_http1_got got = hull_http1_feed(c->http, data + at, len - at, &used);

		at += used;
		if (got == HULL_HTTP1_GOT_CONTINUE && at == len) {
			(void)hull_conn_write(c->conn, HULL_HTTP1_CONTINUE,
					      strlen(HULL_HTTP1_CONTINUE));
		} else if (got == HULL_HTTP1_GOT_REQUEST) {
			c->user = NULL;
			enter(c, PHASE_ANSWER);
			s->ops->request(s->ctx, c, hull_http1_request(c->http));
		} else if (got == HULL_HTTP1_GOT_BAD) {
			answer_bad(c);
		}
	}
	c->taking = false;
	if (c->phase != PHASE_CLOSING && at < len &&
	    hull_strbuf_add(&c->ahead, data + at, len - at) < 0) {
		c->lost = true;
		if (c->phase != PHASE_ANSWER)
			close_call(c);
	}
	settle(c);
}

/* There may be bytes that could not be looked at before. */
static void go_on(struct hull_http_call *c)
{
	cleanup_strbuf struct hull_strbuf ahead = HULL_STRBUF_INIT;

	if (!c->ahead.len || !may_take(c)) {
		settle(c);
		return;
	}
	ahead = c->ahead;
	c->ahead = (struct hull_strbuf){.max = AHEAD_MAX};
	take(c, ahead.data, ahead.len);
}

void hull_http_reply(struct hull_http_call *c, const struct hull_http1_response *response)
{
	answer(c, hull_http1_request(c->http), response);
	if (c->phase != PHASE_CLOSING) {
		hull_http1_next(c->http);
		enter(c, hull_conn_queued(c->conn) ? PHASE_DRAIN : PHASE_IDLE);
	}
	if (!c->taking)
		go_on(c);
}

void hull_http_call_set_user(struct hull_http_call *c, void *user)
{
	c->user = user;
}

void *hull_http_call_user(const struct hull_http_call *c)
{
	return c->user;
}

/* ---- connections ---- */

static void on_data(void *ctx, const char *data, size_t len)
{
	struct hull_http_call *c = ctx;

	if (c->phase == PHASE_CLOSING)
		return;
	if (!c->ahead.len)
		take(c, data, len);
	else if (hull_strbuf_add(&c->ahead, data, len) < 0)
		call_free(c);
}

static void on_eof(void *ctx)
{
	struct hull_http_call *c = ctx;

	c->eof = true;
	if (c->phase == PHASE_CLOSING && !hull_conn_queued(c->conn))
		call_free(c);
	else
		settle(c);
}

static void on_closed(void *ctx, int errnum)
{
	call_free(ctx);
}

static void on_drained(void *ctx)
{
	struct hull_http_call *c = ctx;

	if (c->phase != PHASE_CLOSING)
		go_on(c);
	else if (c->eof)
		call_free(c);
	else
		enter(c, PHASE_CLOSING);
}

static const struct hull_conn_ops conn_ops = {
	.data = on_data, .eof = on_eof, .closed = on_closed, .drained = on_drained};

static void call_new(struct hull_http_server *s, int fd)
{
	struct hull_http_call *c = calloc(1, sizeof(*c));

	if (!c || hull_http1_new(&s->limits->request, &c->http) < 0 ||
	    hull_conn_new(s->loop, steal_fd(&fd), QUEUE_MAX, &conn_ops, c, &c->conn) < 0) {
		hull_closep(&fd);
		if (c)
			hull_http1_free(c->http);
		free(c);
		return;
	}
	c->owner = s;
	c->ahead.max = AHEAD_MAX;
	s->n_calls++;
	append_call(c);
	enter(c, PHASE_HEAD);
}

/* When the first of those that wait for their clients will have had its moment; 0: never. */
static uint64_t grace_end(const struct hull_http_server *s, uint64_t now)
{
	for (const struct hull_http_call *c = s->oldest; c; c = c->newer)
		if (c->phase != PHASE_ANSWER)
			return c->since_ns + s->limits->grace_ms * HULL_NS_PER_MS;
	return now + SHORT_MS * HULL_NS_PER_MS;
}

/* False if nobody can give way now. */
static bool make_room(struct hull_http_server *s)
{
	uint64_t now = hull_now_ns(), grace = s->limits->grace_ms * HULL_NS_PER_MS;

	if (s->n_calls < s->limits->connections)
		return true;
	for (struct hull_http_call *c = s->oldest; c; c = c->newer) {
		bool idle = c->phase == PHASE_IDLE || c->phase == PHASE_CLOSING;

		if (c->phase == PHASE_ANSWER || (!idle && c->since_ns + grace > now))
			continue;
		call_free(c);
		return true;
	}
	hold(s, grace_end(s, now));
	return false;
}

static void accept_some(struct hull_http_server *s, int listen_fd)
{
	for (int i = 0; i < ACCEPTS_PER_EVENT && make_room(s); i++) {
		int fd = accept4(listen_fd, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);

		if (fd >= 0) {
			call_new(s, fd);
			continue;
		}
		if (errno == EMFILE || errno == ENFILE || errno == ENOBUFS || errno == ENOMEM)
			hold(s, hull_now_ns() + SHORT_MS * HULL_NS_PER_MS);
		return;
	}
}

static void on_accept(void *ctx, uint32_t events)
{
	struct hull_http_server *s = ctx;

	for (size_t i = 0; i < s->n_listeners && !s->held_ns; i++)
		accept_some(s, s->listen_fds[i]);
}

static void on_timer(void *ctx)
{
	struct hull_http_server *s = ctx;
	uint64_t now = hull_now_ns();

	for (struct hull_http_call *c = s->oldest, *newer; c; c = newer) {
		newer = c->newer;
		if (c->deadline_ns && c->deadline_ns <= now)
			call_free(c);
	}
	if (s->held_ns && s->held_ns <= now)
		hold(s, 0);
	else
		arm(s);
}

/* ---- the server ---- */

int hull_http_server_new(struct hull_loop *loop, const struct hull_http_limits *limits,
			 const struct hull_http_ops *ops, void *ctx,
			 struct hull_http_server **ret_server, struct hull_error **err)
{
	struct hull_http_server *s = calloc(1, sizeof(*s));
	int r = s ? hull_loop_add_timer(loop, on_timer, s, &s->timer) : -ENOMEM;

	if (r < 0) {
		free(s);
		return hull_fail_errno(err, -r, "set up an HTTP server");
	}
	s->loop = loop;
	s->limits = limits;
	s->ops = ops;
	s->ctx = ctx;
	*ret_server = s;
	return 0;
}

int hull_http_server_listen(struct hull_http_server *s, int listen_fd)
{
	size_t i = s->n_listeners;
	int r = i < LISTENERS_MAX ? hull_loop_add_fd(s->loop, listen_fd, EPOLLIN, on_accept, s,
						     &s->sources[i])
				  : -ENOSPC;

	if (r < 0) {
		hull_closep(&listen_fd);
		return r;
	}
	s->listen_fds[i] = listen_fd;
	s->n_listeners++;
	return 0;
}

size_t hull_http_server_connections(const struct hull_http_server *s)
{
	return s->n_calls;
}

void hull_http_server_free(struct hull_http_server *s)
{
	if (!s)
		return;
	while (s->oldest)
		call_free(s->oldest);
	for (size_t i = 0; i < s->n_listeners; i++) {
		hull_source_remove(&s->sources[i]);
		hull_closep(&s->listen_fds[i]);
	}
	hull_source_remove(&s->timer);
	free(s);
}
