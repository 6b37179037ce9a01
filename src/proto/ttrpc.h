/* SPDX-License-Identifier: Apache-2.0
 *
 * ttrpc (containerd/ttrpc 1.2) as a state machine, either end: bytes in, calls and bytes out,
 * no I/O, no clock of its own.
 *
 * Frame: u32 length, u32 stream id, u8 type (1 request, 2 response, 3 data), u8 flags, all
 * big-endian; then at most 4 MiB.  Client ids are odd and rise.  There is no flow control on the
 * wire: whoever serves streams must consume.  Messages are handed out as they arrive and never
 * queued here, so the protocol's rule for a stream whose 64 buffers are full has no place; a
 * handler that can't keep up pauses its connection or fails its call.
 *
 * Life of a call:
 *   server:  ops.request -> [ops.data]* -> hull_ttrpc_reply|fail|finish -> freed
 *                        '-> connection or stream ends first: ops.gone -> freed
 *   client:  hull_ttrpc_call -> [cb.data]* -> cb.done (exactly once) -> freed
 *                            '-> hull_ttrpc_cancel -> freed, no done
 *
 * Every callback but output may start, answer, feed data to and cancel any call of its machine,
 * and may free the machine.  Inside gone() and done() their own call is over already: what is done
 * to it there has no effect.
 */
#ifndef HULL_PROTO_TTRPC_H
#define HULL_PROTO_TTRPC_H

#include "base/error.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define HULL_TTRPC_MESSAGE_MAX ((size_t)4 << 20)
/* What one client may leave unanswered at a server; more is refused with RESOURCE_EXHAUSTED. */
#define HULL_TTRPC_CALLS_MAX 4096
#define HULL_TTRPC_HELD_MAX ((size_t)64 << 20) /* bytes of their requests */

/* google.rpc.Code */
enum {
	HULL_RPC_OK = 0,
	HULL_RPC_CANCELED = 1,
	HULL_RPC_UNKNOWN = 2,
	HULL_RPC_INVALID_ARGUMENT = 3,
	HULL_RPC_DEADLINE_EXCEEDED = 4,
	HULL_RPC_NOT_FOUND = 5,
	HULL_RPC_ALREADY_EXISTS = 6,
	HULL_RPC_PERMISSION_DENIED = 7,
	HULL_RPC_RESOURCE_EXHAUSTED = 8,
	HULL_RPC_FAILED_PRECONDITION = 9,
	HULL_RPC_ABORTED = 10,
	HULL_RPC_OUT_OF_RANGE = 11,
	HULL_RPC_UNIMPLEMENTED = 12,
	HULL_RPC_INTERNAL = 13,
	HULL_RPC_UNAVAILABLE = 14,
	HULL_RPC_DATA_LOSS = 15,
	HULL_RPC_UNAUTHENTICATED = 16,
};

struct hull_ttrpc;
struct hull_ttrpc_call;

/* A detail of a status: google.protobuf.Any. */
struct hull_ttrpc_any {
	const char *type_url;
	const void *value;
	size_t len;
};

struct hull_ttrpc_status {
	int code;	     /* HULL_RPC_*; from a peer: any number */
	const char *message; /* borrowed, never NULL */
	const struct hull_ttrpc_any *details;
	size_t n_details;
};

/* Metadata keys are lower-case and may repeat. */
struct hull_ttrpc_kv {
	const char *key, *value;
};

/* Queue @len bytes for the peer; called with whole frames.  Must not re-enter the machine. */
typedef void (*hull_ttrpc_output_fn)(void *ctx, const void *data, size_t len);

struct hull_ttrpc_server_ops {
	hull_ttrpc_output_fn output;
	/* A new call, to be answered now or later; what it carries lives as long as it does. */
	void (*request)(void *ctx, struct hull_ttrpc_call *call);
	/* A message of the client's stream (data is not NULL, len may be 0); @last with no data
	 * (data NULL): the client's half-close.  NULL if no method takes a stream. */
	void (*data)(void *ctx, struct hull_ttrpc_call *call, const void *data, size_t len,
		     bool last);
	/* The connection ended, or the stream broke the protocol and has been answered so, before
	 * an answer of yours: drop your pointer. */
	void (*gone)(void *ctx, struct hull_ttrpc_call *call);
};

int hull_ttrpc_server_new(const struct hull_ttrpc_server_ops *ops, void *ctx,
			  struct hull_ttrpc **ret, struct hull_error **err);
int hull_ttrpc_client_new(hull_ttrpc_output_fn output, void *ctx, struct hull_ttrpc **ret,
			  struct hull_error **err);
/* Open calls end: a server's get gone(), a client's get done() with UNAVAILABLE "ttrpc: closed".
 * Nothing is output any more. */
void hull_ttrpc_free(struct hull_ttrpc *t);

/* Bytes from the peer, in any pieces.  Nothing a peer can send breaks a connection: bad frames are
 * answered or dropped, too long ones are discarded as they come, and so is what finds no memory.
 * -1 only when called from a callback of the same feed. */
int hull_ttrpc_feed(struct hull_ttrpc *t, const void *data, size_t len, struct hull_error **err);

/* The earliest client deadline (CLOCK_MONOTONIC), 0 if none; call hull_ttrpc_tick() then. */
uint64_t hull_ttrpc_deadline(const struct hull_ttrpc *t);
/* Ends calls whose deadline is not after @now_ns with DEADLINE_EXCEEDED. */
void hull_ttrpc_tick(struct hull_ttrpc *t, uint64_t now_ns);
/* Open calls (unary and streams). */
size_t hull_ttrpc_pending(const struct hull_ttrpc *t);

/* ---- server side of a call; all borrowed, valid while the call is ---- */
const char *hull_ttrpc_service(const struct hull_ttrpc_call *call);
const char *hull_ttrpc_method(const struct hull_ttrpc_call *call);
/* Never NULL.  It is a stream's first message, unless the client streams and it is empty. */
const void *hull_ttrpc_payload(const struct hull_ttrpc_call *call, size_t *ret_len);
/* What the client allows, from the arrival of the request; 0: no limit.  The machine has no clock:
 * to end the call in time is the handler's business. */
uint64_t hull_ttrpc_timeout_ns(const struct hull_ttrpc_call *call);
/* Value of a metadata key (first if repeated), or NULL. */
const char *hull_ttrpc_metadata(const struct hull_ttrpc_call *call, const char *key);
/* The client announced that it will send data frames. */
bool hull_ttrpc_client_streams(const struct hull_ttrpc_call *call);
void hull_ttrpc_set_user(struct hull_ttrpc_call *call, void *user);
void *hull_ttrpc_user(const struct hull_ttrpc_call *call);

/* Unary success, or the end of a client-streaming call.  Too large (> 4 MiB): RESOURCE_EXHAUSTED
 * is sent instead.  Each of these ends and frees the call. */
void hull_ttrpc_reply(struct hull_ttrpc_call *call, const void *payload, size_t len);
/* Code 0 is sent as UNKNOWN: a failure stays one. */
void hull_ttrpc_fail(struct hull_ttrpc_call *call, const struct hull_ttrpc_status *status);
/* Without details; a long text is cut. */
void hull_ttrpc_failf(struct hull_ttrpc_call *call, int code, const char *fmt, ...)
	HULL_PRINTF(3, 4);
void hull_ttrpc_finish(struct hull_ttrpc_call *call); /* success of a server stream */
/* A message of a server stream: 0, -EMSGSIZE or -ENOMEM (the stream goes on), or -EPIPE once the
 * call is over. */
int hull_ttrpc_send(struct hull_ttrpc_call *call, const void *data, size_t len);

/* ---- client side ---- */
struct hull_ttrpc_request {
	const char *service, *method;
	const void *payload;
	size_t len;
	uint64_t deadline_ns; /* CLOCK_MONOTONIC; 0: none.  now_ns is needed with it */
	uint64_t now_ns;
	bool client_streams; /* we will send data frames, then hull_ttrpc_half_close() */
	bool server_streams; /* expect data frames until the peer closes */
	const struct hull_ttrpc_kv *metadata;
	size_t n_metadata;
};

struct hull_ttrpc_call_cb {
	/* A message of the server's stream; data is not NULL, len may be 0. */
	void (*data)(void *ctx, struct hull_ttrpc_call *call, const void *data, size_t len);
	/* The end.  payload is NULL for a server stream, and when no response arrived.  The call
	 * is freed when this returns. */
	void (*done)(void *ctx, const struct hull_ttrpc_status *status, const void *payload,
		     size_t len);
};

/* *ret_call may be NULL if never to be cancelled.  Fails without calling done(): EXHAUSTED above
 * 4 MiB, TIMEOUT if the deadline has passed, UNAVAILABLE when the connection is over or its ids
 * are used up, NOMEM. */
int hull_ttrpc_call(struct hull_ttrpc *t, const struct hull_ttrpc_request *rq,
		    const struct hull_ttrpc_call_cb *cb, void *ctx,
		    struct hull_ttrpc_call **ret_call, struct hull_error **err);
/* Client's message on a stream; 0, -EMSGSIZE, -ENOMEM, -EPIPE after half-close. */
int hull_ttrpc_call_send(struct hull_ttrpc_call *call, const void *data, size_t len);
/* 0 or -EPIPE. */
int hull_ttrpc_half_close(struct hull_ttrpc_call *call);
/* Forget the call: done() is not called, a late answer is dropped (ttrpc has no cancel frame). */
void hull_ttrpc_cancel(struct hull_ttrpc_call *call);

#endif
