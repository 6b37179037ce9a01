/* SPDX-License-Identifier: Apache-2.0
 *
 * The kernel's events about devices: one socket for the whole agent, whose events every watcher
 * sees.
 */
#ifndef HULL_AGENT_UEVENT_H
#define HULL_AGENT_UEVENT_H

#include "base/error.h"

#include <stdbool.h>
#include <stddef.h>

struct hull_loop;
struct hull_uevents;

/* "" what the event does not tell.  Borrowed from the message. */
struct hull_uevent {
	const char *action, *subsystem, *modalias;
	const char *device, *type; /* name in /dev; "disk", "partition" */
	const char *number;	   /* counts up, decimal */
};

/* A message of the kernel's, which must end with a zero at @end. */
void hull_uevent_parse(const char *message, const char *end, struct hull_uevent *ret);

#define HULL_UEVENT_MAX 4096 /* bytes of a message, with the zero */

/* The next event, which points into @buf: 1, 0 if there is none now, -ENOBUFS if some were lost.
 * One that is not the kernel's tells nothing. */
int hull_uevent_receive(int fd, char buf[HULL_UEVENT_MAX], struct hull_uevent *ret);

/* NULL: some were lost, so that only looking around tells what there is. */
typedef void (*hull_uevent_fn)(void *ctx, const struct hull_uevent *event);

/* A non-blocking socket that gets all events from now on, or -errno. */
int hull_uevent_open(void);

int hull_uevents_new(struct hull_loop *loop, struct hull_uevents **ret_uevents,
		     struct hull_error **err);
/* For as long as the agent lives; there is room for a few. */
void hull_uevents_watch(struct hull_uevents *u, hull_uevent_fn fn, void *ctx);

#endif
