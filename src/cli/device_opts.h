/* SPDX-License-Identifier: Apache-2.0
 *
 * Devices on the command line, in vfkit's words.
 */
#ifndef HULL_CLI_DEVICE_OPTS_H
#define HULL_CLI_DEVICE_OPTS_H

#include "config/config.h"

/* Adds "KIND[,KEY=VALUE...]"; paths in it are those of the caller's directory. */
int hull_device_add(struct hull_config *config, const char *value, struct hull_error **err);

/* "none", or as hull_place_parse() has it. */
int hull_display_parse(const char *value, struct hull_display *ret, struct hull_error **err);

#endif
