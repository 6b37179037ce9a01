/* SPDX-License-Identifier: Apache-2.0
 *
 * The rules of a ttrpc client, and both ends back to back.
 */
#include "unit.h"

#include "base/cleanup.h"
#include "ttrpc-ends.h"

enum { Q = HULL_TTRPC_REQUEST, R = HULL_TTRPC_RESPONSE, D = HULL_TTRPC_DATA };
enum { CLOSED = HULL_TTRPC_CLOSED, OPEN = HULL_TTRPC_OPEN, NO_DATA = HULL_TTRPC_NO_DATA };

static void test_requests(void **state)
{
	const struct hull_ttrpc_kv kv[] = {
		{"containerd-namespace-ttrpc", "n"}, {"k", ""}, {"k", "2"}};
	struct hull_ttrpc_request rq = {
		.service = "svc",
		.method = "m",
		.payload = "p",
		.len = 1,
		.metadata = kv,
		.n_metadata = 3,
		.now_ns = 1000,
		.deadline_ns = 1250,
	};
	struct end c;

	client_init(&c);
	start(&c, "a", "", 0, 0);
	start(&c, "b", "x", 1, 0);
	start(&c, "c", "y", 2, 0);
	start(&c, "d", "", 3, 0);
	assert_int_equal(hull_ttrpc_call(c.t, &rq, &ends_cb, &c, NULL, NULL), 0);
	rq.deadline_ns = UINT64_MAX;
	rq.n_metadata = 0;
	assert_int_equal(hull_ttrpc_call(c.t, &rq, &ends_cb, &c, NULL, NULL), 0);
	assert_string_equal(sent(&c), "Q1/0 svc.a ''\n"
				      "Q3/2 svc.b 'x'\n"
				      "Q5/1 svc.c 'y'\n"
				      "Q7/2 svc.d ''\n"
				      "Q9/0 svc.m 'p' t=250 containerd-namespace-ttrpc=n k= k=2\n"
				      "Q11/0 svc.m 'p' t=9223372036854775807\n");
	assert_int_equal(hull_ttrpc_pending(c.t), 6);
	assert_int_equal(hull_ttrpc_deadline(c.t), 1250);
	end_fini(&c);
}

static void test_refused_calls(void **state)
{
	cleanup_free char *big = calloc(1, HULL_TTRPC_MESSAGE_MAX);
	cleanup_error struct hull_error *err = NULL;
	struct hull_ttrpc_request rq = {.service = "svc", .method = "m", .payload = big};
	struct hull_ttrpc_call *call = NULL;
	struct end c;

	assert_non_null(big);
	client_init(&c);
	rq.len = HULL_TTRPC_MESSAGE_MAX - 12;
	assert_int_equal(hull_ttrpc_call(c.t, &rq, &ends_cb, &c, &call, &err), -1);
	assert_int_equal(hull_error_code(err), HULL_E_EXHAUSTED);
	assert_string_equal(hull_error_message(err),
			    "call svc/m: message length 4194305 exceed maximum message size of "
			    "4194304");
	assert_null(call);
	hull_error_freep(&err);
	rq.len--;
	assert_int_equal(hull_ttrpc_call(c.t, &rq, &ends_cb, &c, &call, &err), 0);
	assert_int_equal(c.out.len, HULL_TTRPC_HEAD + HULL_TTRPC_MESSAGE_MAX);
	hull_strbuf_clear(&c.out);
	rq.len = 0;
	rq.deadline_ns = rq.now_ns = 7;
	assert_int_equal(hull_ttrpc_call(c.t, &rq, &ends_cb, &c, NULL, &err), -1);
	assert_int_equal(hull_error_code(err), HULL_E_TIMEOUT);
	/* No id was used for what failed. */
	start(&c, "a", "", 0, 0);
	assert_string_equal(sent(&c), "Q3/0 svc.a ''\n");
	end_fini(&c);
}

static void test_responses(void **state)
{
	static const struct {
		unsigned int kind;
		const char *body;
		size_t len;
		const char *seen;
	} cases[] = {
#define RESPONSE(kind, body, seen) {kind, body, sizeof(body) - 1, seen}
		RESPONSE(0, "", "done 0 '' ''\n"),
		RESPONSE(0, "\x12\x02ok", "done 0 '' 'ok'\n"),
		RESPONSE(1, "\x12\x02ok", "done 0 '' 'ok'\n"),
		RESPONSE(0, "\x0a\x00", "done 0 '' ''\n"),
		RESPONSE(0, "\x0a\x02\x12\x00", "done 0 '' ''\n"),
		RESPONSE(0, "\x0a\x06\x08\x05\x12\x02no", "done 5 'no' ''\n"),
		/* The payload comes along even with an error. */
		RESPONSE(0, "\x12\x01p\x0a\x02\x08\x0d", "done 13 '' 'p'\n"),
		RESPONSE(0, "\x0a\x0b\x08\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01",
			 "done -1 '' ''\n"),
		RESPONSE(0,
			 "\x0a\x15\x08\x09\x12\x01m\x1a\x08\x0a\x03u/"
			 "v\x12\x01w\x1a\x02\x0a\x00\x1a\x00",
			 "done 9 'm' [u/v 'w'] [ ''] [ ''] ''\n"),
		/* A status in two parts is one. */
		RESPONSE(0, "\x0a\x07\x08\x05\x1a\x03\x0a\x01x\x0a\x08\x12\x01m\x1a\x03\x0a\x01y",
			 "done 5 'm' [x ''] [y ''] ''\n"),
		RESPONSE(0, "\x53\x54\x5d\x31\x32\x33\x34\x12\x01p", "done 0 '' 'p'\n"),
		RESPONSE(0, "\x0a\x05\x08", "done 13 'undecodable response'\n"),
		RESPONSE(0, "\x0a\x01\x08", "done 13 'undecodable response'\n"),
		RESPONSE(0, "\x0a\x03\x1a\x01\x0a", "done 13 'undecodable response'\n"),
		/* A response ends a server's stream as well. */
		RESPONSE(2, "", "done 0 ''\n"),
		RESPONSE(2, "\x12\x02ok", "data 'ok'\ndone 0 ''\n"),
		RESPONSE(3, "\x0a\x02\x08\x0d\x12\x01p", "done 13 ''\n"),
	};
	cleanup_strbuf struct hull_strbuf in = HULL_STRBUF_INIT;

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct end c;

		client_init(&c);
		start(&c, "m", "", cases[i].kind, 0);
		add_frame(&in, 1, R, 0, cases[i].body, cases[i].len);
		feed(&c, &in);
		assert_string_equal(seen(&c), cases[i].seen);
		assert_int_equal(hull_ttrpc_pending(c.t), 0);
		end_fini(&c);
	}
}

static void test_details_are_bounded(void **state)
{
	cleanup_strbuf struct hull_strbuf in = HULL_STRBUF_INIT, want = HULL_STRBUF_INIT;
	uint8_t body[3 + 2 * 100] = {0x0a, 0xc8, 0x01};
	struct end c;

	client_init(&c);
	start(&c, "m", "", 0, 0);
	for (size_t i = 3; i < sizeof(body); i += 2)
		body[i] = 0x1a;
	add_frame(&in, 1, R, 0, body, sizeof(body));
	feed(&c, &in);
	hull_strbuf_adds(&want, "done 0 ''");
	for (int i = 0; i < HULL_TTRPC_DETAILS_MAX; i++)
		hull_strbuf_adds(&want, " [ '']");
	hull_strbuf_adds(&want, " ''\n");
	assert_string_equal(seen(&c), hull_strbuf_str(&want));
	end_fini(&c);
}

static void test_frames(void **state)
{
	static const struct {
		unsigned int kind;
		uint8_t type, flags;
		const char *body, *seen;
	} cases[] = {
		{2, D, 0, "ab", "data 'ab'\n"},
		{2, D, 0, "", "data ''\n"},
		{2, D, NO_DATA, "", ""},
		{2, D, NO_DATA, "ab", ""},
		{2, D, CLOSED | NO_DATA, "", "done 0 ''\n"},
		{2, D, CLOSED | NO_DATA, "ab", "done 0 ''\n"},
		{2, D, CLOSED, "ab", "data 'ab'\ndone 0 ''\n"},
		{2, D, CLOSED, "", "data ''\ndone 0 ''\n"},
		{3, D, CLOSED | NO_DATA, "", "done 0 ''\n"},
		{0, D, 0, "ab", "done 13 'data from a method that does not stream'\n"},
		{1, D, CLOSED | NO_DATA, "", "done 13 'data from a method that does not stream'\n"},
		{0, Q, 0, "ab", "done 13 'request from a server'\n"},
		{2, Q, 0, "", "done 13 'request from a server'\n"},
		{0, 0, 0, "ab", ""},
		{3, 4, CLOSED, "ab", ""},
		{2, 255, 255, "", ""},
	};
	cleanup_strbuf struct hull_strbuf in = HULL_STRBUF_INIT;

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct end c;

		client_init(&c);
		start(&c, "m", "", cases[i].kind, 0);
		add_frame(&in, 1, cases[i].type, cases[i].flags, cases[i].body,
			  strlen(cases[i].body));
		feed(&c, &in);
		assert_string_equal(seen(&c), cases[i].seen);
		assert_int_equal(hull_ttrpc_pending(c.t), strstr(cases[i].seen, "done") ? 0 : 1);
		end_fini(&c);
	}
}

static void test_late_and_stray(void **state)
{
	cleanup_strbuf struct hull_strbuf in = HULL_STRBUF_INIT;
	struct end c;

	client_init(&c);
	hull_ttrpc_cancel(start(&c, "a", "", 0, 0));
	start(&c, "b", "", 0, 50);
	start(&c, "c", "", 0, 0);
	hull_ttrpc_tick(c.t, 50);
	assert_string_equal(seen(&c), "done 4 'deadline exceeded'\n");
	hull_strbuf_clear(&c.out);
	add_response(&in, 1, 0, "", "late");
	add_response(&in, 3, 0, "", "late");
	add_response(&in, 0, 3, "probe", "");
	add_response(&in, 2, 0, "", "");
	add_response(&in, 99, 0, "", "never asked");
	add_response(&in, 5, 0, "", "in time");
	add_response(&in, 5, 0, "", "twice");
	feed(&c, &in);
	assert_string_equal(seen(&c), "done 0 '' 'in time'\n");
	assert_string_equal(sent(&c), ""); /* there is nothing to say about it */
	end_fini(&c);
}

struct timed {
	uint64_t deadline_ns, *now_ns;
	size_t *n_done;
};

static void timed_done(void *ctx, const struct hull_ttrpc_status *status, const void *payload,
		       size_t len)
{
	struct timed *timed = ctx;

	if (status->code != HULL_RPC_DEADLINE_EXCEEDED)
		return;
	assert_int_equal(timed->deadline_ns, *timed->now_ns);
	++*timed->n_done;
}

static void test_deadlines(void **state)
{
	static const struct hull_ttrpc_call_cb cb = {.done = timed_done};
	struct hull_ttrpc_request rq = {.service = "svc", .method = "m", .now_ns = 1};
	struct hull_ttrpc_call *calls[300];
	struct timed timed[300];
	uint64_t last = 0, at;
	unsigned int seed = 1;
	size_t n = 0;
	struct end c;

	client_init(&c);
	assert_int_equal(hull_ttrpc_deadline(c.t), 0);
	for (size_t i = 0; i < ARRAY_SIZE(calls); i++) {
		seed = seed * 1103515245 + 12345;
		rq.deadline_ns = i % 5 ? (seed >> 16) % 5000 + 2 : 0; /* some are the same */
		timed[i] = (struct timed){rq.deadline_ns, &at, &n};
		assert_int_equal(hull_ttrpc_call(c.t, &rq, &cb, &timed[i], &calls[i], NULL), 0);
	}
	for (size_t i = 0; i < ARRAY_SIZE(calls); i += 3)
		hull_ttrpc_cancel(calls[i]);
	for (; (at = hull_ttrpc_deadline(c.t)); last = at) {
		assert_true(at > last);
		hull_ttrpc_tick(c.t, at - 1);
		hull_ttrpc_tick(c.t, at);
	}
	assert_int_equal(n, 160);
	assert_int_equal(hull_ttrpc_pending(c.t), 40);
	end_fini(&c);
}

static void test_too_long(void **state)
{
	cleanup_free char *big = calloc(1, HULL_TTRPC_MESSAGE_MAX + 1);
	cleanup_strbuf struct hull_strbuf in = HULL_STRBUF_INIT;
	struct end c;

	assert_non_null(big);
	client_init(&c);
	start(&c, "a", "", 0, 0);
	start(&c, "b", "", 2, 0);
	start(&c, "c", "", 2, 0);
	add_frame(&in, 1, R, 0, big, HULL_TTRPC_MESSAGE_MAX + 1);
	add_frame(&in, 3, D, 0, big, HULL_TTRPC_MESSAGE_MAX + 1);
	add_frame(&in, 99, D, 0, big, HULL_TTRPC_MESSAGE_MAX + 1);
	add_frame(&in, 5, D, CLOSED, big, HULL_TTRPC_MESSAGE_MAX);
	feed(&c, &in);
	assert_non_null(strstr(
		seen(&c), "done 8 'message length 4194305 exceed maximum message size of 4194304'\n"
			  "done 8 'message length 4194305 exceed maximum message size of 4194304'\n"
			  "data '"));
	assert_int_equal(hull_ttrpc_pending(c.t), 0);
	end_fini(&c);
}

static void test_client_stream(void **state)
{
	cleanup_free char *big = calloc(1, HULL_TTRPC_MESSAGE_MAX + 1);
	struct hull_ttrpc_call *one, *up, *down;
	struct end c;

	assert_non_null(big);
	client_init(&c);
	one = start(&c, "a", "", 0, 0);
	up = start(&c, "b", "", 1, 0);
	down = start(&c, "c", "", 2, 0);
	hull_strbuf_clear(&c.out);
	assert_int_equal(hull_ttrpc_call_send(one, "x", 1), -EPIPE);
	assert_int_equal(hull_ttrpc_half_close(one), -EPIPE);
	assert_int_equal(hull_ttrpc_call_send(down, "x", 1), -EPIPE);
	assert_int_equal(hull_ttrpc_half_close(down), -EPIPE);
	assert_int_equal(hull_ttrpc_call_send(up, "x", 1), 0);
	assert_int_equal(hull_ttrpc_call_send(up, NULL, 0), 0);
	assert_int_equal(hull_ttrpc_call_send(up, big, HULL_TTRPC_MESSAGE_MAX + 1), -EMSGSIZE);
	assert_int_equal(hull_ttrpc_half_close(up), 0);
	assert_int_equal(hull_ttrpc_half_close(up), -EPIPE);
	assert_int_equal(hull_ttrpc_call_send(up, "x", 1), -EPIPE);
	assert_string_equal(sent(&c), "D3/0 'x'\nD3/0 ''\nD3/5 ''\n");
	end_fini(&c);
}

/* ---- callbacks that come back ---- */

struct again {
	struct end *e;
	struct hull_ttrpc_call *self, *other;
	int left;
	bool free_in_data, free_in_done;
};

static void again_start(struct again *a);

static void again_data(void *ctx, struct hull_ttrpc_call *call, const void *data, size_t len)
{
	struct again *a = ctx;

	assert_ptr_equal(call, a->self);
	hull_strbuf_adds(&a->e->log, "data\n");
	if (a->free_in_data) {
		hull_ttrpc_free(steal_ptr(&a->e->t));
		return;
	}
	if (a->other)
		hull_ttrpc_cancel(steal_ptr(&a->other));
	hull_ttrpc_cancel(call);
	a->self = NULL;
}

static void again_done(void *ctx, const struct hull_ttrpc_status *status, const void *payload,
		       size_t len)
{
	struct again *a = ctx;

	hull_strbuf_addf(&a->e->log, "done %d\n", status->code);
	/* Too late, and without effect. */
	assert_int_equal(hull_ttrpc_call_send(a->self, "x", 1), -EPIPE);
	assert_int_equal(hull_ttrpc_half_close(a->self), -EPIPE);
	hull_ttrpc_cancel(a->self);
	a->self = NULL;
	if (a->e->t && a->free_in_done)
		hull_ttrpc_free(steal_ptr(&a->e->t));
	else if (a->left-- > 0)
		again_start(a);
}

static void again_start(struct again *a)
{
	static const struct hull_ttrpc_call_cb cb = {.data = again_data, .done = again_done};
	const struct hull_ttrpc_request rq = {
		.service = "svc", .method = "echo", .client_streams = true, .server_streams = true};
	cleanup_error struct hull_error *err = NULL;

	if (hull_ttrpc_call(a->e->t, &rq, &cb, a, &a->self, &err) < 0)
		hull_strbuf_addf(&a->e->log, "%s\n", hull_error_message(err));
}

static void test_reentry(void **state)
{
	cleanup_strbuf struct hull_strbuf in = HULL_STRBUF_INIT;
	struct end c;
	struct again a = {.e = &c, .left = 2};

	client_init(&c);
	again_start(&a);
	add_response(&in, 1, 0, "", "");
	add_response(&in, 3, 0, "", ""); /* of the call that done() will start */
	add_frame(&in, 5, D, CLOSED | NO_DATA, "", 0);
	feed(&c, &in);
	assert_string_equal(seen(&c), "done 0\ndone 0\ndone 0\n");

	/* Cancels itself and another in data(): the close in the same frame finds nobody. */
	again_start(&a);
	a.other = start(&c, "m", "", 2, 0);
	add_frame(&in, 7, D, CLOSED, "x", 1);
	add_frame(&in, 9, D, CLOSED, "x", 1);
	feed(&c, &in);
	assert_string_equal(seen(&c), "data\n");
	again_start(&a);
	add_response(&in, 11, 0, "", "last message");
	feed(&c, &in);
	assert_string_equal(seen(&c), "data\n");
	assert_int_equal(hull_ttrpc_pending(c.t), 0);
	end_fini(&c);
}

static void test_freed_inside(void **state)
{
	cleanup_strbuf struct hull_strbuf in = HULL_STRBUF_INIT;
	struct end c;

	for (int how = 0; how < 4; how++) {
		struct again a = {.e = &c, .free_in_data = how < 2, .free_in_done = true};

		client_init(&c);
		again_start(&a);
		start(&c, "m", "", 2, how == 3 ? 5 : 0);
		if (how == 1)
			add_response(&in, 1, 0, "", "last message");
		else
			add_frame(&in, 1, D, how ? CLOSED | NO_DATA : CLOSED, "x", how ? 0 : 1);
		add_frame(&in, 3, D, 0, "x", 1);
		if (how == 3)
			hull_ttrpc_tick(c.t, 5);
		assert_int_equal(hull_ttrpc_feed(c.t, in.data, in.len, NULL), 0);
		hull_strbuf_clear(&in);
		assert_null(c.t);
		assert_string_equal(seen(&c), how < 2	? "data\ndone 14\ndone 14 'ttrpc: closed'\n"
					      : how < 3 ? "done 0\ndone 14 'ttrpc: closed'\n"
							: "done 4 'deadline exceeded'\ndone 0\n");
		end_fini(&c);
	}
}

static void test_closed(void **state)
{
	struct end c;
	struct again a = {.e = &c, .left = 1};

	client_init(&c);
	start(&c, "m", "", 0, 50);
	again_start(&a);
	hull_strbuf_clear(&c.out);
	hull_ttrpc_free(c.t);
	c.t = NULL;
	assert_string_equal(seen(&c), "done 14 'ttrpc: closed'\ndone 14\n"
				      "call svc/echo: ttrpc: closed\n");
	assert_string_equal(sent(&c), "");
	end_fini(&c);
}

static void refeed(void *ctx, const struct hull_ttrpc_status *status, const void *payload,
		   size_t len)
{
	cleanup_error struct hull_error *err = NULL;
	struct end *e = ctx;

	assert_int_equal(hull_ttrpc_feed(e->t, "x", 1, &err), -1);
	assert_int_equal(hull_error_code(err), HULL_E_INTERNAL);
	hull_ttrpc_tick(e->t, 1000); /* that is allowed */
	hull_strbuf_adds(&e->log, "refused\n");
}

static void test_feed_does_not_nest(void **state)
{
	const struct hull_ttrpc_request rq = {.service = "s", .method = "m"};
	const struct hull_ttrpc_call_cb cb = {.done = refeed};
	cleanup_strbuf struct hull_strbuf in = HULL_STRBUF_INIT;
	struct end c;

	client_init(&c);
	assert_int_equal(hull_ttrpc_call(c.t, &rq, &cb, &c, NULL, NULL), 0);
	start(&c, "m", "", 0, 1000);
	add_response(&in, 1, 0, "", "");
	feed(&c, &in);
	assert_string_equal(seen(&c), "done 4 'deadline exceeded'\nrefused\n");
	end_fini(&c);
}

/* ---- back to back ---- */

static void test_splits(void **state)
{
	cleanup_strbuf struct hull_strbuf in = HULL_STRBUF_INIT;
	cleanup_free char *want = NULL;

	add_response(&in, 1, 5, "no", "p");
	add_frame(&in, 3, D, 0, "one", 3);
	add_frame(&in, 3, D, 0, "", 0);
	add_response(&in, 5, 0, "", "sum");
	add_response(&in, 8, 3, "stray", "");
	add_frame(&in, 3, D, CLOSED | NO_DATA, "", 0);
	for (size_t cut = 0; cut <= in.len; cut++) {
		cleanup_free char *got = NULL;
		struct end c;

		client_init(&c);
		start(&c, "a", "", 0, 0);
		start(&c, "b", "", 3, 0);
		start(&c, "c", "", 1, 0);
		assert_int_equal(hull_ttrpc_feed(c.t, in.data, cut, NULL), 0);
		assert_int_equal(hull_ttrpc_feed(c.t, in.data + cut, in.len - cut, NULL), 0);
		assert_int_equal(hull_ttrpc_pending(c.t), 0);
		got = strdup(seen(&c));
		if (!want)
			want = strdup(got);
		assert_string_equal(got, want);
		end_fini(&c);
	}
	assert_string_equal(want,
			    "done 5 'no' 'p'\ndata 'one'\ndata ''\ndone 0 '' 'sum'\ndone 0 ''\n");
}

static void test_both_ends(void **state)
{
	static const size_t chunks[] = {1, 2, 9, 10, 11, 100, 100000};

	for (size_t i = 0; i < ARRAY_SIZE(chunks); i++) {
		struct hull_ttrpc_call *both, *count;
		struct end c, s;

		client_init(&c);
		server_init(&s);
		start(&c, "echo", "hello", 0, 0);
		start(&c, "fail", "", 0, 0);
		start(&c, "list", "item", 2, 0);
		both = start(&c, "both", "", 3, 0);
		count = start(&c, "count", "", 1, 0);
		pump(&c, &s, chunks[i]);
		assert_string_equal(seen(&c), "done 0 '' 'hello'\n"
					      "done 5 'no such thing' [a/b 'v'] [ ''] ''\n"
					      "data 'item'\ndata 'item'\ndone 0 ''\n");
		assert_int_equal(hull_ttrpc_call_send(both, "x", 1), 0);
		assert_int_equal(hull_ttrpc_call_send(count, "y", 1), 0);
		assert_int_equal(hull_ttrpc_half_close(count), 0);
		pump(&c, &s, chunks[i]);
		assert_int_equal(hull_ttrpc_call_send(both, NULL, 0), 0);
		assert_int_equal(hull_ttrpc_half_close(both), 0);
		pump(&c, &s, chunks[i]);
		assert_string_equal(seen(&c), "data 'x'\ndone 0 '' 'ended'\ndata ''\ndone 0 ''\n");
		assert_int_equal(hull_ttrpc_pending(c.t), 0);
		assert_int_equal(hull_ttrpc_pending(s.t), 0);
		end_fini(&s);
		end_fini(&c);
	}
}

/* Hundreds of open calls, answered in an order that has nothing to do with theirs. */
static void test_many(void **state)
{
	cleanup_strbuf struct hull_strbuf want = HULL_STRBUF_INIT;
	struct end c, s;
	char text[16];

	client_init(&c);
	server_init(&s);
	for (int round = 0; round < 20; round++) {
		for (int i = 0; i < ENDS_KEPT_MAX; i++) {
			snprintf(text, sizeof(text), "%d", i);
			start(&c, "keep", text, 0, 1000 + (uint64_t)(i * 7919) % 512);
		}
		pump(&c, &s, 4096);
		assert_int_equal(hull_ttrpc_pending(s.t), ENDS_KEPT_MAX);
		hull_strbuf_clear(&s.log);
		for (size_t i = 0; i < ENDS_KEPT_MAX; i++) {
			struct hull_ttrpc_call *call = s.kept[i * 101 % ENDS_KEPT_MAX];
			size_t len;
			const void *payload = hull_ttrpc_payload(call, &len);

			hull_strbuf_addf(&want, "done 0 '' '%zu'\n", i * 101 % ENDS_KEPT_MAX);
			hull_ttrpc_reply(call, payload, len);
		}
		s.n_kept = 0;
		pump(&c, &s, 4096);
		assert_string_equal(seen(&c), hull_strbuf_str(&want));
		hull_strbuf_clear(&want);
		assert_int_equal(hull_ttrpc_pending(c.t), 0);
		assert_int_equal(hull_ttrpc_deadline(c.t), 0);
	}
	end_fini(&s);
	end_fini(&c);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_requests),
		cmocka_unit_test(test_refused_calls),
		cmocka_unit_test(test_responses),
		cmocka_unit_test(test_details_are_bounded),
		cmocka_unit_test(test_frames),
		cmocka_unit_test(test_late_and_stray),
		cmocka_unit_test(test_deadlines),
		cmocka_unit_test(test_too_long),
		cmocka_unit_test(test_client_stream),
		cmocka_unit_test(test_reentry),
		cmocka_unit_test(test_freed_inside),
		cmocka_unit_test(test_closed),
		cmocka_unit_test(test_feed_does_not_nest),
		cmocka_unit_test(test_splits),
		cmocka_unit_test(test_both_ends),
		cmocka_unit_test(test_many),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
