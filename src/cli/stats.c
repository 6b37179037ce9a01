/* SPDX-License-Identifier: Apache-2.0
 *
 * Rounds of what VMs use, and "hull stats", see stats.h.
 */
#define _GNU_SOURCE
#include "cli/stats.h"

#include "base/cleanup.h"
#include "base/os.h"
#include "base/text.h"
#include "vm/catalogue.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define ANSWER_MS 2000 /* what a VM that does not answer costs the others */
#define INTERVAL_MS 1000
#define INTERVAL_LEAST_MS 100
#define TOP_INTERVAL_MS 2000

enum { OPT_INTERVAL = 2000 };

#define OPT_ROWS                                                                              \
	{OPT_INTERVAL, "interval", "TIME", "from one round to the next (stats: 1s, top: 2s)", \
	 NULL},                                                                               \
	{                                                                                     \
		'n', "times", "N", "end after N rounds", NULL                                 \
	}

const struct hull_opt hull_stats_opts[] = {
	OPT_ROWS,
	HULL_VMS_OPT_OUTPUT("table, json or jsonl"),
	{0, NULL, NULL, NULL, NULL},
};
const struct hull_opt hull_top_opts[] = {
	OPT_ROWS,
	{0, NULL, NULL, NULL, NULL},
};

const char hull_stats_details[] = "Tells what VMs use, all that run if none is named: once, after "
				  "an interval in which their\n"
				  "CPU time is measured; with --interval again and again.\n";
const char hull_top_details[] =
	"Keys: c sorts by CPU time, m by memory, q quits.  Without a terminal it prints lines.\n";

static int on_option(void *ctx, const struct hull_opt *opt, const char *value,
		     struct hull_error **err)
{
	struct hull_stats_job *j = ctx;

	switch (opt->id) {
	case 'n':
		if (hull_parse_u64(value, UINT32_MAX, &j->times) == 0 && j->times)
			return 0;
		hull_fail(err, HULL_E_INVALID, "'%s' is not a number of rounds", value);
		hull_hint(err, "it is 1 or more");
		return -1;
	case OPT_INTERVAL:
		if (hull_parse_duration(value, &j->interval_ms) == 0 &&
		    j->interval_ms >= INTERVAL_LEAST_MS)
			return 0;
		hull_fail(err, HULL_E_INVALID, "'%s' is not an interval", value);
		hull_hint(err, "write it like 500ms or 2s; it is %d ms at least",
			  INTERVAL_LEAST_MS);
		return -1;
	default:
		if (hull_vms_format_parse(value, &j->format, err) < 0)
			return -1;
		return j->format != HULL_VMS_NAME ? 0
						  : hull_fail(err, HULL_E_INVALID,
							      "format 'name' is not for this; use "
							      "table, json or jsonl");
	}
}

/* ---- rounds ---- */

static void round_fini(struct hull_stats_round *r)
{
	for (size_t i = 0; r->stats && i < r->vms.n; i++)
		hull_vm_stats_fini(&r->stats[i]);
	free(r->stats);
	free(r->rows);
	hull_records_fini(&r->vms);
	*r = (struct hull_stats_round){0};
}

static int find(struct hull_stats_job *j, bool quiet, struct hull_records *ret,
		struct hull_error **err)
{
	if (!j->n_refs) {
		cleanup_error struct hull_error *trouble = NULL;

		if (hull_stats_find(j->store, j->loop, NULL, hull_deadline_ms(ANSWER_MS), ret,
				    &trouble, err) < 0)
			return -1;
		if (trouble && !quiet) {
			hull_out_error(trouble);
			j->code = HULL_EXIT_FAILED;
		}
		return 0;
	}
	for (size_t i = 0; i < j->n_refs; i++) {
		cleanup_error struct hull_error *why = NULL;

		if (hull_stats_find(j->store, j->loop, j->refs[i], hull_deadline_ms(ANSWER_MS), ret,
				    NULL, &why) == 0)
			continue;
		if (!quiet)
			hull_out_error(why);
		j->code = j->n_refs == 1 ? hull_exit_code(why) : HULL_EXIT_FAILED;
	}
	return 0;
}

static int64_t measure(const struct hull_stats_round *before, const struct hull_record *vm,
		       const struct hull_vm_stats *now)
{
	for (size_t i = 0; i < before->vms.n; i++) {
		const struct hull_vm_stats *was = &before->stats[i];
		const struct hull_record *r = &before->vms.v[i];

		if (strcmp(r->id, vm->id) != 0 || r->monitor.pid != vm->monitor.pid ||
		    r->monitor.start != vm->monitor.start || now->at_ns <= was->at_ns)
			continue;
		/* Of processes without a group those that have ended may be missing. */
		return now->cpu_ns < was->cpu_ns ? 0
						 : (int64_t)((now->cpu_ns - was->cpu_ns) * 1000 /
							     (now->at_ns - was->at_ns));
	}
	return -1;
}

int hull_stats_round(struct hull_stats_job *j, bool quiet, struct hull_error **err)
{
	struct hull_stats_round now = {0};

	if (find(j, quiet, &now.vms, err) < 0)
		goto fail;
	now.stats = calloc(now.vms.n + 1, sizeof(*now.stats));
	now.rows = calloc(now.vms.n + 1, sizeof(*now.rows));
	if (!now.stats || !now.rows) {
		hull_fail_nomem(err);
		goto fail;
	}
	if (hull_stats_gather(j->loop, &now.vms, ANSWER_MS, now.stats, err) < 0)
		goto fail;
	for (size_t i = 0; i < now.vms.n; i++)
		now.rows[i] =
			(struct hull_stats_row){&now.vms.v[i], &now.stats[i],
						measure(&j->last, &now.vms.v[i], &now.stats[i])};
	round_fini(&j->last);
	j->last = now;
	return 0;
fail:
	round_fini(&now);
	return -1;
}

static void on_time(void *ctx)
{
	hull_loop_quit(ctx, 0);
}

int hull_stats_wait(struct hull_stats_job *j, struct hull_error **err)
{
	struct hull_source *timer;
	int r = hull_loop_add_timer(j->loop, on_time, j->loop, &timer);

	if (r == 0) {
		hull_source_arm(timer, hull_deadline_ms(j->interval_ms));
		r = hull_loop_run(j->loop);
		hull_source_remove(&timer);
	}
	return r < 0 ? hull_fail_errno(err, -r, "event loop") : 0;
}

/* ---- the table ---- */

static void pair(bool known, uint64_t a, uint64_t b, char buf[72])
{
	char one[32], other[32];

	hull_vms_short_size(a, one);
	hull_vms_short_size(b, other);
	snprintf(buf, 72, known ? "%s / %s" : "-", one, other);
}

void hull_stats_line(const struct hull_stats_row *row, char buf[HULL_STATS_LINE])
{
	char name[16], cpu[32] = "-", time[48], private[32], shared[32], guest[72], disk[72],
		       net[72];
	const struct hull_vm_stats *s;

	if (!row) {
		snprintf(buf, HULL_STATS_LINE, "%-16s  %6s  %9s  %10s  %10s  %21s  %21s  %21s  %4s",
			 "NAME", "CPU%", "TIME", "PRIVATE", "SHARED", "GUEST USED/TOTAL",
			 "DISK READ/WRITTEN", "NET IN/OUT", "PIDS");
		return;
	}
	s = row->stats;
	if (row->cpu_milli >= 0)
		snprintf(cpu, sizeof(cpu), "%" PRId64 ".%" PRId64, row->cpu_milli / 10,
			 row->cpu_milli % 10);
	snprintf(time, sizeof(time), "%" PRIu64 ".%02" PRIu64 "s", s->cpu_ns / HULL_NS_PER_S,
		 s->cpu_ns % HULL_NS_PER_S / 10000000);
	hull_vms_short_size(s->private_bytes, private);
	hull_vms_short_size(s->shared_bytes, shared);
	pair(s->guest, s->guest_total - s->guest_available, s->guest_total, guest);
	pair(s->disk, s->read_bytes, s->written_bytes, disk);
	pair(s->guest, s->received_bytes, s->sent_bytes, net);
	snprintf(buf, HULL_STATS_LINE, "%-16s  %6s  %9s  %10s  %10s  %21s  %21s  %21s  %4" PRIu64,
		 hull_vms_name(row->vm, name), cpu, time, private, shared, guest, disk, net,
		 s->pids);
}

static void print_table(const struct hull_stats_round *r)
{
	char line[HULL_STATS_LINE];

	hull_stats_line(NULL, line);
	hull_out_styled(HULL_OUT_STRONG, "%s\n", line);
	for (size_t i = 0; i < r->vms.n; i++) {
		hull_stats_line(&r->rows[i], line);
		hull_out_styled(HULL_OUT_PLAIN, "%s\n", line);
	}
}

/* ---- JSON ---- */

static int set_u64(struct hull_json *j, const char *key, bool known, uint64_t v)
{
	return known ? hull_json_set(j, key, hull_json_u64(v)) : 0;
}

static struct hull_json *row_json(const struct hull_stats_row *row)
{
	cleanup_json struct hull_json *j = hull_json_object();
	const struct hull_vm_stats *s = row->stats;
	char time[40];
	int r = j ? 0 : -ENOMEM;

	hull_vms_time(hull_realtime_ns(), time);
	r |= hull_json_set(j, "id", hull_json_string(row->vm->id));
	if (row->vm->name)
		r |= hull_json_set(j, "name", hull_json_string(row->vm->name));
	r |= hull_json_set(j, "state", hull_json_string(hull_vm_state_names[row->vm->state]));
	r |= hull_json_set(j, "at", hull_json_string(time));
	r |= set_u64(j, "cpu_milli", row->cpu_milli >= 0, (uint64_t)row->cpu_milli);
	r |= set_u64(j, "cpu_time_ns", true, s->cpu_ns);
	r |= set_u64(j, "pids", true, s->pids);
	r |= set_u64(j, "private_bytes", true, s->private_bytes);
	r |= set_u64(j, "shared_bytes", true, s->shared_bytes);
	r |= set_u64(j, "guest_total_bytes", s->guest, s->guest_total);
	r |= set_u64(j, "guest_used_bytes", s->guest, s->guest_total - s->guest_available);
	r |= set_u64(j, "balloon_bytes", s->balloon_bytes, s->balloon_bytes);
	r |= set_u64(j, "disk_read_bytes", s->disk, s->read_bytes);
	r |= set_u64(j, "disk_written_bytes", s->disk, s->written_bytes);
	r |= set_u64(j, "net_received_bytes", s->guest, s->received_bytes);
	r |= set_u64(j, "net_sent_bytes", s->guest, s->sent_bytes);
	if (s->error)
		r |= hull_json_set(j, "error", hull_vms_error_json(s->error));
	return r ? NULL : steal_ptr(&j);
}

static int print_json(const struct hull_stats_round *round, bool lines, struct hull_error **err)
{
	cleanup_json struct hull_json *all = hull_json_array();

	for (size_t i = 0; i < round->vms.n; i++) {
		cleanup_json struct hull_json *j = row_json(&round->rows[i]);

		if (!j || (!lines && hull_json_append(all, steal_ptr(&j)) < 0))
			return hull_fail_nomem(err);
		if (lines && hull_vms_print_json(j, false, err) < 0)
			return -1;
	}
	return lines ? 0 : hull_vms_print_json(all, true, err);
}

/* ---- verbs ---- */

/* Why something is missing, which a table has no room for. */
static void note_errors(const struct hull_stats_round *round)
{
	char buf[16];

	for (size_t i = 0; i < round->vms.n; i++)
		if (round->stats[i].error)
			hull_out_note("hull: VM '%s': %s", hull_vms_name(&round->vms.v[i], buf),
				      hull_error_message(round->stats[i].error));
}

int hull_stats_print(struct hull_stats_job *j, struct hull_error **err)
{
	if (hull_stats_round(j, false, err) < 0)
		return -1;
	for (uint64_t n = 0; !j->times || n < j->times; n++) {
		int r = 0;

		if (j->n_refs && !j->last.vms.n)
			return 0; /* nothing is left of those that were named */
		if (hull_stats_wait(j, err) < 0 || hull_stats_round(j, true, err) < 0)
			return -1;
		if (j->format == HULL_VMS_TABLE) {
			print_table(&j->last);
			note_errors(&j->last);
		} else {
			r = print_json(&j->last, j->format == HULL_VMS_JSONL, err);
		}
		if (r < 0 || hull_out_flush() < 0)
			return -1;
	}
	return 0;
}

static int run(struct hull_stats_job *j, const struct hull_verb *verb,
	       int (*show)(struct hull_stats_job *j, struct hull_error **err), int argc,
	       char **argv)
{
	cleanup_error struct hull_error *err = NULL;
	int rest, r = hull_opts_parse_mixed(verb, argc, argv, on_option, j, &rest, &err);

	if (r < 0)
		j->code = HULL_EXIT_USAGE;
	if (r == 0) {
		j->refs = argv + rest;
		j->n_refs = (size_t)(argc - rest);
		if (hull_catalogue_open(hull_deadline_ms(ANSWER_MS), &j->store, &err) < 0 ||
		    hull_loop_new(&j->loop, &err) < 0)
			r = -1;
		else
			hull_store_set_deadline(j->store, 0);
		r = r < 0 ? r : show(j, &err);
		if (r < 0)
			j->code = err ? hull_exit_code(err) : HULL_EXIT_FAILED;
	}
	if (r < 0 && err)
		hull_out_error(err);
	round_fini(&j->last);
	hull_store_close(j->store);
	hull_loop_free(j->loop);
	return j->code;
}

/* Once, unless it was said how often, or for how long from one to the next. */
static int show_stats(struct hull_stats_job *j, struct hull_error **err)
{
	if (!j->times && !j->interval_ms)
		j->times = 1;
	if (!j->interval_ms)
		j->interval_ms = INTERVAL_MS;
	return hull_stats_print(j, err);
}

int hull_cmd_stats(const struct hull_verb *verb, int argc, char **argv)
{
	struct hull_stats_job j = {0};

	return run(&j, verb, show_stats, argc, argv);
}

static int show_top(struct hull_stats_job *j, struct hull_error **err)
{
	if (!j->interval_ms)
		j->interval_ms = TOP_INTERVAL_MS;
	return isatty(STDIN_FILENO) && isatty(STDOUT_FILENO) ? hull_top_show(j, err)
							     : hull_stats_print(j, err);
}

int hull_cmd_top(const struct hull_verb *verb, int argc, char **argv)
{
	struct hull_stats_job j = {0};

	return run(&j, verb, show_top, argc, argv);
}
