/* SPDX-License-Identifier: Apache-2.0
 *
 * Making text harmless, see printable.h.
 */
#define _GNU_SOURCE
#include "base/printable.h"

#include "base/cleanup.h"
#include "base/strbuf.h"
#include "base/utf8.h"

#include <string.h>

#define ESC '\033'

/* Of ISO 6429's second set, too, of which some terminals take commands as well. */
static bool is_control(const char *s, size_t len)
{
	unsigned char c = (unsigned char)*s;

	if (len == 2)
		return c == 0xc2 && (unsigned char)s[1] < 0xa0;
	return len == 1 && ((c < ' ' && c != '\n' && c != '\t') || c == 0x7f);
}

int hull_printable_add(struct hull_strbuf *out, const char *s, size_t len)
{
	for (size_t i = 0; i < len;) {
		size_t n = hull_utf8_length(s + i, len - i);

		if (n && !is_control(s + i, n)) {
			hull_strbuf_add(out, s + i, n);
			i += n;
			continue;
		}
		for (n = MAX(n, 1U); n; n--)
			hull_strbuf_addf(out, "\\x%02x", (unsigned char)s[i++]);
	}
	return out->failed ? -ENOMEM : 0;
}

/* ---- in pieces ---- */

enum verdict {
	MORE, /* can't be told yet */
	SHOW, /* the first byte, or character, is to be shown */
	DROP, /* all of it */
};

/* "ESC [ 1 ; 31 m" */
static enum verdict judge_escape(const char *s, size_t len)
{
	if (len > 1 && s[1] != '[')
		return SHOW;
	for (size_t i = 2; i < len; i++)
		if (!memchr("0123456789;:", s[i], 12))
			return s[i] == 'm' ? DROP : SHOW;
	return MORE;
}

/* However many there are before a newline. */
static enum verdict judge_return(const char *s, size_t len)
{
	for (size_t i = 1; i < len; i++)
		if (s[i] != '\r')
			return s[i] == '\n' ? DROP : SHOW;
	return MORE;
}

static enum verdict judge(const char *s, size_t len)
{
	unsigned char c = (unsigned char)*s;
	size_t n = c >= 0xf0 ? 4 : c >= 0xe0 ? 3 : c >= 0xc2 ? 2 : 1;

	if (*s == ESC)
		return judge_escape(s, len);
	if (*s == '\r')
		return judge_return(s, len);
	for (size_t i = 1; i < MIN(n, len); i++)
		if (((unsigned char)s[i] & 0xc0) != 0x80)
			return SHOW;
	return c >= 0xf5 || n <= len ? SHOW : MORE;
}

/* What is held, as far as it can be told; one byte at a time comes in. */
static void settle(struct hull_printable *p, struct hull_strbuf *out, bool all)
{
	while (p->n) {
		enum verdict v = judge(p->held, p->n);
		size_t n = 1;

		if (v == MORE && !all && p->n < sizeof(p->held))
			return;
		if (v == DROP) {
			/* All but the newline, where that is what it ends with. */
			n = p->n - (p->held[p->n - 1] == '\n');
		} else {
			n = MAX(hull_utf8_length(p->held, p->n), 1U);
			hull_printable_add(out, p->held, n);
		}
		p->n -= n;
		memmove(p->held, p->held + n, p->n);
	}
}

int hull_printable_feed(struct hull_printable *p, struct hull_strbuf *out, const char *s,
			size_t len)
{
	for (size_t i = 0; i < len; i++) {
		size_t plain = 0;

		/* Most of it is text. */
		while (!p->n && i + plain < len && s[i + plain] >= ' ' && s[i + plain] < 0x7f)
			plain++;
		if (plain) {
			hull_strbuf_add(out, s + i, plain);
			i += plain - 1;
			continue;
		}
		p->held[p->n++] = s[i];
		settle(p, out, false);
	}
	return out->failed ? -ENOMEM : 0;
}

int hull_printable_flush(struct hull_printable *p, struct hull_strbuf *out)
{
	settle(p, out, true);
	return out->failed ? -ENOMEM : 0;
}
