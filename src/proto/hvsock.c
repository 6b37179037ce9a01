/* SPDX-License-Identifier: Apache-2.0
 *
 * The handshakes of hvsock.h: pure parsers and formatters, no state.
 */
#define _GNU_SOURCE
#include "proto/hvsock.h"

#include "base/cleanup.h"

#include <endian.h>
#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

/* ---- hybrid vsock ---- */

static bool is_blank(char c)
{
	return c == ' ' || c == '\t';
}

static bool is_digit(char c)
{
	return c >= '0' && c <= '9';
}

/* What an incomplete line comes to at the end of the data. */
static ssize_t more(size_t len)
{
	return len >= HULL_HVSOCK_LINE_MAX ? -EMSGSIZE : 0;
}

/* "<keyword> <number>\n" */
static ssize_t parse_line(const char *p, size_t len, const char *keyword, uint32_t *ret)
{
	const size_t n_key = strlen(keyword);
	uint64_t value = 0;
	size_t i, digits;

	len = MIN(len, HULL_HVSOCK_LINE_MAX);
	for (i = 0; i < n_key && i < len; i++) {
		char c = p[i] >= 'a' && p[i] <= 'z' ? (char)(p[i] - 'a' + 'A') : p[i];

		if (c != keyword[i])
			return -EBADMSG;
	}
	if (i < len && !is_blank(p[i]))
		return -EBADMSG;
	while (i < len && is_blank(p[i]))
		i++;
	if (i == len)
		return more(len);
	digits = i;
	for (; i < len && is_digit(p[i]); i++) {
		value = value * 10 + (uint64_t)(p[i] - '0');
		if (value > UINT32_MAX)
			return -EBADMSG;
	}
	if (i == len)
		return more(len);
	if (i == digits)
		return -EBADMSG;
	while (i < len && (is_blank(p[i]) || p[i] == '\r'))
		i++;
	if (i == len)
		return more(len);
	if (p[i] != '\n')
		return -EBADMSG;
	*ret = (uint32_t)value;
	return (ssize_t)i + 1;
}

ssize_t hull_hvsock_parse_connect(const void *data, size_t len, uint32_t *ret_port)
{
	return parse_line(data, len, "CONNECT", ret_port);
}

ssize_t hull_hvsock_parse_ok(const void *data, size_t len, uint32_t *ret_n)
{
	return parse_line(data, len, "OK", ret_n);
}

size_t hull_hvsock_format_connect(char *buf, uint32_t port)
{
	return (size_t)snprintf(buf, HULL_HVSOCK_LINE_MAX, "CONNECT %u\n", port);
}

size_t hull_hvsock_format_ok(char *buf, uint32_t n)
{
	return (size_t)snprintf(buf, HULL_HVSOCK_LINE_MAX, "OK %u\n", n);
}

/* ---- stream ids ---- */

static bool is_printable(char c)
{
	return c >= ' ' && c <= '~';
}

/* A counted text of 1 to @max bytes: > 0 and where it is, 0 or an error. */
static ssize_t parse_text(const char *p, size_t len, size_t max, const char **ret, size_t *ret_len)
{
	uint32_t n;

	if (len < sizeof(n))
		return 0;
	memcpy(&n, p, sizeof(n));
	n = be32toh(n);
	if (!n)
		return -EBADMSG;
	if (n > max)
		return -EMSGSIZE;
	if (len - sizeof(n) < n)
		return 0;
	*ret = p + sizeof(n);
	*ret_len = n;
	return (ssize_t)(sizeof(n) + n);
}

ssize_t hull_stream_parse_id(const void *data, size_t len, char *ret_id)
{
	const char *id;
	size_t n;
	ssize_t used = parse_text(data, len, HULL_STREAM_ID_MAX, &id, &n);

	if (used <= 0)
		return used;
	for (size_t i = 0; i < n; i++)
		if (!is_printable(id[i]))
			return -EBADMSG;
	memcpy(ret_id, id, n);
	ret_id[n] = '\0';
	return used;
}

ssize_t hull_stream_parse_ack(const void *data, size_t len, const char *id, char *ret_error)
{
	const char *text;
	size_t n;
	ssize_t used = parse_text(data, len, HULL_STREAM_ERROR_MAX, &text, &n);

	if (used <= 0)
		return used;
	if (n == strlen(id) && !memcmp(text, id, n)) {
		ret_error[0] = '\0';
		return used;
	}
	for (size_t i = 0; i < n; i++)
		ret_error[i] = is_printable(text[i]) ? text[i] : '?';
	ret_error[n] = '\0';
	return used;
}

size_t hull_stream_format(char *buf, const char *text)
{
	const size_t len = strlen(text);
	const uint32_t n = htobe32((uint32_t)len);

	memcpy(buf, &n, sizeof(n));
	memcpy(buf + sizeof(n), text, len);
	return sizeof(n) + len;
}
