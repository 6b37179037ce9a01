/* SPDX-License-Identifier: Apache-2.0
 *
 * "hull console": a VM's serial console on the caller's terminal, or through pipes.
 */
#ifndef HULL_CLI_CONSOLE_H
#define HULL_CLI_CONSOLE_H

#include "cli/cli.h"

extern const struct hull_opt hull_console_opts[];
extern const char hull_console_details[];
int hull_cmd_console(const struct hull_verb *verb, int argc, char **argv);

#endif
