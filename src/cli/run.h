/* SPDX-License-Identifier: Apache-2.0
 *
 * What "hull run" was asked to do, as parsed from its command line.
 */
#ifndef HULL_CLI_RUN_H
#define HULL_CLI_RUN_H

#include "cli/cli.h"
#include "cli/command_opts.h"
#include "cli/timing.h"
#include "config/settings.h"

enum hull_run_net {
	HULL_RUN_NET_UNSAID,
	HULL_RUN_NET_NONE,
	HULL_RUN_NET_USER, /* plus the provider */
};

struct hull_run_options {
	const struct hull_settings *settings; /* borrowed: what the options leave out */
	struct hull_config config;
	struct hull_command_opts command;
	bool root_said, agent_said;
	struct hull_timing timing;
	enum hull_run_net net;
	enum hull_network_provider provider; /* of what was said */
	HULL_VEC(struct hull_port) ports;    /* moved to the config in the end */
};

extern const struct hull_opt hull_run_opts[];

/* 0; 1 when help was printed; -1. */
int hull_run_parse(const struct hull_verb *verb, int argc, char **argv,
		   struct hull_run_options *ret, struct hull_error **err);
void hull_run_options_fini(struct hull_run_options *o);

int hull_cmd_run(const struct hull_verb *verb, int argc, char **argv);

#endif
