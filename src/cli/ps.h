/* SPDX-License-Identifier: Apache-2.0
 *
 * "hull ps": what runs in VMs on behalf of "hull exec".
 */
#ifndef HULL_CLI_PS_H
#define HULL_CLI_PS_H

#include "cli/cli.h"

extern const struct hull_opt hull_ps_opts[];
extern const char hull_ps_details[];
int hull_cmd_ps(const struct hull_verb *verb, int argc, char **argv);

#endif
