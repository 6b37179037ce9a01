/* SPDX-License-Identifier: Apache-2.0
 *
 * The device's side of the vhost-user protocol (QEMU's docs/interop/vhost-user.rst): which features
 * were agreed upon, where the guest's memory is, where its rings are and whether they run. Messages
 * and their descriptors come in whole, answers go out; the one who reads and writes is the caller.
 *
 * The front end is the hypervisor, which is trusted no more than it must be: every message is
 * checked, and one that makes no sense ends the connection.
 *
 *   ring: stopped ─SET_VRING_KICK─▶ started ─GET_VRING_BASE─▶ stopped
 *
 * It is to be served while it is started and enabled.  One whose guest breaks its rules is put to
 * rest by the caller until it is started anew.
 */
#ifndef HULL_VSOCK_VHOST_H
#define HULL_VSOCK_VHOST_H

#include "base/error.h"
#include "vsock/memory.h"
#include "vsock/ring.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { HULL_VHOST_RX, HULL_VHOST_TX, HULL_VHOST_RINGS }; /* as the guest calls them */

#define HULL_VHOST_HEADER 12
#define HULL_VHOST_PAYLOAD_MAX 512
#define HULL_VHOST_FDS_MAX 8

struct hull_vhost_msg {
	uint32_t request, flags, size;
	union {
		uint8_t payload[HULL_VHOST_PAYLOAD_MAX];
		uint64_t u64;
	};
};

struct hull_vhost_ops {
	/* Maps @size bytes of @fd from its start: 0 or -errno. */
	int (*map)(void *ctx, int fd, uint64_t size, char **ret_at);
	void (*unmap)(void *ctx, char *at, uint64_t size);
	/* A ring has been started, with its kick; or is about to stop.  Both of them started at the
	 * very beginning (@fresh, with the second): the guest's driver has just come. */
	void (*started)(void *ctx, int ring, bool fresh);
	void (*stopped)(void *ctx, int ring);
};

struct hull_vhost_ring {
	struct hull_ring ring;
	struct hull_ring_where where;
	uint16_t base;
	bool enabled, has_where, started, fresh;
	int kick, call, error; /* owned; -1: none */
};

struct hull_vhost {
	const struct hull_vhost_ops *ops;
	void *ctx;
	uint64_t guest_cid;
	uint64_t features, protocol; /* agreed upon */
	struct hull_memory memory;
	struct hull_vhost_ring rings[HULL_VHOST_RINGS];
};

void hull_vhost_init(struct hull_vhost *v, uint64_t guest_cid, const struct hull_vhost_ops *ops,
		     void *ctx);
void hull_vhost_fini(struct hull_vhost *v);

/* Of the HULL_VHOST_HEADER bytes: how long the payload is.  0 or -1. */
int hull_vhost_parse_header(const void *header, struct hull_vhost_msg *ret,
			    struct hull_error **err);
/* 1 and *ret_reply (header and size bytes), 0 when there is no answer, or -1.  Descriptors that are
 * kept are replaced by -1; the rest remains the caller's. */
int hull_vhost_handle(struct hull_vhost *v, const struct hull_vhost_msg *m, int *fds, size_t n_fds,
		      struct hull_vhost_msg *ret_reply, struct hull_error **err);

bool hull_vhost_runs(const struct hull_vhost *v, int ring);

#endif
