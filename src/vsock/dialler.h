/* SPDX-License-Identifier: Apache-2.0
 *
 * The part of hull-vsock that may connect to sockets of the host's: a process of its own that never
 * sees a byte of the guest's, only the numbers of ports it dials, and knows where those lead.  So
 * whoever takes over the one that reads the guest's rings can reach nothing that is not listed.
 *
 * It lives as long as the other end of its socket is open, and takes the sockets that were made
 * away at the end.
 */
#ifndef HULL_VSOCK_DIALLER_H
#define HULL_VSOCK_DIALLER_H

#include "base/vec.h"
#include "vsock/spec.h"

#include <stdint.h>

/* Packets on a SOCK_SEQPACKET pair. */
struct hull_dial {
	uint32_t cookie, port;
};
struct hull_dialled {
	uint32_t cookie;
	int32_t result; /* 0, with the connected descriptor, or -errno */
};

/* Serves @fd until its other end is closed; then removes @made.  Returns when done. */
void hull_dialler_run(int fd, const struct hull_vsock_spec *spec, const struct hull_strv *made);

#endif
