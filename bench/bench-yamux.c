/* SPDX-License-Identifier: Apache-2.0
 *
 * How fast the yamux and link machines move bytes: two ends back to back in one process, the one's
 * output fed to the other in pieces as a transport would, nothing but the machines in between.
 * "In place" lines touch no payload, except for the link's search for hellos: what they show is the
 * cost of framing.
 *
 *   bench-yamux [MiB]
 */
#include "base/cleanup.h"
#include "base/error.h"
#include "base/os.h"
#include "proto/link.h"

#include <stdio.h>
#include <string.h>

#define STREAMS_MAX 16

struct end {
	struct hull_yamux *y;
	struct hull_link *l;
	struct hull_yamux_stream *out[STREAMS_MAX];
	size_t n_out;
	bool in_place; /* reserve and commit instead of write */
	uint64_t sent, received, goal;
};

static uint8_t payload[1 << 20];

static void fill(struct end *e, struct hull_yamux_stream *s)
{
	while (e->sent < e->goal) {
		size_t want = MIN(e->goal - e->sent, sizeof(payload));

		if (e->in_place) {
			size_t room;

			if (!hull_yamux_reserve(s, &room))
				return;
			want = MIN(want, room);
			hull_yamux_commit(s, want);
			e->sent += want;
		} else {
			ssize_t n = hull_yamux_write(s, payload, want);

			if (n < 0)
				return;
			e->sent += (uint64_t)n;
			if ((size_t)n < want)
				return;
		}
	}
}

static bool on_accept(void *ctx, struct hull_yamux_stream *s)
{
	return true;
}

static void on_data(void *ctx, struct hull_yamux_stream *s, const void *data, size_t len)
{
	struct end *e = ctx;

	e->received += len;
	hull_yamux_consume(s, len);
}

static void on_writable(void *ctx, struct hull_yamux_stream *s)
{
	fill(ctx, s);
}

static const struct hull_link_ops ops = {
	.yamux = {.accept = on_accept, .data = on_data, .writable = on_writable},
};

static const void *output(struct end *e, size_t *len)
{
	return e->l ? hull_link_output(e->l, len) : hull_yamux_output(e->y, len);
}

static size_t move(struct end *from, struct end *to, size_t piece)
{
	size_t len;
	const void *p = output(from, &len);
	int r;

	len = MIN(len, piece);
	if (!len)
		return 0;
	r = to->l ? hull_link_feed(to->l, p, len, NULL) : hull_yamux_feed(to->y, p, len, NULL);
	if (r < 0) {
		fprintf(stderr, "bench-yamux: the session died\n");
		exit(1);
	}
	if (from->l)
		hull_link_sent(from->l, len);
	else
		hull_yamux_sent(from->y, len);
	return len;
}

static void run(const char *name, struct end *from, struct end *to, uint64_t total, size_t streams,
		size_t piece)
{
	uint64_t start;
	double s;

	if (from->l)
		while (move(from, to, piece) || move(to, from, piece))
			;
	if (from->l)
		from->y = hull_link_yamux(from->l);
	for (size_t i = 0; i < streams; i++)
		if (hull_yamux_open(from->y, &from->out[i], NULL) < 0)
			exit(1);
	from->goal = total;
	start = hull_now_ns();
	for (size_t i = 0; i < streams; i++)
		fill(from, from->out[i]);
	while (to->received < total)
		if (!move(from, to, piece) && !move(to, from, piece)) {
			fprintf(stderr, "bench-yamux: stuck\n");
			exit(1);
		}
	s = (double)(hull_now_ns() - start) / (double)HULL_NS_PER_S;
	printf("%-44s %8.0f MB/s\n", name, (double)total / 1e6 / s);
}

static void bench(const char *name, bool link, bool from_host, bool in_place, size_t streams,
		  size_t piece, uint64_t total)
{
	static const uint8_t epoch[HULL_LINK_EPOCH_LEN] = {1};
	struct end a = {.in_place = in_place}, b = {0};
	int r;

	if (link)
		r = hull_link_host_new(epoch, 0, &ops, from_host ? &a : &b, from_host ? &a.l : &b.l,
				       NULL) |
		    hull_link_guest_new(0, &ops, from_host ? &b : &a, from_host ? &b.l : &a.l,
					NULL);
	else
		r = hull_yamux_new(true, 0, &ops.yamux, &a, &a.y, NULL) |
		    hull_yamux_new(false, 0, &ops.yamux, &b, &b.y, NULL);
	if (r < 0)
		exit(1);
	run(name, &a, &b, total, streams, piece);
	hull_link_free(a.l);
	hull_link_free(b.l);
	if (!link) {
		hull_yamux_free(a.y);
		hull_yamux_free(b.y);
	}
}

int main(int argc, char **argv)
{
	uint64_t total = (uint64_t)(argc > 1 ? strtoul(argv[1], NULL, 10) : 1024) << 20;
	uint32_t x = 1;

	for (size_t i = 0; i < sizeof(payload); i++)
		payload[i] = (uint8_t)((x = x * 1664525 + 1013904223) >> 24);
	bench("yamux, frames in place, 64 KiB pieces", false, false, true, 1, 65536, total);
	bench("yamux, frames in place, 4 KiB pieces", false, false, true, 1, 4096, total);
	bench("yamux, write, 64 KiB pieces", false, false, false, 1, 65536, total);
	bench("yamux, write, 16 streams, 4 KiB pieces", false, false, false, 16, 4096, total);
	bench("link, host to guest, in place, 4 KiB pieces", true, true, true, 1, 4096, total);
	bench("link, host to guest, write, 4 KiB pieces", true, true, false, 1, 4096, total);
	bench("link, guest to host, in place, 32 KiB pieces", true, false, true, 1, 32768, total);
	return 0;
}
