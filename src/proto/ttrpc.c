/* SPDX-License-Identifier: Apache-2.0
 *
 * The ttrpc state machine: frames are cut out of the input here, matched with open calls and
 * judged by the rules of the protocol's two ends.
 *
 * Input.  Of a frame only the header is always copied.  A body that lies whole in the fed buffer
 * is used where it is; else one buffer of exactly its size collects it.  A body that is too long,
 * or finds no memory, is discarded as it comes, and only then is its stream told.
 *
 * Lifetimes.  A call is open while it is linked (table, list, deadline heap).  Callbacks can free
 * calls and the machine, so after each of them calls are looked up again, by id, which is never
 * reused.  A freed machine has no calls and reads no further; its memory goes when the outermost
 * function that runs callbacks returns.
 *
 * An answer on an id ends the call on it, whoever gives it: a violation on a live stream sends its
 * Response, then the handler hears gone().
 */
#include "proto/ttrpc.h"

#include "base/cleanup.h"
#include "base/log.h"
#include "proto/ttrpc-calls.h"

#include <assert.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#define TEXT_MAX 512 /* of messages composed here; they fit into a frame that needs no memory */

struct hull_ttrpc {
	bool client;
	struct hull_ttrpc_server_ops ops; /* a client has output only */
	void *ctx;
	bool feeding, dead;
	unsigned int depth; /* functions on the stack that may run callbacks */

	struct hull_ttrpc_calls calls;
	uint64_t next_id;    /* client: wider than an id, so that the end shows */
	uint32_t highest_id; /* server: of the requests seen */

	/* The frame being read. */
	uint8_t head_bytes[HULL_TTRPC_HEAD];
	size_t head_len;
	struct hull_ttrpc_head head; /* valid once head_len is complete */
	uint8_t *body;		     /* owned; head.len bytes, NULL while nothing is collected */
	size_t body_len;	     /* collected, or discarded */
	int discard;		     /* 0, EMSGSIZE or ENOMEM: why the body is thrown away */
};

/* ---- the end of a call ---- */

static void free_call(struct hull_ttrpc_call *call)
{
	free(call->rq);
	free(call);
}

static void end_client(struct hull_ttrpc_call *call, const struct hull_ttrpc_status *status,
		       const void *payload, size_t len)
{
	hull_ttrpc_calls_remove(&call->t->calls, call);
	if (call->cb.done)
		call->cb.done(call->ctx, status, payload, len);
	free_call(call);
}

static void fail_client(struct hull_ttrpc_call *call, int code, const char *text)
{
	struct hull_ttrpc_status status = {.code = code, .message = text};

	end_client(call, &status, NULL, 0);
}

static void end_server(struct hull_ttrpc_call *call)
{
	struct hull_ttrpc *t = call->t;

	hull_ttrpc_calls_remove(&call->t->calls, call);
	if (t->ops.gone)
		t->ops.gone(t->ctx, call);
	free_call(call);
}

/* ---- output ---- */

static void put_frame(struct hull_ttrpc *t, struct hull_ttrpc_frame *frame)
{
	if (!t->dead)
		t->ops.output(t->ctx, frame->data, frame->len);
	hull_ttrpc_frame_fini(frame);
}

static int put_data(struct hull_ttrpc_call *call, uint8_t flags, const void *data, size_t len)
{
	struct hull_ttrpc_frame frame;
	int r;

	if (call->ended || call->t->dead)
		return -EPIPE;
	r = hull_ttrpc_frame_data(&frame, call->id, flags, data, len, NULL);
	if (r < 0)
		return r;
	put_frame(call->t, &frame);
	return 0;
}

static void too_long(char text[TEXT_MAX], size_t len)
{
	snprintf(text, TEXT_MAX, "message length %zu exceed maximum message size of %zu", len,
		 HULL_TTRPC_MESSAGE_MAX);
}

/* Some response always goes out: one that can't be sent is replaced by a small one. */
static void put_response(struct hull_ttrpc *t, uint32_t id, const struct hull_ttrpc_status *status,
			 const void *payload, size_t len)
{
	char text[TEXT_MAX] = "out of memory for the response";
	struct hull_ttrpc_status instead = {.code = HULL_RPC_RESOURCE_EXHAUSTED, .message = text};
	struct hull_ttrpc_frame frame;
	size_t body = 0;
	int r = hull_ttrpc_frame_response(&frame, id, status, payload, len, &body);

	if (r < 0) {
		if (r == -EMSGSIZE)
			too_long(text, body);
		else if (status)
			instead.code = status->code;
		r = hull_ttrpc_frame_response(&frame, id, &instead, NULL, 0, NULL);
		assert(r == 0);
	}
	put_frame(t, &frame);
}

static void refuse(struct hull_ttrpc *t, int code, const char *fmt, ...) HULL_PRINTF(3, 4);

/* Answers the frame being read, and so ends its call if there is one. */
static void refuse(struct hull_ttrpc *t, int code, const char *fmt, ...)
{
	char text[TEXT_MAX];
	struct hull_ttrpc_status status = {.code = code, .message = text};
	struct hull_ttrpc_call *call = hull_ttrpc_calls_find(&t->calls, t->head.id);
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	put_response(t, t->head.id, &status, NULL, 0);
	if (call)
		end_server(call);
}

/* ---- what a server receives ---- */

static void server_request(struct hull_ttrpc *t, const void *data, size_t len)
{
	struct hull_ttrpc_envelope *rq = NULL;
	struct hull_ttrpc_call *call;
	int r;

	if (t->head.id <= t->highest_id) {
		refuse(t, HULL_RPC_INVALID_ARGUMENT,
		       "stream id %" PRIu32 " does not rise above %" PRIu32, t->head.id,
		       t->highest_id);
		return;
	}
	t->highest_id = t->head.id;
	r = hull_ttrpc_decode_request(data, len, &rq);
	if (r == -EBADMSG) {
		refuse(t, HULL_RPC_INVALID_ARGUMENT, "undecodable request");
		return;
	}
	if (rq && (t->calls.n >= HULL_TTRPC_CALLS_MAX ||
		   rq->size > HULL_TTRPC_HELD_MAX - t->calls.held)) {
		free(rq);
		refuse(t, HULL_RPC_RESOURCE_EXHAUSTED, "too many open calls");
		return;
	}
	call = rq ? calloc(1, sizeof(*call)) : NULL;
	if (!call) {
		free(rq);
		refuse(t, HULL_RPC_RESOURCE_EXHAUSTED, "out of memory for a call");
		return;
	}
	call->t = t;
	call->id = t->head.id;
	call->rq = rq;
	call->streams = (t->head.flags & (HULL_TTRPC_OPEN | HULL_TTRPC_CLOSED)) == HULL_TTRPC_OPEN;
	call->remote_closed = !call->streams;
	(void)hull_ttrpc_calls_add(&t->calls, call); /* no deadline: needs no memory */
	t->ops.request(t->ctx, call);
}

/* Half-closing twice, or a stream that never was open, is harmless and passes. */
static void server_data(struct hull_ttrpc *t, const void *data, size_t len)
{
	const uint32_t id = t->head.id;
	const uint8_t flags = t->head.flags;
	struct hull_ttrpc_call *call = hull_ttrpc_calls_find(&t->calls, id);

	if (!call) {
		refuse(t, HULL_RPC_INVALID_ARGUMENT, "stream %" PRIu32 " is not active", id);
		return;
	}
	if (!(flags & HULL_TTRPC_NO_DATA)) {
		if (call->remote_closed || !t->ops.data) {
			refuse(t, HULL_RPC_INVALID_ARGUMENT, "stream %" PRIu32 " takes no data",
			       id);
			return;
		}
		t->ops.data(t->ctx, call, data, len, false);
	}
	if (!(flags & HULL_TTRPC_CLOSED) || !(call = hull_ttrpc_calls_find(&t->calls, id)))
		return;
	/* The message counts, the close does not: the handler must not take it for a good end. */
	if (len) {
		refuse(t, HULL_RPC_INVALID_ARGUMENT, "the close of stream %" PRIu32 " carries data",
		       id);
		return;
	}
	if (call->remote_closed)
		return;
	call->remote_closed = true;
	if (t->ops.data)
		t->ops.data(t->ctx, call, NULL, 0, true);
}

static void server_frame(struct hull_ttrpc *t, const void *data, size_t len)
{
	/* Ten zero bytes are a customary probe for life, so even ids come before the type. */
	if (t->head.id % 2 == 0)
		refuse(t, HULL_RPC_INVALID_ARGUMENT, "stream id %" PRIu32 " is not odd",
		       t->head.id);
	else if (t->head.type == HULL_TTRPC_REQUEST)
		server_request(t, data, len);
	else if (t->head.type == HULL_TTRPC_DATA)
		server_data(t, data, len);
}

/* ---- what a client receives ---- */

static void client_response(struct hull_ttrpc_call *call, const void *data, size_t len)
{
	struct hull_ttrpc *t = call->t;
	const uint32_t id = call->id;
	struct hull_ttrpc_answer answer;

	if (hull_ttrpc_decode_response(data, len, &answer) < 0) {
		fail_client(call, HULL_RPC_INTERNAL, "undecodable response");
		return;
	}
	if (!call->streams) {
		end_client(call, &answer.status, answer.payload, answer.len);
	} else {
		/* A stream may end like a unary call; a payload is then its last message. */
		if (answer.status.code == HULL_RPC_OK && answer.len && call->cb.data)
			call->cb.data(call->ctx, call, answer.payload, answer.len);
		call = hull_ttrpc_calls_find(&t->calls, id);
		if (call)
			end_client(call, &answer.status, NULL, 0);
	}
	hull_ttrpc_answer_fini(&answer);
}

static void client_data(struct hull_ttrpc_call *call, const void *data, size_t len)
{
	struct hull_ttrpc *t = call->t;
	const uint32_t id = call->id;
	const uint8_t flags = t->head.flags;

	if (!call->streams) {
		fail_client(call, HULL_RPC_INTERNAL, "data from a method that does not stream");
		return;
	}
	if (!(flags & HULL_TTRPC_NO_DATA) && call->cb.data)
		call->cb.data(call->ctx, call, data, len);
	if ((flags & HULL_TTRPC_CLOSED) && (call = hull_ttrpc_calls_find(&t->calls, id)))
		fail_client(call, HULL_RPC_OK, "");
}

static void client_frame(struct hull_ttrpc *t, const void *data, size_t len)
{
	struct hull_ttrpc_call *call = hull_ttrpc_calls_find(&t->calls, t->head.id);

	if (!call)
		hull_debug("ttrpc", "frame of type %u for stream %" PRIu32 ", which is not active",
			   t->head.type, t->head.id);
	else if (t->head.type == HULL_TTRPC_RESPONSE)
		client_response(call, data, len);
	else if (t->head.type == HULL_TTRPC_DATA)
		client_data(call, data, len);
	else if (t->head.type == HULL_TTRPC_REQUEST)
		fail_client(call, HULL_RPC_INTERNAL, "request from a server");
}

/* ---- input ---- */

static void enter(struct hull_ttrpc *t)
{
	t->depth++;
}

static void leave(struct hull_ttrpc *t)
{
	if (--t->depth || !t->dead)
		return;
	hull_ttrpc_calls_fini(&t->calls);
	free(t->body);
	free(t);
}

/* The body is complete: @data is its bytes, never NULL. */
static void end_frame(struct hull_ttrpc *t, const void *data)
{
	t->head_len = 0;
	t->body_len = 0;
	if (t->client)
		client_frame(t, data, t->head.len);
	else
		server_frame(t, data, t->head.len);
}

static void end_discard(struct hull_ttrpc *t)
{
	char text[TEXT_MAX];
	struct hull_ttrpc_call *call;

	if (t->discard == EMSGSIZE)
		too_long(text, t->head.len);
	else
		snprintf(text, sizeof(text), "out of memory for a message of %" PRIu32 " bytes",
			 t->head.len);
	t->head_len = 0;
	t->body_len = 0;
	if (!t->client)
		refuse(t, HULL_RPC_RESOURCE_EXHAUSTED, "%s", text);
	else if ((call = hull_ttrpc_calls_find(&t->calls, t->head.id)))
		fail_client(call, HULL_RPC_RESOURCE_EXHAUSTED, text);
}

/* Takes what it can use of the @len bytes at @p, all of it unless a frame ends before; may take
 * none on the way from collecting to discarding. */
static size_t read_body(struct hull_ttrpc *t, const uint8_t *p, size_t len)
{
	const size_t want = MIN(len, t->head.len - t->body_len);

	if (t->discard) {
		t->body_len += want;
		if (t->body_len == t->head.len)
			end_discard(t);
		return want;
	}
	if (want == t->head.len) {
		end_frame(t, want ? p : (const uint8_t *)"");
		return want;
	}
	if (!t->body && !(t->body = malloc(t->head.len))) {
		t->discard = ENOMEM;
		return 0;
	}
	memcpy(t->body + t->body_len, p, want);
	t->body_len += want;
	if (t->body_len == t->head.len) {
		cleanup_free uint8_t *body = steal_ptr(&t->body);

		end_frame(t, body);
	}
	return want;
}

static size_t read_head(struct hull_ttrpc *t, const uint8_t *p, size_t len)
{
	const size_t want = MIN(len, HULL_TTRPC_HEAD - t->head_len);

	memcpy(t->head_bytes + t->head_len, p, want);
	t->head_len += want;
	if (t->head_len == HULL_TTRPC_HEAD) {
		hull_ttrpc_head_get(t->head_bytes, &t->head);
		t->discard = t->head.len > HULL_TTRPC_MESSAGE_MAX ? EMSGSIZE : 0;
	}
	return want;
}

int hull_ttrpc_feed(struct hull_ttrpc *t, const void *data, size_t len, struct hull_error **err)
{
	const uint8_t *p = data;

	if (t->feeding || t->dead)
		return hull_fail(err, HULL_E_INTERNAL, "ttrpc: fed from its own callback");
	enter(t);
	t->feeding = true;
	while (len && !t->dead) {
		size_t n = t->head_len < HULL_TTRPC_HEAD ? read_head(t, p, len) : 0;

		p += n;
		len -= n;
		/* Not only when bytes are left: an empty body is complete with its header. */
		if (t->head_len == HULL_TTRPC_HEAD && (len || !t->head.len)) {
			n = read_body(t, p, len);
			p += n;
			len -= n;
		}
	}
	t->feeding = false;
	leave(t);
	return 0;
}

void hull_ttrpc_tick(struct hull_ttrpc *t, uint64_t now_ns)
{
	struct hull_ttrpc_call *call;

	enter(t);
	while (!t->dead && (call = hull_ttrpc_calls_earliest(&t->calls)) &&
	       call->deadline_ns <= now_ns)
		fail_client(call, HULL_RPC_DEADLINE_EXCEEDED, "deadline exceeded");
	leave(t);
}

uint64_t hull_ttrpc_deadline(const struct hull_ttrpc *t)
{
	const struct hull_ttrpc_call *call = hull_ttrpc_calls_earliest(&t->calls);

	return call ? call->deadline_ns : 0;
}

size_t hull_ttrpc_pending(const struct hull_ttrpc *t)
{
	return t->calls.n;
}

/* ---- making and freeing ---- */

static int new_machine(bool client, void *ctx, struct hull_ttrpc **ret, struct hull_error **err)
{
	struct hull_ttrpc *t = calloc(1, sizeof(*t));

	if (!t)
		return hull_fail_nomem(err);
	t->client = client;
	t->ctx = ctx;
	hull_ttrpc_calls_init(&t->calls);
	t->next_id = 1;
	*ret = t;
	return 0;
}

int hull_ttrpc_server_new(const struct hull_ttrpc_server_ops *ops, void *ctx,
			  struct hull_ttrpc **ret, struct hull_error **err)
{
	if (new_machine(false, ctx, ret, err) < 0)
		return -1;
	(*ret)->ops = *ops;
	return 0;
}

int hull_ttrpc_client_new(hull_ttrpc_output_fn output, void *ctx, struct hull_ttrpc **ret,
			  struct hull_error **err)
{
	if (new_machine(true, ctx, ret, err) < 0)
		return -1;
	(*ret)->ops.output = output;
	return 0;
}

void hull_ttrpc_free(struct hull_ttrpc *t)
{
	if (!t || t->dead)
		return;
	enter(t);
	t->dead = true;
	while (t->calls.first) {
		if (t->client)
			fail_client(t->calls.first, HULL_RPC_UNAVAILABLE, "ttrpc: closed");
		else
			end_server(t->calls.first);
	}
	leave(t);
}

/* ---- server side of a call ---- */

const char *hull_ttrpc_service(const struct hull_ttrpc_call *call)
{
	return call->rq->service;
}

const char *hull_ttrpc_method(const struct hull_ttrpc_call *call)
{
	return call->rq->method;
}

const void *hull_ttrpc_payload(const struct hull_ttrpc_call *call, size_t *ret_len)
{
	*ret_len = call->rq->payload_len;
	return call->rq->payload;
}

uint64_t hull_ttrpc_timeout_ns(const struct hull_ttrpc_call *call)
{
	return call->rq->timeout_ns;
}

const char *hull_ttrpc_metadata(const struct hull_ttrpc_call *call, const char *key)
{
	for (size_t i = 0; i < call->rq->n_metadata; i++)
		if (!strcmp(call->rq->metadata[i].key, key))
			return call->rq->metadata[i].value;
	return NULL;
}

bool hull_ttrpc_client_streams(const struct hull_ttrpc_call *call)
{
	return call->streams;
}

void hull_ttrpc_set_user(struct hull_ttrpc_call *call, void *user)
{
	call->user = user;
}

void *hull_ttrpc_user(const struct hull_ttrpc_call *call)
{
	return call->user;
}

void hull_ttrpc_reply(struct hull_ttrpc_call *call, const void *payload, size_t len)
{
	if (call->ended)
		return;
	put_response(call->t, call->id, NULL, payload, len);
	hull_ttrpc_calls_remove(&call->t->calls, call);
	free_call(call);
}

void hull_ttrpc_fail(struct hull_ttrpc_call *call, const struct hull_ttrpc_status *status)
{
	struct hull_ttrpc_status s = *status;

	if (call->ended)
		return;
	if (s.code == HULL_RPC_OK)
		s.code = HULL_RPC_UNKNOWN;
	put_response(call->t, call->id, &s, NULL, 0);
	hull_ttrpc_calls_remove(&call->t->calls, call);
	free_call(call);
}

void hull_ttrpc_failf(struct hull_ttrpc_call *call, int code, const char *fmt, ...)
{
	char text[TEXT_MAX];
	struct hull_ttrpc_status status = {.code = code, .message = text};
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	hull_ttrpc_fail(call, &status);
}

void hull_ttrpc_finish(struct hull_ttrpc_call *call)
{
	if (call->ended)
		return;
	(void)put_data(call, HULL_TTRPC_CLOSED | HULL_TTRPC_NO_DATA, NULL, 0); /* fits small */
	hull_ttrpc_calls_remove(&call->t->calls, call);
	free_call(call);
}

int hull_ttrpc_send(struct hull_ttrpc_call *call, const void *data, size_t len)
{
	return put_data(call, 0, data, len);
}

/* ---- client side of a call ---- */

static int check_request(struct hull_ttrpc *t, const struct hull_ttrpc_request *rq,
			 struct hull_error **err)
{
	assert(t->client && rq->service && rq->method);
	if (t->dead)
		return hull_fail(err, HULL_E_UNAVAILABLE, "ttrpc: closed");
	if (t->next_id > UINT32_MAX)
		return hull_fail(err, HULL_E_UNAVAILABLE,
				 "stream ids of the connection are used up");
	if (rq->deadline_ns && rq->deadline_ns <= rq->now_ns)
		return hull_fail(err, HULL_E_TIMEOUT, "the deadline has passed");
	return 0;
}

static int frame_call(struct hull_ttrpc *t, const struct hull_ttrpc_request *rq,
		      struct hull_ttrpc_frame *ret_frame, struct hull_error **err)
{
	uint64_t timeout = rq->deadline_ns ? rq->deadline_ns - rq->now_ns : 0;
	uint8_t flags = 0;
	char text[TEXT_MAX];
	size_t body;
	int r;

	if (rq->client_streams)
		flags = HULL_TTRPC_OPEN;
	else if (rq->server_streams)
		flags = HULL_TTRPC_CLOSED;
	r = hull_ttrpc_frame_request(ret_frame, (uint32_t)t->next_id, flags, rq,
				     (int64_t)MIN(timeout, (uint64_t)INT64_MAX), &body);
	if (r == -EMSGSIZE) {
		too_long(text, body);
		return hull_fail(err, HULL_E_EXHAUSTED, "%s", text);
	}
	return r < 0 ? hull_fail_nomem(err) : 0;
}

static int start_call(struct hull_ttrpc *t, const struct hull_ttrpc_request *rq,
		      const struct hull_ttrpc_call_cb *cb, void *ctx,
		      struct hull_ttrpc_call **ret_call, struct hull_error **err)
{
	struct hull_ttrpc_frame frame;
	struct hull_ttrpc_call *call;

	if (check_request(t, rq, err) < 0 || frame_call(t, rq, &frame, err) < 0)
		return -1;
	call = calloc(1, sizeof(*call));
	if (call) {
		call->t = t;
		call->id = (uint32_t)t->next_id;
		call->local_closed = !rq->client_streams;
		call->streams = rq->server_streams;
		call->cb = *cb;
		call->ctx = ctx;
		call->deadline_ns = rq->deadline_ns;
	}
	if (!call || hull_ttrpc_calls_add(&t->calls, call) < 0) {
		free(call);
		hull_ttrpc_frame_fini(&frame);
		return hull_fail_nomem(err);
	}
	t->next_id += 2;
	put_frame(t, &frame);
	if (ret_call)
		*ret_call = call;
	return 0;
}

int hull_ttrpc_call(struct hull_ttrpc *t, const struct hull_ttrpc_request *rq,
		    const struct hull_ttrpc_call_cb *cb, void *ctx,
		    struct hull_ttrpc_call **ret_call, struct hull_error **err)
{
	if (start_call(t, rq, cb, ctx, ret_call, err) < 0)
		return hull_prefix(err, "call %s/%s", rq->service, rq->method);
	return 0;
}

int hull_ttrpc_call_send(struct hull_ttrpc_call *call, const void *data, size_t len)
{
	return call->local_closed ? -EPIPE : put_data(call, 0, data, len);
}

int hull_ttrpc_half_close(struct hull_ttrpc_call *call)
{
	if (call->local_closed)
		return -EPIPE;
	call->local_closed = true;
	return put_data(call, HULL_TTRPC_CLOSED | HULL_TTRPC_NO_DATA, NULL, 0);
}

void hull_ttrpc_cancel(struct hull_ttrpc_call *call)
{
	if (call->ended)
		return;
	hull_ttrpc_calls_remove(&call->t->calls, call);
	free_call(call);
}
