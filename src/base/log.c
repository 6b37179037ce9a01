/* SPDX-License-Identifier: Apache-2.0
 *
 * The one log sink, set once by a program before anything else runs.
 */
#define _GNU_SOURCE
#include "base/log.h"

#include "base/cleanup.h"

#include <stdio.h>

static struct {
	hull_log_fn fn;
	void *ctx;
	enum hull_log_level least;
} sink;

void hull_log_set(hull_log_fn fn, void *ctx, enum hull_log_level least)
{
	sink.fn = fn;
	sink.ctx = ctx;
	sink.least = least;
}

void hull_log(enum hull_log_level level, const char *component, const char *fmt, ...)
{
	static const char *const names[] = {"debug", "info", "warning", "error"};
	cleanup_free char *text = NULL, *line = NULL;
	va_list ap;
	int n;

	if (!sink.fn || level < sink.least)
		return;
	va_start(ap, fmt);
	n = vasprintf(&text, fmt, ap);
	va_end(ap);
	if (n < 0) {
		text = NULL;
		return;
	}
	if (asprintf(&line, "%s %s %s", names[level], component, text) < 0) {
		line = NULL;
		return;
	}
	sink.fn(sink.ctx, level, line);
}
