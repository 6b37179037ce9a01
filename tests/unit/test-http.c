/* SPDX-License-Identifier: Apache-2.0
 *
 * The HTTP server on a real socket: answers now and later, requests behind requests, deadlines, and
 * what becomes of others when somebody opens many connections and says nothing.
 */
#define _GNU_SOURCE
#include "unit.h"

#include "base/cleanup.h"
#include "base/os.h"
#include "base/strbuf.h"
#include "monitor/http.h"

#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#define GET "GET /now HTTP/1.1\r\nHost: x\r\n\r\n"
#define LATER "GET /later HTTP/1.1\r\nHost: x\r\n\r\n"
#define CLOSE "GET /now HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"
/* What a busy host needs for the rest of a test is far less, and the second far more than the
 * first. */
#define HEAD_MS 1000
#define IDLE_MS 2500
#define BIG_LEN ((size_t)4 << 20)

struct fixture {
	struct hull_loop *loop;
	struct hull_http_server *server;
	struct hull_http_limits limits;
	char path[64];
	struct hull_http_call *later; /* unanswered */
	int requests, gone;
	char *big;
};

static void answer(struct hull_http_call *call, const char *body, size_t len)
{
	const struct hull_http1_response r = {.status = 200, .body = body, .body_len = len};

	hull_http_reply(call, &r);
}

static void on_request(void *ctx, struct hull_http_call *call, const struct hull_http1_request *rq)
{
	struct fixture *f = ctx;

	f->requests++;
	if (!strcmp(rq->target, "/later"))
		f->later = call;
	else if (!strcmp(rq->target, "/big"))
		answer(call, f->big, BIG_LEN);
	else
		answer(call, rq->body_len ? rq->body : "now", rq->body_len ? rq->body_len : 3);
}

static void on_gone(void *ctx, struct hull_http_call *call)
{
	struct fixture *f = ctx;

	assert_ptr_equal(call, f->later);
	f->later = NULL;
	f->gone++;
}

static const struct hull_http_ops ops = {.request = on_request, .gone = on_gone};

static int set_up(void **state)
{
	struct fixture *f = calloc(1, sizeof(*f));
	int fd;

	f->limits = (struct hull_http_limits){
		.connections = 4,
		.grace_ms = 60,
		.head_ms = HEAD_MS,
		.body_ms = HEAD_MS,
		.write_ms = 500,
		.idle_ms = IDLE_MS,
		.request = {.line = 100, .head = 1000, .body = 1000},
	};
	snprintf(f->path, sizeof(f->path), "/tmp/hull-test-http.%d", (int)getpid());
	assert_int_equal(hull_loop_new(&f->loop, NULL), 0);
	assert_int_equal(hull_http_server_new(f->loop, &f->limits, &ops, f, &f->server, NULL), 0);
	fd = hull_unix_listen_anew(f->path, 64, 0600);
	assert_true(fd >= 0);
	assert_int_equal(hull_http_server_listen(f->server, fd), 0);
	*state = f;
	return 0;
}

static int tear_down(void **state)
{
	struct fixture *f = *state;

	hull_http_server_free(f->server);
	hull_loop_free(f->loop);
	unlink(f->path);
	free(f->big);
	free(f);
	return 0;
}

static int dial(struct fixture *f)
{
	int fd = hull_unix_connect(f->path);

	assert_true(fd >= 0);
	assert_int_equal(hull_set_nonblock(fd, true), 0);
	return fd;
}

static void say(int fd, const char *text)
{
	assert_int_equal(send(fd, text, strlen(text), MSG_NOSIGNAL), strlen(text));
}

/* Runs the loop until @fd has something, or its end; false if it takes longer. */
static bool await(struct fixture *f, int fd, uint64_t ms)
{
	uint64_t deadline = hull_deadline_ms(ms);
	struct pollfd p = {.fd = fd, .events = POLLIN};

	while (poll(&p, 1, 0) == 0) {
		if (!hull_ms_left(deadline))
			return false;
		assert_int_equal(hull_loop_step(f->loop, 5), 0);
	}
	return true;
}

static void run(struct fixture *f, uint64_t ms)
{
	uint64_t deadline = hull_deadline_ms(ms);

	while (hull_ms_left(deadline))
		assert_int_equal(hull_loop_step(f->loop, 5), 0);
	/* Where the host had no time for us, the time is over before anything was done. */
	for (int i = 0; i < 20; i++)
		assert_int_equal(hull_loop_step(f->loop, 0), 0);
}

/* Reads until the text so far ends with @end. */
static void expect(struct fixture *f, int fd, const char *end)
{
	char buf[4096] = "";
	size_t got = 0, len = strlen(end);

	while (got < len || memcmp(buf + got - len, end, len) != 0) {
		ssize_t n;

		if (!await(f, fd, 10000))
			fail_msg("'%s' does not end with '%s'", buf, end);
		n = read(fd, buf + got, sizeof(buf) - 1 - got);
		if (n <= 0)
			fail_msg("closed after '%s', before '%s'", buf, end);
		got += (size_t)n;
	}
}

/* Reads to the end, which must come. */
static void expect_end(struct fixture *f, int fd)
{
	char buf[4096];
	ssize_t n = 1;

	while (n > 0) {
		if (!await(f, fd, 10000))
			fail_msg("the connection is not closed");
		n = read(fd, buf, sizeof(buf));
	}
}

static void test_keeps_and_closes(void **state)
{
	struct fixture *f = *state;
	cleanup_close int fd = dial(f);

	say(fd, GET);
	expect(f, fd, "Content-Length: 3\r\n\r\nnow");
	say(fd, "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 4\r\n\r\nabcd");
	expect(f, fd, "abcd");
	say(fd, CLOSE);
	expect(f, fd, "Connection: close\r\n\r\nnow");
	expect_end(f, fd);
	assert_int_equal(f->requests, 3);
}

static void test_byte_by_byte(void **state)
{
	struct fixture *f = *state;
	cleanup_close int fd = dial(f);

	for (const char *s = GET; *s; s++) {
		assert_int_equal(send(fd, s, 1, MSG_NOSIGNAL), 1);
		assert_int_equal(hull_loop_step(f->loop, 1), 0);
	}
	expect(f, fd, "now");
}

static void test_pipelined(void **state)
{
	struct fixture *f = *state;
	cleanup_close int fd = dial(f);

	say(fd, GET GET LATER GET GET);
	expect(f, fd, "now");
	run(f, 50);
	/* What is behind one that is not answered has to wait. */
	assert_int_equal(f->requests, 3);
	say(fd, CLOSE);
	run(f, 20);
	answer(f->later, "later", 5);
	f->later = NULL;
	expect_end(f, fd);
	assert_int_equal(f->requests, 6);
}

static void test_half_closed(void **state)
{
	struct fixture *f = *state;
	cleanup_close int fd = dial(f), waits = dial(f), nothing = dial(f);

	say(fd, GET);
	shutdown(fd, SHUT_WR);
	expect(f, fd, "now");
	expect_end(f, fd);
	say(waits, LATER GET GET);
	shutdown(waits, SHUT_WR);
	run(f, 30);
	answer(f->later, "later", 5);
	expect_end(f, waits);
	assert_int_equal(f->requests, 4);
	shutdown(nothing, SHUT_WR);
	expect_end(f, nothing);
	run(f, 10);
	assert_int_equal(hull_http_server_connections(f->server), 0);
}

static void test_bad(void **state)
{
	struct fixture *f = *state;
	cleanup_close int fd = dial(f);

	/* What it goes on to say does not take the answer away. */
	say(fd, "GET / HTTP/1.1\r\n\r\n" GET GET);
	expect(f, fd, "Content-Length: 0\r\nConnection: close\r\n\r\n");
	say(fd, GET);
	shutdown(fd, SHUT_WR);
	expect_end(f, fd);
	assert_int_equal(f->requests, 0);
}

static void test_continue(void **state)
{
	struct fixture *f = *state;
	cleanup_close int fd = dial(f);

	say(fd, "POST / HTTP/1.1\r\nHost: x\r\nExpect: 100-continue\r\nContent-Length: 2\r\n\r\n");
	expect(f, fd, "HTTP/1.1 100 Continue\r\n\r\n");
	say(fd, "ok");
	expect(f, fd, "ok");
}

static void test_gone_before_the_answer(void **state)
{
	struct fixture *f = *state;
	int fd = dial(f);

	say(fd, LATER);
	run(f, 30);
	assert_non_null(f->later);
	close(fd);
	run(f, 30);
	assert_int_equal(f->gone, 1);
	/* And with the server. */
	fd = dial(f);
	say(fd, LATER);
	run(f, 30);
	hull_http_server_free(steal_ptr(&f->server));
	assert_int_equal(f->gone, 2);
	close(fd);
}

static void test_deadlines(void **state)
{
	struct fixture *f = *state;
	cleanup_close int silent = dial(f), half = dial(f), body = dial(f), idle = dial(f);
	uint64_t start = hull_now_ns();

	say(half, "GET /now HTTP/1.1\r\nHo");
	say(body, "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 4\r\n\r\nab");
	say(idle, GET);
	expect(f, idle, "now");
	/* Going on slowly is of no use. */
	for (int i = 0; i < 4; i++) {
		run(f, 60);
		say(half, "s");
		say(body, i ? "" : "c");
	}
	expect_end(f, silent);
	expect_end(f, half);
	expect_end(f, body);
	assert_true(hull_now_ns() - start >= (HEAD_MS - 10) * HULL_NS_PER_MS);
	assert_int_equal(hull_http_server_connections(f->server), 1);
	expect_end(f, idle);
	assert_true(hull_now_ns() - start >= (IDLE_MS - 10) * HULL_NS_PER_MS);
	assert_int_equal(hull_http_server_connections(f->server), 0);
}

/* One that waits for the VM may take as long as it wants. */
static void test_no_deadline_for_answers(void **state)
{
	struct fixture *f = *state;
	cleanup_close int fd = dial(f);

	say(fd, LATER);
	run(f, IDLE_MS + 100);
	assert_non_null(f->later);
	answer(f->later, "later", 5);
	expect(f, fd, "later");
}

static void test_slow_reader(void **state)
{
	struct fixture *f = *state;
	cleanup_close int fd = dial(f), other = -1;

	f->big = calloc(1, BIG_LEN);
	say(fd, "GET /big HTTP/1.1\r\nHost: x\r\n\r\n" GET GET);
	run(f, 30);
	assert_int_equal(f->requests, 1); /* no more before it has taken that */
	other = dial(f);
	say(other, GET);
	expect(f, other, "now");
	run(f, 600);
	assert_int_equal(hull_http_server_connections(f->server), 1);
	expect_end(f, fd);
}

static void test_big_answer(void **state)
{
	struct fixture *f = *state;
	cleanup_close int fd = dial(f);
	size_t got = 0;
	char buf[65536];

	f->big = calloc(1, BIG_LEN);
	say(fd, "GET /big HTTP/1.1\r\nHost: x\r\n\r\n" CLOSE);
	for (ssize_t n = 1; n > 0; got += (size_t)MAX(n, 0)) {
		assert_true(await(f, fd, 10000));
		n = read(fd, buf, sizeof(buf));
	}
	assert_true(got > BIG_LEN);
	assert_int_equal(f->requests, 2);
}

static void test_full_house(void **state)
{
	struct fixture *f = *state;
	cleanup_close int answered = dial(f), fd = -1;
	int silent[20];
	uint64_t start;

	say(answered, LATER);
	run(f, 20);
	for (size_t i = 0; i < ARRAY_SIZE(silent); i++)
		silent[i] = dial(f);
	start = hull_now_ns();
	fd = dial(f);
	say(fd, GET);
	expect(f, fd, "now");
	/* 20 before it, three places for them, 60 ms of grace each. */
	assert_true(hull_now_ns() - start < 1500 * HULL_NS_PER_MS);
	assert_true(hull_http_server_connections(f->server) <= 4);
	/* The one that waits for its answer has not been sent away. */
	answer(f->later, "later", 5);
	expect(f, answered, "later");
	for (size_t i = 0; i < ARRAY_SIZE(silent); i++)
		close(silent[i]);
}

/* Nobody is sent away who says what they want at once. */
static void test_many_at_once(void **state)
{
	struct fixture *f = *state;
	int fds[50];

	for (size_t i = 0; i < ARRAY_SIZE(fds); i++) {
		fds[i] = dial(f);
		say(fds[i], GET);
	}
	for (size_t i = 0; i < ARRAY_SIZE(fds); i++)
		expect(f, fds[i], "now");
	assert_int_equal(f->requests, 50);
	for (size_t i = 0; i < ARRAY_SIZE(fds); i++)
		close(fds[i]);
}

/* Without descriptors it waits, without turning in circles. */
static void test_no_descriptors(void **state)
{
	struct fixture *f = *state;
	struct rlimit old, few;
	cleanup_close int fd = dial(f);
	int rounds = 0;
	uint64_t deadline;

	assert_int_equal(getrlimit(RLIMIT_NOFILE, &old), 0);
	few = (struct rlimit){.rlim_cur = (rlim_t)fd + 1, .rlim_max = old.rlim_max};
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &few), 0);
	say(fd, GET);
	deadline = hull_deadline_ms(250);
	while (hull_ms_left(deadline) && rounds++ < 1000)
		assert_int_equal(hull_loop_step(f->loop, 50), 0);
	assert_true(rounds < 30);
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &old), 0);
	expect(f, fd, "now");
}

#define TEST(fn) cmocka_unit_test_setup_teardown(fn, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_keeps_and_closes),
		TEST(test_byte_by_byte),
		TEST(test_pipelined),
		TEST(test_half_closed),
		TEST(test_bad),
		TEST(test_continue),
		TEST(test_gone_before_the_answer),
		TEST(test_deadlines),
		TEST(test_no_deadline_for_answers),
		TEST(test_slow_reader),
		TEST(test_big_answer),
		TEST(test_full_house),
		TEST(test_many_at_once),
		TEST(test_no_descriptors),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
