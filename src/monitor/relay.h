/* SPDX-License-Identifier: Apache-2.0
 *
 * Passes connections and datagrams that reach a listener of ours on to another port of this host,
 * and the answers back.
 */
#ifndef HULL_MONITOR_RELAY_H
#define HULL_MONITOR_RELAY_H

#include "base/inet.h"
#include "base/loop.h"
#include "config/config.h"

/* Connections, and correspondents over UDP, at a time.  Beyond it a connection is closed at once,
 * and the correspondent who has been silent for longest is forgotten. */
#define HULL_RELAY_FLOWS_MAX 128
#define HULL_RELAY_UDP_IDLE_MS 60000

struct hull_relay;

int hull_relay_new(struct hull_loop *loop, struct hull_relay **ret, struct hull_error **err);
/* Owns @fd, non-blocking, bound and for TCP listening, also on failure: -errno.  A target that is
 * "any address" is reached by its family's loopback. */
int hull_relay_add(struct hull_relay *r, int fd, enum hull_protocol protocol,
		   const struct hull_ip *target, uint16_t port);
/* The same for a listener of Unix connections, to the socket at @path. */
int hull_relay_add_unix(struct hull_relay *r, int fd, const char *path);
size_t hull_relay_flows(const struct hull_relay *r);
void hull_relay_free(struct hull_relay *r); /* NULL is fine */

#endif
