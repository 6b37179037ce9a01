/* SPDX-License-Identifier: Apache-2.0
 *
 * Reading what people type: numbers, sizes, durations, and the nearest valid name to a wrong one.
 * Parsers take the whole string or nothing: 0 or -EINVAL / -ERANGE, outputs untouched on failure.
 */
#ifndef HULL_BASE_TEXT_H
#define HULL_BASE_TEXT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

int hull_parse_u64(const char *s, uint64_t max, uint64_t *ret);
/* "512M", "2G", "1.5G" is refused; K M G T are powers of 1024, an optional iB or B may follow;
 * a bare number is bytes. */
int hull_parse_size(const char *s, uint64_t *ret_bytes);
/* "30s", "5m", "2h", "100ms"; a bare number is seconds. */
int hull_parse_duration(const char *s, uint64_t *ret_ms);
/* "1.5" is 1500; at most three places. */
int hull_parse_milli(const char *s, uint64_t *ret);
int hull_parse_bool(const char *s, bool *ret);
/* The candidate within a third of its length in edits of @s, or NULL.  @names ends with NULL. */
const char *hull_nearest(const char *s, const char *const *names);
/* The end of a message: "; did you mean '<prefix><nearest>'?" in @buf, or "" where none is near. */
#define HULL_NEAR_LEN 96
const char *hull_did_you_mean(const char *s, const char *const *names, const char *prefix,
			      char buf[HULL_NEAR_LEN]);
/* Undoes URIs' "%41" into @out, with room for @len bytes, which may be @s itself. Their number,
 * -EINVAL for an escape that is none, -EILSEQ for one of NUL. */
ssize_t hull_unescape(const char *s, size_t len, char *out);
/* Begins with a letter or digit and goes on with those or one of @others. */
bool hull_is_word(const char *s, const char *others);
/* Below the space, or DEL. */
bool hull_has_control(const char *s, size_t len);
/* The value of a hexadecimal digit; -1 if it is none. */
int hull_hex_digit(char c);
/* 12 or 32 lower-case hex digits of @bytes: 2 * len characters and NUL. */
void hull_hex(const void *bytes, size_t len, char *ret);

#endif
