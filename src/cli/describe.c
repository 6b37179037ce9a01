/* SPDX-License-Identifier: Apache-2.0
 *
 * Reading a description as "hull run --config" does, and telling all that is wrong with it, or what
 * it comes to; and what may be said in one, or in settings.
 */
#define _GNU_SOURCE
#include "cli/describe.h"

#include "base/cleanup.h"
#include "base/strbuf.h"
#include "base/vec.h"
#include "cli/settings.h"
#include "config/vfkit.h"
#include "monitor/command.h"
#include "vm/description.h"
#include "vm/hullconf.h"

#include <string.h>

enum { OPT_BACKEND = 256, OPT_SETTINGS };
enum { OUTPUT_SHELL, OUTPUT_LINES, OUTPUT_JSON };
static const char *const output_names[] = {"shell", "lines", "json", NULL};

struct options {
	bool quiet;
	int output;
	const char *backend; /* borrowed */
};

const struct hull_opt hull_config_check_opts[] = {
	{'q', "quiet", NULL, "print nothing; the exit code tells", "Options"},
	{0, NULL, NULL, NULL, NULL},
};

const struct hull_opt hull_config_plan_opts[] = {
	{OPT_BACKEND, "backend", "NAME", "the hypervisor: qemu", "Options"},
	{'o', "output", "FORMAT", "shell (default), lines or json", NULL},
	{0, NULL, NULL, NULL, NULL},
};

const char hull_config_check_details[] =
	"Tells everything that is wrong with the description in FILE, a line each, beginning with\n"
	"where it is. Files that it names are not looked at. With '-' it comes from standard "
	"input.\n"
	"\n"
	"Without FILE it does the same for your settings, see hull.conf(5).\n"
	"\n"
	"Exit code: 0 nothing is wrong; 1 FILE can't be read; 2 something is.\n"
	"\n"
	"Example:\n"
	"  hull config check vm.json\n";

const char hull_config_plan_details[] =
	"Prints the command that would start the hypervisor for the description in FILE, here and\n"
	"now; nothing is started. Its descriptors (fd=N) are what hull hands over: sockets,\n"
	"opened files.\n"
	"\n"
	"Exit code: 0 done; 1 FILE can't be read, or the host lacks something; 2 refused.\n"
	"\n"
	"Examples:\n"
	"  hull config plan vm.json\n"
	"  hull config plan -o json vm.json | jq -r '.[]'\n";

const struct hull_opt hull_config_fields_opts[] = {
	{'o', "output", "FORMAT", "text (default), or man: for the manual page", "Options"},
	{OPT_SETTINGS, "settings", NULL, "list what hull.conf may say instead", NULL},
	{0, NULL, NULL, NULL, NULL},
};

const char hull_config_fields_details[] =
	"Lists all that a description of a virtual machine may say: hull-config(5) has it too. "
	"With\n"
	"--settings all that a host and its users may choose for all machines: hull.conf(5).\n"
	"\n"
	"Example:\n"
	"  hull config fields | grep -A1 memory\n";

static int on_option(void *ctx, const struct hull_opt *opt, const char *value,
		     struct hull_error **err)
{
	struct options *o = ctx;

	switch (opt->id) {
	case 'q':
		o->quiet = true;
		return 0;
	case OPT_BACKEND:
		o->backend = value;
		return hull_name_index("backend", value, hull_backend_names(), err) < 0 ? -1 : 0;
	default:
		o->output = hull_name_index("format", value, output_names, err);
		return o->output < 0 ? -1 : 0;
	}
}

/* The one operand, NULL if there is none; 1 when help was asked for. */
static int parse(const struct hull_verb *verb, int argc, char **argv, struct options *o,
		 const char **ret_file, struct hull_error **err)
{
	bool dashes;
	int rest, r = hull_opts_parse(verb, argc, argv, on_option, o, &rest, &dashes, err);

	if (r != 0)
		return r;
	if (argc - rest > 1)
		return hull_fail(err, HULL_E_INVALID, "usage: hull %s", verb->synopsis);
	*ret_file = argv[rest];
	return 0;
}

/* What a start would choose: any will do. */
static int fill_in(struct hull_config *c, const struct hull_settings *s, struct hull_error **err)
{
	c->id = strdup("00000000000000000000000000000000");
	c->run_dir = strdup("/run/hull/vm/000000000000");
	if (!c->id || !c->run_dir)
		return hull_fail_nomem(err);
	return hull_description_complete(c, s->guest_dir, err);
}

static int check_settings(struct hull_strv *problems, struct hull_error **err)
{
	cleanup_settings struct hull_settings s;

	return hull_settings_load(&s, problems, err);
}

static int check(const char *file, struct hull_strv *problems, struct hull_error **err)
{
	const struct hull_settings *s = hull_cli_settings(err);
	cleanup_config struct hull_config config;

	hull_config_init(&config);
	if (!s)
		return -1;
	if (hull_description_load(file, &config, problems, err) < 0)
		return -1;
	/* What is half read would only add problems that are none. */
	if (problems->n)
		return 0;
	return fill_in(&config, s, err) < 0 ? -1 : hull_config_problems(&config, problems, err);
}

int hull_cmd_config_check(const struct hull_verb *verb, int argc, char **argv)
{
	cleanup_error struct hull_error *err = NULL;
	cleanup_strv struct hull_strv problems = {0};
	struct options o = {0};
	const char *file = NULL;
	int r = parse(verb, argc, argv, &o, &file, &err);

	if (r == 0)
		r = file ? check(file, &problems, &err) : check_settings(&problems, &err);
	if (r < 0)
		hull_out_error(err);
	if (r < 0 && hull_error_code(err) == HULL_E_UNSUPPORTED) /* a version to come */
		return HULL_EXIT_USAGE;
	if (r != 0)
		return r < 0 ? hull_exit_code(err) : HULL_EXIT_OK;
	for (size_t i = 0; !o.quiet && i < problems.n; i++)
		hull_out_note("%s", problems.v[i]);
	if (!o.quiet && !problems.n)
		hull_out("%s: nothing is wrong with %s\n", file ? file : "settings",
			 file ? "it" : "them");
	return problems.n ? HULL_EXIT_USAGE : HULL_EXIT_OK;
}

static void add_quoted(struct hull_strbuf *out, const char *word)
{
	static const char plain[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"
				    "@%_+=:,./-";

	if (*word && word[strspn(word, plain)] == '\0') {
		hull_strbuf_adds(out, word);
		return;
	}
	hull_strbuf_adds(out, "'");
	for (; *word; word++)
		if (*word == '\'')
			hull_strbuf_adds(out, "'\\''");
		else
			(void)hull_strbuf_add(out, word, 1);
	hull_strbuf_adds(out, "'");
}

static int print(const struct options *o, const struct hull_strv *argv, struct hull_error **err)
{
	cleanup_strbuf struct hull_strbuf out = HULL_STRBUF_INIT;
	cleanup_free char *json = NULL;

	if (o->output == OUTPUT_JSON) {
		if (hull_vfkit_strings_json(argv, &json, err) < 0)
			return -1;
		hull_strbuf_adds(&out, json);
	}
	for (size_t i = 0; o->output != OUTPUT_JSON && i < argv->n; i++) {
		if (i)
			hull_strbuf_adds(&out, o->output == OUTPUT_LINES ? "\n" : " ");
		if (o->output == OUTPUT_LINES)
			hull_strbuf_adds(&out, argv->v[i]);
		else
			add_quoted(&out, argv->v[i]);
	}
	if (out.failed)
		return hull_fail_nomem(err);
	hull_out("%s\n", hull_strbuf_str(&out));
	return 0;
}

static int plan(const struct options *o, const char *file, struct hull_error **err)
{
	const struct hull_settings *s = hull_cli_settings(err);
	cleanup_config struct hull_config config;
	cleanup_strv struct hull_strv argv = {0};

	hull_config_init(&config);
	if (!s)
		return -1;
	hull_settings_begin(s, &config);
	if (hull_description_load(file, &config, NULL, err) < 0)
		return -1;
	if (hull_settings_complete(s, &config) < 0)
		return hull_fail_nomem(err);
	if (fill_in(&config, s, err) < 0 || hull_config_validate(&config, err) < 0 ||
	    hull_monitor_command(&config, hull_backend_find(o->backend), &argv, err) < 0)
		return -1;
	return print(o, &argv, err);
}

int hull_cmd_config_plan(const struct hull_verb *verb, int argc, char **argv)
{
	cleanup_error struct hull_error *err = NULL;
	struct options o = {.backend = "qemu"};
	const char *file = NULL;
	int r = parse(verb, argc, argv, &o, &file, &err);

	if (r == 0 && !file)
		r = hull_fail(&err, HULL_E_INVALID, "usage: hull %s", verb->synopsis);
	if (r == 0)
		r = plan(&o, file, &err);
	if (r >= 0)
		return HULL_EXIT_OK;
	hull_out_error(err);
	return hull_exit_code(err);
}

/* ---- fields ---- */

static const char *const text_names[] = {"text", "man", NULL};

struct fields_options {
	bool page, settings;
};

static int on_fields_option(void *ctx, const struct hull_opt *opt, const char *value,
			    struct hull_error **err)
{
	struct fields_options *o = ctx;
	int format;

	if (opt->id == OPT_SETTINGS) {
		o->settings = true;
		return 0;
	}
	format = hull_name_index("format", value, text_names, err);
	o->page = format == 1;
	return format < 0 ? -1 : 0;
}

static int explain(bool page, struct hull_strbuf *out)
{
	int r = hull_fields_explain(&hull_config_fields, "", page, out);

	for (int i = 0; r == 0 && i < HULL_DEVICE_COUNT; i++) {
		const struct hull_class *class = &hull_device_classes[i];

		hull_strbuf_addf(out, page ? "## devices of kind %s\n\n%s.\n\n" : "\n%s: %s\n",
				 class->name, class->help);
		r = hull_fields_explain(&class->fields, "devices[].", page, out);
	}
	return r;
}

int hull_cmd_config_fields(const struct hull_verb *verb, int argc, char **argv)
{
	cleanup_strbuf struct hull_strbuf out = HULL_STRBUF_INIT;
	cleanup_error struct hull_error *err = NULL;
	struct fields_options o = {0};
	int r = hull_opts_parse_all(verb, argc, argv, on_fields_option, &o, &err);

	if (r > 0)
		return HULL_EXIT_OK;
	if (r == 0 &&
	    (o.settings ? hull_settings_explain(o.page, &out) : explain(o.page, &out)) < 0)
		r = hull_fail_nomem(&err);
	if (r == 0)
		hull_out("%s", hull_strbuf_str(&out));
	else
		hull_out_error(err);
	return r == 0 ? HULL_EXIT_OK : hull_exit_code(err);
}
