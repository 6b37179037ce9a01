/* SPDX-License-Identifier: Apache-2.0
 *
 * Whether, and where, somebody can look at the guest's screens and type to it.
 */
#ifndef HULL_CONFIG_DISPLAY_H
#define HULL_CONFIG_DISPLAY_H

#include "config/config.h"

bool hull_display_wanted(const struct hull_config *config);
/* hull_config_validate()'s part on it. */
int hull_display_check(const struct hull_config *config, struct hull_error **err);

#endif
