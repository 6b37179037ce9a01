/* SPDX-License-Identifier: Apache-2.0
 *
 * Printing settings, see show.h.
 */
#define _GNU_SOURCE
#include "cli/show.h"

#include "base/cleanup.h"
#include "base/json.h"
#include "base/strbuf.h"
#include "vm/hullconf.h"

#include <string.h>

enum { OPT_ORIGIN = 256 };
enum { OUTPUT_TABLE, OUTPUT_JSON };
static const char *const output_names[] = {"table", "json", NULL};

struct show {
	int output;
	bool origin;
	int only; /* a setting's index; -1: all of them */
	struct hull_settings settings;
};

const struct hull_opt hull_config_show_opts[] = {
	{OPT_ORIGIN, "origin", NULL, "tell as well where each comes from", "Options"},
	{'o', "output", "FORMAT", "table (default) or json", NULL},
	{0, NULL, NULL, NULL, NULL},
};

const char hull_config_show_details[] =
	"Prints what the files of hull.conf(5) and the environment come to, or the value of KEY\n"
	"alone, as such a file would say it. Of what is wrong with them everything is told.\n"
	"\n"
	"Exit code: 0 done; 2 something is wrong with them.\n"
	"\n"
	"Examples:\n"
	"  hull config show --origin\n"
	"  hull config show memory\n";

static int on_option(void *ctx, const struct hull_opt *opt, const char *value,
		     struct hull_error **err)
{
	struct show *s = ctx;

	if (opt->id == OPT_ORIGIN)
		s->origin = true;
	else
		s->output = hull_name_index("format", value, output_names, err);
	return s->output < 0 ? -1 : 0;
}

static int parse(const struct hull_verb *verb, int argc, char **argv, struct show *s,
		 struct hull_error **err)
{
	bool dashes;
	int rest, r = hull_opts_parse(verb, argc, argv, on_option, s, &rest, &dashes, err);

	if (r != 0)
		return r;
	if (argc - rest > 1)
		return hull_fail(err, HULL_E_INVALID, "usage: hull %s", verb->synopsis);
	s->only = rest < argc ? hull_setting_find(argv[rest], err) : -1;
	return rest < argc && s->only < 0 ? -1 : 0;
}

static bool is_shown(const struct show *s, size_t i)
{
	return s->only < 0 || (size_t)s->only == i;
}

static int print_table(const struct show *s, struct hull_error **err)
{
	struct hull_strbuf values[HULL_SETTINGS_COUNT] = {{0}}, origin = HULL_STRBUF_INIT;
	size_t width = 0;
	int r = 0;

	for (size_t i = 0; i < HULL_SETTINGS_COUNT && r == 0; i++) {
		r = is_shown(s, i) ? hull_setting_value(&s->settings, i, &values[i]) : 0;
		width = s->origin && values[i].len > width ? values[i].len : width;
	}
	for (size_t i = 0; i < HULL_SETTINGS_COUNT && r == 0; i++) {
		if (!is_shown(s, i))
			continue;
		hull_strbuf_clear(&origin);
		r = s->origin ? hull_setting_origin(&s->settings, i, &origin) : 0;
		if (s->only < 0)
			hull_out("%-14s", hull_settings_table[i].name);
		hull_out("%-*s%s%s\n", (int)width, hull_strbuf_str(&values[i]),
			 s->origin ? "  " : "", hull_strbuf_str(&origin));
	}
	for (size_t i = 0; i < HULL_SETTINGS_COUNT; i++)
		hull_strbuf_fini(&values[i]);
	hull_strbuf_fini(&origin);
	return r < 0 ? hull_fail_nomem(err) : 0;
}

/* NULL without memory. */
static struct hull_json *setting_json(const struct show *s, size_t i)
{
	cleanup_strbuf struct hull_strbuf value = HULL_STRBUF_INIT, origin = HULL_STRBUF_INIT;
	struct hull_json *j = hull_json_object();

	if (!j || hull_setting_value(&s->settings, i, &value) < 0 ||
	    hull_setting_origin(&s->settings, i, &origin) < 0 ||
	    hull_json_set(j, "key", hull_json_string(hull_settings_table[i].name)) < 0 ||
	    hull_json_set(j, "value", hull_json_string(hull_strbuf_str(&value))) < 0 ||
	    (s->origin &&
	     hull_json_set(j, "origin", hull_json_string(hull_strbuf_str(&origin))) < 0)) {
		hull_json_free(j);
		return NULL;
	}
	return j;
}

static int print_json(const struct show *s, struct hull_error **err)
{
	cleanup_json struct hull_json *all = hull_json_array();
	cleanup_free char *text = NULL;

	for (size_t i = 0; all && i < HULL_SETTINGS_COUNT; i++)
		if (is_shown(s, i) && hull_json_append(all, setting_json(s, i)) < 0)
			return hull_fail_nomem(err);
	text = all ? hull_json_pretty(all) : NULL;
	if (!text)
		return hull_fail_nomem(err);
	hull_out("%s", text);
	return 0;
}

static int show(struct show *s, struct hull_strv *problems, struct hull_error **err)
{
	if (hull_settings_load(&s->settings, problems, err) < 0)
		return -1;
	if (problems->n)
		return 0;
	return s->output == OUTPUT_JSON ? print_json(s, err) : print_table(s, err);
}

int hull_cmd_config_show(const struct hull_verb *verb, int argc, char **argv)
{
	cleanup_error struct hull_error *err = NULL;
	cleanup_strv struct hull_strv problems = {0};
	struct show s = {0};
	int r = parse(verb, argc, argv, &s, &err);

	if (r == 0) {
		r = show(&s, &problems, &err);
		hull_settings_fini(&s.settings);
	}
	if (r < 0) {
		hull_out_error(err);
		return hull_exit_code(err);
	}
	for (size_t i = 0; i < problems.n; i++)
		hull_out_note("%s", problems.v[i]);
	return problems.n ? HULL_EXIT_USAGE : HULL_EXIT_OK;
}
