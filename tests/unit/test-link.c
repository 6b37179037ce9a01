/* SPDX-License-Identifier: Apache-2.0
 *
 * The guest link: greeting, and above all connections that are cut and rejoined at every possible
 * byte, with old and new bytes glued together.  Also the fence: no payload may look like a hello.
 */
#include "unit.h"

#include "../fuzz/fuzz-link.c"
#include "corpus.h"

#include <stdlib.h>

#define assert_events(side, text) assert_string_equal(side_log(side), text)

static void feed(struct side *e, const struct hull_strbuf *b)
{
	assert_int_equal(side_feed(e, b->data, b->len), 0);
}

/* Everything of one side's output to the other. */
static size_t move(struct side *from, struct side *to)
{
	cleanup_strbuf struct hull_strbuf b = HULL_STRBUF_INIT;

	if (!side_output(from, &b, SIZE_MAX))
		return 0;
	feed(to, &b);
	return b.len;
}

static void connect_sides(struct side *host, struct side *guest, uint8_t epoch)
{
	side_init_link(host, true, epoch);
	if (!guest->l)
		side_init_link(guest, false, 0);
	assert_null(hull_link_yamux(host->l));
	assert_int_equal(move(host, guest), HULL_LINK_HELLO_LEN);
	assert_int_equal(move(guest, host), HULL_LINK_HELLO_LEN);
	assert_non_null(hull_link_yamux(host->l));
	assert_non_null(hull_link_yamux(guest->l));
}

static struct hull_yamux_stream *open_stream(struct side *e)
{
	struct hull_yamux_stream *s = NULL;

	assert_int_equal(hull_yamux_open(hull_link_yamux(e->l), &s, NULL), 0);
	return s;
}

static void test_greeting(void **state)
{
	struct side host, guest = {0};
	struct hull_yamux_stream *s;
	cleanup_strbuf struct hull_strbuf b = HULL_STRBUF_INIT;

	connect_sides(&host, &guest, 1);
	assert_events(&host, "up\n");
	assert_events(&guest, "up\n");
	assert_int_equal(guest.pendings, 1);
	s = open_stream(&host);
	hull_yamux_write(s, "ping", 4);
	move(&host, &guest);
	assert_events(&guest, "accept 1\ndata 1 ping\n");
	hull_yamux_write(guest.last, "pong", 4);
	move(&guest, &host);
	assert_events(&host, "data 1 pong\n");
	hull_link_hangup(guest.l);
	assert_events(&guest, "reset 1\ndown\n");
	assert_null(hull_link_yamux(guest.l));
	assert_int_equal(side_output(&guest, NULL, SIZE_MAX), 0);
	hull_link_hangup(guest.l);
	assert_events(&guest, "");
	/* An answer that has not been sent yet is for a host that is gone. */
	hello(&b, 2);
	feed(&guest, &b);
	hull_link_hangup(guest.l);
	assert_int_equal(side_output(&guest, NULL, SIZE_MAX), 0);
	side_fini(&host);
	side_fini(&guest);
}

/* What a host says in its life: hello, two streams, the second one's data with a magic's beginning
 * in it. */
static void host_bytes(struct hull_strbuf *b, uint8_t epoch)
{
	hello(b, epoch);
	frame(b, DAT, SYN, 1, 0, "one");
	frame(b, DAT, SYN, 3, 0, "two \xf5\x16\xc0 three");
	frame(b, WIN, FIN, 1, 0, NULL);
}

/* An old connection cut at each byte, glued to a new one, in two pieces at each byte. */
static void test_glued(void **state)
{
	cleanup_strbuf struct hull_strbuf old = HULL_STRBUF_INIT, new = HULL_STRBUF_INIT;
	static const char tail[] = "up\naccept 1\ndata 1 one\naccept 3\n"
				   "data 3 two \xf5\x16\xc0 three\neof 1\n";

	host_bytes(&old, 1);
	host_bytes(&new, 2);
	for (size_t cut = 0; cut <= old.len; cut++) {
		cleanup_strbuf struct hull_strbuf b = HULL_STRBUF_INIT;
		cleanup_free char *before = NULL;
		struct side guest;

		/* What the old one alone comes to.  What was held back comes free when no magic
		 * goes on with it. */
		side_init_link(&guest, false, 0);
		assert_int_equal(side_feed(&guest, old.data, cut), 0);
		if (hull_fence_tail((uint8_t *)old.data, cut))
			assert_int_equal(side_feed(&guest, new.data, 1), 0);
		hull_link_hangup(guest.l);
		before = strdup(side_log(&guest));
		side_fini(&guest);

		hull_strbuf_add(&b, old.data, cut);
		hull_strbuf_add(&b, new.data, new.len);
		for (size_t split = 0; split <= b.len; split++) {
			const char *log;

			side_init_link(&guest, false, 0);
			assert_int_equal(side_feed(&guest, b.data, split), 0);
			assert_int_equal(side_feed(&guest, b.data + split, b.len - split), 0);
			log = side_log(&guest);
			assert_memory_equal(log, before, strlen(before));
			assert_string_equal(log + strlen(before), tail);
			side_fini(&guest);
		}
	}
}

/* The guest's old bytes, cut anywhere, reach the new host connection before its answer. */
static void test_stale_answers(void **state)
{
	cleanup_strbuf struct hull_strbuf old = HULL_STRBUF_INIT;

	hello(&old, 7);
	frame(&old, DAT, 0, 1, 0, "old \xf5\x16");
	hello(&old, 8);
	for (size_t cut = 0; cut <= old.len; cut++)
		for (size_t from = 0; from <= cut; from += 5) {
			cleanup_strbuf struct hull_strbuf b = HULL_STRBUF_INIT;
			struct side host;
			size_t split = (cut * 7 + from) % (cut - from + 40);

			side_init_link(&host, true, 9);
			hull_strbuf_add(&b, old.data + from, cut - from);
			hello(&b, 9);
			frame(&b, WIN, ACK, 1, 0, NULL);
			frame(&b, PING, SYN, 0, 5, NULL);
			assert_int_equal(side_feed(&host, b.data, split), 0);
			assert_events(&host, "");
			assert_int_equal(side_feed(&host, b.data + split, b.len - split), 0);
			assert_events(&host, "up\n");
			side_fini(&host);
		}
}

static void test_hello_rules(void **state)
{
	cleanup_strbuf struct hull_strbuf b = HULL_STRBUF_INIT;
	struct side guest;

	side_init_link(&guest, false, 0);
	hello(&b, 1);
	b.data[33] = 0; /* no version */
	hello(&b, 2);
	b.data[95] = 1; /* what must be zero isn't */
	feed(&guest, &b);
	assert_events(&guest, "");
	hull_strbuf_clear(&b);
	hello(&b, 3);
	b.data[32] = 1; /* a version of the future, with flags */
	b.data[34] = 1;
	feed(&guest, &b);
	assert_events(&guest, "up\n");
	/* The same epoch again is no new connection. */
	frame(&b, DAT, SYN, 1, 0, "x");
	feed(&guest, &b);
	assert_events(&guest, "accept 1\ndata 1 x\n");
	hull_link_hangup(guest.l);
	feed(&guest, &b);
	assert_events(&guest, "reset 1\ndown\nup\naccept 1\ndata 1 x\n");
	side_fini(&guest);
}

/* A guest that is misunderstood tells the host, and waits for the next connection. */
static void test_guest_survives(void **state)
{
	struct side host, guest = {0};
	cleanup_strbuf struct hull_strbuf b = HULL_STRBUF_INIT;

	connect_sides(&host, &guest, 1);
	open_stream(&host);
	move(&host, &guest);
	side_log(&guest);
	frame(&b, 7, 0, 0, 0, NULL);
	frame(&b, DAT, SYN, 3, 0, "ignored");
	feed(&guest, &b);
	assert_events(&guest, "reset 1\ndown\n");
	assert_null(hull_link_yamux(guest.l));
	hull_strbuf_clear(&b);
	side_output(&guest, &b, SIZE_MAX);
	assert_int_equal(side_feed(&host, b.data, b.len), -1);
	assert_null(hull_link_yamux(host.l));
	assert_int_equal(side_feed(&host, b.data, b.len), -1);
	side_fini(&host);
	connect_sides(&host, &guest, 2);
	assert_events(&guest, "up\n");
	side_fini(&host);
	side_fini(&guest);
}

/* ---- the fence ---- */

/* Sends @data on a stream in writes of @step bytes; the guest must get it all, each byte as soon as
 * the host's output has been fed. */
static void send_fenced(const uint8_t *data, size_t len, size_t step)
{
	struct side host, guest = {0};
	struct hull_yamux_stream *s;
	cleanup_strbuf struct hull_strbuf wire = HULL_STRBUF_INIT;

	connect_sides(&host, &guest, 1);
	s = open_stream(&host);
	move(&host, &guest);
	assert_events(&guest, "up\naccept 1\n");
	for (size_t i = 0; i < len; i += step) {
		size_t n = MIN(step, len - i);

		assert_int_equal(hull_yamux_write(s, data + i, n), n);
		hull_strbuf_clear(&wire);
		side_output(&host, &wire, SIZE_MAX);
		assert_int_equal(hull_fence_find((uint8_t *)wire.data, wire.len), wire.len);
		feed(&guest, &wire);
		move(&guest, &host);
		assert_true(guest.log.len >= i + n);
		assert_memory_equal(guest.log.data + guest.log.len - n, data + i, n);
	}
	side_fini(&host);
	side_fini(&guest);
}

static void test_magic_in_data(void **state)
{
	uint8_t data[600];

	/* At every place, once and many times over. */
	for (size_t at = 0; at < 80; at++) {
		memset(data, 'x', sizeof(data));
		memcpy(data + at, hull_fence, HULL_FENCE_LEN);
		send_fenced(data, at + HULL_FENCE_LEN + at % 3, 1000);
		for (size_t i = at; i < sizeof(data); i++)
			data[i] = hull_fence[(i - at) % HULL_FENCE_LEN];
		send_fenced(data, sizeof(data), 1000);
		send_fenced(data, sizeof(data), 1 + at);
	}
}

/* A length whose low byte begins the magic that the payload goes on with. */
static void test_magic_in_length(void **state)
{
	uint8_t data[3 * 0x1f5];

	memset(data, 'x', sizeof(data));
	for (size_t i = 0; i < 3; i++)
		memcpy(data + i * 0x1f5, hull_fence + 1, HULL_FENCE_LEN - 1);
	send_fenced(data, sizeof(data), 0x1f5);
	memcpy(data, hull_fence + 1, HULL_FENCE_LEN - 1);
	memcpy(data + 0xf5 - 8, hull_fence, HULL_FENCE_LEN);
	send_fenced(data, 300, 300);
}

/* Frames without data may end like a magic's beginning too. */
static void test_magic_in_control(void **state)
{
	struct side host, guest = {0};
	cleanup_strbuf struct hull_strbuf b = HULL_STRBUF_INIT;

	connect_sides(&host, &guest, 1);
	frame(&b, PING, SYN, 0, 0xf516c013, NULL);
	feed(&host, &b);
	hull_strbuf_clear(&b);
	side_output(&host, &b, SIZE_MAX);
	assert_int_equal(b.len, 24);
	side_fini(&host);
	side_fini(&guest);
}

static void test_whole_frames_of_magic(void **state)
{
	static uint8_t data[HULL_YAMUX_WINDOW];

	for (size_t i = 0; i < sizeof(data); i++)
		data[i] = hull_fence[i % HULL_FENCE_LEN];
	send_fenced(data, sizeof(data) - 5, 40000);
}

/* ---- freeing from inside ---- */

static void free_in(struct side *e, char event, struct hull_yamux_stream *s)
{
	const char *how = e->ctx;

	if (!e->l)
		assert_int_equal(event, 'r');
	if (event != how[0] || !e->l)
		return;
	if (how[1] == 'h')
		hull_link_hangup(e->l);
	else
		hull_link_free(steal_ptr(&e->l));
}

static void test_free_in_callbacks(void **state)
{
	static const char *const hows[] = {"uf", "uh", "af", "ah", "df", "dh",
					   "ef", "eh", "rf", "rh", "Df", "Dh"};
	cleanup_strbuf struct hull_strbuf b = HULL_STRBUF_INIT;

	host_bytes(&b, 1);
	frame(&b, DAT, RST, 3, 0, "gone");
	hello(&b, 2);
	frame(&b, WIN, SYN, 1, 0, NULL);
	for (size_t i = 0; i < ARRAY_SIZE(hows); i++)
		for (size_t step = 1; step < b.len; step += 50) {
			struct side guest;
			size_t at = 0;

			side_init_link(&guest, false, 0);
			guest.hook = free_in;
			guest.ctx = (void *)hows[i];
			while (guest.l && at < b.len) {
				size_t n = MIN(step, b.len - at);

				assert_int_equal(side_feed(&guest, b.data + at, n), 0);
				at += n;
			}
			if (guest.l && hull_link_yamux(guest.l))
				hull_link_hangup(guest.l);
			if (hows[i][1] == 'f')
				assert_null(guest.l);
			side_fini(&guest);
		}
}

/* By a stream that hears of the session's end, however that comes: nothing follows. */
static void test_free_in_last_reset(void **state)
{
	for (int how = 0; how < 3; how++) {
		cleanup_strbuf struct hull_strbuf b = HULL_STRBUF_INIT;
		struct side guest;

		side_init_link(&guest, false, 0);
		guest.hook = free_in;
		guest.ctx = (void *)"rf";
		host_bytes(&b, 1);
		if (how == 0)
			hello(&b, 2);
		else if (how == 1)
			frame(&b, 7, 0, 0, 0, NULL);
		feed(&guest, &b);
		if (how == 2)
			hull_link_hangup(guest.l);
		assert_null(guest.l);
		side_fini(&guest);
	}
}

static void test_host_free_in_callbacks(void **state)
{
	for (const char *event = "udr"; *event; event++) {
		cleanup_strbuf struct hull_strbuf b = HULL_STRBUF_INIT;
		const char how[] = {*event, 'f', 0};
		struct side host;

		side_init_link(&host, true, 1);
		host.hook = free_in;
		host.ctx = (void *)how;
		hello(&b, 1);
		frame(&b, DAT, SYN, 2, 0, "x");
		frame(&b, 7, 0, 0, 0, NULL);
		assert_int_equal(side_feed(&host, b.data, b.len), 0);
		assert_null(host.l);
		side_fini(&host);
	}
}

static void test_corpus(void **state)
{
	assert_true(corpus_replay("link") >= 10);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_greeting),
		cmocka_unit_test(test_glued),
		cmocka_unit_test(test_stale_answers),
		cmocka_unit_test(test_hello_rules),
		cmocka_unit_test(test_guest_survives),
		cmocka_unit_test(test_magic_in_data),
		cmocka_unit_test(test_magic_in_length),
		cmocka_unit_test(test_magic_in_control),
		cmocka_unit_test(test_whole_frames_of_magic),
		cmocka_unit_test(test_free_in_callbacks),
		cmocka_unit_test(test_free_in_last_reset),
		cmocka_unit_test(test_host_free_in_callbacks),
		cmocka_unit_test(test_corpus),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
