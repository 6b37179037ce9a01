/* SPDX-License-Identifier: Apache-2.0
 *
 * What "hull run" was asked to do, as parsed from its command line.
 */
#ifndef HULL_CLI_RUN_H
#define HULL_CLI_RUN_H

#include "cli/cli.h"
#include "cli/command_opts.h"
#include "cli/machine_opts.h"
#include "cli/timing.h"

struct hull_run_options {
	struct hull_machine_opts machine;
	struct hull_command_opts command;
	struct hull_timing timing;
};

extern const struct hull_opt hull_run_opts[];

/* 0; 1 when help was printed; -1. */
int hull_run_parse(const struct hull_verb *verb, int argc, char **argv,
		   struct hull_run_options *ret, struct hull_error **err);
void hull_run_options_fini(struct hull_run_options *o);

int hull_cmd_run(const struct hull_verb *verb, int argc, char **argv);

#endif
