/* SPDX-License-Identifier: Apache-2.0
 *
 * Everything of hull-vsock put together on one loop: messages of the hypervisor (vhost.h), packets
 * between the guest's rings (ring.h) and the device (device.h), and the host's sockets (host.h).
 *
 * After each round of events the rings are served, a bounded number of packets at a time, until
 * there is nothing to do or nothing can be done: no buffers, no credit, no room in a socket.  Each
 * of these ends with an event.
 */
#ifndef HULL_VSOCK_SERVE_H
#define HULL_VSOCK_SERVE_H

#include "base/loop.h"
#include "vsock/host.h"

struct hull_vsock_server;

/* @device: the connected vhost-user socket, owned, also on failure. */
int hull_vsock_server_new(struct hull_loop *loop, const struct hull_vsock_spec *spec, int device,
			  int dialler, struct hull_vsock_server **ret, struct hull_error **err);
void hull_vsock_server_free(struct hull_vsock_server *s); /* NULL is fine */
struct hull_vsock_host *hull_vsock_server_host(struct hull_vsock_server *s);

/* Until the hypervisor disconnects (0) or makes no sense, or until it is stopped (0). */
int hull_vsock_server_run(struct hull_vsock_server *s, struct hull_error **err);
void hull_vsock_server_stop(struct hull_vsock_server *s);

static inline void hull_vsock_server_freep(struct hull_vsock_server **s)
{
	hull_vsock_server_free(*s);
}

#endif
