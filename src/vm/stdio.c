/* SPDX-License-Identifier: Apache-2.0
 *
 * One guest stream and one descriptor of the caller's, see stdio.h.
 *
 * The caller's descriptor may be shared with other programs, so it must not be made non-blocking.
 * Pipes and terminals are opened again through /proc, which makes a description of our own;
 * sockets have MSG_DONTWAIT; regular files never block for long.  Where opening again fails, a
 * poll for room and a write of at most PIPE_BUF has to do.
 */
#define _GNU_SOURCE
#include "vm/stdio.h"

#include "base/cleanup.h"
#include "base/conn.h"
#include "base/os.h"
#include "base/strbuf.h"
#include "monitor/link.h"
#include "proto/hvsock.h"

#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#define CHUNK ((size_t)64 << 10)
/* A VM that has ended does not wait for a slow reader of its console. */
#define RAW_KEEP ((size_t)1 << 20)
#define QUEUE_HIGH ((size_t)256 << 10)

enum fd_kind { KIND_FILE, KIND_OWN, KIND_SOCKET, KIND_SHARED };

struct hull_stdio {
	struct hull_loop *loop;
	const struct hull_stdio_ops *ops;
	void *ctx;
	struct hull_conn *conn; /* to the guest */
	struct hull_source *source;
	struct hull_source *later; /* done(), from the loop */
	char id[HULL_STREAM_ID_MAX + 1];
	struct hull_strbuf head; /* handshake bytes seen so far */
	bool connected, ready, begun, guest_over, finished;
	bool input;
	bool looks_for_escape, escape_begun; /* its first key was the last that was typed */
	int fd;				     /* the caller's, or our own description of it */
	bool owned;			     /* fd is ours to close */
	enum fd_kind kind;
	struct hull_strbuf out; /* output: what the descriptor did not take yet */
	size_t keep;		/* output: how much of it before the guest feels it */
	struct hull_error *err;
};

static void finish(struct hull_stdio *s)
{
	if (s->finished)
		return;
	s->finished = true;
	hull_source_remove(&s->source);
	if (s->conn)
		hull_conn_pause(s->conn, true);
	hull_source_arm(s->later, 1);
}

static void fail(struct hull_stdio *s, int errnum, const char *what)
{
	/* EPIPE and ECONNRESET would else read as "the VM went away". */
	if (!s->finished && errnum == EPIPE)
		hull_fail_cause(&s->err, HULL_E_OS, "reader-gone", "%s: %s", what,
				hull_strerror(errnum));
	else if (!s->finished)
		hull_fail_errno(&s->err, errnum, "%s", what);
	finish(s);
}

static void on_later(void *ctx)
{
	struct hull_stdio *s = ctx;

	s->ops->done(s->ctx, s, s->err);
}

/* ---- output: guest -> descriptor ---- */

static ssize_t put(struct hull_stdio *s, const char *data, size_t len)
{
	struct pollfd pfd = {.fd = s->fd, .events = POLLOUT};

	switch (s->kind) {
	case KIND_SOCKET:
		return send(s->fd, data, len, MSG_DONTWAIT | MSG_NOSIGNAL);
	case KIND_SHARED:
		if (poll(&pfd, 1, 0) <= 0) {
			errno = EAGAIN;
			return -1;
		}
		return write(s->fd, data, MIN(len, (size_t)PIPE_BUF));
	default:
		return write(s->fd, data, len);
	}
}

/* Returns how much was taken; the stream is finished on an error. */
static size_t put_some(struct hull_stdio *s, const char *data, size_t len)
{
	size_t done = 0;

	while (done < len) {
		ssize_t n = put(s, data + done, len - done);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0) {
			if (errno != EAGAIN)
				fail(s, errno, "write the command's output");
			break;
		}
		done += (size_t)n;
	}
	return done;
}

static void output_settle(struct hull_stdio *s)
{
	if (s->finished)
		return;
	if (s->out.len == 0 && s->guest_over) {
		finish(s);
		return;
	}
	if (s->source)
		(void)hull_source_set_events(s->source, s->out.len ? EPOLLOUT : 0);
	hull_conn_pause(s->conn, s->out.len > s->keep);
}

static void on_output_fd(void *ctx, uint32_t events)
{
	struct hull_stdio *s = ctx;
	size_t n = put_some(s, s->out.data, s->out.len);

	/* A reader that went away is told even while there is nothing to write to it. */
	if (!s->out.len && events & (EPOLLERR | EPOLLHUP))
		fail(s, EPIPE, "write the command's output");
	hull_strbuf_drop(&s->out, n);
	output_settle(s);
}

static void output_data(struct hull_stdio *s, const char *data, size_t len)
{
	size_t n = s->out.len ? 0 : put_some(s, data, len);

	if (!s->finished && n < len && hull_strbuf_add(&s->out, data + n, len - n) < 0)
		fail(s, ENOMEM, "keep the command's output");
	output_settle(s);
}

/* ---- input: descriptor -> guest ---- */

/* How much of what was typed comes before the end of the escape: @len if that is not there. */
static size_t before_escape(struct hull_stdio *s, const char *data, size_t len)
{
	for (size_t i = 0; i < len && s->looks_for_escape; i++) {
		if (s->escape_begun && data[i] == HULL_STDIO_ESCAPE[1])
			return i;
		s->escape_begun = data[i] == HULL_STDIO_ESCAPE[0];
	}
	return len;
}

/* False: that was all. */
static bool pass_on(struct hull_stdio *s, const char *data, size_t len)
{
	size_t n = s->ops->typed ? s->ops->typed(s->ctx, s, data, len) : len;

	if (n == len)
		return hull_conn_write(s->conn, data, len) == 0;
	(void)hull_conn_write(s->conn, data, n);
	hull_conn_shutdown(s->conn);
	hull_source_remove(&s->source);
	s->begun = false;
	return false;
}

static void input_read(struct hull_stdio *s)
{
	char buf[CHUNK];

	while (!s->finished && hull_conn_queued(s->conn) < QUEUE_HIGH) {
		ssize_t n = read(s->fd, buf, sizeof(buf));
		size_t use = n > 0 ? before_escape(s, buf, (size_t)n) : 0;

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0 && errno == EAGAIN)
			return;
		if (n < 0)
			hull_fail_errno(&s->err, errno, "read standard input");
		if (n <= 0) {
			hull_conn_shutdown(s->conn);
			hull_source_remove(&s->source);
			s->begun = false;
			return;
		}
		if (!pass_on(s, buf, use))
			return;
		if (use < (size_t)n) {
			hull_source_remove(&s->source);
			s->begun = false;
			s->ops->escape(s->ctx, s);
			return;
		}
		if (s->kind != KIND_FILE)
			break; /* the loop tells when there is more */
	}
	/* Not just "no events": a hang-up can't be masked and would spin. */
	if (hull_conn_queued(s->conn) >= QUEUE_HIGH)
		hull_source_remove(&s->source);
}

static void on_input_fd(void *ctx, uint32_t events)
{
	input_read(ctx);
}

static void input_watch(struct hull_stdio *s)
{
	int r = -EPERM;

	if (s->source || s->finished || !s->begun)
		return;
	if (s->kind != KIND_FILE)
		r = hull_loop_add_fd(s->loop, s->fd, EPOLLIN, on_input_fd, s, &s->source);
	if (r == -EPERM) { /* a file, or a device such as /dev/null: always ready */
		s->kind = KIND_FILE;
		input_read(s);
	} else if (r < 0) {
		fail(s, -r, "watch standard input");
	}
}

static void on_drained(void *ctx)
{
	struct hull_stdio *s = ctx;

	if (s->input)
		input_watch(s);
}

void hull_stdio_begin(struct hull_stdio *s)
{
	if (!s->input || s->begun || s->finished)
		return;
	s->begun = true;
	input_watch(s);
}

void hull_stdio_set_escape(struct hull_stdio *s)
{
	s->looks_for_escape = true;
}

int hull_stdio_hand_out(struct hull_stdio *s)
{
	int fd = fcntl(hull_conn_fd(s->conn), F_DUPFD_CLOEXEC, 0), r;

	if (fd < 0)
		return -errno;
	finish(s);
	r = hull_set_nonblock(fd, false);
	if (r < 0)
		hull_closep(&fd);
	return r < 0 ? r : fd;
}

/* ---- the guest's side ---- */

/* Eats handshake bytes; false when more are needed or the stream has failed. */
static bool handshake(struct hull_stdio *s, const char **data, size_t *len)
{
	char text[HULL_STREAM_ERROR_MAX + 1];
	uint32_t number;
	ssize_t r;

	if (hull_strbuf_add(&s->head, *data, *len) < 0) {
		fail(s, ENOMEM, "open stream");
		return false;
	}
	if (!s->connected) {
		r = hull_hvsock_parse_ok(s->head.data, s->head.len, &number);
		if (r > 0) {
			s->connected = true;
			hull_strbuf_drop(&s->head, (size_t)r);
		}
		if (r < 0)
			fail(s, EBADMSG, "open stream: the agent's answer");
	}
	if (!s->connected)
		return false;
	r = hull_stream_parse_ack(s->head.data, s->head.len, s->id, text);
	if (r == 0)
		return false;
	if (r < 0 || *text) {
		hull_fail(&s->err, HULL_E_AGENT, "open stream '%s': %s", s->id,
			  r < 0 ? "malformed answer" : text);
		finish(s);
		return false;
	}
	s->ready = true;
	/* What follows is the stream's: it lies at the end of what was just given. */
	*data += *len - (s->head.len - (size_t)r);
	*len = s->head.len - (size_t)r;
	s->ops->ready(s->ctx, s);
	return !s->finished && *len > 0;
}

static void on_data(void *ctx, const char *data, size_t len)
{
	struct hull_stdio *s = ctx;

	if (s->finished || (!s->ready && !handshake(s, &data, &len)))
		return;
	if (!s->input)
		output_data(s, data, len);
}

/* A stream that ends in order is closed one way only.  One that is cut is closed both ways at once,
 * because somebody else has taken its place, or the VM went away. */
static bool is_cut(const struct hull_stdio *s)
{
	struct pollfd pfd = {.fd = hull_conn_fd(s->conn)};

	return *s->id && poll(&pfd, 1, 0) > 0 && pfd.revents & POLLHUP;
}

static void on_eof(void *ctx)
{
	struct hull_stdio *s = ctx;

	s->guest_over = true;
	if (!s->ready) {
		fail(s, ECONNRESET, "open stream");
	} else if (s->input) {
		finish(s);
	} else if (is_cut(s)) {
		if (!s->finished)
			hull_fail_cause(&s->err, HULL_E_UNAVAILABLE, "cut-off",
					"the command's output was cut off: somebody else has "
					"attached to its session, or the VM went away");
		finish(s);
	} else {
		output_settle(s);
	}
}

static void on_closed(void *ctx, int errnum)
{
	struct hull_stdio *s = ctx;

	if (s->finished)
		return;
	if (!s->ready)
		fail(s, errnum ? errnum : ECONNRESET, "open stream");
	else if (s->input || s->guest_over)
		finish(s);
	else
		fail(s, errnum ? errnum : ECONNRESET, "read the command's output");
}

static const struct hull_conn_ops conn_ops = {
	.data = on_data,
	.eof = on_eof,
	.closed = on_closed,
	.drained = on_drained,
};

static void adopt_fd(struct hull_stdio *s, int fd)
{
	char path[32];
	struct stat st;
	int own;

	s->fd = fd;
	s->kind = KIND_FILE;
	if (fstat(fd, &st) < 0 || S_ISREG(st.st_mode) || S_ISBLK(st.st_mode))
		return;
	s->kind = S_ISSOCK(st.st_mode) ? KIND_SOCKET : KIND_SHARED;
	if (s->kind == KIND_SOCKET)
		return;
	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	own = open(path, (s->input ? O_RDONLY : O_WRONLY) | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
	if (own < 0)
		return;
	s->fd = own;
	s->owned = true;
	s->kind = KIND_OWN;
}

static int watch_output(struct hull_stdio *s)
{
	int r = -EPERM;

	if (s->kind != KIND_FILE)
		r = hull_loop_add_fd(s->loop, s->fd, 0, on_output_fd, s, &s->source);
	return r == -EPERM ? 0 : r; /* what can't be watched never blocks */
}

static int greet(struct hull_stdio *s)
{
	char buf[HULL_HVSOCK_LINE_MAX + 4 + HULL_STREAM_ID_MAX];
	size_t len = hull_hvsock_format_connect(buf, HULL_PORT_STREAM);

	len += hull_stream_format(buf + len, s->id);
	return hull_conn_write(s->conn, buf, len);
}

/* @id NULL: raw bytes from the start. */
static int open_stdio(struct hull_loop *loop, const char *name, const char *path, const char *id,
		      int fd, bool input, const struct hull_stdio_ops *ops, void *ctx,
		      struct hull_stdio **ret, struct hull_error **err)
{
	struct hull_stdio *s = calloc(1, sizeof(*s));
	int sock, r;

	if (!s)
		return hull_fail_nomem(err);
	s->loop = loop;
	s->ops = ops;
	s->ctx = ctx;
	s->input = input;
	s->ready = !id;
	s->keep = id ? 0 : RAW_KEEP;
	s->fd = -1;
	s->head.max = 8192 + CHUNK;
	sock = name ? hull_unix_connect_as(name, path) : hull_unix_connect_now(path);
	r = sock < 0 ? sock : hull_conn_new(loop, sock, 0, &conn_ops, s, &s->conn);
	if (r == 0)
		r = hull_loop_add_timer(loop, on_later, s, &s->later);
	if (r == 0) {
		adopt_fd(s, fd);
		r = input ? 0 : watch_output(s);
	}
	if (r == 0 && id) {
		memcpy(s->id, id, strlen(id) + 1);
		r = greet(s);
	}
	if (r < 0) {
		hull_stdio_free(s);
		return hull_fail_errno(err, -r, "open stream '%s' at '%s'", id ? id : "", path);
	}
	*ret = s;
	return 0;
}

int hull_stdio_new(struct hull_loop *loop, const char *vsock_path, const char *id, int fd,
		   bool input, const struct hull_stdio_ops *ops, void *ctx, struct hull_stdio **ret,
		   struct hull_error **err)
{
	if (strlen(id) > HULL_STREAM_ID_MAX)
		return hull_fail(err, HULL_E_INVALID, "stream id '%s' is too long", id);
	return open_stdio(loop, NULL, vsock_path, id, fd, input, ops, ctx, ret, err);
}

int hull_stdio_new_raw(struct hull_loop *loop, const char *name, const char *path, int fd,
		       bool input, const struct hull_stdio_ops *ops, void *ctx,
		       struct hull_stdio **ret, struct hull_error **err)
{
	if (open_stdio(loop, name, path, NULL, fd, input, ops, ctx, ret, err) < 0)
		return -1;
	if (!input)
		hull_conn_shutdown((*ret)->conn);
	return 0;
}

void hull_stdio_free(struct hull_stdio *s)
{
	if (!s)
		return;
	hull_source_remove(&s->source);
	hull_source_remove(&s->later);
	hull_conn_free(s->conn);
	if (s->owned)
		hull_closep(&s->fd);
	hull_strbuf_fini(&s->head);
	hull_strbuf_fini(&s->out);
	hull_error_free(s->err);
	free(s);
}
