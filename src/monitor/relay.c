/* SPDX-License-Identifier: Apache-2.0
 *
 * The relay of relay.h.  A flow is two connections of TCP, or for UDP a correspondent and a socket
 * that talks to the target in its name.
 */
#define _GNU_SOURCE
#include "monitor/relay.h"

#include "base/cleanup.h"
#include "base/conn.h"
#include "base/listen.h"
#include "base/os.h"

#include <netinet/in.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>

#define DATAGRAM_MAX ((size_t)65536)
#define DATAGRAMS_PER_EVENT 32 /* then others get their turn */
#define QUEUE_HIGH ((size_t)256 << 10)

struct listener {
	struct hull_relay *relay;
	struct listener *next;
	struct hull_listener *connections; /* TCP */
	struct hull_source *source;	   /* UDP */
	int fd;				   /* UDP: owned; else -1 */
	struct sockaddr_storage target;
	socklen_t target_len;
};

enum { CLIENT, TARGET };

struct side {
	struct flow *flow;
	struct hull_conn *conn; /* NULL for UDP, and when it is over both ways */
	bool eof;
};

struct flow {
	struct listener *listener;
	struct flow *next, **prev;
	struct side sides[2];
	/* UDP */
	struct sockaddr_storage from;
	int fd; /* owned; -1 for TCP */
	struct hull_source *source, *timer;
	uint64_t used_ns;
};

struct hull_relay {
	struct hull_loop *loop;
	struct listener *listeners;
	struct flow *flows;
	size_t n_flows;
	char datagram[DATAGRAM_MAX];
};

static void flow_free(struct flow *f)
{
	*f->prev = f->next;
	if (f->next)
		f->next->prev = f->prev;
	f->listener->relay->n_flows--;
	hull_conn_free(f->sides[CLIENT].conn);
	hull_conn_free(f->sides[TARGET].conn);
	hull_source_remove(&f->source);
	hull_source_remove(&f->timer);
	hull_closep(&f->fd);
	free(f);
}

static struct flow *flow_new(struct listener *l)
{
	struct flow *f = calloc(1, sizeof(*f));

	if (!f)
		return NULL;
	f->listener = l;
	f->fd = -1;
	f->sides[CLIENT].flow = f->sides[TARGET].flow = f;
	f->next = l->relay->flows;
	f->prev = &l->relay->flows;
	if (f->next)
		f->next->prev = &f->next;
	l->relay->flows = f;
	l->relay->n_flows++;
	return f;
}

/* ---- connections ---- */

static struct side *other(struct side *s)
{
	return &s->flow->sides[s == &s->flow->sides[CLIENT] ? TARGET : CLIENT];
}

static void settle(struct flow *f)
{
	for (int i = 0; i < 2; i++)
		if (!f->sides[i].eof || (f->sides[i].conn && hull_conn_queued(f->sides[i].conn)))
			return;
	flow_free(f);
}

static void on_data(void *ctx, const char *data, size_t len)
{
	struct side *s = ctx, *o = other(s);

	if (!o->conn)
		return;
	/* If it fails, its closed() follows. */
	(void)hull_conn_write(o->conn, data, len);
	if (hull_conn_queued(o->conn) >= QUEUE_HIGH)
		hull_conn_pause(s->conn, true);
}

static void on_eof(void *ctx)
{
	struct side *s = ctx;

	s->eof = true;
	if (other(s)->conn)
		hull_conn_shutdown(other(s)->conn);
	settle(s->flow);
}

/* Properly over both ways, it may have left something for the other to take. */
static void on_closed(void *ctx, int errnum)
{
	struct side *s = ctx;

	if (errnum || !s->eof) {
		flow_free(s->flow);
		return;
	}
	hull_conn_free(steal_ptr(&s->conn));
	settle(s->flow);
}

static void on_drained(void *ctx)
{
	struct side *s = ctx;

	if (other(s)->conn)
		hull_conn_pause(other(s)->conn, false);
	settle(s->flow);
}

static const struct hull_conn_ops conn_ops = {
	.data = on_data,
	.eof = on_eof,
	.closed = on_closed,
	.drained = on_drained,
};

static int dial(const struct listener *l, int type)
{
	cleanup_close int fd = socket(l->target.ss_family, type | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

	if (fd < 0 || (connect(fd, (const struct sockaddr *)&l->target, l->target_len) < 0 &&
		       errno != EINPROGRESS))
		return -errno;
	return steal_fd(&fd);
}

static void on_accepted(void *ctx, int accepted)
{
	struct listener *l = ctx;
	struct hull_relay *r = l->relay;
	cleanup_close int fd = accepted, target = -1;
	struct flow *f;

	if (r->n_flows >= HULL_RELAY_FLOWS_MAX)
		return;
	target = dial(l, SOCK_STREAM);
	f = target < 0 ? NULL : flow_new(l);
	if (f && (hull_conn_new(r->loop, steal_fd(&fd), 0, &conn_ops, &f->sides[CLIENT],
				&f->sides[CLIENT].conn) < 0 ||
		  hull_conn_new(r->loop, steal_fd(&target), 0, &conn_ops, &f->sides[TARGET],
				&f->sides[TARGET].conn) < 0))
		flow_free(f);
}

/* ---- UDP ---- */

static void on_answer(void *ctx, uint32_t events)
{
	struct flow *f = ctx;
	struct hull_relay *r = f->listener->relay;

	for (int i = 0; i < DATAGRAMS_PER_EVENT; i++) {
		ssize_t n = recv(f->fd, r->datagram, sizeof(r->datagram), 0);

		if (n < 0)
			return; /* none is left, or nobody listens there now */
		f->used_ns = hull_now_ns();
		/* What does not get through is lost, as datagrams may be. */
		(void)sendto(f->listener->fd, r->datagram, (size_t)n, MSG_NOSIGNAL,
			     (struct sockaddr *)&f->from, sizeof(f->from));
	}
}

static void on_idle(void *ctx)
{
	struct flow *f = ctx;
	uint64_t end = f->used_ns + HULL_RELAY_UDP_IDLE_MS * HULL_NS_PER_MS;

	if (end > hull_now_ns())
		hull_source_arm(f->timer, end);
	else
		flow_free(f);
}

static bool same_address(const struct sockaddr_storage *a, const struct sockaddr_storage *b)
{
	const struct sockaddr_in *a4 = (const void *)a, *b4 = (const void *)b;
	const struct sockaddr_in6 *a6 = (const void *)a, *b6 = (const void *)b;

	if (a->ss_family != b->ss_family)
		return false;
	if (a->ss_family == AF_INET)
		return a4->sin_port == b4->sin_port && a4->sin_addr.s_addr == b4->sin_addr.s_addr;
	return a6->sin6_port == b6->sin6_port && a6->sin6_scope_id == b6->sin6_scope_id &&
	       !memcmp(&a6->sin6_addr, &b6->sin6_addr, sizeof(a6->sin6_addr));
}

static void forget_oldest(struct hull_relay *r)
{
	struct flow *oldest = NULL;

	for (struct flow *f = r->flows; f; f = f->next)
		if (f->fd >= 0 && (!oldest || f->used_ns < oldest->used_ns))
			oldest = f;
	if (oldest)
		flow_free(oldest);
}

static struct flow *find_flow(struct listener *l, const struct sockaddr_storage *from)
{
	struct hull_relay *r = l->relay;
	struct flow *f;

	for (f = r->flows; f; f = f->next)
		if (f->listener == l && f->fd >= 0 && same_address(&f->from, from))
			return f;
	if (r->n_flows >= HULL_RELAY_FLOWS_MAX)
		forget_oldest(r);
	f = r->n_flows < HULL_RELAY_FLOWS_MAX ? flow_new(l) : NULL;
	if (!f)
		return NULL;
	f->from = *from;
	f->used_ns = hull_now_ns();
	f->fd = dial(l, SOCK_DGRAM);
	if (f->fd < 0 || hull_loop_add_fd(r->loop, f->fd, EPOLLIN, on_answer, f, &f->source) < 0 ||
	    hull_loop_add_timer(r->loop, on_idle, f, &f->timer) < 0) {
		flow_free(f);
		return NULL;
	}
	hull_source_arm(f->timer, hull_deadline_ms(HULL_RELAY_UDP_IDLE_MS));
	return f;
}

static void on_datagram(void *ctx, uint32_t events)
{
	struct listener *l = ctx;
	struct hull_relay *r = l->relay;

	for (int i = 0; i < DATAGRAMS_PER_EVENT; i++) {
		struct sockaddr_storage from = {0};
		socklen_t from_len = sizeof(from);
		ssize_t n = recvfrom(l->fd, r->datagram, sizeof(r->datagram), 0,
				     (struct sockaddr *)&from, &from_len);
		struct flow *f = n < 0 ? NULL : find_flow(l, &from);

		if (n < 0)
			return;
		if (!f)
			continue;
		f->used_ns = hull_now_ns();
		(void)send(f->fd, r->datagram, (size_t)n, MSG_NOSIGNAL);
	}
}

/* ---- all of it ---- */

int hull_relay_new(struct hull_loop *loop, struct hull_relay **ret, struct hull_error **err)
{
	struct hull_relay *r = calloc(1, sizeof(*r));

	if (!r)
		return hull_fail_nomem(err);
	r->loop = loop;
	*ret = r;
	return 0;
}

/* It is freed with the relay. */
static int add(struct hull_relay *r, int fd, bool datagrams, const struct sockaddr_storage *target,
	       socklen_t target_len)
{
	struct listener *l = calloc(1, sizeof(*l));

	if (!l) {
		hull_closep(&fd);
		return -ENOMEM;
	}
	*l = (struct listener){
		.relay = r,
		.next = r->listeners,
		.fd = datagrams ? fd : -1,
		.target = *target,
		.target_len = target_len,
	};
	r->listeners = l;
	return datagrams ? hull_loop_add_fd(r->loop, fd, EPOLLIN, on_datagram, l, &l->source)
			 : hull_listener_new(r->loop, fd, on_accepted, l, &l->connections);
}

int hull_relay_add(struct hull_relay *r, int fd, enum hull_protocol protocol,
		   const struct hull_ip *target, uint16_t port)
{
	struct sockaddr_storage addr;
	struct hull_ip ip = *target;
	socklen_t len;

	if (hull_ip_is_any(&ip))
		(void)hull_parse_ip(ip.family == AF_INET ? "127.0.0.1" : "::1", &ip);
	len = hull_ip_sockaddr(&ip, port, &addr);
	return add(r, fd, protocol == HULL_PROTOCOL_UDP, &addr, len);
}

int hull_relay_add_unix(struct hull_relay *r, int fd, const char *path)
{
	struct sockaddr_storage addr = {0};
	int e = hull_unix_address(path, (struct sockaddr_un *)&addr);

	if (e < 0) {
		hull_closep(&fd);
		return e;
	}
	return add(r, fd, false, &addr, sizeof(struct sockaddr_un));
}

size_t hull_relay_flows(const struct hull_relay *r)
{
	return r->n_flows;
}

void hull_relay_free(struct hull_relay *r)
{
	if (!r)
		return;
	while (r->flows)
		flow_free(r->flows);
	for (struct listener *l = r->listeners, *next; l; l = next) {
		next = l->next;
		hull_listener_free(l->connections);
		hull_source_remove(&l->source);
		hull_closep(&l->fd);
		free(l);
	}
	free(r);
}
