/* SPDX-License-Identifier: Apache-2.0
 *
 * "hull logs": what a VM printed on its console, and what it prints.
 */
#ifndef HULL_CLI_LOGS_H
#define HULL_CLI_LOGS_H

#include "cli/cli.h"

extern const struct hull_opt hull_logs_opts[];
extern const char hull_logs_details[];
int hull_cmd_logs(const struct hull_verb *verb, int argc, char **argv);

#endif
