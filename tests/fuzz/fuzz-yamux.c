/* SPDX-License-Identifier: Apache-2.0
 *
 * yamux against arbitrary input, in two ways.  First byte odd: the rest is the peer's bytes, taken
 * whole and in small pieces, which must make no difference.  Even: a program of frames, raw bytes
 * and calls of the local side, some of them from inside callbacks, during which the machine must
 * keep its own rules.
 */
#include "../unit/mux.h"

#include "proto/fence.h"

/* ---- the same in pieces ---- */

static void in_pieces(bool client, const uint8_t *data, size_t len)
{
	struct side whole, cut;
	cleanup_strbuf struct hull_strbuf out = HULL_STRBUF_INIT, out_cut = HULL_STRBUF_INIT;
	uint32_t x = (uint32_t)len;
	int r, r_cut = 0;

	side_init(&whole, client, 0);
	side_init(&cut, client, 0);
	r = side_feed(&whole, data, len);
	while (len && !r_cut) {
		size_t n;

		x = x * 1664525 + 1013904223;
		n = MIN(len, x >> 28);
		r_cut = side_feed(&cut, data, n);
		data += n;
		len -= n;
	}
	assert(r == r_cut);
	assert(!strcmp(side_log(&whole), side_log(&cut)));
	side_output(&whole, &out, SIZE_MAX);
	side_output(&cut, &out_cut, SIZE_MAX);
	assert(out.len == out_cut.len && (!out.len || !memcmp(out.data, out_cut.data, out.len)));
	side_fini(&whole);
	side_fini(&cut);
}

/* ---- programs ---- */

#define FZ_STREAMS 300

struct fz_stream {
	struct hull_yamux_stream *s; /* NULL: free */
	size_t unused;		     /* received, not consumed */
	bool eof, shut;
};

struct fz {
	struct hull_yamux *y;
	struct fz_stream streams[FZ_STREAMS];
	size_t n_streams;
	uint8_t mode; /* what callbacks do */
	unsigned int events;
	bool fenced;
	struct hull_strbuf out; /* unparsed output, and before it the last bytes parsed */
	size_t parsed;
};

static struct fz_stream *fz_add(struct fz *f, struct hull_yamux_stream *s)
{
	for (size_t i = 0; i < FZ_STREAMS; i++)
		if (!f->streams[i].s) {
			f->streams[i] = (struct fz_stream){.s = s};
			hull_yamux_set_user(s, &f->streams[i]);
			f->n_streams++;
			return &f->streams[i];
		}
	abort();
}

static void fz_drop(struct fz *f, struct fz_stream *st)
{
	assert(st->s);
	st->s = NULL;
	f->n_streams--;
}

static void fz_close(struct fz *f, struct fz_stream *st)
{
	struct hull_yamux_stream *s = st->s;

	fz_drop(f, st);
	hull_yamux_close(s);
}

static void fz_consume(struct fz_stream *st, size_t n)
{
	n = MIN(n, st->unused);
	st->unused -= n;
	hull_yamux_consume(st->s, n);
}

static void fz_write(struct fz_stream *st, size_t n)
{
	static const uint8_t zeros[300 << 10];
	ssize_t done = hull_yamux_write(st->s, zeros, MIN(n, sizeof(zeros)));

	assert(st->shut ? done < 0 : done >= 0 && (size_t)done <= n);
}

/* What the mode says to do in this event; true if the stream is gone. */
static bool fz_act(struct fz *f, struct fz_stream *st)
{
	struct hull_yamux_stream *s;

	f->events++;
	switch ((f->mode * f->events) & 15) {
	case 1:
		fz_close(f, st);
		return true;
	case 2:
		fz_write(st, 40000);
		break;
	case 3:
		hull_yamux_shutdown(st->s);
		st->shut = true;
		break;
	case 4:
		if (f->n_streams < FZ_STREAMS && hull_yamux_open(f->y, &s, NULL) == 0)
			fz_add(f, s);
		break;
	case 5:
		if (f->streams[0].s && &f->streams[0] != st)
			fz_close(f, &f->streams[0]);
		break;
	case 6:
		if (f->mode & 0x40) {
			hull_yamux_free(steal_ptr(&f->y));
			return true;
		}
		break;
	case 7:
		hull_yamux_go_away(f->y);
		break;
	}
	return false;
}

static bool fz_accept(void *ctx, struct hull_yamux_stream *s)
{
	struct fz *f = ctx;

	if (f->mode & 0x80 && hull_yamux_id(s) % 3 == 0)
		return false;
	fz_act(f, fz_add(f, s));
	return true;
}

static void fz_data(void *ctx, struct hull_yamux_stream *s, const void *data, size_t len)
{
	struct fz *f = ctx;
	struct fz_stream *st = hull_yamux_user(s);

	assert(st->s == s && !st->eof && len);
	st->unused += len;
	assert(st->unused <= HULL_YAMUX_WINDOW_MAX);
	if (!fz_act(f, st) && f->mode & 1)
		fz_consume(st, len);
}

static void fz_eof(void *ctx, struct hull_yamux_stream *s)
{
	struct fz_stream *st = hull_yamux_user(s);

	assert(st->s == s && !st->eof);
	st->eof = true;
	fz_act(ctx, st);
}

static void fz_reset(void *ctx, struct hull_yamux_stream *s)
{
	struct fz_stream *st = hull_yamux_user(s);

	assert(st->s == s);
	fz_drop(ctx, st);
}

static void fz_writable(void *ctx, struct hull_yamux_stream *s)
{
	struct fz_stream *st = hull_yamux_user(s);

	assert(st->s == s && !st->shut);
	if (!fz_act(ctx, st) && !st->shut)
		fz_write(st, 100000);
}

static const struct hull_yamux_ops fz_ops = {
	.accept = fz_accept,
	.data = fz_data,
	.eof = fz_eof,
	.reset = fz_reset,
	.writable = fz_writable,
};

/* Output must be frames; fenced, no magic may be in it. */
static void fz_drain(struct fz *f, size_t max)
{
	while (max && f->y) {
		size_t len;
		const void *p = hull_yamux_output(f->y, &len);

		if (!len)
			break;
		len = MIN(len, max);
		hull_strbuf_add(&f->out, p, len);
		hull_yamux_sent(f->y, len);
		max -= len;
	}
	if (f->fenced)
		assert(hull_fence_find((uint8_t *)f->out.data, f->out.len) == f->out.len);
	while (f->out.len - f->parsed >= 12) {
		const uint8_t *h = (uint8_t *)f->out.data + f->parsed;
		size_t len = (size_t)h[8] << 24 | h[9] << 16 | h[10] << 8 | h[11];

		assert(!h[0] && h[1] <= AWAY && !h[2]);
		if (h[1] != DAT)
			len = 0;
		assert(len <= HULL_YAMUX_FRAME_MAX);
		if (f->out.len - f->parsed < 12 + len)
			break;
		f->parsed += 12 + len;
	}
	if (f->parsed > 15) {
		hull_strbuf_drop(&f->out, f->parsed - 15);
		f->parsed = 15;
	}
}

static uint8_t next(const uint8_t **p, const uint8_t *end)
{
	return *p < end ? *(*p)++ : 0;
}

static int fz_frame(struct fz *f, const uint8_t **p, const uint8_t *end)
{
	static const uint32_t lengths[] = {0, 1, 7, 300, 70000, 131072, 262144, UINT32_MAX};
	static const uint8_t pattern[4096] = {1};
	const uint8_t what = next(p, end), id = next(p, end), l = next(p, end);
	uint32_t len = lengths[l & 7];
	cleanup_strbuf struct hull_strbuf b = HULL_STRBUF_INIT;
	int r;

	frame(&b, what & 3, what >> 2 & 15, id & 31, len, NULL);
	r = hull_yamux_feed(f->y, b.data, b.len, NULL);
	while (r == 0 && f->y && !(what & 3) && len && len < UINT32_MAX) {
		size_t n = MIN(len, sizeof(pattern));

		r = hull_yamux_feed(f->y, pattern, n, NULL);
		len -= (uint32_t)n;
	}
	return r;
}

/* One step; -1 when the session is over. */
static int fz_step(struct fz *f, const uint8_t **p, const uint8_t *end)
{
	static const uint32_t sizes[] = {0, 1, 100, 1024, 5000, 32768, 100000, 300000};
	const uint8_t op = next(p, end), arg = next(p, end);
	struct fz_stream *st = &f->streams[arg >> 3];
	const size_t size = sizes[arg & 7];
	struct hull_yamux_stream *s;
	size_t n;

	if ((op & 15) < 5)
		return fz_frame(f, p, end);
	if ((op & 15) == 5) {
		n = MIN((size_t)arg, (size_t)(end - *p));
		*p += n;
		return hull_yamux_feed(f->y, *p - n, n, NULL);
	}
	if ((op & 15) == 6)
		fz_drain(f, size);
	if ((op & 15) == 7 && f->n_streams < FZ_STREAMS && hull_yamux_open(f->y, &s, NULL) == 0)
		fz_add(f, s);
	if (!st->s)
		return 0;
	switch (op & 15) {
	case 8:
		fz_write(st, size);
		break;
	case 9:
		if (hull_yamux_reserve(st->s, &n))
			hull_yamux_commit(st->s, MIN(n, size));
		break;
	case 10:
		hull_yamux_shutdown(st->s);
		st->shut = true;
		break;
	case 11:
		fz_close(f, st);
		break;
	case 12:
		fz_consume(st, size);
		break;
	}
	return 0;
}

static void program(uint8_t flags, const uint8_t *p, size_t len)
{
	const uint8_t *end = p + len;
	struct fz f = {.mode = next(&p, end), .fenced = flags & 4};
	size_t budget = flags & 8 ? HULL_YAMUX_BUDGET_MIN : 0, n;

	assert(hull_yamux_new(flags & 2, budget, &fz_ops, &f, &f.y, NULL) == 0);
	hull_yamux_set_fenced(f.y, f.fenced);
	while (p < end && f.y) {
		if (fz_step(&f, &p, end) < 0) {
			assert(!f.n_streams);
			break;
		}
		if (f.y) {
			assert(hull_yamux_streams(f.y) == f.n_streams);
			hull_yamux_output(f.y, &n);
			assert(n <= 64 << 10);
		}
	}
	fz_drain(&f, SIZE_MAX);
	hull_yamux_free(f.y);
	assert(!f.n_streams);
	hull_strbuf_fini(&f.out);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	if (!len)
		return 0;
	if (data[0] & 1)
		in_pieces(data[0] & 2, data + 1, len - 1);
	else
		program(data[0], data + 1, len - 1);
	return 0;
}
