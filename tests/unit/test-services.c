/* SPDX-License-Identifier: Apache-2.0
 *
 * What the monitor serves a guest by vsock: its Ignition file, and the time for an agent that is
 * not hull's.  Here the guest is at the sockets in the run directory.
 */
#define _GNU_SOURCE
#include "unit.h"

#include "base/cleanup.h"
#include "base/loop.h"
#include "base/os.h"
#include "base/strbuf.h"
#include "monitor/ignition.h"
#include "monitor/timesync.h"
#include "tempdir.h"

#include <errno.h>
#include <inttypes.h>
#include <malloc.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#define BUF 4096
#define WAIT_MS 50000 /* on a busy host */
#define SLOW_CLIENTS 16
#define SKEW_NS (5 * HULL_NS_PER_S)

/* Rounds of the loop until @fd can be read, or @done. */
static void turn(struct hull_loop *loop, int fd)
{
	uint64_t deadline = hull_deadline_ms(WAIT_MS);
	struct pollfd p[] = {{.fd = fd, .events = POLLIN},
			     {.fd = hull_loop_fd(loop), .events = POLLIN}};

	do {
		assert_int_equal(hull_loop_step(loop, 0), 0);
		(void)poll(p, 2, 20);
		assert_true(hull_now_ns() < deadline);
	} while (!(p[0].revents & (POLLIN | POLLHUP)));
}

static void rounds(struct hull_loop *loop)
{
	for (int i = 0; i < 10; i++)
		assert_int_equal(hull_loop_step(loop, 5), 0);
}

/* ---- Ignition ---- */

/* The answer to one request, after which the connection ends. */
static void fetch(struct hull_loop *loop, const char *first, const char *headers,
		  struct hull_strbuf *ret)
{
	char path[64], text[512];
	cleanup_close int fd = -1;
	ssize_t n;

	path_of(HULL_IGNITION_SOCKET, path);
	fd = hull_unix_connect(path);
	assert_true(fd >= 0);
	n = snprintf(text, sizeof(text), "%s HTTP/1.1\r\nHost: h\r\nConnection: close\r\n%s\r\n",
		     first, headers);
	assert_int_equal(send(fd, text, (size_t)n, 0), n);
	hull_strbuf_clear(ret);
	do {
		turn(loop, fd);
		n = recv(fd, text, sizeof(text), 0);
		assert_true(n >= 0);
		hull_strbuf_add(ret, text, (size_t)n);
	} while (n > 0);
}

static const struct {
	const char *request, *headers, *status, *with, *body;
} fetches[] = {
	{"GET /", "", "200 OK", "Content-Length: 10\r\n", "{\"a\":\"bc\"}"},
	{"GET /any/path?q", "", "200 OK", "Content-Type: text/plain; charset=utf-8\r\n",
	 "{\"a\":\"bc\"}"},
	{"POST /x", "Content-Length: 0\r\n", "200 OK", "Accept-Ranges: bytes\r\n",
	 "{\"a\":\"bc\"}"},
	{"HEAD /", "", "200 OK", "Content-Length: 10\r\n", ""},
	{"GET /", "Range: bytes=1-3\r\n", "206 Partial Content", "Content-Range: bytes 1-3/10\r\n",
	 "\"a\""},
	{"HEAD /", "Range: bytes=-2\r\n", "206 Partial Content", "Content-Length: 2\r\n", ""},
	{"GET /", "Range: bytes=10-\r\n", "416 ", "Content-Range: bytes */10\r\n", ""},
	{"GET /", "Range: bytes=1-2,4-5\r\n", "200 OK", "", "{\"a\":\"bc\"}"},
	{"GET /", "Range: bytes=1-2\r\nIf-Range: \"x\"\r\n", "200 OK", "", "{\"a\":\"bc\"}"},
};

static void test_ignition(void **state)
{
	cleanup_with(hull_loop_freep) struct hull_loop *loop = NULL;
	cleanup_strbuf struct hull_strbuf got = HULL_STRBUF_INIT;
	char file[64];
	struct hull_config c = {.run_dir = dir, .ignition = file};
	struct hull_ignition_server *s = NULL;

	path_of("config.ign", file);
	assert_int_equal(hull_loop_new(&loop, NULL), 0);
	assert_int_equal(hull_file_write(file, "{\"a\":\"bc\"}", 10, 0600, false), 0);
	assert_int_equal(hull_ignition_open(loop, &c, &s, NULL), 0);
	assert_int_equal(unlink(file), 0); /* it has been read */
	for (size_t i = 0; i < ARRAY_SIZE(fetches); i++) {
		const char *body;

		fetch(loop, fetches[i].request, fetches[i].headers, &got);
		body = strstr(hull_strbuf_str(&got), "\r\n\r\n");
		assert_non_null(body);
		assert_string_equal(body + 4, fetches[i].body);
		assert_memory_equal(got.data, "HTTP/1.1 ", 9);
		assert_memory_equal(got.data + 9, fetches[i].status, strlen(fetches[i].status));
		assert_non_null(strstr(got.data, fetches[i].with));
	}
	hull_ignition_close(s);
}

static void test_ignition_files(void **state)
{
	cleanup_with(hull_loop_freep) struct hull_loop *loop = NULL;
	cleanup_strbuf struct hull_strbuf got = HULL_STRBUF_INIT;
	cleanup_error struct hull_error *err = NULL;
	char file[64], sock[64];
	struct hull_config c = {.run_dir = dir, .ignition = file};
	struct hull_ignition_server *s = NULL;

	path_of("config.ign", file);
	path_of(HULL_IGNITION_SOCKET, sock);
	assert_int_equal(hull_loop_new(&loop, NULL), 0);
	(void)unlink(sock);
	assert_int_equal(hull_ignition_open(loop, &c, &s, &err), -1);
	assert_int_equal(hull_error_code(err), HULL_E_NOT_FOUND);
	hull_error_freep(&err);

	assert_int_equal(hull_file_write(file, "\0\1", 2, 0600, false), 0);
	assert_int_equal(hull_ignition_open(loop, &c, &s, NULL), 0);
	fetch(loop, "GET /", "", &got);
	assert_non_null(strstr(got.data, "Content-Type: application/octet-stream\r\n"));
	hull_ignition_close(s);
	assert_int_equal(unlink(sock), 0);

	/* An empty one is a configuration like any other, to clients that always want a part, too.
	 */
	assert_int_equal(truncate(file, 0), 0);
	assert_int_equal(hull_ignition_open(loop, &c, &s, NULL), 0);
	fetch(loop, "GET /", "Range: bytes=0-\r\n", &got);
	assert_memory_equal(got.data, "HTTP/1.1 200 OK\r\n", 17);
	assert_non_null(strstr(got.data, "\r\nContent-Length: 0\r\n"));
	assert_null(strstr(got.data, "Content-Range"));
	hull_ignition_close(s);
	assert_int_equal(unlink(sock), 0);

	assert_int_equal(truncate(file, (off_t)HULL_IGNITION_MAX + 1), 0);
	assert_int_equal(hull_ignition_open(loop, &c, &s, &err), -1);
	assert_non_null(strstr(hull_error_message(err), "larger than 8 MiB"));
	assert_int_equal(unlink(file), 0);
}

/* Clients that don't read have no copies of the file. */
static void test_ignition_slow_clients(void **state)
{
	cleanup_with(hull_loop_freep) struct hull_loop *loop = NULL;
	cleanup_strbuf struct hull_strbuf got = HULL_STRBUF_INIT, text = HULL_STRBUF_INIT;
	static const char request[] = "GET / HTTP/1.1\r\nHost: h\r\n\r\n";
	char file[64], path[64], c[65536];
	struct hull_config config = {.run_dir = dir, .ignition = file};
	struct hull_ignition_server *s = NULL;
	int fds[SLOW_CLIENTS];
	struct mallinfo2 before, after;
	ssize_t n;

	path_of("config.ign", file);
	path_of(HULL_IGNITION_SOCKET, path);
	(void)unlink(path);
	for (size_t i = 0; i < HULL_IGNITION_MAX / 8; i++)
		assert_int_equal(hull_strbuf_addf(&text, "%07zx\n", i), 0);
	assert_int_equal(hull_file_write(file, text.data, text.len, 0600, false), 0);
	assert_int_equal(hull_loop_new(&loop, NULL), 0);
	assert_int_equal(hull_ignition_open(loop, &config, &s, NULL), 0);
	before = mallinfo2();
	for (int i = 0; i < SLOW_CLIENTS; i++) {
		fds[i] = hull_unix_connect(path);
		assert_true(fds[i] >= 0);
		assert_int_equal(send(fds[i], request, strlen(request), 0), strlen(request));
		turn(loop, fds[i]);
	}
	after = mallinfo2();
	assert_true(after.uordblks + after.hblkhd <
		    before.uordblks + before.hblkhd + HULL_IGNITION_MAX / 2);
	/* It is all there, nevertheless. */
	assert_int_equal(shutdown(fds[0], SHUT_WR), 0);
	do {
		turn(loop, fds[0]);
		n = recv(fds[0], c, sizeof(c), 0);
		assert_true(n >= 0);
		assert_int_equal(hull_strbuf_add(&got, c, (size_t)n), 0);
	} while (n > 0);
	assert_true(got.len > text.len);
	assert_memory_equal(got.data + got.len - text.len, text.data, text.len);
	for (int i = 0; i < SLOW_CLIENTS; i++)
		close(fds[i]);
	hull_ignition_close(s);
	assert_int_equal(unlink(path), 0);
	assert_int_equal(unlink(file), 0);
}

/* ---- the time ---- */

static void expect_question(struct hull_loop *loop, int fd)
{
	char text[256] = "";
	uint64_t before = hull_realtime_ns(), told = 0;
	int end = 0;

	turn(loop, fd);
	assert_true(recv(fd, text, sizeof(text) - 1, 0) > 0);
	assert_int_equal(sscanf(text,
				"{\"execute\": \"guest-set-time\", \"arguments\":{\"time\": "
				"%" SCNu64 "}}%n",
				&told, &end),
			 1);
	assert_string_equal(text + end, "\n");
	assert_true(told + SKEW_NS >= before && told <= hull_realtime_ns() + SKEW_NS);
}

static void answer(struct hull_loop *loop, int fd, const char *text)
{
	assert_int_equal(send(fd, text, strlen(text), 0), strlen(text));
	rounds(loop);
}

static int accept_one(struct hull_loop *loop, int listener)
{
	int fd;

	turn(loop, listener);
	fd = accept4(listener, NULL, NULL, SOCK_CLOEXEC);
	assert_true(fd >= 0);
	return fd;
}

static bool is_closed(int fd)
{
	char c;

	return recv(fd, &c, 1, MSG_DONTWAIT) == 0;
}

static void test_timesync(void **state)
{
	cleanup_with(hull_loop_freep) struct hull_loop *loop = NULL;
	struct hull_config c = {.run_dir = dir, .agent = HULL_AGENT_NONE, .timesync.port = 9};
	struct hull_timesync_client *t = NULL;
	cleanup_close int listener = -1, fd = -1;
	char path[64];

	path_of(HULL_TIMESYNC_SOCKET, path);
	assert_int_equal(hull_loop_new(&loop, NULL), 0);
	assert_int_equal(hull_timesync_new(loop, &c, &t, NULL), 0);
	hull_timesync_tell(t); /* nobody is there: it is for another time */
	listener = hull_unix_listen(path, 4, 0600);
	assert_true(listener >= 0);
	rounds(loop);
	assert_int_equal(accept(listener, NULL, NULL), -1);

	/* The connection is kept.  What comes while an answer is waited for is one question more.
	 */
	hull_timesync_tell(t);
	fd = accept_one(loop, listener);
	expect_question(loop, fd);
	hull_timesync_tell(t);
	hull_timesync_tell(t);
	rounds(loop);
	assert_int_equal(recv(fd, path, 1, MSG_DONTWAIT), -1);
	answer(loop, fd, "{\"return\"");
	answer(loop, fd, ": {}}\n");
	expect_question(loop, fd);
	answer(loop, fd, "{\"return\": {}}\n");
	assert_int_equal(recv(fd, path, 1, MSG_DONTWAIT), -1);
	/* A refusal, or nonsense, does not end it. */
	hull_timesync_tell(t);
	expect_question(loop, fd);
	answer(loop, fd, "{\"error\": {\"desc\": \"no\\u0007\"}}\n");
	hull_timesync_tell(t);
	expect_question(loop, fd);
	answer(loop, fd, "\n");

	/* An agent that has gone while we ask is asked once more, its successor that is. */
	hull_timesync_tell(t);
	expect_question(loop, fd);
	hull_closep(&fd);
	fd = accept_one(loop, listener);
	expect_question(loop, fd);
	hull_closep(&fd); /* not that one */
	rounds(loop);
	assert_int_equal(accept(listener, NULL, NULL), -1);
	/* Neither is one that never stops. */
	hull_timesync_tell(t);
	fd = accept_one(loop, listener);
	expect_question(loop, fd);
	for (int i = 0; i < 5; i++) {
		char much[1000];

		memset(much, 'x', sizeof(much));
		(void)send(fd, much, sizeof(much), MSG_NOSIGNAL);
		rounds(loop);
	}
	(void)recv(fd, path, 1, MSG_DONTWAIT);
	assert_true(is_closed(fd) || errno == ECONNRESET);
	hull_timesync_free(t);
}

/* Where nobody accepts and the queue is full, the monitor goes on at once. */
static void test_full_queue(void **state)
{
	cleanup_with(hull_loop_freep) struct hull_loop *loop = NULL;
	struct hull_config c = {.run_dir = dir, .agent = HULL_AGENT_NONE, .timesync.port = 9};
	struct hull_timesync_client *t = NULL;
	cleanup_close int listener = -1;
	int waiting[16], n = 0, r = 0;
	char path[64];

	path_of(HULL_TIMESYNC_SOCKET, path);
	(void)unlink(path);
	assert_int_equal(hull_loop_new(&loop, NULL), 0);
	assert_int_equal(hull_timesync_new(loop, &c, &t, NULL), 0);
	listener = hull_unix_listen(path, 1, 0600);
	assert_true(listener >= 0);
	while (n < (int)ARRAY_SIZE(waiting) && (r = hull_unix_connect_now(path)) >= 0)
		waiting[n++] = r;
	assert_int_equal(r, -EAGAIN);
	alarm(WAIT_MS / 1000);
	hull_timesync_tell(t);
	alarm(0);
	/* Once there is room it is told again. */
	for (int i = 0; i < n; i++) {
		close(waiting[i]);
		close(accept_one(loop, listener));
	}
	hull_timesync_tell(t);
	r = accept_one(loop, listener);
	expect_question(loop, r);
	close(r);
	hull_timesync_free(t);
}

/* hull's own agent is told in another way. */
static void test_not_needed(void **state)
{
	struct hull_config ours = {.run_dir = dir, .timesync.port = 9};
	struct hull_config none = {.run_dir = dir, .agent = HULL_AGENT_NONE};
	struct hull_timesync_client *t = NULL;
	struct hull_ignition_server *s = NULL;

	assert_int_equal(hull_timesync_new(NULL, &ours, &t, NULL), 0);
	assert_null(t);
	assert_int_equal(hull_timesync_new(NULL, &none, &t, NULL), 0);
	assert_null(t);
	assert_int_equal(hull_ignition_open(NULL, &none, &s, NULL), 0);
	assert_null(s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_ignition),
		cmocka_unit_test(test_ignition_files),
		cmocka_unit_test(test_ignition_slow_clients),
		cmocka_unit_test(test_timesync),
		cmocka_unit_test(test_full_queue),
		cmocka_unit_test(test_not_needed),
	};

	return cmocka_run_group_tests(tests, make_dir, remove_dir);
}
