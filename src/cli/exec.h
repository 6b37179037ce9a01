/* SPDX-License-Identifier: Apache-2.0
 *
 * "hull exec" and "hull attach": commands in VMs that run, and again to those.
 */
#ifndef HULL_CLI_EXEC_H
#define HULL_CLI_EXEC_H

#include "cli/cli.h"

extern const struct hull_opt hull_exec_opts[], hull_attach_opts[];
extern const char hull_exec_details[], hull_attach_details[];
int hull_cmd_exec(const struct hull_verb *verb, int argc, char **argv);
int hull_cmd_attach(const struct hull_verb *verb, int argc, char **argv);

#endif
