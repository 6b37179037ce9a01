/* SPDX-License-Identifier: Apache-2.0
 *
 * "hull events": what happened to VMs, and what happens.
 */
#ifndef HULL_CLI_EVENTS_H
#define HULL_CLI_EVENTS_H

#include "cli/cli.h"

extern const struct hull_opt hull_events_opts[];
extern const char hull_events_details[];
int hull_cmd_events(const struct hull_verb *verb, int argc, char **argv);

#endif
