/* SPDX-License-Identifier: Apache-2.0
 *
 * "hull ls" and "hull inspect".
 */
#ifndef HULL_CLI_LIST_H
#define HULL_CLI_LIST_H

#include "cli/cli.h"

extern const struct hull_opt hull_ls_opts[], hull_inspect_opts[];
extern const char hull_ls_details[], hull_inspect_details[];
int hull_cmd_ls(const struct hull_verb *verb, int argc, char **argv);
int hull_cmd_inspect(const struct hull_verb *verb, int argc, char **argv);

#endif
