/* SPDX-License-Identifier: Apache-2.0
 *
 * Noticing that somebody reads, see taken.h.
 *
 * A stream socket becomes writable anew each time the other end has taken a whole buffer, which an
 * edge-triggered watch shows, and SIOCOUTQ tells how much still lies there.  Whoever uses our end
 * meanwhile adds to that: it counts as taken when less is left than there was at first, or nothing.
 */
#define _GNU_SOURCE
#include "monitor/taken.h"

#include "base/cleanup.h"

#include <fcntl.h>
#include <linux/sockios.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

struct hull_taken {
	int fd; /* owned: a second descriptor, since the first is given away */
	int at_first;
	struct hull_source *source;
	void (*fn)(void *ctx);
	void *ctx;
};

/* The other end must not find us here when everybody else has gone. */
static void let_go(struct hull_taken *t)
{
	hull_source_remove(&t->source);
	hull_closep(&t->fd);
}

static void on_change(void *ctx, uint32_t events)
{
	struct hull_taken *t = ctx;
	int left;

	if (events & (EPOLLHUP | EPOLLERR) || ioctl(t->fd, SIOCOUTQ, &left) < 0) {
		let_go(t); /* what lay there is gone too, but nobody has read it */
		return;
	}
	/* While the kernel tells of it, one byte is still counted. */
	if (t->at_first > 1 && left > 1 && left >= t->at_first)
		return;
	let_go(t);
	t->fn(t->ctx);
}

int hull_taken_new(struct hull_loop *loop, int fd, const void *data, size_t len,
		   void (*fn)(void *ctx), void *ctx, struct hull_taken **ret)
{
	cleanup_with(hull_taken_freep) struct hull_taken *t = calloc(1, sizeof(*t));
	ssize_t n;
	int r;

	if (!t)
		return -ENOMEM;
	t->fn = fn;
	t->ctx = ctx;
	t->fd = fcntl(fd, F_DUPFD_CLOEXEC, 3);
	if (t->fd < 0)
		return -errno;
	n = send(t->fd, data, len, MSG_DONTWAIT | MSG_NOSIGNAL);
	if (n < 0 || ioctl(t->fd, SIOCOUTQ, &t->at_first) < 0)
		return -errno;
	if ((size_t)n < len)
		return -ENOBUFS;
	r = hull_loop_add_fd(loop, t->fd, EPOLLOUT | EPOLLET, on_change, t, &t->source);
	if (r < 0)
		return r;
	*ret = steal_ptr(&t);
	return 0;
}

void hull_taken_free(struct hull_taken *t)
{
	if (!t)
		return;
	let_go(t);
	free(t);
}
