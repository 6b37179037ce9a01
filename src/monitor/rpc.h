/* SPDX-License-Identifier: Apache-2.0
 *
 * A ttrpc client on a descriptor and a loop: packs and unpacks messages, turns statuses into
 * errors, keeps deadlines.  Used by the monitor towards the agent and by everybody towards both.
 */
#ifndef HULL_MONITOR_RPC_H
#define HULL_MONITOR_RPC_H

#include "base/loop.h"

#include <protobuf-c/protobuf-c.h>
#include <stdbool.h>
#include <stddef.h>

struct hull_rpc;

/* The cause of calls that failed because the connection did, not because the peer said so. */
#define HULL_RPC_LOST "connection-lost"

/* @closed (may be NULL) is called once, from the loop, when the peer has gone; outstanding calls
 * have been failed by then.  Owns @fd, also on failure. */
int hull_rpc_new(struct hull_loop *loop, int fd, void (*closed)(void *ctx), void *ctx,
		 struct hull_rpc **ret_rpc, struct hull_error **err);
/* The same towards a guest port: sends "CONNECT <port>" and skips the "OK" line; calls may be made
 * at once. */
int hull_rpc_new_guest(struct hull_loop *loop, int fd, uint32_t port, void (*closed)(void *ctx),
		       void *ctx, struct hull_rpc **ret_rpc, struct hull_error **err);
/* The same, connected to the guest's ports at @vsock.  STATE: nobody is there any more. */
int hull_rpc_dial_guest(struct hull_loop *loop, const char *vsock, uint32_t port,
			void (*closed)(void *ctx), void *ctx, struct hull_rpc **ret_rpc,
			struct hull_error **err);
/* Only to skip the "OK" line, where somebody else has sent the CONNECT. */
void hull_rpc_skip_ok(struct hull_rpc *rpc);
/* Outstanding calls are forgotten: their callbacks are not called. */
void hull_rpc_free(struct hull_rpc *rpc);

/* @reply is unpacked and freed by the caller of this; NULL on failure, then @error is set. */
typedef void (*hull_rpc_fn)(void *ctx, const ProtobufCMessage *reply,
			    const struct hull_error *error);

/* Method of service @service, e.g. "hull.agent.v1.Agent"; deadline_ns 0: none.  @fn may be NULL.
 * Failing at once also ends in @fn, from the loop or directly. */
void hull_rpc_call(struct hull_rpc *rpc, const char *service, const char *method,
		   const ProtobufCMessage *request, const ProtobufCMessageDescriptor *reply_type,
		   uint64_t deadline_ns, hull_rpc_fn fn, void *ctx);

struct hull_ttrpc_call;
struct hull_ttrpc_call_cb;
struct hull_ttrpc_request;

/* A call by bytes, or of a stream, as hull_ttrpc_call(); it must have been cancelled or done before
 * the connection is freed.  Where that is lost, done() comes before closed(). */
int hull_rpc_open(struct hull_rpc *rpc, const struct hull_ttrpc_request *request,
		  const struct hull_ttrpc_call_cb *cb, void *ctx, struct hull_ttrpc_call **ret_call,
		  struct hull_error **err);
/* Bytes that the peer has not taken yet. */
size_t hull_rpc_queued(const struct hull_rpc *rpc);
/* Nothing is read meanwhile. */
void hull_rpc_pause(struct hull_rpc *rpc, bool paused);

/* A blocking call: runs @loop until the answer is there.  *ret_reply may be NULL; free it with
 * protobuf_c_message_free_unpacked(). */
int hull_rpc_call_wait(struct hull_loop *loop, struct hull_rpc *rpc, const char *service,
		       const char *method, const ProtobufCMessage *request,
		       const ProtobufCMessageDescriptor *reply_type, uint64_t deadline_ns,
		       ProtobufCMessage **ret_reply, struct hull_error **err);

#endif
