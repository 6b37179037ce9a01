/* SPDX-License-Identifier: Apache-2.0
 *
 * A small HTTP/1.1 server on the loop: connections, deadlines, limits; what requests mean is its
 * user's affair.
 *
 * Nobody can hold it up: there are only so many connections, each has a deadline for whatever it
 * waits for, and when all are taken the oldest that waits for its client gives way to the next: at
 * once if it is idle between requests, else after a moment of grace, meanwhile newcomers wait in
 * the kernel.  Requests of one connection are answered one after another.
 */
#ifndef HULL_MONITOR_HTTP_H
#define HULL_MONITOR_HTTP_H

#include "base/loop.h"
#include "proto/http1.h"

#include <stddef.h>
#include <stdint.h>

struct hull_http_server;
struct hull_http_call; /* a request that has not been answered yet */

struct hull_http_limits {
	size_t connections;
	uint64_t grace_ms;
	uint64_t head_ms, body_ms; /* from the first byte, or for the first request the connection's
				    * beginning; from the head's end */
	uint64_t write_ms;	   /* for the client to take an answer */
	uint64_t idle_ms;	   /* between requests */
	struct hull_http1_limits request;
};

struct hull_http_ops {
	/* To be answered with hull_http_reply(), now or later.  @rq is valid until then. */
	void (*request)(void *ctx, struct hull_http_call *call,
			const struct hull_http1_request *rq);
	/* A request whose connection has gone before it was answered: forget it.  May be NULL. */
	void (*gone)(void *ctx, struct hull_http_call *call);
	/* What to answer to something that is no request: sets type and body, which is owned by the
	 * caller.  May be NULL: an empty body. */
	char *(*bad)(void *ctx, const char *why, struct hull_http1_response *response);
};

/* @limits must outlive the server. */
int hull_http_server_new(struct hull_loop *loop, const struct hull_http_limits *limits,
			 const struct hull_http_ops *ops, void *ctx,
			 struct hull_http_server **ret_server, struct hull_error **err);
/* Serves another socket, non-blocking; owns it, also on failure.  0 or -errno. */
int hull_http_server_listen(struct hull_http_server *server, int listen_fd);
size_t hull_http_server_connections(const struct hull_http_server *server);
/* Unanswered requests get gone(); what has been answered is not waited for.  NULL is fine. */
void hull_http_server_free(struct hull_http_server *server);

/* Once for each request; the call is gone then.  The response is copied, but for a body that is
 * lasting: until the server is freed. */
void hull_http_reply(struct hull_http_call *call, const struct hull_http1_response *response);
void hull_http_call_set_user(struct hull_http_call *call, void *user);
void *hull_http_call_user(const struct hull_http_call *call);

#endif
