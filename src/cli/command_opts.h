/* SPDX-License-Identifier: Apache-2.0
 *
 * The options that say what command runs in a VM, and as what: those of "hull run" and "hull exec".
 */
#ifndef HULL_CLI_COMMAND_OPTS_H
#define HULL_CLI_COMMAND_OPTS_H

#include "base/caps.h"
#include "base/vec.h"
#include "cli/cli.h"

#include <stdint.h>

struct hull_command_opts {
	struct hull_strv args, env;
	struct hull_strv env_words; /* of -e, which override what files say */
	char *cwd, *user;	    /* owned; NULL: not said */
	bool interactive, terminal, quiet;
	uint64_t timeout_ms; /* 0: none */
	uint64_t pids_limit; /* 0: none */
	struct hull_caps caps;
};

enum {
	HULL_OPT_ENV_FILE = 1100,
	HULL_OPT_CAP,
	HULL_OPT_CAP_ADD,
	HULL_OPT_CAP_DROP,
	HULL_OPT_PIDS_LIMIT,
	HULL_OPT_TIMEOUT,
	HULL_OPT_LOG_FORMAT,
};

/* Rows of option tables. */
#define HULL_COMMAND_OPTS                                                                         \
	{'i', "interactive", NULL, "connect standard input to the command", "Command"},           \
		{'t', "tty", NULL, "give the command a terminal", NULL},                          \
		{'e', "env", "NAME[=VALUE]",                                                      \
		 "set a variable; without a value, pass on the caller's", NULL},                  \
		{HULL_OPT_ENV_FILE, "env-file", "FILE",                                           \
		 "set variables from lines of NAME=VALUE; -e overrides", NULL},                   \
		{'w', "workdir", "DIR", "directory in the guest to start in", NULL},              \
		{'u', "user", "USER[:GROUP]", "user in the guest, by name or number", NULL},      \
		{HULL_OPT_CAP, "cap", "LIST",                                                     \
		 "add and drop capabilities: all, none, [+]NAME, -NAME", NULL},                   \
		{HULL_OPT_CAP_ADD, "cap-add", "NAME,...", "the same as --cap +NAME,...", NULL},   \
		{HULL_OPT_CAP_DROP, "cap-drop", "NAME,...", "the same as --cap -NAME,...", NULL}, \
		{HULL_OPT_PIDS_LIMIT, "pids-limit", "N",                                          \
		 "at most N processes and threads at once", NULL},                                \
	{                                                                                         \
		HULL_OPT_TIMEOUT, "timeout", "TIME", "give up after TIME (30s, 5m, 2h)", NULL     \
	}
#define HULL_COMMAND_OPT_QUIET                                                      \
	{                                                                           \
		'q', "quiet", NULL, "print nothing of our own but errors", "Output" \
	}
#define HULL_COMMAND_OPT_LOG_FORMAT                                  \
	{                                                            \
		HULL_OPT_LOG_FORMAT, "log-format", "FORMAT",         \
			"text or json: how errors are printed", NULL \
	}

/* 0 or -1; 1: it is none of these. */
int hull_command_opt(struct hull_command_opts *o, const struct hull_opt *opt, char *value,
		     struct hull_error **err);
/* What the user did not say and the environment of the command needs.  @host_root: the guest's
 * system directories are the host's. */
int hull_command_opts_complete(struct hull_command_opts *o, bool host_root,
			       struct hull_error **err);
void hull_command_opts_fini(struct hull_command_opts *o);

#endif
