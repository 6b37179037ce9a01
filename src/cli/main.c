/* SPDX-License-Identifier: Apache-2.0
 *
 * The hull command: finds the verb, answers --help and --version, leaves the rest to it.
 */
#define _GNU_SOURCE
#include "cli/cli.h"

#include "base/cleanup.h"
#include "base/text.h"
#include "cli/completion.h"
#include "cli/vms.h"
#include "config.h"
#include "config/settings.h"
#include "config/vfkit.h"

#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

static const struct hull_verb *find_verb(const char *name)
{
	for (const struct hull_verb *v = hull_verbs; v->name; v++)
		if (!strcmp(v->name, name))
			return v;
	return NULL;
}

static int unknown_verb(const char *name)
{
	cleanup_error struct hull_error *err = NULL;
	const char *names[64];
	size_t n = 0;

	for (const struct hull_verb *v = hull_verbs; v->name && n < ARRAY_SIZE(names) - 1; v++)
		if (!v->hidden)
			names[n++] = v->name;
	names[n] = NULL;
	hull_fail_name(&err, name[0] == '-' ? "option" : "verb", name, names);
	hull_hint(&err, "see 'hull --help'");
	hull_out_error(err);
	return HULL_EXIT_USAGE;
}

static void out_options(const struct hull_verb *v)
{
	for (const struct hull_opt *o = v->opts; o->name; o++) {
		hull_out("--%s\n", o->name);
		if (o->id < 256)
			hull_out("-%c\n", o->id);
	}
}

/* Of a verb, and of those of its own; or of one of the latter alone. */
static int list_options(int argc, char **argv)
{
	const struct hull_verb *v = argc > 2 ? find_verb(argv[2]) : NULL;

	if (!v)
		return unknown_verb(argc > 2 ? argv[2] : "");
	if (argc > 3 && hull_sub_find(v, argv[3]))
		v = hull_sub_find(v, argv[3]);
	out_options(v);
	for (const struct hull_verb *sub = v->subs; sub && sub->name; sub++)
		out_options(sub);
	return HULL_EXIT_OK;
}

static int list_values(const char *name, const char *option)
{
	const struct hull_verb *v = find_verb(name);

	if (!v)
		return unknown_verb(name);
	hull_completion_values(v, option);
	return HULL_EXIT_OK;
}

/* Those that a verb may be about. */
static int list_vms(const char *name)
{
	cleanup_error struct hull_error *err = NULL;
	const struct hull_verb *v = find_verb(name);

	if (!v)
		return unknown_verb(name);
	if (strstr(v->synopsis, "VM") && hull_vms_print_names("", &err) < 0)
		return hull_exit_code(err); /* in the middle of somebody's line: no word of it */
	if (!strcmp(name, "cp") && hull_vms_print_names(":", &err) < 0)
		return hull_exit_code(err);
	return HULL_EXIT_OK;
}

static int unexpected(const char *word)
{
	cleanup_error struct hull_error *err = NULL;

	hull_fail(&err, HULL_E_INVALID, "unexpected argument '%s'", word);
	hull_hint(&err, "see 'hull --help'");
	hull_out_error(err);
	return HULL_EXIT_USAGE;
}

/* "hull --help" and "hull help VERB [VERB]". */
static int help(int argc, char **argv)
{
	const struct hull_verb *verb = argc > 2 ? find_verb(argv[2]) : NULL;

	if (argc > 2 && !verb)
		return unknown_verb(argv[2]);
	if (argc > 3 && !hull_sub_find(verb, argv[3]))
		return unexpected(argv[3]);
	if (argc > 4)
		return unexpected(argv[4]);
	if (argc > 3)
		verb = hull_sub_find(verb, argv[3]);
	if (verb)
		hull_out_help(verb);
	else
		hull_out_overview();
	return HULL_EXIT_OK;
}

/* All, or those that a verb has of its own. */
static int list_verbs(const char *name)
{
	const struct hull_verb *verb = name ? find_verb(name) : NULL;
	size_t len = name ? strlen(name) + 1 : 0;

	if (name && !verb)
		return unknown_verb(name);
	for (const struct hull_verb *v = verb ? verb->subs : hull_verbs; v && v->name; v++)
		if (!v->hidden)
			hull_out("%s\n", v->name + len);
	return HULL_EXIT_OK;
}

/* What can follow a flag of vfkit's where a word has begun. */
static int list_vfkit(const char *flag, const char *word)
{
	cleanup_strv struct hull_strv list = {0};

	if (hull_vfkit_complete(flag, word, &list) < 0)
		return HULL_EXIT_FAILED;
	for (size_t i = 0; i < list.n; i++)
		hull_out("%s\n", list.v[i]);
	return HULL_EXIT_OK;
}

static int list_settings(void)
{
	for (size_t i = 0; i < HULL_SETTINGS_COUNT; i++)
		hull_out("%s\n", hull_settings_table[i].name);
	return HULL_EXIT_OK;
}

/* Started with 0, 1 or 2 closed, the next open would become one of them.  What can't be printed is
 * to fail. */
static void keep_standard_fds(void)
{
	for (int fd = 0; fd < 3; fd++)
		if (fcntl(fd, F_GETFD) < 0)
			(void)open("/dev/null", fd == STDERR_FILENO ? O_WRONLY : O_RDONLY);
}

/* A link named so behaves like that program. */
static bool is_called_vfkit(const char *program)
{
	const char *slash = strrchr(program, '/');

	return !strcmp(slash ? slash + 1 : program, "vfkit");
}

static int dispatch(int argc, char **argv)
{
	const struct hull_verb *verb;
	const char *name = argc > 1 ? argv[1] : "";

	if (argc > 0 && is_called_vfkit(argv[0])) {
		verb = find_verb("vfkit");
		return verb->main(verb, argc, argv);
	}
	if (argc < 2) {
		hull_out_overview();
		return HULL_EXIT_USAGE;
	}
	if (!strcmp(name, "--help") || !strcmp(name, "-h") || !strcmp(name, "help"))
		return help(argc, argv);
	if (!strcmp(name, "--version") || !strcmp(name, "-V")) {
		if (argc > 2)
			return unexpected(argv[2]);
		hull_out("hull %s\n", HULL_VERSION);
		return HULL_EXIT_OK;
	}
	if (!strcmp(name, "--list-verbs"))
		return list_verbs(argc > 2 ? argv[2] : NULL);
	if (!strcmp(name, "--list-options"))
		return list_options(argc, argv);
	if (!strcmp(name, "--list-values") && argc == 4)
		return list_values(argv[2], argv[3]);
	if (!strcmp(name, "--list-settings"))
		return list_settings();
	if (!strcmp(name, "--list-vms") && argc == 3)
		return list_vms(argv[2]);
	if (!strcmp(name, "--list-vfkit") && argc == 4)
		return list_vfkit(argv[2], argv[3]);
	verb = find_verb(name);
	if (!verb)
		return unknown_verb(name);
	return verb->main(verb, argc - 1, argv + 1);
}

int main(int argc, char **argv)
{
	keep_standard_fds();
	(void)signal(SIGPIPE, SIG_IGN);
	(void)signal(SIGCHLD, SIG_DFL); /* an inherited SIG_IGN would eat our children's status */
	hull_out_log(getenv("HULL_DEBUG") ? HULL_LOG_DEBUG : HULL_LOG_WARNING);
	return hull_out_finish(dispatch(argc, argv));
}
