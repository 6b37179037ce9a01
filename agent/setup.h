/* SPDX-License-Identifier: Apache-2.0
 *
 * Everything a VM needs before its first session, in one call; and mounts asked for later.
 */
#ifndef HULL_AGENT_SETUP_H
#define HULL_AGENT_SETUP_H

#include "base/error.h"
#include "hull/agent.pb-c.h"

#include <stddef.h>

struct hull_agent;
struct hull_ttrpc_call;

/* The agent's own timeline so far: fills HULL_AGENT_SPANS at most, and returns how many. */
size_t hull_setup_spans(const struct hull_agent *a, Hull__Agent__V1__Span *ret_spans);
/* All answer @call when done, or fail at once. */
int hull_setup(struct hull_agent *a, struct hull_ttrpc_call *call,
	       const Hull__Agent__V1__SetupRequest *rq, struct hull_error **err);
int hull_setup_mount(struct hull_agent *a, struct hull_ttrpc_call *call,
		     const Hull__Agent__V1__MountRequest *rq, struct hull_error **err);
int hull_setup_unmount(struct hull_agent *a, struct hull_ttrpc_call *call,
		       const Hull__Agent__V1__UnmountRequest *rq, struct hull_error **err);

#endif
