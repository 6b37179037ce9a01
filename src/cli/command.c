/* SPDX-License-Identifier: Apache-2.0
 *
 * A command in a VM on behalf of this process, see command.h.
 */
#define _GNU_SOURCE
#include "cli/command.h"

#include "base/cleanup.h"
#include "base/os.h"
#include "base/strbuf.h"
#include "cli/tty.h"
#include "vm/command.h"

#include <signal.h>
#include <string.h>
#include <unistd.h>

#define TWICE_NS (2 * HULL_NS_PER_S)

/* ---- its life ---- */

static void on_started(void *ctx)
{
	struct hull_command *c = ctx;

	c->started = true;
	c->started_ns = hull_now_ns();
	if (c->ops->started)
		c->ops->started(c->ctx);
}

/* What a user can do about a command that could not be started. */
static const char *hint_for(const struct hull_command *c, const char *cause)
{
	if (!strcmp(cause, "command-not-found"))
		return c->host_root
			       ? "the guest has the host's system directories: install it, or what "
				 "it needs, on the host; or share where it is with -v or --here"
			       : "the guest has nothing but its initramfs and what is shared with "
				 "-v or --here";
	if (!strcmp(cause, "not-executable"))
		return "is it executable (chmod +x), and made for this machine ('file' tells)?";
	if (!strcmp(cause, "working-directory"))
		return "homes and current directories are not in the guest: share one with --here "
		       "or -v, or choose another with -w";
	if (!strcmp(cause, "no-such-user") || !strcmp(cause, "no-such-group"))
		return "use a name that the guest's files have, or a number: any will do";
	return NULL;
}

static void on_done(void *ctx, const struct hull_exec_result *result,
		    const struct hull_error *error)
{
	cleanup_error struct hull_error *err = NULL;
	struct hull_command *c = ctx;
	const char *hint;

	c->exited_ns = hull_now_ns();
	if (error) {
		hint = hint_for(c, hull_error_cause(error));
		hull_fail_copy(&err, error);
		if (hint && !*hull_error_hint(error))
			hull_hint(&err, "%s", hint);
		c->ops->ended(c->ctx, 0, err);
		return;
	}
	if (result->oom && !c->o->quiet)
		hull_out_note("hull: the guest ran out of memory and killed something; "
			      "give it more with -m");
	c->ops->ended(c->ctx, (int)result->exit_status, NULL);
}

static void on_escaped(void *ctx)
{
	struct hull_command *c = ctx;

	c->ops->detach(c->ctx);
}

static const struct hull_exec_ops exec_ops = {
	.started = on_started, .done = on_done, .escaped = on_escaped};

static void fill_streams(const struct hull_command *c, struct hull_exec_options *x)
{
	x->terminal = c->terminal;
	x->stdin_fd = c->o->interactive ? STDIN_FILENO : -1;
	x->stdout_fd = STDOUT_FILENO;
	x->stderr_fd = STDERR_FILENO;
	if (c->terminal)
		hull_tty_size(STDIN_FILENO, &x->rows, &x->columns);
	/* What comes from a file may hold anything. */
	x->escape = c->ops->detach && c->terminal && c->o->interactive && isatty(STDIN_FILENO);
}

static int take_terminal(const struct hull_command *c, struct hull_error **err)
{
	return c->terminal && c->o->interactive && isatty(STDIN_FILENO)
		       ? hull_tty_raw(STDIN_FILENO, err)
		       : 0;
}

int hull_command_start(struct hull_command *c, const char *vsock, const struct hull_config *config,
		       const char *session, bool detached, struct hull_error **err)
{
	cleanup_strbuf struct hull_strbuf path = HULL_STRBUF_INIT;
	struct hull_exec_options x = {
		.exec_id = session,
		.args = &c->o->args,
		.env = &c->o->env,
		.cwd = c->o->cwd,
		.user = c->o->user,
		.pids_limit = c->o->pids_limit,
		.caps = c->o->caps,
	};

	c->terminal = c->o->terminal;
	c->host_root = config->root.kind == HULL_ROOT_HOST;
	hull_command_locate(config, c->o->args.v[0], &c->o->env, &path);
	x.path = hull_strbuf_str(&path);
	fill_streams(c, &x);
	if (detached) {
		x.stdin_later = c->o->interactive;
		x.stdin_fd = x.stdout_fd = x.stderr_fd = -1;
		x.escape = false;
	} else if (take_terminal(c, err) < 0) {
		return -1;
	}
	return hull_exec_start(c->loop, vsock, &x, &exec_ops, c, &c->exec, err);
}

int hull_command_attach(struct hull_command *c, const char *vsock, const char *session,
			bool terminal, bool replay, struct hull_error **err)
{
	struct hull_exec_options x = {.exec_id = session};

	c->terminal = terminal;
	fill_streams(c, &x);
	if (take_terminal(c, err) < 0)
		return -1;
	return hull_exec_attach(c->loop, vsock, &x, replay, &exec_ops, c, &c->exec, err);
}

/* ---- signals and time ---- */

static void on_signal(void *ctx, int signo)
{
	struct hull_command *c = ctx;
	uint64_t now = hull_now_ns();
	unsigned int rows, columns;

	if (signo == SIGCONT)
		hull_tty_continue();
	if (signo == SIGWINCH || signo == SIGCONT) { /* nobody tells a stopped one of a new size */
		hull_tty_size(STDIN_FILENO, &rows, &columns);
		if (c->exec && c->terminal)
			hull_exec_resize(c->exec, rows, columns);
		return;
	}
	if (c->over || !c->started ||
	    (signo == c->last_signal && now - c->last_signal_ns < TWICE_NS)) {
		c->ops->give_up(c->ctx, signo);
		return;
	}
	c->last_signal = signo;
	c->last_signal_ns = now;
	hull_exec_signal(c->exec, signo);
}

static void on_timeout(void *ctx)
{
	cleanup_error struct hull_error *err = NULL;
	struct hull_command *c = ctx;

	hull_fail_cause(&err, HULL_E_TIMEOUT, "command-timeout",
			"the command did not end within %llu.%03llu s",
			(unsigned long long)(c->o->timeout_ms / 1000),
			(unsigned long long)(c->o->timeout_ms % 1000));
	hull_hint(&err, "give it longer with --timeout");
	c->ops->late(c->ctx, err);
}

int hull_command_watch(struct hull_command *c, struct hull_loop *loop,
		       const struct hull_command_opts *o, const struct hull_command_ops *ops,
		       void *ctx, struct hull_error **err)
{
	static const int signals[] = {SIGINT,  SIGTERM, SIGHUP,	  SIGQUIT,
				      SIGUSR1, SIGUSR2, SIGWINCH, SIGCONT};
	int e;

	*c = (struct hull_command){.loop = loop, .o = o, .ops = ops, .ctx = ctx};
	e = hull_loop_heed_signals(loop, signals, ARRAY_SIZE(signals), on_signal, c, &c->signals);
	if (e == 0)
		e = hull_loop_add_timer(loop, on_timeout, c, &c->timer);
	if (e < 0)
		return hull_fail_errno(err, -e, "set up the event loop");
	if (o->timeout_ms)
		hull_source_arm(c->timer, hull_deadline_ms(o->timeout_ms));
	return 0;
}

void hull_command_fini(struct hull_command *c)
{
	hull_exec_free(c->exec);
	hull_source_remove(&c->signals);
	hull_source_remove(&c->timer);
}

int hull_command_exit_code(const struct hull_error *err)
{
	if (!strcmp(hull_error_cause(err), "command-not-found"))
		return HULL_EXIT_NOT_FOUND;
	if (!strcmp(hull_error_cause(err), "not-executable"))
		return HULL_EXIT_NOT_EXECUTABLE;
	return HULL_EXIT_RUN_FAILED;
}
