/* SPDX-License-Identifier: Apache-2.0
 *
 * "hull config": reads a description in one form and prints it in another.  What the other form
 * can't say is told on stderr.
 */
#define _GNU_SOURCE
#include "cli/convert.h"

#include "base/cleanup.h"
#include "base/path.h"
#include "base/strbuf.h"
#include "cli/cloud_opts.h"
#include "cli/describe.h"
#include "cli/show.h"
#include "config/dialect.h"
#include "config/vfkit.h"
#include "vm/description.h"

#include <string.h>

#define MAX_INPUT ((size_t)16 << 20)

enum { OUTPUT_LINES, OUTPUT_JSON };
static const char *const output_names[] = {"lines", "json", NULL};

enum { OPT_FROM = 256, OPT_TO, OPT_SKIP_FILES };

struct options {
	bool quiet, skip_files;
	int output;
	int from, to; /* dialects; -1: not given */
};

/* ---- dialects ---- */

/* A description in both forms, of which one or both are there. */
struct description {
	struct hull_vfkit vm;
	struct hull_config config;
};

static int read_vfkit(const char *text, size_t len, struct description *d, struct hull_strv *notes,
		      struct hull_error **err)
{
	return hull_vfkit_from_json(text, len, &d->vm, notes, err);
}

static int read_hull(const char *text, size_t len, struct description *d, struct hull_strv *notes,
		     struct hull_error **err)
{
	return hull_config_read_user(text, len, NULL, &d->config, NULL, err);
}

static int to_vfkit(struct description *d, struct hull_strv *notes, struct hull_error **err)
{
	return hull_config_to_vfkit(&d->config, &d->vm, notes, err);
}

static int to_hull(struct description *d, struct hull_strv *notes, struct hull_error **err)
{
	return hull_config_from_vfkit(&d->vm, &d->config, notes, err);
}

static int write_vfkit(const struct description *d, char **ret_text, struct hull_strv *notes,
		       struct hull_error **err)
{
	if (hull_vfkit_to_json(&d->vm, ret_text, err) < 0)
		return -1;
	return hull_vfkit_unwritten(&d->vm, notes) < 0 ? hull_fail_nomem(err) : 0;
}

static int write_hull(const struct description *d, char **ret_text, struct hull_strv *notes,
		      struct hull_error **err)
{
	return hull_config_to_json(&d->config, ret_text, err);
}

/* How a description is read, made of the other form, and written. */
static const struct dialect {
	const char *name;
	int (*read)(const char *text, size_t len, struct description *d, struct hull_strv *notes,
		    struct hull_error **err);
	int (*take_other)(struct description *d, struct hull_strv *notes, struct hull_error **err);
	int (*write)(const struct description *d, char **ret_text, struct hull_strv *notes,
		     struct hull_error **err);
} dialects[] = {
	{"vfkit", read_vfkit, to_vfkit, write_vfkit},
	{"hull", read_hull, to_hull, write_hull},
};

static int find_dialect(const char *name, struct hull_error **err)
{
	const char *names[ARRAY_SIZE(dialects) + 1] = {NULL};

	for (size_t i = 0; i < ARRAY_SIZE(dialects); i++)
		names[i] = dialects[i].name;
	return hull_name_index("dialect", name, names, err);
}

/* ---- options ---- */

static int on_option(void *ctx, const struct hull_opt *opt, const char *value,
		     struct hull_error **err)
{
	struct options *o = ctx;
	int *index = NULL;

	switch (opt->id) {
	case 'q':
		o->quiet = true;
		break;
	case OPT_SKIP_FILES:
		o->skip_files = true;
		break;
	case 'o':
		index = &o->output;
		*index = hull_name_index("format", value, output_names, err);
		break;
	case OPT_FROM:
	case OPT_TO:
		index = opt->id == OPT_FROM ? &o->from : &o->to;
		*index = find_dialect(value, err);
		break;
	}
	return index && *index < 0 ? -1 : 0;
}

static const struct hull_opt from_args_opts[] = {
	{'q', "quiet", NULL, "do not tell what is lost", "Options"},
	{OPT_SKIP_FILES, "skip-files", NULL, "do not look into disk images and cloud-init files",
	 NULL},
	{0, NULL, NULL, NULL, NULL},
};

static const struct hull_opt to_args_opts[] = {
	{'o', "output", "FORMAT", "lines (default) or json", "Options"},
	{'q', "quiet", NULL, "do not tell what is lost", NULL},
	{0, NULL, NULL, NULL, NULL},
};

static const struct hull_opt convert_opts[] = {
	{OPT_FROM, "from", "DIALECT", "what FILE is: vfkit or hull", "Options"},
	{'q', "quiet", NULL, "do not tell what is lost", NULL},
	{OPT_TO, "to", "DIALECT", "what to make of it: vfkit or hull", NULL},
	{0, NULL, NULL, NULL, NULL},
};

static void tell(const struct options *o, const struct hull_strv *notes)
{
	for (size_t i = 0; !o->quiet && i < notes->n; i++)
		hull_out_note("note: %s", notes->v[i]);
}

static int finish(int r, const struct hull_error *err)
{
	if (r >= 0)
		return HULL_EXIT_OK;
	hull_out_error(err);
	/* What has no place in the other form is refused as well. */
	return hull_error_code(err) == HULL_E_UNSUPPORTED ? HULL_EXIT_USAGE : hull_exit_code(err);
}

/* ---- from-args ---- */

static int read_image(void *ctx, const char *path, unsigned char *head, size_t *ret_len,
		      struct hull_error **err)
{
	if (hull_vfkit_read_image(ctx, path, head, ret_len, err) == 0)
		return 0;
	hull_hint(err, "'--skip-files' takes the description without looking");
	return -1;
}

static int check_cloud_init(void *ctx, const struct hull_vfkit_flags *flags, char **ret_iso,
			    struct hull_error **err)
{
	return hull_cloud_opt_files(&flags->cloud_init, NULL, err) < 0
		       ? hull_prefix(err, "--cloud-init")
		       : 0;
}

static void add_unwritten_flags(const struct hull_vfkit_flags *flags, struct hull_strv *notes)
{
	static const char *const names[] = {"cloud-init", "restful-uri", "log-level", "pidfile"};

	for (size_t i = 0; i < ARRAY_SIZE(names); i++)
		if (hull_vfkit_given(flags, names[i]))
			hull_strv_addf(notes, "--%s is not part of the description", names[i]);
}

static int from_args(const struct options *o, char **argv, size_t n, struct hull_error **err)
{
	struct hull_vfkit_hooks hooks = {
		.prepare = o->skip_files ? NULL : check_cloud_init,
		.read_image = o->skip_files ? NULL : read_image,
	};
	cleanup_vfkit_flags struct hull_vfkit_flags flags = {0};
	cleanup_vfkit struct hull_vfkit vm = {0};
	cleanup_strv struct hull_strv notes = {0};
	cleanup_free char *text = NULL;

	if (hull_vfkit_parse_flags(argv, n, &flags, err) < 0)
		return -1;
	if (flags.help || flags.version)
		return hull_fail(err, HULL_E_INVALID,
				 "'--%s' asks vfkit for words, not for a machine",
				 flags.help ? "help" : "version");
	if (hull_vfkit_from_flags(&flags, &hooks, &vm, err) < 0 ||
	    hull_vfkit_to_json(&vm, &text, err) < 0)
		return -1;
	add_unwritten_flags(&flags, &notes);
	if (hull_vfkit_unwritten(&vm, &notes) < 0)
		return hull_fail_nomem(err);
	hull_out("%s\n", text);
	tell(o, &notes);
	return 0;
}

static int cmd_from_args(const struct hull_verb *verb, int argc, char **argv)
{
	cleanup_error struct hull_error *err = NULL;
	struct options o = {0};
	bool dashes;
	int rest, r = hull_opts_parse(verb, argc, argv, on_option, &o, &rest, &dashes, &err);

	if (r == 0)
		r = from_args(&o, argv + rest, (size_t)(argc - rest), &err);
	return finish(r, err);
}

/* ---- to-args and convert ---- */

/* The last operand: none or "-" is stdin. */
static int read_input(const struct hull_verb *verb, int argc, char **argv, int rest,
		      struct hull_strbuf *text, struct hull_error **err)
{
	const char *path = rest < argc ? argv[rest] : "-";
	bool is_stdin = !strcmp(path, "-");
	int r;

	if (argc - rest > 1)
		return hull_fail(err, HULL_E_INVALID, "unexpected argument '%s'; usage: hull %s",
				 argv[rest + 1], verb->synopsis);
	r = is_stdin ? hull_fd_read_all(0, MAX_INPUT, text) : hull_file_read(path, MAX_INPUT, text);
	if (r < 0)
		return hull_fail_errno(err, -r, "read %s%s%s", is_stdin ? "" : "'",
				       is_stdin ? "standard input" : path, is_stdin ? "" : "'");
	return 0;
}

static int print_args(const struct options *o, const struct hull_strv *args,
		      struct hull_error **err)
{
	cleanup_free char *text = NULL;

	if (o->output == OUTPUT_JSON) {
		if (hull_vfkit_strings_json(args, &text, err) < 0)
			return -1;
		hull_out("%s\n", text);
		return 0;
	}
	for (size_t i = 0; i < args->n; i++)
		if (strchr(args->v[i], '\n'))
			return hull_fail(err, HULL_E_INVALID,
					 "an argument has a line break in it: use '-o json'");
	for (size_t i = 0; i < args->n; i++)
		hull_out("%s\n", args->v[i]);
	return 0;
}

static int cmd_to_args(const struct hull_verb *verb, int argc, char **argv)
{
	cleanup_error struct hull_error *err = NULL;
	cleanup_strbuf struct hull_strbuf text = HULL_STRBUF_INIT;
	cleanup_vfkit struct hull_vfkit vm = {0};
	cleanup_strv struct hull_strv args = {0}, notes = {0};
	struct options o = {0};
	bool dashes;
	int rest, r = hull_opts_parse(verb, argc, argv, on_option, &o, &rest, &dashes, &err);

	if (r > 0)
		return HULL_EXIT_OK;
	if (r == 0)
		r = read_input(verb, argc, argv, rest, &text, &err);
	if (r == 0)
		r = hull_vfkit_from_json(hull_strbuf_str(&text), text.len, &vm, &notes, &err);
	if (r == 0)
		r = hull_vfkit_render(&vm, &args, &err);
	if (r == 0 && hull_vfkit_unrendered(&vm, &notes) < 0)
		r = hull_fail_nomem(&err);
	if (r == 0)
		r = print_args(&o, &args, &err);
	if (r == 0)
		tell(&o, &notes);
	return finish(r, err);
}

static int convert_one(const struct options *o, const struct hull_strbuf *text,
		       struct description *d, struct hull_error **err)
{
	cleanup_strv struct hull_strv notes = {0};
	cleanup_free char *out = NULL;

	if (dialects[o->from].read(hull_strbuf_str(text), text->len, d, &notes, err) < 0 ||
	    (o->from != o->to && dialects[o->to].take_other(d, &notes, err) < 0) ||
	    dialects[o->to].write(d, &out, &notes, err) < 0)
		return -1;
	hull_out("%s\n", out);
	tell(o, &notes);
	return 0;
}

static int convert(const struct options *o, const struct hull_strbuf *text, struct hull_error **err)
{
	struct description d = {0};
	int r;

	hull_config_init(&d.config);
	r = convert_one(o, text, &d, err);
	hull_config_fini(&d.config);
	hull_vfkit_fini(&d.vm);
	return r;
}

static int cmd_convert(const struct hull_verb *verb, int argc, char **argv)
{
	cleanup_error struct hull_error *err = NULL;
	cleanup_strbuf struct hull_strbuf text = HULL_STRBUF_INIT;
	struct options o = {.from = -1, .to = -1};
	bool dashes;
	int rest, r = hull_opts_parse(verb, argc, argv, on_option, &o, &rest, &dashes, &err);

	if (r > 0)
		return HULL_EXIT_OK;
	if (r == 0 && (o.from < 0 || o.to < 0))
		r = hull_fail(&err, HULL_E_INVALID, "'--%s' is needed", o.from < 0 ? "from" : "to");
	if (r == 0)
		r = read_input(verb, argc, argv, rest, &text, &err);
	if (r == 0)
		r = convert(&o, &text, &err);
	return finish(r, err);
}

/* ---- the table ---- */

static const char convert_details[] = "Without FILE, or with '-', it comes from standard input.\n"
				      "\n"
				      "Exit code: 0 done; 1 FILE can't be read; 2 refused.\n"
				      "\n"
				      "Example:\n"
				      "  hull config convert --from vfkit --to hull vm.json\n";

static const char from_args_details[] =
	"ARGS are what would follow 'vfkit'. Prints the description as one line of vfkit's JSON.\n"
	"Disk images of virtio-blk and files for cloud-init must be there, as for vfkit.\n"
	"\n"
	"Exit code: 0 done; 2 refused, for the reasons that vfkit has.\n"
	"\n"
	"Examples:\n"
	"  hull config from-args -- -c 2 -m 2048 -b efi,variable-store=nv,create \\\n"
	"      -d virtio-blk,path=disk.raw -d virtio-net,nat -d virtio-rng\n"
	"  hull config from-args --skip-files -- --kernel k --initrd i --kernel-cmdline quiet\n";

static const char to_args_details[] =
	"Prints what would follow 'vfkit', an argument a line. Without FILE, or with '-', the\n"
	"description comes from standard input.\n"
	"\n"
	"Exit code: 0 done; 1 FILE can't be read; 2 refused.\n"
	"\n"
	"Examples:\n"
	"  hull config to-args vm.json\n"
	"  hull config from-args -- ... | hull config to-args -o json\n";

const struct hull_verb hull_config_subs[] = {
	{"config check", "config check [OPTIONS] [FILE]",
	 "Tell what is wrong with a description, or with your settings", hull_config_check_opts,
	 hull_config_check_details, hull_cmd_config_check, false, NULL, NULL},
	{"config convert", "config convert --from DIALECT --to DIALECT [FILE|-]",
	 "Turn a description into another form", convert_opts, convert_details, cmd_convert, false,
	 NULL, NULL},
	{"config fields", "config fields [OPTIONS]",
	 "List what a description, or hull.conf, may say", hull_config_fields_opts,
	 hull_config_fields_details, hull_cmd_config_fields, false, NULL, NULL},
	{"config from-args", "config from-args [OPTIONS] -- ARGS...",
	 "Turn a vfkit command line into vfkit's JSON", from_args_opts, from_args_details,
	 cmd_from_args, false, NULL, hull_vfkit_help},
	{"config plan", "config plan [OPTIONS] FILE",
	 "Print the hypervisor's command line for a description", hull_config_plan_opts,
	 hull_config_plan_details, hull_cmd_config_plan, false, NULL, NULL},
	{"config show", "config show [OPTIONS] [KEY]",
	 "Print the settings that apply to all virtual machines", hull_config_show_opts,
	 hull_config_show_details, hull_cmd_config_show, false, NULL, NULL},
	{"config to-args", "config to-args [OPTIONS] [FILE|-]",
	 "Turn vfkit's JSON into a vfkit command line", to_args_opts, to_args_details, cmd_to_args,
	 false, NULL, NULL},
	{NULL, NULL, NULL, NULL, NULL, NULL, false, NULL, NULL},
};
