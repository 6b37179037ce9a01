/* SPDX-License-Identifier: Apache-2.0
 *
 * Log lines "level component message", to one sink set by the program.  Libraries log detail at
 * debug level, and at warning level when they go on despite a failure; never secrets.
 */
#ifndef HULL_BASE_LOG_H
#define HULL_BASE_LOG_H

#include "base/error.h"

enum hull_log_level { HULL_LOG_DEBUG, HULL_LOG_INFO, HULL_LOG_WARNING, HULL_LOG_ERROR };

typedef void (*hull_log_fn)(void *ctx, enum hull_log_level level, const char *line);

/* The default sink is none.  For programs' main() only. */
void hull_log_set(hull_log_fn fn, void *ctx, enum hull_log_level least);
void hull_log(enum hull_log_level level, const char *component, const char *fmt, ...)
	HULL_PRINTF(3, 4);

#define hull_debug(...) hull_log(HULL_LOG_DEBUG, __VA_ARGS__)
#define hull_warn(...) hull_log(HULL_LOG_WARNING, __VA_ARGS__)

#endif
