/* SPDX-License-Identifier: Apache-2.0
 *
 * The growing byte buffer of strbuf.h.
 */
#define _GNU_SOURCE
#include "base/strbuf.h"

#include "base/cleanup.h"

#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

static int fail(struct hull_strbuf *b, int errnum)
{
	b->failed = true;
	return -errnum;
}

int hull_strbuf_reserve(struct hull_strbuf *b, size_t len)
{
	size_t max = b->max ? b->max : HULL_STRBUF_MAX;
	size_t need, cap;
	char *p;

	if (len > max || b->len > max - len)
		return fail(b, EMSGSIZE);
	need = b->len + len + 1;
	if (need <= b->cap)
		return 0;
	cap = MAX(need, MAX((size_t)64, b->cap * 2));
	p = realloc(b->data, cap);
	if (!p)
		return fail(b, ENOMEM);
	b->data = p;
	b->cap = cap;
	b->data[b->len] = '\0';
	return 0;
}

int hull_strbuf_add(struct hull_strbuf *b, const void *data, size_t len)
{
	int r = hull_strbuf_reserve(b, len);

	if (r < 0)
		return r;
	if (len)
		memcpy(b->data + b->len, data, len);
	b->len += len;
	b->data[b->len] = '\0';
	return 0;
}

int hull_strbuf_adds(struct hull_strbuf *b, const char *s)
{
	return hull_strbuf_add(b, s, strlen(s));
}

int hull_strbuf_addf(struct hull_strbuf *b, const char *fmt, ...)
{
	cleanup_free char *s = NULL;
	va_list ap;
	int n;

	va_start(ap, fmt);
	n = vasprintf(&s, fmt, ap);
	va_end(ap);
	if (n < 0) {
		s = NULL;
		return fail(b, ENOMEM);
	}
	return hull_strbuf_add(b, s, (size_t)n);
}

void hull_strbuf_drop(struct hull_strbuf *b, size_t len)
{
	len = MIN(len, b->len);
	if (!len)
		return;
	memmove(b->data, b->data + len, b->len - len + 1);
	b->len -= len;
}

void hull_strbuf_clear(struct hull_strbuf *b)
{
	b->len = 0;
	b->failed = false;
	if (b->data)
		b->data[0] = '\0';
}

void hull_strbuf_fini(struct hull_strbuf *b)
{
	free(b->data);
	*b = (struct hull_strbuf){.max = b->max};
}

char *hull_strbuf_steal(struct hull_strbuf *b)
{
	char *s = NULL;

	if (!b->failed && hull_strbuf_reserve(b, 0) == 0)
		s = steal_ptr(&b->data);
	hull_strbuf_fini(b);
	return s;
}

const char *hull_strbuf_str(const struct hull_strbuf *b)
{
	return b->data ? b->data : "";
}
