/* SPDX-License-Identifier: Apache-2.0
 *
 * "hull events", see events.h: what is past is read from the store once those that have ended by
 * themselves are recorded there; what follows comes from vm/watch.h.
 */
#define _GNU_SOURCE
#include "cli/events.h"

#include "base/cleanup.h"
#include "base/os.h"
#include "base/text.h"
#include "cli/vms.h"
#include "vm/catalogue.h"
#include "vm/watch.h"

#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>

#define SETTLE_MS 5000
#define PREFIX_MIN 3
#define AT_ONCE 256

enum { OPT_UNTIL = 2000 };

const struct hull_opt hull_events_opts[] = {
	HULL_VMS_OPT_SINCE("those"),
	{OPT_UNTIL, "until", "TIME", "only those before TIME; with --follow, end then", NULL},
	{'n', "tail", "N", "only the last N of what is past", NULL},
	{HULL_OPT_FILTER, "filter", "KEY=VALUE", "only those of this vm, or of this event", NULL},
	{'f', "follow", NULL, "go on with what happens", NULL},
	HULL_VMS_OPT_OUTPUT("table or jsonl"),
	{0, NULL, NULL, NULL, NULL},
};

const char hull_events_details[] =
	"Events are created, starting, running, paused, resumed, stopping, stopped, error,\n"
	"start-failed, renamed, updated, deleting and deleted.\n"
	"\n"
	"Examples:\n"
	"  hull events --since 5m -o jsonl\n"
	"  hull events -f -n 0 --filter event=error --filter event=start-failed\n";

struct events {
	uint64_t since_ns, until_ns; /* 0: none */
	uint64_t tail, skip;	     /* of those that pass */
	bool has_tail, follow, jsonl;
	struct {
		struct hull_label *v;
		size_t n, cap;
	} filters; /* key "vm" or "event" */
	struct hull_store *store;
	struct hull_loop *loop;
	struct hull_watch *watch;
	struct hull_source *signals, *timer, *reader;
	uint64_t seq, passed; /* of the last one; how many have passed so far */
	int code;
	struct hull_error *err; /* of the following */
};

/* ---- options ---- */

static int add_filter(struct events *e, const char *value, struct hull_error **err)
{
	static const char *const keys[] = {"vm", "event", NULL};
	const char *eq = strchr(value, '=');
	cleanup_free char *key = eq ? strndup(value, (size_t)(eq - value)) : strdup(value);
	struct hull_label *f;

	if (!key)
		return hull_fail_nomem(err);
	if (hull_name_index("filter", key, keys, err) < 0)
		return -1;
	if (!eq || !eq[1]) {
		hull_fail(err, HULL_E_INVALID, "'%s' says nothing to look for", value);
		hull_hint(err, "write it like vm=web or event=error");
		return -1;
	}
	if (!strcmp(key, "event") && hull_name_index("event", eq + 1, hull_event_kinds, err) < 0)
		return -1;
	f = hull_vec_push(&e->filters);
	if (!f)
		return hull_fail_nomem(err);
	f->key = steal_ptr(&key);
	f->value = strdup(eq + 1);
	return f->value ? 0 : hull_fail_nomem(err);
}

static int set_format(struct events *e, const char *value, struct hull_error **err)
{
	static const char *const names[] = {"table", "jsonl", NULL};
	int i = hull_name_index("format", value, names, err);

	e->jsonl = i == 1;
	return i < 0 ? -1 : 0;
}

static int on_option(void *ctx, const struct hull_opt *opt, const char *value,
		     struct hull_error **err)
{
	struct events *e = ctx;

	switch (opt->id) {
	case HULL_OPT_SINCE:
		return hull_vms_when_parse(value, &e->since_ns, err);
	case OPT_UNTIL:
		return hull_vms_when_parse(value, &e->until_ns, err);
	case HULL_OPT_FILTER:
		return add_filter(e, value, err);
	case 'f':
		e->follow = true;
		return 0;
	case 'n':
		e->has_tail = true;
		if (hull_parse_u64(value, UINT32_MAX, &e->tail) == 0)
			return 0;
		return hull_fail(err, HULL_E_INVALID, "'%s' is not a number of events", value);
	default:
		return set_format(e, value, err);
	}
}

/* ---- which ---- */

/* A VM that is there may have had another name then: by its id. */
static int resolve(struct events *e, struct hull_error **err)
{
	for (size_t i = 0; i < e->filters.n; i++) {
		cleanup_error struct hull_error *why = NULL;
		cleanup_record struct hull_record r = {0};
		struct hull_label *f = &e->filters.v[i], *id;

		if (strcmp(f->key, "vm") != 0)
			continue;
		if (hull_store_find(e->store, f->value, &r, &why) < 0) {
			if (hull_error_code(why) != HULL_E_NOT_FOUND)
				return hull_error_move(err, &why);
			continue;
		}
		if (!strcmp(f->value, r.id))
			continue;
		id = hull_vec_push(&e->filters);
		if (!id)
			return hull_fail_nomem(err);
		*id = (struct hull_label){.key = strdup("vm"), .value = strdup(r.id)};
		if (!id->key || !id->value)
			return hull_fail_nomem(err);
	}
	return 0;
}

static bool is_of_vm(const struct hull_event *ev, const char *ref)
{
	size_t len = strlen(ref);

	return !strcmp(ev->name, ref) || (len >= PREFIX_MIN && !strncmp(ev->vm, ref, len));
}

/* Terms of one key: any of them. */
static bool passes_filters(const struct events *e, const struct hull_event *ev)
{
	bool wants[2] = {false, false}, is[2] = {false, false};

	for (size_t i = 0; i < e->filters.n; i++) {
		const struct hull_label *f = &e->filters.v[i];
		int of_vm = !strcmp(f->key, "vm");

		wants[of_vm] = true;
		is[of_vm] |= of_vm ? is_of_vm(ev, f->value) : !strcmp(ev->kind, f->value);
	}
	return (!wants[0] || is[0]) && (!wants[1] || is[1]);
}

static bool passes(const struct events *e, const struct hull_event *ev)
{
	return ev->time_ns >= e->since_ns && (!e->until_ns || ev->time_ns < e->until_ns) &&
	       passes_filters(e, ev);
}

/* ---- printing ---- */

static int print_json(const struct hull_event *ev, struct hull_error **err)
{
	cleanup_json struct hull_json *j = hull_json_object();
	char time[40];
	int r = j ? 0 : -ENOMEM;

	hull_vms_time(ev->time_ns, time);
	r |= hull_json_set(j, "seq", hull_json_u64(ev->seq));
	r |= hull_json_set(j, "time", hull_json_string(time));
	r |= hull_json_set(j, "event", hull_json_string(ev->kind));
	r |= hull_json_set(j, "vm", hull_json_string(ev->vm));
	if (*ev->name)
		r |= hull_json_set(j, "name", hull_json_string(ev->name));
	if (*ev->detail)
		r |= hull_json_set(j, "detail", hull_json_string(ev->detail));
	return r ? hull_fail_nomem(err) : hull_vms_print_json(j, false, err);
}

#define ROW "%-24.24s  %-12.12s  %-12s  %-20s  %s"

static void print_row(const struct hull_event *ev)
{
	bool bad = !strcmp(ev->kind, "error") || !strcmp(ev->kind, "start-failed");
	char time[40];

	hull_vms_time(ev->time_ns, time);
	memcpy(time + 23, "Z", 2); /* to the millisecond */
	hull_out_styled(bad ? HULL_OUT_BAD : HULL_OUT_PLAIN, ROW, time, ev->vm, ev->kind,
			*ev->name ? ev->name : "-", ev->detail);
	hull_out("\n");
}

static int print(const struct events *e, const struct hull_event *ev, struct hull_error **err)
{
	if (e->jsonl)
		return print_json(ev, err);
	print_row(ev);
	return 0;
}

/* Those between were forgotten before we came to read them. */
static void note_gap(struct events *e, const struct hull_event *ev)
{
	if (e->seq && ev->seq > e->seq + 1)
		hull_out_note("hull: %" PRIu64 " events were forgotten before they were read",
			      ev->seq - e->seq - 1);
	e->seq = ev->seq;
}

/* ---- what is past ---- */

static int count_one(void *ctx, const struct hull_event *ev)
{
	struct events *e = ctx;

	e->passed += passes(e, ev);
	e->seq = ev->seq;
	return 0;
}

/* Of those up to @last, which were counted. */
static int print_counted(struct events *e, uint64_t last, struct hull_error **err)
{
	uint64_t seq = 0;

	while (seq < last) {
		cleanup_events struct hull_events list = {0};

		if (hull_store_read_events(e->store, seq, AT_ONCE, &list, err) < 0)
			return -1;
		for (size_t i = 0; i < list.n && list.v[i].seq <= last; i++) {
			if (!passes(e, &list.v[i]))
				continue;
			if (e->skip)
				e->skip--;
			else if (print(e, &list.v[i], err) < 0)
				return -1;
		}
		if (!list.n)
			break;
		seq = list.v[list.n - 1].seq;
	}
	return 0;
}

static int print_past(struct events *e, struct hull_error **err)
{
	cleanup_records struct hull_records list = {0};
	cleanup_error struct hull_error *trouble = NULL;

	/* Whatever has ended by itself should be among them. */
	if (hull_catalogue_list(e->store, e->loop, hull_deadline_ms(SETTLE_MS), &list, &trouble,
				err) < 0)
		return -1;
	if (trouble)
		hull_out_error(trouble);
	if (resolve(e, err) < 0 || hull_store_events(e->store, 0, count_one, e, err) < 0)
		return -1;
	if (e->has_tail && e->passed > e->tail)
		e->skip = e->passed - e->tail;
	if (!e->jsonl)
		hull_out_styled(HULL_OUT_STRONG, ROW "\n", "TIME", "ID", "EVENT", "NAME", "DETAIL");
	return print_counted(e, e->seq, err);
}

/* ---- what follows ---- */

static void end(struct events *e, int code)
{
	e->code = code;
	hull_loop_quit(e->loop, 0);
}

static void on_event(void *ctx, const struct hull_event *ev)
{
	struct events *e = ctx;

	if (e->err)
		return;
	note_gap(e, ev);
	if (passes(e, ev) && print(e, ev, &e->err) < 0)
		end(e, HULL_EXIT_FAILED);
}

static void on_idle(void *ctx)
{
	if (hull_out_flush() < 0)
		end(ctx, HULL_EXIT_OK); /* hull_out_finish() tells */
}

static void on_failed(void *ctx, const struct hull_error *error)
{
	struct events *e = ctx;

	if (!e->err)
		hull_fail_copy(&e->err, error);
	end(e, hull_exit_code(error));
}

static void on_signal(void *ctx, int signo)
{
	end(ctx, signo == SIGINT ? HULL_EXIT_OK : 128 + signo);
}

static void on_until(void *ctx)
{
	struct events *e = ctx;
	uint64_t now = hull_realtime_ns();

	if (now >= e->until_ns)
		end(e, HULL_EXIT_OK);
	else
		hull_source_arm(e->timer, hull_now_ns() + (e->until_ns - now));
}

/* A descriptor for each VM that runs. */
static void allow_descriptors(void)
{
	struct rlimit l;

	if (getrlimit(RLIMIT_NOFILE, &l) < 0)
		return;
	l.rlim_cur = l.rlim_max;
	(void)setrlimit(RLIMIT_NOFILE, &l);
}

static int follow(struct events *e, struct hull_error **err)
{
	static const struct hull_watch_ops ops = {
		.event = on_event, .idle = on_idle, .failed = on_failed};
	static const int signals[] = {SIGINT, SIGTERM, SIGHUP};
	int r;

	allow_descriptors();
	r = hull_loop_heed_signals(e->loop, signals, ARRAY_SIZE(signals), on_signal, e,
				   &e->signals);
	if (r == 0 && e->until_ns)
		r = hull_loop_add_timer(e->loop, on_until, e, &e->timer);
	if (r < 0)
		return hull_fail_errno(err, -r, "set up the event loop");
	if (e->timer)
		hull_source_arm(e->timer, 1);
	hull_store_set_deadline(e->store, 0);
	if (hull_vms_watch_reader(e->loop, &e->reader, err) < 0 ||
	    hull_watch_new(e->loop, e->store, e->seq, NULL, &ops, e, &e->watch, err) < 0)
		return -1;
	r = hull_loop_run(e->loop);
	if (r < 0)
		return hull_fail_errno(err, -r, "event loop");
	return e->err ? hull_error_move(err, &e->err) : 0;
}

static int events(struct events *e, struct hull_error **err)
{
	if (hull_catalogue_open(hull_deadline_ms(SETTLE_MS), &e->store, err) < 0 ||
	    hull_loop_new(&e->loop, err) < 0 || print_past(e, err) < 0)
		return -1;
	(void)hull_out_flush();
	return e->follow ? follow(e, err) : 0;
}

static void fini(struct events *e)
{
	hull_watch_free(e->watch);
	hull_source_remove(&e->signals);
	hull_source_remove(&e->timer);
	hull_source_remove(&e->reader);
	hull_loop_free(e->loop);
	hull_store_close(e->store);
	for (size_t i = 0; i < e->filters.n; i++) {
		free(e->filters.v[i].key);
		free(e->filters.v[i].value);
	}
	free(e->filters.v);
	hull_error_free(e->err);
}

int hull_cmd_events(const struct hull_verb *verb, int argc, char **argv)
{
	cleanup_error struct hull_error *err = NULL;
	struct events e = {.code = HULL_EXIT_OK};
	int r = hull_opts_parse_all(verb, argc, argv, on_option, &e, &err);

	if (r < 0)
		e.code = HULL_EXIT_USAGE;
	else if (r == 0 && events(&e, &err) < 0)
		e.code = hull_exit_code(err);
	if (err)
		hull_out_error(err);
	fini(&e);
	return e.code;
}
