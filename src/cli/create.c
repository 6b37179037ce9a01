/* SPDX-License-Identifier: Apache-2.0
 *
 * "hull create", "rename" and "update", see create.h.
 */
#define _GNU_SOURCE
#include "cli/create.h"

#include "base/cleanup.h"
#include "base/os.h"
#include "cli/settings.h"
#include "cli/vms.h"
#include "config/network.h"
#include "vm/catalogue.h"
#include "vm/description.h"

#include <string.h>

#define DEADLINE_MS 20000

enum { OPT_CONFIG = 256, OPT_NAME };

const struct hull_opt hull_create_opts[] = {
	{OPT_CONFIG, "config", "FILE", "the machine that FILE describes; '-': standard input",
	 NULL},
	{OPT_NAME, "name", "NAME", "what to call it", NULL},
	{HULL_OPT_LABEL, "label", "KEY=VALUE", "a label, to find it by", NULL},
	HULL_VMS_OPT_OUTPUT("name or json"),
	{'q', "quiet", NULL, "print only the id", NULL},
	{0, NULL, NULL, NULL, NULL},
};
const struct hull_opt hull_rename_opts[] = {{0, NULL, NULL, NULL, NULL}};
const struct hull_opt hull_update_opts[] = {
	{HULL_OPT_LABEL, "label", "KEY=VALUE|KEY-", "set a label, or remove it", NULL},
	{0, NULL, NULL, NULL, NULL},
};

const char hull_create_details[] =
	"Nothing is started: that does 'hull start'.  Prints the name of the VM, or its id.\n"
	"\n"
	"Examples:\n"
	"  hull create --name web --config vm.json --label env=test\n"
	"  hull start web && hull inspect web\n";

struct create {
	struct hull_config config;
	char *name;
	struct hull_labels labels;
	enum hull_vms_format format;
	bool described, quiet;
	const struct hull_settings *settings;
};

static int on_option(void *ctx, const struct hull_opt *opt, const char *value,
		     struct hull_error **err)
{
	struct create *c = ctx;

	switch (opt->id) {
	case OPT_CONFIG:
		if (c->described)
			return hull_fail(err, HULL_E_INVALID, "--config was given twice");
		c->described = true;
		return hull_description_load(value, &c->config, NULL, err);
	case OPT_NAME:
		free(c->name);
		c->name = strdup(value);
		return c->name ? 0 : hull_fail_nomem(err);
	case HULL_OPT_LABEL:
		return hull_vms_label_parse(value, false, &c->labels, err);
	case 'q':
		c->quiet = true;
		return 0;
	default:
		return hull_vms_format_parse(value, &c->format, err);
	}
}

/* What a machine is that nobody has described: that of "hull run". */
static int fill_defaults(struct hull_config *c, struct hull_error **err)
{
	struct hull_network *net = hull_vec_push(&c->networks);

	if (!net)
		return hull_fail_nomem(err);
	net->kind = HULL_NETWORK_USER;
	c->root.kind = HULL_ROOT_HOST;
	c->root.cache = HULL_SHARE_CACHE_ALWAYS;
	return 0;
}

/* Whoever has the terminal or the descriptors that a device wants is gone when it starts. */
static int check_detached(const struct hull_config *c, struct hull_error **err)
{
	if (hull_device_stdio(c)) {
		hull_fail(err, HULL_E_UNSUPPORTED,
			  "a VM that stays can't have the device virtio-serial,stdio: nobody's "
			  "standard streams are its");
		hull_hint(err, "let it log to a file, or have a terminal: virtio-serial,pty");
		return -1;
	}
	for (size_t i = 0; i < c->devices.n; i++) {
		if (c->devices.v[i].kind != HULL_DEVICE_NET || !c->devices.v[i].net.socket)
			continue;
		hull_fail(err, HULL_E_UNSUPPORTED,
			  "devices[%zu].fd: a VM that stays can't have a descriptor of ours", i);
		hull_hint(err, "name a socket by its path");
		return -1;
	}
	return 0;
}

static int create(struct create *c, struct hull_error **err)
{
	cleanup_store struct hull_store *store = NULL;
	cleanup_record struct hull_record r = {0};
	cleanup_json struct hull_json *j = NULL;
	char id[HULL_STORE_ID_LEN + 1], buf[16];
	/* A name in the description is as good. */
	const char *name = c->name ? c->name : c->config.name;

	if (!c->described && fill_defaults(&c->config, err) < 0)
		return -1;
	if (hull_settings_complete(c->settings, &c->config) < 0)
		return hull_fail_nomem(err);
	if (check_detached(&c->config, err) < 0 ||
	    hull_catalogue_open(hull_deadline_ms(DEADLINE_MS), &store, err) < 0 ||
	    hull_catalogue_create(store, &c->config, c->settings->guest_dir, name, &c->labels, id,
				  err) < 0)
		return -1;
	if (c->format != HULL_VMS_JSON) {
		memcpy(buf, id, 12);
		buf[12] = '\0';
		hull_out("%s\n", name && !c->quiet ? name : buf);
		return 0;
	}
	if (hull_store_find(store, id, &r, err) < 0)
		return -1;
	j = hull_vms_json(&r);
	return j ? hull_vms_print_json(j, true, err) : hull_fail_nomem(err);
}

int hull_cmd_create(const struct hull_verb *verb, int argc, char **argv)
{
	cleanup_error struct hull_error *err = NULL;
	struct create c = {.format = HULL_VMS_NAME};
	int r, code = HULL_EXIT_OK;

	hull_config_init(&c.config);
	c.settings = hull_cli_settings(&err);
	r = c.settings ? 0 : -1;
	if (r == 0) {
		hull_settings_begin(c.settings, &c.config);
		r = hull_opts_parse_all(verb, argc, argv, on_option, &c, &err);
	}
	if (r < 0)
		code = HULL_EXIT_USAGE;
	else if (r == 0 && create(&c, &err) < 0)
		code = hull_exit_code(err);
	if (err)
		hull_out_error(err);
	hull_config_fini(&c.config);
	hull_labels_fini(&c.labels);
	free(c.name);
	return code;
}

/* ---- rename and update ---- */

static int on_update(void *ctx, const struct hull_opt *opt, const char *value,
		     struct hull_error **err)
{
	return hull_vms_label_parse(value, true, ctx, err);
}

/* Both are one transaction, and change nothing that runs: no lock is needed. */
static int change(const char *ref, const char *name, const struct hull_labels *labels,
		  struct hull_error **err)
{
	cleanup_store struct hull_store *store = NULL;
	cleanup_record struct hull_record r = {0};

	if (hull_catalogue_open(hull_deadline_ms(DEADLINE_MS), &store, err) < 0 ||
	    hull_store_find(store, ref, &r, err) < 0)
		return -1;
	return name ? hull_store_rename(store, r.id, name, err)
		    : hull_store_set_labels(store, r.id, labels, err);
}

/* @operands: how many there must be. */
static int change_main(const struct hull_verb *verb, int argc, char **argv, int operands)
{
	cleanup_error struct hull_error *err = NULL;
	struct hull_labels labels = {0};
	int rest, code = HULL_EXIT_OK;
	int r = hull_opts_parse_mixed(verb, argc, argv, on_update, &labels, &rest, &err);

	if (r == 0 && (argc - rest != operands || (operands == 1 && !labels.n))) {
		r = hull_fail(&err, HULL_E_INVALID, "'hull %s' takes %s", verb->name,
			      operands == 1 ? "a VM, and what to change of it"
					    : "a VM and its new name");
		hull_hint(&err, "hull %s", verb->synopsis);
	}
	if (r < 0)
		code = HULL_EXIT_USAGE;
	else if (r == 0 &&
		 change(argv[rest], operands == 2 ? argv[rest + 1] : NULL, &labels, &err) < 0)
		code = hull_exit_code(err);
	if (err)
		hull_out_error(err);
	hull_labels_fini(&labels);
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
