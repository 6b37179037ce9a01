/* SPDX-License-Identifier: Apache-2.0
 *
 * What VMs use, and what is left of them.  See hull/observe.h for every function.
 */
#define _GNU_SOURCE
#include "lib/vms.h"

#include "lib/options.h"
#include "lib/piece.h"

#include "base/os.h"
#include "vm/gc.h"
#include "vm/stats.h"
#include "vm/usage.h"

#include <assert.h>
#include <hull/observe.h>
#include <string.h>

#define ANSWER_MS 2000 /* what a VM that does not answer costs the others */
#define GC_MS 60000

/* ---- what VMs use ---- */

struct looked_at {
	struct hull_records vms;
	struct hull_vm_stats *stats; /* one for each */
};

static void looked_at_fini(struct looked_at *l)
{
	for (size_t i = 0; l->stats && i < l->vms.n; i++)
		hull_vm_stats_fini(&l->stats[i]);
	free(l->stats);
	hull_records_fini(&l->vms);
}

static struct hull_vm_counters *put_counters(struct hull_piece *p, const struct hull_record *r,
					     const struct hull_vm_stats *s)
{
	struct hull_vm_counters *place = HULL_PIECE_TAKE(p, struct hull_vm_counters, 1);
	struct hull_vm_counters c = {
		.size = sizeof(c),
		.id = hull_piece_put(p, r->id),
		.name = hull_piece_put(p, r->name),
		.state = r->state,
		.code = (uint32_t)hull_error_code(s->error),
		.message = hull_piece_put(p, hull_error_message(s->error)),
		.at_ns = s->at_ns,
		.cpu_ns = s->cpu_ns,
		.processes = s->pids,
		.private_bytes = s->private_bytes,
		.shared_bytes = s->shared_bytes,
		.has_disks = s->disk,
		.disk_read_bytes = s->read_bytes,
		.disk_written_bytes = s->written_bytes,
		.balloon_bytes = s->balloon_bytes,
		.has_guest = s->guest,
		.guest_total_bytes = s->guest_total,
		.guest_available_bytes = s->guest_available,
		.net_received_bytes = s->received_bytes,
		.net_sent_bytes = s->sent_bytes,
	};

	if (place)
		*place = c;
	return place;
}

static void *put_all_counters(struct hull_piece *p, const void *from)
{
	const struct looked_at *l = from;
	struct hull_vm_counters **v = HULL_PIECE_TAKE(p, struct hull_vm_counters *, l->vms.n + 1);

	for (size_t i = 0; i < l->vms.n; i++) {
		struct hull_vm_counters *c = put_counters(p, &l->vms.v[i], &l->stats[i]);

		if (v)
			v[i] = c;
	}
	if (v)
		v[l->vms.n] = NULL;
	return v;
}

static int look_at(struct hull_lib_call *call, const char *ref, struct looked_at *ret,
		   struct hull_error **err)
{
	cleanup_error struct hull_error *trouble = NULL;

	if (hull_stats_find(call->store, call->loop, ref, call->deadline_ns, &ret->vms, &trouble,
			    err) < 0)
		return -1;
	ret->stats = calloc(ret->vms.n + 1, sizeof(*ret->stats));
	if (!ret->stats)
		return hull_fail_nomem(err);
	return hull_stats_gather(call->loop, &ret->vms,
				 (uint64_t)MIN(hull_ms_left(call->deadline_ns), ANSWER_MS),
				 ret->stats, err);
}

int hull_vms_stats(struct hull_vms *vms, const char *ref, const struct hull_verb_options *options,
		   struct hull_vm_counters ***ret_counters, size_t *ret_n, struct hull_error **err)
{
	cleanup_with(looked_at_fini) struct looked_at seen = {0};
	cleanup_lib_call struct hull_lib_call call;
	struct hull_vm_counters **v;

	if (hull_lib_call_begin(&call, vms, options, HULL_LIB_LOOK_MS, err) < 0 ||
	    hull_lib_call_result(&call, look_at(&call, ref, &seen, err), err) < 0)
		return -1;
	v = hull_piece_make(put_all_counters, &seen, err);
	if (!v)
		return -1;
	*ret_counters = v;
	*ret_n = seen.vms.n;
	return 0;
}

/* ---- what is on disks ---- */

static struct hull_disk_usage *put_usage(struct hull_piece *p, const struct hull_usage *u)
{
	struct hull_disk_usage *place = HULL_PIECE_TAKE(p, struct hull_disk_usage, 1);
	struct hull_disk_item *items = HULL_PIECE_TAKE(p, struct hull_disk_item, u->items.n);
	struct hull_disk_usage d = {
		.size = sizeof(d),
		.kind = hull_piece_put(p, u->kind),
		.path = hull_piece_put(p, u->path),
		.bytes = u->bytes,
		.items = items,
		.n_items = u->items.n,
		.code = (uint32_t)hull_error_code(u->error),
		.message = hull_piece_put(p, hull_error_message(u->error)),
	};

	for (size_t i = 0; i < u->items.n; i++) {
		const struct hull_usage_item *from = &u->items.v[i];
		struct hull_disk_item item = {hull_piece_put(p, from->name), from->bytes};

		if (items)
			items[i] = item;
	}
	if (place)
		*place = d;
	return place;
}

static void *put_usages(struct hull_piece *p, const void *from)
{
	const struct hull_usages *all = from;
	struct hull_disk_usage **v = HULL_PIECE_TAKE(p, struct hull_disk_usage *, all->n + 1);

	for (size_t i = 0; i < all->n; i++) {
		struct hull_disk_usage *u = put_usage(p, &all->v[i]);

		if (v)
			v[i] = u;
	}
	if (v)
		v[all->n] = NULL;
	return v;
}

int hull_vms_df(struct hull_vms *vms, struct hull_disk_usage ***ret_usages, size_t *ret_n,
		struct hull_error **err)
{
	cleanup_with(hull_usages_fini) struct hull_usages all = {0};
	struct hull_disk_usage **v;

	if (hull_usage_gather(vms->settings.guest_dir, &all, err) < 0)
		return -1;
	v = hull_piece_make(put_usages, &all, err);
	if (!v)
		return -1;
	*ret_usages = v;
	*ret_n = all.n;
	return 0;
}

/* ---- what is left ---- */

static_assert(HULL_LEFTOVER_COLLECTED == (int)HULL_GC_COLLECTED &&
		      HULL_LEFTOVER_WOULD == (int)HULL_GC_WOULD &&
		      HULL_LEFTOVER_BUSY == (int)HULL_GC_BUSY &&
		      HULL_LEFTOVER_FAILED == (int)HULL_GC_FAILED,
	      "results are the same inside and outside");

struct collection {
	struct hull_lib_call call;
	HULL_VEC(struct hull_leftover) items; /* owned strings, NULL without memory */
	bool no_memory;
};

static void collection_fini(struct collection *c)
{
	for (size_t i = 0; i < c->items.n; i++) {
		const struct hull_leftover *l = &c->items.v[i];

		free((char *)(uintptr_t)l->what);
		free((char *)(uintptr_t)l->why);
		free((char *)(uintptr_t)l->vm);
		free((char *)(uintptr_t)l->message);
	}
	free(c->items.v);
	hull_lib_call_end(&c->call);
}

static void on_leftover(void *ctx, const struct hull_gc_item *item, enum hull_gc_result result,
			const struct hull_error *error)
{
	struct collection *c = ctx;
	struct hull_leftover *l = hull_vec_push(&c->items);

	if (!l) {
		c->no_memory = true;
		return;
	}
	*l = (struct hull_leftover){
		.result = result,
		.code = (uint32_t)hull_error_code(error),
		.kind = item->kind,
		.what = strdup(item->what),
		.why = strdup(item->why),
		.vm = strdup(item->vm),
		.message = strdup(hull_error_message(error)),
	};
	c->no_memory |= !l->what || !l->why || !l->vm || !l->message;
}

static bool has_given_up(void *ctx)
{
	struct collection *c = ctx;

	return hull_lib_call_canceled(&c->call);
}

static void *put_leftovers(struct hull_piece *p, const void *from)
{
	const struct collection *c = from;
	struct hull_leftover *v = HULL_PIECE_TAKE(p, struct hull_leftover, c->items.n);

	for (size_t i = 0; i < c->items.n; i++) {
		struct hull_leftover l = c->items.v[i];

		l.kind = hull_piece_put(p, l.kind);
		l.what = hull_piece_put(p, l.what);
		l.why = hull_piece_put(p, l.why);
		l.vm = hull_piece_put(p, l.vm);
		l.message = hull_piece_put(p, l.message);
		if (v)
			v[i] = l;
	}
	return v;
}

static int collect(struct collection *c, bool dry_run, struct hull_error **err)
{
	const struct hull_gc_options o = {
		.dry_run = dry_run, .deadline_ns = c->call.deadline_ns, .given_up = has_given_up};

	if (hull_gc(c->call.store, c->call.loop, &o, on_leftover, c, err) < 0)
		return -1;
	return c->no_memory ? hull_fail_nomem(err) : 0;
}

int hull_vms_gc(struct hull_vms *vms, const struct hull_vms_gc_options *options,
		struct hull_leftover **ret_leftovers, size_t *ret_n, struct hull_error **err)
{
	cleanup_with(collection_fini) struct collection c = {.call.vms = vms};
	struct hull_vms_gc_options o;
	struct hull_leftover *v;

	if (hull_lib_options_copy(options, &o, sizeof(o), err) < 0)
		return -1;
	if (hull_lib_call_begin_within(&c.call, vms, o.timeout_ms, GC_MS, o.cancel, err) < 0 ||
	    hull_lib_call_result(&c.call, collect(&c, o.dry_run, err), err) < 0)
		return -1;
	v = hull_piece_make(put_leftovers, &c, err);
	if (!v)
		return -1;
	*ret_leftovers = v;
	*ret_n = c.items.n;
	return 0;
}
