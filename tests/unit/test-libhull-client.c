/* SPDX-License-Identifier: Apache-2.0
 *
 * Clients of a guest's agent, whose place a thread takes: calls, streams of messages and of bytes,
 * by several threads, given up, and after the guest has gone.
 */
#define _GNU_SOURCE
#include "unit.h"

#include "base/cleanup.h"
#include "base/os.h"
#include "lib/instance.h"
#include "proto/hvsock.h"
#include "proto/ttrpc.h"
#include "tempdir.h"

#include <pthread.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define BIG 100000

static char vsock[64];
static int absent; /* so many connections find no guest */

/* ---- the guest ---- */

static void output(void *ctx, const void *data, size_t len)
{
	const char *p = data;

	while (len) {
		ssize_t n = send(*(int *)ctx, p, len, MSG_NOSIGNAL);

		if (n <= 0)
			return;
		p += n;
		len -= (size_t)n;
	}
}

struct sum {
	size_t bytes, messages;
};

static void count_down(struct hull_ttrpc_call *call, const char *text, size_t len)
{
	size_t n = strtoul(strndupa(text, len), NULL, 10);
	cleanup_free char *big = calloc(1, BIG);

	for (size_t i = 0; i < n; i++)
		(void)hull_ttrpc_send(call, big, BIG);
	hull_ttrpc_finish(call);
}

static void on_request(void *ctx, struct hull_ttrpc_call *call)
{
	const char *method = hull_ttrpc_method(call), *key = hull_ttrpc_metadata(call, "k");
	size_t len;
	const void *payload = hull_ttrpc_payload(call, &len);

	if (!strcmp(method, "Echo"))
		hull_ttrpc_reply(call, payload, len);
	else if (!strcmp(method, "Key"))
		hull_ttrpc_reply(call, key, strlen(key));
	else if (!strcmp(method, "Busy"))
		hull_ttrpc_failf(call, HULL_RPC_FAILED_PRECONDITION, "no, it is busy");
	else if (!strcmp(method, "Away"))
		hull_ttrpc_failf(call, HULL_RPC_UNAVAILABLE, "not now");
	else if (!strcmp(method, "Drop"))
		(void)shutdown(*(int *)ctx, SHUT_RDWR);
	else if (!strcmp(method, "Count"))
		count_down(call, payload, len);
	else if (!strcmp(method, "Sum"))
		hull_ttrpc_set_user(call, calloc(1, sizeof(struct sum)));
	else if (strcmp(method, "Chat") != 0 && strcmp(method, "Never") != 0)
		hull_ttrpc_failf(call, HULL_RPC_UNIMPLEMENTED, "no %s", method);
}

static void on_data(void *ctx, struct hull_ttrpc_call *call, const void *data, size_t len,
		    bool last)
{
	struct sum *sum = hull_ttrpc_user(call);
	char text[64];

	if (data && sum) {
		sum->bytes += len;
		sum->messages++;
	} else if (data) {
		(void)hull_ttrpc_send(call, data, len);
	}
	if (!last)
		return;
	if (sum) {
		hull_ttrpc_reply(call, text,
				 (size_t)snprintf(text, sizeof(text), "%zu in %zu", sum->bytes,
						  sum->messages));
		free(sum);
	} else {
		hull_ttrpc_finish(call);
	}
}

static void on_gone(void *ctx, struct hull_ttrpc_call *call)
{
	free(hull_ttrpc_user(call));
}

static void serve_agent(int fd)
{
	static const struct hull_ttrpc_server_ops ops = {
		.output = output, .request = on_request, .data = on_data, .gone = on_gone};
	struct hull_ttrpc *t;
	char buf[65536];
	ssize_t n;

	assert_int_equal(hull_ttrpc_server_new(&ops, &fd, &t, NULL), 0);
	while ((n = read(fd, buf, sizeof(buf))) > 0)
		(void)hull_ttrpc_feed(t, buf, (size_t)n, NULL);
	hull_ttrpc_free(t);
}

/* What is said first is said together with the answer. */
static void serve_stream(int fd)
{
	char buf[256], id[HULL_STREAM_ID_MAX + 1], answer[HULL_STREAM_ERROR_MAX];
	size_t got = 0, len;
	ssize_t n;

	while (hull_stream_parse_id(buf, got, id) == 0 &&
	       (n = read(fd, buf + got, sizeof(buf) - got)) > 0)
		got += (size_t)n;
	if (!strcmp(id, "taken")) {
		len = hull_stream_format(answer, "stream \"taken\" already exists");
		output(&fd, answer, len);
		return;
	}
	len = hull_stream_format(answer, id);
	memcpy(answer + len, "hello ", 6);
	output(&fd, answer, len + 6);
	while ((n = read(fd, buf, sizeof(buf))) > 0)
		output(&fd, buf, (size_t)n);
	output(&fd, " bye", 4);
}

static void *serve_one(void *arg)
{
	cleanup_close int fd = (int)(intptr_t)arg;
	char line[HULL_HVSOCK_LINE_MAX];
	uint32_t port = 0;
	size_t got = 0;

	while (hull_hvsock_parse_connect(line, got, &port) == 0 && read(fd, line + got, 1) == 1)
		got++;
	if (__atomic_load_n(&absent, __ATOMIC_SEQ_CST) > 0) {
		__atomic_sub_fetch(&absent, 1, __ATOMIC_SEQ_CST);
		return NULL;
	}
	output(&fd, "OK 1\n", 5);
	if (port == 1024)
		serve_agent(fd);
	else
		serve_stream(fd);
	return NULL;
}

static void *serve(void *arg)
{
	int listening = (int)(intptr_t)arg;

	for (;;) {
		int fd = accept4(listening, NULL, NULL, SOCK_CLOEXEC);
		pthread_t thread;

		if (fd < 0)
			return NULL;
		if (pthread_create(&thread, NULL, serve_one, (void *)(intptr_t)fd) == 0)
			pthread_detach(thread);
	}
}

static int listening;
static pthread_t guest;

static int start_guest(void **state)
{
	if (make_dir(state) < 0)
		return -1;
	path_of("vsock.sock", vsock);
	listening = hull_unix_listen(vsock, 16, 0600);
	(void)hull_set_nonblock(listening, false);
	return listening < 0 ? -1
			     : -pthread_create(&guest, NULL, serve, (void *)(intptr_t)listening);
}

static int end_guest(void **state)
{
	(void)shutdown(listening, SHUT_RDWR);
	(void)pthread_join(guest, NULL);
	close(listening);
	return remove_dir(state);
}

/* ---- calls ---- */

static void failed(int r, struct hull_error **err, int code, const char *cause)
{
	assert_int_equal(r, -1);
	if (hull_error_code(*err) != code || strcmp(hull_error_cause(*err), cause) != 0)
		fail_msg("%s [%s] %s", hull_code_name(hull_error_code(*err)),
			 hull_error_cause(*err), hull_error_message(*err));
	hull_error_free(steal_ptr(err));
}

static void expect_reply(struct hull_client *c, const char *method, const char *text,
			 const struct hull_call_options *o, const char *want)
{
	cleanup_free void *reply = NULL;
	cleanup_error struct hull_error *err = NULL;
	size_t len;

	if (hull_client_call(c, "svc", method, text, strlen(text), o, &reply, &len, &err) < 0)
		fail_msg("%s", hull_error_message(err));
	assert_int_equal(len, strlen(want));
	assert_memory_equal(reply, want, len);
}

static void test_calls(void **state)
{
	const struct hull_client_metadata metadata[] = {{"k", "value"}};
	const struct hull_call_options with = {
		.size = sizeof(with), .metadata = metadata, .n_metadata = 1};
	const struct hull_call_options brief = {.size = sizeof(brief), .timeout_ms = 50};
	struct hull_error *err = NULL;
	struct hull_client c;

	assert_int_equal(hull_lib_client_init(&c, vsock, NULL), 0);
	expect_reply(&c, "Echo", "abc", NULL, "abc");
	expect_reply(&c, "Echo", "", NULL, "");
	expect_reply(&c, "Key", "", &with, "value");
	assert_int_equal(c.n_idle, 1); /* one connection did all of it */
	failed(hull_client_call(&c, "svc", "Busy", NULL, 0, NULL, NULL, NULL, &err), &err,
	       HULL_E_STATE, "");
	failed(hull_client_call(&c, "svc", "Away", NULL, 0, NULL, NULL, NULL, &err), &err,
	       HULL_E_UNAVAILABLE, "");
	failed(hull_client_call(&c, "svc", "None", NULL, 0, NULL, NULL, NULL, &err), &err,
	       HULL_E_UNSUPPORTED, "");
	assert_int_equal(c.n_idle, 1);
	failed(hull_client_call(&c, "svc", "Never", NULL, 0, &brief, NULL, NULL, &err), &err,
	       HULL_E_TIMEOUT, "deadline");
	failed(hull_client_call(&c, "svc", "Drop", NULL, 0, NULL, NULL, NULL, &err), &err,
	       HULL_E_UNAVAILABLE, "connection-lost");
	failed(hull_client_call(&c, NULL, "Echo", NULL, 0, NULL, NULL, NULL, &err), &err,
	       HULL_E_INVALID, "");
	expect_reply(&c, "Echo", "again", NULL, "again");
	hull_lib_client_fini(&c);
}

struct canceling {
	struct hull_cancel *cancel;
	unsigned int after_ms;
};

static void *say_cancel(void *arg)
{
	const struct canceling *c = arg;

	usleep(c->after_ms * 1000);
	hull_cancel(c->cancel);
	return NULL;
}

static void test_cancel(void **state)
{
	struct canceling later = {.after_ms = 30};
	struct hull_call_options o = {.size = sizeof(o)};
	struct hull_error *err = NULL;
	struct hull_client c;
	pthread_t thread;

	assert_int_equal(hull_cancel_new(&later.cancel, NULL), 0);
	o.cancel = later.cancel;
	assert_int_equal(hull_lib_client_init(&c, vsock, NULL), 0);
	pthread_create(&thread, NULL, say_cancel, &later);
	failed(hull_client_call(&c, "svc", "Never", NULL, 0, &o, NULL, NULL, &err), &err,
	       HULL_E_CANCELED, "");
	failed(hull_client_call(&c, "svc", "Never", NULL, 0, &o, NULL, NULL, &err), &err,
	       HULL_E_CANCELED, "");
	pthread_join(thread, NULL);
	hull_lib_client_fini(&c);
	hull_cancel_free(later.cancel);
}

static void *call_often(void *arg)
{
	char text[32];

	for (int i = 0; i < 200; i++) {
		snprintf(text, sizeof(text), "%p %d", (void *)&text, i);
		expect_reply(arg, "Echo", text, NULL, text);
	}
	return NULL;
}

static void test_many_threads(void **state)
{
	pthread_t threads[8];
	struct hull_client c;

	assert_int_equal(hull_lib_client_init(&c, vsock, NULL), 0);
	for (size_t i = 0; i < ARRAY_SIZE(threads); i++)
		assert_int_equal(pthread_create(&threads[i], NULL, call_often, &c), 0);
	for (size_t i = 0; i < ARRAY_SIZE(threads); i++)
		pthread_join(threads[i], NULL);
	assert_true(c.n_idle <= HULL_LIB_CHANNELS_MAX);
	hull_lib_client_fini(&c);
}

/* ---- streams of messages ---- */

static void test_server_streams(void **state)
{
	struct hull_client_stream *s;
	struct hull_error *err = NULL;
	struct hull_client c;
	size_t len;
	void *m;

	assert_int_equal(hull_lib_client_init(&c, vsock, NULL), 0);
	/* More than is kept of it: the rest waits at the other end. */
	assert_int_equal(hull_client_open(&c, "svc", "Count", HULL_CLIENT_RECEIVES, "300", 3, NULL,
					  &s, NULL),
			 0);
	for (int i = 0; i < 300; i++) {
		assert_int_equal(hull_client_receive(s, 0, &m, &len, NULL), 1);
		assert_int_equal(len, BIG);
		hull_free(m);
	}
	assert_int_equal(hull_client_receive(s, 0, &m, &len, NULL), 0);
	assert_int_equal(hull_client_receive(s, 0, &m, &len, NULL), 0);
	failed(hull_client_send(s, "x", 1, &err), &err, HULL_E_STATE, "closed");
	hull_client_stream_free(s);
	/* Left in the middle. */
	assert_int_equal(hull_client_open(&c, "svc", "Count", HULL_CLIENT_RECEIVES, "300", 3, NULL,
					  &s, NULL),
			 0);
	assert_int_equal(hull_client_receive(s, 0, NULL, NULL, NULL), 1);
	hull_client_stream_free(s);
	failed(hull_client_open(&c, "svc", "Count", 4, NULL, 0, NULL, &s, &err), &err,
	       HULL_E_INVALID, "");
	hull_lib_client_fini(&c);
}

static void test_client_streams(void **state)
{
	struct hull_client_stream *s;
	struct hull_error *err = NULL;
	struct hull_client c;
	char big[BIG] = "";
	size_t len;
	void *m;

	assert_int_equal(hull_lib_client_init(&c, vsock, NULL), 0);
	assert_int_equal(
		hull_client_open(&c, "svc", "Sum", HULL_CLIENT_SENDS, NULL, 0, NULL, &s, NULL), 0);
	for (int i = 0; i < 100; i++)
		assert_int_equal(hull_client_send(s, big, sizeof(big), NULL), 0);
	assert_int_equal(hull_client_send(s, NULL, 0, NULL), 0);
	failed(hull_client_receive(s, 20, &m, &len, &err), &err, HULL_E_TIMEOUT, "deadline");
	assert_int_equal(hull_client_close_send(s, NULL), 0);
	failed(hull_client_send(s, big, 1, &err), &err, HULL_E_STATE, "closed");
	failed(hull_client_close_send(s, &err), &err, HULL_E_STATE, "closed");
	assert_int_equal(hull_client_receive(s, 0, &m, &len, NULL), 1);
	assert_int_equal(len, strlen("10000000 in 101"));
	assert_memory_equal(m, "10000000 in 101", len);
	hull_free(m);
	assert_int_equal(hull_client_receive(s, 0, &m, &len, NULL), 0);
	hull_client_stream_free(s);
	hull_lib_client_fini(&c);
}

static void *receive_all(void *arg)
{
	uintptr_t n = 0;
	void *m;

	while (hull_client_receive(arg, 0, &m, NULL, NULL) == 1) {
		hull_free(m);
		n++;
	}
	return (void *)n;
}

/* One thread receives, and has begun to wait before the other sends. */
static void test_both_ways(void **state)
{
	struct hull_client_stream *s;
	struct hull_client c;
	char big[BIG] = "";
	pthread_t thread;
	void *n;

	assert_int_equal(hull_lib_client_init(&c, vsock, NULL), 0);
	assert_int_equal(hull_client_open(&c, "svc", "Chat",
					  HULL_CLIENT_SENDS | HULL_CLIENT_RECEIVES, NULL, 0, NULL,
					  &s, NULL),
			 0);
	pthread_create(&thread, NULL, receive_all, s);
	usleep(20000);
	for (int i = 0; i < 200; i++)
		assert_int_equal(hull_client_send(s, big, sizeof(big), NULL), 0);
	assert_int_equal(hull_client_close_send(s, NULL), 0);
	pthread_join(thread, &n);
	assert_int_equal((uintptr_t)n, 200);
	hull_client_stream_free(s);
	hull_lib_client_fini(&c);
}

static void test_stream_lost(void **state)
{
	struct hull_client_stream *s;
	struct hull_error *err = NULL;
	struct hull_client c;
	void *m;

	assert_int_equal(hull_lib_client_init(&c, vsock, NULL), 0);
	assert_int_equal(hull_client_open(&c, "svc", "Drop",
					  HULL_CLIENT_SENDS | HULL_CLIENT_RECEIVES, NULL, 0, NULL,
					  &s, NULL),
			 0);
	for (int i = 0; i < 2; i++)
		failed(hull_client_receive(s, 0, &m, NULL, &err), &err, HULL_E_UNAVAILABLE,
		       "connection-lost");
	failed(hull_client_send(s, "x", 1, &err), &err, HULL_E_UNAVAILABLE, "connection-lost");
	hull_client_stream_free(s);
	hull_lib_client_fini(&c);
}

/* ---- turns ---- */

struct ticking {
	pthread_mutex_t lock;
	struct hull_lib_turns turns;
	bool ticked;
};

static void on_tick(void *ctx)
{
	struct ticking *t = ctx;

	t->ticked = true;
}

static void *await_tick(void *arg)
{
	const struct hull_lib_patience p = {.what = "a tick",
					    .deadline_ns = hull_deadline_ms(10000)};
	struct ticking *t = arg;
	int r = 0;

	pthread_mutex_lock(&t->lock);
	while (!t->ticked && r == 0)
		r = hull_lib_turn(&t->turns, &p, NULL);
	pthread_mutex_unlock(&t->lock);
	return (void *)(intptr_t)r;
}

/* Those who waited before it was armed wait for a timer too, whoever waits for the loop. */
static void test_turns_have_timers(void **state)
{
	struct ticking t = {.lock = PTHREAD_MUTEX_INITIALIZER};
	pthread_t threads[4];
	struct hull_source *timer;
	void *r;

	assert_int_equal(hull_loop_new(&t.turns.loop, NULL), 0);
	assert_int_equal(hull_loop_add_timer(t.turns.loop, on_tick, &t, &timer), 0);
	t.turns.lock = &t.lock;
	for (size_t i = 0; i < ARRAY_SIZE(threads); i++) {
		assert_int_equal(pthread_create(&threads[i], NULL, await_tick, &t), 0);
		usleep(10000);
		if (i != ARRAY_SIZE(threads) / 2)
			continue;
		pthread_mutex_lock(&t.lock);
		hull_source_arm(timer, hull_deadline_ms(50));
		pthread_mutex_unlock(&t.lock);
	}
	for (size_t i = 0; i < ARRAY_SIZE(threads); i++) {
		pthread_join(threads[i], &r);
		assert_int_equal((intptr_t)r, 0);
	}
	assert_true(t.ticked && !t.turns.taken && !t.turns.waiters);
	hull_loop_free(t.turns.loop);
}

/* ---- streams of bytes ---- */

static void expect_bytes(int fd, const char *want)
{
	char got[256] = "";
	size_t len = 0;
	ssize_t n;

	while (len < strlen(want) && (n = read(fd, got + len, sizeof(got) - len - 1)) > 0)
		len += (size_t)n;
	assert_string_equal(got, want);
}

static void test_dial(void **state)
{
	const struct hull_call_options brief = {.size = sizeof(brief), .timeout_ms = 60};
	char id[HULL_STREAM_ID_MAX + 2];
	struct hull_error *err = NULL;
	int fd;

	assert_int_equal(hull_lib_dial(vsock, "mine-1", NULL, &fd, NULL), 0);
	assert_int_equal(write(fd, "there", 5), 5);
	expect_bytes(fd, "hello there");
	assert_int_equal(shutdown(fd, SHUT_WR), 0);
	expect_bytes(fd, " bye");
	close(fd);
	failed(hull_lib_dial(vsock, "taken", NULL, &fd, &err), &err, HULL_E_EXISTS, "");
	failed(hull_lib_dial(vsock, "", NULL, &fd, &err), &err, HULL_E_INVALID, "");
	failed(hull_lib_dial(vsock, "a\nb", NULL, &fd, &err), &err, HULL_E_INVALID, "");
	memset(id, 'x', sizeof(id));
	id[HULL_STREAM_ID_MAX + 1] = '\0';
	failed(hull_lib_dial(vsock, id, NULL, &fd, &err), &err, HULL_E_INVALID, "");
	/* It comes back in time; and it does not. */
	__atomic_store_n(&absent, 3, __ATOMIC_SEQ_CST);
	assert_int_equal(hull_lib_dial(vsock, "mine-2", NULL, &fd, NULL), 0);
	assert_int_equal(absent, 0);
	close(fd);
	__atomic_store_n(&absent, 1000, __ATOMIC_SEQ_CST);
	failed(hull_lib_dial(vsock, "mine-3", &brief, &fd, &err), &err, HULL_E_UNAVAILABLE,
	       "connection-lost");
	__atomic_store_n(&absent, 0, __ATOMIC_SEQ_CST);
	failed(hull_lib_dial("/nonesuch", "mine-4", &brief, &fd, &err), &err, HULL_E_UNAVAILABLE,
	       "connection-lost");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_calls),
		cmocka_unit_test(test_cancel),
		cmocka_unit_test(test_many_threads),
		cmocka_unit_test(test_server_streams),
		cmocka_unit_test(test_client_streams),
		cmocka_unit_test(test_both_ways),
		cmocka_unit_test(test_stream_lost),
		cmocka_unit_test(test_dial),
		cmocka_unit_test(test_turns_have_timers),
	};

	return cmocka_run_group_tests(tests, start_guest, end_guest);
}
