/* SPDX-License-Identifier: Apache-2.0
 *
 * The server of server.h.  Connections are only freed from their own closed event, which never
 * comes from inside the ttrpc machine.
 */
#define _GNU_SOURCE
#include "monitor/server.h"

#include "base/cleanup.h"
#include "base/conn.h"
#include "base/listen.h"

#define PEERS_MAX 64

struct peer {
	struct hull_server *owner;
	struct peer *next, **prev;
	struct hull_conn *conn;
	struct hull_ttrpc *ttrpc;
	bool starter;
};

struct hull_server {
	struct hull_loop *loop;
	const struct hull_server_ops *ops;
	void *ctx;
	struct hull_listener *listener;
	struct peer *peers;
	size_t n_peers;
};

static void peer_free(struct peer *p)
{
	struct hull_server *s = p->owner;
	bool starter = p->starter;

	*p->prev = p->next;
	if (p->next)
		p->next->prev = p->prev;
	s->n_peers--;
	hull_ttrpc_free(p->ttrpc);
	hull_conn_free(p->conn);
	free(p);
	if (starter)
		s->ops->starter_closed(s->ctx);
}

static void on_output(void *ctx, const void *data, size_t len)
{
	struct peer *p = ctx;

	(void)hull_conn_write(p->conn, data, len); /* its closed() follows */
}

static void on_request(void *ctx, struct hull_ttrpc_call *call)
{
	struct peer *p = ctx;

	p->owner->ops->call(p->owner->ctx, call, p->starter);
}

static void on_gone(void *ctx, struct hull_ttrpc_call *call)
{
	struct peer *p = ctx;

	p->owner->ops->gone(p->owner->ctx, call);
}

static const struct hull_ttrpc_server_ops ttrpc_ops = {
	.output = on_output,
	.request = on_request,
	.gone = on_gone,
};

static void on_data(void *ctx, const char *data, size_t len)
{
	struct peer *p = ctx;

	if (hull_ttrpc_feed(p->ttrpc, data, len, NULL) < 0)
		peer_free(p);
}

static void on_closed(void *ctx, int errnum)
{
	peer_free(ctx);
}

static const struct hull_conn_ops conn_ops = {.data = on_data, .closed = on_closed};

static int peer_new(struct hull_server *s, int fd, bool starter, struct hull_error **err)
{
	struct peer *p = s->n_peers < PEERS_MAX ? calloc(1, sizeof(*p)) : NULL;
	int r;

	if (!p) {
		hull_closep(&fd);
		return hull_fail(err, HULL_E_EXHAUSTED, "too many clients");
	}
	p->owner = s;
	p->starter = starter;
	r = hull_conn_new(s->loop, fd, 0, &conn_ops, p, &p->conn);
	if (r < 0) {
		free(p);
		return hull_fail_errno(err, -r, "serve a client");
	}
	if (hull_ttrpc_server_new(&ttrpc_ops, p, &p->ttrpc, err) < 0) {
		hull_conn_free(p->conn);
		free(p);
		return -1;
	}
	p->next = s->peers;
	p->prev = &s->peers;
	if (p->next)
		p->next->prev = &p->next;
	s->peers = p;
	s->n_peers++;
	return 0;
}

static void on_accepted(void *ctx, int fd)
{
	(void)peer_new(ctx, fd, false, NULL); /* too many: closed, the client sees EOF */
}

int hull_server_listen(struct hull_server *s, int listen_fd, struct hull_error **err)
{
	int r = hull_listener_new(s->loop, listen_fd, on_accepted, s, &s->listener);

	return r < 0 ? hull_fail_errno(err, -r, "watch control socket") : 0;
}

int hull_server_new(struct hull_loop *loop, int starter_fd, int listen_fd,
		    const struct hull_server_ops *ops, void *ctx, struct hull_server **ret_server,
		    struct hull_error **err)
{
	struct hull_server *s = calloc(1, sizeof(*s));

	if (!s) {
		hull_closep(&starter_fd);
		hull_closep(&listen_fd);
		return hull_fail_nomem(err);
	}
	s->loop = loop;
	s->ops = ops;
	s->ctx = ctx;
	if ((listen_fd >= 0 && hull_server_listen(s, listen_fd, err) < 0) ||
	    (starter_fd >= 0 && peer_new(s, starter_fd, true, err) < 0)) {
		hull_server_free(s);
		return -1;
	}
	*ret_server = s;
	return 0;
}

void hull_server_free(struct hull_server *s)
{
	if (!s)
		return;
	for (struct peer *p = s->peers; p; p = p->next)
		p->starter = false; /* we end it, not they */
	while (s->peers)
		peer_free(s->peers);
	hull_listener_free(s->listener);
	free(s);
}
