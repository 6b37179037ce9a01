/* SPDX-License-Identifier: Apache-2.0
 *
 * The sockets of nic.h.
 *
 * In datagrams a helper answers to the address that it hears from, so that ours has to have a name.
 * It is in the run directory, with which it goes whatever happens.
 */
#define _GNU_SOURCE
#include "monitor/nic.h"

#include "base/cleanup.h"
#include "base/os.h"
#include "base/path.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#define MAGIC "VFKT"
/* Some frames of the largest size, more of those that come from outside. */
#define SEND_BUFFER (1 << 20)
#define RECEIVE_BUFFER (4 << 20)

static void widen(int fd)
{
	int in = RECEIVE_BUFFER;

	hull_widen(fd, SEND_BUFFER);
	if (setsockopt(fd, SOL_SOCKET, SO_RCVBUFFORCE, &in, sizeof(in)) < 0)
		(void)setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &in, sizeof(in));
}

/* One that is there already is of an earlier try of ours. */
static int bind_own(int fd, const struct hull_config *config, size_t index)
{
	cleanup_free char *path = NULL;
	struct sockaddr_un addr;
	char name[32];
	int r;

	snprintf(name, sizeof(name), "net%zu.sock", index);
	path = hull_path_join(config->run_dir, name);
	r = path ? hull_unix_address(path, &addr) : -ENOMEM;
	if (r < 0)
		return r;
	(void)unlink(path);
	if (bind(fd, (struct sockaddr *)&addr, sizeof(addr)) < 0 || chmod(path, 0600) < 0)
		return -errno;
	return 0;
}

static int connect_to(const struct hull_config *config, size_t index, int *ret_fd)
{
	const struct hull_dev_net *net = &config->devices.v[index].net;
	int type = hull_dev_net_is_stream(net) ? SOCK_STREAM : SOCK_DGRAM;
	/* A listener whose queue is full does not make us wait. */
	cleanup_close int fd = socket(AF_UNIX, type | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	struct sockaddr_un addr;
	int r = fd < 0 ? -errno : hull_unix_address(net->path, &addr);

	if (r == 0 && type == SOCK_DGRAM)
		r = bind_own(fd, config, index);
	if (r < 0)
		return r;
	if (connect(fd, (struct sockaddr *)&addr, sizeof(addr)) < 0)
		return -errno;
	widen(fd);
	if (net->magic && send(fd, MAGIC, strlen(MAGIC), MSG_NOSIGNAL) < 0)
		return -errno;
	*ret_fd = steal_fd(&fd);
	return 0;
}

static int fail_connect(const struct hull_dev_net *net, size_t index, int errnum,
			struct hull_error **err)
{
	bool stream = hull_dev_net_is_stream(net);

	hull_fail_errno(err, errnum, "devices[%zu]: connect to the network's socket '%s'", index,
			net->path);
	if (errnum == ENOENT || errnum == ECONNREFUSED)
		hull_hint(err, "start what is to carry the network first: it has to listen there");
	if (errnum == EPROTOTYPE)
		hull_hint(err, "it is a %s socket: choose the other mode",
			  stream ? "datagram" : "stream");
	return -1;
}

static int take_handed(const struct hull_dev_net *net, size_t index, int handed,
		       struct hull_error **err)
{
	bool stream = hull_dev_net_is_stream(net);
	socklen_t len = sizeof(int);
	int type = 0, fd;

	if (handed < 0)
		return hull_fail(err, HULL_E_INVALID,
				 "devices[%zu].fd: descriptor %d was not handed down", index,
				 (int)net->fd);
	if (getsockopt(handed, SOL_SOCKET, SO_TYPE, &type, &len) < 0 ||
	    type != (stream ? SOCK_STREAM : SOCK_DGRAM))
		return hull_fail(err, HULL_E_INVALID,
				 "devices[%zu].fd: descriptor %d is no %s socket", index,
				 (int)net->fd, stream ? "stream" : "datagram");
	fd = fcntl(handed, F_DUPFD_CLOEXEC, 3);
	return fd < 0 ? hull_fail_errno(err, errno, "duplicate a descriptor") : fd;
}

int hull_nic_open(const struct hull_config *config, size_t index, int handed,
		  struct hull_error **err)
{
	const struct hull_dev_net *net = &config->devices.v[index].net;
	int fd = -1, r;

	if (net->socket)
		return take_handed(net, index, handed, err);
	r = connect_to(config, index, &fd);
	return r < 0 ? fail_connect(net, index, -r, err) : fd;
}
