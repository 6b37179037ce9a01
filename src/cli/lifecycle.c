/* SPDX-License-Identifier: Apache-2.0
 *
 * One verb on many VMs, see lifecycle.h: as many at once as the pool has room for, each with its
 * own result, printed in the order they were named.  What succeeded is on standard output, what
 * failed on standard error; with -o json all of it is one object.
 */
#define _GNU_SOURCE
#include "cli/lifecycle.h"

#include "base/cleanup.h"
#include "base/os.h"
#include "base/text.h"
#include "cli/settings.h"
#include "cli/vms.h"
#include "vm/batch.h"
#include "vm/catalogue.h"

#include <signal.h>
#include <stdio.h>
#include <string.h>

#define STOP_MS 10000
#define SLACK_MS 20000	/* for all but starting, which takes as long as the guest boots */
#define START_MS 300000 /* the guest's own boot timeout is shorter */

const struct hull_opt hull_lifecycle_opts[] = {
	HULL_VMS_OPT_ALL,
	HULL_VMS_OPT_FILTER,
	HULL_VMS_OPT_DEADLINE,
	HULL_VMS_OPT_OUTPUT("name or json"),
	{'q', "quiet", NULL, "print nothing but errors", NULL},
	{0, NULL, NULL, NULL, NULL},
};
const struct hull_opt hull_stop_opts[] = {
	HULL_VMS_OPT_ALL,
	HULL_VMS_OPT_FILTER,
	{'t', "time", "TIME", "how long the guest may take to power off (default 10s)", NULL},
	HULL_VMS_OPT_DEADLINE,
	HULL_VMS_OPT_OUTPUT("name or json"),
	{'q', "quiet", NULL, "print nothing but errors", NULL},
	{0, NULL, NULL, NULL, NULL},
};
const struct hull_opt hull_rm_opts[] = {
	HULL_VMS_OPT_ALL,
	HULL_VMS_OPT_FILTER,
	{'f', "force", NULL, "kill it first if it runs; one that is not there is no error", NULL},
	HULL_VMS_OPT_DEADLINE,
	HULL_VMS_OPT_OUTPUT("name or json"),
	{'q', "quiet", NULL, "print nothing but errors", NULL},
	{0, NULL, NULL, NULL, NULL},
};

const char hull_stop_details[] =
	"The guest is asked to power off: by its agent, else by the machine's power button.  One\n"
	"that has not done so in time is killed.  Programs that run get SIGTERM, and most of the\n"
	"time to end.  To stop a VM that is stopped is no error.\n";
const char hull_rm_details[] = "A VM that runs is refused, unless --force kills it.\n";
const char hull_wait_details[] =
	"Waits until the VMs have ended, and prints how: their states and reasons.\n";

struct result {
	bool done;
	bool absent; /* there was nothing to remove */
	char *already;
	struct hull_record record; /* id "": removed */
	struct hull_error *error;
};

struct job {
	struct hull_task_options o;
	enum hull_vms_format format;
	bool all, quiet, timed;
	uint64_t deadline_ms;
	struct hull_vms_filter filter;
	struct hull_store *store;
	struct hull_loop *loop;
	struct hull_targets targets;
	struct result *results; /* one for each target */
	size_t *index;		/* of the batch's into the targets */
	int code;
};

static const struct kind {
	const char *verb;
	enum hull_task_kind kind;
	uint64_t ms;
} kinds[] = {
	{"kill", HULL_TASK_KILL, SLACK_MS},	  {"pause", HULL_TASK_PAUSE, SLACK_MS},
	{"restart", HULL_TASK_RESTART, START_MS}, {"resume", HULL_TASK_RESUME, SLACK_MS},
	{"rm", HULL_TASK_REMOVE, SLACK_MS},	  {"start", HULL_TASK_START, START_MS},
	{"stop", HULL_TASK_STOP, SLACK_MS},	  {"wait", HULL_TASK_WAIT, 0},
};

static int on_option(void *ctx, const struct hull_opt *opt, const char *value,
		     struct hull_error **err)
{
	struct job *j = ctx;

	switch (opt->id) {
	case 'a':
		j->all = true;
		return 0;
	case 'f':
		j->o.force = true;
		return 0;
	case 'q':
		j->quiet = true;
		return 0;
	case 't':
		if (hull_parse_duration(value, &j->o.stop_ms) == 0)
			return 0;
		break;
	case HULL_OPT_DEADLINE:
		j->timed = true;
		if (hull_parse_duration(value, &j->deadline_ms) == 0 && j->deadline_ms)
			return 0;
		break;
	case HULL_OPT_FILTER:
		return hull_vms_filter_add(&j->filter, value, err);
	default:
		return hull_vms_format_parse_one(value, &j->format, err);
	}
	hull_fail(err, HULL_E_INVALID, "'%s' is not a time", value);
	hull_hint(err, "write it like 30s, 5m or 2h");
	return -1;
}

/* ---- doing ---- */

/* Outlives the outcome: what belongs to the task is copied. */
static void keep(struct result *r, const struct hull_task_outcome *o)
{
	r->done = true;
	if (o->error)
		hull_fail_copy(&r->error, o->error);
	if (o->already)
		r->already = strdup(o->already);
	if (o->record) {
		r->record = *o->record;
		*o->record = (struct hull_record){0};
	}
}

static void on_done(void *ctx, size_t index, const struct hull_task_outcome *outcome)
{
	struct job *j = ctx;
	size_t i = j->index[index];

	keep(&j->results[i], outcome);
	for (size_t n = 0; outcome->notes && n < outcome->notes->n && !j->quiet; n++)
		hull_out_note("hull: %s: %s", j->targets.v[i].ref, outcome->notes->v[n]);
}

static void on_all(void *ctx)
{
	struct job *j = ctx;

	hull_loop_quit(j->loop, 0);
}

static void on_signal(void *ctx, int signo)
{
	struct job *j = ctx;

	j->code = 128 + signo;
	if (j->o.kind != HULL_TASK_WAIT && !j->quiet)
		hull_out_note(
			"hull: interrupted; what was begun goes on, or the next verb undoes it");
	hull_loop_quit(j->loop, 0);
}

static int find(struct job *j, const struct hull_verb *verb, int argc, char **argv, int rest,
		struct hull_error **err)
{
	bool selects = j->all || j->filter.terms.n;

	if (selects && rest < argc) {
		hull_fail(err, HULL_E_INVALID,
			  "'%s': VMs are named, or chosen by --all and "
			  "--filter, not both",
			  argv[rest]);
		return -1;
	}
	if (!selects && rest == argc) {
		hull_fail(err, HULL_E_INVALID, "no VM was named");
		hull_hint(err, "'hull ls' shows them; 'hull %s --all' takes all", verb->name);
		return -1;
	}
	return selects ? hull_targets_all(j->store, &j->filter, &j->targets, err)
		       : hull_targets_find(j->store, argv + rest, (size_t)(argc - rest),
					   &j->targets, err);
}

/* Those that could be found. */
static int gather(struct job *j, struct hull_strv *ids, struct hull_error **err)
{
	j->results = calloc(j->targets.n + 1, sizeof(*j->results));
	j->index = calloc(j->targets.n + 1, sizeof(*j->index));
	if (!j->results || !j->index)
		return hull_fail_nomem(err);
	for (size_t i = 0; i < j->targets.n; i++) {
		struct hull_target *t = &j->targets.v[i];

		if (t->error) {
			/* What is not there need not be removed. */
			j->results[i].done = true;
			j->results[i].absent =
				j->o.force && hull_error_code(t->error) == HULL_E_NOT_FOUND;
			if (!j->results[i].absent)
				j->results[i].error = steal_ptr(&t->error);
			continue;
		}
		j->index[ids->n] = i;
		if (hull_strv_add(ids, t->id) < 0)
			return hull_fail_nomem(err);
	}
	return 0;
}

static int run(struct job *j, struct hull_error **err)
{
	static const struct hull_batch_ops ops = {.done = on_done, .all = on_all};
	static const int signals[] = {SIGINT, SIGTERM, SIGHUP};
	cleanup_strv struct hull_strv ids = {0};
	struct hull_source *source = NULL;
	struct hull_batch *batch = NULL;
	int r;

	if (gather(j, &ids, err) < 0)
		return -1;
	r = hull_loop_heed_signals(j->loop, signals, ARRAY_SIZE(signals), on_signal, j, &source);
	if (r < 0)
		return hull_fail_errno(err, -r, "set up the event loop");
	r = hull_batch_new(j->loop, j->store, &ids, &j->o, &ops, j, &batch, err);
	if (r == 0) {
		r = hull_loop_run(j->loop);
		if (r < 0)
			hull_fail_errno(err, -r, "event loop");
	}
	hull_batch_free(batch);
	hull_source_remove(&source);
	return r < 0 ? -1 : 0;
}

/* ---- telling ---- */

static int report_json(struct job *j, struct hull_error **err)
{
	cleanup_json struct hull_json *out = hull_json_object();
	struct hull_json *good = hull_json_array(), *bad = hull_json_array();
	int e = out ? 0 : -ENOMEM;

	for (size_t i = 0; i < j->targets.n && !e; i++) {
		struct result *r = &j->results[i];
		struct hull_json *item = r->error	 ? hull_vms_error_json(r->error)
					 : *r->record.id ? hull_vms_json(&r->record)
							 : hull_json_object();

		if (!item)
			return hull_fail_nomem(err);
		if (r->error || !*r->record.id)
			e |= hull_json_set(item, "ref", hull_json_string(j->targets.v[i].ref));
		if (!r->error)
			e |= hull_json_set(item, "unchanged",
					   hull_json_bool(r->already || r->absent));
		e |= hull_json_append(r->error ? bad : good, item);
	}
	e |= hull_json_set(out, "succeeded", good);
	e |= hull_json_set(out, "failed", bad);
	return e ? hull_fail_nomem(err) : hull_vms_print_json(out, true, err);
}

static void report_name(const struct job *j, const struct hull_target *t, const struct result *r)
{
	if (r->already && !j->quiet)
		hull_out_note("hull: VM '%s' %s", t->ref, r->already);
	if (j->quiet || r->absent)
		return;
	if (j->o.kind == HULL_TASK_WAIT && r->record.reason)
		hull_out("%s %s %s\n", t->ref, hull_vm_state_names[r->record.state],
			 *r->record.reason ? r->record.reason : "-");
	else
		hull_out("%s\n", t->ref);
}

static bool speaks_of(const struct hull_error *error, const char *ref)
{
	char quoted[HULL_STORE_NAME_MAX + 3];

	snprintf(quoted, sizeof(quoted), "'%s'", ref);
	return strstr(hull_error_message(error), quoted) != NULL;
}

/* Of whom it speaks is said once. */
static void report_error(const struct hull_target *t, const struct result *r,
			 struct hull_error **error)
{
	if (!speaks_of(*error, t->ref) && (!r->record.name || !speaks_of(*error, r->record.name)))
		(void)hull_prefix(error, "VM '%s'", t->ref);
	hull_out_error(*error);
}

/* A single one's error says what the exit code is; of many, that one failed. */
static int report(struct job *j, struct hull_error **err)
{
	size_t failed = 0;

	for (size_t i = 0; i < j->targets.n; i++) {
		struct result *r = &j->results[i];

		if (!r->done)
			continue;
		failed += r->error != NULL;
		if (r->error && !j->code)
			j->code = j->targets.n == 1 ? hull_exit_code(r->error) : HULL_EXIT_FAILED;
		if (r->error && j->format != HULL_VMS_JSON)
			report_error(&j->targets.v[i], r, &r->error);
		else if (!r->error && j->format != HULL_VMS_JSON)
			report_name(j, &j->targets.v[i], r);
	}
	if (failed && j->targets.n > 1 && j->format != HULL_VMS_JSON)
		hull_out_note("hull: %zu of %zu failed", failed, j->targets.n);
	return j->format == HULL_VMS_JSON ? report_json(j, err) : 0;
}

static void fini(struct job *j)
{
	for (size_t i = 0; j->results && i < j->targets.n; i++) {
		free(j->results[i].already);
		hull_record_fini(&j->results[i].record);
		hull_error_free(j->results[i].error);
	}
	free(j->results);
	free(j->index);
	hull_targets_fini(&j->targets);
	hull_vms_filter_fini(&j->filter);
	hull_store_close(j->store);
	hull_loop_free(j->loop);
}

static int do_all(struct job *j, const struct hull_verb *verb, int argc, char **argv, int rest,
		  struct hull_error **err)
{
	uint64_t deadline = j->deadline_ms ? hull_deadline_ms(j->deadline_ms) : 0;

	const struct hull_settings *settings = hull_cli_settings(err);

	if (!settings)
		return -1;
	j->o.guest_dir = settings->guest_dir;
	j->o.deadline_ns = deadline;
	if (hull_catalogue_open(deadline, &j->store, err) < 0 || hull_loop_new(&j->loop, err) < 0 ||
	    find(j, verb, argc, argv, rest, err) < 0 || run(j, err) < 0)
		return -1;
	return report(j, err);
}

int hull_cmd_lifecycle(const struct hull_verb *verb, int argc, char **argv)
{
	cleanup_error struct hull_error *err = NULL;
	struct job j = {.format = HULL_VMS_NAME, .o.stop_ms = STOP_MS};
	const struct kind *k = kinds;
	int rest, r;

	while (strcmp(k->verb, verb->name) != 0)
		k++;
	j.o.kind = k->kind;
	r = hull_opts_parse_mixed(verb, argc, argv, on_option, &j, &rest, &err);
	if (r == 0) {
		if (!j.timed)
			j.deadline_ms = k->ms ? k->ms + j.o.stop_ms : 0;
		r = do_all(&j, verb, argc, argv, rest, &err);
		if (r < 0)
			j.code = hull_error_code(err) == HULL_E_INVALID ? HULL_EXIT_USAGE
									: hull_exit_code(err);
	} else if (r < 0) {
		j.code = HULL_EXIT_USAGE;
	}
	if (r < 0)
		hull_out_error(err);
	fini(&j);
	return j.code;
}
