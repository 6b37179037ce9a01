/* SPDX-License-Identifier: Apache-2.0
 *
 * "hull run": a VM for one command.
 *
 *   parse -> VM started -> ready -> command started -> its status and all its output
 *         -> VM stopped -> everything of it gone -> the command's exit code
 *
 * With --agent none there is no command: the console takes its place and the VM's end ends it.
 * Giving up on the command (command.h) stops the VM.
 */
#define _GNU_SOURCE
#include "cli/run.h"

#include "base/cleanup.h"
#include "base/os.h"
#include "cli/command.h"
#include "cli/kernel_opts.h"
#include "cli/tty.h"
#include "vm/rundir.h"
#include "vm/stdio.h"
#include "vm/vm.h"

#include <string.h>
#include <unistd.h>

/* What may be shown: the serial console, and a device. */
enum { CONSOLE, DEVICE, N_CONSOLES };

struct run {
	struct hull_run_options o;
	struct hull_loop *loop;
	struct hull_vm *vm;
	struct hull_command command;
	struct hull_stdio *outputs[N_CONSOLES], *console_in;
	struct hull_error *err; /* ours; the first one */
	int code;		/* the command's, while err is NULL */
	bool have_code, stopping, ended;
	uint64_t began_ns, parsed_ns, reaped_ns; /* CLOCK_MONOTONIC, 0: not yet */
	bool lost; /* the VM went away under the command: its end will tell why */
};

static void stop(struct run *r)
{
	if (r->stopping)
		return;
	r->stopping = true; /* the deadline stays armed: stopping can take too long as well */
	r->command.over = true;
	/* The root is thrown away with the VM: there is nothing to shut down cleanly. */
	if (r->vm)
		hull_vm_stop(r->vm, 0);
}

static void fail(struct run *r, const struct hull_error *error)
{
	if (!r->err && !r->have_code)
		hull_fail_copy(&r->err, error);
	stop(r);
}

static void set_code(struct run *r, int code)
{
	r->code = code;
	r->have_code = true;
	stop(r);
}

/* ---- the command ---- */

static void on_command_ended(void *ctx, int code, const struct hull_error *error)
{
	struct run *r = ctx;

	r->lost = error && hull_error_code(error) == HULL_E_UNAVAILABLE && !r->stopping;
	if (r->lost)
		stop(r);
	else if (error)
		fail(r, error);
	else
		set_code(r, code);
}

static void on_give_up(void *ctx, int signo)
{
	struct run *r = ctx;

	if (!r->stopping) {
		if (!r->err)
			set_code(r, 128 + signo);
	} else if (r->vm) { /* impatience: what was decided stays, only faster */
		hull_vm_kill(r->vm);
	}
}

static void on_late(void *ctx, const struct hull_error *error)
{
	struct run *r = ctx;

	fail(r, error);
	if (r->vm)
		hull_vm_kill(r->vm);
}

static const struct hull_command_ops command_ops = {
	.ended = on_command_ended, .give_up = on_give_up, .late = on_late};

/* ---- the console ---- */

/* What the consoles said last is still on its way when the VM has ended. */
static void quit_when_shown(struct run *r)
{
	bool shown = true;

	for (size_t i = 0; i < ARRAY_SIZE(r->outputs); i++)
		shown &= !r->outputs[i];
	if (r->ended && (shown || r->err))
		hull_loop_quit(r->loop, 0);
}

static void on_console_done(void *ctx, struct hull_stdio *s, const struct hull_error *error)
{
	struct run *r = ctx;

	if (s == r->console_in)
		r->console_in = NULL;
	for (size_t i = 0; i < ARRAY_SIZE(r->outputs); i++)
		if (s == r->outputs[i])
			r->outputs[i] = NULL;
	/* Its end is the VM's, which tells more. */
	if (error && hull_error_code(error) != HULL_E_UNAVAILABLE)
		fail(r, error);
	hull_stdio_free(s);
	quit_when_shown(r);
}

static const struct hull_stdio_ops console_ops = {.done = on_console_done};

/* The writer is whoever connects first, so input comes before output. */
static int type_to(struct run *r, const char *path, struct hull_error **err)
{
	if (hull_stdio_new_raw(r->loop, NULL, path, STDIN_FILENO, true, &console_ops, r,
			       &r->console_in, err) < 0)
		return -1;
	hull_stdio_begin(r->console_in);
	return 0;
}

static int show(struct run *r, size_t which, const char *path, int fd, struct hull_error **err)
{
	return hull_stdio_new_raw(r->loop, NULL, path, fd, false, &console_ops, r,
				  &r->outputs[which], err);
}

/* A device that has the standard streams. */
static int show_device(struct run *r, const struct hull_device *dev, struct hull_error **err)
{
	cleanup_free char *path =
		hull_vm_serial(r->vm, (size_t)(dev - r->o.machine.config.devices.v));

	if (!path)
		return hull_fail_nomem(err);
	if (isatty(STDIN_FILENO) && hull_tty_console(STDIN_FILENO, err) < 0)
		return -1;
	return type_to(r, path, err) < 0 ? -1 : show(r, DEVICE, path, STDOUT_FILENO, err);
}

static int show_consoles(struct run *r, struct hull_error **err)
{
	const struct hull_device *dev = hull_device_stdio(&r->o.machine.config);
	bool alone = r->o.machine.config.agent == HULL_AGENT_NONE && !dev;
	const char *path = hull_vm_console(r->vm);

	if (dev && show_device(r, dev, err) < 0)
		return -1;
	if (!alone && !r->o.machine.config.console)
		return 0;
	if (alone && r->o.command.interactive) {
		if (r->o.command.terminal && hull_tty_raw(STDIN_FILENO, err) < 0)
			return -1;
		if (type_to(r, path, err) < 0)
			return -1;
	}
	return show(r, CONSOLE, path, alone ? STDOUT_FILENO : STDERR_FILENO, err);
}

/* ---- the VM ---- */

static void show_notes(const struct run *r)
{
	const struct hull_strv *notes = hull_vm_notes(r->vm);

	for (size_t i = 0; i < notes->n && !r->o.command.quiet; i++)
		hull_out_note("hull: %s", notes->v[i]);
}

static void on_vm_ready(void *ctx, const struct hull_error *error)
{
	cleanup_error struct hull_error *err = NULL;
	struct run *r = ctx;

	if (error) {
		fail(r, error);
		return;
	}
	if (r->stopping) /* a signal came first */
		return;
	show_notes(r);
	if (show_consoles(r, &err) < 0 ||
	    (r->o.machine.config.agent == HULL_AGENT_HULL &&
	     hull_command_start(&r->command, hull_vm_vsock(r->vm), &r->o.machine.config, "run",
				false, &err) < 0))
		fail(r, err);
}

/* Without it nothing would tell why nothing happens, so that it is printed with --quiet too. */
static void on_vm_held(void *ctx)
{
	struct run *r = ctx;
	cleanup_free char *target = hull_gdb_target(&r->o.machine.config);

	hull_out_note("hull: the guest waits for a debugger: gdb vmlinux -ex 'target remote %s'",
		      target ? target : "");
}

static void on_vm_ended(void *ctx, const struct hull_vm_end *end)
{
	cleanup_error struct hull_error *err = NULL;
	struct run *r = ctx;
	bool proper = !strcmp(end->reason, "shutdown") || !strcmp(end->reason, "reboot");

	if (!r->stopping || (r->lost && !r->err && !r->have_code)) {
		if (r->o.machine.config.agent == HULL_AGENT_NONE && proper) {
			set_code(r, HULL_EXIT_OK);
		} else {
			hull_fail_cause(&err, end->code, end->reason, "the VM ended%s: %s",
					r->o.machine.config.agent == HULL_AGENT_NONE
						? ""
						: " while the command ran",
					end->message);
			if (*end->hint)
				hull_hint(&err, "%s", end->hint);
			fail(r, err);
		}
	}
	r->stopping = true;
	r->ended = true;
	quit_when_shown(r);
}

static const struct hull_vm_ops vm_ops = {.ready = on_vm_ready, .ended = on_vm_ended};
static const struct hull_vm_ops held_ops = {
	.listening = on_vm_held, .ready = on_vm_ready, .ended = on_vm_ended};

static int run(struct run *r, struct hull_error **err)
{
	int e;

	/* What an earlier call was killed in the middle of.  The deadline counts from before it. */
	r->parsed_ns = hull_now_ns();
	if (hull_loop_new(&r->loop, err) < 0 ||
	    hull_command_watch(&r->command, r->loop, &r->o.command, &command_ops, r, err) < 0 ||
	    hull_rundir_reap_all(err) < 0)
		return -1;
	r->reaped_ns = hull_now_ns();
	if (hull_vm_start(r->loop, &r->o.machine.config,
			  r->o.machine.config.gdb.kind == HULL_GDB_NONE ? &vm_ops : &held_ops, r,
			  &r->vm, err) < 0)
		return -1;
	e = hull_loop_run(r->loop);
	if (e < 0)
		return hull_fail_errno(err, -e, "event loop");
	return r->err ? hull_error_move(err, &r->err) : 0;
}

/* ---- timing ---- */

struct phases {
	struct hull_timeline t;
	uint64_t at; /* where the last one ended */
};

/* Up to @end; where that never came, up to the end of all, and nothing follows. */
static void add_phase(struct phases *p, enum hull_where where, const char *name, uint64_t end,
		      uint64_t end_of_all)
{
	uint64_t from = p->at;

	if (from >= end_of_all)
		return;
	p->at = end ? end : end_of_all;
	hull_timeline_add(&p->t, where, 0, name, from, p->at);
}

static int show_timing(const struct run *r, struct hull_error **err)
{
	const struct hull_timeline *start = r->vm ? hull_vm_timeline(r->vm) : NULL;
	uint64_t end = hull_now_ns();
	struct phases p = {.at = r->began_ns};
	int e;

	add_phase(&p, HULL_AT_HULL, "parse", r->parsed_ns, end);
	add_phase(&p, HULL_AT_HULL, "reap", r->reaped_ns, end);
	add_phase(&p, HULL_AT_HULL, "spawn monitor",
		  start && start->spans.n ? start->spans.v[0].start_ns : 0, end);
	for (size_t i = 0; start && i < start->spans.n; i++) {
		const struct hull_span *s = &start->spans.v[i];

		hull_timeline_add(&p.t, s->where, s->depth, s->name, s->start_ns, s->end_ns);
		if (!s->depth)
			p.at = s->end_ns;
	}
	if (r->o.machine.config.agent == HULL_AGENT_NONE) {
		add_phase(&p, HULL_AT_GUEST, "guest", r->command.exited_ns, end);
	} else {
		add_phase(&p, HULL_AT_GUEST, "exec", r->command.started_ns, end);
		add_phase(&p, HULL_AT_GUEST, "command", r->command.exited_ns, end);
	}
	add_phase(&p, HULL_AT_MONITOR, "teardown", 0, end);
	e = hull_timing_show(&r->o.timing, &p.t, r->began_ns, end, err);
	hull_timeline_fini(&p.t);
	return e;
}

int hull_cmd_run(const struct hull_verb *verb, int argc, char **argv)
{
	cleanup_error struct hull_error *err = NULL;
	cleanup_error struct hull_error *timing_err = NULL;
	struct run r = {.began_ns = hull_now_ns()};
	int e = hull_run_parse(verb, argc, argv, &r.o, &err);

	if (e == 0) {
		e = run(&r, &err);
		if (show_timing(&r, &timing_err) < 0)
			hull_out_error(timing_err); /* the command's status is what counts */
	}
	hull_stdio_free(r.console_in);
	for (size_t i = 0; i < ARRAY_SIZE(r.outputs); i++)
		hull_stdio_free(r.outputs[i]);
	hull_command_fini(&r.command);
	hull_vm_free(r.vm);
	hull_tty_restore();
	hull_loop_free(r.loop);
	hull_error_free(r.err);
	hull_run_options_fini(&r.o);
	if (e < 0) {
		hull_out_error(err);
		return hull_command_exit_code(err);
	}
	return e > 0 ? HULL_EXIT_OK : r.code;
}
