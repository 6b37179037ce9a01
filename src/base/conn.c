/* SPDX-License-Identifier: Apache-2.0
 *
 * The buffered stream of conn.h.  One read buffer per call on the stack of the loop, a write queue
 * with a head offset; errors found while writing are reported from the loop, never from write().
 */
#define _GNU_SOURCE
#include "base/conn.h"

#include "base/cleanup.h"
#include "base/os.h"
#include "base/strbuf.h"

#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define READ_SIZE ((size_t)64 << 10)
#define READS_PER_EVENT 4 /* then others get their turn */
#define COMPACT_AT ((size_t)64 << 10)
#define KEEP_MAX ((size_t)64 << 10) /* what an empty queue keeps of its memory */

struct hull_conn {
	struct hull_loop *loop;
	struct hull_source *source;
	struct hull_source *later; /* timer: reports a failure found while writing */
	int fd;			   /* owned */
	const struct hull_conn_ops *ops;
	void *ctx;
	struct hull_strbuf out;
	size_t head;	  /* bytes of out already sent */
	const char *lent; /* behind out; of the caller's */
	size_t lent_len;
	bool paused, eof, shutdown_wanted, failed;
	bool hung_up; /* over both ways: what is still there is handed out, paused or not */
	int errnum;
	bool *freed; /* set while a callback runs: tells that it freed us */
};

static void update_events(struct hull_conn *c)
{
	uint32_t events = 0;

	if (c->failed || !c->source)
		return;
	if (!c->paused && !c->eof)
		events |= EPOLLIN;
	if (hull_conn_queued(c))
		events |= EPOLLOUT;
	(void)hull_source_set_events(c->source, events);
}

static void fail_later(struct hull_conn *c, int errnum)
{
	if (c->failed)
		return;
	c->failed = true;
	c->errnum = errnum;
	hull_source_remove(&c->source);
	hull_source_arm(c->later, 1);
}

/* Reports the end now; the connection may be gone afterwards. */
static void fail_now(struct hull_conn *c, int errnum)
{
	if (c->failed)
		return;
	c->failed = true;
	c->errnum = errnum;
	hull_source_remove(&c->source);
	c->ops->closed(c->ctx, errnum);
}

/* How many of the bytes the kernel took; on failure none, and that is told later. */
static size_t send_some(struct hull_conn *c, const char *data, size_t len)
{
	size_t done = 0;

	while (done < len && !c->failed) {
		ssize_t n = send(c->fd, data + done, len - done, MSG_NOSIGNAL);

		if (n < 0 && errno == ENOTSOCK)
			n = write(c->fd, data + done, len - done);
		if (n >= 0)
			done += (size_t)n;
		else if (errno == EAGAIN)
			break;
		else if (errno != EINTR)
			fail_later(c, errno);
	}
	return done;
}

static void flush(struct hull_conn *c)
{
	if (c->out.len > c->head)
		c->head += send_some(c, c->out.data + c->head, c->out.len - c->head);
	if (c->head == c->out.len) {
		c->head = 0;
		if (c->out.cap > KEEP_MAX)
			hull_strbuf_fini(&c->out);
		else
			hull_strbuf_clear(&c->out);
	} else if (c->head >= COMPACT_AT && c->head * 2 >= c->out.len) {
		hull_strbuf_drop(&c->out, c->head);
		c->head = 0;
	}
	if (c->lent_len && !c->out.len) {
		size_t n = send_some(c, c->lent, c->lent_len);

		c->lent += n;
		c->lent_len -= n;
	}
	if (!hull_conn_queued(c) && c->shutdown_wanted && !c->failed) {
		c->shutdown_wanted = false;
		(void)shutdown(c->fd, SHUT_WR); /* not a socket, or gone: reading tells */
	}
	if (!c->failed)
		update_events(c);
}

/* False when the connection must not be touched any more. */
static bool read_some(struct hull_conn *c)
{
	char buf[READ_SIZE];
	bool freed = false;

	for (int i = 0; !c->eof && (c->hung_up || (i < READS_PER_EVENT && !c->paused)); i++) {
		ssize_t n = read(c->fd, buf, sizeof(buf));

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0 && errno == EAGAIN)
			return true;
		if (n < 0 || (n == 0 && !c->ops->eof)) {
			fail_now(c, n < 0 ? errno : 0);
			return false;
		}
		c->freed = &freed;
		if (n == 0) {
			c->eof = true;
			update_events(c);
			c->ops->eof(c->ctx);
		} else {
			c->ops->data(c->ctx, buf, (size_t)n);
		}
		if (freed)
			return false;
		c->freed = NULL;
		if (c->failed)
			return false;
		if (n > 0 && (size_t)n < sizeof(buf) && !c->hung_up)
			return true;
	}
	return true;
}

/* A write failed.  If the peer has gone, what it said last lies in the socket still, and may tell
 * why. */
static void on_later(void *ctx)
{
	struct hull_conn *c = ctx;

	if ((c->errnum == EPIPE || c->errnum == ECONNRESET) && !c->ops->eof) {
		c->failed = false;
		c->hung_up = true;
		if (!read_some(c))
			return;
		c->failed = true;
	}
	c->ops->closed(c->ctx, c->errnum);
}

static void on_event(void *ctx, uint32_t events)
{
	struct hull_conn *c = ctx;

	if (events & EPOLLOUT) {
		bool had = hull_conn_queued(c);

		flush(c);
		if (c->failed)
			return;
		if (had && !hull_conn_queued(c) && c->ops->drained) {
			bool freed = false;

			c->freed = &freed;
			c->ops->drained(c->ctx);
			if (freed)
				return;
			c->freed = NULL;
			if (c->failed)
				return;
		}
	}
	if (events & EPOLLIN && !read_some(c))
		return;
	if (events & (EPOLLHUP | EPOLLERR) && !(events & EPOLLIN)) {
		int errnum = 0;
		socklen_t len = sizeof(errnum);

		/* HUP can't be masked, so reading it all out is the only way to rest; a socket
		 * holds only so much. */
		c->hung_up = true;
		if (!(events & EPOLLERR) && !read_some(c))
			return;
		(void)getsockopt(c->fd, SOL_SOCKET, SO_ERROR, &errnum, &len);
		fail_now(c, errnum);
	}
}

int hull_conn_new(struct hull_loop *loop, int fd, size_t queue_max, const struct hull_conn_ops *ops,
		  void *ctx, struct hull_conn **ret_conn)
{
	struct hull_conn *c = calloc(1, sizeof(*c));
	int r = c ? hull_set_nonblock(fd, true) : -ENOMEM;

	if (r < 0) {
		free(c);
		hull_closep(&fd);
		return r;
	}
	c->loop = loop;
	c->fd = fd;
	c->ops = ops;
	c->ctx = ctx;
	c->out.max = queue_max ? queue_max : (size_t)16 << 20;
	r = hull_loop_add_timer(loop, on_later, c, &c->later);
	if (r == 0)
		r = hull_loop_add_fd(loop, fd, EPOLLIN, on_event, c, &c->source);
	if (r < 0) {
		hull_conn_free(c);
		return r;
	}
	*ret_conn = c;
	return 0;
}

void hull_conn_free(struct hull_conn *c)
{
	if (!c)
		return;
	if (c->freed)
		*c->freed = true;
	hull_source_remove(&c->source);
	hull_source_remove(&c->later);
	hull_closep(&c->fd);
	hull_strbuf_fini(&c->out);
	free(c);
}

/* A queue of bytes behind which others can be put: without lent ones. */
static int take_over_lent(struct hull_conn *c)
{
	int r = c->lent_len ? hull_strbuf_add(&c->out, c->lent, c->lent_len) : 0;

	if (r < 0)
		fail_later(c, -r);
	c->lent_len = 0;
	return r;
}

int hull_conn_lend(struct hull_conn *c, const void *data, size_t len)
{
	if (c->failed || c->shutdown_wanted)
		return -EPIPE;
	if (take_over_lent(c) < 0)
		return -c->errnum;
	c->lent = data;
	c->lent_len = len;
	flush(c);
	return c->failed ? -c->errnum : 0;
}

int hull_conn_write(struct hull_conn *c, const void *data, size_t len)
{
	size_t n;
	int r;

	if (c->failed || c->shutdown_wanted)
		return -EPIPE;
	/* What the kernel takes at once need not be copied. */
	n = hull_conn_queued(c) ? 0 : send_some(c, data, len);
	if (c->failed)
		return -c->errnum;
	if (n == len)
		return 0;
	if (take_over_lent(c) < 0)
		return -c->errnum;
	r = hull_strbuf_add(&c->out, (const char *)data + n, len - n);
	if (r < 0) {
		fail_later(c, -r);
		return r;
	}
	update_events(c);
	return 0;
}

size_t hull_conn_queued(const struct hull_conn *c)
{
	return c->out.len - c->head + c->lent_len;
}

void hull_conn_pause(struct hull_conn *c, bool paused)
{
	if (c->paused == paused)
		return;
	c->paused = paused;
	update_events(c);
}

void hull_conn_shutdown(struct hull_conn *c)
{
	if (c->failed)
		return;
	c->shutdown_wanted = true;
	if (!hull_conn_queued(c))
		flush(c);
}

int hull_conn_fd(const struct hull_conn *c)
{
	return c->fd;
}
