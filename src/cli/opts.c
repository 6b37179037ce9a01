/* SPDX-License-Identifier: Apache-2.0
 *
 * Option parsing: getopt_long fed by a verb's table, with errors that name the nearest option.
 */
#define _GNU_SOURCE
#include "cli/cli.h"

#include "base/cleanup.h"
#include "base/text.h"

#include <getopt.h>
#include <stdio.h>
#include <string.h>

#define OPTS_MAX 96

static size_t count(const struct hull_opt *opts)
{
	size_t n = 0;

	while (opts[n].name)
		n++;
	return n;
}

static int unknown_option(const struct hull_verb *verb, const char *word, int letter,
			  struct hull_error **err)
{
	const char *names[OPTS_MAX + 2];
	cleanup_free char *name = NULL;
	char near[HULL_NEAR_LEN];
	size_t n = 0;

	if (letter) {
		hull_fail(err, HULL_E_INVALID, "unknown option '-%c'", letter);
		hull_hint(err, "see 'hull %s --help'", verb->name);
		return -1;
	}
	for (; verb->opts[n].name && n < OPTS_MAX; n++)
		names[n] = verb->opts[n].name;
	names[n++] = "help";
	names[n] = NULL;
	while (*word == '-')
		word++;
	name = strndup(word, strcspn(word, "="));
	if (!name)
		return hull_fail_nomem(err);
	hull_fail(err, HULL_E_INVALID, "unknown option '--%s'%s", name,
		  hull_did_you_mean(name, names, "--", near));
	hull_hint(err, "see 'hull %s --help'", verb->name);
	return -1;
}

static const struct hull_opt *find(const struct hull_opt *opts, int id)
{
	for (; opts->name; opts++)
		if (opts->id == id)
			return opts;
	return NULL;
}

static int missing_value(const struct hull_verb *verb, const struct hull_opt *o, const char *word,
			 struct hull_error **err)
{
	hull_fail(err, HULL_E_INVALID, "option '--%s' needs a value: %s", o ? o->name : word,
		  o && o->arg ? o->arg : "VALUE");
	hull_hint(err, "see 'hull %s --help'", verb->name);
	return -1;
}

/* A word of its own that ends the options is no value: it was left out.  "--name=--" says so. */
static bool is_end_of_options(const char *value, char *const *argv)
{
	return value && value == argv[optind - 1] && !strcmp(value, "--");
}

static int argument_kind(const struct hull_opt *o)
{
	return !o->arg ? no_argument : *o->arg == '[' ? optional_argument : required_argument;
}

/* @stops: options end at the first operand. */
static int parse(const struct hull_verb *verb, int argc, char **argv, bool stops, hull_opt_fn fn,
		 void *ctx, int *ret_rest, struct hull_error **err)
{
	struct option longs[OPTS_MAX + 2] = {{0}};
	char shorts[2 * OPTS_MAX + 4] = "+:h";
	size_t n = count(verb->opts), at = 3;
	int id;

	for (size_t i = 0; i < n && i < OPTS_MAX; i++) {
		const struct hull_opt *o = &verb->opts[i];

		longs[i] = (struct option){o->name, argument_kind(o), NULL, o->id};
		if (o->id < 256) {
			shorts[at++] = (char)o->id;
			if (o->arg)
				shorts[at++] = ':';
		}
	}
	longs[MIN(n, OPTS_MAX)] = (struct option){"help", no_argument, NULL, 'h'};
	opterr = 0;
	optind = 0;
	while ((id = getopt_long(argc, argv, shorts + !stops, longs, NULL)) != -1) {
		const struct hull_opt *o = find(verb->opts, id == ':' ? optopt : id);

		if (id == 'h' && !o) {
			hull_out_help(verb);
			return 1;
		}
		if (id == '?' && optopt &&
		    !strncmp(argv[optind - 1], "--", 2)) /* a flag that was given a value */
			return hull_fail(err, HULL_E_INVALID, "option '%s' takes no value",
					 argv[optind - 1]);
		if (id == '?')
			return unknown_option(verb, argv[optind - 1], optopt, err);
		if (id == ':' || !o || is_end_of_options(optarg, argv))
			return missing_value(verb, o, argv[optind - 1], err);
		if (fn(ctx, o, optarg, err) < 0)
			return hull_prefix(err, "--%s", o->name);
	}
	*ret_rest = optind;
	return 0;
}

/* A command's own options are left alone. */
int hull_opts_parse(const struct hull_verb *verb, int argc, char **argv, hull_opt_fn fn, void *ctx,
		    int *ret_rest, bool *ret_dashes, struct hull_error **err)
{
	int r = parse(verb, argc, argv, true, fn, ctx, ret_rest, err);

	if (r == 0)
		*ret_dashes = *ret_rest > 1 && !strcmp(argv[*ret_rest - 1], "--");
	return r;
}

int hull_opts_parse_mixed(const struct hull_verb *verb, int argc, char **argv, hull_opt_fn fn,
			  void *ctx, int *ret_rest, struct hull_error **err)
{
	return parse(verb, argc, argv, false, fn, ctx, ret_rest, err);
}

int hull_opts_parse_all(const struct hull_verb *verb, int argc, char **argv, hull_opt_fn fn,
			void *ctx, struct hull_error **err)
{
	bool dashes;
	int rest, r = hull_opts_parse(verb, argc, argv, fn, ctx, &rest, &dashes, err);

	if (r != 0 || rest == argc)
		return r;
	hull_fail(err, HULL_E_INVALID, "unexpected argument '%s'", argv[rest]);
	hull_hint(err, "see 'hull %s --help'", verb->name);
	return -1;
}

const struct hull_verb *hull_sub_find(const struct hull_verb *verb, const char *name)
{
	size_t len = strlen(verb->name) + 1;

	for (const struct hull_verb *v = verb->subs; v && v->name; v++)
		if (!strcmp(v->name + len, name))
			return v;
	return NULL;
}

static int unknown_sub(const struct hull_verb *verb, const char *name)
{
	cleanup_error struct hull_error *err = NULL;
	const char *names[OPTS_MAX] = {NULL};
	size_t n = 0, len = strlen(verb->name) + 1;

	for (const struct hull_verb *v = verb->subs; v->name && n < ARRAY_SIZE(names) - 1; v++)
		names[n++] = v->name + len;
	if (name)
		hull_fail_name(&err, name[0] == '-' ? "option" : "verb", name, names);
	else
		hull_fail(&err, HULL_E_INVALID, "usage: hull %s", verb->synopsis);
	hull_hint(&err, "see 'hull %s --help'", verb->name);
	hull_out_error(err);
	return HULL_EXIT_USAGE;
}

int hull_sub_main(const struct hull_verb *verb, int argc, char **argv)
{
	const struct hull_verb *sub = argc > 1 ? hull_sub_find(verb, argv[1]) : NULL;

	if (sub)
		return sub->main(sub, argc - 1, argv + 1);
	if (argc > 1 && (!strcmp(argv[1], "--help") || !strcmp(argv[1], "-h"))) {
		hull_out_help(verb);
		return HULL_EXIT_OK;
	}
	return unknown_sub(verb, argc > 1 ? argv[1] : NULL);
}
