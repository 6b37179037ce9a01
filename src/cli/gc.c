/* SPDX-License-Identifier: Apache-2.0
 *
 * "hull gc": a line for each thing that was collected, and how many there were.
 */
#define _GNU_SOURCE
#include "vm/gc.h"

#include "base/cleanup.h"
#include "base/os.h"
#include "base/text.h"
#include "cli/gc.h"
#include "cli/vms.h"
#include "vm/catalogue.h"

#include <string.h>

#define DEADLINE_MS 60000

const struct hull_opt hull_gc_opts[] = {
	{'n', "dry-run", NULL, "only tell what would be collected", NULL},
	HULL_VMS_OPT_DEADLINE,
	HULL_VMS_OPT_OUTPUT("table or json"),
	{0, NULL, NULL, NULL, NULL},
};

const char hull_gc_details[] =
	"Collects what belongs to no VM that is recorded or lives: run directories, processes,\n"
	"control groups, sockets, logs, temporary files, claims; finishes what others began with\n"
	"VMs and were killed.  What another hull is at work on is left alone.  Volumes are never\n"
	"removed.\n";

struct job {
	bool dry_run;
	enum hull_vms_format format;
	uint64_t deadline_ms;
	struct hull_store *store;
	struct hull_loop *loop;
	struct hull_json *lists[HULL_GC_FAILED + 1]; /* by result */
	size_t n[HULL_GC_FAILED + 1];
	bool no_memory;
};

static int on_option(void *ctx, const struct hull_opt *opt, const char *value,
		     struct hull_error **err)
{
	struct job *j = ctx;

	switch (opt->id) {
	case 'n':
		j->dry_run = true;
		return 0;
	case HULL_OPT_DEADLINE:
		if (hull_parse_duration(value, &j->deadline_ms) == 0 && j->deadline_ms)
			return 0;
		hull_fail(err, HULL_E_INVALID, "'%s' is not a time", value);
		hull_hint(err, "write it like 30s or 5m");
		return -1;
	default:
		if (hull_vms_format_parse(value, &j->format, err) < 0)
			return -1;
		if (j->format == HULL_VMS_TABLE || j->format == HULL_VMS_JSON)
			return 0;
		return hull_fail(err, HULL_E_INVALID, "format '%s' is for lists; use table or json",
				 value);
	}
}

static void keep(struct job *j, const struct hull_gc_item *item, enum hull_gc_result result,
		 const struct hull_error *error)
{
	struct hull_json *o = error ? hull_vms_error_json(error) : hull_json_object();
	int r = o ? 0 : -ENOMEM;

	if (o)
		r |= hull_json_set(o, "kind", hull_json_string(item->kind));
	if (o && *item->what)
		r |= hull_json_set(o, "what", hull_json_string(item->what));
	if (o && *item->why)
		r |= hull_json_set(o, "why", hull_json_string(item->why));
	if (o && *item->vm)
		r |= hull_json_set(o, "vm", hull_json_string(item->vm));
	j->no_memory |= hull_json_append(j->lists[result], o) < 0 || r < 0;
}

static void print(const struct hull_gc_item *item, enum hull_gc_result result,
		  const struct hull_error *error)
{
	switch (result) {
	case HULL_GC_COLLECTED:
	case HULL_GC_WOULD:
		hull_out_styled(HULL_OUT_PLAIN, "%s %s: %s\n",
				result == HULL_GC_WOULD ? "would collect" : "collected", item->what,
				item->why);
		return;
	case HULL_GC_BUSY:
		hull_out_note("hull: left alone %s: another hull is at work on its VM", item->what);
		return;
	case HULL_GC_FAILED:
		hull_out_error(error);
	}
}

static void on_item(void *ctx, const struct hull_gc_item *item, enum hull_gc_result result,
		    const struct hull_error *error)
{
	struct job *j = ctx;

	j->n[result]++;
	if (j->format == HULL_VMS_JSON)
		keep(j, item, result, error);
	else
		print(item, result, error);
}

static int report(struct job *j, struct hull_error **err)
{
	static const char *const keys[] = {[HULL_GC_COLLECTED] = "collected",
					   [HULL_GC_WOULD] = "would_collect",
					   [HULL_GC_BUSY] = "busy",
					   [HULL_GC_FAILED] = "failed"};
	cleanup_json struct hull_json *out = hull_json_object();
	size_t done = j->n[HULL_GC_COLLECTED] + j->n[HULL_GC_WOULD];
	int r = out && !j->no_memory ? 0 : -ENOMEM;

	if (j->format != HULL_VMS_JSON) {
		hull_out("%zu %s, %zu left alone, %zu failed\n", done,
			 j->dry_run ? "to be collected" : "collected", j->n[HULL_GC_BUSY],
			 j->n[HULL_GC_FAILED]);
		return 0;
	}
	for (size_t i = 0; i < ARRAY_SIZE(keys); i++)
		r |= hull_json_set(out, keys[i], steal_ptr(&j->lists[i]));
	return r ? hull_fail_nomem(err) : hull_vms_print_json(out, true, err);
}

static int run(struct job *j, struct hull_error **err)
{
	struct hull_gc_options o = {.dry_run = j->dry_run,
				    .deadline_ns = hull_deadline_ms(j->deadline_ms)};

	for (size_t i = 0; i < ARRAY_SIZE(j->lists); i++)
		j->lists[i] = hull_json_array();
	if (hull_catalogue_open(o.deadline_ns, &j->store, err) < 0 ||
	    hull_loop_new(&j->loop, err) < 0 || hull_gc(j->store, j->loop, &o, on_item, j, err) < 0)
		return -1;
	return report(j, err);
}

int hull_cmd_gc(const struct hull_verb *verb, int argc, char **argv)
{
	cleanup_error struct hull_error *err = NULL;
	struct job j = {.deadline_ms = DEADLINE_MS};
	int r = hull_opts_parse_all(verb, argc, argv, on_option, &j, &err);
	int code = r < 0 ? HULL_EXIT_USAGE : HULL_EXIT_OK;

	if (r == 0) {
		r = run(&j, &err);
		code = r < 0		     ? hull_exit_code(err)
		       : j.n[HULL_GC_FAILED] ? HULL_EXIT_FAILED
					     : HULL_EXIT_OK;
	}
	if (r < 0)
		hull_out_error(err);
	for (size_t i = 0; i < ARRAY_SIZE(j.lists); i++)
		hull_json_free(j.lists[i]);
	hull_store_close(j.store);
	hull_loop_free(j.loop);
	return code;
}
