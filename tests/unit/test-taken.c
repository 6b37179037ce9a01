/* SPDX-License-Identifier: Apache-2.0
 *
 * Noticing that the other end of a socket pair reads: when it does, once, and not otherwise.
 */
#define _GNU_SOURCE
#include "unit.h"

#include "base/cleanup.h"
#include "base/os.h"
#include "monitor/taken.h"

#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

static const char first[64] = "whoever reads this is up";

struct fixture {
	struct hull_loop *loop;
	struct hull_taken *taken;
	int near, far;
	int calls;
};

static void on_taken(void *ctx)
{
	((struct fixture *)ctx)->calls++;
}

static int set_up(void **state)
{
	struct fixture *f = calloc(1, sizeof(*f));
	int pair[2];

	assert_int_equal(hull_loop_new(&f->loop, NULL), 0);
	assert_int_equal(hull_socketpair(pair), 0);
	f->near = pair[0];
	f->far = pair[1];
	assert_int_equal(
		hull_taken_new(f->loop, f->near, first, sizeof(first), on_taken, f, &f->taken), 0);
	*state = f;
	return 0;
}

static int tear_down(void **state)
{
	struct fixture *f = *state;

	hull_taken_free(f->taken);
	hull_loop_free(f->loop);
	hull_closep(&f->near);
	hull_closep(&f->far);
	free(f);
	return 0;
}

static void turn(struct fixture *f)
{
	for (int i = 0; i < 5; i++)
		assert_int_equal(hull_loop_step(f->loop, 1), 0);
}

static void takes(struct fixture *f, size_t len)
{
	char buf[4096];

	assert_int_equal(recv(f->far, buf, len, MSG_WAITALL), len);
}

static void told_when_all_of_it_was_read(void **state)
{
	struct fixture *f = *state;

	turn(f);
	assert_int_equal(f->calls, 0);
	takes(f, 10);
	turn(f);
	assert_int_equal(f->calls, 0);
	takes(f, sizeof(first) - 10);
	turn(f);
	assert_int_equal(f->calls, 1);
	/* And never again. */
	assert_int_equal(write(f->near, first, 10), 10);
	takes(f, 10);
	turn(f);
	assert_int_equal(f->calls, 1);
}

static void told_when_it_was_read_at_once(void **state)
{
	struct fixture *f = *state;

	takes(f, sizeof(first));
	turn(f);
	assert_int_equal(f->calls, 1);
}

static void told_whatever_comes_behind_it(void **state)
{
	struct fixture *f = *state;
	char more[4096] = {0};

	assert_int_equal(write(f->near, more, 10), 10);
	turn(f);
	assert_int_equal(f->calls, 0);
	takes(f, sizeof(first));
	assert_int_equal(write(f->near, more, sizeof(more)), sizeof(more));
	turn(f);
	takes(f, 10);
	takes(f, sizeof(more));
	turn(f);
	assert_int_equal(f->calls, 1);
}

static void not_told_of_an_end(void **state)
{
	struct fixture *f = *state;

	hull_closep(&f->far);
	turn(f);
	assert_int_equal(f->calls, 0);
}

/* The other end learns that everybody has gone, we being one of them no longer. */
static void lets_go(struct fixture *f)
{
	char c;

	hull_closep(&f->near);
	assert_int_equal(recv(f->far, &c, 1, MSG_DONTWAIT), 0);
}

static void lets_go_when_told(void **state)
{
	struct fixture *f = *state;

	takes(f, sizeof(first));
	turn(f);
	lets_go(f);
}

static void lets_go_when_freed(void **state)
{
	struct fixture *f = *state;

	hull_taken_free(steal_ptr(&f->taken));
	takes(f, sizeof(first));
	turn(f);
	assert_int_equal(f->calls, 0);
	lets_go(f);
}

static void refuses_what_does_not_fit(void **state)
{
	struct fixture *f = *state;
	struct hull_taken *t = NULL;
	char block[4096] = {0};
	int r;

	while (send(f->near, block, sizeof(block), MSG_DONTWAIT) > 0)
		;
	r = hull_taken_new(f->loop, f->near, first, sizeof(first), on_taken, f, &t);
	assert_true(r == -EAGAIN || r == -ENOBUFS);
	assert_null(t);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(told_when_all_of_it_was_read, set_up, tear_down),
		cmocka_unit_test_setup_teardown(told_when_it_was_read_at_once, set_up, tear_down),
		cmocka_unit_test_setup_teardown(told_whatever_comes_behind_it, set_up, tear_down),
		cmocka_unit_test_setup_teardown(not_told_of_an_end, set_up, tear_down),
		cmocka_unit_test_setup_teardown(lets_go_when_told, set_up, tear_down),
		cmocka_unit_test_setup_teardown(lets_go_when_freed, set_up, tear_down),
		cmocka_unit_test_setup_teardown(refuses_what_does_not_fit, set_up, tear_down),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
