/* SPDX-License-Identifier: Apache-2.0
 *
 * Text that may be no valid UTF-8, treated as Go treats it: each byte that is not part of a valid
 * character stands for U+FFFD.  Surrogates, overlong forms and what lies above U+10FFFF are
 * invalid.
 */
#ifndef HULL_BASE_UTF8_H
#define HULL_BASE_UTF8_H

#include <stddef.h>

struct hull_strbuf;

/* Bytes of the character at @s, or 0 if its first byte is not part of a valid one. */
size_t hull_utf8_length(const char *s, size_t len);
/* Appends valid text; 0 or -errno. */
int hull_utf8_add(struct hull_strbuf *out, const char *s, size_t len);

#endif
