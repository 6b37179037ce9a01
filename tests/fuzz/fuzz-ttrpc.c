/* SPDX-License-Identifier: Apache-2.0
 *
 * ttrpc from a hostile peer.  Byte 0: bit 0 is the role (0 server, 1 client); byte 1: a seed for
 * the cuts; then the peer's bytes.
 *
 * They are fed twice, whole and cut into pieces: callbacks and output must be the same.  Handlers
 * react to what they are given by re-entering the machine in every permitted way.  Bodies of
 * frames are also held against the generated decoder.
 */
#include "base/cleanup.h"
#include "base/strbuf.h"
#include "proto/ttrpc-wire.h"
#include "ttrpc.pb-c.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#define FUZZ_CALLS 64
#define FUZZ_CHECK(c)            \
	do {                     \
		if (!(c))        \
			abort(); \
	} while (0)

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

struct fuzz_end {
	struct hull_ttrpc *t; /* NULL once freed by a callback */
	struct hull_strbuf log;
	struct hull_ttrpc_call *open[FUZZ_CALLS]; /* in order of their beginning */
	size_t n_open;
	unsigned int started, ended;
};

struct fuzz_call { /* ctx of a client's call */
	struct fuzz_end *e;
	struct hull_ttrpc_call *call;
};

static void fuzz_start(struct fuzz_end *e, unsigned int kind, uint64_t deadline_ns);

static void fuzz_log(struct fuzz_end *e, const char *what, const void *data, size_t len)
{
	hull_strbuf_addf(&e->log, "%s %zu:", what, len);
	hull_strbuf_add(&e->log, data, MIN(len, (size_t)64));
}

static void fuzz_forget(struct fuzz_end *e, const struct hull_ttrpc_call *call)
{
	for (size_t i = 0; i < e->n_open; i++) {
		if (e->open[i] != call)
			continue;
		memmove(&e->open[i], &e->open[i + 1], (--e->n_open - i) * sizeof(e->open[0]));
		return;
	}
}

static void fuzz_output(void *ctx, const void *data, size_t len)
{
	struct hull_ttrpc_head h;

	FUZZ_CHECK(len >= HULL_TTRPC_HEAD);
	hull_ttrpc_head_get(data, &h);
	FUZZ_CHECK(h.len == len - HULL_TTRPC_HEAD && h.len <= HULL_TTRPC_MESSAGE_MAX);
	fuzz_log(ctx, "out", data, len);
}

static void fuzz_free(struct fuzz_end *e)
{
	hull_ttrpc_free(steal_ptr(&e->t));
}

/* ---- server ---- */

static void fuzz_answer(struct fuzz_end *e, struct hull_ttrpc_call *call, char how)
{
	const struct hull_ttrpc_any any = {hull_ttrpc_method(call), hull_ttrpc_service(call), 0};
	const struct hull_ttrpc_status st = {how, hull_ttrpc_method(call), &any, 1};
	size_t len;
	const void *payload = hull_ttrpc_payload(call, &len);

	switch (how) {
	case 'r':
		hull_ttrpc_reply(call, payload, len);
		break;
	case 'f':
		hull_ttrpc_fail(call, &st);
		break;
	case 'e':
		(void)hull_ttrpc_send(call, payload, len);
		hull_ttrpc_finish(call);
		break;
	case 'o':
		if (e->n_open && e->open[0] != call)
			fuzz_answer(e, e->open[0], 'r');
		return;
	case 'x':
		fuzz_free(e);
		return;
	default:
		(void)hull_ttrpc_send(call, payload, len);
		return;
	}
	fuzz_forget(e, call);
	e->ended++;
}

static void fuzz_request(void *ctx, struct hull_ttrpc_call *call)
{
	struct fuzz_end *e = ctx;
	const char *method = hull_ttrpc_method(call);
	const char *value = hull_ttrpc_metadata(call, "k");

	fuzz_log(e, "request", hull_ttrpc_service(call), strlen(hull_ttrpc_service(call)));
	fuzz_log(e, method, value ? value : "", value ? strlen(value) : 0);
	hull_strbuf_addf(&e->log, "%" PRIu64, hull_ttrpc_timeout_ns(call));
	e->started++;
	if (e->n_open == FUZZ_CALLS)
		fuzz_answer(e, call, 'r');
	else {
		e->open[e->n_open++] = call;
		fuzz_answer(e, call, *method);
	}
}

static void fuzz_data(void *ctx, struct hull_ttrpc_call *call, const void *data, size_t len,
		      bool last)
{
	FUZZ_CHECK(last ? !data && !len : data != NULL);
	fuzz_log(ctx, last ? "last" : "data", data ? data : "", len);
	fuzz_answer(ctx, call, last ? 'e' : len ? *(const char *)data : 's');
}

static void fuzz_gone(void *ctx, struct hull_ttrpc_call *call)
{
	struct fuzz_end *e = ctx;

	fuzz_log(e, "gone", "", 0);
	fuzz_forget(e, call);
	e->ended++;
	hull_ttrpc_reply(call, "late", 4);
}

/* ---- client ---- */

static void fuzz_message(void *ctx, struct hull_ttrpc_call *call, const void *data, size_t len)
{
	struct fuzz_call *c = ctx;
	struct fuzz_end *e = c->e;

	FUZZ_CHECK(data && call == c->call);
	fuzz_log(e, "message", data, len);
	switch (len ? *(const char *)data : 0) {
	case 'c':
		fuzz_forget(e, call);
		hull_ttrpc_cancel(call);
		e->ended++;
		free(c);
		break;
	case 'n':
		fuzz_start(e, (unsigned int)len, len);
		break;
	case 's':
		(void)hull_ttrpc_call_send(call, data, len);
		break;
	case 'h':
		(void)hull_ttrpc_half_close(call);
		break;
	case 't':
		hull_ttrpc_tick(e->t, len);
		break;
	case 'x':
		fuzz_free(e);
		break;
	}
}

static void fuzz_done(void *ctx, const struct hull_ttrpc_status *status, const void *payload,
		      size_t len)
{
	struct fuzz_call *c = ctx;
	struct fuzz_end *e = c->e;

	FUZZ_CHECK(payload || !len);
	hull_strbuf_addf(&e->log, "done %d %zu", status->code, status->n_details);
	fuzz_log(e, status->message, payload ? payload : "", len);
	for (size_t i = 0; i < status->n_details; i++)
		fuzz_log(e, status->details[i].type_url, status->details[i].value,
			 status->details[i].len);
	fuzz_forget(e, c->call);
	e->ended++;
	if (status->code == 'n')
		fuzz_start(e, (unsigned int)len, 0);
	if (status->code == 'x')
		fuzz_free(e);
	hull_ttrpc_cancel(c->call);
	free(c);
}

static void fuzz_start(struct fuzz_end *e, unsigned int kind, uint64_t deadline_ns)
{
	static const struct hull_ttrpc_call_cb cb = {.data = fuzz_message, .done = fuzz_done};
	const struct hull_ttrpc_request rq = {
		.service = "s",
		.method = "m",
		.deadline_ns = deadline_ns,
		.client_streams = kind & 1,
		.server_streams = kind & 2,
	};
	struct fuzz_call *c;

	if (!e->t || e->n_open == FUZZ_CALLS)
		return;
	c = malloc(sizeof(*c));
	FUZZ_CHECK(c);
	c->e = e;
	FUZZ_CHECK(hull_ttrpc_call(e->t, &rq, &cb, c, &c->call, NULL) == 0);
	e->open[e->n_open++] = c->call;
	e->started++;
}

/* ---- one run ---- */

static void fuzz_run(struct fuzz_end *e, bool client, const uint8_t *data, size_t len,
		     unsigned int seed)
{
	const struct hull_ttrpc_server_ops ops = {.output = fuzz_output,
						  .request = fuzz_request,
						  .data = fuzz_data,
						  .gone = fuzz_gone};

	if (client)
		FUZZ_CHECK(hull_ttrpc_client_new(fuzz_output, e, &e->t, NULL) == 0);
	else
		FUZZ_CHECK(hull_ttrpc_server_new(&ops, e, &e->t, NULL) == 0);
	for (unsigned int i = 0; client && i < 8; i++)
		fuzz_start(e, i, i * 100);
	while (len && e->t) {
		size_t n = len;

		if (seed) {
			seed = seed * 1103515245 + 12345;
			n = MIN(len, (size_t)(seed >> 16) % 24 + 1);
		}
		FUZZ_CHECK(hull_ttrpc_feed(e->t, data, n, NULL) == 0);
		data += n;
		len -= n;
	}
	if (e->t) {
		FUZZ_CHECK(hull_ttrpc_pending(e->t) == e->n_open);
		hull_ttrpc_tick(e->t, 350);
	}
	fuzz_free(e);
	FUZZ_CHECK(e->started == e->ended && !e->n_open);
}

/* ---- the decoders against the generated ones ---- */

static void fuzz_oracle_request(const uint8_t *data, size_t len)
{
	struct hull_ttrpc_envelope *e = NULL;
	Ttrpc__Request *m;
	uint64_t timeout;

	if (hull_ttrpc_decode_request(data, len, &e) < 0)
		return;
	m = ttrpc__request__unpack(NULL, len, data); /* refuses more than we do: groups */
	if (m) {
		timeout = m->timeout_nano < 0 ? 1 : (uint64_t)m->timeout_nano;
		FUZZ_CHECK(!strcmp(m->service, e->service) && !strcmp(m->method, e->method));
		FUZZ_CHECK(m->payload.len == e->payload_len && timeout == e->timeout_ns);
		FUZZ_CHECK(!e->payload_len || !memcmp(m->payload.data, e->payload, e->payload_len));
		FUZZ_CHECK(m->n_metadata == e->n_metadata);
		for (size_t i = 0; i < e->n_metadata; i++)
			FUZZ_CHECK(!strcmp(m->metadata[i]->key, e->metadata[i].key) &&
				   !strcmp(m->metadata[i]->value, e->metadata[i].value));
		ttrpc__request__free_unpacked(m, NULL);
	}
	free(e);
}

static void fuzz_oracle_status(const Ttrpc__Status *m, const struct hull_ttrpc_status *s)
{
	FUZZ_CHECK(m->code == s->code);
	FUZZ_CHECK(!strcmp(m->message, s->message));
	FUZZ_CHECK(MIN(m->n_details, (size_t)HULL_TTRPC_DETAILS_MAX) == s->n_details);
	for (size_t i = 0; i < s->n_details; i++) {
		FUZZ_CHECK(!strcmp(m->details[i]->type_url, s->details[i].type_url));
		FUZZ_CHECK(m->details[i]->value.len == s->details[i].len);
		FUZZ_CHECK(!s->details[i].len || !memcmp(m->details[i]->value.data,
							 s->details[i].value, s->details[i].len));
	}
}

static void fuzz_oracle_response(const uint8_t *data, size_t len)
{
	struct hull_ttrpc_answer a;
	Ttrpc__Response *m;

	if (hull_ttrpc_decode_response(data, len, &a) < 0)
		return;
	m = ttrpc__response__unpack(NULL, len, data);
	if (m) {
		FUZZ_CHECK(m->payload.len == a.len);
		FUZZ_CHECK(!a.len || !memcmp(m->payload.data, a.payload, a.len));
		/* Where nothing is repeated: the generated code merges statuses otherwise. */
		if (m->status && ttrpc__response__get_packed_size(m) == len)
			fuzz_oracle_status(m->status, &a.status);
		ttrpc__response__free_unpacked(m, NULL);
	}
	hull_ttrpc_answer_fini(&a);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	struct fuzz_end whole = {0}, cut = {0};

	if (len < 2)
		return 0;
	fuzz_run(&whole, data[0] & 1, data + 2, len - 2, 0);
	fuzz_run(&cut, data[0] & 1, data + 2, len - 2, data[1] + 1u);
	FUZZ_CHECK(whole.log.len == cut.log.len);
	FUZZ_CHECK(!whole.log.len || !memcmp(whole.log.data, cut.log.data, cut.log.len));
	hull_strbuf_fini(&whole.log);
	hull_strbuf_fini(&cut.log);
	if (len >= 2 + HULL_TTRPC_HEAD) {
		fuzz_oracle_request(data + 2 + HULL_TTRPC_HEAD, len - 2 - HULL_TTRPC_HEAD);
		fuzz_oracle_response(data + 2 + HULL_TTRPC_HEAD, len - 2 - HULL_TTRPC_HEAD);
	}
	return 0;
}
