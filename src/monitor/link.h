/* SPDX-License-Identifier: Apache-2.0
 *
 * The host side of the guest link: two byte channels to the agent (control and bulk), and the
 * Unix socket with the hybrid vsock protocol that clients use.
 *
 *   client ── "CONNECT 1024\n" ──▶ vsock.sock ──▶ yamux stream on the control channel ──▶ agent
 *          ── "CONNECT 1026\n" ──▶              ──▶ yamux stream on the bulk channel
 *
 * The client's line goes to the agent as it is, which answers "OK <n>\n".  Clients that come before
 * the agent are kept waiting; each has HULL_LINK_CONNECT_MS to send its line.  Bytes are moved
 * without copies in between; a client that does not read stops only its own stream.
 */
#ifndef HULL_MONITOR_LINK_H
#define HULL_MONITOR_LINK_H

#include "base/loop.h"

#include <stdbool.h>
#include <stdint.h>

#define HULL_PORT_AGENT 1024
#define HULL_PORT_STREAM 1026
#define HULL_LINK_CONNECT_MS 10000
#define HULL_LINK_CLIENTS_MAX 512

struct hull_guest_link;

/* A link must not be closed or freed inside up(). */
struct hull_guest_link_ops {
	/* The agent has greeted on the control channel. */
	void (*up)(void *ctx, unsigned int agent_version);
	/* A channel has failed for good (protocol error, descriptor gone). */
	void (*broken)(void *ctx, const struct hull_error *error);
};

/* @listen_fd: the bound vsock.sock, or -1.  Owns it. */
int hull_guest_link_new(struct hull_loop *loop, int listen_fd,
			const struct hull_guest_link_ops *ops, void *ctx,
			struct hull_guest_link **ret_link, struct hull_error **err);
/* Starts a session on fresh channels, in the place of those there were.  Owns the descriptors, also
 * on failure. */
int hull_guest_link_open(struct hull_guest_link *link, int control_fd, int bulk_fd,
			 struct hull_error **err);
/* The guest has ended: who was connected is cut off, after all that it has said; who waits, and who
 * comes now, waits for another one. */
void hull_guest_link_hang_up(struct hull_guest_link *link);
/* That one begins on the same channels (on others: hull_guest_link_open()). */
int hull_guest_link_renew(struct hull_guest_link *link, struct hull_error **err);
/* Ends the session: every client is cut off, waiting ones included. */
void hull_guest_link_close(struct hull_guest_link *link);
void hull_guest_link_free(struct hull_guest_link *link);
/* A client of our own: *ret_fd is the near end of a socket that is being connected to @port; the
 * agent's "OK" line comes first on it, as for every client. */
int hull_guest_link_connect(struct hull_guest_link *link, uint32_t port, int *ret_fd,
			    struct hull_error **err);
size_t hull_guest_link_clients(const struct hull_guest_link *link);

#endif
