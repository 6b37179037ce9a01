/* SPDX-License-Identifier: Apache-2.0
 *
 * What happened, in order, and what only one VM can have, see records.h.
 */
#include "store/records.h"

#include "base/cleanup.h"
#include "base/os.h"
#include "store/db.h"

#include <string.h>

#define TRIM_EVERY 256 /* events, after which old ones are forgotten */

const char *const hull_event_kinds[] = {"creating", "created",	    "starting", "running",
					"paused",   "resumed",	    "stopping", "stopped",
					"error",    "start-failed", "renamed",	"updated",
					"deleting", "deleted",	    NULL};

int hull_store_add_event(struct hull_store *store, const char *id, const char *kind,
			 const char *detail, struct hull_error **err)
{
	int64_t seq;

	if (hull_db_run(store, err,
			"INSERT INTO event (time_ns, vm, name, kind, detail) VALUES (?, ?,"
			" ifnull((SELECT name FROM vm WHERE id = ?), ''), ?, ?)",
			"ussss", hull_realtime_ns(), id, id, kind, detail) < 0)
		return -1;
	seq = sqlite3_last_insert_rowid(store->db);
	if (seq % TRIM_EVERY)
		return 0;
	return hull_db_run(store, err, "DELETE FROM event WHERE seq <= ?", "i",
			   seq - HULL_STORE_EVENTS_MAX) < 0
		       ? -1
		       : 0;
}

int hull_store_events(struct hull_store *store, uint64_t seq,
		      int (*fn)(void *ctx, const struct hull_event *event), void *ctx,
		      struct hull_error **err)
{
	cleanup_reset sqlite3_stmt *s = NULL;
	int step = hull_db_query(store, err, &s,
				 "SELECT seq, time_ns, vm, name, kind, detail FROM event"
				 " WHERE seq > ? ORDER BY seq",
				 "u", seq);

	for (; step == SQLITE_ROW; step = hull_db_step(store, s, err)) {
		struct hull_event e = {
			.seq = (uint64_t)sqlite3_column_int64(s, 0),
			.time_ns = (uint64_t)sqlite3_column_int64(s, 1),
			.vm = (const char *)sqlite3_column_text(s, 2),
			.name = (const char *)sqlite3_column_text(s, 3),
			.kind = (const char *)sqlite3_column_text(s, 4),
			.detail = (const char *)sqlite3_column_text(s, 5),
		};
		int r = fn(ctx, &e);

		if (r)
			return r;
	}
	return step < 0 ? -1 : 0;
}

void hull_events_fini(struct hull_events *events)
{
	for (size_t i = 0; i < events->n; i++) {
		const struct hull_event *e = &events->v[i];
		const char *const strings[] = {e->vm, e->name, e->kind, e->detail};

		for (size_t k = 0; k < ARRAY_SIZE(strings); k++)
			free((void *)(uintptr_t)strings[k]);
	}
	free(events->v);
	*events = (struct hull_events){0};
}

struct copying {
	struct hull_events list;
	size_t max;
};

/* 1: enough; -ENOMEM. */
static int copy_event(void *ctx, const struct hull_event *e)
{
	struct copying *c = ctx;
	struct hull_event *copy = hull_vec_push(&c->list);

	if (!copy)
		return -ENOMEM;
	*copy = (struct hull_event){.seq = e->seq,
				    .time_ns = e->time_ns,
				    .vm = strdup(e->vm),
				    .name = strdup(e->name),
				    .kind = strdup(e->kind),
				    .detail = strdup(e->detail)};
	if (!copy->vm || !copy->name || !copy->kind || !copy->detail)
		return -ENOMEM;
	return c->list.n == c->max;
}

int hull_store_read_events(struct hull_store *store, uint64_t seq, size_t max,
			   struct hull_events *ret_events, struct hull_error **err)
{
	struct copying c = {.max = max};
	int r = hull_store_events(store, seq, copy_event, &c, err);

	if (r == -ENOMEM)
		r = hull_fail_nomem(err);
	if (r < 0)
		hull_events_fini(&c.list);
	else
		*ret_events = c.list;
	return r < 0 ? -1 : 0;
}

/* ---- claims ---- */

static int claim_row(struct hull_store *store, const char *id, const char *kind, const char *key,
		     struct hull_error **err)
{
	cleanup_reset sqlite3_stmt *s = NULL;
	const char *whose;
	int step = hull_db_query(store, err, &s, "SELECT vm FROM claim WHERE kind = ? AND key = ?",
				 "ss", kind, key);

	if (step < 0)
		return -1;
	if (step == SQLITE_DONE)
		return hull_db_run(store, err, "INSERT INTO claim VALUES (?, ?, ?)", "sss", kind,
				   key, id);
	whose = (const char *)sqlite3_column_text(s, 0);
	if (whose && !strcmp(whose, id))
		return 0;
	return hull_fail_cause(err, HULL_E_EXISTS, "claimed", "%s %s is that of VM %.12s", kind,
			       key, whose ? whose : "");
}

int hull_store_claim(struct hull_store *store, const char *id, const char *kind, const char *key,
		     struct hull_error **err)
{
	if (hull_db_begin(store, err) < 0)
		return -1;
	return hull_db_end(store, claim_row(store, id, kind, key, err), err) < 0 ? -1 : 0;
}

int hull_store_release(struct hull_store *store, const char *id, const char *kind,
		       struct hull_error **err)
{
	return hull_db_run(store, err, "DELETE FROM claim WHERE vm = ? AND kind = ?", "ss", id,
			   kind) < 0
		       ? -1
		       : 0;
}

int hull_store_orphan_claims(struct hull_store *store,
			     int (*fn)(void *ctx, const char *kind, const char *key,
				       const char *id),
			     void *ctx, struct hull_error **err)
{
	cleanup_reset sqlite3_stmt *s = NULL;
	int step = hull_db_query(store, err, &s,
				 "SELECT kind, key, vm FROM claim WHERE vm NOT IN"
				 " (SELECT id FROM vm) ORDER BY kind, key",
				 "");

	for (; step == SQLITE_ROW; step = hull_db_step(store, s, err)) {
		int r = fn(ctx, (const char *)sqlite3_column_text(s, 0),
			   (const char *)sqlite3_column_text(s, 1),
			   (const char *)sqlite3_column_text(s, 2));

		if (r)
			return r;
	}
	return step < 0 ? -1 : 0;
}

int hull_store_drop_claim(struct hull_store *store, const char *kind, const char *key,
			  struct hull_error **err)
{
	int n = hull_db_run(store, err,
			    "DELETE FROM claim WHERE kind = ? AND key = ? AND vm NOT IN"
			    " (SELECT id FROM vm)",
			    "ss", kind, key);

	return n < 0 ? -1 : n > 0;
}
