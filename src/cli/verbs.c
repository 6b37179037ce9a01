/* SPDX-License-Identifier: Apache-2.0
 *
 * The table of verbs.
 */
#include "cli/completion.h"
#include "cli/console.h"
#include "cli/convert.h"
#include "cli/copy.h"
#include "cli/create.h"
#include "cli/df.h"
#include "cli/doctor.h"
#include "cli/events.h"
#include "cli/exec.h"
#include "cli/gc.h"
#include "cli/lifecycle.h"
#include "cli/list.h"
#include "cli/logs.h"
#include "cli/ps.h"
#include "cli/run.h"
#include "cli/stats.h"
#include "cli/vfkit.h"
#include "config.h"
#include "config/vfkit.h"

static int cmd_version(const struct hull_verb *verb, int argc, char **argv)
{
	cleanup_error struct hull_error *err = NULL;
	int r = hull_opts_parse_all(verb, argc, argv, NULL, NULL, &err);

	if (r < 0) {
		hull_out_error(err);
		return HULL_EXIT_USAGE;
	}
	if (r == 0)
		hull_out("hull %s\n", HULL_VERSION);
	return HULL_EXIT_OK;
}

static const struct hull_opt no_opts[] = {{0, NULL, NULL, NULL, NULL}};

static const char run_details[] =
	"The command runs in a virtual machine of its own, on the host's own system directories\n"
	"(read-only, secrets hidden) below an overlay that is thrown away at the end.\n"
	"\n"
	"Exit code: the command's; 128+N if signal N ended it; 125 if hull failed, 126 if the\n"
	"command can't be executed, 127 if it is not found.\n"
	"\n"
	"Examples:\n"
	"  hull run -- python3 -c 'print(6*7)'\n"
	"  echo hi | hull run -i -- cat\n"
	"  hull run -it -- bash\n"
	"  hull run -c 2 -m 1G -e A=1 -w /tmp --timeout 30s -- sh -c 'echo $A'\n"
	"  hull run --kernel bzImage --agent none -i\n";

static const char doctor_details[] = "Nothing is changed, and nothing is left behind.\n"
				     "\n"
				     "Exit code: 0 if 'hull run' can work, with warnings or "
				     "without; 1 if something is broken.\n";

const struct hull_verb hull_verbs[] = {
	{"attach", "attach [OPTIONS] VM SESSION", "Attach to a command in a virtual machine again",
	 hull_attach_opts, hull_attach_details, hull_cmd_attach, false, NULL, NULL},
	{"completion", "completion bash|zsh|fish", "Print a shell's completion script", no_opts,
	 NULL, hull_cmd_completion, false, NULL, NULL},
	{"config", "config VERB [OPTIONS] [ARGS]",
	 "Check and convert descriptions of virtual machines, show settings", no_opts, NULL,
	 hull_sub_main, false, hull_config_subs, NULL},
	{"console", "console [OPTIONS] VM", "Use the serial console of a virtual machine",
	 hull_console_opts, hull_console_details, hull_cmd_console, false, NULL, NULL},
	{"cp", "cp [OPTIONS] SRC DST", "Copy files into and out of a virtual machine", hull_cp_opts,
	 hull_cp_details, hull_cmd_cp, false, NULL, NULL},
	{"create", "create [OPTIONS]", "Make a virtual machine that stays", hull_create_opts,
	 hull_create_details, hull_cmd_create, false, NULL, NULL},
	{"df", "df [OPTIONS]", "Tell how much of the disk hull takes", hull_df_opts,
	 hull_df_details, hull_cmd_df, false, NULL, NULL},
	{"doctor", "doctor [OPTIONS]", "Tell what works on this host, and how to mend what doesn't",
	 hull_doctor_opts, doctor_details, hull_cmd_doctor, false, NULL, NULL},
	{"events", "events [OPTIONS]", "Tell what happened to virtual machines", hull_events_opts,
	 hull_events_details, hull_cmd_events, false, NULL, NULL},
	{"exec", "exec [OPTIONS] VM [--] COMMAND [ARGS]",
	 "Run a command in a virtual machine that runs", hull_exec_opts, hull_exec_details,
	 hull_cmd_exec, false, NULL, NULL},
	{"gc", "gc [OPTIONS]", "Collect what belongs to no virtual machine any more", hull_gc_opts,
	 hull_gc_details, hull_cmd_gc, false, NULL, NULL},
	{"inspect", "inspect VM...", "Tell all about virtual machines, as JSON", hull_inspect_opts,
	 hull_inspect_details, hull_cmd_inspect, false, NULL, NULL},
	{"kill", "kill [OPTIONS] VM...", "End virtual machines at once", hull_lifecycle_opts, NULL,
	 hull_cmd_lifecycle, false, NULL, NULL},
	{"logs", "logs [OPTIONS] VM", "Show what a virtual machine printed on its console",
	 hull_logs_opts, hull_logs_details, hull_cmd_logs, false, NULL, NULL},
	{"ls", "ls [OPTIONS]", "List virtual machines", hull_ls_opts, hull_ls_details, hull_cmd_ls,
	 false, NULL, NULL},
	{"pause", "pause [OPTIONS] VM...", "Hold virtual machines where they are",
	 hull_lifecycle_opts, NULL, hull_cmd_lifecycle, false, NULL, NULL},
	{"ps", "ps [OPTIONS] [VM...]", "List the commands that run in virtual machines",
	 hull_ps_opts, hull_ps_details, hull_cmd_ps, false, NULL, NULL},
	{"rename", "rename [OPTIONS] VM NAME", "Call a virtual machine something else",
	 hull_rename_opts, NULL, hull_cmd_rename, false, NULL, NULL},
	{"restart", "restart [OPTIONS] VM...", "Stop virtual machines and start them again",
	 hull_stop_opts, hull_stop_details, hull_cmd_lifecycle, false, NULL, NULL},
	{"resume", "resume [OPTIONS] VM...", "Let paused virtual machines go on",
	 hull_lifecycle_opts, NULL, hull_cmd_lifecycle, false, NULL, NULL},
	{"rm", "rm [OPTIONS] VM...", "Remove virtual machines", hull_rm_opts, hull_rm_details,
	 hull_cmd_lifecycle, false, NULL, NULL},
	{"run", "run [OPTIONS] -- COMMAND [ARGS]", "Run a command in a throwaway virtual machine",
	 hull_run_opts, run_details, hull_cmd_run, false, NULL, NULL},
	{"start", "start [OPTIONS] VM...", "Start virtual machines", hull_lifecycle_opts, NULL,
	 hull_cmd_lifecycle, false, NULL, NULL},
	{"stats", "stats [OPTIONS] [VM...]", "Tell what virtual machines use", hull_stats_opts,
	 hull_stats_details, hull_cmd_stats, false, NULL, NULL},
	{"stop", "stop [OPTIONS] VM...", "Stop virtual machines", hull_stop_opts, hull_stop_details,
	 hull_cmd_lifecycle, false, NULL, NULL},
	{"top", "top [OPTIONS] [VM...]", "Watch what virtual machines use", hull_top_opts,
	 hull_top_details, hull_cmd_top, false, NULL, NULL},
	{"update", "update [OPTIONS] VM", "Change labels of a virtual machine", hull_update_opts,
	 NULL, hull_cmd_update, false, NULL, NULL},
	{"version", "version", "Print hull's version", no_opts, NULL, cmd_version, false, NULL,
	 NULL},
	{"vfkit", "vfkit ARGS...", "Start a virtual machine from vfkit's command line", no_opts,
	 NULL, hull_cmd_vfkit, false, NULL, hull_vfkit_help},
	{"wait", "wait [OPTIONS] VM...", "Wait until virtual machines have ended",
	 hull_lifecycle_opts, hull_wait_details, hull_cmd_lifecycle, false, NULL, NULL},
	{NULL, NULL, NULL, NULL, NULL, NULL, false, NULL, NULL},
};
