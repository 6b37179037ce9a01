/* SPDX-License-Identifier: Apache-2.0
 *
 * HTTP/1.1 (RFC 9112), the server's side, as a state machine: bytes in, requests out, and answers
 * as bytes.  No I/O.
 *
 *   feed() -> MORE      all bytes taken, the request is not complete
 *          -> CONTINUE  the client waits for HULL_HTTP1_CONTINUE before it sends the body: send it
 *                       if nothing is left of what was fed, and feed on in any case
 *          -> REQUEST   complete: request(), then next(), then feed what was not used
 *          -> BAD       answer status(), close: what follows can't be told from a request
 *
 * Strict where two readers of one stream could differ in where a request ends: two lengths, signs
 * and blanks in lengths, folded lines, NUL, a carriage return alone, blanks before a colon.  A line
 * feed alone ends a line of the head, as people type it, but none of a chunked body.
 */
#ifndef HULL_PROTO_HTTP1_H
#define HULL_PROTO_HTTP1_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct hull_http1;
struct hull_strbuf;

#define HULL_HTTP1_HEADERS_MAX 64
#define HULL_HTTP1_CONTINUE "HTTP/1.1 100 Continue\r\n\r\n"

/* In bytes; all are refused above, none is cut off. */
struct hull_http1_limits {
	size_t line; /* the first line */
	size_t head; /* it and all headers; and, counted anew, what frames a chunked body */
	size_t body; /* without its framing */
};

struct hull_http1_header {
	const char *name; /* lower case */
	const char *value;
};

struct hull_http1_request {
	const char *method; /* as sent: "GET" */
	const char *target; /* as sent; printable ASCII without blanks */
	unsigned int minor; /* of HTTP/1.minor */
	bool keep_alive;    /* the client will send more on this connection */
	const struct hull_http1_header *headers;
	size_t n_headers;
	const char *body; /* followed by a NUL that is not counted; "" if there is none */
	size_t body_len;
};

enum hull_http1_got {
	HULL_HTTP1_GOT_MORE,
	HULL_HTTP1_GOT_CONTINUE,
	HULL_HTTP1_GOT_REQUEST,
	HULL_HTTP1_GOT_BAD,
};

int hull_http1_new(const struct hull_http1_limits *limits, struct hull_http1 **ret);
void hull_http1_free(struct hull_http1 *p);
/* *ret_used <= @len; all of it unless a request is complete, or bad. */
enum hull_http1_got hull_http1_feed(struct hull_http1 *p, const void *data, size_t len,
				    size_t *ret_used);
/* Borrowed, until next(). */
const struct hull_http1_request *hull_http1_request(const struct hull_http1 *p);
/* Forgets the request, and gives its memory back. */
void hull_http1_next(struct hull_http1 *p);
/* Nothing of a request has come yet. */
bool hull_http1_is_idle(const struct hull_http1 *p);
/* The head is complete, the body is not. */
bool hull_http1_in_body(const struct hull_http1 *p);
/* Of what was BAD: what to answer, and why, as a clause. */
int hull_http1_status(const struct hull_http1 *p);
const char *hull_http1_why(const struct hull_http1 *p);

/* NULL if it is missing; the first of several.  @name in lower case. */
const char *hull_http1_header(const struct hull_http1_request *rq, const char *name);
/* The target's path with its escapes resolved, appended to @ret; *ret_query is what follows '?',
 * NULL if there is none.  Takes "/path" and "http://host/path"; anything else has no path and is
 * appended as it is.  0, -EINVAL (a bad escape, or one for NUL) or -ENOMEM. */
int hull_http1_path(const char *target, struct hull_strbuf *ret, const char **ret_query);

/* What part of @len bytes a request asks for, whose header "range" is @value. */
enum hull_http1_part {
	HULL_HTTP1_PART_WHOLE, /* or what is no range to us, such as several, or of nothing: 200 */
	HULL_HTTP1_PART_SOME,  /* *ret_first, and *ret_len > 0: answer 206 */
	HULL_HTTP1_PART_NONE,  /* there are no such bytes: answer 416 */
};
enum hull_http1_part hull_http1_range(const char *value, uint64_t len, uint64_t *ret_first,
				      uint64_t *ret_len);

struct hull_http1_response {
	int status;
	const char *type;     /* Content-Type; NULL: none */
	const char *location; /* where to go instead; NULL: nowhere */
	const char *range;    /* Content-Range; NULL: none */
	bool ranges;	      /* parts of it may be asked for */
	const void *body;
	size_t body_len;
	bool lasting; /* the body stays where it is, and as it is */
	bool close;   /* this answer is the last on its connection */
};

/* Appends the answer to @rq; NULL: to what was BAD.  Without the body if that is lasting: it is to
 * follow if hull_http1_wants_body().  @now_s: seconds since 1970.  0, -EINVAL (a header would end
 * early) or -ENOMEM. */
int hull_http1_respond(struct hull_strbuf *out, const struct hull_http1_request *rq,
		       const struct hull_http1_response *r, uint64_t now_s);
bool hull_http1_wants_body(const struct hull_http1_request *rq);
/* "Not Found" for 404; "" where it has no name here. */
const char *hull_http1_reason(int status);

static inline void hull_http1_freep(struct hull_http1 **p)
{
	hull_http1_free(*p);
	*p = NULL;
}

#endif
