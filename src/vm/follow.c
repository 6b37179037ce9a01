/* SPDX-License-Identifier: Apache-2.0
 *
 * Following logs, see follow.h.
 */
#define _GNU_SOURCE
#include "vm/follow.h"

#include "base/cleanup.h"
#include "vm/states.h"
#include "vm/watch.h"

#include <stdio.h>

struct hull_follow {
	struct hull_store *store;
	char id[HULL_STORE_ID_LEN + 1];
	struct hull_logs *logs;
	bool beyond, ended;
	const struct hull_follow_ops *ops;
	void *ctx;
	struct hull_watch *watch;
	struct hull_source *first;
};

static void end(struct hull_follow *f, const struct hull_error *error)
{
	if (f->ended)
		return;
	f->ended = true;
	f->ops->over(f->ctx, error);
}

static void show(void *ctx)
{
	cleanup_error struct hull_error *err = NULL;
	struct hull_follow *f = ctx;

	if (f->ended)
		return;
	if (hull_logs_read(f->logs, f->ops->piece, f->ctx, &err) < 0)
		end(f, err);
	else
		f->ops->idle(f->ctx);
}

/* Whether more can come. */
static bool is_over(struct hull_follow *f)
{
	cleanup_error struct hull_error *err = NULL;
	cleanup_record struct hull_record r = {0};

	if (hull_store_find(f->store, f->id, &r, &err) < 0)
		return hull_error_code(err) == HULL_E_NOT_FOUND;
	return !f->beyond && !hull_state_is_live(r.state);
}

static void on_event(void *ctx, const struct hull_event *event)
{
	/* The record says more. */
}

static void on_idle(void *ctx)
{
	struct hull_follow *f = ctx;

	if (!is_over(f))
		return;
	show(f);
	end(f, NULL);
}

static void on_failed(void *ctx, const struct hull_error *error)
{
	end(ctx, error);
}

static int last_event(void *ctx, const struct hull_event *event)
{
	*(uint64_t *)ctx = event->seq;
	return 0;
}

/* What was printed before we watched is shown after that. */
static int watch(struct hull_follow *f, struct hull_loop *loop, struct hull_error **err)
{
	static const struct hull_watch_ops ops = {
		.event = on_event, .idle = on_idle, .failed = on_failed};
	uint64_t seq = 0;
	int r;

	hull_store_set_deadline(f->store, 0);
	if (hull_logs_watch(f->logs, loop, show, f, err) < 0 ||
	    hull_store_events(f->store, 0, last_event, &seq, err) < 0 ||
	    hull_watch_new(loop, f->store, seq, f->id, &ops, f, &f->watch, err) < 0)
		return -1;
	r = hull_loop_add_timer(loop, show, f, &f->first);
	if (r < 0)
		return hull_fail_errno(err, -r, "set up the event loop");
	hull_source_arm(f->first, 1);
	return 0;
}

int hull_follow_new(struct hull_loop *loop, struct hull_store *store, const char *id,
		    struct hull_logs *logs, bool beyond, const struct hull_follow_ops *ops,
		    void *ctx, struct hull_follow **ret, struct hull_error **err)
{
	struct hull_follow *f = calloc(1, sizeof(*f));

	if (!f)
		return hull_fail_nomem(err);
	f->store = store;
	f->logs = logs;
	f->beyond = beyond;
	f->ops = ops;
	f->ctx = ctx;
	snprintf(f->id, sizeof(f->id), "%s", id);
	if (watch(f, loop, err) < 0) {
		hull_follow_free(f);
		return -1;
	}
	*ret = f;
	return 0;
}

void hull_follow_free(struct hull_follow *f)
{
	if (!f)
		return;
	hull_watch_free(f->watch);
	hull_source_remove(&f->first);
	free(f);
}
