/* SPDX-License-Identifier: Apache-2.0
 *
 * Events as they come, and the deaths of monitors, see watch.h.
 *
 * Of each VM that the store says has a run directory there is a descriptor on its monitor.  Where
 * there is none to be had (it has died, or is only about to be started) the VM is settled: which
 * does nothing while somebody else is at work on it, and is repeated with the looks.
 */
#define _GNU_SOURCE
#include "vm/watch.h"

#include "base/cleanup.h"
#include "base/os.h"
#include "base/proc.h"
#include "base/vec.h"
#include "vm/batch.h"
#include "vm/rundir.h"

#include <stdio.h>
#include <string.h>

#define EVENTS_AT_ONCE 256
#define SETTLE_MS 2000
#define LOOKS 6 /* after 1, 4, 16, 64, 256 and 1024 ms */
#define LOOK_MS(n) (UINT64_C(1) << (2 * (n)))

/* A VM that has a run directory. */
struct live {
	struct hull_watch *watch;
	char id[HULL_STORE_ID_LEN + 1];
	struct hull_process_id monitor;
	int pidfd; /* owned; -1: to be settled */
	struct hull_source *source;
};

struct hull_watch {
	struct hull_loop *loop;
	struct hull_store *store;
	const struct hull_watch_ops *ops;
	void *ctx;
	int inotify; /* owned */
	struct hull_source *changed, *look;
	unsigned int looks; /* that were made since the last message */
	uint64_t seq;
	char id[HULL_STORE_ID_LEN + 1]; /* "": all */
	HULL_VEC(struct live *) lives;
	struct hull_batch *batch; /* of those that are being settled */
	bool settled;		  /* it has ended */
	bool failed;
};

static void look_anew(struct hull_watch *w)
{
	w->looks = 0;
	hull_source_arm(w->look, 1);
}

static void fail(struct hull_watch *w, const struct hull_error *error)
{
	if (w->failed)
		return;
	w->failed = true;
	hull_source_remove(&w->changed);
	hull_source_arm(w->look, 0);
	w->ops->failed(w->ctx, error);
}

/* ---- monitors ---- */

static void live_free(struct live *v)
{
	hull_source_remove(&v->source);
	hull_closep(&v->pidfd);
	free(v);
}

static void forget(struct hull_watch *w, size_t i)
{
	live_free(w->lives.v[i]);
	w->lives.v[i] = w->lives.v[--w->lives.n];
}

static void on_death(void *ctx, uint32_t events)
{
	struct live *v = ctx;

	hull_source_remove(&v->source);
	hull_closep(&v->pidfd);
	look_anew(v->watch);
}

static bool is_same(const struct hull_process_id *a, const struct hull_process_id *b)
{
	return a->pid == b->pid && a->start == b->start && !strcmp(a->boot, b->boot);
}

static void watch_monitor(struct live *v, const struct hull_record *r)
{
	struct hull_process_id id = r->monitor;

	if (!id.pid && hull_rundir_monitor(r->run_dir, &id) < 0)
		id.pid = 0;
	if (v->pidfd >= 0 && is_same(&v->monitor, &id))
		return;
	hull_source_remove(&v->source);
	hull_closep(&v->pidfd);
	v->monitor = id;
	v->pidfd = id.pid ? hull_process_open(&id) : -1;
	if (v->pidfd >= 0 &&
	    hull_loop_add_fd(v->watch->loop, v->pidfd, EPOLLIN, on_death, v, &v->source) < 0)
		hull_closep(&v->pidfd);
}

static size_t index_of(const struct hull_watch *w, const char *id)
{
	size_t i = 0;

	while (i < w->lives.n && strcmp(w->lives.v[i]->id, id) != 0)
		i++;
	return i;
}

static struct live *add_live(struct hull_watch *w, const char *id)
{
	struct live *v = calloc(1, sizeof(*v));
	struct live **slot = v ? hull_vec_push(&w->lives) : NULL;

	if (!slot) {
		free(v);
		return NULL;
	}
	*slot = v;
	v->watch = w;
	v->pidfd = -1;
	snprintf(v->id, sizeof(v->id), "%s", id);
	return v;
}

/* What its record says now. */
static int refresh(struct hull_watch *w, const char *id, struct hull_error **err)
{
	cleanup_error struct hull_error *why = NULL;
	cleanup_record struct hull_record r = {0};
	size_t i = index_of(w, id);
	struct live *v = i < w->lives.n ? w->lives.v[i] : NULL;

	if (hull_store_find(w->store, id, &r, &why) < 0 && hull_error_code(why) != HULL_E_NOT_FOUND)
		return hull_error_move(err, &why);
	if (why || (!r.run_dir && r.state != HULL_VM_DELETING)) {
		if (v)
			forget(w, i);
		return 0;
	}
	if (!v)
		v = add_live(w, id);
	if (!v)
		return hull_fail_nomem(err);
	if (r.run_dir)
		watch_monitor(v, &r);
	return 0;
}

/* ---- settling ---- */

static void on_settled(void *ctx, size_t index, const struct hull_task_outcome *outcome)
{
	/* The store tells. */
}

static void on_all(void *ctx)
{
	struct hull_watch *w = ctx;

	w->settled = true;
	hull_source_arm(w->look, 1);
}

static int settle(struct hull_watch *w, const struct hull_strv *ids, struct hull_error **err)
{
	static const struct hull_batch_ops ops = {.done = on_settled, .all = on_all};
	const struct hull_task_options o = {.kind = HULL_TASK_SETTLE,
					    .deadline_ns = hull_deadline_ms(SETTLE_MS)};

	w->settled = false;
	return hull_batch_new(w->loop, w->store, ids, &o, &ops, w, &w->batch, err);
}

/* Those without a descriptor: looked at again, then settled if that was not all. */
static int attend(struct hull_watch *w, bool *ret_open, struct hull_error **err)
{
	cleanup_strv struct hull_strv ids = {0};
	bool was_settled = w->settled;

	if (w->batch && !w->settled) {
		*ret_open = true;
		return 0;
	}
	hull_batch_free(steal_ptr(&w->batch));
	w->settled = false;
	for (size_t i = w->lives.n; i-- > 0;) {
		char id[HULL_STORE_ID_LEN + 1];

		if (w->lives.v[i]->pidfd >= 0)
			continue;
		strcpy(id, w->lives.v[i]->id);
		if (refresh(w, id, err) < 0)
			return -1;
		if (index_of(w, id) == i && w->lives.v[i]->pidfd < 0)
			(void)hull_strv_add(&ids, id);
	}
	*ret_open = ids.n > 0;
	/* That nothing came of it would be the same at once. */
	return ids.n && !was_settled ? settle(w, &ids, err) : 0;
}

/* ---- events ---- */

/* How many there were, or -1. */
static int read_events(struct hull_watch *w, struct hull_error **err)
{
	cleanup_events struct hull_events list = {0};

	if (hull_store_read_events(w->store, w->seq, EVENTS_AT_ONCE, &list, err) < 0)
		return -1;
	for (size_t i = 0; i < list.n; i++) {
		w->seq = list.v[i].seq;
		if (*w->id && strcmp(w->id, list.v[i].vm) != 0)
			continue;
		w->ops->event(w->ctx, &list.v[i]);
		if (refresh(w, list.v[i].vm, err) < 0)
			return -1;
	}
	return (int)list.n;
}

static void on_look(void *ctx)
{
	cleanup_error struct hull_error *err = NULL;
	struct hull_watch *w = ctx;
	bool open = false;
	int n;

	do
		n = read_events(w, &err);
	while (n > 0);
	if (n < 0 || attend(w, &open, &err) < 0) {
		fail(w, err);
		return;
	}
	if (w->ops->idle)
		w->ops->idle(w->ctx);
	if (w->looks < LOOKS)
		hull_source_arm(w->look, hull_deadline_ms(LOOK_MS(w->looks++)));
	else if (open)
		hull_source_arm(w->look, hull_deadline_ms(LOOK_MS(LOOKS - 1)));
}

static void on_changed(void *ctx, uint32_t events)
{
	struct hull_watch *w = ctx;
	char buf[4096];

	while (read(w->inotify, buf, sizeof(buf)) > 0)
		;
	look_anew(w);
}

static int begin(struct hull_watch *w, struct hull_error **err)
{
	cleanup_records struct hull_records list = {0};
	int r;

	w->inotify = hull_store_watch(w->store, err);
	if (w->inotify < 0)
		return -1;
	if (*w->id ? refresh(w, w->id, err) < 0 : hull_store_list(w->store, &list, err) < 0)
		return -1;
	for (size_t i = 0; i < list.n; i++)
		if ((list.v[i].run_dir || list.v[i].state == HULL_VM_DELETING) &&
		    refresh(w, list.v[i].id, err) < 0)
			return -1;
	r = hull_loop_add_timer(w->loop, on_look, w, &w->look);
	if (r == 0)
		r = hull_loop_add_fd(w->loop, w->inotify, EPOLLIN, on_changed, w, &w->changed);
	if (r < 0)
		return hull_fail_errno(err, -r, "watch the store");
	look_anew(w);
	return 0;
}

int hull_watch_new(struct hull_loop *loop, struct hull_store *store, uint64_t seq, const char *id,
		   const struct hull_watch_ops *ops, void *ctx, struct hull_watch **ret_watch,
		   struct hull_error **err)
{
	struct hull_watch *w = calloc(1, sizeof(*w));

	if (!w)
		return hull_fail_nomem(err);
	w->loop = loop;
	w->store = store;
	w->seq = seq;
	w->ops = ops;
	w->ctx = ctx;
	w->inotify = -1;
	snprintf(w->id, sizeof(w->id), "%s", id ? id : "");
	if (begin(w, err) < 0) {
		hull_watch_free(w);
		return -1;
	}
	*ret_watch = w;
	return 0;
}

void hull_watch_free(struct hull_watch *w)
{
	if (!w)
		return;
	hull_batch_free(w->batch);
	while (w->lives.n)
		forget(w, w->lives.n - 1);
	free(w->lives.v);
	hull_source_remove(&w->changed);
	hull_source_remove(&w->look);
	hull_closep(&w->inotify);
	free(w);
}
