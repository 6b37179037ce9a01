/* SPDX-License-Identifier: Apache-2.0
 *
 * The only place of the command that prints.
 */
#define _GNU_SOURCE
#include "cli/cli.h"

#include "base/cleanup.h"
#include "base/json.h"
#include "base/printable.h"
#include "base/strbuf.h"
#include "cli/settings.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

static bool json_errors;

void hull_out_json_errors(bool on)
{
	json_errors = on;
}

void hull_out(const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	(void)vfprintf(stdout, fmt, ap); /* hull_out_finish() looks at the stream's state */
	va_end(ap);
}

static bool on_screen;

static void leave_screen(void)
{
	if (!on_screen)
		return;
	on_screen = false;
	hull_out("\033[?25h\033[?1049l");
	(void)hull_out_flush(); /* there is nothing else to be done */
}

void hull_out_screen(bool on)
{
	if (!on) {
		leave_screen();
		return;
	}
	on_screen = true;
	(void)atexit(leave_screen);
	hull_out("\033[?1049h\033[?25l");
}

/* Messages quote guests, helpers and users: nothing of theirs may steer the terminal. */
static void put_printable(FILE *to, const char *s)
{
	cleanup_strbuf struct hull_strbuf text = HULL_STRBUF_INIT;

	if (hull_printable_add(&text, s, strlen(s)) == 0)
		(void)fputs(hull_strbuf_str(&text), to);
	else
		(void)fputs("out of memory", to);
}

/* In one piece, since others may write to the same terminal or file. */
static void put_line(const char *style, const char *label, const char *s)
{
	cleanup_strbuf struct hull_strbuf line = HULL_STRBUF_INIT;

	if (*label)
		hull_strbuf_addf(&line, "%s%s%s ", style, label, *style ? "\033[0m" : "");
	if (hull_printable_add(&line, s, strlen(s)) < 0 || hull_strbuf_adds(&line, "\n") < 0)
		(void)fputs("hull: out of memory\n", stderr);
	else
		(void)fwrite(line.data, 1, line.len, stderr);
}

void hull_out_note(const char *fmt, ...)
{
	cleanup_free char *text = NULL;
	va_list ap;

	va_start(ap, fmt);
	if (vasprintf(&text, fmt, ap) < 0)
		text = NULL;
	va_end(ap);
	put_line("", "", text ? text : "out of memory");
}

static void log_line(void *ctx, enum hull_log_level level, const char *line)
{
	hull_out_note("hull: %s", line);
}

void hull_out_log(enum hull_log_level least)
{
	hull_log_set(log_line, NULL, least);
}

static bool error_as_json(const struct hull_error *err)
{
	cleanup_json struct hull_json *j = hull_json_object();
	cleanup_free char *text = NULL;

	if (!j ||
	    hull_json_set(j, "code", hull_json_string(hull_code_name(hull_error_code(err)))) ||
	    hull_json_set(j, "cause", hull_json_string(hull_error_cause(err))) ||
	    hull_json_set(j, "message", hull_json_string(hull_error_message(err))) ||
	    hull_json_set(j, "hint", hull_json_string(hull_error_hint(err))))
		return false;
	text = hull_json_text(j);
	if (text)
		(void)fprintf(stderr, "{\"error\":%s}\n", text);
	return text != NULL;
}

static bool has_colour(FILE *stream)
{
	const struct hull_settings *s = hull_cli_settings(NULL);
	enum hull_color color = s ? s->color : HULL_COLOR_AUTO;

	if (!s && getenv("NO_COLOR")) /* what is wrong with them is told without */
		color = HULL_COLOR_NEVER;
	return color == HULL_COLOR_AUTO ? isatty(fileno(stream)) : color == HULL_COLOR_ALWAYS;
}

void hull_out_styled(enum hull_out_style style, const char *fmt, ...)
{
	static const char *const codes[] = {
		[HULL_OUT_PLAIN] = "",	       [HULL_OUT_STRONG] = "\033[1m",
		[HULL_OUT_GOOD] = "\033[32m",  [HULL_OUT_WARNING] = "\033[33m",
		[HULL_OUT_BAD] = "\033[1;31m",
	};
	bool colour = *codes[style] && has_colour(stdout);
	cleanup_free char *text = NULL;
	va_list ap;

	va_start(ap, fmt);
	if (vasprintf(&text, fmt, ap) < 0)
		text = NULL;
	va_end(ap);
	(void)fputs(colour ? codes[style] : "", stdout);
	put_printable(stdout, text ? text : "out of memory");
	(void)fputs(colour ? "\033[0m" : "", stdout);
}

void hull_out_error(const struct hull_error *err)
{
	bool colour = has_colour(stderr);

	if (json_errors && error_as_json(err))
		return;
	put_line(colour ? "\033[1;31m" : "", "hull:", hull_error_message(err));
	if (*hull_error_hint(err))
		put_line(colour ? "\033[1m" : "", "hint:", hull_error_hint(err));
}

void hull_out_progress(const char *text)
{
	if (!isatty(STDERR_FILENO))
		return;
	(void)fputs("\r\033[K", stderr);
	put_printable(stderr, text ? text : "");
	(void)fflush(stderr);
}

void hull_out_bytes(const char *data, size_t len)
{
	(void)fwrite(data, 1, len, stdout); /* likewise */
}

int hull_out_flush(void)
{
	return fflush(stdout) == 0 && !ferror(stdout) ? 0 : -1;
}

int hull_out_finish(int code)
{
	if (hull_out_flush() == 0)
		return code;
	if (errno == EPIPE)
		return code == HULL_EXIT_OK ? HULL_EXIT_FAILED : code; /* they have read enough */
	(void)fprintf(stderr, "hull: cannot write to standard output: %s\n", hull_strerror(errno));
	return code == HULL_EXIT_OK ? HULL_EXIT_FAILED : code;
}

static void out_subs(const struct hull_verb *verb)
{
	size_t len = strlen(verb->name) + 1;

	hull_out("\nVerbs:\n");
	for (const struct hull_verb *v = verb->subs; v->name; v++)
		hull_out("  %-12s  %s\n", v->name + len, v->summary);
	hull_out("\n'hull %s VERB --help' explains one.\n", verb->name);
}

void hull_out_help(const struct hull_verb *verb)
{
	cleanup_strbuf struct hull_strbuf more = HULL_STRBUF_INIT;

	hull_out("Usage: hull %s\n\n%s.\n", verb->synopsis, verb->summary);
	if (verb->subs)
		out_subs(verb);
	for (const struct hull_opt *o = verb->opts; o->name; o++) {
		char left[64];
		int n;

		if (o->group)
			hull_out("\n%s:\n", o->group);
		n = snprintf(left, sizeof(left), "%c%c%s --%s%s%s", o->id < 256 ? '-' : ' ',
			     o->id < 256 ? o->id : ' ', o->id < 256 ? "," : " ", o->name,
			     o->arg && *o->arg != '[' ? " " : "", o->arg ? o->arg : "");
		if (n > 28)
			hull_out("  %s\n  %28s  %s\n", left, "", o->help);
		else
			hull_out("  %-28s  %s\n", left, o->help);
	}
	if (verb->details)
		hull_out("\n%s", verb->details);
	if (verb->more && verb->more(&more) == 0)
		hull_out("\n%s", hull_strbuf_str(&more));
}

void hull_out_overview(void)
{
	hull_out("Usage: hull VERB [OPTIONS] [ARGS]\n\n"
		 "Runs workloads in virtual machines as easily as others run them in processes.\n\n"
		 "Verbs:\n");
	for (const struct hull_verb *v = hull_verbs; v->name; v++)
		if (!v->hidden)
			hull_out("  %-12s  %s\n", v->name, v->summary);
	hull_out("\nTry:  hull run -- uname -a\n"
		 "'hull VERB --help' explains a verb and its options.\n");
}

int hull_exit_code(const struct hull_error *err)
{
	switch (hull_error_code(err)) {
	case HULL_E_INVALID:
		return HULL_EXIT_USAGE;
	case HULL_E_TIMEOUT:
		return HULL_EXIT_DEADLINE;
	default:
		return HULL_EXIT_FAILED;
	}
}
