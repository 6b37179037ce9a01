/* SPDX-License-Identifier: Apache-2.0
 *
 * The relay between sockets of the loopback: every byte both ways, each half-close, many at once.
 */
#define _GNU_SOURCE
#include "unit.h"

#include "base/cleanup.h"
#include "base/os.h"
#include "monitor/ports.h"
#include "monitor/relay.h"

#include <netinet/in.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

static const struct hull_ip loopback = {AF_INET, 32, {127, 0, 0, 1}};
static const struct hull_ip any = {AF_INET, 32, {0}};

struct fixture {
	struct hull_loop *loop;
	struct hull_relay *relay;
	int target;	   /* listens, or receives */
	uint16_t to, from; /* its port, and the relay's */
};

static uint16_t port_of(int fd)
{
	struct sockaddr_in a;
	socklen_t len = sizeof(a);

	assert_int_equal(getsockname(fd, (struct sockaddr *)&a, &len), 0);
	return ntohs(a.sin_port);
}

static int listen_somewhere(enum hull_protocol protocol)
{
	struct hull_forward f = {.address = loopback, .protocol = protocol};
	int fd = hull_port_listen(&f, 0);

	assert_true(fd >= 0);
	return fd;
}

static void start(struct fixture *f, enum hull_protocol protocol, const struct hull_ip *target)
{
	int fd = listen_somewhere(protocol), sndbuf = 16 << 10;

	/* Whom it accepts inherits it. */
	(void)setsockopt(fd, SOL_SOCKET, SO_SNDBUF, &sndbuf, sizeof(sndbuf));
	assert_int_equal(hull_loop_new(&f->loop, NULL), 0);
	assert_int_equal(hull_relay_new(f->loop, &f->relay, NULL), 0);
	f->target = listen_somewhere(protocol);
	f->to = port_of(f->target);
	f->from = port_of(fd);
	assert_int_equal(hull_relay_add(f->relay, fd, protocol, target, f->to), 0);
}

static void stop(struct fixture *f)
{
	hull_relay_free(f->relay);
	hull_loop_free(f->loop);
	hull_closep(&f->target);
}

/* @rcvbuf: 0 for what is usual. */
static int dial(uint16_t port, int type, int rcvbuf)
{
	struct sockaddr_storage a;
	socklen_t len = hull_ip_sockaddr(&loopback, port, &a);
	int fd = socket(AF_INET, type | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);

	assert_true(fd >= 0);
	if (rcvbuf)
		(void)setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &rcvbuf, sizeof(rcvbuf));
	(void)connect(fd, (struct sockaddr *)&a, len);
	return fd;
}

/* Runs the relay until @fd is readable. */
static void await(struct fixture *f, int fd)
{
	uint64_t deadline = hull_deadline_ms(10000);
	struct pollfd p = {.fd = fd, .events = POLLIN};

	while (poll(&p, 1, 0) == 0) {
		assert_true(hull_ms_left(deadline) > 0);
		assert_int_equal(hull_loop_step(f->loop, 5), 0);
	}
}

static int accept_one(struct fixture *f)
{
	int fd;

	await(f, f->target);
	fd = accept4(f->target, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
	assert_true(fd >= 0);
	return fd;
}

static void expect(struct fixture *f, int fd, const char *text)
{
	char buf[64] = {0};
	size_t got = 0;

	while (got < strlen(text)) {
		ssize_t n;

		await(f, fd);
		n = read(fd, buf + got, sizeof(buf) - 1 - got);
		assert_true(n > 0);
		got += (size_t)n;
	}
	assert_string_equal(buf, text);
}

static void expect_eof(struct fixture *f, int fd)
{
	char c;

	await(f, fd);
	assert_int_equal(read(fd, &c, 1), 0);
}

static void no_flows(struct fixture *f)
{
	uint64_t deadline = hull_deadline_ms(10000);

	while (hull_relay_flows(f->relay)) {
		assert_true(hull_ms_left(deadline) > 0);
		assert_int_equal(hull_loop_step(f->loop, 5), 0);
	}
}

/* The client ends its half first and still gets the answer. */
static void test_half_closes(void **state)
{
	struct fixture f;
	int client, server;

	start(&f, HULL_PROTOCOL_TCP, &any);
	client = dial(f.from, SOCK_STREAM, 0);
	server = accept_one(&f);
	assert_int_equal(write(client, "ask", 3), 3);
	expect(&f, server, "ask");
	shutdown(client, SHUT_WR);
	expect_eof(&f, server);
	assert_int_equal(hull_relay_flows(f.relay), 1);
	assert_int_equal(write(server, "answer", 6), 6);
	close(server);
	expect(&f, client, "answer");
	expect_eof(&f, client);
	no_flows(&f);
	close(client);
	stop(&f);
}

/* What one side sent before it closed both ways gets through to one who takes little at a time:
 * enough for the relay to have some of it still when it sees the end, too little for it to pause.
 */
static void test_slow_reader(void **state)
{
	static char block[240 << 10];
	size_t sent = 0, got = 0;
	struct fixture f;
	int client, server;

	start(&f, HULL_PROTOCOL_TCP, &loopback);
	client = dial(f.from, SOCK_STREAM, 4096);
	server = accept_one(&f);
	shutdown(client, SHUT_WR);
	expect_eof(&f, server);
	while (sent < sizeof(block)) {
		ssize_t n = write(server, block, sizeof(block) - sent);

		if (n > 0)
			sent += (size_t)n;
		assert_int_equal(hull_loop_step(f.loop, 1), 0);
	}
	close(server);
	for (int i = 0; i < 20; i++)
		assert_int_equal(hull_loop_step(f.loop, 1), 0);
	for (;;) {
		ssize_t n;

		await(&f, client);
		n = read(client, block, sizeof(block));
		assert_true(n >= 0);
		if (n == 0)
			break;
		got += (size_t)n;
	}
	assert_int_equal(got, sent);
	no_flows(&f);
	close(client);
	stop(&f);
}

static void test_nobody_there(void **state)
{
	struct fixture f;
	int client;

	start(&f, HULL_PROTOCOL_TCP, &loopback);
	hull_closep(&f.target);
	client = dial(f.from, SOCK_STREAM, 0);
	expect_eof(&f, client);
	no_flows(&f);
	close(client);
	stop(&f);
}

static void test_too_many(void **state)
{
	int clients[HULL_RELAY_FLOWS_MAX + 1];
	struct fixture f;

	start(&f, HULL_PROTOCOL_TCP, &loopback);
	for (size_t i = 0; i < ARRAY_SIZE(clients); i++) {
		clients[i] = dial(f.from, SOCK_STREAM, 0);
		assert_int_equal(hull_loop_step(f.loop, 5), 0);
	}
	expect_eof(&f, clients[HULL_RELAY_FLOWS_MAX]);
	assert_int_equal(hull_relay_flows(f.relay), HULL_RELAY_FLOWS_MAX);
	for (size_t i = 0; i < ARRAY_SIZE(clients); i++)
		close(clients[i]);
	stop(&f);
}

static void answer(struct fixture *f)
{
	struct sockaddr_storage from;
	socklen_t len = sizeof(from);
	char buf[64];
	ssize_t n;

	await(f, f->target);
	n = recvfrom(f->target, buf, sizeof(buf), 0, (struct sockaddr *)&from, &len);
	assert_true(n >= 0);
	assert_int_equal(sendto(f->target, buf, (size_t)n, 0, (struct sockaddr *)&from, len), n);
}

/* Each correspondent gets its own answers, an empty datagram included. */
static void test_datagrams(void **state)
{
	struct fixture f;
	int a, b;
	char c;

	start(&f, HULL_PROTOCOL_UDP, &any);
	a = dial(f.from, SOCK_DGRAM, 0);
	b = dial(f.from, SOCK_DGRAM, 0);
	for (int i = 0; i < 2; i++) {
		assert_int_equal(write(a, "from a", 6), 6);
		answer(&f);
		assert_int_equal(write(b, "from b", 6), 6);
		answer(&f);
		expect(&f, b, "from b");
		expect(&f, a, "from a");
	}
	assert_int_equal(send(a, "", 0, 0), 0);
	answer(&f);
	await(&f, a);
	assert_int_equal(recv(a, &c, 1, 0), 0);
	assert_int_equal(hull_relay_flows(f.relay), 2);
	close(a);
	close(b);
	stop(&f);
}

/* The one who has been silent for longest makes room. */
static void test_correspondents_make_room(void **state)
{
	int fds[HULL_RELAY_FLOWS_MAX + 1];
	struct fixture f;

	start(&f, HULL_PROTOCOL_UDP, &loopback);
	for (size_t i = 0; i < ARRAY_SIZE(fds); i++) {
		fds[i] = dial(f.from, SOCK_DGRAM, 0);
		assert_int_equal(write(fds[i], "x", 1), 1);
		answer(&f);
		expect(&f, fds[i], "x");
	}
	assert_int_equal(hull_relay_flows(f.relay), HULL_RELAY_FLOWS_MAX);
	for (size_t i = 0; i < ARRAY_SIZE(fds); i++)
		close(fds[i]);
	stop(&f);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_half_closes),
		cmocka_unit_test(test_slow_reader),
		cmocka_unit_test(test_nobody_there),
		cmocka_unit_test(test_too_many),
		cmocka_unit_test(test_datagrams),
		cmocka_unit_test(test_correspondents_make_room),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
