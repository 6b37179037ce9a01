/* SPDX-License-Identifier: Apache-2.0
 *
 * Looking a host over: each check asks whether there is one thing that a VM needs, and says what to
 * do where there is not.  Checks change nothing and leave nothing behind.
 */
#ifndef HULL_CONFIG_CHECK_H
#define HULL_CONFIG_CHECK_H

#include "base/error.h"

struct hull_config;

enum hull_check_level {
	HULL_CHECK_OK,
	HULL_CHECK_WARNING, /* VMs run, but slower or with less */
	HULL_CHECK_BROKEN,  /* no VM runs */
};
extern const char *const hull_check_level_names[]; /* ended by NULL */

/* One line each, hint "" where there is nothing to do. */
struct hull_check_result {
	enum hull_check_level level;
	char text[512], hint[512];
};

struct hull_check {
	const char *name; /* stable, one word */
	void (*fn)(const struct hull_config *config, struct hull_check_result *ret);
};

void hull_check_set(struct hull_check_result *r, enum hull_check_level level, const char *fmt, ...)
	HULL_PRINTF(3, 4);
void hull_check_hint(struct hull_check_result *r, const char *fmt, ...) HULL_PRINTF(2, 3);
/* The error's message and hint. */
void hull_check_error(struct hull_check_result *r, enum hull_check_level level,
		      const struct hull_error *err);

#endif
