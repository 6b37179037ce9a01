/* SPDX-License-Identifier: Apache-2.0
 *
 * The options about a command, see command_opts.h.
 */
#define _GNU_SOURCE
#include "cli/command_opts.h"

#include "base/cleanup.h"
#include "base/path.h"
#include "base/strbuf.h"
#include "base/text.h"
#include "cli/values.h"
#include "config/environ.h"
#include "config/settings.h"
#include "vm/command.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

static const char *own_value(const char *name)
{
	return getenv(name);
}

/* Command lines can be read by everybody, for as long as the process lives. */
static void hide_value(char *word)
{
	char *value = strchr(word, '=');

	if (value)
		memset(value + 1, '*', strlen(value + 1));
}

static int add_env(struct hull_strv *words, char *value, struct hull_error **err)
{
	char *word;
	int r = hull_environ_resolve(value, own_value, &word, err);

	hide_value(value);
	if (r < 0)
		return -1;
	return hull_strv_take(words, word) < 0 ? hull_fail_nomem(err) : 0;
}

static int add_env_file(struct hull_strv *env, const char *path, struct hull_error **err)
{
	cleanup_strbuf struct hull_strbuf text = HULL_STRBUF_INIT;
	int r = hull_file_read(path, HULL_ENVIRON_FILE_MAX, &text);

	if (r == -EFBIG)
		return hull_fail(err, HULL_E_INVALID, "'%s' is larger than %zu KiB", path,
				 HULL_ENVIRON_FILE_MAX >> 10);
	if (r < 0)
		return hull_fail_errno(err, -r, "read '%s'", path);
	if (hull_environ_read(env, hull_strbuf_str(&text), text.len, own_value, err) < 0)
		return hull_prefix(err, "'%s'", path);
	return 0;
}

int hull_command_opt(struct hull_command_opts *o, const struct hull_opt *opt, char *value,
		     struct hull_error **err)
{
	switch (opt->id) {
	case 'i':
		o->interactive = true;
		return 0;
	case 't':
		o->terminal = true;
		return 0;
	case 'q':
		o->quiet = true;
		return 0;
	case 'e':
		return add_env(&o->env_words, value, err);
	case HULL_OPT_ENV_FILE:
		return add_env_file(&o->env, value, err);
	case 'w':
		return hull_set_string(&o->cwd, value, err);
	case 'u':
		return hull_set_string(&o->user, value, err);
	case HULL_OPT_CAP:
		return hull_caps_edit(&o->caps, value, 0, err);
	case HULL_OPT_CAP_ADD:
		return hull_caps_edit(&o->caps, value, '+', err);
	case HULL_OPT_CAP_DROP:
		return hull_caps_edit(&o->caps, value, '-', err);
	case HULL_OPT_PIDS_LIMIT:
		return hull_set_number(&o->pids_limit, value, HULL_PIDS_MAX, err);
	case HULL_OPT_TIMEOUT:
		return hull_set_duration(&o->timeout_ms, value, err);
	case HULL_OPT_LOG_FORMAT:
		return hull_set_log_format(value, err);
	default:
		return 1;
	}
}

int hull_command_opts_complete(struct hull_command_opts *o, bool host_root, struct hull_error **err)
{
	if (o->terminal && o->interactive && !isatty(STDIN_FILENO)) {
		hull_fail(err, HULL_E_INVALID, "--tty: standard input is not a terminal");
		hull_hint(err, "leave out -t, or -i");
		return -1;
	}
	for (size_t i = 0; i < o->env_words.n; i++)
		if (hull_environ_apply(&o->env, o->env_words.v[i], err) < 0)
			return hull_prefix(err, "--env");
	return hull_command_complete(&o->env, &o->cwd, host_root && !o->user, o->terminal, err);
}

void hull_command_opts_fini(struct hull_command_opts *o)
{
	hull_strv_fini(&o->args);
	hull_strv_fini(&o->env);
	hull_strv_fini(&o->env_words);
	free(o->cwd);
	free(o->user);
}
