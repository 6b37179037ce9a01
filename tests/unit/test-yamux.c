/* SPDX-License-Identifier: Apache-2.0
 *
 * One yamux machine against hand-made frames: the life of streams, windows, budget and turns,
 * what a hostile peer may not do, freeing from inside callbacks.  Two machines against each other:
 * test-yamux-pair.c.
 */
#include "unit.h"

#include "../fuzz/fuzz-yamux.c"
#include "corpus.h"

#include "base/error.h"
#include "mux.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/types.h>

static uint8_t zeros[1 << 20];

#define assert_events(side, text) assert_string_equal(side_log(side), text)
#define assert_frames(side, text)                          \
	do {                                               \
		cleanup_free char *_t = side_frames(side); \
                                                           \
		assert_string_equal(_t, text);             \
	} while (0)

static int feed_frame(struct side *e, unsigned int type, unsigned int flags, uint32_t id,
		      uint32_t length, const char *text)
{
	cleanup_strbuf struct hull_strbuf b = HULL_STRBUF_INIT;

	frame(&b, type, flags, id, length, text);
	return side_feed(e, b.data, b.len);
}

static struct hull_yamux_stream *open_stream(struct side *e)
{
	struct hull_yamux_stream *s = NULL;

	assert_int_equal(hull_yamux_open(e->y, &s, NULL), 0);
	return s;
}

/* The frame kills the session: it says so and refuses everything from then on. */
static void assert_fatal(struct side *e, unsigned int type, unsigned int flags, uint32_t id,
			 uint32_t length, const char *text)
{
	struct hull_yamux_stream *s;

	assert_int_equal(feed_frame(e, type, flags, id, length, text), -1);
	assert_int_equal(hull_yamux_streams(e->y), 0);
	assert_int_equal(feed_frame(e, PING, SYN, 0, 1, NULL), -1);
	assert_int_equal(hull_yamux_open(e->y, &s, NULL), -1);
}

static void test_open_and_accept(void **state)
{
	struct side c, s;
	struct hull_yamux_stream *st;

	side_init(&c, true, 0);
	side_init(&s, false, 0);
	st = open_stream(&c);
	assert_int_equal(hull_yamux_id(st), 1);
	assert_int_equal(hull_yamux_id(open_stream(&c)), 3);
	assert_int_equal(hull_yamux_id(open_stream(&s)), 2);
	assert_int_equal(c.pendings, 1);
	assert_int_equal(hull_yamux_write(st, "hi", 2), 2);
	assert_frames(&c, "win+SYN 1 0\nwin+SYN 3 0\ndat 1 2 hi\n");
	assert_int_equal(feed_frame(&c, WIN, ACK, 1, 0, NULL), 0);
	assert_events(&c, "");

	assert_frames(&s, "win+SYN 2 0\n");
	assert_int_equal(feed_frame(&s, DAT, SYN, 1, 0, "hi"), 0);
	assert_events(&s, "accept 1\ndata 1 hi\n");
	assert_frames(&s, "win+ACK 1 0\n");
	s.refuse = true;
	assert_int_equal(feed_frame(&s, DAT, SYN, 3, 0, "hi"), 0);
	assert_events(&s, "accept 3\n");
	assert_frames(&s, "win+RST 3 0\n");
	assert_int_equal(feed_frame(&s, WIN, SYN | RST, 5, 0, NULL), 0);
	assert_events(&s, "");
	assert_frames(&s, "");
	side_fini(&c);
	side_fini(&s);
}

static void write_back(struct side *e, char event, struct hull_yamux_stream *s)
{
	if (event == 'a')
		assert_int_equal(hull_yamux_write(s, "yo", 2), 2);
}

static void test_ack_rides_on_data(void **state)
{
	struct side s;

	side_init(&s, false, 0);
	s.hook = write_back;
	assert_int_equal(feed_frame(&s, WIN, SYN, 1, 0, NULL), 0);
	assert_frames(&s, "dat+ACK 1 2 yo\n");
	side_fini(&s);
}

static void test_half_close(void **state)
{
	struct side c;
	struct hull_yamux_stream *a, *b;

	side_init(&c, true, 0);
	a = open_stream(&c);
	b = open_stream(&c);
	hull_yamux_write(a, "x", 1);
	hull_yamux_shutdown(a);
	hull_yamux_shutdown(a);
	assert_int_equal(hull_yamux_write(a, "y", 1), -EPIPE);
	assert_frames(&c, "win+SYN 1 0\nwin+SYN 3 0\ndat 1 1 x\nwin+FIN 1 0\n");
	/* Ours is closed: the peer may go on for as long as it likes. */
	assert_int_equal(feed_frame(&c, DAT, ACK, 1, 0, "more"), 0);
	assert_int_equal(feed_frame(&c, DAT, FIN, 1, 0, "end"), 0);
	assert_events(&c, "data 1 moreend\neof 1\n");
	hull_yamux_close(a);
	assert_frames(&c, "");

	assert_int_equal(feed_frame(&c, WIN, ACK | FIN, 3, 0, NULL), 0);
	assert_events(&c, "eof 3\n");
	assert_int_equal(hull_yamux_write(b, "z", 1), 1);
	hull_yamux_close(b);
	assert_frames(&c, "dat 3 1 z\nwin+RST 3 0\n");
	assert_int_equal(hull_yamux_streams(c.y), 0);
	side_fini(&c);
}

static void test_reset(void **state)
{
	struct side c;

	side_init(&c, true, 0);
	open_stream(&c);
	open_stream(&c);
	assert_frames(&c, "win+SYN 1 0\nwin+SYN 3 0\n");
	/* What comes with a reset is lost. */
	assert_int_equal(feed_frame(&c, DAT, RST | FIN, 1, 0, "lost"), 0);
	assert_int_equal(feed_frame(&c, DAT, 0, 3, 0, "kept"), 0);
	assert_events(&c, "reset 1\ndata 3 kept\n");
	assert_int_equal(hull_yamux_streams(c.y), 1);
	hull_yamux_free(steal_ptr(&c.y));
	assert_events(&c, "reset 3\n");
	side_fini(&c);
}

static void test_drained(void **state)
{
	struct side c;

	side_init(&c, true, 0);
	hull_yamux_close(open_stream(&c));
	open_stream(&c);
	assert_frames(&c, "win+SYN 1 0\nwin+RST 1 0\nwin+SYN 3 0\n");
	feed_frame(&c, DAT, ACK, 1, 0, "late");
	feed_frame(&c, WIN, FIN, 1, 77, NULL);
	feed_frame(&c, DAT, RST, 8, 0, "unknown");
	feed_frame(&c, WIN, 0, 0, 12, NULL);
	feed_frame(&c, DAT, 0, 3, 0, "live");
	assert_events(&c, "data 3 live\n");
	feed_frame(&c, WIN, FIN, 3, 0, NULL);
	feed_frame(&c, DAT, 0, 3, 0, "behind the end");
	feed_frame(&c, DAT, 0, 3, 0, "");
	assert_events(&c, "eof 3\n");
	assert_frames(&c, "");
	side_fini(&c);
}

static void test_window_of_ours(void **state)
{
	struct side c;
	struct hull_yamux_stream *s;
	size_t n;

	side_init(&c, true, 4 << 20);
	s = open_stream(&c);
	assert_int_equal(hull_yamux_write(s, zeros, sizeof(zeros)), HULL_YAMUX_WINDOW);
	assert_int_equal(hull_yamux_write(s, zeros, 1), 0);
	assert_null(hull_yamux_reserve(s, &n));
	assert_int_equal(n, 0);
	side_output(&c, NULL, SIZE_MAX);
	assert_events(&c, "");
	assert_int_equal(feed_frame(&c, WIN, ACK, 1, 0, NULL), 0);
	assert_events(&c, "");
	assert_int_equal(feed_frame(&c, WIN, 0, 1, 10, NULL), 0);
	assert_events(&c, "writable 1\n");
	assert_int_equal(hull_yamux_write(s, zeros, 64), 10);
	assert_int_equal(feed_frame(&c, WIN, 0, 1, UINT32_MAX, NULL), 0);
	assert_fatal(&c, WIN, 0, 1, 1, NULL);
	assert_frames(&c, "dat 1 10 \naway 0 1\n");
	assert_events(&c, "writable 1\nreset 1\n");
	side_fini(&c);
}

static void test_window_of_the_peer(void **state)
{
	struct side c;
	struct hull_yamux_stream *s;
	const uint32_t quarter = HULL_YAMUX_WINDOW / 4;
	cleanup_strbuf struct hull_strbuf b = HULL_STRBUF_INIT;

	side_init(&c, true, 0);
	c.keep = true;
	s = open_stream(&c);
	side_output(&c, NULL, SIZE_MAX);
	frame(&b, DAT, 0, 1, HULL_YAMUX_WINDOW, NULL);
	hull_strbuf_add(&b, zeros, HULL_YAMUX_WINDOW);
	assert_int_equal(side_feed(&c, b.data, b.len), 0);
	hull_yamux_consume(s, quarter - 1);
	assert_frames(&c, "");
	hull_yamux_consume(s, 2);
	assert_frames(&c, "win 1 65537\n");
	b.len = 0;
	frame(&b, DAT, FIN, 1, quarter, NULL);
	hull_strbuf_add(&b, zeros, quarter);
	assert_int_equal(side_feed(&c, b.data, b.len), 0);
	/* Nobody sends any more: no window is due. */
	hull_yamux_consume(s, 4 * quarter - 1);
	assert_frames(&c, "");
	/* One byte of window is left. */
	assert_int_equal(feed_frame(&c, DAT, 0, 1, 0, "a"), 0);
	assert_fatal(&c, DAT, 0, 1, 0, "b");
	side_fini(&c);
}

/* Its receiver keeps up: each update doubles the window, up to the most. */
static void test_window_grows(void **state)
{
	static const struct {
		size_t len;
		const char *update;
	} steps[] = {
		{64 << 10, "win 1 327680\n"},  /* 64 KiB back and 256 KiB more */
		{128 << 10, "win 1 655360\n"}, /* 128 and 512 */
		{256 << 10, "win 1 262144\n"},
		{256 << 10, "win 1 262144\n"},
	};
	struct side c;
	struct hull_yamux_stream *s;

	side_init(&c, true, 0);
	c.keep = true;
	s = open_stream(&c);
	side_output(&c, NULL, SIZE_MAX);
	for (size_t i = 0; i < ARRAY_SIZE(steps); i++) {
		cleanup_strbuf struct hull_strbuf b = HULL_STRBUF_INIT;

		frame(&b, DAT, 0, 1, (uint32_t)steps[i].len, NULL);
		hull_strbuf_add(&b, zeros, steps[i].len);
		assert_int_equal(side_feed(&c, b.data, b.len), 0);
		hull_yamux_consume(s, steps[i].len - 1);
		assert_frames(&c, "");
		hull_yamux_consume(s, 1);
		assert_frames(&c, steps[i].update);
	}
	assert_fatal(&c, DAT, 0, 1, HULL_YAMUX_WINDOW_MAX + 1, NULL);
	side_fini(&c);
}

static void test_reserve(void **state)
{
	struct side c;
	struct hull_yamux_stream *s;
	size_t room;
	char *p;

	side_init(&c, true, 0);
	s = open_stream(&c);
	p = hull_yamux_reserve(s, &room);
	assert_non_null(p);
	assert_int_equal(room, HULL_YAMUX_FRAME_MAX);
	memset(p, 'x', room);
	hull_yamux_commit(s, 3);
	p = hull_yamux_reserve(s, &room);
	hull_yamux_commit(s, 0);
	hull_yamux_shutdown(s);
	assert_null(hull_yamux_reserve(s, &room));
	assert_int_equal(room, 0);
	assert_frames(&c, "win+SYN 1 0\ndat 1 3 xxx\nwin+FIN 1 0\n");
	side_fini(&c);
}

/* Writes all it can, which is a frame while the two others wait. */
static void greedy(struct side *e, char event, struct hull_yamux_stream *s)
{
	if (event == 'w')
		assert_in_range(hull_yamux_write(s, zeros, sizeof(zeros)), 1, HULL_YAMUX_FRAME_MAX);
}

static void test_budget_and_turns(void **state)
{
	const size_t budget = 192 << 10;
	struct side c;
	struct hull_yamux_stream *s[3];
	size_t n, sent;
	int turns = 0;

	side_init(&c, true, budget);
	c.hook = greedy;
	for (int i = 0; i < 3; i++)
		s[i] = open_stream(&c);
	assert_true(hull_yamux_write(s[0], zeros, sizeof(zeros)) > (ssize_t)budget / 2);
	assert_int_equal(hull_yamux_write(s[1], zeros, sizeof(zeros)), 0);
	/* There is room again, but others come first. */
	assert_int_equal(side_output(&c, NULL, 16384), 16384);
	assert_int_equal(hull_yamux_write(s[2], "small", 5), 0);
	assert_events(&c, "");
	for (sent = 16384; sent < 3 * HULL_YAMUX_WINDOW - budget;) {
		sent += side_output(&c, NULL, 65536);
		hull_yamux_output(c.y, &n);
		assert_true(n <= budget);
		for (const char *log = side_log(&c); turns < 6 && *log; log = strchr(log, '\n') + 1)
			assert_int_equal(log[9], "135"[turns++ % 3]);
	}
	assert_int_equal(turns, 6);
	/* Each has sent its window and waits for an update. */
	sent += side_output(&c, NULL, SIZE_MAX);
	assert_in_range(sent, 3 * HULL_YAMUX_WINDOW, 3 * HULL_YAMUX_WINDOW + 100 * 12);
	side_log(&c);
	c.hook = NULL;
	assert_int_equal(feed_frame(&c, WIN, 0, 3, 100, NULL), 0);
	assert_events(&c, "writable 3\n");
	side_fini(&c);
}

/* While there is a line, newcomers go to its end, and who leaves it is forgotten. */
static void test_line(void **state)
{
	struct side c;
	struct hull_yamux_stream *s[4];

	side_init(&c, true, HULL_YAMUX_BUDGET_MIN);
	for (int i = 0; i < 4; i++)
		s[i] = open_stream(&c);
	assert_true(hull_yamux_write(s[0], zeros, sizeof(zeros)) > 0);
	assert_int_equal(hull_yamux_write(s[1], "b", 1), 0);
	assert_int_equal(hull_yamux_write(s[2], "c", 1), 0);
	assert_int_equal(hull_yamux_write(s[3], "d", 1), 0);
	hull_yamux_close(s[2]);
	hull_yamux_shutdown(s[1]);
	side_output(&c, NULL, SIZE_MAX);
	assert_events(&c, "writable 1\nwritable 7\n");
	assert_int_equal(hull_yamux_write(s[3], "d", 1), 1);
	side_fini(&c);
}

static void test_ping(void **state)
{
	struct side c;

	side_init(&c, true, 0);
	feed_frame(&c, PING, SYN, 0, 42, NULL);
	feed_frame(&c, PING, ACK, 0, 43, NULL);
	assert_frames(&c, "ping+ACK 0 42\n");
	/* A peer that asks and asks but never reads. */
	for (int i = 0; i < 100000; i++)
		if (feed_frame(&c, PING, SYN, 0, 42, NULL) < 0) {
			assert_true(i > 5000 && i < 50000);
			side_fini(&c);
			return;
		}
	fail();
}

static void test_go_away(void **state)
{
	struct side c;
	cleanup_error struct hull_error *err = NULL;
	struct hull_yamux_stream *s;

	side_init(&c, true, 0);
	s = open_stream(&c);
	feed_frame(&c, AWAY, 0, 0, 0, NULL);
	assert_int_equal(hull_yamux_open(c.y, &s, &err), -1);
	assert_int_equal(hull_error_code(err), HULL_E_UNAVAILABLE);
	assert_int_equal(hull_yamux_write(s, "on", 2), 2);
	hull_yamux_go_away(c.y);
	hull_yamux_go_away(c.y);
	feed_frame(&c, DAT, SYN, 2, 0, "too late");
	assert_frames(&c, "win+SYN 1 0\ndat 1 2 on\naway 0 0\nwin+RST 2 0\n");
	assert_events(&c, "");
	assert_fatal(&c, AWAY, 0, 0, 2, NULL);
	assert_events(&c, "reset 1\n");
	side_fini(&c);
}

static void test_crimes(void **state)
{
	static const struct {
		unsigned int type, flags;
		uint32_t id, length;
	} crimes[] = {
		{0x100, 0, 0, 0}, /* version 1 */
		{4, 0, 0, 0},	  /* no such type */
		{WIN, SYN, 1, 0}, /* opened twice */
		{DAT, SYN, 1, 5},
		{WIN, SYN, 4, 0}, /* ours to open */
		{WIN, SYN | RST, 4, 0},
		{WIN, SYN, 0, 0},
		{WIN, FIN, 3, 0}, /* finished twice */
		{DAT, FIN, 3, 0},
		{DAT, 0, 1, HULL_YAMUX_WINDOW + 1},
		{DAT, SYN, 5, HULL_YAMUX_WINDOW + 1},
		{AWAY, 0, 0, 1},
		{AWAY, 0, 0, 99},
	};

	for (size_t i = 0; i < ARRAY_SIZE(crimes); i++) {
		struct side s;

		side_init(&s, false, 0);
		feed_frame(&s, WIN, SYN, 1, 0, NULL);
		feed_frame(&s, WIN, SYN | FIN, 3, 0, NULL);
		assert_events(&s, "accept 1\naccept 3\neof 3\n");
		assert_fatal(&s, crimes[i].type, crimes[i].flags, crimes[i].id, crimes[i].length,
			     NULL);
		side_fini(&s);
	}
}

static void test_crimes_against_client(void **state)
{
	for (uint32_t id = 0; id < 2; id++) {
		struct side c;

		side_init(&c, true, 0);
		assert_fatal(&c, WIN, SYN, id, 0, NULL);
		side_fini(&c);
	}
}

static void test_limit(void **state)
{
	struct side s;
	struct hull_yamux_stream *st;
	cleanup_error struct hull_error *err = NULL;

	side_init(&s, false, 0);
	for (uint32_t i = 0; i < HULL_YAMUX_STREAMS_MAX - 1; i++)
		assert_int_equal(feed_frame(&s, WIN, SYN, 2 * i + 1, 0, NULL), 0);
	st = open_stream(&s);
	assert_int_equal(hull_yamux_open(s.y, &st, &err), -1);
	assert_int_equal(hull_error_code(err), HULL_E_EXHAUSTED);
	side_output(&s, NULL, SIZE_MAX);
	assert_int_equal(feed_frame(&s, DAT, SYN, 1001, 0, "one too many"), 0);
	assert_frames(&s, "win+RST 1001 0\n");
	hull_yamux_close(st);
	assert_int_equal(feed_frame(&s, DAT, SYN, 1003, 0, "fits"), 0);
	assert_frames(&s, "win+RST 2 0\nwin+ACK 1003 0\n");
	assert_int_equal(hull_yamux_streams(s.y), HULL_YAMUX_STREAMS_MAX);
	side_fini(&s);
}

static void test_open_without_reader(void **state)
{
	struct side c;
	struct hull_yamux_stream *s;
	int i;

	side_init(&c, true, 0);
	for (i = 0; i < 100000 && hull_yamux_open(c.y, &s, NULL) == 0; i++)
		hull_yamux_close(s);
	assert_true(i > 1000 && i < 100000);
	side_output(&c, NULL, SIZE_MAX);
	assert_non_null(open_stream(&c));
	side_fini(&c);
}

/* A conversation with all that may happen in one. */
static void conversation(struct hull_strbuf *b)
{
	frame(b, DAT, SYN, 1, 0, "hello");
	frame(b, WIN, SYN, 3, 1000, NULL);
	frame(b, DAT, 0, 3, 0, "a");
	frame(b, DAT, 0, 1, 0, " world");
	frame(b, PING, SYN, 0, 7, NULL);
	frame(b, DAT, 0, 99, 0, "nobody's");
	frame(b, DAT, FIN, 1, 0, "!");
	frame(b, DAT, 0, 3, 0, "");
	frame(b, DAT, FIN, 3, 0, "");
	frame(b, DAT, RST, 3, 0, "gone");
	frame(b, DAT, SYN | FIN, 5, 0, "all at once");
	frame(b, WIN, RST, 5, 0, NULL);
	frame(b, AWAY, 0, 0, 0, NULL);
}

static const char conversation_log[] =
	"accept 1\ndata 1 hello\naccept 3\ndata 3 a\ndata 1  world!\neof 1\neof 3\nreset 3\n"
	"accept 5\ndata 5 all at once\neof 5\nreset 5\n";

static void test_every_split(void **state)
{
	cleanup_strbuf struct hull_strbuf b = HULL_STRBUF_INIT;

	conversation(&b);
	for (size_t i = 0; i <= b.len; i++)
		for (size_t j = i; j <= b.len; j += i % 7 + 1) {
			struct side s;

			side_init(&s, false, 0);
			assert_int_equal(side_feed(&s, b.data, i), 0);
			assert_int_equal(side_feed(&s, b.data + i, j - i), 0);
			assert_int_equal(side_feed(&s, b.data + j, b.len - j), 0);
			assert_events(&s, conversation_log);
			side_fini(&s);
		}
}

static void test_byte_by_byte(void **state)
{
	cleanup_strbuf struct hull_strbuf b = HULL_STRBUF_INIT;
	struct side s;

	conversation(&b);
	side_init(&s, false, 0);
	for (size_t i = 0; i < b.len; i++)
		assert_int_equal(side_feed(&s, b.data + i, 1), 0);
	assert_events(&s, conversation_log);
	side_fini(&s);
}

static void close_in(struct side *e, char event, struct hull_yamux_stream *s)
{
	if (event != *(const char *)e->ctx)
		return;
	hull_yamux_close(s);
	/* In what is left of the callback the dead stream is harmless. */
	hull_yamux_close(s);
	hull_yamux_shutdown(s);
	hull_yamux_consume(s, 1);
	assert_int_equal(hull_yamux_write(s, "x", 1), -EPIPE);
	assert_int_equal(hull_yamux_id(s), 1);
}

static void free_in(struct side *e, char event, struct hull_yamux_stream *s)
{
	if (event == *(const char *)e->ctx)
		hull_yamux_free(steal_ptr(&e->y));
}

/* Each event as the last one of its stream, then of its session. */
static void test_free_in_callbacks(void **state)
{
	static void (*const hooks[])(struct side *, char, struct hull_yamux_stream *) = {close_in,
											 free_in};

	for (const char *event = "aderw"; *event; event++)
		for (size_t h = 0; h < ARRAY_SIZE(hooks); h++) {
			struct side s;
			struct hull_yamux *y;

			side_init(&s, false, HULL_YAMUX_BUDGET_MIN);
			y = s.y;
			s.ctx = (void *)event;
			s.hook = hooks[h];
			assert_int_equal(feed_frame(&s, DAT, SYN, 1, 0, "abc"), 0);
			if (s.y && hull_yamux_streams(y))
				(void)hull_yamux_write(s.last, zeros, sizeof(zeros));
			side_output(&s, NULL, SIZE_MAX);
			if (s.y)
				assert_int_equal(feed_frame(&s, DAT, FIN, 1, 0, "def"), 0);
			if (s.y)
				assert_int_equal(feed_frame(&s, WIN, RST, 1, 0, NULL), 0);
			assert_int_equal(!s.y, hooks[h] == free_in);
			if (s.y)
				assert_int_equal(hull_yamux_streams(y), 0);
			side_fini(&s);
		}
}

/* Reset by a dying session, from whose callbacks everything is tried. */
static void meddle(struct side *e, char event, struct hull_yamux_stream *s)
{
	struct hull_yamux_stream **other = e->ctx, *s2;

	if (event != 'r')
		return;
	if (*other && *other != s)
		hull_yamux_close(steal_ptr(other));
	assert_int_equal(hull_yamux_open(e->y, &s2, NULL), -1);
	assert_int_equal(hull_yamux_write(s, "x", 1), -EPIPE);
}

static void test_death_of_session(void **state)
{
	struct side c;
	struct hull_yamux_stream *other;

	side_init(&c, true, 0);
	c.hook = meddle;
	open_stream(&c);
	other = open_stream(&c);
	open_stream(&c);
	c.ctx = &other;
	assert_int_equal(feed_frame(&c, 9, 0, 0, 0, NULL), -1);
	assert_events(&c, "reset 1\nreset 5\n");
	side_fini(&c);
}

/* Replies on the stream, opens another and closes an older one, all from data(). */
static void busy(struct side *e, char event, struct hull_yamux_stream *s)
{
	struct hull_yamux_stream **old = e->ctx;

	if (event != 'd')
		return;
	assert_int_equal(hull_yamux_write(s, "re", 2), 2);
	if (*old)
		hull_yamux_close(*old);
	*old = open_stream(e);
	hull_yamux_shutdown(s);
}

static void test_busy_callbacks(void **state)
{
	struct side s;
	struct hull_yamux_stream *old = NULL;

	side_init(&s, false, 0);
	s.hook = busy;
	s.ctx = &old;
	feed_frame(&s, DAT, SYN, 1, 0, "a");
	feed_frame(&s, DAT, SYN, 3, 0, "b");
	assert_frames(&s, "win+ACK 1 0\ndat 1 2 re\nwin+SYN 2 0\nwin+FIN 1 0\n"
			  "win+ACK 3 0\ndat 3 2 re\nwin+RST 2 0\nwin+SYN 4 0\nwin+FIN 3 0\n");
	side_fini(&s);
}

static void test_no_accept(void **state)
{
	const struct hull_yamux_ops none = {0};
	struct side s = {0};

	assert_int_equal(hull_yamux_new(false, 0, &none, NULL, &s.y, NULL), 0);
	assert_int_equal(feed_frame(&s, WIN, SYN, 1, 0, NULL), 0);
	assert_frames(&s, "win+RST 1 0\n");
	side_fini(&s);
}

static void test_corpus(void **state)
{
	assert_true(corpus_replay("yamux") >= 10);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_open_and_accept),
		cmocka_unit_test(test_ack_rides_on_data),
		cmocka_unit_test(test_half_close),
		cmocka_unit_test(test_reset),
		cmocka_unit_test(test_drained),
		cmocka_unit_test(test_window_of_ours),
		cmocka_unit_test(test_window_of_the_peer),
		cmocka_unit_test(test_window_grows),
		cmocka_unit_test(test_reserve),
		cmocka_unit_test(test_budget_and_turns),
		cmocka_unit_test(test_line),
		cmocka_unit_test(test_ping),
		cmocka_unit_test(test_go_away),
		cmocka_unit_test(test_crimes),
		cmocka_unit_test(test_crimes_against_client),
		cmocka_unit_test(test_limit),
		cmocka_unit_test(test_open_without_reader),
		cmocka_unit_test(test_every_split),
		cmocka_unit_test(test_byte_by_byte),
		cmocka_unit_test(test_free_in_callbacks),
		cmocka_unit_test(test_death_of_session),
		cmocka_unit_test(test_busy_callbacks),
		cmocka_unit_test(test_no_accept),
		cmocka_unit_test(test_corpus),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
