/* SPDX-License-Identifier: Apache-2.0
 *
 * The guest link over the kernel's vhost-vsock: the device with an address (CID) that no other VM
 * has, and two connections to the agent.  We only dial: what listens on the host has no owner, and
 * any guest could talk to it.  Nor has the guest's end: so each connection begins with a token.
 */
#ifndef HULL_MONITOR_VSOCK_H
#define HULL_MONITOR_VSOCK_H

#include "base/error.h"
#include "proto/link.h"

#include <stdint.h>

struct hull_loop;
struct hull_vsock_link;

#define HULL_VSOCK_DEVICE "/dev/vhost-vsock"

/* *ret_device is for the hypervisor; the address is taken as long as it is open anywhere. */
int hull_vsock_link_new(struct hull_loop *loop, const uint8_t token[HULL_LINK_TOKEN_LEN],
			int *ret_device, struct hull_vsock_link **ret_link,
			struct hull_error **err);
uint32_t hull_vsock_link_cid(const struct hull_vsock_link *v);
/* @connected is called once both channels are up; it owns the descriptors.  Until then, and with
 * no deadline of its own, it waits for the guest.  Again for a guest that begins anew. */
int hull_vsock_link_dial(struct hull_vsock_link *v,
			 void (*connected)(void *ctx, int control_fd, int bulk_fd), void *ctx,
			 struct hull_error **err);
/* NULL is fine. */
void hull_vsock_link_free(struct hull_vsock_link *v);

#endif
