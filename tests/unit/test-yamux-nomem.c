/* SPDX-License-Identifier: Apache-2.0
 *
 * yamux and link when each of their allocations fails in turn: a stream is refused, data waits, or
 * the session ends and says so; nothing leaks and nothing is lost in silence.  The code under test
 * is compiled in here, with allocators that fail on demand.
 */
#include "unit.h"

#include "base/cleanup.h"
#include "base/error.h"
#include "mux.h"

#include <errno.h>
#include <stdlib.h>

static int allocations, fail_at = -1; /* -1: never */
static bool fail_on;		      /* all of them */

static bool fails(void)
{
	return fail_on || allocations++ == fail_at;
}

#define malloc(n) (fails() ? NULL : malloc(n))
#define calloc(n, s) (fails() ? NULL : calloc(n, s))
/* clang-format off: after the above */
#include "../../src/proto/link.c"
#include "../../src/proto/yamux-out.c"
#include "../../src/proto/yamux.c"
/* clang-format on */
#undef malloc
#undef calloc

static uint8_t zeros[1 << 20];

static int feed_frame(struct side *e, unsigned int type, unsigned int flags, uint32_t id,
		      uint32_t length, struct hull_error **err)
{
	cleanup_strbuf struct hull_strbuf b = HULL_STRBUF_INIT;

	frame(&b, type, flags, id, length, NULL);
	return hull_yamux_feed(e->y, b.data, b.len, err);
}

static void test_new_and_streams(void **state)
{
	struct side s;
	struct hull_yamux_stream *st;
	cleanup_error struct hull_error *err = NULL;
	cleanup_free char *out = NULL;

	for (allocations = 0, fail_at = 0; side_init(&s, false, 0) < 0; fail_at++, allocations = 0)
		;
	assert_int_equal(fail_at, 2);
	fail_at = -1;
	fail_on = true;
	assert_int_equal(hull_yamux_open(s.y, &st, &err), -1);
	assert_int_equal(hull_error_code(err), HULL_E_NOMEM);
	assert_int_equal(feed_frame(&s, WIN, SYN, 1, 0, NULL), 0);
	fail_on = false;
	assert_string_equal(side_log(&s), "");
	out = side_frames(&s);
	assert_string_equal(out, "win+RST 1 0\n");
	side_fini(&s);
}

/* Data goes as far as there is room, and on when some has been sent. */
static void test_data_waits(void **state)
{
	struct side c;
	struct hull_yamux_stream *s;
	ssize_t n;

	side_init(&c, true, 0);
	assert_int_equal(hull_yamux_open(c.y, &s, NULL), 0);
	fail_on = true;
	n = hull_yamux_write(s, zeros, sizeof(zeros));
	assert_in_range(n, 1, CHUNK_LEN);
	assert_string_equal(side_log(&c), "");
	side_output(&c, NULL, SIZE_MAX);
	assert_string_equal(side_log(&c), "writable 1\n");
	assert_in_range(hull_yamux_write(s, zeros, sizeof(zeros)), 1, CHUNK_LEN);
	side_output(&c, NULL, 1000);
	assert_string_equal(side_log(&c), "writable 1\n");
	fail_on = false;
	assert_true(hull_yamux_write(s, zeros, sizeof(zeros)) > 0);
	side_fini(&c);
}

/* A frame that can't be left out ends the session. */
static void test_control(void **state)
{
	struct side c;
	struct hull_yamux_stream *s;
	cleanup_error struct hull_error *err = NULL;

	side_init(&c, true, 0);
	assert_int_equal(hull_yamux_open(c.y, &s, NULL), 0);
	assert_true(hull_yamux_write(s, zeros, CHUNK_LEN) == (ssize_t)CHUNK_LEN);
	fail_on = true;
	for (int i = 0; i < 30; i++)
		assert_true(hull_yamux_write(s, zeros, sizeof(zeros)) >= 0);
	for (int i = 0; i < 6000 && !err; i++)
		(void)feed_frame(&c, PING, SYN, 0, 1, &err);
	fail_on = false;
	assert_int_equal(hull_error_code(err), HULL_E_NOMEM);
	assert_int_equal(hull_yamux_streams(c.y), 0);
	side_fini(&c);
}

static void test_fenced(void **state)
{
	struct side c;
	struct hull_yamux_stream *s;
	cleanup_error struct hull_error *err = NULL;

	side_init(&c, true, 0);
	hull_yamux_set_fenced(c.y, true);
	assert_int_equal(hull_yamux_open(c.y, &s, NULL), 0);
	fail_on = true;
	assert_int_equal(hull_yamux_write(s, hull_fence, HULL_FENCE_LEN), HULL_FENCE_LEN);
	assert_int_equal(feed_frame(&c, PING, SYN, 0, 1, &err), -1);
	fail_on = false;
	assert_int_equal(hull_error_code(err), HULL_E_NOMEM);
	side_fini(&c);
}

/* Both ends of a link, from the greeting to some streams, with each allocation failing once. */
static bool converse(void)
{
	struct side host = {0}, guest = {0};
	struct hull_yamux_stream *s;
	bool alive = false;

	if (side_init_link(&host, true, 1) < 0 || side_init_link(&guest, false, 0) < 0)
		goto out;
	for (int i = 0; i < 20; i++) {
		cleanup_strbuf struct hull_strbuf b = HULL_STRBUF_INIT;
		struct side *from = i % 2 ? &guest : &host, *to = i % 2 ? &host : &guest;
		struct hull_yamux *y = hull_link_yamux(from->l);

		if (y && i < 8 && hull_yamux_open(y, &s, NULL) == 0) {
			(void)hull_yamux_write(s, hull_fence, HULL_FENCE_LEN);
			(void)hull_yamux_write(s, zeros, 100000);
			hull_yamux_shutdown(s);
		}
		side_output(from, &b, SIZE_MAX);
		if (b.len && side_feed(to, b.data, b.len) < 0)
			goto out;
	}
	alive = hull_link_yamux(host.l) && hull_link_yamux(guest.l);
out:
	side_fini(&host);
	side_fini(&guest);
	return alive;
}

static void test_link(void **state)
{
	int lived = 0;

	for (fail_at = 0;; fail_at++) {
		allocations = 0;
		lived += converse();
		if (allocations <= fail_at)
			break;
	}
	assert_true(fail_at > 10 && lived > 5 && lived < fail_at);
	fail_at = -1;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_new_and_streams),
		cmocka_unit_test(test_data_waits),
		cmocka_unit_test(test_control),
		cmocka_unit_test(test_fenced),
		cmocka_unit_test(test_link),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
