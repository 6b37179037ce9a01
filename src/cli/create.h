/* SPDX-License-Identifier: Apache-2.0
 *
 * "hull create", "rename" and "update": VMs that stay.
 */
#ifndef HULL_CLI_CREATE_H
#define HULL_CLI_CREATE_H

#include "cli/cli.h"

extern const struct hull_opt hull_create_opts[], hull_rename_opts[], hull_update_opts[];
extern const char hull_create_details[];
int hull_cmd_create(const struct hull_verb *verb, int argc, char **argv);
int hull_cmd_rename(const struct hull_verb *verb, int argc, char **argv);
int hull_cmd_update(const struct hull_verb *verb, int argc, char **argv);

#endif
