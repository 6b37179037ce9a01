/* SPDX-License-Identifier: Apache-2.0
 *
 * Who listens on which port of the host for a guest.  Pure.
 *
 * The provider of a network listens itself wherever it can.  What it can't do is relayed by the
 * monitor: a listener of its own passes connections on to one of the provider's that leads to the
 * same ports of the guest.  So "localhost" works for both families, whatever the provider knows.
 */
#ifndef HULL_CONFIG_FORWARD_H
#define HULL_CONFIG_FORWARD_H

#include "base/inet.h"
#include "config/config.h"

/* Listeners of the monitor for one VM. */
#define HULL_FORWARD_RELAYED_MAX 128

struct hull_forward {
	struct hull_ip address;
	uint32_t host, guest, count;
	enum hull_protocol protocol;
	bool relayed;  /* by the monitor, to the forward at index target */
	bool optional; /* not asked for by name: nobody misses it where the host can't */
	size_t target;
};

struct hull_forwards {
	struct hull_forward *v;
	size_t n, cap;
};

/* What a provider can't do. */
struct hull_forward_rules {
	bool v4_only;	/* listens on no v6 address */
	bool port_once; /* has one place for each port of the host, whatever the address, and for
			 * UDP one for each port of the guest */
	uint32_t max;	/* listens on that many ports at most; 0: no limit */
	const char *who;
};
extern const struct hull_forward_rules hull_forward_passt, hull_forward_builtin;

int hull_forwards_plan(const struct hull_network *network, const struct hull_forward_rules *rules,
		       struct hull_forwards *ret, struct hull_error **err);
void hull_forwards_fini(struct hull_forwards *f);
#define cleanup_forwards __attribute__((cleanup(hull_forwards_fini)))

/* Whether both want the same port of the host at the same address.  Valid addresses only. */
bool hull_ports_overlap(const struct hull_port *a, const struct hull_port *b);

/* "127.0.0.1:8080/tcp", "[::1]:53/udp" */
#define HULL_FORWARD_TEXT 64
void hull_forward_text(const struct hull_forward *f, uint32_t port, char ret[HULL_FORWARD_TEXT]);

#endif
