/* SPDX-License-Identifier: Apache-2.0
 *
 * A hostile HTTP client.  However its bytes are cut, the same requests must come out, with the same
 * end; what they hold is bounded and clean, and can be answered.
 */
#include "base/cleanup.h"
#include "base/strbuf.h"
#include "proto/http1.h"

#include <assert.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

static const struct hull_http1_limits fuzz_limits = {.line = 200, .head = 1000, .body = 300};

static void check_text(const char *s)
{
	for (; *s; s++)
		assert((unsigned char)*s >= ' ' || *s == '\t');
}

static void check_answer(const struct hull_http1_request *rq, const char *location)
{
	const struct hull_http1_response r = {.status = 200,
					      .type = "text/plain",
					      .location = location,
					      .body = "x",
					      .body_len = 1};
	cleanup_strbuf struct hull_strbuf out = HULL_STRBUF_INIT;

	assert(hull_http1_respond(&out, rq, &r, 0) == 0 && strstr(out.data, "\r\n\r\n"));
}

/* What came out, as text. */
static void note(struct hull_strbuf *log, const struct hull_http1_request *rq)
{
	cleanup_strbuf struct hull_strbuf path = HULL_STRBUF_INIT;
	const char *query = NULL;
	int r = hull_http1_path(rq->target, &path, &query);

	assert(r == 0 || r == -EINVAL);
	assert(strlen(hull_strbuf_str(&path)) == path.len);
	assert(*rq->method && strlen(rq->target) <= fuzz_limits.line);
	assert(rq->body_len <= fuzz_limits.body && !rq->body[rq->body_len]);
	hull_strbuf_addf(log, "%s %s %u %d %d %s|", rq->method, rq->target, rq->minor,
			 rq->keep_alive, r, query ? query : "");
	for (size_t i = 0; i < rq->n_headers; i++) {
		check_text(rq->headers[i].name);
		check_text(rq->headers[i].value);
		assert(hull_http1_header(rq, rq->headers[i].name));
		hull_strbuf_addf(log, "%s:%s|", rq->headers[i].name, rq->headers[i].value);
	}
	for (uint64_t len = 0; hull_http1_header(rq, "range") && len < 20; len++) {
		uint64_t first = 0, n = 0;
		enum hull_http1_part part =
			hull_http1_range(hull_http1_header(rq, "range"), len, &first, &n);

		assert(part == HULL_HTTP1_PART_SOME ? n && n <= len && first <= len - n : !n);
	}
	hull_strbuf_add(log, rq->body, rq->body_len);
	check_answer(rq, rq->target);
}

/* Whether it ended badly.  Of several faults, which one is seen first may depend on the cuts. */
static bool run(const uint8_t *data, size_t len, size_t step, struct hull_strbuf *log)
{
	cleanup_with(hull_http1_freep) struct hull_http1 *p = NULL;
	size_t at = 0;

	assert(hull_http1_new(&fuzz_limits, &p) == 0);
	while (at < len) {
		size_t n = MIN(step, len - at), used;
		enum hull_http1_got got = hull_http1_feed(p, data + at, n, &used);

		assert(used <= n);
		at += used;
		if (got == HULL_HTTP1_GOT_BAD) {
			assert(*hull_http1_reason(hull_http1_status(p)) && *hull_http1_why(p));
			check_answer(NULL, NULL);
			assert(hull_http1_feed(p, "x", 1, &used) == HULL_HTTP1_GOT_BAD);
			return true;
		}
		if (got == HULL_HTTP1_GOT_CONTINUE) {
			assert(hull_http1_in_body(p));
			hull_strbuf_adds(log, "continue|");
		}
		if (got == HULL_HTTP1_GOT_REQUEST) {
			note(log, hull_http1_request(p));
			hull_http1_next(p);
			assert(hull_http1_is_idle(p));
		}
		if (got == HULL_HTTP1_GOT_MORE)
			assert(used == n);
	}
	return false;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	cleanup_strbuf struct hull_strbuf whole = HULL_STRBUF_INIT, bytes = HULL_STRBUF_INIT,
					  parts = HULL_STRBUF_INIT;

	bool bad = run(data, len, SIZE_MAX, &whole);

	assert(run(data, len, 1, &bytes) == bad && run(data, len, 7, &parts) == bad);
	assert(whole.len == bytes.len && whole.len == parts.len);
	assert(!whole.len || !memcmp(whole.data, bytes.data, whole.len));
	assert(!whole.len || !memcmp(whole.data, parts.data, whole.len));
	return 0;
}
