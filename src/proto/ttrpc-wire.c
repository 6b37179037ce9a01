/* SPDX-License-Identifier: Apache-2.0
 *
 * Headers and envelopes of ttrpc.
 *
 * Readers walk a message twice: once to check all of it and to count what must be copied, once to
 * fill one allocation.  Nothing is believed in the second walk that the first has not seen.
 */
#include "proto/ttrpc-wire.h"

#include "base/cleanup.h"
#include "ttrpc.pb-c.h"

#include <string.h>

#define GROUP_DEPTH_MAX 32

/* ---- header ---- */

static uint32_t get_be32(const uint8_t *p)
{
	return (uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 | (uint32_t)p[2] << 8 | p[3];
}

static void put_be32(uint8_t *p, uint32_t v)
{
	p[0] = (uint8_t)(v >> 24);
	p[1] = (uint8_t)(v >> 16);
	p[2] = (uint8_t)(v >> 8);
	p[3] = (uint8_t)v;
}

void hull_ttrpc_head_get(const uint8_t *p, struct hull_ttrpc_head *ret_head)
{
	*ret_head = (struct hull_ttrpc_head){
		.len = get_be32(p), .id = get_be32(p + 4), .type = p[8], .flags = p[9]};
}

void hull_ttrpc_head_put(uint8_t *p, const struct hull_ttrpc_head *head)
{
	put_be32(p, head->len);
	put_be32(p + 4, head->id);
	p[8] = head->type;
	p[9] = head->flags;
}

/* ---- reading protobuf ---- */

enum { WIRE_VARINT = 0, WIRE_64 = 1, WIRE_BYTES = 2, WIRE_GROUP = 3, WIRE_END = 4, WIRE_32 = 5 };

struct span {
	const uint8_t *p;
	size_t len;
};

struct field {
	uint32_t number;
	uint8_t wire;
	uint64_t value;	   /* WIRE_VARINT */
	struct span bytes; /* WIRE_BYTES */
};

static int read_varint(struct span *in, uint64_t *ret)
{
	uint64_t v = 0;

	for (unsigned int i = 0; i < 10 && i < in->len; i++) {
		uint8_t b = in->p[i];

		if (i == 9 && b > 1)
			break;
		v |= (uint64_t)(b & 0x7f) << (7 * i);
		if (b & 0x80)
			continue;
		in->p += i + 1;
		in->len -= i + 1;
		*ret = v;
		return 0;
	}
	return -EBADMSG;
}

static int read_bytes(struct span *in, uint64_t len, struct span *ret)
{
	if (len > in->len)
		return -EBADMSG;
	*ret = (struct span){in->p, (size_t)len};
	in->p += len;
	in->len -= (size_t)len;
	return 0;
}

static int read_tag(struct span *in, struct field *f)
{
	uint64_t tag;

	if (read_varint(in, &tag) < 0 || tag >> 3 == 0 || tag >> 32)
		return -EBADMSG;
	f->number = (uint32_t)(tag >> 3);
	f->wire = tag & 7;
	return 0;
}

static int read_value(struct span *in, struct field *f)
{
	uint64_t len;

	switch (f->wire) {
	case WIRE_VARINT:
		return read_varint(in, &f->value);
	case WIRE_BYTES:
		return read_varint(in, &len) < 0 ? -EBADMSG : read_bytes(in, len, &f->bytes);
	case WIRE_64:
		return read_bytes(in, 8, &f->bytes);
	case WIRE_32:
		return read_bytes(in, 4, &f->bytes);
	default:
		return -EBADMSG;
	}
}

/* Groups nest, and each end must name the group it ends. */
static int skip_group(struct span *in, uint32_t number)
{
	uint32_t open[GROUP_DEPTH_MAX] = {number};
	unsigned int depth = 1;

	while (depth) {
		struct field f;

		if (read_tag(in, &f) < 0)
			return -EBADMSG;
		if (f.wire == WIRE_GROUP) {
			if (depth == GROUP_DEPTH_MAX)
				return -EBADMSG;
			open[depth++] = f.number;
		} else if (f.wire == WIRE_END) {
			if (open[--depth] != f.number)
				return -EBADMSG;
		} else if (read_value(in, &f) < 0) {
			return -EBADMSG;
		}
	}
	return 0;
}

/* 1: *f is the next field, 0: the end, or -EBADMSG.  Groups are skipped within. */
static int next_field(struct span *in, struct field *f)
{
	while (in->len) {
		if (read_tag(in, f) < 0)
			return -EBADMSG;
		if (f->wire != WIRE_GROUP)
			return read_value(in, f) < 0 ? -EBADMSG : 1;
		if (skip_group(in, f->number) < 0)
			return -EBADMSG;
	}
	return 0;
}

/* A known number with another wire type is an unknown field. */
static bool is_bytes(const struct field *f, uint32_t number)
{
	return f->number == number && f->wire == WIRE_BYTES;
}

static bool is_varint(const struct field *f, uint32_t number)
{
	return f->number == number && f->wire == WIRE_VARINT;
}

/* Both KeyValue and Any are two length-delimited fields, 1 and 2. */
static int read_pair(struct span in, struct span *ret_first, struct span *ret_second)
{
	struct span pair[2] = {{NULL, 0}, {NULL, 0}};
	struct field f;
	int r;

	while ((r = next_field(&in, &f)) > 0)
		if (is_bytes(&f, 1) || is_bytes(&f, 2))
			pair[f.number - 1] = f.bytes;
	*ret_first = pair[0];
	*ret_second = pair[1];
	return r;
}

static bool is_text(const struct span *s)
{
	return !s->len || !memchr(s->p, '\0', s->len);
}

static void *put_bytes(char **at, const struct span *s)
{
	char *p = *at;

	if (s->len)
		memcpy(p, s->p, s->len);
	*at = p + s->len;
	return p;
}

static const char *put_text(char **at, const struct span *s)
{
	const char *p = put_bytes(at, s);

	*(*at)++ = '\0';
	return p;
}

/* ---- request ---- */

struct request_scan {
	struct span service, method, payload;
	int64_t timeout;
	size_t n_metadata, text; /* bytes of metadata strings with their NULs */
};

static int scan_request(struct span in, struct request_scan *s)
{
	struct span key, value;
	struct field f;
	int r;

	while ((r = next_field(&in, &f)) > 0) {
		if (is_bytes(&f, 1))
			s->service = f.bytes;
		else if (is_bytes(&f, 2))
			s->method = f.bytes;
		else if (is_bytes(&f, 3))
			s->payload = f.bytes;
		else if (is_varint(&f, 4))
			s->timeout = (int64_t)f.value;
		if (!is_bytes(&f, 5))
			continue;
		if (++s->n_metadata > HULL_TTRPC_METADATA_MAX ||
		    read_pair(f.bytes, &key, &value) < 0 || !is_text(&key) || !is_text(&value))
			return -EBADMSG;
		s->text += key.len + value.len + 2;
	}
	return r < 0 || !is_text(&s->service) || !is_text(&s->method) ? -EBADMSG : 0;
}

int hull_ttrpc_decode_request(const void *data, size_t len, struct hull_ttrpc_envelope **ret)
{
	struct span in = {data, len}, key, value;
	struct request_scan s = {0};
	struct hull_ttrpc_envelope *e;
	struct field f;
	size_t size;
	char *at;

	if (scan_request(in, &s) < 0)
		return -EBADMSG;
	size = sizeof(*e) + s.n_metadata * sizeof(e->metadata[0]) + s.text + s.service.len +
	       s.method.len + 2 + s.payload.len + 1;
	e = malloc(size);
	if (!e)
		return -ENOMEM;
	*e = (struct hull_ttrpc_envelope){.size = size, .payload_len = s.payload.len};
	e->timeout_ns = s.timeout < 0 ? 1 : (uint64_t)s.timeout;
	at = (char *)&e->metadata[s.n_metadata];
	e->service = put_text(&at, &s.service);
	e->method = put_text(&at, &s.method);
	while (next_field(&in, &f) > 0) {
		if (!is_bytes(&f, 5))
			continue;
		read_pair(f.bytes, &key, &value);
		e->metadata[e->n_metadata].key = put_text(&at, &key);
		e->metadata[e->n_metadata++].value = put_text(&at, &value);
	}
	e->payload = put_bytes(&at, &s.payload);
	*ret = e;
	return 0;
}

/* ---- response ---- */

struct status_scan {
	int code;
	struct span message;
	size_t n_details, text; /* bytes of type URLs with their NULs */
	struct hull_ttrpc_any *details;
	char *at;
};

/* Adds one Status to what was seen before: a message field that occurs again is merged.  Details
 * are counted as long as s->details is NULL, then stored. */
static int scan_status(struct span in, struct status_scan *s)
{
	struct span url, value;
	struct field f;
	int r;

	while ((r = next_field(&in, &f)) > 0) {
		if (is_varint(&f, 1))
			s->code = (int32_t)f.value;
		else if (is_bytes(&f, 2))
			s->message = f.bytes;
		if (!is_bytes(&f, 3))
			continue;
		if (read_pair(f.bytes, &url, &value) < 0)
			return -EBADMSG;
		if (s->n_details == HULL_TTRPC_DETAILS_MAX)
			continue;
		if (s->details)
			s->details[s->n_details] =
				(struct hull_ttrpc_any){put_text(&s->at, &url), value.p, value.len};
		s->text += url.len + 1;
		s->n_details++;
	}
	return r;
}

static int scan_response(struct span in, struct status_scan *s, struct span *payload)
{
	struct field f;
	int r;

	while ((r = next_field(&in, &f)) > 0) {
		if (is_bytes(&f, 1) && scan_status(f.bytes, s) < 0)
			return -EBADMSG;
		if (is_bytes(&f, 2))
			*payload = f.bytes;
	}
	return r;
}

int hull_ttrpc_decode_response(const void *data, size_t len, struct hull_ttrpc_answer *ret_answer)
{
	struct span in = {data, len}, payload = {NULL, 0};
	struct status_scan s = {0}, again = {0};

	if (scan_response(in, &s, &payload) < 0)
		return -EBADMSG;
	*ret_answer = (struct hull_ttrpc_answer){
		.status = {.code = s.code, .message = ""},
		.payload = payload.len ? (const void *)payload.p : "",
		.len = payload.len,
	};
	if (!s.n_details && !s.message.len)
		return 0;
	ret_answer->text =
		malloc(s.n_details * sizeof(*again.details) + s.text + s.message.len + 1);
	if (!ret_answer->text)
		return 0;
	again.details = ret_answer->text;
	again.at = (char *)(again.details + s.n_details);
	(void)scan_response(in, &again, &payload); /* the same bytes passed before */
	ret_answer->status.details = again.details;
	ret_answer->status.n_details = again.n_details;
	ret_answer->status.message = put_text(&again.at, &again.message);
	return 0;
}

void hull_ttrpc_answer_fini(struct hull_ttrpc_answer *answer)
{
	free(answer->text);
	answer->text = NULL;
}

/* ---- writing ---- */

static int frame_init(struct hull_ttrpc_frame *frame, struct hull_ttrpc_head head, size_t body,
		      size_t *ret_body)
{
	if (body > HULL_TTRPC_MESSAGE_MAX) {
		if (ret_body)
			*ret_body = body;
		return -EMSGSIZE;
	}
	head.len = (uint32_t)body;
	frame->len = HULL_TTRPC_HEAD + body;
	frame->data = frame->len <= sizeof(frame->small) ? frame->small : malloc(frame->len);
	if (!frame->data)
		return -ENOMEM;
	hull_ttrpc_head_put(frame->data, &head);
	return 0;
}

void hull_ttrpc_frame_fini(struct hull_ttrpc_frame *frame)
{
	if (frame->data != frame->small)
		free(frame->data);
	frame->data = NULL;
}

int hull_ttrpc_frame_data(struct hull_ttrpc_frame *ret_frame, uint32_t id, uint8_t flags,
			  const void *data, size_t len, size_t *ret_body)
{
	struct hull_ttrpc_head head = {.id = id, .type = HULL_TTRPC_DATA, .flags = flags};
	int r = frame_init(ret_frame, head, len, ret_body);

	if (!r && len)
		memcpy(ret_frame->data + HULL_TTRPC_HEAD, data, len);
	return r;
}

int hull_ttrpc_frame_request(struct hull_ttrpc_frame *ret_frame, uint32_t id, uint8_t flags,
			     const struct hull_ttrpc_request *rq, int64_t timeout_ns,
			     size_t *ret_body)
{
	struct hull_ttrpc_head head = {.id = id, .type = HULL_TTRPC_REQUEST, .flags = flags};
	Ttrpc__Request m = TTRPC__REQUEST__INIT;
	cleanup_free Ttrpc__KeyValue **list = NULL;
	cleanup_free Ttrpc__KeyValue *kv = NULL;
	int r;

	if (rq->n_metadata) {
		kv = calloc(rq->n_metadata, sizeof(*kv));
		list = calloc(rq->n_metadata, sizeof(*list));
		if (!kv || !list)
			return -ENOMEM;
	}
	for (size_t i = 0; i < rq->n_metadata; i++) {
		ttrpc__key_value__init(&kv[i]);
		kv[i].key = (char *)rq->metadata[i].key;
		kv[i].value = (char *)rq->metadata[i].value;
		list[i] = &kv[i];
	}
	m.service = (char *)rq->service;
	m.method = (char *)rq->method;
	m.payload = (ProtobufCBinaryData){rq->len, (uint8_t *)rq->payload};
	m.timeout_nano = timeout_ns;
	m.metadata = list;
	m.n_metadata = rq->n_metadata;
	r = frame_init(ret_frame, head, ttrpc__request__get_packed_size(&m), ret_body);
	if (!r)
		ttrpc__request__pack(&m, ret_frame->data + HULL_TTRPC_HEAD);
	return r;
}

/* Length of the well-formed UTF-8 sequence at @s, which ends with a NUL; 0 if there is none. */
static size_t utf8_len(const char *s)
{
	const uint8_t *p = (const uint8_t *)s;
	uint8_t low = p[0] == 0xe0 ? 0xa0 : p[0] == 0xf0 ? 0x90 : 0x80;
	uint8_t high = p[0] == 0xed ? 0x9f : p[0] == 0xf4 ? 0x8f : 0xbf;
	size_t n = 1;

	if (p[0] >= 0x80)
		n = p[0] < 0xc2 ? 0 : p[0] < 0xe0 ? 2 : p[0] < 0xf0 ? 3 : p[0] < 0xf5 ? 4 : 0;
	for (size_t i = 1; i < n; i++) {
		if (p[i] < low || p[i] > high)
			return 0;
		low = 0x80;
		high = 0xbf;
	}
	return n;
}

/* @s itself, or a copy in *ret_copy that is valid UTF-8; NULL without memory. */
static char *clean_text(const char *s, char **ret_copy)
{
	const char *bad = s;
	size_t n;

	while (*bad && (n = utf8_len(bad)))
		bad += n;
	if (!*bad)
		return (char *)s;
	*ret_copy = strdup(s);
	if (!*ret_copy)
		return NULL;
	for (char *p = *ret_copy + (bad - s); *p; p += n) {
		n = utf8_len(p);
		if (n)
			continue;
		*p = '?';
		n = 1;
	}
	return *ret_copy;
}

int hull_ttrpc_frame_response(struct hull_ttrpc_frame *ret_frame, uint32_t id,
			      const struct hull_ttrpc_status *status, const void *payload,
			      size_t len, size_t *ret_body)
{
	struct hull_ttrpc_head head = {.id = id, .type = HULL_TTRPC_RESPONSE};
	Ttrpc__Response m = TTRPC__RESPONSE__INIT;
	Ttrpc__Status s = TTRPC__STATUS__INIT;
	cleanup_free Ttrpc__Any **list = NULL;
	cleanup_free Ttrpc__Any *any = NULL;
	cleanup_free char *copy = NULL;
	int r;

	if (status && status->n_details) {
		any = calloc(status->n_details, sizeof(*any));
		list = calloc(status->n_details, sizeof(*list));
		if (!any || !list)
			return -ENOMEM;
	}
	for (size_t i = 0; status && i < status->n_details; i++) {
		const struct hull_ttrpc_any *d = &status->details[i];

		ttrpc__any__init(&any[i]);
		any[i].type_url = (char *)d->type_url;
		any[i].value = (ProtobufCBinaryData){d->len, (uint8_t *)d->value};
		list[i] = &any[i];
	}
	if (status) {
		s.code = status->code;
		s.message = clean_text(status->message ? status->message : "", &copy);
		if (!s.message)
			return -ENOMEM;
		s.details = list;
		s.n_details = status->n_details;
		m.status = &s;
	}
	m.payload = (ProtobufCBinaryData){len, (uint8_t *)payload};
	r = frame_init(ret_frame, head, ttrpc__response__get_packed_size(&m), ret_body);
	if (!r)
		ttrpc__response__pack(&m, ret_frame->data + HULL_TTRPC_HEAD);
	return r;
}
