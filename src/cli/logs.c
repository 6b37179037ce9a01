/* SPDX-License-Identifier: Apache-2.0
 *
 * "hull logs", see logs.h.  What guests print is not to be trusted: unless it is wanted raw,
 * nothing of it can steer a terminal, whatever it goes through on its way there.
 */
#define _GNU_SOURCE
#include "cli/logs.h"

#include "base/cleanup.h"
#include "base/os.h"
#include "base/printable.h"
#include "base/strbuf.h"
#include "base/text.h"
#include "cli/vms.h"
#include "vm/catalogue.h"
#include "vm/follow.h"

#include <inttypes.h>
#include <signal.h>
#include <string.h>

#define DEADLINE_MS 20000

enum { OPT_TAIL = 2000, OPT_RAW, OPT_RETRY };

const struct hull_opt hull_logs_opts[] = {
	{'f', "follow", NULL, "go on with what is printed, until the VM has ended", NULL},
	{OPT_RETRY, "retry", NULL, "with --follow: wait for its next start, until it is removed",
	 NULL},
	{OPT_TAIL, "tail", "N", "only the last N lines of what is there", NULL},
	HULL_VMS_OPT_SINCE("lines printed"),
	{'t', "timestamps", NULL, "when each line was printed, before it", NULL},
	{OPT_RAW, "raw", NULL, "each byte as it was printed, terminal commands too", NULL},
	{0, NULL, NULL, NULL, NULL},
};
const char hull_logs_details[] = "The log is kept until the VM is removed, the last 4 to 8 MiB of "
				 "it.  Colours are left out,\n"
				 "and other control characters shown like \\x1b.\n"
				 "\n"
				 "Examples:\n"
				 "  hull logs --tail 20 -t web\n"
				 "  hull logs -f --since 5m web\n";

struct logs {
	bool follow, retry, stamps, raw, has_tail;
	uint64_t tail, since_ns;
	char id[HULL_STORE_ID_LEN + 1];
	struct hull_store *store;
	struct hull_loop *loop;
	struct hull_logs *logs;
	struct hull_follow *following;
	struct hull_source *signals, *reader;
	struct hull_printable printable;
	struct hull_strbuf text;
	bool open_line; /* what was shown last has not ended its line */
	int code;
	struct hull_error *err;
};

static int on_option(void *ctx, const struct hull_opt *opt, const char *value,
		     struct hull_error **err)
{
	struct logs *l = ctx;

	switch (opt->id) {
	case 'f':
		l->follow = true;
		return 0;
	case 't':
		l->stamps = true;
		return 0;
	case OPT_RETRY:
		l->retry = true;
		return 0;
	case OPT_RAW:
		l->raw = true;
		return 0;
	case OPT_TAIL:
		l->has_tail = true;
		if (hull_parse_u64(value, UINT32_MAX, &l->tail) == 0)
			return 0;
		return hull_fail(err, HULL_E_INVALID, "'%s' is not a number of lines", value);
	default:
		return hull_vms_when_parse(value, &l->since_ns, err);
	}
}

/* ---- showing ---- */

static void put(struct logs *l, const char *data, size_t len)
{
	if (l->raw) {
		hull_out_bytes(data, len);
		return;
	}
	(void)hull_printable_feed(&l->printable, &l->text, data, len);
	hull_out_bytes(hull_strbuf_str(&l->text), l->text.len);
	hull_strbuf_clear(&l->text);
}

/* What may have been the beginning of something is shown as it is. */
static void put_rest(struct logs *l)
{
	(void)hull_printable_flush(&l->printable, &l->text);
	hull_out_bytes(hull_strbuf_str(&l->text), l->text.len);
	hull_strbuf_clear(&l->text);
}

static void on_piece(void *ctx, const struct hull_logs_piece *p)
{
	struct logs *l = ctx;
	char time[40] = "-";

	if (p->lost)
		hull_out_note("hull: %" PRIu64 " bytes are missing here: they could not be written "
			      "to the log, or not in time",
			      p->lost);
	if (p->begins)
		put_rest(l);
	if (p->begins && l->stamps) {
		if (p->time_ns)
			hull_vms_time(p->time_ns, time);
		hull_out("%s ", time);
	}
	put(l, p->data, p->len);
	l->open_line = p->data[p->len - 1] != '\n';
}

static void end(struct logs *l, int code)
{
	l->code = code;
	hull_loop_quit(l->loop, 0);
}

/* ---- following ---- */

static void on_idle(void *ctx)
{
	if (hull_out_flush() < 0)
		end(ctx, HULL_EXIT_OK); /* hull_out_finish() tells */
}

static void on_over(void *ctx, const struct hull_error *error)
{
	struct logs *l = ctx;

	if (error)
		hull_fail_copy(&l->err, error);
	end(l, error ? hull_exit_code(error) : HULL_EXIT_OK);
}

static void on_signal(void *ctx, int signo)
{
	end(ctx, signo == SIGINT ? HULL_EXIT_OK : 128 + signo);
}

static int follow(struct logs *l, struct hull_error **err)
{
	static const struct hull_follow_ops ops = {
		.piece = on_piece, .idle = on_idle, .over = on_over};
	static const int signals[] = {SIGINT, SIGTERM, SIGHUP};
	int r = hull_loop_heed_signals(l->loop, signals, ARRAY_SIZE(signals), on_signal, l,
				       &l->signals);

	if (r < 0)
		return hull_fail_errno(err, -r, "set up the event loop");
	if (hull_vms_watch_reader(l->loop, &l->reader, err) < 0 ||
	    hull_follow_new(l->loop, l->store, l->id, l->logs, l->retry, &ops, l, &l->following,
			    err) < 0)
		return -1;
	r = hull_loop_run(l->loop);
	if (r < 0)
		return hull_fail_errno(err, -r, "event loop");
	return l->err ? hull_error_move(err, &l->err) : 0;
}

static int logs(struct logs *l, const char *ref, struct hull_error **err)
{
	cleanup_record struct hull_record r = {0};
	uint64_t deadline = hull_deadline_ms(DEADLINE_MS);

	if (hull_catalogue_open(deadline, &l->store, err) < 0 || hull_loop_new(&l->loop, err) < 0 ||
	    hull_catalogue_find(l->store, l->loop, ref, deadline, &r, err) < 0)
		return -1;
	memcpy(l->id, r.id, sizeof(l->id));
	if (hull_logs_open(l->id, &l->logs, err) < 0)
		return -1;
	if (l->since_ns)
		hull_logs_since(l->logs, l->since_ns);
	if (l->has_tail && hull_logs_tail(l->logs, l->tail, err) < 0)
		return -1;
	return l->follow ? follow(l, err) : hull_logs_read(l->logs, on_piece, l, err);
}

static void fini(struct logs *l)
{
	put_rest(l);
	/* A prompt of ours should not stand behind the guest's. */
	if (l->open_line && !l->raw)
		hull_out("\n");
	hull_follow_free(l->following);
	hull_logs_free(l->logs);
	hull_source_remove(&l->signals);
	hull_source_remove(&l->reader);
	hull_loop_free(l->loop);
	hull_store_close(l->store);
	hull_strbuf_fini(&l->text);
	hull_error_free(l->err);
}

int hull_cmd_logs(const struct hull_verb *verb, int argc, char **argv)
{
	cleanup_error struct hull_error *err = NULL;
	struct logs l = {.code = HULL_EXIT_OK};
	int rest, r = hull_opts_parse_mixed(verb, argc, argv, on_option, &l, &rest, &err);

	if (r == 0 && argc - rest != 1) {
		r = hull_fail(&err, HULL_E_INVALID, "'hull logs' takes one VM");
		hull_hint(&err, "'hull ls' shows them");
	} else if (r == 0 && l.retry && !l.follow) {
		r = hull_fail(&err, HULL_E_INVALID, "--retry is for --follow");
	}
	if (r < 0)
		l.code = HULL_EXIT_USAGE;
	else if (r == 0 && logs(&l, argv[rest], &err) < 0)
		l.code = hull_exit_code(err);
	fini(&l);
	if (err)
		hull_out_error(err);
	return l.code;
}
