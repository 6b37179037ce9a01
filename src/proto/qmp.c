/* SPDX-License-Identifier: Apache-2.0
 *
 * The QMP client of qmp.h.  Replies are matched by id, not by order, so that out-of-band commands
 * could be added; an id nobody waits for is a protocol error.
 */
#define _GNU_SOURCE
#include "proto/qmp.h"

#include "base/cleanup.h"
#include "base/strbuf.h"

#include <string.h>

#define LINE_MAX_LEN ((size_t)1 << 20)
#define HELD_MAX_LEN ((size_t)1 << 20)
#define DESC_MAX_LEN 400

/* The negotiation's own command; users' ids count up from 1. */
#define ID_CAPABILITIES 0

enum state { STATE_NEW, STATE_NEGOTIATING, STATE_READY, STATE_FAILED };

struct pending {
	struct pending *next;
	uint64_t id;
	char *command; /* owned */
	hull_qmp_reply_fn fn;
	void *ctx;
};

struct hull_qmp {
	const struct hull_qmp_ops *ops;
	void *ctx;
	enum state state;
	struct hull_strbuf line; /* a beginning of a line */
	struct hull_strbuf held; /* commands given before ready */
	struct pending *pending; /* oldest first */
	uint64_t next_id;
	unsigned int version[3];
	unsigned int busy; /* calls of ours on the stack: memory stays until the last returns */
	bool dead;
};

int hull_qmp_new(const struct hull_qmp_ops *ops, void *ctx, struct hull_qmp **ret,
		 struct hull_error **err)
{
	struct hull_qmp *q = calloc(1, sizeof(*q));

	if (!q)
		return hull_fail_nomem(err);
	q->ops = ops;
	q->ctx = ctx;
	q->next_id = ID_CAPABILITIES + 1;
	q->line.max = LINE_MAX_LEN;
	q->held.max = HELD_MAX_LEN;
	*ret = q;
	return 0;
}

static void pending_free(struct pending *p)
{
	free(p->command);
	free(p);
}

static void leave(struct hull_qmp *q)
{
	if (--q->busy || !q->dead)
		return;
	hull_strbuf_fini(&q->line);
	hull_strbuf_fini(&q->held);
	free(q);
}

void hull_qmp_free(struct hull_qmp *q)
{
	struct pending *p;
	int saved = errno;

	if (!q)
		return;
	q->busy++;
	q->dead = true;
	q->state = STATE_FAILED;
	while ((p = q->pending) != NULL) {
		cleanup_error struct hull_error *e = NULL;

		q->pending = p->next;
		(void)hull_fail(&e, HULL_E_UNAVAILABLE, "QMP '%s': connection closed", p->command);
		if (p->fn)
			p->fn(p->ctx, NULL, e);
		pending_free(p);
	}
	leave(q);
	errno = saved;
}

/* One command as a line into @out. */
static int format(struct hull_strbuf *out, const char *command, struct hull_json *arguments,
		  uint64_t id, struct hull_error **err)
{
	cleanup_json struct hull_json *msg = hull_json_object(), *args = arguments;
	cleanup_free char *text = NULL;

	if (!msg || hull_json_set(msg, "execute", hull_json_string(command)) < 0)
		return hull_fail_nomem(err);
	if (args && hull_json_set(msg, "arguments", steal_ptr(&args)) < 0)
		return hull_fail_nomem(err);
	if (hull_json_set(msg, "id", hull_json_u64(id)) < 0)
		return hull_fail_nomem(err);
	text = hull_json_text(msg);
	if (!text)
		return hull_fail_nomem(err);
	hull_strbuf_adds(out, text);
	hull_strbuf_adds(out, "\n");
	if (out->failed)
		return hull_fail(err, HULL_E_EXHAUSTED, "QMP '%s': too much to send", command);
	return 0;
}

int hull_qmp_execute(struct hull_qmp *q, const char *command, struct hull_json *arguments,
		     hull_qmp_reply_fn fn, void *ctx, struct hull_error **err)
{
	cleanup_strbuf struct hull_strbuf out = {.max = HELD_MAX_LEN};
	struct pending *p, **tail = &q->pending;

	if (q->state == STATE_FAILED) {
		hull_json_free(arguments);
		return hull_fail(err, HULL_E_UNAVAILABLE, "QMP '%s': connection closed", command);
	}
	if (format(&out, command, arguments, q->next_id, err) < 0)
		return -1;
	p = calloc(1, sizeof(*p));
	if (p)
		p->command = strdup(command);
	if (!p || !p->command) {
		free(p);
		return hull_fail_nomem(err);
	}
	if (q->state != STATE_READY && hull_strbuf_add(&q->held, out.data, out.len) < 0) {
		q->held.failed = false; /* what it holds is whole still */
		pending_free(p);
		return hull_fail(err, HULL_E_EXHAUSTED, "QMP '%s': too much to send", command);
	}
	p->id = q->next_id++;
	p->fn = fn;
	p->ctx = ctx;
	while (*tail)
		tail = &(*tail)->next;
	*tail = p;
	if (q->state == STATE_READY)
		q->ops->output(q->ctx, out.data, out.len);
	return 0;
}

static int fail_protocol(struct hull_error **err, const char *what)
{
	return hull_fail(err, HULL_E_BACKEND, "QMP: %s", what);
}

static int take_greeting(struct hull_qmp *q, const struct hull_json *msg, struct hull_error **err)
{
	static const char *const keys[] = {"major", "minor", "micro"};
	cleanup_strbuf struct hull_strbuf out = HULL_STRBUF_INIT;
	const struct hull_json *version =
		hull_json_get(hull_json_get(hull_json_get(msg, "QMP"), "version"), "qemu");
	uint64_t v;

	for (size_t i = 0; i < ARRAY_SIZE(keys); i++) {
		if (hull_json_get_u64(hull_json_get(version, keys[i]), &v) < 0 || v > UINT16_MAX)
			return fail_protocol(err, "peer did not send a greeting");
		q->version[i] = (unsigned int)v;
	}
	if (format(&out, "qmp_capabilities", NULL, ID_CAPABILITIES, err) < 0)
		return -1;
	q->state = STATE_NEGOTIATING;
	q->ops->output(q->ctx, out.data, out.len);
	return 0;
}

/* A text of QEMU's, fit for a message of ours. */
static void clean(const char *s, char ret[DESC_MAX_LEN])
{
	size_t n = 0;

	for (; *s && n < DESC_MAX_LEN - 1; s++)
		ret[n++] = (unsigned char)*s < ' ' || *s == 0x7f ? ' ' : *s;
	ret[n] = '\0';
}

static void set_reply_error(struct hull_error **err, const char *command, const struct hull_json *e)
{
	static const struct {
		const char *class;
		int code;
	} classes[] = {
		{"CommandNotFound", HULL_E_UNSUPPORTED},
		{"DeviceNotFound", HULL_E_NOT_FOUND},
		{"DeviceNotActive", HULL_E_STATE},
		{"KVMMissingCap", HULL_E_UNSUPPORTED},
	};
	const char *class = hull_json_str(hull_json_get(e, "class"));
	const char *desc = hull_json_str(hull_json_get(e, "desc"));
	char text[DESC_MAX_LEN];
	int code = HULL_E_BACKEND;

	for (size_t i = 0; class && i < ARRAY_SIZE(classes); i++)
		if (!strcmp(class, classes[i].class))
			code = classes[i].code;
	clean(desc ? desc : "failed without a reason", text);
	(void)hull_fail(err, code, "QMP '%s': %s", command, text);
}

static int take_capabilities(struct hull_qmp *q, const struct hull_json *msg,
			     struct hull_error **err)
{
	cleanup_strbuf struct hull_strbuf held = HULL_STRBUF_INIT;

	if (!hull_json_has(msg, "return")) {
		set_reply_error(err, "qmp_capabilities", hull_json_get(msg, "error"));
		return -1;
	}
	q->state = STATE_READY;
	held = q->held;
	q->held = (struct hull_strbuf)HULL_STRBUF_INIT;
	if (held.len)
		q->ops->output(q->ctx, held.data, held.len);
	if (!q->dead)
		q->ops->ready(q->ctx, q->version[0], q->version[1], q->version[2]);
	return 0;
}

static int take_reply(struct hull_qmp *q, const struct hull_json *msg, struct hull_error **err)
{
	cleanup_error struct hull_error *error = NULL;
	struct pending **at = &q->pending, *p;
	uint64_t id;

	if (hull_json_get_u64(hull_json_get(msg, "id"), &id) < 0) {
		if (!hull_json_has(msg, "error"))
			return fail_protocol(err, "reply without an id");
		/* QEMU could not make out the command it complains of. */
		set_reply_error(err, "unknown command", hull_json_get(msg, "error"));
		return -1;
	}
	if (q->state == STATE_NEGOTIATING && id == ID_CAPABILITIES)
		return take_capabilities(q, msg, err);
	while (*at && (*at)->id != id)
		at = &(*at)->next;
	if (!*at || q->state != STATE_READY)
		return fail_protocol(err, "reply to a command that was not sent");
	p = *at;
	*at = p->next;
	if (hull_json_has(msg, "error"))
		set_reply_error(&error, p->command, hull_json_get(msg, "error"));
	if (p->fn)
		p->fn(p->ctx, error ? NULL : hull_json_get(msg, "return"), error);
	pending_free(p);
	return 0;
}

static int take_line(struct hull_qmp *q, const char *line, size_t len, struct hull_error **err)
{
	cleanup_json struct hull_json *msg = NULL;
	const char *event;

	if (hull_json_parse(line, len, &msg, err) < 0)
		return hull_prefix(err, "QMP");
	if (q->state == STATE_NEW)
		return take_greeting(q, msg, err);
	event = hull_json_str(hull_json_get(msg, "event"));
	if (event) {
		q->ops->event(q->ctx, event, hull_json_get(msg, "data"));
		return 0;
	}
	if (hull_json_has(msg, "return") || hull_json_has(msg, "error"))
		return take_reply(q, msg, err);
	return fail_protocol(err, "message that is neither event nor reply");
}

/* A whole line, or the rest of one whose beginning is in q->line. */
static int end_line(struct hull_qmp *q, const char *data, size_t len, struct hull_error **err)
{
	cleanup_strbuf struct hull_strbuf whole = HULL_STRBUF_INIT;

	if (q->line.len) {
		if (hull_strbuf_add(&q->line, data, len) < 0)
			return fail_protocol(err, "line too long");
		whole = q->line;
		q->line = (struct hull_strbuf){.max = LINE_MAX_LEN};
		data = whole.data;
		len = whole.len;
	}
	if (len > LINE_MAX_LEN)
		return fail_protocol(err, "line too long");
	if (len && data[len - 1] == '\r')
		len--;
	return len ? take_line(q, data, len, err) : 0;
}

int hull_qmp_feed(struct hull_qmp *q, const void *data, size_t len, struct hull_error **err)
{
	const char *p = data;
	int r = 0;

	if (q->state == STATE_FAILED)
		return fail_protocol(err, "connection closed");
	q->busy++;
	while (len && r == 0 && !q->dead) {
		const char *nl = memchr(p, '\n', len);
		size_t n = nl ? (size_t)(nl - p) : len;

		if (nl)
			r = end_line(q, p, n, err);
		else if (hull_strbuf_add(&q->line, p, n) < 0)
			r = fail_protocol(err, "line too long");
		n += nl != NULL;
		p += n;
		len -= n;
	}
	if (r < 0)
		q->state = STATE_FAILED;
	leave(q);
	return r;
}
