/* SPDX-License-Identifier: Apache-2.0
 *
 * A ttrpc server and a ttrpc client for tests, whose callbacks and output become text.
 *
 * What a peer would read of the output, one frame a line:
 *   Q<id>/<flags> service.method 'payload' t=<timeout> key=value ...
 *   R<id>/<flags> <code> 'message' [type_url='value'] 'payload'
 *   D<id>/<flags> 'message'
 * Envelopes are taken apart by the generated code here, not by the code under test.
 *
 * Handlers answer by the name of the method: see ends_request().
 */
#ifndef HULL_TESTS_TTRPC_ENDS_H
#define HULL_TESTS_TTRPC_ENDS_H

#include "unit.h"

#include "base/strbuf.h"
#include "proto/ttrpc-wire.h"
#include "ttrpc.pb-c.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#define ENDS_KEPT_MAX 512

struct end {
	struct hull_ttrpc *t;
	struct hull_strbuf out; /* for the peer */
	struct hull_strbuf log; /* what the callbacks saw */
	struct hull_strbuf text;
	struct hull_ttrpc_call *kept[ENDS_KEPT_MAX]; /* server: unanswered, oldest first */
	size_t n_kept;
};

static inline void ends_quote(struct hull_strbuf *b, const void *data, size_t len)
{
	const unsigned char *p = data;

	hull_strbuf_adds(b, " '");
	for (size_t i = 0; i < len && i < 64; i++)
		hull_strbuf_addf(b, p[i] >= ' ' && p[i] < 127 ? "%c" : "\\%02x", p[i]);
	if (len > 64)
		hull_strbuf_addf(b, "...%zu", len);
	hull_strbuf_adds(b, "'");
}

/* ---- frames ---- */

static inline void add_frame(struct hull_strbuf *b, uint32_t id, uint8_t type, uint8_t flags,
			     const void *body, size_t len)
{
	uint8_t head[HULL_TTRPC_HEAD];

	hull_ttrpc_head_put(head,
			    &(struct hull_ttrpc_head){
				    .len = (uint32_t)len, .id = id, .type = type, .flags = flags});
	assert_int_equal(hull_strbuf_add(b, head, sizeof(head)), 0);
	assert_int_equal(hull_strbuf_add(b, body, len), 0);
}

static inline void add_request(struct hull_strbuf *b, uint32_t id, uint8_t flags,
			       const char *method, const char *payload)
{
	Ttrpc__Request m = TTRPC__REQUEST__INIT;
	uint8_t body[1024];

	m.service = (char *)"svc";
	m.method = (char *)method;
	m.payload = (ProtobufCBinaryData){strlen(payload), (uint8_t *)payload};
	add_frame(b, id, HULL_TTRPC_REQUEST, flags, body, ttrpc__request__pack(&m, body));
}

static inline void add_response(struct hull_strbuf *b, uint32_t id, int code, const char *message,
				const char *payload)
{
	Ttrpc__Response m = TTRPC__RESPONSE__INIT;
	Ttrpc__Status s = TTRPC__STATUS__INIT;
	uint8_t body[1024];

	s.code = code;
	s.message = (char *)message;
	m.status = code ? &s : NULL;
	m.payload = (ProtobufCBinaryData){strlen(payload), (uint8_t *)payload};
	add_frame(b, id, HULL_TTRPC_RESPONSE, 0, body, ttrpc__response__pack(&m, body));
}

static inline void show_request(struct hull_strbuf *b, const uint8_t *p, size_t len)
{
	Ttrpc__Request *m = ttrpc__request__unpack(NULL, len, p);

	assert_non_null(m);
	hull_strbuf_addf(b, " %s.%s", m->service, m->method);
	ends_quote(b, m->payload.data, m->payload.len);
	if (m->timeout_nano)
		hull_strbuf_addf(b, " t=%" PRId64, m->timeout_nano);
	for (size_t i = 0; i < m->n_metadata; i++)
		hull_strbuf_addf(b, " %s=%s", m->metadata[i]->key, m->metadata[i]->value);
	ttrpc__request__free_unpacked(m, NULL);
}

static inline void show_response(struct hull_strbuf *b, const uint8_t *p, size_t len)
{
	Ttrpc__Response *m = ttrpc__response__unpack(NULL, len, p);

	assert_non_null(m);
	hull_strbuf_addf(b, " %d", m->status ? m->status->code : 0);
	if (m->status)
		ends_quote(b, m->status->message, strlen(m->status->message));
	for (size_t i = 0; m->status && i < m->status->n_details; i++) {
		Ttrpc__Any *d = m->status->details[i];

		hull_strbuf_addf(b, " [%s", d->type_url);
		ends_quote(b, d->value.data, d->value.len);
		hull_strbuf_adds(b, "]");
	}
	if (m->payload.len)
		ends_quote(b, m->payload.data, m->payload.len);
	ttrpc__response__free_unpacked(m, NULL);
}

/* Renders and empties what the end has output. */
static inline const char *sent(struct end *e)
{
	const uint8_t *p = (const uint8_t *)hull_strbuf_str(&e->out);
	struct hull_ttrpc_head h;

	hull_strbuf_clear(&e->text);
	for (size_t at = 0; at < e->out.len; at += HULL_TTRPC_HEAD + h.len) {
		assert_true(e->out.len - at >= HULL_TTRPC_HEAD);
		hull_ttrpc_head_get(p + at, &h);
		assert_true(e->out.len - at >= HULL_TTRPC_HEAD + h.len);
		assert_true(h.type >= 1 && h.type <= 3);
		hull_strbuf_addf(&e->text, "%c%" PRIu32 "/%u", " QRD"[h.type], h.id, h.flags);
		if (h.type == HULL_TTRPC_REQUEST)
			show_request(&e->text, p + at + HULL_TTRPC_HEAD, h.len);
		else if (h.type == HULL_TTRPC_RESPONSE)
			show_response(&e->text, p + at + HULL_TTRPC_HEAD, h.len);
		else
			ends_quote(&e->text, p + at + HULL_TTRPC_HEAD, h.len);
		hull_strbuf_adds(&e->text, "\n");
	}
	hull_strbuf_clear(&e->out);
	return hull_strbuf_str(&e->text);
}

/* What the callbacks have logged since the last time. */
static inline const char *seen(struct end *e)
{
	hull_strbuf_clear(&e->text);
	hull_strbuf_add(&e->text, hull_strbuf_str(&e->log), e->log.len);
	hull_strbuf_clear(&e->log);
	return hull_strbuf_str(&e->text);
}

static inline void feed(struct end *e, struct hull_strbuf *b)
{
	assert_int_equal(hull_ttrpc_feed(e->t, hull_strbuf_str(b), b->len, NULL), 0);
	hull_strbuf_clear(b);
}

static inline void ends_output(void *ctx, const void *data, size_t len)
{
	struct end *e = ctx;

	assert_int_equal(hull_strbuf_add(&e->out, data, len), 0);
}

/* ---- the server ---- */

static inline void forget(struct end *e, struct hull_ttrpc_call *call)
{
	for (size_t i = 0; i < e->n_kept; i++) {
		if (e->kept[i] != call)
			continue;
		memmove(&e->kept[i], &e->kept[i + 1], (--e->n_kept - i) * sizeof(e->kept[0]));
		return;
	}
}

/* echo: replies at once.  fail: fails at once, with details.  list: sends its payload twice and
 * finishes.  die: frees the machine.  first: replies to the oldest kept call, then to itself.
 * Everything else is kept; when a kept "heir" is gone, the oldest kept call is answered. */
static inline void ends_request(void *ctx, struct hull_ttrpc_call *call)
{
	struct end *e = ctx;
	const char *method = hull_ttrpc_method(call);
	size_t len;
	const void *payload = hull_ttrpc_payload(call, &len);
	const struct hull_ttrpc_any details[] = {{"a/b", "v", 1}, {"", NULL, 0}};
	const struct hull_ttrpc_status failed = {HULL_RPC_NOT_FOUND, "no such thing", details, 2};

	hull_strbuf_addf(&e->log, "%s.%s%s", hull_ttrpc_service(call), method,
			 hull_ttrpc_client_streams(call) ? " stream" : "");
	ends_quote(&e->log, payload, len);
	hull_strbuf_adds(&e->log, "\n");
	if (!strcmp(method, "echo")) {
		hull_ttrpc_reply(call, payload, len);
	} else if (!strcmp(method, "fail")) {
		hull_ttrpc_fail(call, &failed);
	} else if (!strcmp(method, "list")) {
		assert_int_equal(hull_ttrpc_send(call, payload, len), 0);
		assert_int_equal(hull_ttrpc_send(call, payload, len), 0);
		hull_ttrpc_finish(call);
	} else if (!strcmp(method, "die")) {
		hull_ttrpc_free(e->t);
		e->t = NULL;
	} else if (!strcmp(method, "first")) {
		struct hull_ttrpc_call *first = e->kept[0];

		forget(e, first);
		hull_ttrpc_reply(first, "first", 5);
		hull_ttrpc_reply(call, NULL, 0);
	} else {
		assert_true(e->n_kept < ENDS_KEPT_MAX);
		e->kept[e->n_kept++] = call;
	}
}

/* A kept stream of method "end" is answered by its first message; "both" is echoed and finished
 * with its half-close, "count" replies to it. */
static inline void ends_data(void *ctx, struct hull_ttrpc_call *call, const void *data, size_t len,
			     bool last)
{
	struct end *e = ctx;
	const char *method = hull_ttrpc_method(call);

	assert_true(last ? !data && !len : data != NULL);
	hull_strbuf_adds(&e->log, last ? "last" : "data");
	if (!last)
		ends_quote(&e->log, data, len);
	hull_strbuf_adds(&e->log, "\n");
	if (!strcmp(method, "both") && !last) {
		assert_int_equal(hull_ttrpc_send(call, data, len), 0);
	} else if (!strcmp(method, "both")) {
		forget(e, call);
		hull_ttrpc_finish(call);
	} else if (!strcmp(method, "end") || (!strcmp(method, "count") && last)) {
		forget(e, call);
		hull_ttrpc_reply(call, "ended", 5);
	}
}

static inline void ends_gone(void *ctx, struct hull_ttrpc_call *call)
{
	static unsigned int n_late;
	struct end *e = ctx;

	hull_strbuf_addf(&e->log, "gone %s\n", hull_ttrpc_method(call));
	forget(e, call);
	if (!strcmp(hull_ttrpc_method(call), "heir")) {
		struct hull_ttrpc_call *first = e->kept[0];

		forget(e, first);
		hull_ttrpc_reply(first, "inherited", 9);
	}
	/* Each of these comes too late and must change nothing. */
	assert_int_equal(hull_ttrpc_send(call, "x", 1), -EPIPE);
	switch (n_late++ % 3) {
	case 0:
		hull_ttrpc_reply(call, NULL, 0);
		break;
	case 1:
		hull_ttrpc_finish(call);
		break;
	default:
		hull_ttrpc_failf(call, HULL_RPC_UNKNOWN, "x");
	}
}

static inline void server_init(struct end *e)
{
	const struct hull_ttrpc_server_ops ops = {.output = ends_output,
						  .request = ends_request,
						  .data = ends_data,
						  .gone = ends_gone};

	*e = (struct end){0};
	assert_int_equal(hull_ttrpc_server_new(&ops, e, &e->t, NULL), 0);
}

/* ---- the client ---- */

static inline void ends_message(void *ctx, struct hull_ttrpc_call *call, const void *data,
				size_t len)
{
	struct end *e = ctx;

	assert_non_null(data);
	hull_strbuf_adds(&e->log, "data");
	ends_quote(&e->log, data, len);
	hull_strbuf_adds(&e->log, "\n");
}

static inline void ends_done(void *ctx, const struct hull_ttrpc_status *status, const void *payload,
			     size_t len)
{
	struct end *e = ctx;

	hull_strbuf_addf(&e->log, "done %d", status->code);
	ends_quote(&e->log, status->message, strlen(status->message));
	for (size_t i = 0; i < status->n_details; i++) {
		hull_strbuf_addf(&e->log, " [%s", status->details[i].type_url);
		ends_quote(&e->log, status->details[i].value, status->details[i].len);
		hull_strbuf_adds(&e->log, "]");
	}
	if (payload)
		ends_quote(&e->log, payload, len);
	hull_strbuf_adds(&e->log, "\n");
}

static const struct hull_ttrpc_call_cb ends_cb = {.data = ends_message, .done = ends_done};

static inline void client_init(struct end *e)
{
	*e = (struct end){0};
	assert_int_equal(hull_ttrpc_client_new(ends_output, e, &e->t, NULL), 0);
}

/* Kind: 0 unary, 1 the client streams, 2 the server streams, 3 both. */
static inline struct hull_ttrpc_call *start(struct end *e, const char *method, const char *payload,
					    unsigned int kind, uint64_t deadline_ns)
{
	const struct hull_ttrpc_request rq = {
		.service = "svc",
		.method = method,
		.payload = payload,
		.len = strlen(payload),
		.deadline_ns = deadline_ns,
		.now_ns = deadline_ns ? 1 : 0,
		.client_streams = kind & 1,
		.server_streams = kind & 2,
	};
	struct hull_ttrpc_call *call = NULL;

	assert_int_equal(hull_ttrpc_call(e->t, &rq, &ends_cb, e, &call, NULL), 0);
	return call;
}

static inline void end_fini(struct end *e)
{
	hull_ttrpc_free(e->t);
	e->t = NULL;
	hull_strbuf_fini(&e->out);
	hull_strbuf_fini(&e->log);
	hull_strbuf_fini(&e->text);
}

/* Carries bytes both ways, at most @chunk at a time, until neither end says more. */
static inline void pump(struct end *a, struct end *b, size_t chunk)
{
	while (a->out.len || b->out.len) {
		struct end *from = a->out.len ? a : b, *to = from == a ? b : a;
		struct hull_strbuf bytes = from->out;

		from->out = (struct hull_strbuf)HULL_STRBUF_INIT;
		for (size_t at = 0; at < bytes.len; at += chunk)
			assert_int_equal(
				hull_ttrpc_feed(to->t, bytes.data + at,
						bytes.len - at < chunk ? bytes.len - at : chunk,
						NULL),
				0);
		hull_strbuf_fini(&bytes);
	}
}

#endif
