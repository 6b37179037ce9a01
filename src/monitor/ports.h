/* SPDX-License-Identifier: Apache-2.0
 *
 * Listening on ports of the host, and telling why that can't be.
 */
#ifndef HULL_MONITOR_PORTS_H
#define HULL_MONITOR_PORTS_H

#include "config/forward.h"

/* A non-blocking socket on @port of @f's address, which listens if it is TCP; -errno. */
int hull_port_listen(const struct hull_forward *f, uint32_t port);
/* Sets the error for that errno.  Returns -1. */
int hull_port_fail(const struct hull_forward *f, uint32_t port, int errnum,
		   struct hull_error **err);
/* Whether the ports that the provider is to listen on are free.  All of them are at this moment; it
 * is the provider who may find one taken a moment later. */
int hull_ports_try(const struct hull_forwards *forwards, struct hull_error **err);
/* The first that the provider is to listen on and only the privileged may, or NULL. */
const struct hull_forward *hull_ports_privileged(const struct hull_forwards *forwards);

#endif
