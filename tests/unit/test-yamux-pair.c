/* SPDX-License-Identifier: Apache-2.0
 *
 * Two yamux machines back to back, bare and inside a link, driven by seeded random schedules:
 * opens, writes, half-closes, resets, slow readers, and a transport that moves any number of bytes.
 * What must hold: content and order, end after all data, window and budget, no lost wake-up (a
 * stream that was refused is not tried again before writable()), nothing left in the end.
 */
#include "unit.h"

#include "proto/fence.h"
#include "proto/yamux-internal.h"

#include "base/cleanup.h"
#include "proto/link.h"

#include <string.h>

#define STREAMS 24

/* One end of one stream. */
struct half {
	struct hull_yamux_stream *s; /* NULL: not yet, or done with */
	uint32_t id;
	size_t goal, sent, received, unused;
	bool shut, eof, reset, closed, blocked;
	bool stalled; /* its reader consumes nothing */
};

struct end {
	struct hull_yamux *y;
	struct hull_link *l;
	struct end *peer;
	struct half halves[STREAMS];
	size_t n;
	size_t budget;
	bool gentle; /* no resets */
};

static uint32_t seed;

static uint32_t rnd(uint32_t n)
{
	seed = seed * 1664525 + 1013904223;
	return (uint32_t)((uint64_t)(seed >> 4) * n >> 28);
}

/* What a stream carries from its @from end: noise, and a good deal of magic. */
static uint8_t content(uint32_t id, const struct end *from, size_t at)
{
	size_t i = at + id * 5 + (from < from->peer ? 3 : 0);

	if (i / 64 % 5 == id % 5)
		return hull_fence[i % 16];
	return (uint8_t)(i * 2654435761u >> 21);
}

static struct half *add(struct end *e, struct hull_yamux_stream *s)
{
	struct half *h = &e->halves[e->n++];
	static const size_t goals[] = {0, 1, 100, 5000, 70000, 300000, 600000};

	assert_true(e->n <= STREAMS);
	*h = (struct half){.s = s, .id = hull_yamux_id(s), .goal = goals[rnd(7)]};
	hull_yamux_set_user(s, h);
	return h;
}

static struct half *other(struct end *e, const struct half *h)
{
	for (size_t i = 0; i < e->peer->n; i++)
		if (e->peer->halves[i].id == h->id)
			return &e->peer->halves[i];
	return NULL;
}

static void check_refused(struct end *e, struct half *h)
{
	/* Only window and budget may refuse. */
	if (!h->s->tx_window)
		return;
	assert_true(e->y->queued + PAYLOAD_MIN + HEADER_LEN > e->budget || e->y->line);
}

static void write_some(struct end *e, struct half *h)
{
	static uint8_t buf[1 << 20];
	const size_t most = (size_t)1 << rnd(21);
	size_t want = MIN(h->goal - h->sent, most), room;
	ssize_t n;

	if (rnd(2)) {
		uint8_t *p = hull_yamux_reserve(h->s, &room);

		h->blocked = !p;
		if (!p) {
			check_refused(e, h);
			return;
		}
		want = MIN(want, room);
		for (size_t i = 0; i < want; i++)
			p[i] = content(h->id, e, h->sent + i);
		hull_yamux_commit(h->s, want);
		h->sent += want;
		return;
	}
	for (size_t i = 0; i < want; i++)
		buf[i] = content(h->id, e, h->sent + i);
	n = hull_yamux_write(h->s, buf, want);
	assert_in_range(n, 0, want);
	h->sent += (size_t)n;
	h->blocked = (size_t)n < want;
	if (h->blocked)
		check_refused(e, h);
}

static bool on_accept(void *ctx, struct hull_yamux_stream *s)
{
	struct end *e = ctx;

	if (e->n == STREAMS)
		return false;
	add(e, s);
	return true;
}

static void on_data(void *ctx, struct hull_yamux_stream *s, const void *data, size_t len)
{
	struct end *e = ctx;
	struct half *h = hull_yamux_user(s);
	const uint8_t *p = data;

	assert_false(h->eof || h->reset || h->closed);
	for (size_t i = 0; i < len; i++)
		if (p[i] != content(h->id, e->peer, h->received + i))
			fail_msg("stream %u differs at %zu", h->id, h->received + i);
	h->received += len;
	h->unused += len;
	assert_true(h->unused <= HULL_YAMUX_WINDOW_MAX);
	if (!h->stalled && rnd(3) == 0) {
		hull_yamux_consume(s, h->unused);
		h->unused = 0;
	}
}

static void on_eof(void *ctx, struct hull_yamux_stream *s)
{
	struct half *h = hull_yamux_user(s), *o = other(ctx, h);

	assert_false(h->eof);
	h->eof = true;
	assert_true(o->shut);
	assert_int_equal(h->received, o->sent);
}

static void on_reset(void *ctx, struct hull_yamux_stream *s)
{
	struct half *h = hull_yamux_user(s), *o = other(ctx, h);

	assert_false(h->closed);
	assert_true(!o || o->closed);
	h->reset = true;
	h->s = NULL;
}

static void on_writable(void *ctx, struct hull_yamux_stream *s)
{
	struct half *h = hull_yamux_user(s);

	assert_true(h->blocked);
	h->blocked = false;
	if (h->goal > h->sent && rnd(4))
		write_some(ctx, h);
}

static const struct hull_link_ops ops = {
	.yamux = {.accept = on_accept,
		  .data = on_data,
		  .eof = on_eof,
		  .reset = on_reset,
		  .writable = on_writable},
};

static void close_half(struct half *h)
{
	hull_yamux_close(steal_ptr(&h->s));
	h->closed = true;
}

/* Moves up to @max bytes to the peer; returns how many. */
static size_t move(struct end *e, size_t max)
{
	size_t len;
	const void *p = e->l ? hull_link_output(e->l, &len) : hull_yamux_output(e->y, &len);
	int r;

	len = MIN(len, max);
	if (!len)
		return 0;
	r = e->l ? hull_link_feed(e->peer->l, p, len, NULL)
		 : hull_yamux_feed(e->peer->y, p, len, NULL);
	assert_int_equal(r, 0);
	if (e->l)
		hull_link_sent(e->l, len);
	else
		hull_yamux_sent(e->y, len);
	return len;
}

static void use(struct end *e, struct half *h)
{
	switch (rnd(8)) {
	case 0:
	case 1:
		if (!h->blocked && h->sent < h->goal)
			write_some(e, h);
		break;
	case 2:
		if (h->sent == h->goal && !h->shut) {
			hull_yamux_shutdown(h->s);
			h->shut = true;
		}
		break;
	case 3:
	case 4:
		if (!h->stalled && h->unused) {
			size_t n = 1 + rnd((uint32_t)h->unused);

			hull_yamux_consume(h->s, n);
			h->unused -= n;
		}
		break;
	case 5:
		if (h->eof && h->shut)
			close_half(h);
		break;
	case 6:
		if (!e->gentle && rnd(40) == 0)
			close_half(h);
		break;
	}
}

static void step(struct end *e, bool open)
{
	struct hull_yamux_stream *s;

	if (rnd(3) == 0)
		move(e, (size_t)1 << rnd(18));
	if (open && e->n < STREAMS / 2 && e->peer->n < STREAMS / 2 && rnd(20) == 0) {
		assert_int_equal(hull_yamux_open(e->y, &s, NULL), 0);
		add(e, s);
	}
	if (e->n) {
		struct half *h = &e->halves[rnd((uint32_t)e->n)];

		if (h->s)
			use(e, h);
	}
	/* Headers of frames cut at a magic, and frames without data, come on top. */
	assert_true(e->y->queued <= e->budget + 40000);
}

static bool finished(const struct end *e)
{
	for (size_t i = 0; i < e->n; i++)
		if (e->halves[i].s)
			return false;
	return true;
}

static void make_pair(struct end *ends, bool link, size_t budget)
{
	static const uint8_t epoch[HULL_LINK_EPOCH_LEN] = {7};

	for (int i = 0; i < 2; i++) {
		ends[i] = (struct end){.peer = &ends[!i], .budget = budget};
		if (!link)
			assert_int_equal(
				hull_yamux_new(!i, budget, &ops.yamux, &ends[i], &ends[i].y, NULL),
				0);
	}
	if (!link)
		return;
	assert_int_equal(hull_link_host_new(epoch, budget, &ops, &ends[0], &ends[0].l, NULL), 0);
	assert_int_equal(hull_link_guest_new(budget, &ops, &ends[1], &ends[1].l, NULL), 0);
	while (move(&ends[0], 7) || move(&ends[1], 7))
		;
	for (int i = 0; i < 2; i++) {
		ends[i].y = hull_link_yamux(ends[i].l);
		assert_non_null(ends[i].y);
	}
}

static void free_pair(struct end *ends)
{
	for (int i = 0; i < 2; i++) {
		assert_int_equal(hull_yamux_streams(ends[i].y), 0);
		if (ends[i].l)
			hull_link_free(ends[i].l);
		else
			hull_yamux_free(ends[i].y);
	}
}

static void run(uint32_t s, bool link, bool gentle)
{
	struct end ends[2];
	int steps;

	seed = s;
	make_pair(ends, link, (size_t)4096 << rnd(8));
	ends[0].gentle = ends[1].gentle = gentle;
	for (int i = 0; i < 4000; i++)
		step(&ends[rnd(2)], true);
	for (steps = 0; !finished(&ends[0]) || !finished(&ends[1]); steps++) {
		step(&ends[rnd(2)], false);
		if (steps > 3000000)
			fail_msg("seed %u: a stream does not end", s);
	}
	while (move(&ends[0], SIZE_MAX) || move(&ends[1], SIZE_MAX))
		;
	for (size_t i = 0; gentle && i < ends[0].n; i++)
		assert_true(ends[0].halves[i].closed);
	free_pair(ends);
}

static void test_gentle(void **state)
{
	for (uint32_t s = 1; s <= 6; s++)
		run(s, s % 2, true);
}

static void test_resets(void **state)
{
	for (uint32_t s = 1; s <= 12; s++)
		run(s, s % 2, false);
}

/* One reader sleeps: its stream stops at the window, all others go on. */
static void test_slow_reader(void **state)
{
	struct end ends[2];
	struct hull_yamux_stream *s;
	struct half *slow;

	seed = 99;
	make_pair(ends, true, 65536);
	for (int i = 0; i < 6; i++) {
		assert_int_equal(hull_yamux_open(ends[0].y, &s, NULL), 0);
		add(&ends[0], s)->goal = 800000;
	}
	while (move(&ends[0], SIZE_MAX))
		;
	slow = &ends[1].halves[2];
	slow->stalled = true;
	ends[0].gentle = ends[1].gentle = true;
	for (int i = 0; i < 200000; i++)
		step(&ends[rnd(2)], false);
	for (int i = 0; i < 6; i++)
		assert_int_equal(ends[0].halves[i].closed, i != 2);
	assert_int_equal(slow->received, HULL_YAMUX_WINDOW);
	slow->stalled = false;
	for (int i = 0; i < 200000; i++)
		step(&ends[rnd(2)], false);
	assert_true(slow->closed);
	free_pair(ends);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_gentle),
		cmocka_unit_test(test_resets),
		cmocka_unit_test(test_slow_reader),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
