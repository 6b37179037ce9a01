/* SPDX-License-Identifier: Apache-2.0
 *
 * What hull-vsock is told: the guest's address and which Unix sockets stand for which ports.  It
 * travels as JSON on an inherited descriptor, so that no path of the user's stands in anybody's
 * argv.
 *
 *   {"cid": 3, "hybrid": "/run/x/vsock.sock", "uid": 65534, "gid": 65534,
 *    "ports": [{"port": 1026, "socket": "/run/ready.sock", "direction": "listen"},
 *              {"port": 22, "socket": "/run/ssh.sock", "direction": "connect"}]}
 *
 *   listen   a program of the host's listens on the socket: a guest that dials the host's port
 *            (address 2) is connected to it
 *   connect  programs of the host's connect to the socket, which hull-vsock makes: each connection
 *            dials the guest's port.  With "fd" instead of "socket" it is there already: an
 *            inherited descriptor that listens
 *   hybrid   a socket for all ports, as Firecracker has it: "CONNECT <port>\n" is answered
 *            "OK <n>\n" once the guest has accepted; and where no port is listed, a guest that
 *            dials the host's port P is connected to "<hybrid>_P"
 *   uid, gid what to become if started as root; nobody's by default
 *
 * All but cid may be left out.  A guest that dials what nothing listens on is refused.
 *
 * hull-vsock is started with
 *   3  a connected Unix socket at whose other end the hypervisor speaks vhost-user
 *   4  the spec, read to its end
 *   5  and above: those that the spec names
 * and ends when the hypervisor disconnects, or with status 1 and one line on standard error.
 */
#ifndef HULL_VSOCK_SPEC_H
#define HULL_VSOCK_SPEC_H

#include "base/error.h"
#include "base/vec.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define HULL_VSOCK_DEVICE_FD 3
#define HULL_VSOCK_SPEC_FD 4
#define HULL_VSOCK_FIRST_FD 5
#define HULL_VSOCK_SPEC_MAX ((size_t)1 << 20)
#define HULL_VSOCK_PORTS_MAX 256

struct hull_vsock_port {
	uint32_t port;
	char *socket; /* owned; NULL: fd */
	uint64_t fd;  /* of connect only; 0: socket */
	bool listen;  /* the host's program does */
};

struct hull_vsock_spec {
	uint64_t cid, uid, gid;
	char *hybrid; /* owned; NULL: none */
	HULL_VEC(struct hull_vsock_port) ports;
};

/* Initialises *ret, on failure too. */
int hull_vsock_spec_parse(const char *text, size_t len, struct hull_vsock_spec *ret,
			  struct hull_error **err);
void hull_vsock_spec_fini(struct hull_vsock_spec *s);
#define cleanup_vsock_spec __attribute__((cleanup(hull_vsock_spec_fini)))

/* The socket that a guest is connected to which dials @port; NULL: none.  @buf: for those of
 * hybrid, of HULL_VSOCK_PATH_MAX. */
#define HULL_VSOCK_PATH_MAX 108
const char *hull_vsock_spec_find(const struct hull_vsock_spec *s, uint32_t port, char *buf);

#endif
