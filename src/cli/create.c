/* SPDX-License-Identifier: Apache-2.0
 *
 * "hull create", "rename" and "update", see create.h.
 */
#define _GNU_SOURCE
#include "cli/create.h"

#include "base/cleanup.h"
#include "base/os.h"
#include "cli/machine_opts.h"
#include "cli/vms.h"
#include "vm/catalogue.h"

#include <string.h>

#define DEADLINE_MS 20000

const struct hull_opt hull_create_opts[] = {
	HULL_MACHINE_OPTS,
	{HULL_OPT_LABEL, "label", "KEY=VALUE", "a label, to find it by", "Output"},
	HULL_VMS_OPT_OUTPUT("name or json"),
	{'q', "quiet", NULL, "print only the id", NULL},
	{0, NULL, NULL, NULL, NULL},
};
#define CHANGE_OPT_OUTPUT                                                                \
	{                                                                                \
		'o', "output", "FORMAT", "print the VM as it is now: name or json", NULL \
	}
const struct hull_opt hull_rename_opts[] = {
	CHANGE_OPT_OUTPUT,
	{0, NULL, NULL, NULL, NULL},
};
const struct hull_opt hull_update_opts[] = {
	{HULL_OPT_LABEL, "label", "KEY=VALUE|KEY-", "set a label, or remove it", NULL},
	CHANGE_OPT_OUTPUT,
	{0, NULL, NULL, NULL, NULL},
};

const char hull_create_details[] =
	"Nothing is started: that does 'hull start'.  Prints the name of the VM, or its id.\n"
	"\n"
	"Examples:\n"
	"  hull create --name web -c 2 -m 1G -v ./site:/srv:ro -p 8080:80\n"
	"  hull create --name db --config vm.json --label env=test\n"
	"  hull start web && hull inspect web\n";

struct create {
	struct hull_machine_opts machine;
	struct hull_labels labels;
	enum hull_vms_format format;
	bool quiet;
};

static int on_early_option(void *ctx, const struct hull_opt *opt, const char *value,
			   struct hull_error **err)
{
	return opt->id == HULL_OPT_CONFIG && hull_strv_add(ctx, value) < 0 ? hull_fail_nomem(err)
									   : 0;
}

static int on_option(void *ctx, const struct hull_opt *opt, const char *value,
		     struct hull_error **err)
{
	struct create *c = ctx;

	switch (opt->id) {
	case HULL_OPT_LABEL:
		return hull_vms_label_parse(value, false, &c->labels, err);
	case 'q':
		c->quiet = true;
		return 0;
	case 'o':
		return hull_vms_format_parse_one(value, &c->format, err);
	default:
		return hull_machine_opt(&c->machine, opt, value, err);
	}
}

/* As @format says; a table is nothing. */
static int print_vm(struct hull_store *store, const char *id, enum hull_vms_format format,
		    struct hull_error **err)
{
	cleanup_record struct hull_record r = {0};
	cleanup_json struct hull_json *j = NULL;
	char buf[16];

	if (format == HULL_VMS_TABLE)
		return 0;
	if (hull_store_find(store, id, &r, err) < 0)
		return -1;
	if (format == HULL_VMS_NAME) {
		hull_out("%s\n", hull_vms_name(&r, buf));
		return 0;
	}
	j = hull_vms_json(&r);
	return j ? hull_vms_print_json(j, true, err) : hull_fail_nomem(err);
}

static int create(struct create *c, struct hull_error **err)
{
	cleanup_store struct hull_store *store = NULL;
	char id[HULL_STORE_ID_LEN + 1];
	struct hull_config *config = &c->machine.config;

	if (hull_machine_opts_complete(&c->machine, err) < 0 ||
	    hull_catalogue_open(hull_deadline_ms(DEADLINE_MS), &store, err) < 0 ||
	    hull_catalogue_create(store, config, c->machine.settings->guest_dir, config->name,
				  &c->labels, id, err) < 0)
		return -1;
	if (c->format == HULL_VMS_JSON || !c->quiet)
		return print_vm(store, id, c->format, err);
	hull_out("%.12s\n", id);
	return 0;
}

static int parse(struct create *c, const struct hull_verb *verb, int argc, char **argv,
		 struct hull_error **err)
{
	cleanup_strv struct hull_strv files = {0};
	int r = hull_opts_parse_all(verb, argc, argv, on_early_option, &files, err);

	if (r == 0)
		r = hull_machine_opts_begin(&c->machine, &files, err);
	return r ? r : hull_opts_parse_all(verb, argc, argv, on_option, c, err);
}

int hull_cmd_create(const struct hull_verb *verb, int argc, char **argv)
{
	cleanup_error struct hull_error *err = NULL;
	struct create c = {.format = HULL_VMS_NAME};
	int r = parse(&c, verb, argc, argv, &err), code = HULL_EXIT_OK;

	if (r < 0)
		code = HULL_EXIT_USAGE;
	else if (r == 0 && create(&c, &err) < 0)
		code = hull_exit_code(err);
	if (err)
		hull_out_error(err);
	hull_machine_opts_fini(&c.machine);
	hull_labels_fini(&c.labels);
	return code;
}

/* ---- rename and update ---- */

struct change {
	struct hull_labels labels;
	enum hull_vms_format format;
};

static int on_change(void *ctx, const struct hull_opt *opt, const char *value,
		     struct hull_error **err)
{
	struct change *c = ctx;

	return opt->id == 'o' ? hull_vms_format_parse_one(value, &c->format, err)
			      : hull_vms_label_parse(value, true, &c->labels, err);
}

/* Both are one transaction, and change nothing that runs: no lock is needed. */
static int change(const struct change *c, const char *ref, const char *name,
		  struct hull_error **err)
{
	cleanup_store struct hull_store *store = NULL;
	cleanup_record struct hull_record r = {0};

	if (hull_catalogue_open(hull_deadline_ms(DEADLINE_MS), &store, err) < 0 ||
	    hull_store_find(store, ref, &r, err) < 0 ||
	    (name ? hull_store_rename(store, r.id, name, err)
		  : hull_store_set_labels(store, r.id, &c->labels, err)) < 0)
		return -1;
	return print_vm(store, r.id, c->format, err);
}

/* @operands: how many there must be. */
static int change_main(const struct hull_verb *verb, int argc, char **argv, int operands)
{
	cleanup_error struct hull_error *err = NULL;
	struct change c = {.format = HULL_VMS_TABLE};
	int rest, code = HULL_EXIT_OK;
	int r = hull_opts_parse_mixed(verb, argc, argv, on_change, &c, &rest, &err);

	if (r == 0 && (argc - rest != operands || (operands == 1 && !c.labels.n))) {
		r = hull_fail(&err, HULL_E_INVALID, "'hull %s' takes %s", verb->name,
			      operands == 1 ? "a VM, and what to change of it"
					    : "a VM and its new name");
		hull_hint(&err, "hull %s", verb->synopsis);
	}
	if (r < 0)
		code = HULL_EXIT_USAGE;
	else if (r == 0 && change(&c, argv[rest], operands == 2 ? argv[rest + 1] : NULL, &err) < 0)
		code = hull_exit_code(err);
	if (err)
		hull_out_error(err);
	hull_labels_fini(&c.labels);
	return code;
}

int hull_cmd_rename(const struct hull_verb *verb, int argc, char **argv)
{
	return change_main(verb, argc, argv, 2);
}

int hull_cmd_update(const struct hull_verb *verb, int argc, char **argv)
{
	return change_main(verb, argc, argv, 1);
}
