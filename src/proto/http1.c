/* SPDX-License-Identifier: Apache-2.0
 *
 * The parser of http1.h.  Lines are collected in one buffer: those of the head stay there and are
 * referred to by offset, since it moves as it grows; those that frame a chunked body are taken out
 * again.  Bodies have a buffer of their own.
 */
#define _GNU_SOURCE
#include "proto/http1.h"

#include "base/cleanup.h"
#include "base/strbuf.h"
#include "base/text.h"

#include <ctype.h>
#include <string.h>
#include <strings.h>

#define BLANK_LINES_MAX 2 /* before a request: some clients end a body with one too many */
#define CHUNK_LINE_MAX 256
#define CHUNK_DIGITS_MAX 8

enum state {
	FIRST_LINE,
	HEADERS,
	BODY,	    /* as long as Content-Length says */
	CHUNK_SIZE, /* then its bytes, then an empty line; a size of 0 is followed by trailers */
	CHUNK,
	CHUNK_END,
	TRAILERS,
	DONE,
	BAD,
};

struct span {
	uint32_t name, value; /* offsets in text */
};

struct hull_http1 {
	struct hull_http1_limits limits;
	enum state state;
	struct hull_strbuf text, body;
	size_t line;	/* where the line begins that is being read */
	size_t framing; /* bytes of chunk lines and trailers */
	uint64_t left;	/* of the body, or of the chunk */
	unsigned int blank_lines;
	bool chunked, has_length, expects;
	struct span spans[HULL_HTTP1_HEADERS_MAX];
	struct hull_http1_header headers[HULL_HTTP1_HEADERS_MAX];
	struct hull_http1_request rq;
	size_t method, target; /* offsets */
	int status;
	const char *why;
};

static void begin(struct hull_http1 *p, struct hull_http1_limits limits)
{
	*p = (struct hull_http1){.limits = limits};
	p->text.max = limits.head + CHUNK_LINE_MAX + 1;
	p->body.max = limits.body + 1;
}

int hull_http1_new(const struct hull_http1_limits *limits, struct hull_http1 **ret)
{
	struct hull_http1 *p = malloc(sizeof(*p));

	if (!p)
		return -ENOMEM;
	begin(p, *limits);
	*ret = p;
	return 0;
}

void hull_http1_free(struct hull_http1 *p)
{
	if (!p)
		return;
	hull_strbuf_fini(&p->text);
	hull_strbuf_fini(&p->body);
	free(p);
}

static int bad(struct hull_http1 *p, int status, const char *why)
{
	p->state = BAD;
	p->status = status;
	p->why = why;
	return -1;
}

/* ---- pieces of lines ---- */

/* What names of methods and headers are made of. */
static bool is_token_char(char c)
{
	return isalnum((unsigned char)c) || (c && strchr("!#$%&'*+-.^_`|~", c));
}

static size_t token_len(const char *s)
{
	size_t n = 0;

	while (is_token_char(s[n]))
		n++;
	return n;
}

/* Whether it has no control characters; tabs are as good as blanks. */
static bool is_text(const char *s)
{
	for (; *s; s++)
		if (((unsigned char)*s < ' ' && *s != '\t') || *s == 0x7f)
			return false;
	return true;
}

/* Whether a list of words, separated by commas, has this one. */
static bool list_has(const char *list, const char *word)
{
	size_t len = strlen(word);

	for (const char *s = list; *s; s += strcspn(s, ",")) {
		size_t n;

		s += strspn(s, ", \t");
		n = token_len(s);
		if (n == len && !strncasecmp(s, word, len))
			return true;
	}
	return false;
}

/* Digits alone, as many as fit. */
static int parse_length(const char *s, uint64_t *ret)
{
	size_t n = strspn(s, "0123456789");
	uint64_t v = 0;

	if (!n || s[n])
		return -EINVAL;
	for (; *s; s++) {
		if (v > (UINT64_MAX - 9) / 10)
			return -ERANGE;
		v = v * 10 + (uint64_t)(*s - '0');
	}
	*ret = v;
	return 0;
}

/* "GET /path HTTP/1.1" */
static int parse_first_line(struct hull_http1 *p, char *line)
{
	char *target, *version = NULL;
	size_t n = token_len(line);

	if (!n || line[n] != ' ')
		return bad(p, 400, "the first line has no method");
	line[n] = '\0';
	target = line + n + 1;
	for (char *s = target; *s && !version; s++) {
		if (*s == ' ' && s > target)
			version = s + 1;
		else if (*s <= ' ' || *s > '~')
			return bad(p, 400, "the first line has a target that is none");
	}
	if (!version)
		return bad(p, 400, "the first line has no version");
	version[-1] = '\0';
	if (strncmp(version, "HTTP/", 5) != 0 || !isdigit((unsigned char)version[5]) ||
	    version[6] != '.' || !isdigit((unsigned char)version[7]) || version[8])
		return bad(p, 400, "the first line has a version that is none");
	if (version[5] != '1')
		return bad(p, 505, "only HTTP/1 is spoken here");
	p->rq.minor = version[7] != '0';
	p->method = p->line;
	p->target = p->line + n + 1;
	p->state = HEADERS;
	return 0;
}

/* "Name: value": the value's end is cut off, its beginning returned; NULL if it is none. */
static char *split_header(char *line)
{
	size_t n = token_len(line), len;
	char *value;

	if (!n || line[n] != ':')
		return NULL;
	line[n] = '\0';
	for (size_t i = 0; i < n; i++)
		line[i] = (char)tolower((unsigned char)line[i]);
	value = line + n + 1;
	value += strspn(value, " \t");
	len = strlen(value);
	while (len && (value[len - 1] == ' ' || value[len - 1] == '\t'))
		value[--len] = '\0';
	return is_text(value) ? value : NULL;
}

static int parse_header(struct hull_http1 *p, char *line)
{
	char *value = split_header(line);
	struct span *s;

	if (!value)
		return bad(p, 400, "a line of the head is no header");
	if (p->rq.n_headers == HULL_HTTP1_HEADERS_MAX)
		return bad(p, 431, "there are too many headers");
	s = &p->spans[p->rq.n_headers++];
	s->name = (uint32_t)p->line;
	s->value = (uint32_t)(value - p->text.data);
	return 0;
}

/* ---- the end of the head ---- */

static int read_length(struct hull_http1 *p, const char *value)
{
	int r = parse_length(value, &p->left);

	if (p->has_length)
		return bad(p, 400, "there are two lengths of the body");
	if (r == -EINVAL)
		return bad(p, 400, "the length of the body is no number");
	if (r < 0 || p->left > p->limits.body)
		return bad(p, 413, "the body is too large");
	p->has_length = true;
	return 0;
}

static int read_encoding(struct hull_http1 *p, const char *value)
{
	if (p->chunked || !p->rq.minor)
		return bad(p, 400, "the body's encoding can't be");
	if (strcasecmp(value, "chunked") != 0)
		return bad(p, 501, "no encoding of bodies is known but 'chunked'");
	p->chunked = true;
	return 0;
}

static int read_expectation(struct hull_http1 *p, const char *value)
{
	if (strcasecmp(value, "100-continue") != 0)
		return bad(p, 417, "only '100-continue' can be expected");
	p->expects = p->rq.minor > 0;
	return 0;
}

static int read_headers(struct hull_http1 *p)
{
	bool close = false, keep = false;
	unsigned int hosts = 0;
	int r = 0;

	for (size_t i = 0; i < p->rq.n_headers && r == 0; i++) {
		const char *name = p->headers[i].name, *value = p->headers[i].value;

		if (!strcmp(name, "content-length"))
			r = read_length(p, value);
		else if (!strcmp(name, "transfer-encoding"))
			r = read_encoding(p, value);
		else if (!strcmp(name, "expect"))
			r = read_expectation(p, value);
		else if (!strcmp(name, "host"))
			hosts++;
		if (strcmp(name, "connection") != 0)
			continue;
		close |= list_has(value, "close");
		keep |= list_has(value, "keep-alive");
	}
	if (r < 0)
		return r;
	if (p->chunked && p->has_length)
		return bad(p, 400, "there are two ways to tell the body's length");
	if (hosts > 1 || (!hosts && p->rq.minor))
		return bad(p, 400, "there is no Host header, or more than one");
	p->rq.keep_alive = !close && (p->rq.minor || keep);
	return 0;
}

/* Lines that frame a chunked body go behind the head, which must not move any more. */
static int finish_head(struct hull_http1 *p)
{
	if (hull_strbuf_reserve(&p->text, CHUNK_LINE_MAX) < 0)
		return bad(p, 503, "there is no memory");
	p->rq.method = p->text.data + p->method;
	p->rq.target = p->text.data + p->target;
	p->rq.headers = p->headers;
	for (size_t i = 0; i < p->rq.n_headers; i++) {
		p->headers[i].name = p->text.data + p->spans[i].name;
		p->headers[i].value = p->text.data + p->spans[i].value;
	}
	if (read_headers(p) < 0)
		return -1;
	p->state = p->chunked ? CHUNK_SIZE : p->left ? BODY : DONE;
	return 0;
}

/* ---- chunks ---- */

/* "1a;extension": extensions mean nothing here. */
static int parse_chunk_size(struct hull_http1 *p, const char *line)
{
	size_t n = strspn(line, "0123456789abcdefABCDEF");
	uint64_t size = 0;

	if (!n || n > CHUNK_DIGITS_MAX || (line[n] && line[n] != ';'))
		return bad(p, 400, "a chunk's size is no number");
	for (const char *s = line; s < line + n; s++)
		size = size * 16 + (uint64_t)hull_hex_digit(*s);
	if (!is_text(line + n))
		return bad(p, 400, "a chunk's extension has a control character");
	if (size > p->limits.body - p->body.len)
		return bad(p, 413, "the body is too large");
	p->left = size;
	p->state = size ? CHUNK : TRAILERS;
	return 0;
}

/* Trailers are read as strictly as headers, and mean nothing either. */
static int on_framing_line(struct hull_http1 *p, char *line, bool crlf)
{
	int r = 0;

	p->framing += p->text.len - p->line;
	p->text.len = p->line; /* its bytes stay until the next line is collected */
	if (!crlf)
		return bad(p, 400, "a chunk's line has a line feed alone");
	if (p->framing > p->limits.head)
		return bad(p, 400, "the chunks' lines are more than they should be");
	if (p->state == CHUNK_SIZE)
		return parse_chunk_size(p, line);
	if (p->state == CHUNK_END) {
		p->state = CHUNK_SIZE;
		return *line ? bad(p, 400, "a chunk is longer than its size") : 0;
	}
	if (!*line)
		p->state = DONE;
	else if (!split_header(line))
		r = bad(p, 400, "a trailer is no header");
	return r;
}

/* ---- bytes ---- */

static int on_line(struct hull_http1 *p)
{
	char *line = p->text.data + p->line;
	size_t n = p->text.len - p->line - 1;
	bool crlf = n && line[n - 1] == '\r';
	int r;

	n -= crlf;
	line[n] = '\0';
	if (memchr(line, '\r', n))
		return bad(p, 400, "a carriage return stands alone");
	if (p->state > HEADERS)
		return on_framing_line(p, line, crlf);
	if (p->state == FIRST_LINE && !n) {
		if (++p->blank_lines > BLANK_LINES_MAX)
			return bad(p, 400, "there are empty lines instead of a request");
		p->text.len = p->line;
		return 0;
	}
	if (p->state == FIRST_LINE)
		r = parse_first_line(p, line);
	else
		r = n ? parse_header(p, line) : finish_head(p);
	p->line = p->text.len;
	return r;
}

/* How much longer the line may become, its end included, and the answer if it does. */
static size_t line_room(const struct hull_http1 *p, int *ret_status)
{
	size_t have = p->text.len - p->line, room;

	if (p->state > HEADERS) {
		*ret_status = p->state == TRAILERS ? 431 : 400;
		return CHUNK_LINE_MAX - MIN(have, (size_t)CHUNK_LINE_MAX);
	}
	*ret_status = 431;
	room = p->limits.head - MIN(p->text.len, p->limits.head);
	if (p->state == FIRST_LINE && p->limits.line + 2 - have < room) {
		*ret_status = 414;
		room = p->limits.line + 2 - have;
	}
	return room;
}

static int take_line(struct hull_http1 *p, const char *data, size_t len, size_t *used)
{
	const char *from = data + *used, *end = memchr(from, '\n', len - *used);
	size_t n = end ? (size_t)(end + 1 - from) : len - *used;
	int status;

	if (n > line_room(p, &status))
		return bad(p, status, "a line, or the head, is too long");
	if (memchr(from, '\0', n))
		return bad(p, 400, "there is a NUL");
	if (hull_strbuf_add(&p->text, from, n) < 0)
		return bad(p, 503, "there is no memory");
	*used += n;
	return end ? on_line(p) : 0;
}

static int take_body(struct hull_http1 *p, const char *data, size_t len, size_t *used)
{
	size_t n = (size_t)MIN(p->left, (uint64_t)(len - *used));

	if (hull_strbuf_add(&p->body, data + *used, n) < 0)
		return bad(p, 503, "there is no memory");
	*used += n;
	p->left -= n;
	if (!p->left)
		p->state = p->state == CHUNK ? CHUNK_END : DONE;
	return 0;
}

enum hull_http1_got hull_http1_feed(struct hull_http1 *p, const void *data, size_t len,
				    size_t *ret_used)
{
	*ret_used = 0;
	while (p->state < DONE && *ret_used < len) {
		int r;

		if (p->state == BODY || p->state == CHUNK)
			r = take_body(p, data, len, ret_used);
		else
			r = take_line(p, data, len, ret_used);
		if (r == 0 && p->expects && hull_http1_in_body(p)) {
			p->expects = false;
			return HULL_HTTP1_GOT_CONTINUE;
		}
	}
	if (p->state == BAD)
		return HULL_HTTP1_GOT_BAD;
	if (p->state != DONE)
		return HULL_HTTP1_GOT_MORE;
	p->rq.body = hull_strbuf_str(&p->body);
	p->rq.body_len = p->body.len;
	return HULL_HTTP1_GOT_REQUEST;
}

const struct hull_http1_request *hull_http1_request(const struct hull_http1 *p)
{
	return &p->rq;
}

void hull_http1_next(struct hull_http1 *p)
{
	hull_strbuf_fini(&p->text);
	hull_strbuf_fini(&p->body);
	begin(p, p->limits);
}

bool hull_http1_is_idle(const struct hull_http1 *p)
{
	return p->state == FIRST_LINE && !p->text.len;
}

bool hull_http1_in_body(const struct hull_http1 *p)
{
	return p->state >= BODY && p->state < DONE;
}

int hull_http1_status(const struct hull_http1 *p)
{
	return p->status;
}

const char *hull_http1_why(const struct hull_http1 *p)
{
	return p->why;
}

const char *hull_http1_header(const struct hull_http1_request *rq, const char *name)
{
	for (size_t i = 0; i < rq->n_headers; i++)
		if (!strcmp(rq->headers[i].name, name))
			return rq->headers[i].value;
	return NULL;
}

/* ---- targets ---- */

int hull_http1_path(const char *target, struct hull_strbuf *ret, const char **ret_query)
{
	const char *s = target, *query = strchr(target, '?'), *end;
	ssize_t n;
	int r = 0;

	if (!strncasecmp(s, "http://", 7)) {
		s += 7 + strcspn(s + 7, "/?");
		if (*s != '/')
			r = hull_strbuf_adds(ret, "/");
	}
	end = query ? query : s + strlen(s);
	if (r == 0)
		r = hull_strbuf_reserve(ret, (size_t)(end - s));
	if (r < 0)
		return r;
	n = hull_unescape(s, (size_t)(end - s), ret->data + ret->len);
	ret->len += n < 0 ? 0 : (size_t)n;
	ret->data[ret->len] = '\0';
	if (n < 0)
		return -EINVAL;
	*ret_query = query ? query + 1 : NULL;
	return 0;
}
