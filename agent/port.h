/* SPDX-License-Identifier: Apache-2.0
 *
 * The two byte channels to the host and the link on each: "hull.ctl" for calls, "hull.bulk" for
 * streams that may saturate it.  Both take both.  They are virtio-serial ports, or connections over
 * vsock (vsock.h).
 */
#ifndef HULL_AGENT_PORT_H
#define HULL_AGENT_PORT_H

#include "base/error.h"

#include <stdbool.h>
#include <stddef.h>

struct hull_agent;
struct hull_ports;

/* Listens for ports to appear; to be called before the modules are loaded that make them. */
int hull_ports_new(struct hull_agent *a, struct hull_ports **ret_ports, struct hull_error **err);
/* Opens what is there already. */
void hull_ports_scan(struct hull_ports *ps);
/* A connection to the host as channel 0 (control) or 1 (bulk), in place of what was it.  Owns it.
 */
void hull_ports_attach(struct hull_ports *ps, size_t channel, int fd);
/* Sends what is pending and goes on with what was left unread, within bounds; after each round of
 * the loop. */
void hull_ports_turn(struct hull_ports *ps);
/* There is more for hull_ports_turn() to do. */
bool hull_ports_busy(const struct hull_ports *ps);
/* The host has not taken all that was said. */
bool hull_ports_have_unsent(const struct hull_ports *ps);

#endif
