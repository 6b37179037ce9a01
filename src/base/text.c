/* SPDX-License-Identifier: Apache-2.0
 *
 * The parsers of text.h.  ASCII only, no locale, no sign, no white space: what is not exactly a
 * number is refused.
 */
#define _GNU_SOURCE
#include "base/text.h"

#include "base/cleanup.h"

#include <stdio.h>
#include <string.h>

/* Digits at the start of @s; *ret_rest is what follows them. */
static int parse_digits(const char *s, uint64_t *ret, const char **ret_rest)
{
	const char *p = s;
	uint64_t v = 0;

	for (; *p >= '0' && *p <= '9'; p++)
		if (__builtin_mul_overflow(v, 10, &v) ||
		    __builtin_add_overflow(v, (uint64_t)(*p - '0'), &v))
			return -ERANGE;
	if (p == s)
		return -EINVAL;
	*ret = v;
	*ret_rest = p;
	return 0;
}

int hull_parse_u64(const char *s, uint64_t max, uint64_t *ret)
{
	const char *rest;
	uint64_t v;
	int r = parse_digits(s, &v, &rest);

	/* "99999999999999999999x" is no number rather than a large one. */
	if (r == -ERANGE && s[strspn(s, "0123456789")])
		return -EINVAL;
	if (r < 0)
		return r;
	if (*rest)
		return -EINVAL;
	if (v > max)
		return -ERANGE;
	*ret = v;
	return 0;
}

int hull_parse_size(const char *s, uint64_t *ret_bytes)
{
	static const char units[] = "KMGT";
	const char *rest, *unit = NULL;
	unsigned int shift = 0;
	uint64_t v;
	int r = parse_digits(s, &v, &rest);

	if (r < 0)
		return r;
	if (*rest) {
		char c = *rest >= 'a' && *rest <= 'z' ? (char)(*rest - 'a' + 'A') : *rest;

		unit = strchr(units, c);
	}
	if (unit) {
		shift = 10 * (unsigned int)(unit - units + 1);
		rest++;
		if (*rest == 'i' && (rest[1] == 'B' || rest[1] == 'b'))
			rest++;
	}
	if (*rest == 'B' || *rest == 'b')
		rest++;
	if (*rest)
		return -EINVAL;
	if (v > UINT64_MAX >> shift)
		return -ERANGE;
	*ret_bytes = v << shift;
	return 0;
}

/* A century: any deadline made of it fits 64 bits of nanoseconds. */
#define DURATION_MAX_MS (UINT64_C(36525) * 86400 * 1000)

int hull_parse_duration(const char *s, uint64_t *ret_ms)
{
	static const struct {
		const char *unit;
		uint64_t ms;
	} units[] = {{"", 1000}, {"ms", 1}, {"s", 1000}, {"m", 60000}, {"h", 3600000}};
	const char *rest;
	uint64_t v;
	int r = parse_digits(s, &v, &rest);

	if (r < 0)
		return r;
	for (size_t i = 0; i < ARRAY_SIZE(units); i++) {
		if (strcmp(rest, units[i].unit) != 0)
			continue;
		if (__builtin_mul_overflow(v, units[i].ms, &v) || v > DURATION_MAX_MS)
			return -ERANGE;
		*ret_ms = v;
		return 0;
	}
	return -EINVAL;
}

int hull_parse_milli(const char *s, uint64_t *ret)
{
	const char *rest;
	uint64_t v, part = 0;
	int r = parse_digits(s, &v, &rest);

	if (r < 0)
		return r;
	if (*rest) {
		const char *p = rest + 1;

		if (*rest != '.' || !*p || strlen(p) > 3)
			return -EINVAL;
		for (int place = 0; place < 3; place++) {
			if (*p && (*p < '0' || *p > '9'))
				return -EINVAL;
			part = part * 10 + (*p ? (uint64_t)(*p++ - '0') : 0);
		}
	}
	if (__builtin_mul_overflow(v, 1000, &v) || __builtin_add_overflow(v, part, &v))
		return -ERANGE;
	*ret = v;
	return 0;
}

int hull_parse_bool(const char *s, bool *ret)
{
	static const char *const words[2][4] = {{"false", "no", "off", "0"},
						{"true", "yes", "on", "1"}};

	for (size_t i = 0; i < ARRAY_SIZE(words[0]); i++) {
		for (int value = 0; value < 2; value++) {
			if (!strcmp(s, words[value][i])) {
				*ret = value;
				return 0;
			}
		}
	}
	return -EINVAL;
}

#define NAME_MAX_LEN 63

static char lower(char c)
{
	return c >= 'A' && c <= 'Z' ? (char)(c - 'A' + 'a') : c;
}

/* Insertions, deletions, changes and swaps of neighbours that turn @a into @b; case is ignored. */
static size_t edits(const char *a, size_t alen, const char *b, size_t blen)
{
	size_t rows[3][NAME_MAX_LEN + 1];
	size_t *before = rows[0], *last = rows[1], *now = rows[2];

	for (size_t j = 0; j <= blen; j++)
		last[j] = j;
	for (size_t i = 1; i <= alen; i++) {
		size_t *t = before;

		now[0] = i;
		for (size_t j = 1; j <= blen; j++) {
			bool same = lower(a[i - 1]) == lower(b[j - 1]);

			now[j] = MIN(MIN(last[j], now[j - 1]) + 1, last[j - 1] + !same);
			if (i > 1 && j > 1 && lower(a[i - 1]) == lower(b[j - 2]) &&
			    lower(a[i - 2]) == lower(b[j - 1]))
				now[j] = MIN(now[j], before[j - 2] + 1);
		}
		before = last;
		last = now;
		now = t;
	}
	return last[blen];
}

const char *hull_nearest(const char *s, const char *const *names)
{
	size_t len = strnlen(s, NAME_MAX_LEN + 1), best_cost = SIZE_MAX;
	const char *best = NULL;

	if (len > NAME_MAX_LEN)
		return NULL;
	for (; *names; names++) {
		size_t nlen = strnlen(*names, NAME_MAX_LEN + 1), n, cost;

		if (nlen > NAME_MAX_LEN)
			continue;
		n = edits(s, len, *names, nlen);
		/* A letter is mistyped more often than forgotten. */
		cost = 2 * n + (nlen != len);
		if (n <= MAX(nlen / 3, (size_t)(nlen == 2)) && cost < best_cost) {
			best = *names;
			best_cost = cost;
		}
	}
	return best;
}

const char *hull_did_you_mean(const char *s, const char *const *names, const char *prefix,
			      char buf[HULL_NEAR_LEN])
{
	const char *near = hull_nearest(s, names);

	*buf = '\0';
	if (near)
		(void)snprintf(buf, HULL_NEAR_LEN, "; did you mean '%s%s'?", prefix, near);
	return buf;
}

static bool is_alnum(char c)
{
	return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

bool hull_is_word(const char *s, const char *others)
{
	if (!is_alnum(*s))
		return false;
	for (; *s; s++)
		if (!is_alnum(*s) && !strchr(others, *s))
			return false;
	return true;
}

bool hull_has_control(const char *s, size_t len)
{
	for (size_t i = 0; i < len; i++)
		if ((unsigned char)s[i] < ' ' || s[i] == 0x7f)
			return true;
	return false;
}

int hull_hex_digit(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	if (c >= 'a' && c <= 'f')
		return c - 'a' + 10;
	return c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

ssize_t hull_unescape(const char *s, size_t len, char *out)
{
	char *to = out;

	for (size_t i = 0; i < len; i++) {
		int high, low;

		if (s[i] != '%') {
			*to++ = s[i];
			continue;
		}
		high = len - i < 3 ? -1 : hull_hex_digit(s[i + 1]);
		low = high < 0 ? -1 : hull_hex_digit(s[i + 2]);
		if (low < 0)
			return -EINVAL;
		if (!(high | low))
			return -EILSEQ;
		*to++ = (char)(high << 4 | low);
		i += 2;
	}
	return to - out;
}

void hull_hex(const void *bytes, size_t len, char *ret)
{
	static const char digits[] = "0123456789abcdef";
	const unsigned char *p = bytes;

	for (size_t i = 0; i < len; i++) {
		ret[2 * i] = digits[p[i] >> 4];
		ret[2 * i + 1] = digits[p[i] & 15];
	}
	ret[2 * len] = '\0';
}
