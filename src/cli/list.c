/* SPDX-License-Identifier: Apache-2.0
 *
 * "hull ls" and "hull inspect": what there is, in columns or as JSON.  A VM that has ended without
 * any verb is shown, and recorded, as what it is.
 */
#define _GNU_SOURCE
#include "cli/list.h"

#include "base/cleanup.h"
#include "base/os.h"
#include "cli/table.h"
#include "cli/values.h"
#include "cli/vms.h"
#include "vm/catalogue.h"

#include <string.h>

#define DEADLINE_MS 20000

const struct hull_opt hull_ls_opts[] = {
	HULL_VMS_OPT_FILTER,
	HULL_VMS_OPT_DEADLINE,
	HULL_VMS_OPT_OUTPUT("table, json, jsonl or name"),
	{'q', "quiet", NULL, "only ids", NULL},
	{0, NULL, NULL, NULL, NULL},
};
const struct hull_opt hull_inspect_opts[] = {
	HULL_VMS_OPT_DEADLINE,
	{0, NULL, NULL, NULL, NULL},
};

const char hull_ls_details[] = "Examples:\n"
			       "  hull ls --filter state=running --filter label=env=test\n"
			       "  hull ls -o json | jq -r '.[].name'\n";
const char hull_inspect_details[] =
	"Prints an array with an object for each VM: what 'hull ls -o json' says, and its\n"
	"description under \"config\".\n";

struct ls {
	enum hull_vms_format format;
	bool ids;
	uint64_t deadline_ms;
	struct hull_vms_filter filter;
	struct hull_store *store;
	struct hull_loop *loop;
};

static int on_option(void *ctx, const struct hull_opt *opt, const char *value,
		     struct hull_error **err)
{
	struct ls *l = ctx;

	switch (opt->id) {
	case 'q':
		l->ids = true;
		return 0;
	case HULL_OPT_DEADLINE:
		return hull_set_duration(&l->deadline_ms, value, err);
	case HULL_OPT_FILTER:
		return hull_vms_filter_add(&l->filter, value, err);
	default:
		return hull_vms_format_parse(value, &l->format, err);
	}
}

/* ---- columns ---- */

static enum hull_out_style style_of(enum hull_vm_state state)
{
	switch (state) {
	case HULL_VM_RUNNING:
		return HULL_OUT_GOOD;
	case HULL_VM_ERROR:
		return HULL_OUT_BAD;
	case HULL_VM_PAUSED:
	case HULL_VM_STARTING:
	case HULL_VM_STOPPING:
		return HULL_OUT_WARNING;
	default:
		return HULL_OUT_PLAIN;
	}
}

/* Why it has ended, or had to be started anew. */
static void add_detail(struct hull_table *t, const struct hull_record *r)
{
	struct hull_vm_restarts x;

	if (!hull_vms_restarts(r, &x)) {
		hull_table_add(t, HULL_OUT_PLAIN, "%s",
			       r->cause && *r->cause ? r->cause : r->reason);
		return;
	}
	if (x.next_at_ns)
		hull_table_add(t, HULL_OUT_WARNING, "to be restarted: %s", x.reason);
	else
		hull_table_add(t, HULL_OUT_PLAIN, "restarted %llu time%s: %s",
			       (unsigned long long)x.n, x.n == 1 ? "" : "s", x.reason);
	hull_vm_restarts_fini(&x);
}

static void add_row(struct hull_table *t, const struct hull_record *r)
{
	bool runs = r->state == HULL_VM_RUNNING || r->state == HULL_VM_PAUSED;
	char age[32], size[32];

	hull_vms_age(runs ? r->started_ns : r->created_ns, age);
	hull_vms_size(r->memory, size);
	hull_table_add(t, HULL_OUT_PLAIN, "%.12s", r->id);
	hull_table_add(t, HULL_OUT_PLAIN, "%s", r->name ? r->name : "-");
	hull_table_add(t, style_of(r->state), "%s", hull_vm_state_names[r->state]);
	hull_table_add(t, HULL_OUT_PLAIN, "%llu", (unsigned long long)r->cpus);
	hull_table_add(t, HULL_OUT_PLAIN, "%s", size);
	hull_table_add(t, HULL_OUT_PLAIN, "%s", age);
	add_detail(t, r);
}

static int print_table(const struct hull_records *list, struct hull_error **err)
{
	static const char *const headings[] = {"ID",	 "NAME", "STATE", "CPUS",
					       "MEMORY", "AGE",	 "DETAIL"};
	cleanup_table struct hull_table t;

	hull_table_init(&t, headings, ARRAY_SIZE(headings));
	for (size_t i = 0; i < list->n; i++)
		add_row(&t, &list->v[i]);
	return hull_table_print(&t, err);
}

/* ---- ls ---- */

static int print_json(const struct hull_records *list, bool lines, struct hull_error **err)
{
	cleanup_json struct hull_json *all = hull_json_array();

	for (size_t i = 0; i < list->n; i++) {
		struct hull_json *j = hull_vms_json(&list->v[i]);

		if (lines) {
			int r = j ? hull_vms_print_json(j, false, err) : hull_fail_nomem(err);

			hull_json_free(j);
			if (r < 0)
				return -1;
		} else if (hull_json_append(all, j) < 0) {
			return hull_fail_nomem(err);
		}
	}
	return lines ? 0 : hull_vms_print_json(all, true, err);
}

static void select_some(struct hull_records *list, const struct hull_vms_filter *filter)
{
	size_t n = 0;

	for (size_t i = 0; i < list->n; i++) {
		struct hull_record r = list->v[i];

		if (hull_vms_filter_passes(filter, &r)) {
			list->v[i] = list->v[n];
			list->v[n++] = r;
		}
	}
	for (size_t i = n; i < list->n; i++)
		hull_record_fini(&list->v[i]);
	list->n = n;
}

static int print(const struct ls *l, const struct hull_records *list, struct hull_error **err)
{
	char buf[16];

	if (l->format == HULL_VMS_TABLE && !l->ids)
		return print_table(list, err);
	if (l->format == HULL_VMS_JSON || l->format == HULL_VMS_JSONL)
		return print_json(list, l->format == HULL_VMS_JSONL, err);
	for (size_t i = 0; i < list->n; i++) {
		if (l->ids)
			hull_out("%.12s\n", list->v[i].id);
		else
			hull_out("%s\n", hull_vms_name(&list->v[i], buf));
	}
	return 0;
}

static int ls(struct ls *l, struct hull_error **err)
{
	cleanup_records struct hull_records list = {0};
	cleanup_error struct hull_error *trouble = NULL;
	uint64_t deadline = hull_deadline_ms(l->deadline_ms);

	if (hull_catalogue_open(deadline, &l->store, err) < 0 || hull_loop_new(&l->loop, err) < 0 ||
	    hull_catalogue_list(l->store, l->loop, deadline, &list, &trouble, err) < 0)
		return -1;
	select_some(&list, &l->filter);
	if (print(l, &list, err) < 0)
		return -1;
	return trouble ? hull_error_move(err, &trouble) : 0;
}

static int finish(struct ls *l, int r, struct hull_error *err)
{
	int code = HULL_EXIT_OK;

	hull_store_close(l->store);
	hull_loop_free(l->loop);
	hull_vms_filter_fini(&l->filter);
	if (r < 0) {
		code = hull_exit_code(err);
		hull_out_error(err);
	}
	return code;
}

int hull_cmd_ls(const struct hull_verb *verb, int argc, char **argv)
{
	cleanup_error struct hull_error *err = NULL;
	struct ls l = {.deadline_ms = DEADLINE_MS};
	int r = hull_opts_parse_all(verb, argc, argv, on_option, &l, &err);

	if (r < 0) {
		(void)finish(&l, r, err);
		return HULL_EXIT_USAGE;
	}
	r = r ? 0 : ls(&l, &err);
	return finish(&l, r, err);
}

/* ---- inspect ---- */

static int add_config(struct hull_json *item, const struct hull_record *r, struct hull_error **err)
{
	struct hull_json *config;

	if (hull_json_parse(r->config, strlen(r->config), &config, err) < 0)
		return hull_prefix(err, "the description of VM %.12s", r->id);
	return hull_json_set(item, "config", config) < 0 ? hull_fail_nomem(err) : 0;
}

static int inspect_one(struct ls *l, const char *ref, struct hull_json *all,
		       struct hull_error **err)
{
	cleanup_record struct hull_record r = {0};
	cleanup_json struct hull_json *item = NULL;

	if (hull_catalogue_find(l->store, l->loop, ref, hull_deadline_ms(l->deadline_ms), &r, err) <
	    0)
		return -1;
	item = hull_vms_json(&r);
	if (!item)
		return hull_fail_nomem(err);
	if (add_config(item, &r, err) < 0)
		return -1;
	return hull_json_append(all, steal_ptr(&item)) < 0 ? hull_fail_nomem(err) : 0;
}

/* Those that are there are shown, whatever the others. */
static int inspect(struct ls *l, char **refs, size_t n, int *ret_code, struct hull_error **err)
{
	cleanup_json struct hull_json *all = hull_json_array();

	if (hull_catalogue_open(hull_deadline_ms(l->deadline_ms), &l->store, err) < 0 ||
	    hull_loop_new(&l->loop, err) < 0)
		return -1;
	for (size_t i = 0; i < n; i++) {
		cleanup_error struct hull_error *why = NULL;

		if (inspect_one(l, refs[i], all, &why) == 0)
			continue;
		hull_out_error(why);
		*ret_code = n == 1 ? hull_exit_code(why) : HULL_EXIT_FAILED;
	}
	return hull_vms_print_json(all, true, err);
}

int hull_cmd_inspect(const struct hull_verb *verb, int argc, char **argv)
{
	cleanup_error struct hull_error *err = NULL;
	struct ls l = {.deadline_ms = DEADLINE_MS};
	int rest, r, code = HULL_EXIT_OK;

	r = hull_opts_parse_mixed(verb, argc, argv, on_option, &l, &rest, &err);
	if (r == 0 && rest == argc) {
		r = hull_fail(&err, HULL_E_INVALID, "no VM was named");
		hull_hint(&err, "'hull ls' shows them");
	}
	if (r < 0) {
		(void)finish(&l, r, err);
		return HULL_EXIT_USAGE;
	}
	if (r == 0)
		r = inspect(&l, argv + rest, (size_t)(argc - rest), &code, &err);
	r = finish(&l, r < 0 ? -1 : 0, err);
	return r ? r : code;
}
