/* SPDX-License-Identifier: Apache-2.0
 *
 * "hull exec" and "hull attach", see exec.h.
 *
 *   VM found -> command started, or attached to -> its status and all its output
 *            -> session deleted (its status has been collected) -> the command's exit code
 *
 * A session is the agent's: it lives as long as the VM, whatever becomes of us, and keeps its
 * status until somebody collects it.  "exec" gives up on its command by ending the session,
 * "attach", which did not make it, by letting go.
 */
#define _GNU_SOURCE
#include "cli/exec.h"

#include "base/cleanup.h"
#include "base/os.h"
#include "cli/command.h"
#include "cli/tty.h"
#include "cli/values.h"
#include "monitor/rpc.h"
#include "vm/catalogue.h"
#include "vm/frozen.h"
#include "vm/rundir.h"
#include "vm/sessions.h"
#include "vm/use.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define FIND_MS 20000

enum { OPT_SESSION = 256, OPT_NO_REPLAY };

const struct hull_opt hull_exec_opts[] = {
	HULL_COMMAND_OPTS,
	{'d', "detach", NULL, "leave it running, and print its session", "Session"},
	{OPT_SESSION, "session", "NAME", "what to call its session", NULL},
	HULL_COMMAND_OPT_QUIET,
	HULL_COMMAND_OPT_LOG_FORMAT,
	{0, NULL, NULL, NULL, NULL},
};
const struct hull_opt hull_attach_opts[] = {
	{'i', "interactive", NULL, "connect standard input to the command", NULL},
	{OPT_NO_REPLAY, "no-replay", NULL, "only what it prints from now on", NULL},
	HULL_COMMAND_OPT_LOG_FORMAT,
	{0, NULL, NULL, NULL, NULL},
};

const char hull_exec_details[] =
	"With a terminal, Ctrl-P Ctrl-Q leaves the command running; 'hull attach' finds it again.\n"
	"Without one Ctrl-C goes to the command, and a second within two seconds kills it.\n"
	"\n"
	"Exit code: the command's; 128+N if signal N ended it; 125 if hull failed, 126 if the\n"
	"command can't be executed, 127 if it is not found.\n"
	"\n"
	"Examples:\n"
	"  hull exec web uname -a\n"
	"  hull exec -it web bash\n"
	"  hull exec -d --session build web make -C /src; hull attach web build\n";
const char hull_attach_details[] =
	"Prints the last of what the command has said, and follows it until its end.  Ctrl-P "
	"Ctrl-Q\n"
	"(with -i, at a terminal), or a second Ctrl-C within two seconds, leaves it running.\n"
	"\n"
	"Exit code: the command's, as with 'hull exec'; after it has been told the session is "
	"gone.\n";

struct exec {
	struct hull_command_opts o;
	char *session;
	bool attaches, detach, no_replay;
	struct hull_store *store;
	struct hull_loop *loop;
	struct hull_used vm;
	struct hull_command command;
	struct hull_error *err; /* ours; the first one */
	int code;		/* while err is NULL */
	bool ending;
};

/* ---- the end ---- */

static void quit(void *ctx)
{
	struct exec *x = ctx;

	hull_loop_quit(x->loop, 0);
}

/* @gone: nobody needs the session any more. */
static void end(struct exec *x, bool gone)
{
	if (x->ending)
		return;
	x->ending = true;
	x->command.over = true;
	if (gone && x->command.exec)
		hull_exec_delete(x->command.exec, quit, x);
	else
		quit(x);
}

static void fail(struct exec *x, const struct hull_error *error)
{
	if (!x->err)
		hull_fail_copy(&x->err, error);
}

static void on_ended(void *ctx, int code, const struct hull_error *error)
{
	struct exec *x = ctx;

	x->code = code;
	if (error)
		fail(x, error);
	/* What we failed to hear of somebody else's session is still there to be heard. */
	end(x, !error || (!x->attaches && hull_error_code(error) != HULL_E_UNAVAILABLE));
}

static void on_give_up(void *ctx, int signo)
{
	struct exec *x = ctx;

	if (x->ending) { /* not even the agent's answer is waited for */
		quit(x);
		return;
	}
	x->code = 128 + signo;
	end(x, !x->attaches);
}

static void on_late(void *ctx, const struct hull_error *error)
{
	struct exec *x = ctx;

	fail(x, error);
	end(x, true);
}

static void on_detach(void *ctx)
{
	struct exec *x = ctx;

	hull_tty_restore();
	if (!x->o.quiet)
		hull_out_note("\nhull: session '%s' goes on; 'hull attach -i %s %s' finds it again",
			      x->session, x->vm.name, x->session);
	end(x, false);
}

static void on_started(void *ctx)
{
	struct exec *x = ctx;

	if (!x->detach)
		return;
	hull_out("%s\n", x->session);
	end(x, false);
}

static const struct hull_command_ops command_ops = {.ended = on_ended,
						    .give_up = on_give_up,
						    .late = on_late,
						    .detach = on_detach,
						    .started = on_started};

/* ---- the way there ---- */

static int start(struct exec *x, struct hull_error **err)
{
	bool terminal;

	if (!x->attaches)
		return hull_command_start(&x->command, x->vm.vsock, &x->vm.config, x->session,
					  x->detach, err);
	if (hull_sessions_find(x->loop, x->vm.vsock, x->session, hull_deadline_ms(FIND_MS),
			       &terminal, err) < 0) {
		hull_frozen_tell_agent(&x->vm.record, err);
		return -1;
	}
	if (x->ending) /* a signal came first */
		return 0;
	return hull_command_attach(&x->command, x->vm.vsock, x->session, terminal, !x->no_replay,
				   err);
}

static int run(struct exec *x, const char *ref, struct hull_error **err)
{
	uint64_t deadline = hull_deadline_ms(FIND_MS);
	int r;

	if (hull_catalogue_open(deadline, &x->store, err) < 0 || hull_loop_new(&x->loop, err) < 0 ||
	    hull_use_find(x->store, x->loop, ref, deadline, &x->vm, err) < 0)
		return -1;
	if (!x->attaches &&
	    hull_command_opts_complete(&x->o, x->vm.config.root.kind == HULL_ROOT_HOST, err) < 0)
		return -1;
	if (hull_command_watch(&x->command, x->loop, &x->o, &command_ops, x, err) < 0 ||
	    start(x, err) < 0)
		return -1;
	r = x->ending ? 0 : hull_loop_run(x->loop);
	hull_tty_restore();
	if (r < 0)
		return hull_fail_errno(err, -r, "event loop");
	if (x->err && !strcmp(hull_error_cause(x->err), "agent-silent"))
		hull_frozen_tell(&x->vm.record, &x->err);
	if (x->err && hull_error_code(x->err) == HULL_E_UNAVAILABLE)
		return hull_use_explain(x->store, x->loop, &x->vm, 0, x->err, err);
	return x->err ? hull_error_move(err, &x->err) : 0;
}

static int finish(struct exec *x, int r, struct hull_error *err)
{
	int code = r > 0 ? HULL_EXIT_OK : x->code;

	if (r < 0) {
		hull_out_error(err);
		code = hull_command_exit_code(err);
	}
	hull_command_fini(&x->command);
	hull_used_fini(&x->vm);
	hull_loop_free(x->loop);
	hull_store_close(x->store);
	hull_error_free(x->err);
	hull_command_opts_fini(&x->o);
	free(x->session);
	return code;
}

/* ---- exec ---- */

static int on_exec_option(void *ctx, const struct hull_opt *opt, const char *value,
			  struct hull_error **err)
{
	struct exec *x = ctx;
	int r = hull_command_opt(&x->o, opt, (char *)value, err);

	if (r <= 0)
		return r;
	if (opt->id == 'd') {
		x->detach = true;
		return 0;
	}
	if (hull_session_check_name(value, err) < 0)
		return -1;
	return hull_set_string(&x->session, value, err);
}

static int name_session(struct exec *x, struct hull_error **err)
{
	char id[HULL_ID_LEN + 1];

	if (x->session)
		return 0;
	if (hull_id_make(id, err) < 0)
		return -1;
	id[HULL_SHORT_LEN] = '\0';
	return hull_set_string(&x->session, id, err);
}

/* A "--" may stand on either side of the VM. */
static int take_command(struct exec *x, char **words, int n, struct hull_error **err)
{
	int first = n > 1 && !strcmp(words[1], "--") ? 2 : 1;

	if (n <= first) {
		hull_fail(err, HULL_E_INVALID, n ? "no command given" : "no VM was named");
		hull_hint(err, "for example: hull exec %s uname -a", n ? words[0] : "web");
		return -1;
	}
	for (int i = first; i < n; i++)
		if (hull_strv_add(&x->o.args, words[i]) < 0)
			return hull_fail_nomem(err);
	if (x->detach && x->o.timeout_ms) {
		hull_fail(err, HULL_E_INVALID, "--timeout: with --detach nobody is there to look");
		hull_hint(err, "leave it out, or have timeout(1) run the command");
		return -1;
	}
	return name_session(x, err);
}

int hull_cmd_exec(const struct hull_verb *verb, int argc, char **argv)
{
	cleanup_error struct hull_error *err = NULL;
	struct exec x = {0};
	int rest, r;
	bool dashes;

	r = hull_opts_parse(verb, argc, argv, on_exec_option, &x, &rest, &dashes, &err);
	if (r == 0)
		r = take_command(&x, argv + rest, argc - rest, &err);
	if (r == 0)
		r = run(&x, argv[rest], &err);
	return finish(&x, r, err);
}

/* ---- attach ---- */

static int on_attach_option(void *ctx, const struct hull_opt *opt, const char *value,
			    struct hull_error **err)
{
	struct exec *x = ctx;

	if (opt->id != OPT_NO_REPLAY)
		return hull_command_opt(&x->o, opt, (char *)value, err);
	x->no_replay = true;
	return 0;
}

int hull_cmd_attach(const struct hull_verb *verb, int argc, char **argv)
{
	cleanup_error struct hull_error *err = NULL;
	struct exec x = {.attaches = true};
	int rest, r;

	r = hull_opts_parse_mixed(verb, argc, argv, on_attach_option, &x, &rest, &err);
	if (r == 0 && argc - rest != 2) {
		r = hull_fail(&err, HULL_E_INVALID, "'hull attach' takes a VM and a session");
		hull_hint(&err, "'hull ps' lists sessions");
	}
	if (r == 0)
		r = hull_set_string(&x.session, argv[rest + 1], &err);
	if (r == 0)
		r = run(&x, argv[rest], &err);
	return finish(&x, r, err);
}
