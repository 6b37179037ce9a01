/* SPDX-License-Identifier: Apache-2.0
 *
 * "hull console", see console.h.
 *
 *   found, lives -> connected, to type and to read -> asked who types -> input flows
 *                -> escape, signal, or the VM's end -> the terminal as it was
 *
 * The monitor says who types, and when that changes; until it has said so for the first time no key
 * is read, so that none goes nowhere unnoticed.
 */
#define _GNU_SOURCE
#include "cli/console.h"

#include "base/cleanup.h"
#include "base/os.h"
#include "cli/tty.h"
#include "cli/vms.h"
#include "vm/catalogue.h"
#include "vm/frozen.h"
#include "vm/stdio.h"
#include "vm/typist.h"

#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define DEADLINE_MS 20000
#define LEAVE_MS 500
#define ESCAPE_DEFAULT 0x1d /* ^] */
#define ESCAPE_NONE (-1)

enum { OPT_ESCAPE = 2000, OPT_TAKE };

const struct hull_opt hull_console_opts[] = {
	{OPT_TAKE, "take", NULL, "type, also if somebody else does, who can only read then", NULL},
	{OPT_ESCAPE, "escape", "KEY", "what leaves it: one like ^] (default) or none", NULL},
	{'q', "quiet", NULL, "don't say who types and how to leave", NULL},
	{0, NULL, NULL, NULL, NULL},
};
const char hull_console_details[] =
	"Works from the moment a VM is started, with and without an agent in it.  Many can read;\n"
	"who came first types.  Without a terminal on standard input there is no escape.\n";

struct console {
	int escape;
	bool take, quiet, raw;
	struct hull_record vm;
	char *path;		      /* of console.sock */
	struct hull_typist_name name; /* of our connection that types */
	struct hull_loop *loop;
	struct hull_source *signals, *again;
	uint64_t until_ns; /* for it to be there */
	struct hull_stdio *in, *out;
	struct hull_typist *typist;
	bool known, writes, leaving;
	int code;
	struct hull_error *err;
};

/* ---- options ---- */

/* One key, that is not Enter: "^]", "^a" or "~". */
static int parse_escape(const char *s, int *ret, struct hull_error **err)
{
	size_t len = strlen(s);
	unsigned char c = (unsigned char)s[0];

	if (!strcmp(s, "none")) {
		*ret = ESCAPE_NONE;
		return 0;
	}
	if (len == 2 && c == '^' &&
	    ((s[1] >= '@' && s[1] <= '_') || (s[1] >= 'a' && s[1] <= 'z'))) {
		c = (unsigned char)s[1] & 0x1f;
		len = 1;
	}
	if (len == 1 && c && c < 0x7f && c != '\r' && c != '\n') {
		*ret = c;
		return 0;
	}
	hull_fail(err, HULL_E_INVALID, "'%s' can't be the escape key", s);
	hull_hint(err, "write it like ^] or ^a, or as one character of ASCII; Enter can't be it");
	return -1;
}

static int on_option(void *ctx, const struct hull_opt *opt, const char *value,
		     struct hull_error **err)
{
	struct console *c = ctx;

	switch (opt->id) {
	case OPT_TAKE:
		c->take = true;
		return 0;
	case OPT_ESCAPE:
		return parse_escape(value, &c->escape, err);
	default:
		c->quiet = true;
		return 0;
	}
}

/* ---- telling ---- */

/* Newlines do not return in raw mode. */
static void note(const struct console *c, const char *what)
{
	char buf[16];

	if (!c->quiet)
		hull_out_note("%shull: console of VM '%s': %s%s", c->raw ? "\r\n" : "",
			      hull_vms_name(&c->vm, buf), what, c->raw ? "\r" : "");
}

static void note_escape(const struct console *c)
{
	char text[64];

	if (!c->raw)
		return;
	if (c->escape == ESCAPE_NONE)
		snprintf(text, sizeof(text), "no key leaves it");
	else if (c->escape < ' ')
		snprintf(text, sizeof(text), "^%c leaves it", c->escape | '@');
	else
		snprintf(text, sizeof(text), "'%c' leaves it", c->escape);
	note(c, text);
}

static void end(struct console *c, int code)
{
	c->code = code;
	hull_loop_quit(c->loop, 0);
}

static void fail(struct console *c, const struct hull_error *error)
{
	if (!c->err)
		hull_fail_copy(&c->err, error);
	end(c, hull_exit_code(error));
}

/* ---- who types ---- */

static void on_writes(void *ctx, bool writes)
{
	struct console *c = ctx;
	bool first = !c->known;

	if (c->leaving) {
		end(c, HULL_EXIT_OK);
		return;
	}
	c->known = true;
	if (!writes)
		note(c, first ? "somebody else types, you read until they leave (--take takes over)"
			      : "somebody else has taken it over, you read until they leave");
	else if (!first)
		note(c, "now you type");
	c->writes = writes;
	if (first && c->in)
		hull_stdio_begin(c->in);
}

static void fail_asked(struct console *c, const struct hull_error *error)
{
	cleanup_error struct hull_error *err = NULL;
	char buf[16];

	if (hull_error_code(error) != HULL_E_TIMEOUT) {
		fail(c, error);
		return;
	}
	hull_fail_cause(&err, HULL_E_TIMEOUT, "monitor-silent",
			"VM '%s': its monitor did not answer within %d s",
			hull_vms_name(&c->vm, buf), HULL_TYPIST_ANSWER_MS / 1000);
	hull_frozen_tell(&c->vm, &err);
	fail(c, err);
}

static void on_failed(void *ctx, const struct hull_error *error)
{
	struct console *c = ctx;

	if (c->leaving)
		end(c, HULL_EXIT_OK);
	else if (!c->known)
		fail_asked(c, error);
	/* Else we type no more, or the VM has ended, which the console's own end tells. */
}

static const struct hull_typist_ops typist_ops = {.writes = on_writes, .failed = on_failed};

/* ---- what is typed and shown ---- */

static size_t on_typed(void *ctx, struct hull_stdio *s, const char *data, size_t len)
{
	struct console *c = ctx;
	const char *at = c->raw && c->escape != ESCAPE_NONE ? memchr(data, c->escape, len) : NULL;

	if (!at)
		return len;
	/* What was typed before it is taken when the monitor says that we don't type any more. */
	c->leaving = true;
	hull_source_arm(c->again, c->writes ? hull_deadline_ms(LEAVE_MS) : 1);
	return (size_t)(at - data);
}

static void on_stdio_done(void *ctx, struct hull_stdio *s, const struct hull_error *error)
{
	struct console *c = ctx;
	bool shown = s == c->out;

	if (shown)
		c->out = NULL;
	else
		c->in = NULL;
	/* A console that is lost is the VM's end; whoever does not read any more has enough. */
	if (error && hull_error_code(error) != HULL_E_UNAVAILABLE &&
	    strcmp(hull_error_cause(error), "reader-gone") != 0)
		fail(c, error);
	else if (shown && (!error || hull_error_code(error) == HULL_E_UNAVAILABLE))
		note(c, "closed: the VM has ended, or too much was left unread");
	if (shown)
		hull_loop_quit(c->loop, 0);
	hull_stdio_free(s);
}

static const struct hull_stdio_ops stdio_ops = {.typed = on_typed, .done = on_stdio_done};

/* ---- connecting ---- */

static int connect_all(struct console *c, struct hull_error **err)
{
	/* Before the terminal is raw: what fails is told as usual. */
	if (hull_stdio_new_raw(c->loop, c->name.text, c->path, STDIN_FILENO, true, &stdio_ops, c,
			       &c->in, err) < 0 ||
	    hull_typist_new(c->loop, c->vm.run_dir, &c->name, c->take, &typist_ops, c, &c->typist,
			    err) < 0)
		return -1;
	if (isatty(STDIN_FILENO)) {
		if (hull_tty_raw(STDIN_FILENO, err) < 0)
			return -1;
		c->raw = true;
	}
	note_escape(c);
	if (hull_stdio_new_raw(c->loop, NULL, c->path, STDOUT_FILENO, false, &stdio_ops, c, &c->out,
			       err) < 0)
		return -1;
	return 0;
}

static void on_again(void *ctx)
{
	cleanup_error struct hull_error *err = NULL;
	struct console *c = ctx;

	if (c->leaving)
		end(c, HULL_EXIT_OK);
	else if (hull_typist_socket_comes(&c->vm, c->path) && hull_ms_left(c->until_ns))
		hull_source_arm(c->again, hull_deadline_ms(HULL_TYPIST_AGAIN_MS));
	else if (connect_all(c, &err) < 0)
		fail(c, err);
}

static void on_signal(void *ctx, int signo)
{
	cleanup_error struct hull_error *err = NULL;
	struct console *c = ctx;

	if (signo == SIGCONT) {
		hull_tty_continue();
	} else if (signo == SIGTSTP) {
		hull_tty_restore();
		(void)kill(getpid(), SIGSTOP);
		if (c->raw && hull_tty_raw(STDIN_FILENO, &err) < 0)
			fail(c, err);
	} else {
		end(c, 128 + signo);
	}
}

static int run(struct console *c, struct hull_error **err)
{
	static const int signals[] = {SIGINT, SIGTERM, SIGHUP, SIGQUIT, SIGCONT, SIGTSTP};
	int r = hull_loop_add_signals(c->loop, signals, ARRAY_SIZE(signals), on_signal, c,
				      &c->signals);

	if (r == 0)
		r = hull_loop_add_timer(c->loop, on_again, c, &c->again);
	if (r < 0)
		return hull_fail_errno(err, -r, "set up the event loop");
	c->until_ns = hull_deadline_ms(HULL_TYPIST_SOCKET_MS);
	hull_source_arm(c->again, 1);
	r = hull_loop_run(c->loop);
	if (r < 0)
		return hull_fail_errno(err, -r, "event loop");
	return c->err ? hull_error_move(err, &c->err) : 0;
}

static int find(struct console *c, const char *ref, struct hull_error **err)
{
	cleanup_store struct hull_store *store = NULL;
	uint64_t deadline = hull_deadline_ms(DEADLINE_MS);

	if (hull_catalogue_open(deadline, &store, err) < 0 || hull_loop_new(&c->loop, err) < 0 ||
	    hull_typist_find(store, c->loop, ref, deadline, &c->vm, &c->path, err) < 0)
		return -1;
	return hull_typist_name(&c->name, err);
}

static void fini(struct console *c)
{
	hull_tty_restore();
	hull_stdio_free(c->in);
	hull_stdio_free(c->out);
	hull_typist_free(c->typist);
	hull_source_remove(&c->signals);
	hull_source_remove(&c->again);
	hull_loop_free(c->loop);
	hull_record_fini(&c->vm);
	free(c->path);
	hull_error_free(c->err);
}

int hull_cmd_console(const struct hull_verb *verb, int argc, char **argv)
{
	cleanup_error struct hull_error *err = NULL;
	struct console c = {.escape = ESCAPE_DEFAULT, .code = HULL_EXIT_OK};
	int rest, r = hull_opts_parse_mixed(verb, argc, argv, on_option, &c, &rest, &err);

	if (r == 0 && argc - rest != 1) {
		r = hull_fail(&err, HULL_E_INVALID, "'hull console' takes one VM");
		hull_hint(&err, "'hull ls' shows them");
	}
	if (r < 0)
		c.code = HULL_EXIT_USAGE;
	else if (r == 0 && (find(&c, argv[rest], &err) < 0 || run(&c, &err) < 0))
		c.code = c.code ? c.code : hull_exit_code(err);
	fini(&c);
	if (err)
		hull_out_error(err);
	return c.code;
}
