/* SPDX-License-Identifier: Apache-2.0
 *
 * The host's side of host.h.
 */
#define _GNU_SOURCE
#include "vsock/host.h"

#include "base/cleanup.h"
#include "base/listen.h"
#include "base/os.h"
#include "proto/hvsock.h"
#include "vsock/dialler.h"

#include <errno.h>
#include <poll.h>
#include <string.h>
#include <sys/queue.h>
#include <sys/socket.h>
#include <unistd.h>

/* Those that have not said yet whom they want are no connections of the device. */
#define ENDS_MAX (HULL_VSOCK_CONNS_MAX + 64)
/* A window of the guest's, of which the kernel counts its own part too. */
#define SEND_BUFFER (256 << 10)
#define SEND_BUFFER_ENDS 64

enum stage { LINE, ASKING, DIALLING, OPEN };

struct end {
	TAILQ_ENTRY(end) list; /* while it is not open */
	struct hull_vsock_host *h;
	struct hull_vsock_conn *c; /* NULL before LINE is over */
	struct hull_source *source;
	uint64_t deadline_ns;
	uint32_t cookie;
	enum stage stage;
	int fd; /* -1 while DIALLING */
	bool hybrid, ended;
};

TAILQ_HEAD(ends, end);

struct port {
	SLIST_ENTRY(port) list;
	struct hull_vsock_host *h;
	struct hull_listener *listener;
	uint32_t number; /* 0: hybrid */
};

struct hull_vsock_host {
	struct hull_loop *loop;
	const struct hull_vsock_spec *spec;
	struct hull_vsock *v;
	struct hull_source *timer, *dialler_source;
	void (*lost)(void *ctx);
	void *ctx;
	SLIST_HEAD(, port) ports;
	struct ends pending; /* oldest first */
	size_t n_ends;	     /* and those that are open */
	uint32_t next_cookie;
	int dialler;
};

/* ---- ends ---- */

static void arm(struct hull_vsock_host *h)
{
	const struct end *first = TAILQ_FIRST(&h->pending);

	hull_source_arm(h->timer, first ? first->deadline_ns : 0);
}

static struct end *new_end(struct hull_vsock_host *h, enum stage stage, int fd)
{
	struct end *e = h->n_ends < ENDS_MAX ? calloc(1, sizeof(*e)) : NULL;

	if (!e)
		return NULL;
	e->h = h;
	e->stage = stage;
	e->fd = fd;
	e->deadline_ns = hull_deadline_ms(HULL_VSOCK_DIAL_MS);
	TAILQ_INSERT_TAIL(&h->pending, e, list);
	h->n_ends++;
	arm(h);
	return e;
}

static void free_end(struct end *e)
{
	struct hull_vsock_host *h = e->h;

	if (e->stage != OPEN)
		TAILQ_REMOVE(&h->pending, e, list);
	hull_source_remove(&e->source);
	hull_closep(&e->fd);
	free(e);
	h->n_ends--;
	arm(h);
}

/* For one that is no good any more: the guest is told, if it knows of it. */
static void give_up(struct end *e)
{
	struct hull_vsock_host *h = e->h;
	struct hull_vsock_conn *c = e->c;

	free_end(e);
	if (c)
		hull_vsock_reset(h->v, c);
}

static void become_open(struct end *e)
{
	TAILQ_REMOVE(&e->h->pending, e, list);
	e->stage = OPEN;
	arm(e->h);
	/* What came before has had its event already. */
	hull_vsock_readable(e->h->v, e->c, true);
}

static void dial_guest(struct end *e, uint32_t port)
{
	if (hull_vsock_dial(e->h->v, port, e, &e->c) < 0)
		free_end(e);
	else
		e->stage = ASKING;
}

/* Nothing behind the line is taken out of the socket: it is for the guest. */
static void read_line(struct end *e)
{
	char line[HULL_HVSOCK_LINE_MAX];
	ssize_t n = recv(e->fd, line, sizeof(line), MSG_PEEK), used;
	uint32_t port = 0;

	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return;
	used = n > 0 ? hull_hvsock_parse_connect(line, (size_t)n, &port) : -EPIPE;
	if (used == 0)
		return;
	if (used < 0 || recv(e->fd, line, (size_t)used, 0) != used)
		free_end(e);
	else
		dial_guest(e, port);
}

/* ---- events ---- */

static void on_open_event(struct end *e, uint32_t events)
{
	struct hull_vsock_host *h = e->h;
	struct hull_vsock_conn *c = e->c;

	/* What it has still sent has no reader, or has been read. */
	if (events & EPOLLHUP && (e->ended || !hull_vsock_is_read(c))) {
		free_end(e);
		hull_vsock_gone(h->v, c);
		return;
	}
	if (events & (EPOLLIN | EPOLLRDHUP | EPOLLHUP | EPOLLERR) && !e->ended)
		hull_vsock_readable(h->v, c, true);
	if (events & (EPOLLOUT | EPOLLHUP | EPOLLERR))
		hull_vsock_writable(h->v, c);
}

static void on_event(void *ctx, uint32_t events)
{
	struct end *e = ctx;

	if (e->stage == OPEN)
		on_open_event(e, events);
	else if (events & (EPOLLHUP | EPOLLERR))
		give_up(e);
	else if (e->stage == LINE)
		read_line(e);
}

static int watch(struct end *e)
{
	const int room = SEND_BUFFER;

	/* For what the guest sends: a reader that comes late need not stop it.  Not for many. */
	if (e->h->n_ends <= SEND_BUFFER_ENDS)
		(void)setsockopt(e->fd, SOL_SOCKET, SO_SNDBUF, &room, sizeof(room));
	return hull_loop_add_fd(e->h->loop, e->fd,
				EPOLLIN | EPOLLOUT | EPOLLRDHUP | (uint32_t)EPOLLET, on_event, e,
				&e->source);
}

static void on_timer(void *ctx)
{
	struct hull_vsock_host *h = ctx;
	const uint64_t now = hull_now_ns();
	struct end *e;

	while ((e = TAILQ_FIRST(&h->pending)) && e->deadline_ns <= now)
		give_up(e);
	arm(h);
}

/* ---- listening ---- */

static void on_client(void *ctx, int fd)
{
	const struct port *p = ctx;
	struct end *e = new_end(p->h, LINE, fd);

	if (!e) {
		close(fd);
		return;
	}
	e->hybrid = !p->number;
	if (watch(e) < 0)
		free_end(e);
	else if (p->number)
		dial_guest(e, p->number);
}

int hull_vsock_host_listen(struct hull_vsock_host *h, int fd, uint32_t port,
			   struct hull_error **err)
{
	struct port *p = calloc(1, sizeof(*p));
	int r;

	if (!p) {
		close(fd);
		return hull_fail_nomem(err);
	}
	p->h = h;
	p->number = port;
	r = hull_listener_new(h->loop, fd, on_client, p, &p->listener);
	if (r < 0) {
		free(p);
		return hull_fail_errno(err, -r, "watch a listening socket");
	}
	SLIST_INSERT_HEAD(&h->ports, p, list);
	return 0;
}

/* ---- dialling for the guest ---- */

/* 1 and what it says, 0 when there is nothing, -1 when it is gone. */
static int take_answer(int from, struct hull_dialled *ret, int *ret_fd)
{
	size_t n_fds;
	ssize_t n = hull_receive_fds(from, ret, sizeof(*ret), ret_fd, 1, &n_fds);

	if (!n_fds)
		*ret_fd = -1;
	if (n == (ssize_t)sizeof(*ret))
		return 1;
	hull_closep(ret_fd);
	return n == -EAGAIN || n == -EINTR ? 0 : -1;
}

static void on_connected(struct hull_vsock_host *h, uint32_t cookie, int connected)
{
	cleanup_close int fd = connected;
	struct end *e;

	TAILQ_FOREACH(e, &h->pending, list)
	if (e->stage == DIALLING && e->cookie == cookie)
		break;
	if (!e)
		return; /* the guest has thought better of it */
	e->fd = fd >= 0 ? steal_fd(&fd) : -1;
	if (e->fd < 0 || watch(e) < 0) {
		give_up(e);
		return;
	}
	hull_vsock_dialled(h->v, e->c, true);
	become_open(e);
}

static void on_dialler(void *ctx, uint32_t events)
{
	struct hull_vsock_host *h = ctx;
	struct hull_dialled answer;
	int fd, r;

	while ((r = take_answer(h->dialler, &answer, &fd)) > 0)
		on_connected(h, answer.cookie, fd);
	if (r < 0) {
		hull_source_remove(&h->dialler_source);
		h->lost(h->ctx);
	}
}

/* ---- for the device ---- */

static int dial(void *ctx, struct hull_vsock_conn *c, uint32_t port)
{
	struct hull_vsock_host *h = ctx;
	struct hull_dial rq = {.cookie = h->next_cookie++, .port = port};
	char buf[HULL_VSOCK_PATH_MAX];
	struct end *e;

	if (!hull_vsock_spec_find(h->spec, port, buf))
		return -ENOENT;
	e = new_end(h, DIALLING, -1);
	if (!e)
		return -ENOMEM;
	if (send(h->dialler, &rq, sizeof(rq), MSG_DONTWAIT | MSG_NOSIGNAL) < 0) {
		int r = -errno;

		free_end(e);
		return r;
	}
	e->cookie = rq.cookie;
	e->c = c;
	hull_vsock_set_host(c, e);
	return 0;
}

static void accepted(void *ctx, struct hull_vsock_conn *c)
{
	struct end *e = hull_vsock_host(c);
	char line[HULL_HVSOCK_LINE_MAX];

	/* The first bytes in an empty socket; if it is gone, reading from it will tell. */
	if (e->hybrid)
		(void)send(e->fd, line, hull_hvsock_format_ok(line, hull_vsock_host_port(c)),
			   MSG_NOSIGNAL);
	become_open(e);
}

static ssize_t write_host(void *ctx, struct hull_vsock_conn *c, const struct iovec *iov, size_t n)
{
	const struct end *e = hull_vsock_host(c);
	struct msghdr m = {.msg_iov = (struct iovec *)iov, .msg_iovlen = n};
	ssize_t done;

	do
		done = sendmsg(e->fd, &m, MSG_NOSIGNAL);
	while (done < 0 && errno == EINTR);
	if (done < 0)
		return errno == EAGAIN ? 0 : -errno;
	return done;
}

static void shut_down(void *ctx, struct hull_vsock_conn *c, int how)
{
	const struct end *e = hull_vsock_host(c);

	/* A peer that is gone need not be told. */
	(void)shutdown(e->fd, how);
}

static void close_end(void *ctx, struct hull_vsock_conn *c)
{
	free_end(hull_vsock_host(c));
}

const struct hull_vsock_ops hull_vsock_host_ops = {
	.dial = dial,
	.accepted = accepted,
	.write = write_host,
	.shutdown = shut_down,
	.close = close_end,
};

static bool has_closed(int fd)
{
	struct pollfd p = {.fd = fd};

	return poll(&p, 1, 0) > 0 && p.revents & POLLHUP;
}

static void on_end(struct end *e)
{
	struct hull_vsock_host *h = e->h;
	struct hull_vsock_conn *c = e->c;

	e->ended = true;
	if (!has_closed(e->fd)) {
		hull_vsock_eof(h->v, c);
		return;
	}
	free_end(e);
	hull_vsock_gone(h->v, c);
}

size_t hull_vsock_host_read(struct hull_vsock_host *h, struct hull_vsock_conn *c,
			    const struct iovec *iov, size_t n)
{
	struct end *e = hull_vsock_host(c);
	ssize_t got;

	do
		got = readv(e->fd, iov, (int)n);
	while (got < 0 && errno == EINTR);
	if (got > 0)
		return (size_t)got;
	if (got == 0)
		on_end(e);
	else if (errno == EAGAIN)
		hull_vsock_readable(h->v, c, false);
	else
		give_up(e);
	return 0;
}

/* ---- all of it ---- */

int hull_vsock_host_new(struct hull_loop *loop, const struct hull_vsock_spec *spec, int dialler,
			void (*lost)(void *ctx), void *ctx, struct hull_vsock_host **ret,
			struct hull_error **err)
{
	struct hull_vsock_host *h = calloc(1, sizeof(*h));
	int r;

	if (!h) {
		close(dialler);
		return hull_fail_nomem(err);
	}
	*h = (struct hull_vsock_host){
		.loop = loop, .spec = spec, .lost = lost, .ctx = ctx, .dialler = dialler};
	TAILQ_INIT(&h->pending);
	r = hull_loop_add_timer(loop, on_timer, h, &h->timer);
	if (r == 0)
		r = hull_loop_add_fd(loop, dialler, EPOLLIN, on_dialler, h, &h->dialler_source);
	if (r < 0) {
		hull_vsock_host_free(h);
		return hull_fail_errno(err, -r, "watch sockets");
	}
	*ret = h;
	return 0;
}

void hull_vsock_host_use(struct hull_vsock_host *h, struct hull_vsock *v)
{
	h->v = v;
}

void hull_vsock_host_free(struct hull_vsock_host *h)
{
	struct port *p;
	struct end *e;

	if (!h)
		return;
	while ((p = SLIST_FIRST(&h->ports))) {
		SLIST_REMOVE_HEAD(&h->ports, list);
		hull_listener_free(p->listener);
		free(p);
	}
	/* Those of connections went with the device. */
	while ((e = TAILQ_FIRST(&h->pending)))
		free_end(e);
	hull_source_remove(&h->dialler_source);
	hull_source_remove(&h->timer);
	hull_closep(&h->dialler);
	free(h);
}
