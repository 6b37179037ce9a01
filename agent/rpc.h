/* SPDX-License-Identifier: Apache-2.0
 *
 * A ttrpc connection of the host's, and the answering of calls.  Which method does what stands
 * in service.c.
 */
#ifndef HULL_AGENT_RPC_H
#define HULL_AGENT_RPC_H

#include "base/error.h"
#include "proto/ttrpc.h"

#include <protobuf-c/protobuf-c.h>
#include <stddef.h>

struct hull_agent;
struct hull_rpc_conn;

/* One method.  handle() answers, or keeps the call with hull_rpc_park(), and returns 0; or it
 * returns -1 and an error, which becomes the answer.  @request is freed when it returns. */
struct hull_rpc_method {
	const char *service, *name;
	const ProtobufCMessageDescriptor *request;
	int (*handle)(struct hull_agent *a, struct hull_ttrpc_call *call, const void *request,
		      struct hull_error **err);
};
extern const struct hull_rpc_method hull_rpc_methods[];
extern const size_t hull_rpc_n_methods;

/* A call to be answered later, embedded in whatever will.  The call may end before: call is NULL
 * then, and gone(), if set, was called. */
struct hull_rpc_ticket {
	struct hull_ttrpc_call *call;
	void (*gone)(struct hull_rpc_ticket *t);
};
void hull_rpc_park(struct hull_rpc_ticket *t, struct hull_ttrpc_call *call,
		   void (*gone)(struct hull_rpc_ticket *t));
/* Answer a parked call; nothing happens if it has ended. */
void hull_rpc_settle(struct hull_rpc_ticket *t, const ProtobufCMessage *reply);
void hull_rpc_settle_error(struct hull_rpc_ticket *t, const struct hull_error *err);
void hull_rpc_reply(struct hull_ttrpc_call *call, const ProtobufCMessage *reply);

/* 0 or -ENOMEM; output gets whole frames and must not free the connection. */
int hull_rpc_conn_new(struct hull_agent *a, hull_ttrpc_output_fn output, void *ctx,
		      struct hull_rpc_conn **ret_conn);
/* < 0: the connection can't go on. */
int hull_rpc_conn_feed(struct hull_rpc_conn *conn, const void *data, size_t len);
/* Parked calls are gone.  NULL is fine. */
void hull_rpc_conn_free(struct hull_rpc_conn *conn);

#endif
