/* SPDX-License-Identifier: Apache-2.0
 *
 * "hull config check", "fields" and "plan": what a description of a VM may say, and what it is
 * worth.
 */
#ifndef HULL_CLI_DESCRIBE_H
#define HULL_CLI_DESCRIBE_H

#include "cli/cli.h"

extern const struct hull_opt hull_config_check_opts[], hull_config_plan_opts[];
extern const char hull_config_check_details[], hull_config_plan_details[];
int hull_cmd_config_check(const struct hull_verb *verb, int argc, char **argv);
extern const struct hull_opt hull_config_fields_opts[];
extern const char hull_config_fields_details[];
int hull_cmd_config_fields(const struct hull_verb *verb, int argc, char **argv);
int hull_cmd_config_plan(const struct hull_verb *verb, int argc, char **argv);

#endif
