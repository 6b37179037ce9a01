/* SPDX-License-Identifier: Apache-2.0
 *
 * The socket at which debuggers find the guest: made here, so that it belongs to whoever starts the
 * VM and nobody else can use it, and lent to the hypervisor, which listens.
 */
#define _GNU_SOURCE
#include "monitor/state.h"

#include "base/cleanup.h"
#include "base/os.h"
#include "base/path.h"

#include <netinet/in.h>
#include <string.h>
#include <unistd.h>

#define BACKLOG 1

static int listen_tcp(uint64_t port, int *ret_fd, struct hull_error **err)
{
	const struct sockaddr_in addr = {
		.sin_family = AF_INET,
		.sin_port = htons((uint16_t)port),
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK),
	};
	cleanup_close int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	const int one = 1;

	if (fd < 0 || setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one)) < 0 ||
	    bind(fd, (const struct sockaddr *)&addr, sizeof(addr)) < 0 || listen(fd, BACKLOG) < 0) {
		hull_fail_errno(err, errno, "gdb: listen on port %llu of the loopback",
				(unsigned long long)port);
		hull_hint(err, "another port can be given with --gdb=PORT, or none");
		return -1;
	}
	*ret_fd = steal_fd(&fd);
	return 0;
}

static int listen_unix(const char *path, int *ret_fd, struct hull_error **err)
{
	int fd = hull_unix_listen_anew(path, BACKLOG, 0600);

	if (fd == -EADDRINUSE)
		return hull_fail(err, HULL_E_EXISTS, "gdb: '%s' exists already", path);
	if (fd < 0)
		return hull_fail_errno(err, -fd, "gdb: listen on '%s'", path);
	*ret_fd = fd;
	return 0;
}

int hull_monitor_open_gdb(struct hull_monitor *m, struct hull_error **err)
{
	const struct hull_gdb *g = &m->config.gdb;
	cleanup_free char *path = NULL;

	if (g->kind == HULL_GDB_NONE)
		return 0;
	if (g->kind == HULL_GDB_TCP)
		return listen_tcp(g->port, &m->gdb_fd, err);
	path = g->path ? strdup(g->path) : hull_path_join(m->config.run_dir, "gdb.sock");
	if (!path)
		return hull_fail_nomem(err);
	if (listen_unix(path, &m->gdb_fd, err) < 0)
		return -1;
	if (g->path)
		m->gdb_path = steal_ptr(&path);
	return 0;
}

void hull_monitor_close_gdb(struct hull_monitor *m)
{
	if (m->gdb_path)
		(void)unlink(m->gdb_path);
	free(steal_ptr(&m->gdb_path));
	hull_closep(&m->gdb_fd);
}

void hull_monitor_gdb_paused(struct hull_monitor *m, bool paused)
{
	if (m->gdb_fd < 0 || m->state != HULL_MONITOR_STARTING)
		return;
	hull_source_arm(m->deadline, paused ? 0 : hull_deadline_ms(m->config.boot_timeout_ms));
}
