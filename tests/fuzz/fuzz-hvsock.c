/* SPDX-License-Identifier: Apache-2.0
 *
 * The handshake parsers on arbitrary bytes.  Of every prefix they must say "more", or what they say
 * of the whole; what they accept is bounded and printable.
 */
#include "base/cleanup.h"
#include "proto/hvsock.h"

#include <assert.h>
#include <string.h>

enum { CONNECT, OK, ID, ANSWER, PARSERS };

#define FUZZ_ID "app-stdin-1"

static ssize_t parse(int which, const char *p, size_t len, uint32_t *n, char *text)
{
	switch (which) {
	case CONNECT:
		return hull_hvsock_parse_connect(p, len, n);
	case OK:
		return hull_hvsock_parse_ok(p, len, n);
	case ID:
		return hull_stream_parse_id(p, len, text);
	default:
		return hull_stream_parse_ack(p, len, FUZZ_ID, text);
	}
}

static void check(int which, const char *p, size_t len)
{
	char text[HULL_STREAM_ERROR_MAX + 1] = "untouched";
	uint32_t n = 77;
	ssize_t r = parse(which, p, len, &n, text);

	assert(r <= (ssize_t)len);
	if (r <= 0) {
		assert(n == 77 && !strcmp(text, "untouched"));
		return;
	}
	if (which <= OK)
		assert(r <= HULL_HVSOCK_LINE_MAX && p[r - 1] == '\n');
	if (which == ID)
		assert(*text && strlen(text) <= HULL_STREAM_ID_MAX);
	for (const char *c = text; *c; c++)
		assert(*c >= ' ' && *c <= '~');
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	const char *p = (const char *)data;

	for (int which = 0; which < PARSERS; which++) {
		char text[HULL_STREAM_ERROR_MAX + 1];
		uint32_t n;
		ssize_t first = 0;

		check(which, p, len);
		/* Once it has spoken, more bytes change nothing. */
		for (size_t i = 0; i <= MIN(len, 2000); i++) {
			ssize_t r = parse(which, p, i, &n, text);

			assert(!first || r == first);
			first = r;
		}
	}
	return 0;
}
