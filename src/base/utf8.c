/* SPDX-License-Identifier: Apache-2.0
 *
 * Valid and invalid UTF-8, see utf8.h.
 */
#define _GNU_SOURCE
#include "base/utf8.h"

#include "base/strbuf.h"

size_t hull_utf8_length(const char *s, size_t len)
{
	const unsigned char *p = (const unsigned char *)s;
	unsigned char low = 0x80, high = 0xbf;
	size_t n;

	if (!len)
		return 0;
	if (p[0] < 0x80)
		return 1;
	if (p[0] < 0xc2 || p[0] > 0xf4)
		return 0;
	n = p[0] < 0xe0 ? 2 : p[0] < 0xf0 ? 3 : 4;
	if (len < n)
		return 0;
	if (p[0] == 0xe0)
		low = 0xa0;
	else if (p[0] == 0xed)
		high = 0x9f;
	else if (p[0] == 0xf0)
		low = 0x90;
	else if (p[0] == 0xf4)
		high = 0x8f;
	if (p[1] < low || p[1] > high)
		return 0;
	for (size_t i = 2; i < n; i++)
		if (p[i] < 0x80 || p[i] > 0xbf)
			return 0;
	return n;
}

int hull_utf8_add(struct hull_strbuf *out, const char *s, size_t len)
{
	int r = 0;

	for (size_t i = 0; i < len && r == 0;) {
		size_t n = hull_utf8_length(s + i, len - i);

		r = n ? hull_strbuf_add(out, s + i, n) : hull_strbuf_adds(out, "\xef\xbf\xbd");
		i += n ? n : 1;
	}
	return r;
}
