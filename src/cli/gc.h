/* SPDX-License-Identifier: Apache-2.0
 *
 * "hull gc": collects what belongs to no VM any more.
 */
#ifndef HULL_CLI_GC_H
#define HULL_CLI_GC_H

#include "cli/cli.h"

extern const struct hull_opt hull_gc_opts[];
extern const char hull_gc_details[];
int hull_cmd_gc(const struct hull_verb *verb, int argc, char **argv);

#endif
