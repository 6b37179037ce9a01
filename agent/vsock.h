/* SPDX-License-Identifier: Apache-2.0
 *
 * The link over vsock, where the host has left a token in the initramfs: the agent listens, and
 * takes for its host whoever knows the token.
 */
#ifndef HULL_AGENT_VSOCK_H
#define HULL_AGENT_VSOCK_H

#include "base/error.h"

struct hull_agent;

/* Listens, then loads the driver, so that the host's first try is answered.  1; 0 if there is no
 * token: the link is another one; or -1. */
int hull_vsock_open(struct hull_agent *a, struct hull_error **err);

#endif
