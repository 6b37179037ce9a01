/* SPDX-License-Identifier: Apache-2.0
 *
 * The door to clocks, randomness, sockets and memory files.  Leaf helpers: >= 0 or -errno;
 * every descriptor is CLOEXEC from birth.
 */
#ifndef HULL_BASE_OS_H
#define HULL_BASE_OS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#define HULL_NS_PER_MS UINT64_C(1000000)
#define HULL_NS_PER_S UINT64_C(1000000000)

struct sockaddr_un;

uint64_t hull_now_ns(void);			/* CLOCK_MONOTONIC */
uint64_t hull_realtime_ns(void);		/* CLOCK_REALTIME */
uint64_t hull_boottime_ns(void);		/* CLOCK_BOOTTIME */
uint64_t hull_deadline_ms(uint64_t timeout_ms); /* at most UINT64_MAX, which never comes */
/* For poll(): milliseconds left, rounded up, clamped to [0, INT_MAX]. */
int hull_ms_left(uint64_t deadline_ns);
int hull_random(void *buf, size_t len);
/* -ENAMETOOLONG where it does not fit. */
int hull_unix_address(const char *path, struct sockaddr_un *ret);
/* Listens; mode is the socket file's.  The path must fit sun_path: -ENAMETOOLONG. */
int hull_unix_listen(const char *path, int backlog, unsigned int mode);
/* The same, in the place of a socket that nobody listens on any more: what somebody killed left
 * behind.  Anything else that is there: -EADDRINUSE. */
int hull_unix_listen_anew(const char *path, int backlog, unsigned int mode);
bool hull_unix_is_stale(const char *path); /* such a socket; asks by connecting */
int hull_unix_connect(const char *path);   /* waits while the listener's queue is full */
/* Waits for nothing, the descriptor neither: a full queue is -EAGAIN. */
int hull_unix_connect_now(const char *path);
/* The same with a name of our own, by which the listener can tell us from others: at most
 * HULL_UNIX_NAME_MAX bytes, in no file system. */
#define HULL_UNIX_NAME_MAX 100
int hull_unix_connect_as(const char *name, const char *path);
/* Such a name of whoever is at the other end; "" where it has none. */
void hull_unix_peer_name(int fd, char ret_name[HULL_UNIX_NAME_MAX + 1]);
int hull_socketpair(int fds[2]); /* SOCK_STREAM */
int hull_set_nonblock(int fd, bool on);
/* Room for so much that is sent and not read yet, or as much as the host allows to us. */
void hull_widen(int fd, int bytes);
/* Sends bytes, at least one, and with them @fd, of which the receiver gets one of its own; -1:
 * none. How many bytes went, or -errno. */
ssize_t hull_send_fd(int socket, const void *data, size_t len, int fd);
/* What has come, without waiting: how many bytes, or -errno.  The descriptors that came with them
 * are the caller's, CLOEXEC, *ret_n of them; those beyond @max, of which there are at most
 * HULL_FDS_MAX, are closed. */
#define HULL_FDS_MAX 8
ssize_t hull_receive_fds(int socket, void *data, size_t len, int *fds, size_t max, size_t *ret_n);
/* A memory file holding @len bytes of @data, rewound. */
int hull_memfd(const char *name, const void *data, size_t len);
/* 36 characters and NUL of /proc/sys/kernel/random/boot_id. */
int hull_boot_id(char buf[37]);

#endif
