/* SPDX-License-Identifier: Apache-2.0
 *
 * "hull vfkit" in the foreground: what it prints, its exit code and its signals are vfkit's, since
 * programs that drive vfkit look at them.
 *
 *   parse -> VM started -> its end, by itself or on SIGINT or SIGTERM -> 0
 *   anything that goes wrong -> told with the usage, as vfkit's library for flags does it -> 1
 */
#define _GNU_SOURCE
#include "cli/vfkit.h"

#include "base/cleanup.h"
#include "base/os.h"
#include "base/strbuf.h"
#include "cli/settings.h"
#include "cli/tty.h"
#include "vm/rundir.h"
#include "vm/stdio.h"
#include "vm/vm.h"

#include <signal.h>
#include <string.h>
#include <unistd.h>

#define STOP_MS 5000 /* for the guest to power off when it has been asked to */

struct run {
	struct hull_vfkit_flags flags;
	struct hull_config config;
	struct hull_loop *loop;
	struct hull_source *signals;
	struct hull_vm *vm;
	struct hull_stdio *in, *out; /* of a virtio-serial,stdio */
	struct hull_error *err;	     /* the first one */
	bool stopping, ended;
};

/* ---- what is printed ---- */

static bool is_level(const struct run *r, const char *level)
{
	return r->flags.log_level && !strcmp(r->flags.log_level, level);
}

static void tell(const struct run *r, const char *text)
{
	if (!is_level(r, "error"))
		hull_out_note("hull: %s", text);
}

static int usage(struct hull_strbuf *out)
{
	hull_strbuf_adds(out, "Usage:\n  vfkit [flags]\n\n");
	return hull_vfkit_help(out);
}

static int fail(const struct hull_error *err)
{
	cleanup_strbuf struct hull_strbuf text = HULL_STRBUF_INIT;

	(void)usage(&text); /* without memory the error has to do */
	hull_out_note("Error: %s", hull_error_message(err));
	hull_out_note("%s", hull_strbuf_str(&text));
	hull_out_note("%s", hull_error_message(err));
	if (*hull_error_hint(err))
		hull_out_note("hint: %s", hull_error_hint(err));
	return HULL_EXIT_FAILED;
}

static int show_help(void)
{
	cleanup_strbuf struct hull_strbuf text = HULL_STRBUF_INIT;

	if (usage(&text) < 0)
		return HULL_EXIT_FAILED;
	hull_out("%s", hull_strbuf_str(&text));
	return HULL_EXIT_OK;
}

/* ---- standard input and output ---- */

/* What the guest said last is still on its way when the VM has ended. */
static void quit_when_shown(struct run *r)
{
	if (r->ended && (!r->out || r->err))
		hull_loop_quit(r->loop, 0);
}

static void on_stdio_done(void *ctx, struct hull_stdio *s, const struct hull_error *error)
{
	struct run *r = ctx;

	if (s == r->in)
		r->in = NULL;
	else
		r->out = NULL;
	hull_stdio_free(s); /* an output that nobody reads any more is no reason to stop */
	quit_when_shown(r);
}

static const struct hull_stdio_ops stdio_ops = {.done = on_stdio_done};

/* The writer is whoever connects first, so input comes before output.  Ctrl-C stays ours. */
static int connect_stdio(struct run *r, struct hull_error **err)
{
	const struct hull_device *dev = hull_device_stdio(&r->config);
	cleanup_free char *path = NULL;

	if (!dev)
		return 0;
	path = hull_vm_serial(r->vm, (size_t)(dev - r->config.devices.v));
	if (!path)
		return hull_fail_nomem(err);
	if (isatty(STDIN_FILENO) && hull_tty_console(STDIN_FILENO, err) < 0)
		return -1;
	if (hull_stdio_new_raw(r->loop, NULL, path, STDIN_FILENO, true, &stdio_ops, r, &r->in,
			       err) < 0)
		return -1;
	hull_stdio_begin(r->in);
	return hull_stdio_new_raw(r->loop, NULL, path, STDOUT_FILENO, false, &stdio_ops, r, &r->out,
				  err);
}

/* ---- the VM ---- */

static void give_up(struct run *r, const struct hull_error *error)
{
	if (!r->err && !r->stopping)
		hull_fail_copy(&r->err, error);
	r->stopping = true;
	hull_vm_stop(r->vm, 0);
}

static void on_ready(void *ctx, const struct hull_error *error)
{
	cleanup_strbuf struct hull_strbuf text = HULL_STRBUF_INIT;
	cleanup_error struct hull_error *err = NULL;
	struct run *r = ctx;
	const struct hull_strv *notes = hull_vm_notes(r->vm);

	if (error || connect_stdio(r, &err) < 0) {
		give_up(r, error ? error : err);
		return;
	}
	for (size_t i = 0; i < notes->n; i++)
		tell(r, notes->v[i]);
	hull_strbuf_addf(&text, "the guest's serial console is '%s'", hull_vm_console(r->vm));
	tell(r, hull_strbuf_str(&text));
}

static bool is_proper(const char *reason)
{
	return !strcmp(reason, "shutdown") || !strcmp(reason, "stopped");
}

static void on_ended(void *ctx, const struct hull_vm_end *end)
{
	struct run *r = ctx;

	if (!r->stopping && !is_proper(end->reason)) {
		hull_fail_cause(&r->err, end->code, end->reason, "the VM ended: %s", end->message);
		if (*end->hint)
			hull_hint(&r->err, "%s", end->hint);
	}
	r->ended = true;
	quit_when_shown(r);
}

static const struct hull_vm_ops vm_ops = {.ready = on_ready, .ended = on_ended};

static void on_signal(void *ctx, int signo)
{
	struct run *r = ctx;

	if (signo == SIGCONT) {
		hull_tty_continue();
		return;
	}
	if (r->stopping) {
		hull_vm_kill(r->vm);
		return;
	}
	r->stopping = true;
	hull_vm_stop(r->vm, STOP_MS);
}

static int watch(struct run *r, struct hull_error **err)
{
	static const int all[] = {SIGINT, SIGTERM, SIGHUP, SIGCONT};
	struct sigaction sa;
	int signals[ARRAY_SIZE(all)], e;
	size_t n = 0;

	/* What the caller ignores (nohup, a script's background job) stays ignored; but those by
	 * which vfkit is stopped are its own. */
	for (size_t i = 0; i < ARRAY_SIZE(all); i++)
		if (all[i] != SIGHUP || sigaction(all[i], NULL, &sa) < 0 ||
		    sa.sa_handler != SIG_IGN)
			signals[n++] = all[i];
	if (hull_loop_new(&r->loop, err) < 0)
		return -1;
	e = hull_loop_add_signals(r->loop, signals, n, on_signal, r, &r->signals);
	return e < 0 ? hull_fail_errno(err, -e, "set up the event loop") : 0;
}

/* A flag says more than a setting. */
static void set_level(const struct run *r)
{
	if (is_level(r, "debug")) {
		hull_out_log(HULL_LOG_DEBUG);
		(void)setenv("HULL_DEBUG", "1", 1); /* the monitor's */
	} else if (is_level(r, "error")) {
		hull_out_log(HULL_LOG_ERROR);
	}
}

/* vfkit has its own CPUs and memory where its flags say nothing. */
static int describe(struct run *r, struct hull_strv *warnings, struct hull_error **err)
{
	const struct hull_settings *s = hull_cli_settings(err);

	if (!s)
		return -1;
	set_level(r);
	hull_settings_begin(s, &r->config);
	if (hull_vfkit_set_up(&r->flags, &r->config, warnings, err) < 0)
		return -1;
	return hull_settings_complete(s, &r->config) < 0 ? hull_fail_nomem(err) : 0;
}

static int run(struct run *r, struct hull_error **err)
{
	cleanup_strv struct hull_strv warnings = {0};
	int e;

	/* Whoever has read the pid file may use it. */
	if (watch(r, err) < 0 || describe(r, &warnings, err) < 0)
		return -1;
	for (size_t i = 0; i < warnings.n; i++)
		tell(r, warnings.v[i]);
	if (hull_rundir_reap_all(err) < 0 ||
	    hull_vm_start(r->loop, &r->config, &vm_ops, r, &r->vm, err) < 0)
		return -1;
	e = hull_loop_run(r->loop);
	if (e < 0)
		return hull_fail_errno(err, -e, "event loop");
	return r->err ? hull_error_move(err, &r->err) : 0;
}

int hull_cmd_vfkit(const struct hull_verb *verb, int argc, char **argv)
{
	cleanup_error struct hull_error *err = NULL;
	struct run r = {0};
	int code = HULL_EXIT_OK;

	hull_config_init(&r.config);
	if (hull_vfkit_parse_flags(argv + 1, (size_t)argc - 1, &r.flags, &err) < 0)
		code = fail(err);
	else if (r.flags.help)
		code = show_help();
	else if (r.flags.version)
		hull_out("vfkit version: %s\n", HULL_VFKIT_VERSION);
	else if (run(&r, &err) < 0)
		code = fail(err);
	hull_stdio_free(r.in);
	hull_stdio_free(r.out);
	hull_vm_free(r.vm);
	hull_tty_restore();
	hull_loop_free(r.loop);
	hull_error_free(r.err);
	hull_config_fini(&r.config);
	hull_vfkit_flags_fini(&r.flags);
	return code;
}
