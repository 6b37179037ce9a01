/* SPDX-License-Identifier: Apache-2.0
 *
 * What every verb of the command shares: option tables, parsing, output, exit codes.
 *
 * A verb is one row: its table of options drives parsing, --help, completion and the check of its
 * man page.  Results go to stdout, everything else to stderr; output.c is the only place that
 * prints.
 */
#ifndef HULL_CLI_CLI_H
#define HULL_CLI_CLI_H

#include "base/error.h"
#include "base/log.h"
#include "base/names.h"

#include <stdbool.h>
#include <stddef.h>

enum {
	HULL_EXIT_OK = 0,
	HULL_EXIT_FAILED = 1,
	HULL_EXIT_USAGE = 2,
	HULL_EXIT_DEADLINE = 124,
	/* run and exec pass on the guest's code; these are ours */
	HULL_EXIT_RUN_FAILED = 125,
	HULL_EXIT_NOT_EXECUTABLE = 126,
	HULL_EXIT_NOT_FOUND = 127,
};

struct hull_strbuf;

struct hull_opt {
	int id;		   /* letter, or >= 256 where there is none */
	const char *name;  /* long name */
	const char *arg;   /* NULL: a flag; "[=X]": may be given, by "=" only */
	const char *help;  /* one line */
	const char *group; /* heading in --help; NULL: as before */
};

struct hull_verb {
	const char *name, *synopsis, *summary;
	const struct hull_opt *opts; /* ended by a row without a name */
	const char *details;	     /* after the options in --help; may be NULL */
	int (*main)(const struct hull_verb *verb, int argc, char **argv);
	bool hidden;
	/* Verbs of its own, sorted, ended by a row without a name; each is named "verb sub". */
	const struct hull_verb *subs;
	int (*more)(struct hull_strbuf *out); /* adds to --help what a table says; may be NULL */
};

extern const struct hull_verb hull_verbs[]; /* sorted; ended by a row without a name */

/* Hands each option to @fn in order; *ret_rest is the index of the first operand, and
 * *ret_dashes whether "--" stood before it.  Unknown names are refused with the nearest one.
 * 0, -1, or 1 when --help was asked for and has been printed. */
typedef int (*hull_opt_fn)(void *ctx, const struct hull_opt *opt, const char *value,
			   struct hull_error **err);
int hull_opts_parse(const struct hull_verb *verb, int argc, char **argv, hull_opt_fn fn, void *ctx,
		    int *ret_rest, bool *ret_dashes, struct hull_error **err);
/* The same where options may stand behind operands: those come last in @argv then. */
int hull_opts_parse_mixed(const struct hull_verb *verb, int argc, char **argv, hull_opt_fn fn,
			  void *ctx, int *ret_rest, struct hull_error **err);
/* The same for a verb without operands. */
int hull_opts_parse_all(const struct hull_verb *verb, int argc, char **argv, hull_opt_fn fn,
			void *ctx, struct hull_error **err);

/* The row of @verb's subs that is named "verb @name", or NULL. */
const struct hull_verb *hull_sub_find(const struct hull_verb *verb, const char *name);
/* Calls the one that argv[1] names. */
int hull_sub_main(const struct hull_verb *verb, int argc, char **argv);

/* ---- output.c ---- */
void hull_out(const char *fmt, ...) HULL_PRINTF(1, 2);
enum hull_out_style {
	HULL_OUT_PLAIN,
	HULL_OUT_STRONG,
	HULL_OUT_GOOD,
	HULL_OUT_WARNING,
	HULL_OUT_BAD,
};
/* The same in colour where stdout is a terminal, and with nothing in it that could steer that. */
void hull_out_styled(enum hull_out_style style, const char *fmt, ...) HULL_PRINTF(2, 3);
/* As they are: for what has been made harmless, or is wanted so. */
void hull_out_bytes(const char *data, size_t len);
/* What was printed is on its way; -1 if it did not get out. */
int hull_out_flush(void);
/* "hull: message", then "hint: ..." on stderr; as one JSON object after --log-format=json. */
void hull_out_error(const struct hull_error *err);
void hull_out_note(const char *fmt, ...) HULL_PRINTF(1, 2);
/* On stderr, in the place of the former one; where that is no terminal, nothing.  NULL: gone again.
 */
void hull_out_progress(const char *text);
void hull_out_json_errors(bool on);
/* What is logged goes to stderr, from that level on. */
void hull_out_log(enum hull_log_level least);
/* The terminal's other screen, without a cursor, and back, which also happens at exit. */
void hull_out_screen(bool on);
/* Flushes stdout: HULL_EXIT_FAILED with a message if what was printed did not get out. */
int hull_out_finish(int code);
void hull_out_help(const struct hull_verb *verb);
void hull_out_overview(void);

int hull_exit_code(const struct hull_error *err);

#endif
