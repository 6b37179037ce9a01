/* SPDX-License-Identifier: Apache-2.0
 *
 * The answers of http1.h.
 */
#define _GNU_SOURCE
#include "proto/http1.h"

#include "base/cleanup.h"
#include "base/strbuf.h"

#include <string.h>
#include <strings.h>
#include <time.h>

static const struct {
	int status;
	const char *reason;
} reasons[] = {
	{200, "OK"},
	{202, "Accepted"},
	{206, "Partial Content"},
	{301, "Moved Permanently"},
	{307, "Temporary Redirect"},
	{400, "Bad Request"},
	{403, "Forbidden"},
	{404, "Not Found"},
	{408, "Request Timeout"},
	{413, "Request Entity Too Large"},
	{414, "Request URI Too Long"},
	{416, "Requested Range Not Satisfiable"},
	{417, "Expectation Failed"},
	{431, "Request Header Fields Too Large"},
	{500, "Internal Server Error"},
	{501, "Not Implemented"},
	{503, "Service Unavailable"},
	{505, "HTTP Version Not Supported"},
};

const char *hull_http1_reason(int status)
{
	for (size_t i = 0; i < ARRAY_SIZE(reasons); i++)
		if (reasons[i].status == status)
			return reasons[i].reason;
	return "";
}

/* By hand: strftime() would ask the locale for the names. */
static void add_date(struct hull_strbuf *out, uint64_t now_s)
{
	static const char days[][4] = {"Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"};
	static const char months[][4] = {"Jan", "Feb", "Mar", "Apr", "May", "Jun",
					 "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};
	time_t t = (time_t)now_s;
	struct tm tm;

	if (!gmtime_r(&t, &tm))
		return;
	hull_strbuf_addf(out, "Date: %s, %02d %s %d %02d:%02d:%02d GMT\r\n", days[tm.tm_wday],
			 tm.tm_mday, months[tm.tm_mon], tm.tm_year + 1900, tm.tm_hour, tm.tm_min,
			 tm.tm_sec);
}

static bool is_value(const char *s)
{
	for (; *s; s++)
		if ((unsigned char)*s < ' ' || *s == 0x7f)
			return false;
	return true;
}

/* As many digits as there are; what is more than 64 bits is as good as the largest number. */
static bool take_number(const char **s, uint64_t *ret)
{
	const char *start = *s;
	uint64_t n = 0;

	for (; **s >= '0' && **s <= '9'; (*s)++)
		if (__builtin_mul_overflow(n, 10, &n) ||
		    __builtin_add_overflow(n, (uint64_t)(**s - '0'), &n))
			n = UINT64_MAX / 10; /* stays too large for any file */
	*ret = n;
	return *s > start;
}

enum hull_http1_part hull_http1_range(const char *value, uint64_t len, uint64_t *ret_first,
				      uint64_t *ret_len)
{
	uint64_t first, last;
	bool has_first, has_last;

	/* Nothing has no parts.  To whom asks for one with everything, 416 would say that there is
	 * no such file; a server may always answer as if no part had been asked for (RFC 9110,
	 * 14.2), and "-5" of nothing is the whole of it (14.1.2), which 206 can't say. */
	if (!len || strncasecmp(value, "bytes=", 6) != 0)
		return HULL_HTTP1_PART_WHOLE;
	value += 6;
	has_first = take_number(&value, &first);
	if (*value++ != '-')
		return HULL_HTTP1_PART_WHOLE;
	has_last = take_number(&value, &last);
	if (*value || (!has_first && !has_last) || (has_first && has_last && last < first))
		return HULL_HTTP1_PART_WHOLE;
	if (!has_first) { /* so many from the end */
		first = len - MIN(last, len);
		last = len;
	}
	if (first >= len)
		return HULL_HTTP1_PART_NONE;
	if (!has_last || last >= len)
		last = len - 1;
	*ret_first = first;
	*ret_len = last - first + 1;
	return HULL_HTTP1_PART_SOME;
}

bool hull_http1_wants_body(const struct hull_http1_request *rq)
{
	return !rq || strcmp(rq->method, "HEAD") != 0;
}

int hull_http1_respond(struct hull_strbuf *out, const struct hull_http1_request *rq,
		       const struct hull_http1_response *r, uint64_t now_s)
{
	bool keep = rq && rq->keep_alive && !r->close;

	if ((r->type && !is_value(r->type)) || (r->location && !is_value(r->location)) ||
	    (r->range && !is_value(r->range)))
		return -EINVAL;
	hull_strbuf_addf(out, "HTTP/1.1 %d %s\r\n", r->status, hull_http1_reason(r->status));
	if (r->type)
		hull_strbuf_addf(out, "Content-Type: %s\r\n", r->type);
	if (r->location)
		hull_strbuf_addf(out, "Location: %s\r\n", r->location);
	if (r->ranges)
		hull_strbuf_adds(out, "Accept-Ranges: bytes\r\n");
	if (r->range)
		hull_strbuf_addf(out, "Content-Range: %s\r\n", r->range);
	add_date(out, now_s);
	hull_strbuf_addf(out, "Content-Length: %zu\r\n", r->body_len);
	if (!keep)
		hull_strbuf_adds(out, "Connection: close\r\n");
	else if (!rq->minor)
		hull_strbuf_adds(out, "Connection: keep-alive\r\n");
	hull_strbuf_adds(out, "\r\n");
	if (!r->lasting && hull_http1_wants_body(rq))
		hull_strbuf_add(out, r->body, r->body_len);
	return out->failed ? -ENOMEM : 0;
}
