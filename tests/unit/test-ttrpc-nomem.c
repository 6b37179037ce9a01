/* SPDX-License-Identifier: Apache-2.0
 *
 * ttrpc when each of its allocations fails in turn: every call still ends exactly once on both
 * sides, and the connection lives.  The code under test is compiled in here, with allocators that
 * fail on demand; so are a few things that can't be seen from outside.
 */
#include "unit.h"

#include "base/cleanup.h"
#include "base/log.h"
#include "ttrpc-ends.h"

#include <assert.h>

static int allocations, fail_at = -1; /* -1: never */

static bool fails(void)
{
	return allocations++ == fail_at;
}

#undef strdup
#define malloc(n) (fails() ? NULL : malloc(n))
#define calloc(n, s) (fails() ? NULL : calloc(n, s))
#define realloc(p, n) (fails() ? NULL : realloc(p, n))
#define strdup(s) (fails() ? NULL : strdup(s))
/* clang-format off: after the above */
#include "../../src/proto/ttrpc-calls.c"
#include "../../src/proto/ttrpc-wire.c"
#include "../../src/proto/ttrpc.c"
/* clang-format on */
#undef malloc
#undef calloc
#undef realloc
#undef strdup

static char big[3000];

struct tracked {
	struct hull_ttrpc_call *call;
	int begun, done;
};

static void tracked_data(void *ctx, struct hull_ttrpc_call *call, const void *data, size_t len)
{
}

static void tracked_done(void *ctx, const struct hull_ttrpc_status *status, const void *payload,
			 size_t len)
{
	struct tracked *c = ctx;

	assert_int_equal(++c->done, 1);
	assert_non_null(status->message);
	assert_true(status->code == HULL_RPC_OK || status->code == HULL_RPC_NOT_FOUND ||
		    status->code == HULL_RPC_RESOURCE_EXHAUSTED);
}

static void tracked_start(struct hull_ttrpc *t, struct tracked *c, const char *method, size_t len,
			  bool client_streams, bool server_streams)
{
	static const struct hull_ttrpc_kv kv[] = {{"k", "v"}, {"l", "w"}};
	static const struct hull_ttrpc_call_cb cb = {.data = tracked_data, .done = tracked_done};
	const struct hull_ttrpc_request rq = {
		.service = "svc",
		.method = method,
		.payload = big,
		.len = len,
		.now_ns = 1,
		.deadline_ns = 1000,
		.client_streams = client_streams,
		.server_streams = server_streams,
		.metadata = kv,
		.n_metadata = 2,
	};
	cleanup_error struct hull_error *err = NULL;

	if (hull_ttrpc_call(t, &rq, &cb, c, &c->call, &err) == 0)
		c->begun = 1;
	else
		assert_int_equal(hull_error_code(err), HULL_E_NOMEM);
}

static void run_calls(struct end *c, struct end *s)
{
	struct tracked calls[24] = {0};

	tracked_start(c->t, &calls[0], "echo", sizeof(big), false, false);
	tracked_start(c->t, &calls[1], "fail", 0, false, false);
	tracked_start(c->t, &calls[2], "list", 3, false, true);
	tracked_start(c->t, &calls[3], "both", 0, true, true);
	for (size_t i = 4; i < ARRAY_SIZE(calls); i++) /* the tables grow */
		tracked_start(c->t, &calls[i], "count", 0, true, false);
	pump(c, s, 100);
	for (size_t i = 3; i < ARRAY_SIZE(calls); i++) {
		int r;

		if (calls[i].done || !calls[i].begun)
			continue;
		r = hull_ttrpc_call_send(calls[i].call, big, i < 5 ? sizeof(big) : 20);
		assert_true(r == 0 || r == -ENOMEM);
		assert_int_equal(hull_ttrpc_half_close(calls[i].call), 0);
	}
	pump(c, s, 100);
	assert_int_equal(hull_ttrpc_pending(c->t), 0);
	assert_int_equal(hull_ttrpc_pending(s->t), 0);
	assert_int_equal(s->n_kept, 0);
	assert_int_equal(hull_ttrpc_deadline(c->t), 0);
	for (size_t i = 0; i < ARRAY_SIZE(calls); i++)
		assert_int_equal(calls[i].begun, calls[i].done);
	/* Still good for another one. */
	fail_at = -1;
	tracked_start(c->t, memset(&calls[0], 0, sizeof(calls[0])), "echo", 5, false, false);
	pump(c, s, 7);
	assert_int_equal(calls[0].done, 1);
}

/* "both" echoes what may need memory: the harness' handler must not insist. */
static void data_or_fail(void *ctx, struct hull_ttrpc_call *call, const void *data, size_t len,
			 bool last)
{
	struct end *e = ctx;

	if (!last && !strcmp(hull_ttrpc_method(call), "both") &&
	    hull_ttrpc_send(call, data, len) < 0) {
		forget(e, call);
		hull_ttrpc_failf(call, HULL_RPC_RESOURCE_EXHAUSTED, "no memory");
	} else if (last) {
		ends_data(ctx, call, data, len, last);
	}
}

static void test_each_allocation(void **state)
{
	const struct hull_ttrpc_server_ops ops = {.output = ends_output,
						  .request = ends_request,
						  .data = data_or_fail,
						  .gone = ends_gone};
	int n, reached;

	for (n = 0;; n++) {
		cleanup_error struct hull_error *err = NULL;
		struct end c = {0}, s = {0};
		bool made;

		allocations = 0;
		fail_at = n;
		made = hull_ttrpc_client_new(ends_output, &c, &c.t, &err) == 0 &&
		       hull_ttrpc_server_new(&ops, &s, &s.t, &err) == 0;
		if (made)
			run_calls(&c, &s);
		else
			assert_int_equal(hull_error_code(err), HULL_E_NOMEM);
		reached = allocations > n;
		end_fini(&c);
		end_fini(&s);
		if (!reached)
			break;
	}
	assert_true(n > 100);
}

/* Text that must be copied first, details, and a response beyond the small frame. */
static void test_failing_without_memory(void **state)
{
	static const struct {
		const char *message;
		size_t n_details;
		const char *sent;
	} cases[] = {
		{"plain", 0, "R1/0 7 'plain'\n"}, /* needs none */
		{"bad \xff", 0, "R1/0 7 'out of memory for the response'\n"},
		{"plain", 1, "R1/0 7 'out of memory for the response'\n"},
		{big, 0, "R1/0 7 'out of memory for the response'\n"},
	};
	const struct hull_ttrpc_any any = {"a", "b", 1};

	memset(big, 'b', sizeof(big) - 1);
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		const struct hull_ttrpc_status st = {HULL_RPC_PERMISSION_DENIED, cases[i].message,
						     &any, cases[i].n_details};
		cleanup_strbuf struct hull_strbuf in = HULL_STRBUF_INIT;
		struct end s;

		server_init(&s);
		add_request(&in, 1, 0, "keep", "");
		feed(&s, &in);
		allocations = fail_at = 0;
		hull_ttrpc_fail(s.kept[0], &st);
		fail_at = -1;
		assert_string_equal(sent(&s), cases[i].sent);
		s.n_kept = 0;
		end_fini(&s);
	}
}

/* An error keeps its code when there is no memory for its text. */
static void test_status_without_memory(void **state)
{
	cleanup_strbuf struct hull_strbuf in = HULL_STRBUF_INIT;
	struct end c;

	client_init(&c);
	start(&c, "m", "", 0, 0);
	add_response(&in, 1, HULL_RPC_NOT_FOUND, "no such thing", "");
	allocations = fail_at = 0;
	feed(&c, &in);
	fail_at = -1;
	assert_string_equal(seen(&c), "done 5 '' ''\n");
	end_fini(&c);
}

static void test_ids_run_out(void **state)
{
	const struct hull_ttrpc_request rq = {.service = "s", .method = "m"};
	cleanup_error struct hull_error *err = NULL;
	struct end c;

	client_init(&c);
	c.t->next_id = UINT32_MAX;
	start(&c, "last", "", 0, 0);
	assert_string_equal(sent(&c), "Q4294967295/0 svc.last ''\n");
	assert_int_equal(hull_ttrpc_call(c.t, &rq, &ends_cb, &c, NULL, &err), -1);
	assert_int_equal(hull_error_code(err), HULL_E_UNAVAILABLE);
	end_fini(&c);
}

/* Chains stay short. */
static void test_table_grows(void **state)
{
	struct end c;

	client_init(&c);
	for (int i = 0; i < 1000; i++)
		start(&c, "m", "", 0, 0);
	assert_int_equal(c.t->calls.n_buckets, 1024);
	end_fini(&c);
}

/* A body that came in one piece is handed out where it lies. */
static const void *message_at;

static void at_message(void *ctx, struct hull_ttrpc_call *call, const void *data, size_t len)
{
	message_at = data;
}

static void test_nothing_is_copied(void **state)
{
	const struct hull_ttrpc_request rq = {
		.service = "s", .method = "m", .server_streams = true};
	const struct hull_ttrpc_call_cb cb = {.data = at_message, .done = ends_done};
	cleanup_strbuf struct hull_strbuf in = HULL_STRBUF_INIT;
	struct end c;

	client_init(&c);
	assert_int_equal(hull_ttrpc_call(c.t, &rq, &cb, &c, NULL, NULL), 0);
	add_frame(&in, 1, HULL_TTRPC_DATA, 0, "payload", 7);
	allocations = 0;
	/* A header in two pieces changes nothing. */
	assert_int_equal(hull_ttrpc_feed(c.t, in.data, 4, NULL), 0);
	assert_int_equal(hull_ttrpc_feed(c.t, in.data + 4, in.len - 4, NULL), 0);
	assert_ptr_equal(message_at, in.data + HULL_TTRPC_HEAD);
	assert_int_equal(allocations, 0);
	assert_int_equal(hull_ttrpc_feed(c.t, in.data, HULL_TTRPC_HEAD + 1, NULL), 0);
	assert_int_equal(hull_ttrpc_feed(c.t, in.data + HULL_TTRPC_HEAD + 1, 6, NULL), 0);
	assert_int_equal(allocations, 1);
	assert_null(c.t->body);
	end_fini(&c);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_each_allocation),
		cmocka_unit_test(test_failing_without_memory),
		cmocka_unit_test(test_status_without_memory),
		cmocka_unit_test(test_ids_run_out),
		cmocka_unit_test(test_table_grows),
		cmocka_unit_test(test_nothing_is_copied),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
