/* SPDX-License-Identifier: Apache-2.0
 *
 * Reading points in time, see when.h.
 */
#define _GNU_SOURCE
#include "base/when.h"

#include "base/cleanup.h"
#include "base/os.h"
#include "base/text.h"

#include <stdbool.h>
#include <string.h>
#include <time.h>

#define FRACTION_MAX 9 /* digits */

/* Exactly @n digits, no more than @max. */
static bool take_number(const char **p, int n, int max, int *ret)
{
	int v = 0;

	for (int i = 0; i < n; i++) {
		if ((*p)[i] < '0' || (*p)[i] > '9')
			return false;
		v = v * 10 + ((*p)[i] - '0');
	}
	if (v > max)
		return false;
	*p += n;
	*ret = v;
	return true;
}

static bool take(const char **p, char c)
{
	if (**p != c)
		return false;
	++*p;
	return true;
}

/* ".123" */
static bool take_fraction(const char **p, uint64_t *ret_ns)
{
	uint64_t unit = HULL_NS_PER_S, ns = 0;
	int n = 0;

	if (!take(p, '.'))
		return true;
	for (; **p >= '0' && **p <= '9'; ++*p) {
		if (++n > FRACTION_MAX)
			return false;
		unit /= 10;
		ns += unit * (uint64_t)(**p - '0');
	}
	*ret_ns = ns;
	return n > 0;
}

static bool take_clock(const char **p, struct tm *tm, uint64_t *ret_ns)
{
	if (!take_number(p, 2, 23, &tm->tm_hour) || !take(p, ':') ||
	    !take_number(p, 2, 59, &tm->tm_min))
		return false;
	if (!take(p, ':'))
		return true;
	return take_number(p, 2, 60, &tm->tm_sec) && take_fraction(p, ret_ns);
}

/* Nothing: local time.  *ret_s is added to what timegm() says. */
static bool take_zone(const char **p, bool *ret_local, int *ret_s)
{
	bool west = **p == '-';
	int hours, minutes = 0;

	*ret_local = !**p;
	if (*ret_local || take(p, 'Z') || take(p, 'z'))
		return true;
	if (!west && **p != '+')
		return false;
	++*p;
	if (!take_number(p, 2, 14, &hours))
		return false;
	(void)take(p, ':');
	if (**p && !take_number(p, 2, 59, &minutes))
		return false;
	*ret_s = (west ? 60 : -60) * (hours * 60 + minutes);
	return true;
}

static int parse_date(const char *s, uint64_t *ret_ns)
{
	struct tm tm = {.tm_isdst = -1}, given;
	uint64_t ns = 0, seconds;
	bool local = true;
	int zone = 0;
	time_t t;

	if (!take_number(&s, 4, 9999, &tm.tm_year) || !take(&s, '-') ||
	    !take_number(&s, 2, 12, &tm.tm_mon) || !take(&s, '-') ||
	    !take_number(&s, 2, 31, &tm.tm_mday))
		return -EINVAL;
	if (*s && ((!take(&s, 'T') && !take(&s, ' ')) || !take_clock(&s, &tm, &ns) ||
		   !take_zone(&s, &local, &zone) || *s))
		return -EINVAL;
	tm.tm_year -= 1900;
	tm.tm_mon -= 1;
	given = tm;
	t = local ? mktime(&tm) : timegm(&tm);
	/* The 31st of February would be one in March. */
	if (tm.tm_mday != given.tm_mday || tm.tm_mon != given.tm_mon)
		return -EINVAL;
	if (t + zone < 0 || __builtin_mul_overflow((uint64_t)(t + zone), HULL_NS_PER_S, &seconds))
		return -ERANGE;
	*ret_ns = seconds + ns;
	return 0;
}

int hull_parse_when(const char *s, uint64_t now_ns, uint64_t *ret_ns)
{
	uint64_t v;
	int r;

	if (*s == '@') {
		r = hull_parse_u64(s + 1, UINT64_MAX / HULL_NS_PER_S, &v);
		if (r == 0)
			*ret_ns = v * HULL_NS_PER_S;
		return r;
	}
	if (strchr(s, '-'))
		return parse_date(s, ret_ns);
	r = hull_parse_duration(s, &v);
	if (r < 0)
		return r;
	*ret_ns = v > now_ns / HULL_NS_PER_MS ? 0 : now_ns - v * HULL_NS_PER_MS;
	return 0;
}
