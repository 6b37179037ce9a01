/* SPDX-License-Identifier: Apache-2.0
 *
 * Making and lending sockets, see lend.h.
 */
#define _GNU_SOURCE
#include "monitor/lend.h"

#include "base/cleanup.h"
#include "base/os.h"
#include "base/path.h"

#include <fcntl.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

void hull_lent_init(struct hull_lent *lent)
{
	*lent = (struct hull_lent){.fd = -1};
}

static int listen_tcp(const struct hull_lent_place *at, int *ret_fd, struct hull_error **err)
{
	const struct sockaddr_in addr = {
		.sin_family = AF_INET,
		.sin_port = htons((uint16_t)at->port),
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK),
	};
	cleanup_close int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	const int one = 1;

	if (fd < 0 || setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one)) < 0 ||
	    bind(fd, (const struct sockaddr *)&addr, sizeof(addr)) < 0 ||
	    listen(fd, at->backlog) < 0) {
		hull_fail_errno(err, errno, "%s: listen on port %llu of the loopback", at->what,
				(unsigned long long)at->port);
		hull_hint(err, "%s", at->port_hint);
		return -1;
	}
	*ret_fd = steal_fd(&fd);
	return 0;
}

static int listen_unix(const struct hull_lent_place *at, const char *path, int *ret_fd,
		       struct hull_error **err)
{
	int fd = hull_unix_listen_anew(path, at->backlog, 0600);

	if (fd == -EADDRINUSE)
		return hull_fail(err, HULL_E_EXISTS, "%s: '%s' exists already", at->what, path);
	if (fd < 0)
		return hull_fail_errno(err, -fd, "%s: listen on '%s'", at->what, path);
	*ret_fd = fd;
	return 0;
}

int hull_lent_open(struct hull_lent *lent, const struct hull_lent_place *at,
		   struct hull_error **err)
{
	cleanup_free char *path = NULL;

	if (at->port)
		return listen_tcp(at, &lent->fd, err);
	path = at->path ? strdup(at->path) : hull_path_join(at->run_dir, at->name);
	if (!path)
		return hull_fail_nomem(err);
	if (listen_unix(at, path, &lent->fd, err) < 0)
		return -1;
	if (at->path)
		lent->path = steal_ptr(&path);
	return 0;
}

int hull_lent_dup(const struct hull_lent *lent, int *ret_fd, struct hull_error **err)
{
	int fd = lent->fd < 0 ? -1 : fcntl(lent->fd, F_DUPFD_CLOEXEC, 3);

	if (lent->fd >= 0 && fd < 0)
		return hull_fail_errno(err, errno, "duplicate a descriptor");
	*ret_fd = fd;
	return 0;
}

void hull_lent_close(struct hull_lent *lent)
{
	if (lent->path)
		(void)unlink(lent->path);
	free(steal_ptr(&lent->path));
	hull_closep(&lent->fd);
}
