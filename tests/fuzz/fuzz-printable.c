/* SPDX-License-Identifier: Apache-2.0
 *
 * What guests print, in pieces of arbitrary sizes: nothing that comes out can steer a terminal, and
 * the pieces make no difference.
 */
#include "base/cleanup.h"
#include "base/printable.h"
#include "base/strbuf.h"
#include "base/utf8.h"

#include <assert.h>
#include <stdint.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

static void check(const struct hull_strbuf *out)
{
	for (size_t i = 0; i < out->len;) {
		size_t n = hull_utf8_length(out->data + i, out->len - i);
		unsigned char c = (unsigned char)out->data[i];

		assert(n);
		assert(n > 1 || (c >= ' ' && c != 0x7f) || c == '\n' || c == '\t');
		assert(n != 2 || c != 0xc2 || (unsigned char)out->data[i + 1] >= 0xa0);
		i += n;
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	cleanup_strbuf struct hull_strbuf whole = HULL_STRBUF_INIT, parts = HULL_STRBUF_INIT;
	struct hull_printable p = {.n = 0}, q = {.n = 0};
	const char *s = (const char *)data;

	assert(hull_printable_feed(&p, &whole, s, len) == 0);
	assert(p.n <= sizeof(p.held));
	assert(hull_printable_flush(&p, &whole) == 0 && !p.n);
	for (size_t i = 0; i < len;) {
		size_t n = MIN(len - i, 1 + (size_t)data[i] % 7);

		assert(hull_printable_feed(&q, &parts, s + i, n) == 0);
		i += n;
	}
	assert(hull_printable_flush(&q, &parts) == 0);
	check(&whole);
	assert(whole.len == parts.len &&
	       !memcmp(hull_strbuf_str(&whole), hull_strbuf_str(&parts), whole.len));
	hull_strbuf_clear(&parts);
	assert(hull_printable_add(&parts, s, len) == 0);
	check(&parts);
	return 0;
}
