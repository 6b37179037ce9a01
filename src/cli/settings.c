/* SPDX-License-Identifier: Apache-2.0
 *
 * Settings, once for all of the command, see settings.h.
 */
#define _GNU_SOURCE
#include "cli/settings.h"

#include "cli/cli.h"
#include "vm/hullconf.h"

#include <stdlib.h>

/* The monitor reads no settings, but that variable. */
static void apply_level(enum hull_log_level level)
{
	hull_out_log(level);
	if (level == HULL_LOG_DEBUG)
		(void)setenv("HULL_DEBUG", "1", 0);
	else
		(void)unsetenv("HULL_DEBUG");
}

const struct hull_settings *hull_cli_settings(struct hull_error **err)
{
	static enum { UNREAD, GOOD, BAD } state;
	static struct hull_settings settings;
	struct hull_error *own = NULL;

	if (state == GOOD)
		return &settings;
	if (state == BAD && !err)
		return NULL;
	if (hull_settings_load(&settings, NULL, &own) == 0) {
		state = GOOD;
		apply_level(settings.log_level);
		return &settings;
	}
	state = BAD;
	hull_settings_fini(&settings);
	if (!*hull_error_hint(own))
		hull_hint(&own, "'hull config check' tells all that is wrong with settings");
	(void)hull_error_move(err, &own);
	return NULL;
}
