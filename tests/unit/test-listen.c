/* SPDX-License-Identifier: Apache-2.0
 *
 * A listener that has no descriptors left: it waits without spinning, and everybody is served once
 * there are some.
 */
#define _GNU_SOURCE
#include "unit.h"

#include "base/cleanup.h"
#include "base/listen.h"
#include "base/os.h"

#include <stdio.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#define CLIENTS 3

struct fixture {
	struct hull_loop *loop;
	struct hull_listener *listener;
	char path[64];
	size_t n;
	int accepted[CLIENTS];
};

static void on_accepted(void *ctx, int fd)
{
	struct fixture *f = ctx;

	assert_true(f->n < CLIENTS);
	f->accepted[f->n++] = fd;
}

static void start(struct fixture *f)
{
	int fd;

	*f = (struct fixture){0};
	snprintf(f->path, sizeof(f->path), "/tmp/test-listen.%d", getpid());
	fd = hull_unix_listen(f->path, 16, 0600);
	assert_true(fd >= 0);
	assert_int_equal(hull_loop_new(&f->loop, NULL), 0);
	assert_int_equal(hull_listener_new(f->loop, fd, on_accepted, f, &f->listener), 0);
}

static void end(struct fixture *f)
{
	hull_listener_free(f->listener);
	hull_loop_free(f->loop);
	for (size_t i = 0; i < f->n; i++)
		close(f->accepted[i]);
	(void)unlink(f->path);
}

static void run_for(struct fixture *f, uint64_t ms, size_t until)
{
	uint64_t deadline = hull_deadline_ms(ms);

	while (f->n < until && hull_now_ns() < deadline)
		assert_int_equal(hull_loop_step(f->loop, hull_ms_left(deadline)), 0);
}

static uint64_t cpu_ns(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &ts);
	return (uint64_t)ts.tv_sec * HULL_NS_PER_S + (uint64_t)ts.tv_nsec;
}

static void test_accepts(void **state)
{
	struct fixture f;
	int fd;

	start(&f);
	fd = hull_unix_connect(f.path);
	assert_true(fd >= 0);
	run_for(&f, 30000, 1);
	assert_int_equal(f.n, 1);
	close(fd);
	end(&f);
}

static void test_no_descriptors(void **state)
{
	struct rlimit before, none;
	int clients[CLIENTS];
	struct fixture f;
	uint64_t spent;

	start(&f);
	for (size_t i = 0; i < CLIENTS; i++)
		assert_true((clients[i] = hull_unix_connect(f.path)) >= 0);
	assert_int_equal(getrlimit(RLIMIT_NOFILE, &before), 0);
	none = before;
	none.rlim_cur = 3; /* what is open stays so */
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &none), 0);
	spent = cpu_ns();
	run_for(&f, 4 * HULL_LISTEN_PAUSE_MS, 1);
	spent = cpu_ns() - spent;
	assert_int_equal(f.n, 0);
	assert_true(spent < HULL_LISTEN_PAUSE_MS * HULL_NS_PER_MS / 2);

	assert_int_equal(setrlimit(RLIMIT_NOFILE, &before), 0);
	run_for(&f, 30000, CLIENTS);
	assert_int_equal(f.n, CLIENTS);
	for (size_t i = 0; i < CLIENTS; i++)
		close(clients[i]);
	end(&f);
}

/* Freed while it waits for descriptors. */
static void test_freed_while_waiting(void **state)
{
	struct rlimit before, none;
	struct fixture f;
	int client;

	start(&f);
	client = hull_unix_connect(f.path);
	assert_true(client >= 0);
	assert_int_equal(getrlimit(RLIMIT_NOFILE, &before), 0);
	none = before;
	none.rlim_cur = 3;
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &none), 0);
	run_for(&f, HULL_LISTEN_PAUSE_MS / 4, 1);
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &before), 0);
	hull_listener_free(steal_ptr(&f.listener));
	run_for(&f, 2 * HULL_LISTEN_PAUSE_MS, 1);
	assert_int_equal(f.n, 0);
	close(client);
	end(&f);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_accepts),
		cmocka_unit_test(test_no_descriptors),
		cmocka_unit_test(test_freed_while_waiting),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
