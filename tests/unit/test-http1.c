/* SPDX-License-Identifier: Apache-2.0
 *
 * HTTP/1.1, the server's side: what is a request and where it ends, what is refused with which
 * status, whole and byte by byte; answers to the letter.
 */
#include "unit.h"

#include "../fuzz/fuzz-http1.c"
#include "corpus.h"

#include <errno.h>

static const struct hull_http1_limits small = {.line = 40, .head = 200, .body = 20};

/* Feeds @text in pieces of @step: how it ends.  *ret_used: up to there. */
static enum hull_http1_got feed(struct hull_http1 *p, const char *text, size_t len, size_t step,
				size_t *ret_used)
{
	enum hull_http1_got got = HULL_HTTP1_GOT_MORE;
	size_t at = 0, used;

	while (at < len && (got == HULL_HTTP1_GOT_MORE || got == HULL_HTTP1_GOT_CONTINUE)) {
		got = hull_http1_feed(p, text + at, MIN(step, len - at), &used);
		at += used;
	}
	*ret_used = at;
	return got;
}

#define H "Host: x\r\n"
#define CHUNKED "POST / HTTP/1.1\r\n" H "Transfer-Encoding: chunked\r\n\r\n"

static const struct accepted {
	const char *text, *method, *target, *body;
	bool keep_alive;
	size_t rest; /* bytes that belong to what follows */
} accepted[] = {
	{"GET / HTTP/1.1\r\n" H "\r\n", "GET", "/", "", true, 0},
	{"GET / HTTP/1.1\r\n" H "\r\nGET", "GET", "/", "", true, 3},
	{"\r\n\r\nGET / HTTP/1.1\r\n" H "\r\n", "GET", "/", "", true, 0},
	{"GET / HTTP/1.1\n" H "\n", "GET", "/", "", true, 0},
	{"GET / HTTP/1.0\r\n\r\n", "GET", "/", "", false, 0},
	{"GET / HTTP/1.0\r\nConnection: keep-alive\r\n\r\n", "GET", "/", "", true, 0},
	{"GET / HTTP/1.1\r\n" H "connection: a ,Close\r\n\r\n", "GET", "/", "", false, 0},
	{"GET / HTTP/1.1\r\n" H "Connection: closed\r\n\r\n", "GET", "/", "", true, 0},
	{"GET / HTTP/1.7\r\n" H "\r\n", "GET", "/", "", true, 0},
	{"GET / HTTP/1.1\r\nHost:\r\n\r\n", "GET", "/", "", true, 0},
	{"OPTIONS * HTTP/1.1\r\n" H "\r\n", "OPTIONS", "*", "", true, 0},
	{"P!#~ http://h/a?b HTTP/1.1\r\n" H "\r\n", "P!#~", "http://h/a?b", "", true, 0},
	{"POST / HTTP/1.1\r\n" H "Content-Length: 3\r\n\r\nabcd", "POST", "/", "abc", true, 1},
	{"POST / HTTP/1.1\r\n" H "Content-Length: 0003 \r\n\r\nabc", "POST", "/", "abc", true, 0},
	{"POST / HTTP/1.1\r\n" H "Content-Length: 0\r\n\r\nabc", "POST", "/", "", true, 3},
	{"POST / HTTP/1.1\r\n" H "Content-Length: 20\r\n\r\n01234567890123456789", "POST", "/",
	 "01234567890123456789", true, 0},
	{"POST / HTTP/1.1\r\n" H "Expect: 100-Continue\r\nContent-Length: 1\r\n\r\na", "POST", "/",
	 "a", true, 0},
	{CHUNKED "0\r\n\r\nxy", "POST", "/", "", true, 2},
	{CHUNKED "3\r\nabc\r\n00A;ext=\"1\"\r\n0123456789\r\n0\r\n\r\n", "POST", "/",
	 "abc0123456789", true, 0},
	{CHUNKED "1\r\na\r\n0\r\nTrailer: x\r\nContent-Length: 7\r\n\r\n", "POST", "/", "a", true,
	 0},
};

static void test_accepted(void **state)
{
	static const size_t steps[] = {1, 2, 3, 5, 7, 1000};

	for (size_t i = 0; i < ARRAY_SIZE(accepted); i++) {
		const struct accepted *a = &accepted[i];
		size_t len = strlen(a->text);

		for (size_t k = 0; k < ARRAY_SIZE(steps); k++) {
			cleanup_with(hull_http1_freep) struct hull_http1 *p = NULL;
			const struct hull_http1_request *rq;
			size_t used;

			assert_int_equal(hull_http1_new(&small, &p), 0);
			rq = hull_http1_request(p);
			if (feed(p, a->text, len, steps[k], &used) != HULL_HTTP1_GOT_REQUEST)
				fail_msg("'%s': %d %s", a->text, hull_http1_status(p),
					 hull_http1_why(p) ? hull_http1_why(p) : "");
			assert_int_equal(used, len - a->rest);
			assert_string_equal(rq->method, a->method);
			assert_string_equal(rq->target, a->target);
			assert_string_equal(rq->body, a->body);
			assert_int_equal(rq->body_len, strlen(a->body));
			assert_int_equal(rq->keep_alive, a->keep_alive);
		}
	}
}

#define L40 "0123456789012345678901234567890123456789"

static const struct refused {
	const char *text;
	int status;
} refused[] = {
	{"\r\n\r\n\r\n", 400},
	{" GET / HTTP/1.1\r\n", 400},
	{"GET\r\n", 400},
	{"GET /\r\n", 400},
	{"GET  / HTTP/1.1\r\n", 400},
	{"GET / HTTP/1.1 \r\n", 400},
	{"GET /\tHTTP/1.1\r\n", 400},
	{"GET / a HTTP/1.1\r\n", 400},
	{"GET /\xc3\xa9 HTTP/1.1\r\n", 400},
	{"G(T / HTTP/1.1\r\n", 400},
	{"GET / http/1.1\r\n", 400},
	{"GET / HTTP/11\r\n", 400},
	{"GET / HTTP/1.10\r\n", 400},
	{"GET / HTTP/2.0\r\n", 505},
	{"GET /" L40 " HTTP/1.1\r\n", 414},
	{"GET /" L40, 414},
	{"GET / HTTP/1.1\r\n\r\n", 400},
	{"GET / HTTP/1.1\r\n" H H "\r\n", 400},
	{"GET / HTTP/1.0\r\n" H H "\r\n", 400},
	{"GET / HTTP/1.1\r\n" H "A: b\r\n c\r\n\r\n", 400},
	{"GET / HTTP/1.1\r\n" H "A: b\r\n\tc\r\n\r\n", 400},
	{"GET / HTTP/1.1\r\n A: b\r\n\r\n", 400},
	{"GET / HTTP/1.1\r\nHost : x\r\n\r\n", 400},
	{"GET / HTTP/1.1\r\n" H ": x\r\n\r\n", 400},
	{"GET / HTTP/1.1\r\n" H "name\r\n\r\n", 400},
	{"GET / HTTP/1.1\r\n" H "a b: c\r\n\r\n", 400},
	{"GET / HTTP/1.1\r\n" H "a: b\rc: d\r\n\r\n", 400},
	{"GET / HTTP/1.1\r\r\n" H "\r\n", 400},
	{"GET / HTTP/1.1\r\n" H "a: \x01\r\n\r\n", 400},
	{"GET / HTTP/1.1\r\n" H "a: \x7f\r\n\r\n", 400},
	{"GET / HTTP/1.1\r\n" H "a: " L40 L40 L40 L40 L40 "\r\n", 431},
	{"POST / HTTP/1.1\r\n" H "Content-Length: 1\r\nContent-Length: 1\r\n\r\n", 400},
	{"POST / HTTP/1.1\r\n" H "Content-Length: 1, 1\r\n\r\n", 400},
	{"POST / HTTP/1.1\r\n" H "Content-Length:\r\n\r\n", 400},
	{"POST / HTTP/1.1\r\n" H "Content-Length: +1\r\n\r\n", 400},
	{"POST / HTTP/1.1\r\n" H "Content-Length: -1\r\n\r\n", 400},
	{"POST / HTTP/1.1\r\n" H "Content-Length: 0x1\r\n\r\n", 400},
	{"POST / HTTP/1.1\r\n" H "Content-Length: 21\r\n\r\n", 413},
	{"POST / HTTP/1.1\r\n" H "Content-Length: 18446744073709551617\r\n\r\n", 413},
	{"POST / HTTP/1.1\r\n" H "Content-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n", 400},
	{"POST / HTTP/1.1\r\n" H "Transfer-Encoding: chunked\r\nContent-Length: 1\r\n\r\n", 400},
	{"POST / HTTP/1.1\r\n" H "Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n",
	 400},
	{"POST / HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n", 400},
	{"POST / HTTP/1.1\r\n" H "Transfer-Encoding: gzip, chunked\r\n\r\n", 501},
	{"POST / HTTP/1.1\r\n" H "Transfer-Encoding: identity\r\n\r\n", 501},
	{"POST / HTTP/1.1\r\n" H "Expect: miracles\r\nContent-Length: 1\r\n\r\n", 417},
	{CHUNKED "\r\n", 400},
	{CHUNKED " 1\r\n", 400},
	{CHUNKED "1 \r\n", 400},
	{CHUNKED "+1\r\n", 400},
	{CHUNKED "0x1\r\n", 400},
	{CHUNKED "000000001\r\n", 400},
	{CHUNKED "1\n", 400},
	{CHUNKED "1;a\x01\r\n", 400},
	{CHUNKED "1;a\rb\r\n", 400},
	{CHUNKED "1\r\nab\r\n", 400},
	{CHUNKED "1\r\na\n", 400},
	{CHUNKED "15\r\n", 413},
	{CHUNKED "14\r\n01234567890123456789\r\n1\r\n", 413},
	{CHUNKED "ffffffff\r\n", 413},
	{CHUNKED "0\r\nno header\r\n", 400},
	{CHUNKED "0\r\nA: b\r\n c\r\n", 400},
	{CHUNKED "0;" L40 L40 L40 L40 L40 L40 L40, 400},
	{CHUNKED "0\r\nA:" L40 L40 L40 L40 "\r\nB:" L40 "\r\n", 400},
	{CHUNKED "0\r\nA:" L40 L40 L40 L40 L40 L40 L40, 431},
};

static void test_refused(void **state)
{
	for (size_t i = 0; i < ARRAY_SIZE(refused); i++) {
		const struct refused *r = &refused[i];
		size_t len = strlen(r->text), used;

		for (size_t step = 1; step <= 1000; step *= 10) {
			cleanup_with(hull_http1_freep) struct hull_http1 *p = NULL;

			assert_int_equal(hull_http1_new(&small, &p), 0);
			if (feed(p, r->text, len, step, &used) != HULL_HTTP1_GOT_BAD)
				fail_msg("'%s' was not refused", r->text);
			if (hull_http1_status(p) != r->status)
				fail_msg("'%s': %d %s", r->text, hull_http1_status(p),
					 hull_http1_why(p));
		}
	}
}

static void test_nul(void **state)
{
	static const char texts[][48] = {"GET / HTTP/1.1\r\nHost: x\0\r\n\r\n",
					 "GET /\0 HTTP/1.1\r\nHost: x\r\n\r\n"};

	for (size_t i = 0; i < ARRAY_SIZE(texts); i++) {
		cleanup_with(hull_http1_freep) struct hull_http1 *p = NULL;
		size_t used;

		assert_int_equal(hull_http1_new(&small, &p), 0);
		assert_int_equal(feed(p, texts[i], 28, 28, &used), HULL_HTTP1_GOT_BAD);
		assert_int_equal(hull_http1_status(p), 400);
	}
}

static void test_headers(void **state)
{
	static const char text[] = "GET /a HTTP/1.1\r\nHost:x\r\nX-Thing: \t two  words \t\r\n"
				   "EMPTY: \r\nx-thing: second\r\nU: \xc3\xa9\r\n\r\n";
	cleanup_with(hull_http1_freep) struct hull_http1 *p = NULL;
	const struct hull_http1_request *rq;
	size_t used;

	assert_int_equal(hull_http1_new(&small, &p), 0);
	assert_int_equal(feed(p, text, strlen(text), 1, &used), HULL_HTTP1_GOT_REQUEST);
	rq = hull_http1_request(p);
	assert_int_equal(rq->n_headers, 5);
	assert_string_equal(hull_http1_header(rq, "x-thing"), "two  words");
	assert_string_equal(hull_http1_header(rq, "host"), "x");
	assert_string_equal(hull_http1_header(rq, "empty"), "");
	assert_string_equal(hull_http1_header(rq, "u"), "\xc3\xa9");
	assert_null(hull_http1_header(rq, "thing"));
}

static void test_too_many_headers(void **state)
{
	cleanup_with(hull_http1_freep) struct hull_http1 *p = NULL;
	cleanup_strbuf struct hull_strbuf text = HULL_STRBUF_INIT;
	const struct hull_http1_limits wide = {.line = 100, .head = 10000, .body = 0};
	size_t used;

	hull_strbuf_adds(&text, "GET / HTTP/1.1\r\nHost: x\r\n");
	for (int i = 1; i < HULL_HTTP1_HEADERS_MAX; i++)
		hull_strbuf_adds(&text, "a: b\r\n");
	assert_int_equal(hull_http1_new(&wide, &p), 0);
	assert_int_equal(feed(p, text.data, text.len, SIZE_MAX, &used), HULL_HTTP1_GOT_MORE);
	assert_int_equal(feed(p, "\r\n", 2, 2, &used), HULL_HTTP1_GOT_REQUEST);
	hull_http1_next(p);
	assert_int_equal(feed(p, text.data, text.len, SIZE_MAX, &used), HULL_HTTP1_GOT_MORE);
	assert_int_equal(feed(p, "a: b\r\n", 6, 6, &used), HULL_HTTP1_GOT_BAD);
	assert_int_equal(hull_http1_status(p), 431);
}

static void test_pipeline_and_states(void **state)
{
	static const char text[] = "GET /1 HTTP/1.1\r\n" H "\r\n" CHUNKED "1\r\na\r\n0\r\n\r\n"
				   "GET /3 HTTP/1.1\r\n" H "\r\n";
	cleanup_with(hull_http1_freep) struct hull_http1 *p = NULL;
	size_t at = 0, used;

	assert_int_equal(hull_http1_new(&small, &p), 0);
	for (int i = 0; i < 3; i++) {
		assert_true(hull_http1_is_idle(p));
		assert_int_equal(hull_http1_feed(p, text + at, strlen(text + at), &used),
				 HULL_HTTP1_GOT_REQUEST);
		at += used;
		assert_string_equal(hull_http1_request(p)->body, i == 1 ? "a" : "");
		/* A complete one takes no more until it is done with. */
		assert_int_equal(hull_http1_feed(p, "x", 1, &used), HULL_HTTP1_GOT_REQUEST);
		assert_int_equal(used, 0);
		hull_http1_next(p);
	}
	assert_int_equal(text[at], 0);
	assert_int_equal(hull_http1_feed(p, "G", 1, &used), HULL_HTTP1_GOT_MORE);
	assert_false(hull_http1_is_idle(p));
	assert_false(hull_http1_in_body(p));
}

static void test_continue(void **state)
{
	static const char head[] = "POST / HTTP/1.1\r\n" H "Expect: 100-continue\r\n"
				   "Content-Length: 2\r\n\r\n";
	static const char old[] = "POST / HTTP/1.0\r\nExpect: 100-continue\r\n"
				  "Content-Length: 2\r\n\r\n";
	static const char empty[] = "POST / HTTP/1.1\r\n" H "Expect: 100-continue\r\n\r\n";
	cleanup_with(hull_http1_freep) struct hull_http1 *p = NULL;
	size_t used;

	assert_int_equal(hull_http1_new(&small, &p), 0);
	assert_int_equal(hull_http1_feed(p, head, strlen(head), &used), HULL_HTTP1_GOT_CONTINUE);
	assert_int_equal(used, strlen(head));
	assert_true(hull_http1_in_body(p));
	assert_int_equal(hull_http1_feed(p, "o", 1, &used), HULL_HTTP1_GOT_MORE);
	assert_int_equal(hull_http1_feed(p, "k", 1, &used), HULL_HTTP1_GOT_REQUEST);
	hull_http1_next(p);
	assert_int_equal(hull_http1_feed(p, old, strlen(old), &used), HULL_HTTP1_GOT_MORE);
	assert_int_equal(hull_http1_feed(p, "ok", 2, &used), HULL_HTTP1_GOT_REQUEST);
	hull_http1_next(p);
	assert_int_equal(hull_http1_feed(p, empty, strlen(empty), &used), HULL_HTTP1_GOT_REQUEST);
}

static void test_paths(void **state)
{
	static const struct {
		const char *target, *path, *query;
		int r;
	} paths[] = {
		{"/vm/state", "/vm/state", NULL, 0}, {"/vm/state?", "/vm/state", "", 0},
		{"/a?b?c%zz", "/a", "b?c%zz", 0},    {"/vm%2Fst%61te%3f", "/vm/state?", NULL, 0},
		{"HTTP://host:80/a", "/a", NULL, 0}, {"http://host", "/", NULL, 0},
		{"http://host?q", "/", "q", 0},	     {"*", "*", NULL, 0},
		{"host:80", "host:80", NULL, 0},     {"/%", NULL, NULL, -EINVAL},
		{"/%4", NULL, NULL, -EINVAL},	     {"/%4?1", NULL, NULL, -EINVAL},
		{"/%g0", NULL, NULL, -EINVAL},	     {"/%00", NULL, NULL, -EINVAL},
	};

	for (size_t i = 0; i < ARRAY_SIZE(paths); i++) {
		cleanup_strbuf struct hull_strbuf path = HULL_STRBUF_INIT;
		const char *query = "untouched";

		assert_int_equal(hull_http1_path(paths[i].target, &path, &query), paths[i].r);
		if (paths[i].r < 0) {
			assert_string_equal(query, "untouched");
			continue;
		}
		assert_string_equal(hull_strbuf_str(&path), paths[i].path);
		if (paths[i].query)
			assert_string_equal(query, paths[i].query);
		else
			assert_null(query);
	}
}

static void test_answers(void **state)
{
	struct hull_http1_request rq = {.method = "GET", .minor = 1, .keep_alive = true};
	struct hull_http1_response r = {
		.status = 404, .type = "text/plain", .body = "none", .body_len = 4};
	cleanup_strbuf struct hull_strbuf out = HULL_STRBUF_INIT;

	assert_int_equal(hull_http1_respond(&out, &rq, &r, 784111777), 0);
	assert_string_equal(out.data, "HTTP/1.1 404 Not Found\r\nContent-Type: text/plain\r\n"
				      "Date: Sun, 06 Nov 1994 08:49:37 GMT\r\n"
				      "Content-Length: 4\r\n\r\nnone");
	hull_strbuf_clear(&out);
	rq.method = "HEAD";
	r.close = true;
	assert_int_equal(hull_http1_respond(&out, &rq, &r, 0), 0);
	assert_string_equal(out.data, "HTTP/1.1 404 Not Found\r\nContent-Type: text/plain\r\n"
				      "Date: Thu, 01 Jan 1970 00:00:00 GMT\r\n"
				      "Content-Length: 4\r\nConnection: close\r\n\r\n");
	hull_strbuf_clear(&out);
	rq = (struct hull_http1_request){.method = "POST", .minor = 0, .keep_alive = true};
	r = (struct hull_http1_response){.status = 301, .location = "/x?y"};
	assert_int_equal(hull_http1_respond(&out, &rq, &r, 0), 0);
	assert_string_equal(out.data, "HTTP/1.1 301 Moved Permanently\r\nLocation: /x?y\r\n"
				      "Date: Thu, 01 Jan 1970 00:00:00 GMT\r\n"
				      "Content-Length: 0\r\nConnection: keep-alive\r\n\r\n");
	hull_strbuf_clear(&out);
	r.location = "/x\r\nA: b";
	assert_int_equal(hull_http1_respond(&out, &rq, &r, 0), -EINVAL);
	assert_int_equal(out.len, 0);
}

static void test_ranges(void **state)
{
	static const struct {
		const char *value;
		enum hull_http1_part part;
		uint64_t first, len; /* of 10 bytes */
	} cases[] = {
		{"bytes=0-0", HULL_HTTP1_PART_SOME, 0, 1},
		{"bytes=2-4", HULL_HTTP1_PART_SOME, 2, 3},
		{"Bytes=2-", HULL_HTTP1_PART_SOME, 2, 8},
		{"bytes=9-9", HULL_HTTP1_PART_SOME, 9, 1},
		{"bytes=9-100", HULL_HTTP1_PART_SOME, 9, 1},
		{"bytes=0-18446744073709551616", HULL_HTTP1_PART_SOME, 0, 10},
		{"bytes=-3", HULL_HTTP1_PART_SOME, 7, 3},
		{"bytes=-11", HULL_HTTP1_PART_SOME, 0, 10},
		{"bytes=-0", HULL_HTTP1_PART_NONE, 0, 0},
		{"bytes=10-", HULL_HTTP1_PART_NONE, 0, 0},
		{"bytes=10-20", HULL_HTTP1_PART_NONE, 0, 0},
		{"bytes=99999999999999999999-", HULL_HTTP1_PART_NONE, 0, 0},
		{"bytes=3-2", HULL_HTTP1_PART_WHOLE, 0, 0},
		{"bytes=-", HULL_HTTP1_PART_WHOLE, 0, 0},
		{"bytes=", HULL_HTTP1_PART_WHOLE, 0, 0},
		{"bytes=1", HULL_HTTP1_PART_WHOLE, 0, 0},
		{"bytes=0-1,3-4", HULL_HTTP1_PART_WHOLE, 0, 0},
		{"bytes=+1-2", HULL_HTTP1_PART_WHOLE, 0, 0},
		{"lines=1-2", HULL_HTTP1_PART_WHOLE, 0, 0},
	};
	const struct hull_http1_response r = {.status = 206,
					      .range = "bytes 2-3/10",
					      .ranges = true,
					      .body = "cd",
					      .body_len = 2};
	cleanup_strbuf struct hull_strbuf out = HULL_STRBUF_INIT;

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		uint64_t first = 0, len = 0;

		assert_int_equal(hull_http1_range(cases[i].value, 10, &first, &len), cases[i].part);
		assert_int_equal(first, cases[i].first);
		assert_int_equal(len, cases[i].len);
	}
	/* Of nothing. */
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		uint64_t first = 7, len = 7;

		assert_int_equal(hull_http1_range(cases[i].value, 0, &first, &len),
				 HULL_HTTP1_PART_WHOLE);
		assert_true(first == 7 && len == 7);
	}
	assert_int_equal(hull_http1_respond(&out, NULL, &r, 0), 0);
	assert_non_null(strstr(out.data, "HTTP/1.1 206 Partial Content\r\n"));
	assert_non_null(strstr(out.data, "\r\nAccept-Ranges: bytes\r\n"));
	assert_non_null(strstr(out.data, "\r\nContent-Range: bytes 2-3/10\r\n"));
}

static void test_corpus(void **state)
{
	assert_true(corpus_replay("http1") >= 20);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_accepted),
		cmocka_unit_test(test_refused),
		cmocka_unit_test(test_nul),
		cmocka_unit_test(test_headers),
		cmocka_unit_test(test_too_many_headers),
		cmocka_unit_test(test_pipeline_and_states),
		cmocka_unit_test(test_continue),
		cmocka_unit_test(test_paths),
		cmocka_unit_test(test_answers),
		cmocka_unit_test(test_ranges),
		cmocka_unit_test(test_corpus),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
