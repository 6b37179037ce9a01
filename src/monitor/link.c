/* SPDX-License-Identifier: Apache-2.0
 *
 * The guest link of link.h: channels (a descriptor and a hull_link machine each) and clients.
 *
 * A client is in one of three places: reading its CONNECT line, waiting for its channel, or
 * splicing with a yamux stream.  Its descriptor is read straight into yamux's output frame and
 * written straight from the channel's read buffer; only what the client's socket does not take at
 * once is kept, at most one stream window, because the window is given back as bytes leave.
 */
#define _GNU_SOURCE
#include "monitor/link.h"

#include "base/cleanup.h"
#include "base/listen.h"
#include "base/os.h"
#include "base/strbuf.h"
#include "proto/hvsock.h"
#include "proto/link.h"

#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define CHANNEL_READ ((size_t)256 << 10)
#define CHANNEL_BUDGET ((size_t)512 << 10)
#define READS_PER_EVENT 8
#define DRAIN_READS 64 /* much more than is ever on its way */

struct channel {
	struct hull_guest_link *owner;
	struct hull_source *source;
	struct hull_link *machine;
	int fd; /* owned; -1 while closed */
	bool up;
};

struct client {
	struct hull_guest_link *owner;
	struct client *next, **prev;
	struct hull_source *source;
	struct hull_source *timer; /* until the CONNECT line is complete */
	struct hull_yamux_stream *stream;
	struct channel *channel; /* known once the line is */
	int fd;			 /* owned */
	char line[HULL_HVSOCK_LINE_MAX];
	size_t line_len;
	struct hull_strbuf back; /* guest -> client bytes its socket did not take yet */
	size_t back_head;
	bool read_over;	 /* EOF from the client: FIN sent */
	bool write_over; /* FIN from the guest: shut down once back has drained */
	bool blocked;	 /* yamux takes nothing: do not read */
};

enum { CONTROL, BULK };

struct hull_guest_link {
	struct hull_loop *loop;
	const struct hull_guest_link_ops *ops;
	void *ctx;
	struct channel channels[2];
	struct client *clients;
	size_t n_clients;
	struct hull_listener *listener; /* NULL: none */
	char *buf; /* owned: CHANNEL_READ bytes for whichever channel is being read */
};

/* ---- clients ---- */

static void client_free(struct client *c)
{
	*c->prev = c->next;
	if (c->next)
		c->next->prev = c->prev;
	c->owner->n_clients--;
	hull_source_remove(&c->source);
	hull_source_remove(&c->timer);
	hull_closep(&c->fd);
	hull_strbuf_fini(&c->back);
	free(c);
}

/* Ends the client and its stream. */
static void client_drop(struct client *c)
{
	if (c->stream)
		hull_yamux_close(steal_ptr(&c->stream));
	client_free(c);
}

static void on_client(void *ctx, uint32_t events);

static void client_events(struct client *c)
{
	uint32_t events = 0;

	if (!c->read_over && (!c->channel || (c->stream && !c->blocked)))
		events |= EPOLLIN;
	if (c->back.len > c->back_head)
		events |= EPOLLOUT;
	/* Not just "no events": a hang-up can't be masked, and what the client sent before it is
	 * still to be read. */
	if (!events && c->blocked) {
		hull_source_remove(&c->source);
		return;
	}
	if (c->source)
		(void)hull_source_set_events(c->source, events);
	else if (hull_loop_add_fd(c->owner->loop, c->fd, events, on_client, c, &c->source) < 0)
		c->source = NULL; /* out of memory: tried again with the next event of its stream */
}

/* Both directions done: false, and the client is gone. */
static bool client_settle(struct client *c)
{
	if (c->read_over && c->write_over && c->back.len == c->back_head) {
		client_drop(c);
		return false;
	}
	client_events(c);
	return true;
}

/* False when the client has gone for good (@hung_up, and all it sent has been read): it gets no
 * half-close, which would read as the end of input where it was only the end of watching. */
static bool client_read(struct client *c, bool hung_up)
{
	for (int i = 0; i < READS_PER_EVENT; i++) {
		size_t room;
		void *p = hull_yamux_reserve(c->stream, &room);
		ssize_t n;

		if (!p) {
			c->blocked = true;
			return true;
		}
		n = read(c->fd, p, room);
		hull_yamux_commit(c->stream, n > 0 ? (size_t)n : 0);
		if (n < 0 && errno != EAGAIN && errno != EINTR)
			return false;
		if (n == 0 && hung_up && !c->write_over) /* else the other half is our own doing */
			return false;
		if (n == 0) {
			c->read_over = true;
			hull_yamux_shutdown(c->stream);
			return true;
		}
		if (n < 0 || ((size_t)n < room && !hung_up))
			return true;
	}
	return true;
}

/* False on an error of the socket. */
static bool client_flush(struct client *c)
{
	while (c->back.len > c->back_head) {
		ssize_t n = send(c->fd, c->back.data + c->back_head, c->back.len - c->back_head,
				 MSG_NOSIGNAL);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return errno == EAGAIN;
		c->back_head += (size_t)n;
		hull_yamux_consume(c->stream, (size_t)n);
	}
	c->back_head = 0;
	hull_strbuf_clear(&c->back);
	if (c->write_over)
		(void)shutdown(c->fd, SHUT_WR);
	return true;
}

static void channel_flush(struct channel *ch);

static bool client_attach(struct client *c)
{
	cleanup_error struct hull_error *err = NULL;
	struct hull_yamux *y = hull_link_yamux(c->channel->machine);

	if (hull_yamux_open(y, &c->stream, &err) < 0) {
		client_drop(c);
		return false;
	}
	hull_yamux_set_user(c->stream, c);
	/* A fresh stream has its whole window: the line always fits. */
	(void)hull_yamux_write(c->stream, c->line, c->line_len);
	client_events(c);
	return true;
}

/* The whole line is there: choose the channel.  False: the client is gone. */
static bool client_route(struct client *c, uint32_t port)
{
	hull_source_remove(&c->timer);
	c->channel = &c->owner->channels[port == HULL_PORT_AGENT ? CONTROL : BULK];
	if (c->channel->up)
		return client_attach(c);
	client_events(c);
	return true;
}

static void client_line(struct client *c)
{
	uint32_t port;

	/* One byte at a time: what follows the line belongs to the stream.  It is short. */
	while (c->line_len < sizeof(c->line)) {
		ssize_t r, n = read(c->fd, c->line + c->line_len, 1);

		if (n < 0 && (errno == EAGAIN || errno == EINTR))
			return;
		if (n <= 0)
			break;
		c->line_len++;
		r = hull_hvsock_parse_connect(c->line, c->line_len, &port);
		if (r < 0)
			break;
		if (r > 0) {
			(void)client_route(c, port);
			return;
		}
	}
	client_drop(c);
}

static void on_client(void *ctx, uint32_t events)
{
	struct client *c = ctx;
	struct hull_guest_link *l = c->owner;

	if (!c->channel) {
		client_line(c);
	} else if (!c->stream) {
		/* Waiting for the agent: only HUP and errors are reported here. */
		client_drop(c);
		return;
	} else {
		bool ok = !(events & EPOLLERR);

		if (ok && events & EPOLLOUT)
			ok = client_flush(c);
		if (ok && events & EPOLLIN)
			ok = client_read(c, events & EPOLLHUP);
		/* The peer closed both ways: nothing more can be written to it. */
		if (!ok || (events & EPOLLHUP && !(events & EPOLLIN)))
			client_drop(c);
		else
			(void)client_settle(c);
	}
	for (size_t i = 0; i < ARRAY_SIZE(l->channels); i++)
		channel_flush(&l->channels[i]);
}

static void on_client_timeout(void *ctx)
{
	client_drop(ctx);
}

static int client_new(struct hull_guest_link *l, int fd, struct client **ret)
{
	struct client *c = l->n_clients < HULL_LINK_CLIENTS_MAX ? calloc(1, sizeof(*c)) : NULL;
	int r = c ? hull_set_nonblock(fd, true) : -ENOMEM;

	if (r < 0) {
		free(c);
		hull_closep(&fd);
		return r;
	}
	c->owner = l;
	c->fd = fd;
	c->next = l->clients;
	c->prev = &l->clients;
	if (c->next)
		c->next->prev = &c->next;
	l->clients = c;
	l->n_clients++;
	r = hull_loop_add_fd(l->loop, fd, EPOLLIN, on_client, c, &c->source);
	if (r == 0)
		r = hull_loop_add_timer(l->loop, on_client_timeout, c, &c->timer);
	if (r < 0) {
		client_free(c);
		return r;
	}
	hull_source_arm(c->timer, hull_deadline_ms(HULL_LINK_CONNECT_MS));
	if (ret)
		*ret = c;
	return 0;
}

static void on_accepted(void *ctx, int fd)
{
	(void)client_new(ctx, fd, NULL); /* over the limit: closed, the peer sees EOF */
}

/* ---- streams, called by the machines ---- */

static void on_stream_data(void *ctx, struct hull_yamux_stream *s, const void *data, size_t len)
{
	struct client *c = hull_yamux_user(s);
	ssize_t n = 0;

	if (c->back.len == c->back_head) {
		n = send(c->fd, data, len, MSG_NOSIGNAL);
		if (n < 0 && errno != EAGAIN && errno != EINTR) {
			client_drop(c);
			return;
		}
		n = MAX(n, 0);
		hull_yamux_consume(s, (size_t)n);
	}
	if ((size_t)n == len)
		return;
	if (hull_strbuf_add(&c->back, (const char *)data + n, len - (size_t)n) < 0) {
		client_drop(c);
		return;
	}
	client_events(c);
}

static void on_stream_eof(void *ctx, struct hull_yamux_stream *s)
{
	struct client *c = hull_yamux_user(s);

	c->write_over = true;
	if (c->back.len == c->back_head)
		(void)shutdown(c->fd, SHUT_WR);
	(void)client_settle(c);
}

static void on_stream_reset(void *ctx, struct hull_yamux_stream *s)
{
	struct client *c = hull_yamux_user(s);

	if (!c)
		return;
	c->stream = NULL;
	client_free(c);
}

static void on_stream_writable(void *ctx, struct hull_yamux_stream *s)
{
	struct client *c = hull_yamux_user(s);

	if (c->blocked) {
		c->blocked = false;
		client_events(c);
	}
}

static bool on_stream_accept(void *ctx, struct hull_yamux_stream *s)
{
	return false; /* the guest dials nobody */
}

static void on_pending(void *ctx)
{
	/* Every event ends in channel_flush(). */
}

static void on_up(void *ctx, uint16_t version)
{
	struct channel *ch = ctx;
	struct hull_guest_link *l = ch->owner;
	struct client *c, *next;

	ch->up = true;
	for (c = l->clients; c; c = next) {
		next = c->next;
		if (c->channel == ch && !c->stream)
			(void)client_attach(c);
	}
	if (ch == &l->channels[CONTROL])
		l->ops->up(l->ctx, version);
}

static const struct hull_link_ops link_ops = {
	.yamux =
		{
			.pending = on_pending,
			.accept = on_stream_accept,
			.data = on_stream_data,
			.eof = on_stream_eof,
			.reset = on_stream_reset,
			.writable = on_stream_writable,
		},
	.up = on_up,
};

/* ---- channels ---- */

static void channel_broken(struct channel *ch, struct hull_error *err)
{
	struct hull_guest_link *l = ch->owner;

	hull_source_remove(&ch->source);
	l->ops->broken(l->ctx, err);
}

static void channel_flush(struct channel *ch)
{
	const void *p;
	size_t len;

	while (ch->machine && (p = hull_link_output(ch->machine, &len)) && len) {
		ssize_t n = send(ch->fd, p, len, MSG_NOSIGNAL);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0) /* a real error is seen, and told, by the reader */
			break;
		hull_link_sent(ch->machine, (size_t)n);
	}
	if (!ch->machine || !ch->source)
		return;
	(void)hull_link_output(ch->machine, &len);
	(void)hull_source_set_events(ch->source, EPOLLIN | (len ? EPOLLOUT : 0));
}

static void on_channel(void *ctx, uint32_t events)
{
	struct channel *ch = ctx;
	struct hull_guest_link *l = ch->owner;
	cleanup_error struct hull_error *err = NULL;

	if (!ch->machine) { /* between two guests what comes is nobody's, but the end is */
		hull_fail(&err, HULL_E_BACKEND, "the guest link was closed");
		if (events & (EPOLLHUP | EPOLLERR))
			channel_broken(ch, err);
		return;
	}
	for (int i = 0; events & (EPOLLIN | EPOLLHUP | EPOLLERR) && i < READS_PER_EVENT; i++) {
		ssize_t n = recv(ch->fd, l->buf, CHANNEL_READ, MSG_DONTWAIT);
		int r;

		if (n < 0 && (errno == EAGAIN || errno == EINTR))
			break;
		if (n <= 0) {
			hull_fail(&err, HULL_E_BACKEND, "the guest link was closed");
			channel_broken(ch, err);
			return;
		}
		r = hull_link_feed(ch->machine, l->buf, (size_t)n, &err);
		if (r < 0) {
			hull_prefix(&err, "guest link");
			channel_broken(ch, err);
			return;
		}
		if ((size_t)n < CHANNEL_READ)
			break;
	}
	channel_flush(ch);
}

/* Greets whoever is at the other end. */
static int channel_begin(struct channel *ch, struct hull_error **err)
{
	uint8_t epoch[16];
	int r = hull_random(epoch, sizeof(epoch));

	if (r < 0)
		return hull_fail_errno(err, -r, "open guest link");
	if (hull_link_host_new(epoch, CHANNEL_BUDGET, &link_ops, ch, &ch->machine, err) < 0)
		return -1;
	channel_flush(ch);
	return 0;
}

static int channel_open(struct channel *ch, int fd, struct hull_error **err)
{
	int r = hull_set_nonblock(fd, true);

	ch->fd = fd;
	if (r == 0)
		r = hull_loop_add_fd(ch->owner->loop, fd, EPOLLIN, on_channel, ch, &ch->source);
	return r < 0 ? hull_fail_errno(err, -r, "open guest link") : channel_begin(ch, err);
}

/* What has been said and not been read yet; what is wrong with it no longer matters. */
static void channel_drain(struct channel *ch)
{
	ssize_t n = 1;

	for (int i = 0; ch->up && n > 0 && i < DRAIN_READS; i++) {
		n = recv(ch->fd, ch->owner->buf, CHANNEL_READ, MSG_DONTWAIT);
		if (n > 0 && hull_link_feed(ch->machine, ch->owner->buf, (size_t)n, NULL) < 0)
			return;
	}
}

static void channel_close(struct channel *ch)
{
	ch->up = false;
	hull_source_remove(&ch->source);
	hull_link_free(steal_ptr(&ch->machine));
	hull_closep(&ch->fd);
}

int hull_guest_link_new(struct hull_loop *loop, int listen_fd,
			const struct hull_guest_link_ops *ops, void *ctx,
			struct hull_guest_link **ret_link, struct hull_error **err)
{
	struct hull_guest_link *l = calloc(1, sizeof(*l));
	int r = 0;

	if (!l || !(l->buf = malloc(CHANNEL_READ))) {
		free(l);
		hull_closep(&listen_fd);
		return hull_fail_nomem(err);
	}
	l->loop = loop;
	l->ops = ops;
	l->ctx = ctx;
	for (size_t i = 0; i < ARRAY_SIZE(l->channels); i++)
		l->channels[i] = (struct channel){.owner = l, .fd = -1};
	if (listen_fd >= 0)
		r = hull_listener_new(loop, listen_fd, on_accepted, l, &l->listener);
	if (r < 0) {
		hull_guest_link_free(l);
		return hull_fail_errno(err, -r, "watch vsock socket");
	}
	*ret_link = l;
	return 0;
}

int hull_guest_link_open(struct hull_guest_link *l, int control_fd, int bulk_fd,
			 struct hull_error **err)
{
	for (size_t i = 0; i < ARRAY_SIZE(l->channels); i++)
		channel_close(&l->channels[i]);
	if (channel_open(&l->channels[CONTROL], control_fd, err) < 0) {
		hull_closep(&bulk_fd);
		return -1;
	}
	return channel_open(&l->channels[BULK], bulk_fd, err);
}

void hull_guest_link_hang_up(struct hull_guest_link *l)
{
	struct client *c, *next;

	for (size_t i = 0; i < ARRAY_SIZE(l->channels); i++)
		channel_drain(&l->channels[i]);
	for (c = l->clients; c; c = next) {
		next = c->next;
		if (!c->stream)
			continue;
		(void)client_flush(c);
		client_drop(c);
	}
	for (size_t i = 0; i < ARRAY_SIZE(l->channels); i++) {
		struct channel *ch = &l->channels[i];

		ch->up = false;
		hull_link_free(steal_ptr(&ch->machine));
		if (ch->source)
			(void)hull_source_set_events(ch->source, 0);
	}
}

int hull_guest_link_renew(struct hull_guest_link *l, struct hull_error **err)
{
	for (size_t i = 0; i < ARRAY_SIZE(l->channels); i++)
		if (channel_begin(&l->channels[i], err) < 0)
			return -1;
	return 0;
}

void hull_guest_link_close(struct hull_guest_link *l)
{
	for (size_t i = 0; i < ARRAY_SIZE(l->channels); i++)
		channel_close(&l->channels[i]);
	while (l->clients)
		client_drop(l->clients);
}

void hull_guest_link_free(struct hull_guest_link *l)
{
	if (!l)
		return;
	hull_guest_link_close(l);
	hull_listener_free(l->listener);
	free(l->buf);
	free(l);
}

int hull_guest_link_connect(struct hull_guest_link *l, uint32_t port, int *ret_fd,
			    struct hull_error **err)
{
	struct client *c;
	int s[2], r = hull_socketpair(s);

	if (r < 0)
		return hull_fail_errno(err, -r, "connect to guest port %u", port);
	r = client_new(l, s[1], &c);
	if (r < 0) {
		hull_closep(&s[0]);
		return hull_fail_errno(err, -r, "connect to guest port %u", port);
	}
	c->line_len = hull_hvsock_format_connect(c->line, port);
	if (client_route(c, port))
		channel_flush(c->channel);
	*ret_fd = s[0];
	return 0;
}

size_t hull_guest_link_clients(const struct hull_guest_link *l)
{
	return l->n_clients;
}
