/* SPDX-License-Identifier: Apache-2.0
 *
 * Text of somebody else's made fit for a terminal: what could steer one is shown by number.
 */
#ifndef HULL_BASE_PRINTABLE_H
#define HULL_BASE_PRINTABLE_H

#include <stdbool.h>
#include <stddef.h>

struct hull_strbuf;

/* Appends @s: valid UTF-8 as it is, but control characters other than newline and tab, and bytes of
 * no character, as "\x1b".  0 or -errno. */
int hull_printable_add(struct hull_strbuf *out, const char *s, size_t len);

/* The same for a console, which comes in pieces: carriage returns before newlines, and what only
 * changes colours, are left out. */
struct hull_printable {
	char held[32]; /* what may be the beginning of such a thing, or of a character */
	size_t n;
};
int hull_printable_feed(struct hull_printable *p, struct hull_strbuf *out, const char *s,
			size_t len);
/* Nothing follows for now: what is held is shown as it is. */
int hull_printable_flush(struct hull_printable *p, struct hull_strbuf *out);

#endif
