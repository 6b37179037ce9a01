/* SPDX-License-Identifier: Apache-2.0
 *
 * The host's ends of connections: Unix sockets, non-blocking, of which each belongs to one
 * connection of the device (device.h).
 *
 *   accepted (hybrid) ─CONNECT line─▶ asking the guest ─accepted─▶ open
 *   accepted (a port's) ────────────▶ asking the guest ─accepted─▶ open
 *   dialled by the guest ─▶ with the dialler ─connected──────────▶ open
 *
 * What is not open after HULL_VSOCK_DIAL_MS is given up.  Descriptors are watched once and for all,
 * edge-triggered: one that nobody can read from or write to for now costs nothing.
 */
#ifndef HULL_VSOCK_HOST_H
#define HULL_VSOCK_HOST_H

#include "base/loop.h"
#include "vsock/device.h"
#include "vsock/spec.h"

#define HULL_VSOCK_DIAL_MS 10000

struct hull_vsock_host;

/* For hull_vsock_new(), with the host as its context. */
extern const struct hull_vsock_ops hull_vsock_host_ops;

/* @dialler: the other end of a dialler's socket (dialler.h), owned, also on failure; its end is
 * told by @lost, with @ctx. */
int hull_vsock_host_new(struct hull_loop *loop, const struct hull_vsock_spec *spec, int dialler,
			void (*lost)(void *ctx), void *ctx, struct hull_vsock_host **ret,
			struct hull_error **err);
void hull_vsock_host_use(struct hull_vsock_host *h, struct hull_vsock *v); /* the device */
/* After the device.  NULL is fine. */
void hull_vsock_host_free(struct hull_vsock_host *h);
/* A listening socket, owned, also on failure.  @port 0: hybrid. */
int hull_vsock_host_listen(struct hull_vsock_host *h, int fd, uint32_t port,
			   struct hull_error **err);

/* What the host has sent: how many bytes, or 0, and then the device knows why. */
size_t hull_vsock_host_read(struct hull_vsock_host *h, struct hull_vsock_conn *c,
			    const struct iovec *iov, size_t n);

#endif
