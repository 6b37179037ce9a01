/* SPDX-License-Identifier: Apache-2.0
 *
 * The options of "hull run": from words to a VM description and a command.
 */
#define _GNU_SOURCE
#include "cli/run.h"

#include "base/cleanup.h"
#include "base/text.h"
#include "cli/values.h"
#include "vm/command.h"
#include "vm/description.h"

#include <string.h>
#include <unistd.h>

enum { OPT_TIMING = 500 };

const struct hull_opt hull_run_opts[] = {
	HULL_COMMAND_OPTS,
	HULL_MACHINE_OPTS,
	{HULL_OPT_GDB, "gdb", "[=PORT|=PATH]", "wait for a debugger, on a port or a socket", NULL},
	{HULL_OPT_CONSOLE, "console", NULL, "show the guest's console on standard error", NULL},
	HULL_COMMAND_OPT_QUIET,
	{OPT_TIMING, "timing", "[=FORMAT[:FILE]]",
	 "show what took how long: text, json or svg, on standard error or in FILE", NULL},
	HULL_COMMAND_OPT_LOG_FORMAT,
	{0, NULL, NULL, NULL, NULL},
};

static int on_option(void *ctx, const struct hull_opt *opt, const char *value,
		     struct hull_error **err)
{
	struct hull_run_options *o = ctx;

	int r = hull_command_opt(&o->command, opt, (char *)value, err);

	if (r <= 0)
		return r;
	if (opt->id == OPT_TIMING)
		return hull_timing_parse(value, &o->timing, err);
	return hull_machine_opt(&o->machine, opt, value, err);
}

/* What has to be known before the others: where the options change what a file says, it doesn't
 * matter which stands first. */
static int on_early_option(void *ctx, const struct hull_opt *opt, const char *value,
			   struct hull_error **err)
{
	if (opt->id == HULL_OPT_LOG_FORMAT)
		return hull_set_log_format(value, err);
	if (opt->id == HULL_OPT_CONFIG && hull_strv_add(ctx, value) < 0)
		return hull_fail_nomem(err);
	return 0;
}

/* Whoever the command runs as owns what it finds in shares.  A user by name is looked up in the
 * host's accounts, which the guest has too. */
static int fill_owner(struct hull_run_options *o, struct hull_error **err)
{
	cleanup_free char *user = strdup(o->command.user ? o->command.user : "");
	struct hull_config *c = &o->machine.config;
	struct hull_account account;
	char *group;

	if (!user)
		return hull_fail_nomem(err);
	if (!*user)
		return 0;
	group = strchr(user, ':');
	if (group)
		*group++ = '\0';
	if (hull_account_find(user, &account)) {
		c->owner_uid = account.uid;
		c->owner_gid = account.gid;
	} else {
		(void)hull_parse_u64(user, UINT32_MAX - 1, &c->owner_uid);
	}
	if (group)
		(void)hull_parse_u64(group, UINT32_MAX - 1, &c->owner_gid);
	return 0;
}

/* There is none in the guest to run a command: by whose word. */
static int check_agentless(const struct hull_run_options *o, struct hull_error **err)
{
	bool disks =
		!o->machine.agent_said && o->machine.config.firmware.kind != HULL_FIRMWARE_NONE;
	const char *word = o->machine.agent_said ? "--agent none"
			   : disks		 ? "--firmware efi"
						 : "the description's agent 'none'";

	if (o->machine.config.modules)
		return hull_fail(err, HULL_E_INVALID,
				 "--modules: with %s nobody loads them in the guest", word);
	if (!o->command.args.n)
		return 0;
	hull_fail(err, HULL_E_INVALID, "with %s hull can't run '%s' in the guest", word,
		  o->command.args.v[0]);
	hull_hint(err, "leave out the command: %s",
		  disks ? "what the disks hold is booted" : "the kernel is just booted");
	return -1;
}

/* With the guest the command goes, and the machine is there for nothing else. */
static int check_policies(struct hull_run_options *o, struct hull_error **err)
{
	if (o->machine.config.restart.policy != HULL_RESTART_NO) {
		hull_fail(err, HULL_E_INVALID,
			  "--restart: '%s' ends with the machine that it runs in, and would not be "
			  "run again in another one",
			  o->command.args.v[0]);
		hull_hint(err, "--restart no; or --agent none, which boots a system of its own; a "
			       "command that is safe to repeat can be run again by the shell");
		return -1;
	}
	if (o->machine.config.on_reboot == HULL_ON_REBOOT_REBOOT) {
		hull_fail(err, HULL_E_INVALID,
			  "--on-reboot reboot: a command ends with the guest that it runs in, and "
			  "'%s' is all that this one is for",
			  o->command.args.v[0]);
		hull_hint(err, "--on-reboot end; or --agent none, which boots a system of its own");
		return -1;
	}
	o->machine.config.on_reboot = HULL_ON_REBOOT_END;
	return 0;
}

static int check_operands(struct hull_run_options *o, int argc, char **argv, int rest, bool dashes,
			  struct hull_error **err)
{
	if (!dashes && rest < argc) {
		hull_fail(err, HULL_E_UNSUPPORTED, "image '%s': images can't be run yet",
			  argv[rest]);
		hull_hint(err, "to run a program of this host, put '--' before it: hull run -- %s",
			  argv[rest]);
		return -1;
	}
	for (; rest < argc; rest++)
		if (hull_strv_add(&o->command.args, argv[rest]) < 0)
			return hull_fail_nomem(err);
	if (o->machine.config.agent == HULL_AGENT_NONE && check_agentless(o, err) < 0)
		return -1;
	if (o->machine.config.agent == HULL_AGENT_HULL && !o->command.args.n) {
		hull_fail(err, HULL_E_INVALID, "no command given");
		hull_hint(err, "for example: hull run -- uname -a");
		return -1;
	}
	if (o->machine.config.agent == HULL_AGENT_HULL && check_policies(o, err) < 0)
		return -1;
	if (o->command.interactive && o->machine.config.agent == HULL_AGENT_HULL &&
	    hull_device_stdio(&o->machine.config)) {
		hull_fail(err, HULL_E_INVALID,
			  "--interactive: standard input belongs to the device "
			  "virtio-serial,stdio");
		hull_hint(err, "leave out one of the two");
		return -1;
	}
	return 0;
}

int hull_run_parse(const struct hull_verb *verb, int argc, char **argv,
		   struct hull_run_options *ret, struct hull_error **err)
{
	cleanup_strv struct hull_strv files = {0};
	struct hull_run_options *o = ret;
	bool dashes;
	int rest, r;

	*o = (struct hull_run_options){0};
	r = hull_opts_parse(verb, argc, argv, on_early_option, &files, &rest, &dashes, err);
	if (r == 0)
		r = hull_machine_opts_begin(&o->machine, &files, err);
	if (r != 0)
		return r;
	o->machine.config.tied = true;
	o->command.pids_limit = o->machine.settings->pids_limit;
	r = hull_opts_parse(verb, argc, argv, on_option, o, &rest, &dashes, err);
	if (r != 0)
		return r;
	if (check_operands(o, argc, argv, rest, dashes, err) < 0)
		return -1;
	o->machine.config.progress = !o->command.quiet && isatty(STDERR_FILENO);
	if (hull_machine_opts_complete(&o->machine, err) < 0 || fill_owner(o, err) < 0)
		return -1;
	if (!o->command.cwd) /* "-w" counts wherever it stands */
		o->command.cwd = steal_ptr(&o->machine.here);
	if (hull_command_opts_complete(&o->command, o->machine.config.root.kind == HULL_ROOT_HOST,
				       err) < 0)
		return -1;
	return hull_description_complete(&o->machine.config, o->machine.settings->guest_dir, err);
}

void hull_run_options_fini(struct hull_run_options *o)
{
	hull_machine_opts_fini(&o->machine);
	hull_command_opts_fini(&o->command);
	hull_timing_fini(&o->timing);
}
