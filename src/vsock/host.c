/* SPDX-License-Identifier: Apache-2.0
 *
 * The host's side of host.h.
 */
#define _GNU_SOURCE
#include "vsock/host.h"

#include "base/cleanup.h"
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
#define RETRY_ACCEPT_MS 100
/* A window of the guest's, of which the kernel counts its own part too. */
#define SEND_BUFFER (256 << 10)
#define SEND_BUFFER_ENDS 64

enum stage { LINE, ASKING, DIALLING, OPEN };

struct end {
	TAILQ_ENTRY(end) list; /* of those that are not open, oldest first; else of the open ones */
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

struct listener {
	SLIST_ENTRY(listener) list;
	struct hull_vsock_host *h;
	struct hull_source *source;
	uint32_t port;
	int fd;
};

struct hull_vsock_host {
	struct hull_loop *loop;
	const struct hull_vsock_spec *spec;
	struct hull_vsock *v;
	struct hull_source *timer, *dialler_source;
	void (*lost)(void *ctx);
	void *ctx;
	SLIST_HEAD(, listener) listeners;
	struct ends pending, open;
	size_t n_ends;
	uint32_t next_cookie;
	uint64_t accept_again_ns; /* 0: accepting */
	int dialler;
};

/* ---- ends ---- */

static void arm(struct hull_vsock_host *h)
{
	const struct end *first = TAILQ_FIRST(&h->pending);
	uint64_t at = first ? first->deadline_ns : 0;

	if (h->accept_again_ns && (!at || h->accept_again_ns < at))
		at = h->accept_again_ns;
	hull_source_arm(h->timer, at);
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

	TAILQ_REMOVE(e->stage == OPEN ? &h->open : &h->pending, e, list);
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
	TAILQ_INSERT_TAIL(&e->h->open, e, list);
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
	struct listener *l;
	struct end *e;

	while ((e = TAILQ_FIRST(&h->pending)) && e->deadline_ns <= now)
		give_up(e);
	if (h->accept_again_ns && h->accept_again_ns <= now) {
		h->accept_again_ns = 0;
		SLIST_FOREACH(l, &h->listeners, list)
		(void)hull_source_set_events(l->source, EPOLLIN);
	}
	arm(h);
}

/* ---- listening ---- */

static void add_client(struct listener *l, int fd)
{
	struct end *e = new_end(l->h, LINE, fd);

	if (!e) {
		close(fd);
		return;
	}
	e->hybrid = !l->port;
	if (watch(e) < 0)
		free_end(e);
	else if (l->port)
		dial_guest(e, l->port);
}

/* Out of descriptors or memory: whoever waits is left waiting for a while. */
static void pause_listening(struct hull_vsock_host *h)
{
	struct listener *l;

	h->accept_again_ns = hull_deadline_ms(RETRY_ACCEPT_MS);
	SLIST_FOREACH(l, &h->listeners, list)
	(void)hull_source_set_events(l->source, 0);
	arm(h);
}

static void on_client(void *ctx, uint32_t events)
{
	struct listener *l = ctx;
	int fd;

	while ((fd = accept4(l->fd, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK)) >= 0)
		add_client(l, fd);
	if (errno != EAGAIN && errno != EINTR && errno != ECONNABORTED)
		pause_listening(l->h);
}

int hull_vsock_host_listen(struct hull_vsock_host *h, int fd, uint32_t port,
			   struct hull_error **err)
{
	struct listener *l = calloc(1, sizeof(*l));
	int r = -ENOMEM;

	if (l) {
		l->h = h;
		l->fd = fd;
		l->port = port;
		r = hull_loop_add_fd(h->loop, fd, EPOLLIN, on_client, l, &l->source);
	}
	if (r < 0) {
		close(fd);
		free(l);
		return hull_fail_errno(err, -r, "watch a listening socket");
	}
	SLIST_INSERT_HEAD(&h->listeners, l, list);
	return 0;
}

/* ---- dialling for the guest ---- */

/* 1 and what it says, 0 when there is nothing, -1 when it is gone. */
static int take_answer(int from, struct hull_dialled *ret, int *ret_fd)
{
	union {
		struct cmsghdr header;
		char space[CMSG_SPACE(sizeof(int))];
	} control;
	struct iovec piece = {ret, sizeof(*ret)};
	struct msghdr m = {.msg_iov = &piece,
			   .msg_iovlen = 1,
			   .msg_control = &control,
			   .msg_controllen = sizeof(control)};
	ssize_t n = recvmsg(from, &m, MSG_CMSG_CLOEXEC | MSG_DONTWAIT);
	const struct cmsghdr *h = n > 0 ? CMSG_FIRSTHDR(&m) : NULL;

	*ret_fd = -1;
	if (h && h->cmsg_level == SOL_SOCKET && h->cmsg_type == SCM_RIGHTS &&
	    h->cmsg_len == CMSG_LEN(sizeof(int)))
		memcpy(ret_fd, CMSG_DATA(h), sizeof(*ret_fd));
	if (n == (ssize_t)sizeof(*ret))
		return 1;
	hull_closep(ret_fd);
	return n < 0 && (errno == EAGAIN || errno == EINTR) ? 0 : -1;
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
	TAILQ_INIT(&h->open);
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
	struct listener *l;
	struct end *e;

	if (!h)
		return;
	while ((l = SLIST_FIRST(&h->listeners))) {
		SLIST_REMOVE_HEAD(&h->listeners, list);
		hull_source_remove(&l->source);
		hull_closep(&l->fd);
		free(l);
	}
	/* Those of connections went with the device. */
	while ((e = TAILQ_FIRST(&h->pending)))
		free_end(e);
	hull_source_remove(&h->dialler_source);
	hull_source_remove(&h->timer);
	hull_closep(&h->dialler);
	free(h);
}
