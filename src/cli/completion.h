/* SPDX-License-Identifier: Apache-2.0
 *
 * "hull completion": scripts that ask the program itself what there is to complete.
 */
#ifndef HULL_CLI_COMPLETION_H
#define HULL_CLI_COMPLETION_H

#include "cli/cli.h"

int hull_cmd_completion(const struct hull_verb *verb, int argc, char **argv);

#endif
