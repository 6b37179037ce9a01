/* SPDX-License-Identifier: Apache-2.0
 *
 * The ttrpc client of rpc.h: one connection, one ttrpc machine, one timer for its deadlines.
 */
#define _GNU_SOURCE
#include "monitor/rpc.h"

#include "base/cleanup.h"
#include "base/conn.h"
#include "base/fault.h"
#include "base/os.h"
#include "proto/hvsock.h"
#include "proto/status.h"
#include "proto/ttrpc.h"

#include <stdbool.h>
#include <string.h>

struct call {
	struct hull_rpc *rpc;
	struct call *next, **prev;
	struct hull_ttrpc_call *tcall;
	const ProtobufCMessageDescriptor *reply_type;
	hull_rpc_fn fn;
	void *ctx;
};

struct hull_rpc {
	struct hull_conn *conn;
	struct hull_ttrpc *ttrpc;
	struct hull_source *timer;
	struct call *calls;
	void (*closed)(void *ctx);
	void *ctx;
	bool dead;
	bool skip_ok; /* the hybrid vsock "OK" line has not been seen yet */
	char line[HULL_HVSOCK_LINE_MAX];
	size_t line_len;
	/* Set while the ttrpc machine is on the stack: being freed then means that whoever set it
	 * destroys us once the machine has returned. */
	bool *freed;
};

static void output(void *ctx, const void *data, size_t len)
{
	struct hull_rpc *rpc = ctx;

	if (rpc->conn)
		(void)hull_conn_write(rpc->conn, data, len); /* its closed() follows */
}

static void rearm(struct hull_rpc *rpc)
{
	hull_source_arm(rpc->timer, rpc->ttrpc ? hull_ttrpc_deadline(rpc->ttrpc) : 0);
}

static void unlink_call(struct call *c)
{
	*c->prev = c->next;
	if (c->next)
		c->next->prev = c->prev;
}

static void finish(struct call *c, const ProtobufCMessage *reply, const struct hull_error *error)
{
	unlink_call(c);
	if (c->fn)
		c->fn(c->ctx, reply, error);
	free(c);
}

static void on_done(void *ctx, const struct hull_ttrpc_status *status, const void *payload,
		    size_t len)
{
	struct call *c = ctx;
	cleanup_error struct hull_error *err = NULL;
	ProtobufCMessage *reply = NULL;

	if (c->rpc->dead) {
		hull_fail_cause(&err, HULL_E_UNAVAILABLE, HULL_RPC_LOST, "the connection was lost");
	} else if (status->code != HULL_RPC_OK) {
		hull_fail_status(&err, status);
	} else {
		reply = protobuf_c_message_unpack(c->reply_type, NULL, len, payload);
		if (!reply)
			hull_fail(&err, HULL_E_CORRUPT, "reply is not a %s", c->reply_type->name);
	}
	finish(c, reply, err);
	if (reply)
		protobuf_c_message_free_unpacked(reply, NULL);
}

static void destroy(struct hull_rpc *rpc)
{
	hull_ttrpc_free(rpc->ttrpc);
	hull_source_remove(&rpc->timer);
	hull_conn_free(rpc->conn);
	free(rpc);
}

/* The connection is over: fails what is outstanding, then tells. */
static void die(struct hull_rpc *rpc)
{
	struct hull_ttrpc *t = steal_ptr(&rpc->ttrpc);
	bool freed = false;

	if (rpc->dead)
		return;
	rpc->dead = true;
	hull_source_arm(rpc->timer, 0);
	rpc->freed = &freed;
	hull_ttrpc_free(t); /* done() of each call */
	rpc->freed = NULL;
	if (freed) {
		destroy(rpc);
		return;
	}
	hull_conn_free(steal_ptr(&rpc->conn));
	if (rpc->closed)
		rpc->closed(rpc->ctx);
}

/* Takes the "OK" line off the front; -EBADMSG if it is none. */
static ssize_t skip_line(struct hull_rpc *rpc, const char *data, size_t len)
{
	size_t had = rpc->line_len, n = MIN(len, sizeof(rpc->line) - had);
	uint32_t number;
	ssize_t r;

	memcpy(rpc->line + had, data, n);
	rpc->line_len += n;
	r = hull_hvsock_parse_ok(rpc->line, rpc->line_len, &number);
	if (r < 0)
		return r;
	if (r == 0)
		return rpc->line_len < sizeof(rpc->line) ? (ssize_t)len : -EBADMSG;
	rpc->skip_ok = false;
	return r - (ssize_t)had;
}

static void on_data(void *ctx, const char *data, size_t len)
{
	struct hull_rpc *rpc = ctx;
	bool freed = false;
	int r;

	if (rpc->skip_ok) {
		ssize_t n = skip_line(rpc, data, len);

		if (n < 0) {
			die(rpc);
			return;
		}
		data += n;
		len -= (size_t)n;
	}
	rpc->freed = &freed;
	r = hull_ttrpc_feed(rpc->ttrpc, data, len, NULL);
	rpc->freed = NULL;
	if (freed)
		destroy(rpc);
	else if (r < 0)
		die(rpc);
	else
		rearm(rpc);
}

static void on_closed(void *ctx, int errnum)
{
	die(ctx);
}

static const struct hull_conn_ops conn_ops = {.data = on_data, .closed = on_closed};

static void on_timer(void *ctx)
{
	struct hull_rpc *rpc = ctx;
	bool freed = false;

	rpc->freed = &freed;
	hull_ttrpc_tick(rpc->ttrpc, hull_now_ns());
	rpc->freed = NULL;
	if (freed)
		destroy(rpc);
	else
		rearm(rpc);
}

int hull_rpc_new(struct hull_loop *loop, int fd, void (*closed)(void *ctx), void *ctx,
		 struct hull_rpc **ret_rpc, struct hull_error **err)
{
	struct hull_rpc *rpc = calloc(1, sizeof(*rpc));
	int r;

	if (!rpc) {
		hull_closep(&fd);
		return hull_fail_nomem(err);
	}
	rpc->closed = closed;
	rpc->ctx = ctx;
	r = hull_conn_new(loop, fd, 0, &conn_ops, rpc, &rpc->conn);
	if (r == 0)
		r = hull_loop_add_timer(loop, on_timer, rpc, &rpc->timer);
	if (r < 0) {
		hull_rpc_free(rpc);
		return hull_fail_errno(err, -r, "set up RPC connection");
	}
	if (hull_ttrpc_client_new(output, rpc, &rpc->ttrpc, err) < 0) {
		hull_rpc_free(rpc);
		return -1;
	}
	*ret_rpc = rpc;
	return 0;
}

void hull_rpc_skip_ok(struct hull_rpc *rpc)
{
	rpc->skip_ok = true;
}

int hull_rpc_new_guest(struct hull_loop *loop, int fd, uint32_t port, void (*closed)(void *ctx),
		       void *ctx, struct hull_rpc **ret_rpc, struct hull_error **err)
{
	char line[HULL_HVSOCK_LINE_MAX];
	size_t len = hull_hvsock_format_connect(line, port);

	if (hull_rpc_new(loop, fd, closed, ctx, ret_rpc, err) < 0)
		return -1;
	hull_rpc_skip_ok(*ret_rpc);
	(void)hull_conn_write((*ret_rpc)->conn, line, len);
	return 0;
}

int hull_rpc_dial_guest(struct hull_loop *loop, const char *vsock, uint32_t port,
			void (*closed)(void *ctx), void *ctx, struct hull_rpc **ret_rpc,
			struct hull_error **err)
{
	int fd = hull_unix_connect_now(vsock);

	if (fd == -ENOENT || fd == -ECONNREFUSED)
		return hull_fail_cause(err, HULL_E_STATE, "not-running",
				       "the VM does not run: nobody listens at '%s'", vsock);
	if (fd < 0)
		return hull_fail_errno(err, -fd, "connect to the VM at '%s'", vsock);
	return hull_rpc_new_guest(loop, fd, port, closed, ctx, ret_rpc, err);
}

void hull_rpc_free(struct hull_rpc *rpc)
{
	if (!rpc)
		return;
	while (rpc->calls) {
		struct call *c = rpc->calls;

		unlink_call(c);
		if (rpc->ttrpc) {
			if (c->tcall)
				hull_ttrpc_cancel(c->tcall);
			free(c);
		} else { /* die() is running: on_done() comes for it yet, and frees */
			c->fn = NULL;
			c->next = NULL;
			c->prev = &c->next;
		}
	}
	if (rpc->freed)
		*rpc->freed = true;
	else
		destroy(rpc);
}

static int start_call(struct hull_rpc *rpc, struct call *c, const char *service, const char *method,
		      const ProtobufCMessage *request, uint64_t deadline_ns,
		      struct hull_error **err)
{
	static const struct hull_ttrpc_call_cb cb = {.done = on_done};
	size_t len = protobuf_c_message_get_packed_size(request);
	cleanup_free uint8_t *payload = malloc(len + 1);
	struct hull_ttrpc_request rq = {
		.service = service,
		.method = method,
		.payload = payload,
		.len = len,
		.deadline_ns = deadline_ns,
		.now_ns = deadline_ns ? hull_now_ns() : 0,
	};

	if (!payload)
		return hull_fail_nomem(err);
	if (!rpc->ttrpc)
		return hull_fail_cause(err, HULL_E_UNAVAILABLE, HULL_RPC_LOST,
				       "%s: connection closed", method);
	protobuf_c_message_pack(request, payload);
	return hull_ttrpc_call(rpc->ttrpc, &rq, &cb, c, &c->tcall, err);
}

void hull_rpc_call(struct hull_rpc *rpc, const char *service, const char *method,
		   const ProtobufCMessage *request, const ProtobufCMessageDescriptor *reply_type,
		   uint64_t deadline_ns, hull_rpc_fn fn, void *ctx)
{
	cleanup_error struct hull_error *err = NULL;
	struct call *c = calloc(1, sizeof(*c));

	if (!c) {
		hull_fail_nomem(&err);
		if (fn)
			fn(ctx, NULL, err);
		return;
	}
	c->rpc = rpc;
	c->reply_type = reply_type;
	c->fn = fn;
	c->ctx = ctx;
	c->next = rpc->calls;
	c->prev = &rpc->calls;
	if (c->next)
		c->next->prev = &c->next;
	rpc->calls = c;
	(void)hull_fault("rpc.call");
	if (start_call(rpc, c, service, method, request, deadline_ns, &err) < 0) {
		finish(c, NULL, err);
		return;
	}
	rearm(rpc);
	(void)hull_fault("rpc.called");
}

int hull_rpc_open(struct hull_rpc *rpc, const struct hull_ttrpc_request *request,
		  const struct hull_ttrpc_call_cb *cb, void *ctx, struct hull_ttrpc_call **ret_call,
		  struct hull_error **err)
{
	if (!rpc->ttrpc)
		return hull_fail_cause(err, HULL_E_UNAVAILABLE, HULL_RPC_LOST,
				       "%s: connection closed", request->method);
	if (hull_ttrpc_call(rpc->ttrpc, request, cb, ctx, ret_call, err) < 0)
		return -1;
	rearm(rpc);
	return 0;
}

size_t hull_rpc_queued(const struct hull_rpc *rpc)
{
	return rpc->conn ? hull_conn_queued(rpc->conn) : 0;
}

void hull_rpc_pause(struct hull_rpc *rpc, bool paused)
{
	if (rpc->conn)
		hull_conn_pause(rpc->conn, paused);
}

struct wait {
	bool done;
	const ProtobufCMessageDescriptor *type;
	ProtobufCMessage *reply;
	struct hull_error *err;
};

static void on_wait_done(void *ctx, const ProtobufCMessage *reply, const struct hull_error *error)
{
	struct wait *w = ctx;
	cleanup_free uint8_t *copy = NULL;
	size_t len;

	w->done = true;
	if (error) {
		hull_fail_remote(&w->err, hull_error_code(error), hull_error_cause(error),
				 hull_error_message(error), hull_error_hint(error));
		return;
	}
	len = protobuf_c_message_get_packed_size(reply);
	copy = malloc(len + 1);
	if (copy) {
		protobuf_c_message_pack(reply, copy);
		w->reply = protobuf_c_message_unpack(w->type, NULL, len, copy);
	}
	if (!w->reply)
		hull_fail_nomem(&w->err);
}

int hull_rpc_call_wait(struct hull_loop *loop, struct hull_rpc *rpc, const char *service,
		       const char *method, const ProtobufCMessage *request,
		       const ProtobufCMessageDescriptor *reply_type, uint64_t deadline_ns,
		       ProtobufCMessage **ret_reply, struct hull_error **err)
{
	struct wait w = {.type = reply_type};

	hull_rpc_call(rpc, service, method, request, reply_type, deadline_ns, on_wait_done, &w);
	while (!w.done) {
		int r = hull_loop_step(loop, -1);

		if (r < 0) {
			/* The call still points at w: take the whole connection down with it. */
			die(rpc);
			hull_error_free(w.err);
			return hull_fail_errno(err, -r, "%s: wait", method);
		}
	}
	if (w.err)
		return hull_error_move(err, &w.err);
	if (ret_reply)
		*ret_reply = w.reply;
	else
		protobuf_c_message_free_unpacked(w.reply, NULL);
	return 0;
}
