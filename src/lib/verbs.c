/* SPDX-License-Identifier: Apache-2.0
 *
 * Verbs, on one VM and on many: each is a batch.  See hull/vms.h for every function.
 */
#define _GNU_SOURCE
#include "lib/vms.h"

#include "lib/options.h"
#include "vm/batch.h"

#include <string.h>

#define STOP_MS 10000
#define START_MS 300000 /* the guest's own boot timeout is shorter */

static const struct kind {
	enum hull_task_kind kind;
	uint64_t ms; /* without what the guest may take; 0: no limit */
} kinds[] = {
	[HULL_VMS_START] = {HULL_TASK_START, START_MS},
	[HULL_VMS_STOP] = {HULL_TASK_STOP, HULL_LIB_LOOK_MS},
	[HULL_VMS_KILL] = {HULL_TASK_KILL, HULL_LIB_LOOK_MS},
	[HULL_VMS_RESTART] = {HULL_TASK_RESTART, START_MS},
	[HULL_VMS_PAUSE] = {HULL_TASK_PAUSE, HULL_LIB_LOOK_MS},
	[HULL_VMS_RESUME] = {HULL_TASK_RESUME, HULL_LIB_LOOK_MS},
	[HULL_VMS_WAIT] = {HULL_TASK_WAIT, 0},
	[HULL_VMS_REMOVE] = {HULL_TASK_REMOVE, HULL_LIB_LOOK_MS},
};

/* What came of one VM. */
struct outcome {
	struct hull_record record; /* id "": removed, or none */
	struct hull_error *error;
	bool already;
};

/* The refs, and the VMs that they name, each once. */
struct many {
	struct hull_lib_call call;
	struct hull_task_options o;
	struct hull_strv ids;
	struct outcome *of; /* each id */
	size_t *which; /* id of each ref; NOWHERE: its own result has an error, or nothing to do */
	struct hull_vm_result *results; /* of each ref */
	size_t n;
};
#define NOWHERE SIZE_MAX

static void on_done(void *ctx, size_t index, const struct hull_task_outcome *outcome)
{
	struct many *m = ctx;
	struct outcome *of = &m->of[index];

	of->already = outcome->already != NULL;
	if (outcome->error)
		hull_fail_copy(&of->error, outcome->error);
	if (outcome->record) {
		of->record = *outcome->record;
		*outcome->record = (struct hull_record){0};
	}
}

static void on_all(void *ctx)
{
	struct many *m = ctx;

	hull_loop_quit(m->call.loop, 0);
}

static int run(struct many *m, struct hull_error **err)
{
	static const struct hull_batch_ops ops = {.done = on_done, .all = on_all};
	struct hull_batch *batch;
	int r;

	if (hull_batch_new(m->call.loop, m->call.store, &m->ids, &m->o, &ops, m, &batch, err) < 0)
		return -1;
	r = hull_loop_run(m->call.loop);
	hull_batch_free(batch);
	if (r < 0)
		hull_fail_errno(err, -r, "event loop");
	return hull_lib_call_result(&m->call, r < 0 ? -1 : 0, err);
}

/* ---- which ---- */

static size_t index_of(const struct hull_strv *ids, const char *id)
{
	size_t i = 0;

	while (i < ids->n && strcmp(ids->v[i], id) != 0)
		i++;
	return i;
}

static int find(struct many *m, const char *const *refs, struct hull_error **err)
{
	for (size_t i = 0; i < m->n; i++) {
		cleanup_record struct hull_record r = {0};
		cleanup_error struct hull_error *why = NULL;

		m->which[i] = NOWHERE;
		if (hull_store_find(m->call.store, refs[i], &r, &why) < 0) {
			/* What is not there need not be removed. */
			if (m->o.force && hull_error_code(why) == HULL_E_NOT_FOUND)
				m->results[i].unchanged = 1;
			else
				(void)hull_error_move(&m->results[i].error, &why);
			continue;
		}
		m->which[i] = index_of(&m->ids, r.id);
		if (m->which[i] == m->ids.n && hull_strv_add(&m->ids, r.id) < 0)
			return hull_fail_nomem(err);
	}
	return 0;
}

/* ---- from the first to the last ---- */

static int begin(struct many *m, struct hull_vms *vms, uint32_t verb,
		 const struct hull_verb_options *options, struct hull_error **err)
{
	const struct kind *k = verb < ARRAY_SIZE(kinds) ? &kinds[verb] : &kinds[0];
	struct hull_verb_options o;
	uint64_t stop_ms;

	if (!verb || k == &kinds[0])
		return hull_fail(err, HULL_E_INVALID, "%u is no verb", verb);
	if (hull_lib_options_copy(options, &o, sizeof(o), err) < 0)
		return -1;
	stop_ms = o.stop_ms ? MIN(o.stop_ms, HULL_LIB_STOP_MAX_MS) : STOP_MS;
	if (hull_lib_call_begin(&m->call, vms, options, k->ms ? k->ms + stop_ms : 0, err) < 0)
		return -1;
	m->o = (struct hull_task_options){
		.kind = k->kind,
		.deadline_ns = m->call.deadline_ns,
		.stop_ms = stop_ms,
		.force = o.force && k->kind == HULL_TASK_REMOVE,
		.guest_dir = vms->settings.guest_dir,
	};
	m->which = calloc(m->n + 1, sizeof(*m->which));
	m->of = calloc(m->n + 1, sizeof(*m->of));
	m->results = calloc(m->n + 1, sizeof(*m->results));
	return m->which && m->of && m->results ? 0 : hull_fail_nomem(err);
}

static void end(struct many *m)
{
	for (size_t i = 0; m->of && i < m->n; i++) {
		hull_record_fini(&m->of[i].record);
		hull_error_free(m->of[i].error);
	}
	free(m->of);
	free(m->which);
	hull_vm_results_free(m->results, m->n);
	hull_strv_fini(&m->ids);
	if (m->call.vms)
		hull_lib_call_end(&m->call);
}
#define cleanup_many cleanup_with(end)

/* To each ref what came of its VM. */
static int deal(struct many *m, struct hull_error **err)
{
	for (size_t i = 0; i < m->n; i++) {
		struct hull_vm_result *r = &m->results[i];
		const struct outcome *of;

		if (m->which[i] == NOWHERE)
			continue;
		of = &m->of[m->which[i]];
		r->unchanged = of->already;
		if (of->error && hull_fail_copy(&r->error, of->error) && !r->error)
			return hull_fail_nomem(err);
		if (of->error || !*of->record.id)
			continue;
		r->info = hull_lib_info(&of->record);
		if (!r->info)
			return hull_fail_nomem(err);
	}
	return 0;
}

void hull_vm_results_free(struct hull_vm_result *results, size_t n)
{
	for (size_t i = 0; results && i < n; i++) {
		hull_free(results[i].info);
		hull_error_free(results[i].error);
	}
	free(results);
}

int hull_vms_batch(struct hull_vms *vms, uint32_t verb, const char *const *refs, size_t n,
		   const struct hull_verb_options *options, struct hull_vm_result **ret_results,
		   struct hull_error **err)
{
	cleanup_many struct many m = {.n = n};

	if (begin(&m, vms, verb, options, err) < 0 || find(&m, refs, err) < 0 || run(&m, err) < 0 ||
	    deal(&m, err) < 0)
		return -1;
	*ret_results = steal_ptr(&m.results);
	return 0;
}

/* ---- one ---- */

static int one(struct hull_vms *vms, uint32_t verb, const char *ref,
	       const struct hull_verb_options *options, struct hull_vm_info **ret_info,
	       struct hull_error **err)
{
	struct hull_vm_result *result;
	int r = 0;

	if (hull_vms_batch(vms, verb, &ref, 1, options, &result, err) < 0)
		return -1;
	if (result->error)
		r = hull_error_move(err, &result->error);
	else if (ret_info)
		*ret_info = steal_ptr(&result->info);
	hull_vm_results_free(result, 1);
	return r;
}

int hull_vms_start(struct hull_vms *vms, const char *ref, const struct hull_verb_options *options,
		   struct hull_vm_info **ret_info, struct hull_error **err)
{
	return one(vms, HULL_VMS_START, ref, options, ret_info, err);
}

int hull_vms_stop(struct hull_vms *vms, const char *ref, const struct hull_verb_options *options,
		  struct hull_vm_info **ret_info, struct hull_error **err)
{
	return one(vms, HULL_VMS_STOP, ref, options, ret_info, err);
}

int hull_vms_kill(struct hull_vms *vms, const char *ref, const struct hull_verb_options *options,
		  struct hull_vm_info **ret_info, struct hull_error **err)
{
	return one(vms, HULL_VMS_KILL, ref, options, ret_info, err);
}

int hull_vms_restart(struct hull_vms *vms, const char *ref, const struct hull_verb_options *options,
		     struct hull_vm_info **ret_info, struct hull_error **err)
{
	return one(vms, HULL_VMS_RESTART, ref, options, ret_info, err);
}

int hull_vms_pause(struct hull_vms *vms, const char *ref, const struct hull_verb_options *options,
		   struct hull_vm_info **ret_info, struct hull_error **err)
{
	return one(vms, HULL_VMS_PAUSE, ref, options, ret_info, err);
}

int hull_vms_resume(struct hull_vms *vms, const char *ref, const struct hull_verb_options *options,
		    struct hull_vm_info **ret_info, struct hull_error **err)
{
	return one(vms, HULL_VMS_RESUME, ref, options, ret_info, err);
}

int hull_vms_wait(struct hull_vms *vms, const char *ref, const struct hull_verb_options *options,
		  struct hull_vm_info **ret_info, struct hull_error **err)
{
	return one(vms, HULL_VMS_WAIT, ref, options, ret_info, err);
}

int hull_vms_remove(struct hull_vms *vms, const char *ref, const struct hull_verb_options *options,
		    struct hull_error **err)
{
	return one(vms, HULL_VMS_REMOVE, ref, options, NULL, err);
}
