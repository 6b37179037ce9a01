/* SPDX-License-Identifier: Apache-2.0
 *
 * The table of modules, and how each is gone through, see gc.h.
 */
#define _GNU_SOURCE
#include "vm/gc-internal.h"

#include "base/cleanup.h"
#include "base/os.h"
#include "base/path.h"
#include "vm/dirs.h"

#include <poll.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#define LOCK_MS 500 /* a verb that is at work for longer is left to it */

/* In this order: what an earlier one collects takes other things with it. */
static const struct hull_gc_module *const modules[] = {
	&hull_gc_records, &hull_gc_claims,	&hull_gc_processes, &hull_gc_cgroups,
	&hull_gc_sockets, &hull_gc_directories, &hull_gc_logs,	    &hull_gc_files,
};

/* ---- what modules find ---- */

struct hull_orphan *hull_gc_add(struct hull_gc *gc, const char *vm, const char *key,
				const char *why, struct hull_error **err, const char *what, ...)
{
	struct hull_orphan *o = hull_vec_push(&gc->found);
	va_list ap;

	if (!o) {
		hull_fail_nomem(err);
		return NULL;
	}
	va_start(ap, what);
	if (vasprintf(&o->what, what, ap) < 0)
		o->what = NULL;
	va_end(ap);
	snprintf(o->vm, sizeof(o->vm), "%s", vm);
	o->key = strdup(key);
	o->why = strdup(why);
	o->record = hull_gc_record(gc, vm);
	if (o->what && o->key && o->why)
		return o;
	hull_fail_nomem(err);
	return NULL;
}

const struct hull_record *hull_gc_record(const struct hull_gc *gc, const char *vm)
{
	for (size_t i = 0; *vm && i < gc->records.n; i++)
		if (!strncmp(gc->records.v[i].id, vm, HULL_SHORT_LEN))
			return &gc->records.v[i];
	return NULL;
}

static void forget(struct hull_gc *gc)
{
	for (size_t i = 0; i < gc->found.n; i++) {
		free(gc->found.v[i].what);
		free(gc->found.v[i].why);
		free(gc->found.v[i].key);
	}
	gc->found.n = 0;
	hull_records_fini(&gc->records);
}

/* ---- one orphan ---- */

static void tell(struct hull_gc *gc, const struct hull_gc_module *m, const struct hull_orphan *o,
		 enum hull_gc_result result, const struct hull_error *error)
{
	struct hull_gc_item item = {m->kind, o ? o->what : "", o ? o->why : "", o ? o->vm : ""};

	gc->fn(gc->ctx, &item, result, error);
}

/* 1 held (or nobody needs it), 0 somebody else has it, -1. */
static int lock(struct hull_gc *gc, const struct hull_orphan *o, struct hull_store_lock *ret,
		struct hull_error **err)
{
	uint64_t until = MIN(hull_deadline_ms(LOCK_MS), gc->o.deadline_ns);
	int r = o->record ? hull_store_try_lock(gc->store, o->record->id, ret) : 0;

	while (r == -EAGAIN && hull_ms_left(until)) {
		(void)poll(NULL, 0, 10);
		r = hull_store_try_lock(gc->store, o->record->id, ret);
	}
	if (r < 0 && r != -EAGAIN)
		return hull_fail_errno(err, -r, "lock VM %s", o->vm);
	return r == 0;
}

/* 0, or -1: @what is not begun any more. */
static int go_on(struct hull_gc *gc, const char *what, struct hull_error **err)
{
	if (gc->o.given_up && gc->o.given_up(gc->ctx))
		return hull_fail(err, HULL_E_CANCELED, "%s: somebody has given up", what);
	if (!hull_ms_left(gc->o.deadline_ns))
		return hull_fail_cause(err, HULL_E_TIMEOUT, "deadline",
				       "%s: not done in the time that was given", what);
	return 0;
}

static void collect(struct hull_gc *gc, const struct hull_gc_module *m, const struct hull_orphan *o)
{
	cleanup_error struct hull_error *err = NULL;
	struct hull_store_lock held = {.fd = -1};
	int r = m->locks && !gc->o.dry_run ? 1 : lock(gc, o, &held, &err);

	if (r > 0 && gc->o.dry_run) {
		hull_store_unlock(&held);
		tell(gc, m, o, HULL_GC_WOULD, NULL);
		return;
	}
	if (r == 0)
		r = HULL_GC_IN_USE;
	else if (r > 0)
		r = go_on(gc, o->what, &err) < 0 ? -1 : m->collect(gc, o, &err);
	hull_store_unlock(&held);
	if (r == HULL_GC_GONE)
		return;
	tell(gc, m, o,
	     r < 0		   ? HULL_GC_FAILED
	     : r == HULL_GC_IN_USE ? HULL_GC_BUSY
				   : HULL_GC_COLLECTED,
	     err);
}

/* ---- all of them ---- */

static int find(struct hull_gc *gc, const struct hull_gc_module *m, struct hull_error **err)
{
	if (go_on(gc, m->kind, err) < 0)
		return -1;
	if (hull_store_list(gc->store, &gc->records, err) < 0)
		return -1;
	return m->find(gc, err);
}

int hull_gc(struct hull_store *store, struct hull_loop *loop, const struct hull_gc_options *options,
	    hull_gc_fn fn, void *ctx, struct hull_error **err)
{
	struct hull_gc gc = {.store = store, .loop = loop, .o = *options, .fn = fn, .ctx = ctx};
	cleanup_free char *run = NULL, *vms = NULL;

	if (hull_dirs_run(&run, err) < 0)
		return -1;
	vms = gc.vms = hull_path_join(run, "vm");
	if (!vms)
		return hull_fail_nomem(err);
	(void)hull_boot_id(gc.boot);
	for (size_t i = 0; i < ARRAY_SIZE(modules); i++) {
		cleanup_error struct hull_error *why = NULL;

		if (find(&gc, modules[i], &why) < 0)
			tell(&gc, modules[i], NULL, HULL_GC_FAILED, why);
		for (size_t k = 0; k < gc.found.n; k++)
			if (gc.found.v[k].what && gc.found.v[k].why && gc.found.v[k].key)
				collect(&gc, modules[i], &gc.found.v[k]);
		forget(&gc);
	}
	free(gc.found.v);
	return 0;
}
