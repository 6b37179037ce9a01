/* SPDX-License-Identifier: Apache-2.0
 *
 * Records that say what is not so, or that nobody finishes; and claims of VMs that are not there.
 */
#define _GNU_SOURCE
#include "vm/gc-internal.h"

#include "base/cleanup.h"
#include "base/os.h"
#include "vm/catalogue.h"
#include "vm/task.h"

#include <stdio.h>
#include <string.h>

#define COLLECT_MS 15000 /* of which most is for processes that the kernel is slow to end */

/* ---- records ---- */

static const char *reason(const struct hull_gc *gc, const struct hull_record *r)
{
	if (hull_catalogue_has_died(r, gc->boot))
		return "it has died, and nobody has noted that";
	if (!hull_task_is_abandoned(r))
		return NULL;
	return r->state == HULL_VM_DELETING ? "whoever removed it did not finish"
					    : "whoever made it did not finish";
}

static int find_records(struct hull_gc *gc, struct hull_error **err)
{
	for (size_t i = 0; i < gc->records.n; i++) {
		const struct hull_record *r = &gc->records.v[i];
		const char *why = reason(gc, r);
		char shown[HULL_SHORT_LEN + 1];

		snprintf(shown, sizeof(shown), "%.*s", HULL_SHORT_LEN, r->id);
		if (why && !hull_gc_add(gc, shown, r->id, why, err, "VM '%s', %s",
					r->name ? r->name : shown, hull_vm_state_names[r->state]))
			return -1;
	}
	return 0;
}

struct outcome {
	struct hull_loop *loop;
	bool removed, settled;
	struct hull_error *error;
};

static void on_done(void *ctx, struct hull_task *task, const struct hull_task_outcome *outcome)
{
	struct outcome *o = ctx;

	if (outcome->error)
		hull_fail_copy(&o->error, outcome->error);
	o->removed = !outcome->error && !outcome->record;
	o->settled = outcome->record && !outcome->record->run_dir;
	hull_loop_quit(o->loop, 0);
}

static int collect_record(struct hull_gc *gc, const struct hull_orphan *orphan,
			  struct hull_error **err)
{
	struct hull_task_options options = {
		.kind = HULL_TASK_COLLECT,
		.deadline_ns = MIN(gc->o.deadline_ns, hull_deadline_ms(COLLECT_MS))};
	struct outcome o = {.loop = gc->loop};
	struct hull_task *task;
	int r;

	if (hull_task_new(gc->loop, gc->store, orphan->key, &options, on_done, &o, &task, err) < 0)
		return -1;
	r = hull_loop_run(gc->loop);
	hull_task_free(task);
	if (r < 0)
		hull_fail_errno(&o.error, -r, "event loop");
	if (o.error && hull_error_code(o.error) == HULL_E_NOT_FOUND) {
		hull_error_free(o.error);
		return HULL_GC_GONE;
	}
	if (o.error)
		return hull_error_move(err, &o.error);
	if (o.removed)
		return HULL_GC_DONE;
	if (orphan->record && orphan->record->run_dir && o.settled)
		return HULL_GC_DONE;
	return HULL_GC_IN_USE;
}

const struct hull_gc_module hull_gc_records = {"record", true, find_records, collect_record};

/* ---- claims ---- */

struct claims {
	struct hull_gc *gc;
	struct hull_error **err;
};

/* The key is "KIND\nKEY": neither has a line's end in it, or it stays. */
static int on_claim(void *ctx, const char *kind, const char *key, const char *id)
{
	struct claims *c = ctx;
	cleanup_free char *both = NULL;

	if (asprintf(&both, "%s\n%s", kind, key) < 0) {
		both = NULL;
		return hull_fail_nomem(c->err);
	}
	return hull_gc_add(c->gc, "", both, "its VM is not there", c->err, "%s %s of VM %.*s", kind,
			   key, HULL_SHORT_LEN, id)
		       ? 0
		       : -1;
}

static int find_claims(struct hull_gc *gc, struct hull_error **err)
{
	struct claims c = {gc, err};

	return hull_store_orphan_claims(gc->store, on_claim, &c, err);
}

static int collect_claim(struct hull_gc *gc, const struct hull_orphan *o, struct hull_error **err)
{
	const char *key = strchr(o->key, '\n');
	cleanup_free char *kind = strndup(o->key, (size_t)(key - o->key));
	int r = kind ? hull_store_drop_claim(gc->store, kind, key + 1, err) : hull_fail_nomem(err);

	return r < 0 ? -1 : r ? HULL_GC_DONE : HULL_GC_GONE;
}

const struct hull_gc_module hull_gc_claims = {"claim", false, find_claims, collect_claim};
