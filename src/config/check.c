/* SPDX-License-Identifier: Apache-2.0
 *
 * Results of checks, see check.h.
 */
#define _GNU_SOURCE
#include "config/check.h"

#include "base/cleanup.h"

#include <assert.h>
#include <stdarg.h>
#include <stdio.h>

const char *const hull_check_level_names[] = {"ok", "warning", "broken", NULL};
static_assert(ARRAY_SIZE(hull_check_level_names) == HULL_CHECK_BROKEN + 2, "one name for each");

void hull_check_set(struct hull_check_result *r, enum hull_check_level level, const char *fmt, ...)
{
	va_list ap;

	r->level = level;
	va_start(ap, fmt);
	(void)vsnprintf(r->text, sizeof(r->text), fmt, ap);
	va_end(ap);
}

void hull_check_hint(struct hull_check_result *r, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	(void)vsnprintf(r->hint, sizeof(r->hint), fmt, ap);
	va_end(ap);
}

void hull_check_error(struct hull_check_result *r, enum hull_check_level level,
		      const struct hull_error *err)
{
	hull_check_set(r, level, "%s", hull_error_message(err));
	hull_check_hint(r, "%s", hull_error_hint(err));
}
