/* SPDX-License-Identifier: Apache-2.0
 *
 * Pumping between programs and streams.
 *
 * What is read goes into the ring first and from there into the stream: one copy, and what is
 * replayed later needs no second one.  The descriptor is watched only while the ring has room that
 * holds nothing unsent.
 */
#define _GNU_SOURCE
#include "agent/pump.h"

#include "agent/channel.h"
#include "base/cleanup.h"
#include "base/loop.h"

#include <errno.h>
#include <fcntl.h>
#include <termios.h>
#include <unistd.h>

/* Read from one program per round of the loop. */
#define TURN_LEN ((size_t)128 << 10)

/* A stream's window: what the host may send fits, and a program can write on while we send.  But
 * most programs say little, and for those it isn't worth its time. */
#define PIPE_LEN (256 << 10)
#define PIPE_LEN_FULL ((ssize_t)32 << 10) /* of the kernel's 64 KiB: it says more than a little */

static void widen(int fd, bool *done)
{
	if (!*done)
		(void)fcntl(fd, F_SETPIPE_SZ, PIPE_LEN); /* a terminal can't be */
	*done = true;
}

/* ---- output ---- */

void hull_output_init(struct hull_output *o, struct hull_loop *loop)
{
	o->loop = loop;
	o->fd = -1;
}

static void close_output(struct hull_output *o)
{
	hull_source_remove(&o->source);
	hull_closep(&o->fd);
	o->ended = true;
}

/* Sends what the stream has not had. */
static void push(struct hull_output *o)
{
	while (o->stream) {
		size_t len, n;
		const char *p = hull_ring_peek(&o->ring, o->sent, &len);

		if (!len)
			break;
		n = hull_stream_write(o->stream, p, len);
		o->sent += n;
		if (n < len)
			return;
	}
	if (o->stream && o->ended) {
		struct hull_channel *stream = steal_ptr(&o->stream);

		hull_stream_release(stream);
	}
}

/* Room for new bytes: none that the attached stream still needs may go. */
static char *room(struct hull_output *o, size_t *ret_len)
{
	return hull_ring_reserve(&o->ring, o->stream ? o->sent : o->ring.total, ret_len);
}

/* One read into the ring: > 0, 0 at the end, or -EAGAIN. */
static ssize_t pull(struct hull_output *o)
{
	size_t len;
	char *p = room(o, &len);
	ssize_t n;

	if (!p)
		return -EAGAIN;
	n = read(o->fd, p, len);
	if (n > 0)
		hull_ring_commit(&o->ring, (size_t)n);
	if (n >= PIPE_LEN_FULL)
		widen(o->fd, &o->widened);
	/* A terminal whose last user is gone says EIO. */
	return n >= 0 ? n : errno == EAGAIN || errno == EINTR ? -EAGAIN : 0;
}

static void pump(struct hull_output *o)
{
	size_t done = 0, len;
	bool want;

	push(o);
	/* Without a source nobody writes any more: what the pipe still holds is bounded. */
	while (o->fd >= 0 && (done < TURN_LEN || !o->source)) {
		ssize_t n = pull(o);

		if (n == -EAGAIN)
			break;
		if (n == 0)
			close_output(o);
		done += (size_t)n;
		push(o);
	}
	want = o->source && room(o, &len);
	if (o->source && want != o->watching &&
	    hull_source_set_events(o->source, want ? EPOLLIN : 0) == 0)
		o->watching = want;
}

static void on_output(void *ctx, uint32_t events)
{
	struct hull_output *o = ctx;

	if (o->watching)
		pump(o);
	else if (events & (EPOLLHUP | EPOLLERR)) /* reported whatever was asked for */
		hull_source_remove(&o->source);
	/* Else from the same round as what stopped the watching: there is no room for it. */
}

int hull_output_start(struct hull_output *o, int fd)
{
	size_t len;
	int r;

	o->fd = fd;
	if (!room(o, &len))
		return -ENOMEM;
	r = hull_loop_add_fd(o->loop, fd, EPOLLIN, on_output, o, &o->source);
	o->watching = r == 0;
	return r;
}

static size_t on_output_data(void *ctx, const void *data, size_t len)
{
	return len; /* nothing is expected that way */
}

static void on_output_eof(void *ctx)
{
}

static void on_output_writable(void *ctx)
{
	pump(ctx);
}

static void on_output_gone(void *ctx)
{
	struct hull_output *o = ctx;

	o->stream = NULL;
	pump(o);
}

static const struct hull_stream_ops output_ops = {
	.data = on_output_data,
	.eof = on_output_eof,
	.writable = on_output_writable,
	.gone = on_output_gone,
};

void hull_output_attach(struct hull_output *o, struct hull_channels *cs, const char *id,
			bool replay)
{
	hull_stream_abort(steal_ptr(&o->stream));
	o->stream = hull_stream_claim(cs, id, &output_ops, o);
	o->sent = replay ? hull_ring_first(&o->ring) : o->ring.total;
	if (o->stream)
		hull_stream_resume(o->stream);
	pump(o);
}

void hull_output_end(struct hull_output *o)
{
	if (o->ended)
		return;
	close_output(o);
	push(o);
}

void hull_output_fini(struct hull_output *o)
{
	close_output(o);
	hull_stream_release(steal_ptr(&o->stream));
	hull_ring_fini(&o->ring);
}

/* ---- input ---- */

void hull_input_init(struct hull_input *in, struct hull_loop *loop)
{
	in->loop = loop;
	in->fd = -1;
}

void hull_input_end(struct hull_input *in)
{
	in->closed = true;
	hull_source_remove(&in->source);
	hull_closep(&in->fd);
	hull_stream_release(steal_ptr(&in->stream));
}

/* What ^D does: at a line's start one ends the input, after a beginning of a line the first only
 * hands that over. */
static void type_eof(struct hull_input *in)
{
	char eof[2];
	struct termios t;

	if (tcgetattr(in->fd, &t) < 0)
		return;
	eof[0] = eof[1] = (char)t.c_cc[VEOF];
	(void)!write(in->fd, eof, in->last && in->last != '\n' ? 2 : 1);
	in->last = '\0';
}

static void close_if_due(struct hull_input *in)
{
	if (!in->started || in->closed || !in->closing ||
	    (in->stream && hull_stream_pending(in->stream)))
		return;
	in->closing = false;
	if (!in->terminal) {
		hull_input_end(in);
		return;
	}
	/* A terminal goes on: somebody may attach and type. */
	type_eof(in);
	hull_stream_release(steal_ptr(&in->stream));
}

static void wait_for_room(struct hull_input *in, bool wait)
{
	if (wait != in->waiting && hull_source_set_events(in->source, wait ? EPOLLOUT : 0) == 0)
		in->waiting = wait;
}

static size_t on_input_data(void *ctx, const void *data, size_t len)
{
	struct hull_input *in = ctx;
	const char *p = data;
	size_t done = 0;
	ssize_t n;

	if (in->closed)
		return len;
	if (in->fd < 0)
		return 0;
	while (done < len) {
		n = write(in->fd, p + done, len - done);
		if (n < 0 && errno == EAGAIN) {
			widen(in->fd, &in->widened);
			break;
		}
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0) {
			hull_input_end(in);
			return len;
		}
		done += (size_t)n;
	}
	if (done)
		in->last = p[done - 1];
	wait_for_room(in, done < len);
	return done;
}

static void on_input_eof(void *ctx)
{
	struct hull_input *in = ctx;

	in->closing = true;
	close_if_due(in);
}

static void on_input_writable(void *ctx)
{
}

static void on_input_gone(void *ctx)
{
	struct hull_input *in = ctx;

	in->stream = NULL;
	close_if_due(in);
}

static const struct hull_stream_ops input_ops = {
	.data = on_input_data,
	.eof = on_input_eof,
	.writable = on_input_writable,
	.gone = on_input_gone,
};

static void resume(struct hull_input *in)
{
	if (in->stream)
		hull_stream_resume(in->stream);
	close_if_due(in);
}

static void on_input(void *ctx, uint32_t events)
{
	struct hull_input *in = ctx;

	if (events & (EPOLLERR | EPOLLHUP)) {
		hull_input_end(in);
		return;
	}
	wait_for_room(in, false);
	resume(in);
}

int hull_input_start(struct hull_input *in, int fd, bool terminal)
{
	int r;

	in->fd = fd;
	in->terminal = terminal;
	r = hull_loop_add_fd(in->loop, fd, 0, on_input, in, &in->source);
	if (r < 0)
		return r;
	in->started = true;
	resume(in);
	return 0;
}

void hull_input_attach(struct hull_input *in, struct hull_channels *cs, const char *id)
{
	hull_stream_abort(steal_ptr(&in->stream));
	in->stream = hull_stream_claim(cs, id, &input_ops, in);
	if (in->closed)
		hull_stream_release(steal_ptr(&in->stream));
	else if (in->started)
		resume(in);
}

void hull_input_close(struct hull_input *in)
{
	in->closing = true;
	close_if_due(in);
}

void hull_input_fini(struct hull_input *in)
{
	hull_input_end(in);
}
