/* SPDX-License-Identifier: Apache-2.0
 *
 * "hull start", "stop", "kill", "restart", "pause", "resume", "rm" and "wait": one verb on many
 * VMs.
 */
#ifndef HULL_CLI_LIFECYCLE_H
#define HULL_CLI_LIFECYCLE_H

#include "cli/cli.h"

extern const struct hull_opt hull_lifecycle_opts[], hull_stop_opts[], hull_rm_opts[];
extern const char hull_stop_details[], hull_rm_details[], hull_wait_details[];
int hull_cmd_lifecycle(const struct hull_verb *verb, int argc, char **argv);

#endif
