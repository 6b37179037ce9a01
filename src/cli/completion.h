/* SPDX-License-Identifier: Apache-2.0
 *
 * "hull completion": scripts that ask the program itself what there is to complete.
 */
#ifndef HULL_CLI_COMPLETION_H
#define HULL_CLI_COMPLETION_H

#include "cli/cli.h"

/* A line for each value that an option of the verb may have, if there are only so many. */
void hull_completion_values(const struct hull_verb *verb, const char *option);
int hull_cmd_completion(const struct hull_verb *verb, int argc, char **argv);

#endif
