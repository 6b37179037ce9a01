/* SPDX-License-Identifier: Apache-2.0
 *
 * The growing arrays of vec.h.
 */
#define _GNU_SOURCE
#include "base/vec.h"

#include "base/cleanup.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

int hull_strv_take(struct hull_strv *s, char *item)
{
	char **v = item ? reallocarray(s->v, s->n + 2, sizeof(*v)) : NULL;

	if (!v) {
		free(item);
		s->failed = true;
		return -ENOMEM;
	}
	s->v = v;
	s->v[s->n++] = item;
	s->v[s->n] = NULL;
	return 0;
}

int hull_strv_add(struct hull_strv *s, const char *item)
{
	return hull_strv_take(s, strdup(item));
}

int hull_strv_addf(struct hull_strv *s, const char *fmt, ...)
{
	char *item = NULL;
	va_list ap;
	int n;

	va_start(ap, fmt);
	n = vasprintf(&item, fmt, ap);
	va_end(ap);
	return hull_strv_take(s, n < 0 ? NULL : item);
}

int hull_strv_copy(struct hull_strv *dst, const struct hull_strv *src)
{
	for (size_t i = 0; i < src->n; i++)
		if (hull_strv_add(dst, src->v[i]) < 0)
			return -ENOMEM;
	return 0;
}

void hull_strv_fini(struct hull_strv *s)
{
	for (size_t i = 0; i < s->n; i++)
		free(s->v[i]);
	free(s->v);
	*s = (struct hull_strv){0};
}

int hull_vec_grow(void **v, size_t *cap, size_t n, size_t size)
{
	size_t want;
	void *p;

	if (n < *cap) {
		memset((char *)*v + n * size, 0, size);
		return 0;
	}
	want = *cap ? *cap * 2 : 8;
	p = reallocarray(*v, want, size);
	if (!p)
		return -ENOMEM;
	memset((char *)p + n * size, 0, size);
	*v = p;
	*cap = want;
	return 0;
}
