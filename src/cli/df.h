/* SPDX-License-Identifier: Apache-2.0
 *
 * "hull df": what hull takes on disk.
 */
#ifndef HULL_CLI_DF_H
#define HULL_CLI_DF_H

#include "cli/cli.h"

extern const struct hull_opt hull_df_opts[];
extern const char hull_df_details[];
int hull_cmd_df(const struct hull_verb *verb, int argc, char **argv);

#endif
