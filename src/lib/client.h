/* SPDX-License-Identifier: Apache-2.0
 *
 * What a client is made of: a VM's vsock socket, and connections to its agent.  Each call has a
 * connection of its own, with its loop; one that is done with is kept for the next.
 */
#ifndef HULL_LIB_CLIENT_H
#define HULL_LIB_CLIENT_H

#include "lib/turn.h"
#include "lib/vms.h"

#include <hull/client.h>

#define HULL_LIB_CHANNELS_MAX 4

struct hull_lib_channel;

struct hull_client {
	char *vsock;	      /* owned */
	pthread_mutex_t lock; /* of what follows */
	struct hull_lib_channel *idle[HULL_LIB_CHANNELS_MAX];
	size_t n_idle;
};

/* *client is the caller's memory. */
int hull_lib_client_init(struct hull_client *client, const char *vsock, struct hull_error **err);
/* Those that are idle. */
void hull_lib_client_disconnect(struct hull_client *client);
void hull_lib_client_fini(struct hull_client *client);

#endif
