/* SPDX-License-Identifier: Apache-2.0
 *
 * The VM's network devices and its resolver, as Setup describes them.  What is as it should be
 * stays, so that it can be told again after a restore.
 */
#ifndef HULL_AGENT_NET_H
#define HULL_AGENT_NET_H

#include "base/error.h"
#include "hull/agent.pb-c.h"

#include <stdint.h>

struct hull_netspec;
struct hull_strbuf;

/* Programs that talk to themselves expect 127.0.0.1, whatever network there is. */
void hull_net_raise_loopback(void);

/* Nothing without interfaces.  @root: of sessions; its /etc/resolv.conf is written. Blocks until
 * the devices are there, some seconds at most. */
int hull_net_setup(const char *root, const Hull__Agent__V1__SetupRequest *rq,
		   struct hull_error **err);

/* The two halves of it. */
int hull_net_apply(const struct hull_netspec *spec, uint64_t deadline_ns, struct hull_error **err);
int hull_net_write_resolv(const char *root, const struct hull_strbuf *text,
			  struct hull_error **err);

#endif
