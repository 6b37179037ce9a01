/* SPDX-License-Identifier: Apache-2.0
 *
 * The monitor's ttrpc server: the connection it inherits from its starter and every client of
 * control.sock, one ttrpc machine each.  It knows no methods; calls go to the monitor.
 */
#ifndef HULL_MONITOR_SERVER_H
#define HULL_MONITOR_SERVER_H

#include "base/loop.h"
#include "proto/ttrpc.h"

#include <stdbool.h>

struct hull_server;

struct hull_server_ops {
	void (*call)(void *ctx, struct hull_ttrpc_call *call, bool from_starter);
	/* A call that was not answered yet has lost its connection: drop the pointer. */
	void (*gone)(void *ctx, struct hull_ttrpc_call *call);
	/* The starter's connection has closed. */
	void (*starter_closed)(void *ctx);
};

/* Owns both descriptors; either may be -1. */
int hull_server_new(struct hull_loop *loop, int starter_fd, int listen_fd,
		    const struct hull_server_ops *ops, void *ctx, struct hull_server **ret_server,
		    struct hull_error **err);
/* Begins to serve control.sock later than the starter.  Owns @listen_fd. */
int hull_server_listen(struct hull_server *server, int listen_fd, struct hull_error **err);
/* Unanswered calls get gone(). */
void hull_server_free(struct hull_server *server);

#endif
