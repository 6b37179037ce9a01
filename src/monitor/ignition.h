/* SPDX-License-Identifier: Apache-2.0
 *
 * The Ignition file of a guest: whatever it asks for by HTTP on its host's vsock port 1024, it gets
 * that file, in whole or in part.  The port leads to a socket in the run directory.
 */
#ifndef HULL_MONITOR_IGNITION_H
#define HULL_MONITOR_IGNITION_H

#include "base/error.h"
#include "config/config.h"

struct hull_ignition_server;
struct hull_loop;

#define HULL_IGNITION_SOCKET "ignition.sock"
#define HULL_IGNITION_MAX ((size_t)8 << 20)

/* Reads the file, and listens.  *ret is NULL where the description has none. */
int hull_ignition_open(struct hull_loop *loop, const struct hull_config *config,
		       struct hull_ignition_server **ret, struct hull_error **err);
void hull_ignition_close(struct hull_ignition_server *s); /* NULL is fine */

#endif
