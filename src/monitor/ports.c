/* SPDX-License-Identifier: Apache-2.0
 *
 * Ports of the host, see ports.h.
 */
#define _GNU_SOURCE
#include "monitor/ports.h"

#include "base/cleanup.h"
#include "base/path.h"
#include "base/strbuf.h"
#include "base/text.h"

#include <netinet/in.h>
#include <string.h>
#include <sys/socket.h>

#define BACKLOG 128
#define PRIVILEGED_FILE "/proc/sys/net/ipv4/ip_unprivileged_port_start"
#define PRIVILEGED_DEFAULT 1024

int hull_port_listen(const struct hull_forward *f, uint32_t port)
{
	int type = f->protocol == HULL_PROTOCOL_TCP ? SOCK_STREAM : SOCK_DGRAM, on = 1;
	struct sockaddr_storage addr;
	socklen_t len = hull_ip_sockaddr(&f->address, (uint16_t)port, &addr);
	cleanup_close int fd = socket(addr.ss_family, type | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

	if (fd < 0)
		return -errno;
	if (addr.ss_family == AF_INET6 &&
	    setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &on, sizeof(on)) < 0)
		return -errno;
	/* For TCP it lets us follow closed connections; for UDP it would let us share the port. */
	if (type == SOCK_STREAM && setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on)) < 0)
		return -errno;
	if (bind(fd, (struct sockaddr *)&addr, len) < 0 ||
	    (type == SOCK_STREAM && listen(fd, BACKLOG) < 0))
		return -errno;
	return steal_fd(&fd);
}

static uint64_t first_unprivileged(void)
{
	cleanup_strbuf struct hull_strbuf text = HULL_STRBUF_INIT;
	uint64_t port = PRIVILEGED_DEFAULT;

	if (hull_file_read(PRIVILEGED_FILE, 32, &text) == 0 && text.len) {
		text.data[strcspn(text.data, "\n")] = '\0';
		(void)hull_parse_u64(text.data, 65536, &port);
	}
	return port;
}

int hull_port_fail(const struct hull_forward *f, uint32_t port, int errnum, struct hull_error **err)
{
	bool tcp = f->protocol == HULL_PROTOCOL_TCP;
	char text[HULL_FORWARD_TEXT], ip[HULL_IP_TEXT];

	hull_forward_text(f, port, text);
	hull_ip_format(&f->address, false, ip);
	switch (errnum) {
	case EADDRINUSE:
		hull_fail_cause(err, HULL_E_BUSY, "port-busy", "port %s is in use on this host",
				text);
		hull_hint(err, "choose another host port; '%s' tells who has it",
			  tcp ? "ss -lntp" : "ss -lnup");
		return -1;
	case EACCES:
	case EPERM:
		hull_fail_cause(err, HULL_E_DENIED, "port-denied",
				"port %s: only root may listen below port %u", text,
				(unsigned int)first_unprivileged());
		hull_hint(err,
			  "choose a higher host port, or allow this one to everybody: sysctl "
			  "net.ipv4.ip_unprivileged_port_start=%u",
			  port);
		return -1;
	case EADDRNOTAVAIL:
		hull_fail_cause(err, HULL_E_INVALID, "no-such-address",
				"port %s: '%s' is not an address of this host", text, ip);
		hull_hint(err, "'ip address' lists them; without one it is the loopback's");
		return -1;
	default:
		return hull_fail_errno(err, errnum, "listen on port %s", text);
	}
}

int hull_ports_try(const struct hull_forwards *forwards, struct hull_error **err)
{
	for (size_t i = 0; i < forwards->n; i++) {
		const struct hull_forward *f = &forwards->v[i];

		for (uint32_t k = 0; !f->relayed && k < f->count; k++) {
			int fd = hull_port_listen(f, f->host + k);

			if (fd < 0)
				return hull_port_fail(f, f->host + k, -fd, err);
			close(fd);
		}
	}
	return 0;
}

const struct hull_forward *hull_ports_privileged(const struct hull_forwards *forwards)
{
	uint64_t first = forwards->n ? first_unprivileged() : 0;

	for (size_t i = 0; i < forwards->n; i++)
		if (!forwards->v[i].relayed && forwards->v[i].host < first)
			return &forwards->v[i];
	return NULL;
}
