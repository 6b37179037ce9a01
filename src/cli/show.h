/* SPDX-License-Identifier: Apache-2.0
 *
 * "hull config show": the settings, and where they come from.
 */
#ifndef HULL_CLI_SHOW_H
#define HULL_CLI_SHOW_H

#include "cli/cli.h"

extern const struct hull_opt hull_config_show_opts[];
extern const char hull_config_show_details[];
int hull_cmd_config_show(const struct hull_verb *verb, int argc, char **argv);

#endif
