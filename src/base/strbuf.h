/* SPDX-License-Identifier: Apache-2.0
 *
 * A growing byte buffer with a hard maximum.  The content is always followed by a NUL that
 * is not counted.  A failed append (no memory, maximum reached) leaves the content as it
 * was and marks the buffer failed, so that a run of appends is checked once at its end.
 */
#ifndef HULL_BASE_STRBUF_H
#define HULL_BASE_STRBUF_H

#include <stdbool.h>
#include <stddef.h>

struct hull_strbuf {
	char *data; /* owned; NULL while empty and never grown */
	size_t len, cap;
	size_t max; /* 0: HULL_STRBUF_MAX */
	bool failed;
};

#define HULL_STRBUF_MAX ((size_t)64 << 20)
#define HULL_STRBUF_INIT \
	{                \
		0        \
	}

/* All return 0, or -ENOMEM / -EMSGSIZE. */
int hull_strbuf_add(struct hull_strbuf *b, const void *data, size_t len);
int hull_strbuf_adds(struct hull_strbuf *b, const char *s);
int hull_strbuf_addf(struct hull_strbuf *b, const char *fmt, ...)
	__attribute__((format(printf, 2, 3)));
/* Makes room for @len more bytes (and the NUL); write at data + len, then add to len. */
int hull_strbuf_reserve(struct hull_strbuf *b, size_t len);
/* Drops @len bytes from the front. */
void hull_strbuf_drop(struct hull_strbuf *b, size_t len);
void hull_strbuf_clear(struct hull_strbuf *b); /* keeps the memory, clears the mark */
void hull_strbuf_fini(struct hull_strbuf *b);
/* Hands over the string ("" if empty), or NULL if the buffer failed; the buffer is empty after. */
char *hull_strbuf_steal(struct hull_strbuf *b);
const char *hull_strbuf_str(const struct hull_strbuf *b); /* borrowed, never NULL */

#define cleanup_strbuf __attribute__((cleanup(hull_strbuf_fini)))

#endif
