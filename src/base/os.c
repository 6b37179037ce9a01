/* SPDX-License-Identifier: Apache-2.0
 *
 * Clocks, randomness, sockets and memory files.
 */
#define _GNU_SOURCE
#include "base/os.h"

#include "base/cleanup.h"
#include "base/fault.h"
#include "base/path.h"

#include <fcntl.h>
#include <limits.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/random.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <time.h>

static uint64_t read_clock(clockid_t clock)
{
	struct timespec ts;

	clock_gettime(clock, &ts);
	return (uint64_t)ts.tv_sec * HULL_NS_PER_S + (uint64_t)ts.tv_nsec;
}

uint64_t hull_now_ns(void)
{
	return read_clock(CLOCK_MONOTONIC);
}

uint64_t hull_realtime_ns(void)
{
	return read_clock(CLOCK_REALTIME);
}

uint64_t hull_boottime_ns(void)
{
	return read_clock(CLOCK_BOOTTIME);
}

uint64_t hull_deadline_ms(uint64_t timeout_ms)
{
	uint64_t now = hull_now_ns();

	return timeout_ms < (UINT64_MAX - now) / HULL_NS_PER_MS ? now + timeout_ms * HULL_NS_PER_MS
								: UINT64_MAX;
}

int hull_ms_left(uint64_t deadline_ns)
{
	uint64_t now = hull_now_ns(), ms;

	if (deadline_ns <= now)
		return 0;
	ms = (deadline_ns - now + HULL_NS_PER_MS - 1) / HULL_NS_PER_MS;
	return ms > INT_MAX ? INT_MAX : (int)ms;
}

int hull_random(void *buf, size_t len)
{
	char *p = buf;

	while (len) {
		ssize_t n = getrandom(p, len, 0);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -errno;
		p += n;
		len -= (size_t)n;
	}
	return 0;
}

int hull_unix_address(const char *path, struct sockaddr_un *ret)
{
	*ret = (struct sockaddr_un){.sun_family = AF_UNIX};
	if (strlen(path) >= sizeof(ret->sun_path))
		return -ENAMETOOLONG;
	memcpy(ret->sun_path, path, strlen(path) + 1);
	return 0;
}

ssize_t hull_send_fd(int socket, const void *data, size_t len, int fd)
{
	union {
		struct cmsghdr header;
		char space[CMSG_SPACE(sizeof(fd))];
	} control = {.space = {0}};
	struct iovec piece = {(void *)data, len};
	struct msghdr m = {.msg_iov = &piece, .msg_iovlen = 1};
	ssize_t n;

	if (fd >= 0) {
		m.msg_control = &control;
		m.msg_controllen = sizeof(control.space);
	}
	control.header.cmsg_level = SOL_SOCKET;
	control.header.cmsg_type = SCM_RIGHTS;
	control.header.cmsg_len = CMSG_LEN(sizeof(fd));
	memcpy(CMSG_DATA(&control.header), &fd, sizeof(fd));
	n = sendmsg(socket, &m, MSG_NOSIGNAL);
	return n < 0 ? -errno : n;
}

/* Takes those of one message. */
static void take_fds(const struct cmsghdr *h, int *fds, size_t max, size_t *n)
{
	const char *p = (const char *)CMSG_DATA(h);

	for (size_t left = h->cmsg_len - CMSG_LEN(0); left >= sizeof(int);
	     left -= sizeof(int), p += sizeof(int)) {
		int fd;

		memcpy(&fd, p, sizeof(fd));
		if (*n < max)
			fds[(*n)++] = fd;
		else
			close(fd);
	}
}

ssize_t hull_receive_fds(int socket, void *data, size_t len, int *fds, size_t max, size_t *ret_n)
{
	union {
		struct cmsghdr header;
		char space[CMSG_SPACE(sizeof(int) * HULL_FDS_MAX)];
	} control;
	struct iovec piece = {data, len};
	struct msghdr m = {.msg_iov = &piece,
			   .msg_iovlen = 1,
			   .msg_control = &control,
			   .msg_controllen = sizeof(control)};
	ssize_t n = recvmsg(socket, &m, MSG_CMSG_CLOEXEC | MSG_DONTWAIT);

	*ret_n = 0;
	if (n < 0)
		return -errno;
	for (struct cmsghdr *h = CMSG_FIRSTHDR(&m); h; h = CMSG_NXTHDR(&m, h))
		if (h->cmsg_level == SOL_SOCKET && h->cmsg_type == SCM_RIGHTS)
			take_fds(h, fds, max, ret_n);
	return n;
}

int hull_unix_listen(const char *path, int backlog, unsigned int mode)
{
	cleanup_close int fd = -1;
	struct sockaddr_un addr;
	int r = hull_fault("listen");

	if (r == 0)
		r = hull_unix_address(path, &addr);
	if (r < 0)
		return r;
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd < 0)
		return -errno;
	/* fchmod before bind sets the mode the socket file is born with (less the umask). */
	(void)fchmod(fd, mode);
	if (bind(fd, (struct sockaddr *)&addr, sizeof(addr)) < 0)
		return -errno;
	if (chmod(path, mode) < 0 || listen(fd, backlog) < 0) {
		r = -errno;
		unlink(path);
		return r;
	}
	(void)hull_fault("listening");
	return steal_fd(&fd);
}

/* In the abstract name space, whose names begin with a NUL. */
static int bind_name(int fd, const char *name)
{
	struct sockaddr_un addr = {.sun_family = AF_UNIX};
	size_t len = strlen(name);

	if (len > HULL_UNIX_NAME_MAX)
		return -ENAMETOOLONG;
	memcpy(addr.sun_path + 1, name, len);
	len += offsetof(struct sockaddr_un, sun_path) + 1;
	return bind(fd, (struct sockaddr *)&addr, (socklen_t)len) < 0 ? -errno : 0;
}

void hull_unix_peer_name(int fd, char ret_name[HULL_UNIX_NAME_MAX + 1])
{
	const size_t head = offsetof(struct sockaddr_un, sun_path) + 1;
	struct sockaddr_un addr = {.sun_family = AF_UNSPEC};
	socklen_t len = sizeof(addr);
	size_t n;

	*ret_name = '\0';
	if (getpeername(fd, (struct sockaddr *)&addr, &len) < 0 || addr.sun_family != AF_UNIX ||
	    len <= head || addr.sun_path[0])
		return;
	n = MIN(len - head, (size_t)HULL_UNIX_NAME_MAX);
	memcpy(ret_name, addr.sun_path + 1, n);
	ret_name[n] = '\0';
}

/* Without waiting a full queue of connections is -EAGAIN. */
static int connect_to(const char *name, const char *path, bool wait)
{
	cleanup_close int fd = -1;
	struct sockaddr_un addr;
	int r = hull_unix_address(path, &addr);

	if (r < 0)
		return r;
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | (wait ? 0 : SOCK_NONBLOCK), 0);
	if (fd < 0)
		return -errno;
	r = name ? bind_name(fd, name) : 0;
	if (r < 0)
		return r;
	while (connect(fd, (struct sockaddr *)&addr, sizeof(addr)) < 0)
		if (errno != EINTR)
			return -errno;
	return steal_fd(&fd);
}

int hull_unix_connect(const char *path)
{
	return connect_to(NULL, path, true);
}

int hull_unix_connect_as(const char *name, const char *path)
{
	return connect_to(name, path, true);
}

int hull_unix_connect_now(const char *path)
{
	return connect_to(NULL, path, false);
}

bool hull_unix_is_stale(const char *path)
{
	struct stat st;
	int fd;

	/* Connecting to any other kind of file is refused in the same way. */
	if (lstat(path, &st) < 0 || !S_ISSOCK(st.st_mode))
		return false;
	fd = connect_to(NULL, path, false);
	if (fd >= 0)
		close(fd);
	return fd == -ECONNREFUSED;
}

int hull_unix_listen_anew(const char *path, int backlog, unsigned int mode)
{
	int fd = hull_unix_listen(path, backlog, mode);

	if (fd == -EADDRINUSE && hull_unix_is_stale(path) && unlink(path) == 0)
		fd = hull_unix_listen(path, backlog, mode);
	return fd;
}

int hull_socketpair(int fds[2])
{
	return socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds) < 0 ? -errno : 0;
}

int hull_set_nonblock(int fd, bool on)
{
	int flags = fcntl(fd, F_GETFL);

	if (flags < 0)
		return -errno;
	if (!!(flags & O_NONBLOCK) == on)
		return 0;
	flags = on ? flags | O_NONBLOCK : flags & ~O_NONBLOCK;
	return fcntl(fd, F_SETFL, flags) < 0 ? -errno : 0;
}

void hull_widen(int fd, int bytes)
{
	if (setsockopt(fd, SOL_SOCKET, SO_SNDBUFFORCE, &bytes, sizeof(bytes)) < 0)
		(void)setsockopt(fd, SOL_SOCKET, SO_SNDBUF, &bytes, sizeof(bytes));
}

int hull_memfd(const char *name, const void *data, size_t len)
{
	cleanup_close int fd = memfd_create(name, MFD_CLOEXEC | MFD_ALLOW_SEALING);
	int r;

	if (fd < 0)
		return -errno;
	r = hull_fd_write_all(fd, data, len);
	if (r < 0)
		return r;
	if (lseek(fd, 0, SEEK_SET) < 0)
		return -errno;
	return steal_fd(&fd);
}

int hull_boot_id(char buf[37])
{
	cleanup_close int fd = open("/proc/sys/kernel/random/boot_id", O_RDONLY | O_CLOEXEC);

	if (fd < 0)
		return -errno;
	if (read(fd, buf, 36) != 36)
		return -EIO;
	buf[36] = '\0';
	return 0;
}
