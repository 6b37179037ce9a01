/* SPDX-License-Identifier: Apache-2.0
 *
 * One end of a ttrpc connection, for tests against another implementation:
 *
 *   interop-ttrpc SOCKET              serves until the peer closes
 *   interop-ttrpc SOCKET SCENARIO     is the client of one scenario; exit status 0 if all went well
 *
 * SOCKET is the number of an inherited descriptor, or a path to connect to.  Every message is a
 * google.protobuf.Any.  Methods and scenarios have their other half in ttrpc/main.go.
 */
#define _GNU_SOURCE
#include "base/cleanup.h"
#include "base/os.h"
#include "base/strbuf.h"
#include "base/text.h"
#include "proto/ttrpc-wire.h"
#include "ttrpc.pb-c.h"

#include <inttypes.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

#define SERVICE "hull.interop.v1.Test"
#define LIFETIME_MS 60000
#define QUEUE_LOW ((size_t)1 << 20) /* streams send on while less output is queued */
#define QUEUE_MAX ((size_t)256 << 20)
#define MESSAGES 1024
#define MESSAGE_SIZE ((size_t)64 << 10)
#define LATE_MAX 64
#define CALLERS 64
#define TURNS 100

struct total {
	uint64_t bytes, sum;
};

struct late {
	struct hull_ttrpc_call *call;
	uint64_t due_ns;
};

struct peer {
	int fd;
	struct hull_ttrpc *t;
	struct hull_strbuf out;
	size_t out_at; /* written of it */
	bool closed;
	uint64_t end_ns;
	/* server */
	struct late late[LATE_MAX];
	struct hull_ttrpc_call *download; /* one stream at a time, either way */
	uint64_t left;
	struct total total;
};

static uint8_t pattern[5 << 20]; /* zeros, more than a frame may hold */

static _Noreturn void die(const char *what)
{
	fprintf(stderr, "interop-ttrpc: %s\n", what);
	exit(1);
}

#define EXPECT(cond)                \
	do {                        \
		if (!(cond))        \
			die(#cond); \
	} while (0)

/* ---- messages ---- */

static void pack(struct hull_strbuf *b, const char *type_url, const void *value, size_t len)
{
	Ttrpc__Any m = TTRPC__ANY__INIT;

	m.type_url = (char *)type_url;
	m.value = (ProtobufCBinaryData){len, (uint8_t *)value};
	EXPECT(hull_strbuf_reserve(b, ttrpc__any__get_packed_size(&m)) == 0);
	b->len += ttrpc__any__pack(&m, (uint8_t *)b->data + b->len);
}

static void any_freep(Ttrpc__Any **m)
{
	if (*m)
		ttrpc__any__free_unpacked(*m, NULL);
}
#define cleanup_any cleanup_with(any_freep)

static uint64_t number(const Ttrpc__Any *m)
{
	char text[32] = "";
	uint64_t v = 0;

	if (m->value.len)
		memcpy(text, m->value.data, MIN(m->value.len, sizeof(text) - 1));
	(void)hull_parse_u64(text, UINT64_MAX, &v); /* 0 will do for what is no number */
	return v;
}

static void add_total(struct total *t, const void *data, size_t len)
{
	const uint8_t *p = data;

	t->bytes += len;
	for (size_t i = 0; i < len; i++)
		t->sum = t->sum * 31 + p[i];
}

static void total_text(const struct total *t, char text[64])
{
	snprintf(text, 64, "%" PRIu64 ":%" PRIu64, t->bytes, t->sum);
}

/* The n-th of a stream's messages: no two are alike. */
static const uint8_t *message(uint64_t n)
{
	static uint8_t bytes[MESSAGE_SIZE];

	memset(bytes, (int)(n & 0xff), sizeof(bytes));
	memcpy(bytes, &n, sizeof(n));
	return bytes;
}

/* ---- the connection ---- */

static void output(void *ctx, const void *data, size_t len)
{
	struct peer *p = ctx;

	EXPECT(hull_strbuf_add(&p->out, data, len) == 0);
}

static size_t queued(const struct peer *p)
{
	return p->out.len - p->out_at;
}

static void write_some(struct peer *p)
{
	ssize_t n = send(p->fd, p->out.data + p->out_at, queued(p), MSG_NOSIGNAL | MSG_DONTWAIT);

	if (n < 0 && errno != EAGAIN && errno != EINTR)
		p->closed = true;
	if (n > 0)
		p->out_at += (size_t)n;
	if (p->out_at > p->out.len / 2) {
		hull_strbuf_drop(&p->out, p->out_at);
		p->out_at = 0;
	}
}

static void read_some(struct peer *p)
{
	static char buf[256 << 10];
	ssize_t n = recv(p->fd, buf, sizeof(buf), MSG_DONTWAIT);

	if (n > 0)
		EXPECT(hull_ttrpc_feed(p->t, buf, (size_t)n, NULL) == 0);
	else if (n == 0 || (errno != EAGAIN && errno != EINTR))
		p->closed = true;
}

static void serve_late(struct peer *p);
static void serve_download(struct peer *p);

/* One round of the loop. */
static void step(struct peer *p)
{
	struct pollfd pfd = {.fd = p->fd, .events = POLLIN};
	uint64_t at = p->end_ns, deadline = hull_ttrpc_deadline(p->t);

	serve_download(p);
	if (queued(p))
		pfd.events |= POLLOUT;
	if (deadline)
		at = MIN(at, deadline);
	for (size_t i = 0; i < LATE_MAX; i++)
		if (p->late[i].call)
			at = MIN(at, p->late[i].due_ns);
	if (poll(&pfd, 1, hull_ms_left(at)) < 0)
		die("poll");
	if (pfd.revents & POLLOUT)
		write_some(p);
	if (pfd.revents & (POLLIN | POLLHUP | POLLERR))
		read_some(p);
	hull_ttrpc_tick(p->t, hull_now_ns());
	serve_late(p);
	if (hull_now_ns() >= p->end_ns)
		die("timed out");
}

/* ---- server ---- */

static void reply(struct hull_ttrpc_call *call, const char *type_url, const void *value, size_t len)
{
	cleanup_strbuf struct hull_strbuf b = HULL_STRBUF_INIT;

	pack(&b, type_url, value, len);
	hull_ttrpc_reply(call, b.data, b.len);
}

static void fail_as_asked(struct hull_ttrpc_call *call, const char *text, int code)
{
	char detail[32];
	struct hull_ttrpc_any any = {"hull.interop/Detail", detail, 0};
	const struct hull_ttrpc_status st = {code, text, &any, 1};

	any.len = (size_t)snprintf(detail, sizeof(detail), "code %d", code);
	hull_ttrpc_fail(call, &st);
}

static void serve_meta(struct hull_ttrpc_call *call)
{
	const char *ns = hull_ttrpc_metadata(call, "containerd-namespace-ttrpc");
	const char *k = hull_ttrpc_metadata(call, "k");
	char text[128], ms[32];

	snprintf(text, sizeof(text), "%s,%s", ns ? ns : "-", k ? k : "-");
	snprintf(ms, sizeof(ms), "%" PRIu64, hull_ttrpc_timeout_ns(call) / HULL_NS_PER_MS);
	reply(call, text, ms, strlen(ms));
}

static void keep_late(struct peer *p, struct hull_ttrpc_call *call, uint64_t delay_ms)
{
	size_t i = 0;

	while (i < LATE_MAX && p->late[i].call)
		i++;
	EXPECT(i < LATE_MAX);
	p->late[i] = (struct late){call, hull_deadline_ms(delay_ms)};
}

static void serve_late(struct peer *p)
{
	uint64_t now = hull_now_ns();

	for (size_t i = 0; i < LATE_MAX; i++)
		if (p->late[i].call && p->late[i].due_ns <= now)
			hull_ttrpc_reply(steal_ptr(&p->late[i].call), NULL, 0);
}

static void serve_download(struct peer *p)
{
	while (p->download && queued(p) < QUEUE_LOW) {
		cleanup_strbuf struct hull_strbuf b = HULL_STRBUF_INIT;

		if (!p->left) {
			hull_ttrpc_finish(steal_ptr(&p->download));
			break;
		}
		pack(&b, "", message(p->left--), MESSAGE_SIZE);
		EXPECT(hull_ttrpc_send(p->download, b.data, b.len) == 0);
	}
}

static void serve_broken(struct hull_ttrpc_call *call)
{
	for (int i = 0; i < 3; i++)
		EXPECT(hull_ttrpc_send(call, NULL, 0) == 0);
	fail_as_asked(call, "broke off", HULL_RPC_ABORTED);
}

static void serve_method(struct peer *p, struct hull_ttrpc_call *call, const Ttrpc__Any *m)
{
	const char *method = hull_ttrpc_method(call);
	size_t len;
	const void *payload = hull_ttrpc_payload(call, &len);

	if (!strcmp(method, "Echo")) {
		hull_ttrpc_reply(call, payload, len);
	} else if (!strcmp(method, "Meta")) {
		serve_meta(call);
	} else if (!strcmp(method, "Late")) {
		keep_late(p, call, number(m));
	} else if (!strcmp(method, "Fail")) {
		fail_as_asked(call, m->type_url, (int)number(m));
	} else if (!strcmp(method, "Broken")) {
		serve_broken(call);
	} else if (!strcmp(method, "Huge")) {
		reply(call, "", pattern, sizeof(pattern));
	} else if (!strcmp(method, "Download")) {
		p->download = call;
		p->left = number(m);
	} else if (!strcmp(method, "Upload") || !strcmp(method, "Exchange")) {
		p->total = (struct total){0};
	} else {
		hull_ttrpc_failf(call, HULL_RPC_UNIMPLEMENTED, "method %s", method);
	}
}

static void serve_request(void *ctx, struct hull_ttrpc_call *call)
{
	const char *service = hull_ttrpc_service(call);
	size_t len;
	const void *payload = hull_ttrpc_payload(call, &len);
	cleanup_any Ttrpc__Any *m = ttrpc__any__unpack(NULL, len, payload);

	if (strcmp(service, SERVICE) != 0)
		hull_ttrpc_failf(call, HULL_RPC_UNIMPLEMENTED, "service %s", service);
	else if (!m)
		hull_ttrpc_failf(call, HULL_RPC_INTERNAL, "undecodable payload");
	else
		serve_method(ctx, call, m);
}

static void serve_data(void *ctx, struct hull_ttrpc_call *call, const void *data, size_t len,
		       bool last)
{
	bool exchange = !strcmp(hull_ttrpc_method(call), "Exchange");
	cleanup_any Ttrpc__Any *m = last ? NULL : ttrpc__any__unpack(NULL, len, data);
	cleanup_strbuf struct hull_strbuf b = HULL_STRBUF_INIT;
	struct peer *p = ctx;
	char text[64];

	if (!last) {
		EXPECT(m);
		add_total(&p->total, m->value.data, m->value.len);
		if (exchange)
			EXPECT(hull_ttrpc_send(call, data, len) == 0);
		return;
	}
	total_text(&p->total, text);
	pack(&b, "total", text, strlen(text));
	if (!exchange) {
		hull_ttrpc_reply(call, b.data, b.len);
		return;
	}
	EXPECT(hull_ttrpc_send(call, b.data, b.len) == 0);
	hull_ttrpc_finish(call);
}

static void serve_gone(void *ctx, struct hull_ttrpc_call *call)
{
	struct peer *p = ctx;

	for (size_t i = 0; i < LATE_MAX; i++)
		if (p->late[i].call == call)
			p->late[i].call = NULL;
	if (p->download == call)
		p->download = NULL;
}

/* ---- client ---- */

/* What came of one call. */
struct answer {
	bool done;
	int code;
	char text[256], type_url[256], value[256]; /* value: as text, cut */
	char detail_type[64], detail[64];
	size_t n_details, n_messages;
	struct total total; /* of messages whose type_url is empty */
};

static void put_value(char text[256], const void *data, size_t len)
{
	len = MIN(len, (size_t)255);
	if (len)
		memcpy(text, data, len);
	text[len] = '\0';
}

static void note(struct answer *a, const void *data, size_t len)
{
	cleanup_any Ttrpc__Any *m = ttrpc__any__unpack(NULL, len, data);

	EXPECT(m);
	a->n_messages++;
	if (!*m->type_url)
		add_total(&a->total, m->value.data, m->value.len);
	snprintf(a->type_url, sizeof(a->type_url), "%s", m->type_url);
	put_value(a->value, m->value.data, m->value.len);
}

static void on_data(void *ctx, struct hull_ttrpc_call *call, const void *data, size_t len)
{
	note(ctx, data, len);
}

static void on_done(void *ctx, const struct hull_ttrpc_status *st, const void *payload, size_t len)
{
	struct answer *a = ctx;

	EXPECT(!a->done);
	a->done = true;
	a->code = st->code;
	a->n_details = st->n_details;
	snprintf(a->text, sizeof(a->text), "%s", st->message);
	if (st->n_details) {
		snprintf(a->detail_type, sizeof(a->detail_type), "%s", st->details[0].type_url);
		snprintf(a->detail, sizeof(a->detail), "%.*s", (int)st->details[0].len,
			 (const char *)st->details[0].value);
	}
	if (payload)
		note(a, payload, len);
}

static struct hull_ttrpc_call *begin(struct peer *p, struct hull_ttrpc_request rq,
				     const char *type_url, const char *value, struct answer *a)
{
	static const struct hull_ttrpc_call_cb cb = {.data = on_data, .done = on_done};
	cleanup_strbuf struct hull_strbuf b = HULL_STRBUF_INIT;
	struct hull_ttrpc_call *call = NULL;

	if (!rq.service)
		rq.service = SERVICE;
	if (!rq.client_streams)
		pack(&b, type_url, value, strlen(value));
	rq.payload = b.data;
	rq.len = b.len;
	rq.now_ns = hull_now_ns();
	*a = (struct answer){0};
	EXPECT(hull_ttrpc_call(p->t, &rq, &cb, a, &call, NULL) == 0);
	return call;
}

static void finish(struct peer *p, struct answer *a)
{
	while (!a->done && !p->closed)
		step(p);
	EXPECT(a->done);
}

static struct answer ask(struct peer *p, const char *method, const char *type_url,
			 const char *value)
{
	struct answer a;

	begin(p, (struct hull_ttrpc_request){.method = method}, type_url, value, &a);
	finish(p, &a);
	return a;
}

/* The connection is in order. */
static void check_alive(struct peer *p)
{
	struct answer a = ask(p, "Echo", "type", "still there?");

	EXPECT(a.code == 0 && !strcmp(a.type_url, "type") && !strcmp(a.value, "still there?"));
}

struct caller {
	struct peer *p;
	int turn, *left;
	size_t size;
};

static char *caller_bytes(const struct caller *c)
{
	static char bytes[16 << 10];

	memset(bytes, c->turn, c->size);
	return bytes;
}

static void caller_done(void *ctx, const struct hull_ttrpc_status *st, const void *payload,
			size_t len);

static void caller_next(struct caller *c)
{
	static const struct hull_ttrpc_call_cb cb = {.done = caller_done};
	cleanup_strbuf struct hull_strbuf b = HULL_STRBUF_INIT;
	struct hull_ttrpc_request rq = {.service = SERVICE, .method = "Echo"};

	c->size = (c->size * 31 + 1717) % (16 << 10);
	pack(&b, "", caller_bytes(c), c->size);
	rq.payload = b.data;
	rq.len = b.len;
	EXPECT(hull_ttrpc_call(c->p->t, &rq, &cb, c, NULL, NULL) == 0);
}

static void caller_done(void *ctx, const struct hull_ttrpc_status *st, const void *payload,
			size_t len)
{
	cleanup_any Ttrpc__Any *m = ttrpc__any__unpack(NULL, len, payload);
	struct caller *c = ctx;

	EXPECT(st->code == 0 && m && m->value.len == c->size);
	EXPECT(!c->size || !memcmp(m->value.data, caller_bytes(c), c->size));
	if (++c->turn < TURNS)
		caller_next(c);
	else
		--*c->left;
}

static void scenario_concurrent(struct peer *p)
{
	struct caller callers[CALLERS];
	int left = CALLERS;

	for (int i = 0; i < CALLERS; i++) {
		callers[i] = (struct caller){.p = p, .left = &left, .size = (size_t)i};
		caller_next(&callers[i]);
	}
	while (left && !p->closed)
		step(p);
	EXPECT(!left);
}

static void scenario_metadata(struct peer *p)
{
	static const struct hull_ttrpc_kv kv[] = {
		{"k", "first"}, {"containerd-namespace-ttrpc", "interop"}, {"k", "second"}};
	struct hull_ttrpc_request rq = {
		.method = "Meta", .metadata = kv, .n_metadata = ARRAY_SIZE(kv)};
	struct answer a;
	uint64_t ms;

	rq.deadline_ns = hull_deadline_ms(5000);
	begin(p, rq, "", "", &a);
	finish(p, &a);
	EXPECT(a.code == 0 && !strcmp(a.type_url, "interop,first"));
	EXPECT(hull_parse_u64(a.value, 5000, &ms) == 0 && ms > 1000);
	a = ask(p, "Meta", "", "");
	EXPECT(a.code == 0 && !strcmp(a.type_url, "-,-") && !strcmp(a.value, "0"));
}

static void late(struct peer *p, bool cancel)
{
	struct hull_ttrpc_request rq = {.method = "Late"};
	struct hull_ttrpc_call *calls[32];
	struct answer a[32];

	rq.deadline_ns = cancel ? 0 : hull_deadline_ms(50);
	for (size_t i = 0; i < ARRAY_SIZE(a); i++)
		calls[i] = begin(p, rq, "", "200", &a[i]);
	check_alive(p);
	for (size_t i = 0; i < ARRAY_SIZE(a); i++) {
		if (cancel) {
			hull_ttrpc_cancel(calls[i]);
			continue;
		}
		finish(p, &a[i]);
		EXPECT(a[i].code == HULL_RPC_DEADLINE_EXCEEDED);
	}
	EXPECT(hull_ttrpc_pending(p->t) == 0);
	/* Past the time of the answers nobody waits for. */
	EXPECT(ask(p, "Late", "", "400").code == 0);
	check_alive(p);
}

static void scenario_timeout(struct peer *p)
{
	late(p, false);
}

static void scenario_cancel(struct peer *p)
{
	late(p, true);
}

static void scenario_download(struct peer *p)
{
	struct total want = {0};
	char text[32];
	struct answer a;

	snprintf(text, sizeof(text), "%d", MESSAGES);
	begin(p, (struct hull_ttrpc_request){.method = "Download", .server_streams = true}, "",
	      text, &a);
	for (uint64_t n = MESSAGES; n; n--)
		add_total(&want, message(n), MESSAGE_SIZE);
	finish(p, &a);
	EXPECT(a.code == 0 && a.n_messages == MESSAGES);
	EXPECT(a.total.bytes == want.bytes && a.total.sum == want.sum);
}

static void upload(struct peer *p, const char *method, bool both)
{
	const struct hull_ttrpc_request rq = {
		.method = method, .client_streams = true, .server_streams = both};
	struct total want = {0};
	struct answer a;
	struct hull_ttrpc_call *call = begin(p, rq, "", "", &a);
	char text[64];

	for (uint64_t n = 0; n < MESSAGES; n++) {
		cleanup_strbuf struct hull_strbuf b = HULL_STRBUF_INIT;

		while (queued(p) >= QUEUE_LOW && !p->closed)
			step(p);
		EXPECT(!a.done && !p->closed);
		pack(&b, "", message(n), MESSAGE_SIZE);
		add_total(&want, message(n), MESSAGE_SIZE);
		EXPECT(hull_ttrpc_call_send(call, b.data, b.len) == 0);
	}
	EXPECT(hull_ttrpc_half_close(call) == 0);
	finish(p, &a);
	total_text(&want, text);
	EXPECT(a.code == 0 && !strcmp(a.type_url, "total") && !strcmp(a.value, text));
	EXPECT(a.n_messages == (both ? MESSAGES + 1 : 1));
	EXPECT(!both || (a.total.bytes == want.bytes && a.total.sum == want.sum));
}

static void scenario_upload(struct peer *p)
{
	upload(p, "Upload", false);
}

static void scenario_exchange(struct peer *p)
{
	upload(p, "Exchange", true);
}

static void scenario_errors(struct peer *p)
{
	char code[8], detail[32];
	struct answer a;

	for (int i = 1; i <= 16; i++) {
		snprintf(code, sizeof(code), "%d", i);
		snprintf(detail, sizeof(detail), "code %d", i);
		a = ask(p, "Fail", "gr\xc3\xbc\xc3\x9f: not found", code);
		EXPECT(a.code == i && !strcmp(a.text, "gr\xc3\xbc\xc3\x9f: not found"));
		EXPECT(a.n_details == 1 && !strcmp(a.detail, detail));
		EXPECT(!strcmp(a.detail_type, "hull.interop/Detail"));
	}
	a = ask(p, "Nothing", "", "");
	EXPECT(a.code == HULL_RPC_UNIMPLEMENTED && !strcmp(a.text, "method Nothing"));
	begin(p, (struct hull_ttrpc_request){.service = "no.Service", .method = "M"}, "", "", &a);
	finish(p, &a);
	EXPECT(a.code == HULL_RPC_UNIMPLEMENTED && !strcmp(a.text, "service no.Service"));
	begin(p, (struct hull_ttrpc_request){.method = "Broken", .server_streams = true}, "", "",
	      &a);
	finish(p, &a);
	EXPECT(a.code == HULL_RPC_ABORTED && !strcmp(a.text, "broke off") && a.n_messages == 3);
	EXPECT(!strcmp(a.detail, "code 10"));
	check_alive(p);
}

/* Behind the machine's back, which would not send it: its answer comes on an id we don't know. */
static void scenario_oversize(struct peer *p)
{
	uint8_t head[HULL_TTRPC_HEAD];

	hull_ttrpc_head_put(head, &(struct hull_ttrpc_head){.len = sizeof(pattern),
							    .id = 1000001,
							    .type = HULL_TTRPC_REQUEST});
	output(p, head, sizeof(head));
	output(p, pattern, sizeof(pattern));
	check_alive(p);
	output(p, pattern, HULL_TTRPC_HEAD); /* and the probe */
	check_alive(p);
}

/* The peer answers the first call with an oversized frame, the others well. */
static void scenario_oversize_in(struct peer *p)
{
	struct answer a = ask(p, "Echo", "", "1");

	EXPECT(a.code == HULL_RPC_RESOURCE_EXHAUSTED);
	EXPECT(!strcmp(a.text, "message length 5242880 exceed maximum message size of 4194304"));
	check_alive(p);
}

static const struct {
	const char *name;
	void (*run)(struct peer *p);
} scenarios[] = {
	{"cancel", scenario_cancel},	 {"concurrent", scenario_concurrent},
	{"download", scenario_download}, {"errors", scenario_errors},
	{"exchange", scenario_exchange}, {"metadata", scenario_metadata},
	{"oversize", scenario_oversize}, {"oversize-in", scenario_oversize_in},
	{"timeout", scenario_timeout},	 {"upload", scenario_upload},
};

static void run_scenario(struct peer *p, const char *name)
{
	for (size_t i = 0; i < ARRAY_SIZE(scenarios); i++) {
		if (strcmp(scenarios[i].name, name) != 0)
			continue;
		EXPECT(hull_ttrpc_client_new(output, p, &p->t, NULL) == 0);
		scenarios[i].run(p);
		EXPECT(hull_ttrpc_pending(p->t) == 0);
		return;
	}
	die("no such scenario");
}

static void run_server(struct peer *p)
{
	const struct hull_ttrpc_server_ops ops = {
		.output = output, .request = serve_request, .data = serve_data, .gone = serve_gone};

	EXPECT(hull_ttrpc_server_new(&ops, p, &p->t, NULL) == 0);
	while (!p->closed)
		step(p);
}

int main(int argc, char **argv)
{
	static struct peer p = {.out.max = QUEUE_MAX};
	uint64_t fd;

	if (argc != 2 && argc != 3)
		die("usage: interop-ttrpc SOCKET [SCENARIO]");
	p.fd = hull_parse_u64(argv[1], 1 << 20, &fd) == 0 ? (int)fd : hull_unix_connect(argv[1]);
	if (p.fd < 0)
		die("no socket");
	p.end_ns = hull_deadline_ms(LIFETIME_MS);
	if (argc == 3)
		run_scenario(&p, argv[2]);
	else
		run_server(&p);
	hull_ttrpc_free(p.t);
	hull_strbuf_fini(&p.out);
	close(p.fd);
	return 0;
}
