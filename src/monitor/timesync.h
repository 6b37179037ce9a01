/* SPDX-License-Identifier: Apache-2.0
 *
 * Telling the time to an agent in the guest that is not hull's: a line of qemu-guest-agent's
 * protocol over a vsock port, which a socket in the run directory leads to.
 *
 *   idle ──tell──▶ asked ──answer──▶ idle, connected
 *                    └─ end, silence ─▶ idle; once more where the connection was an old one
 *
 * Nothing is sent before the first jump.  The connection is kept, for the agent takes one at a
 * time; one that has ended is made anew with the next jump.
 */
#ifndef HULL_MONITOR_TIMESYNC_H
#define HULL_MONITOR_TIMESYNC_H

#include "base/error.h"
#include "config/config.h"

struct hull_loop;
struct hull_timesync_client;

#define HULL_TIMESYNC_SOCKET "timesync.sock"

/* *ret is NULL where there is nobody to be told. */
int hull_timesync_new(struct hull_loop *loop, const struct hull_config *config,
		      struct hull_timesync_client **ret, struct hull_error **err);
void hull_timesync_tell(struct hull_timesync_client *t);
void hull_timesync_free(struct hull_timesync_client *t); /* NULL is fine */

#endif
