/* SPDX-License-Identifier: Apache-2.0
 *
 * The settings of whoever calls the command, read when first asked for.
 */
#ifndef HULL_CLI_SETTINGS_H
#define HULL_CLI_SETTINGS_H

#include "config/settings.h"

/* Borrowed; NULL with an error where something is wrong with them, of which that is the first
 * thing. What they say of messages applies from then on. */
const struct hull_settings *hull_cli_settings(struct hull_error **err);

#endif
