/* SPDX-License-Identifier: Apache-2.0
 *
 * "hull cp": files into and out of VMs that run.
 */
#ifndef HULL_CLI_COPY_H
#define HULL_CLI_COPY_H

#include "cli/cli.h"

extern const struct hull_opt hull_cp_opts[];
extern const char hull_cp_details[];
int hull_cmd_cp(const struct hull_verb *verb, int argc, char **argv);

#endif
