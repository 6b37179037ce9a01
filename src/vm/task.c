/* SPDX-License-Identifier: Apache-2.0
 *
 * A task from its lock to its outcome, see task.h.
 */
#define _GNU_SOURCE
#include "vm/task-internal.h"

#include "base/cleanup.h"
#include "base/os.h"
#include "base/path.h"
#include "vm/frozen.h"
#include "vm/rundir.h"
#include "vm/states.h"

#include <stdio.h>
#include <string.h>

#define AGAIN_FIRST_MS 1
#define AGAIN_MAX_MS 20
#define CREATING_S 86400 /* in which even the slowest maker is done */
#define SERVICE "hull.monitor.v1.Monitor"

/* ---- steps ---- */

static void on_timer(void *ctx)
{
	struct hull_task *t = ctx;

	t->step(t);
}

void hull_task_next(struct hull_task *t, hull_task_step step)
{
	if (t->finished)
		return;
	t->step = step;
	t->tries = 0;
	hull_source_arm(t->timer, 1);
}

void hull_task_again(struct hull_task *t)
{
	uint64_t ms = MIN(AGAIN_FIRST_MS << MIN(t->tries, 5U), AGAIN_MAX_MS);

	t->tries++;
	if (!t->finished)
		hull_source_arm(t->timer, hull_deadline_ms(ms));
}

/* What was begun stays as it is, and is finished or undone by whoever comes next; but a start is
 * taken back. */
static void on_limit(void *ctx)
{
	struct hull_task *t = ctx;

	if (t->finished)
		return;
	if (!t->error && t->o.kind == HULL_TASK_WAIT)
		hull_fail_cause(&t->error, HULL_E_TIMEOUT, "deadline",
				"VM '%s' runs still, after the time that was given",
				hull_task_name(t));
	else if (!t->error && (t->locked || !t->tries))
		hull_fail_cause(&t->error, HULL_E_TIMEOUT, "deadline",
				"VM '%s': not done in the time that was given", hull_task_name(t));
	else if (!t->error) {
		hull_fail_cause(
			&t->error, HULL_E_TIMEOUT, "locked",
			"VM '%s': another hull is at work on it, and did not finish in time",
			hull_task_name(t));
		hull_hint(&t->error, "'hull kill' ends what it waits for");
	}
	if (t->o.kind != HULL_TASK_WAIT)
		hull_frozen_tell(&t->record, &t->error);
	if (t->vm)
		hull_vm_stop(t->vm, 0);
	else
		hull_task_finish(t);
}

const char *hull_task_name(const struct hull_task *t)
{
	return t->record.name ? t->record.name : t->shown;
}

/* ---- the outcome ---- */

static void finish(struct hull_task *t)
{
	cleanup_error struct hull_error *err = NULL;
	struct hull_task_outcome o = {.already = t->already, .notes = &t->notes, .error = t->error};

	hull_rpc_free(steal_ptr(&t->rpc));
	hull_vm_free(steal_ptr(&t->vm)); /* if it runs it lives on */
	if (t->locked)
		hull_store_unlock(&t->lock);
	t->locked = false;
	hull_record_fini(&t->record);
	/* Whoever asked sees what the store says, not what we believe. */
	if (!t->removed && hull_store_find(t->store, t->id, &t->record, &err) == 0)
		o.record = &t->record;
	else if (!t->removed && !o.error)
		o.error = err;
	t->done(t->ctx, t, &o);
}

void hull_task_finish(struct hull_task *t)
{
	if (t->finished)
		return;
	t->finished = true;
	t->step = finish;
	hull_source_arm(t->timer, 1);
}

int hull_task_change(struct hull_task *t, const struct hull_change *change)
{
	struct hull_error **slot = t->error ? NULL : &t->error;

	if (hull_store_change(t->store, t->id, change, slot) < 0) {
		hull_task_finish(t);
		return -1;
	}
	t->record.state = change->state;
	if (change->set_monitor) {
		t->record.monitor = change->monitor;
		free(t->record.run_dir);
		t->record.run_dir = change->run_dir ? strdup(change->run_dir) : NULL;
	}
	return 0;
}

/* ---- the monitor ---- */

static void on_closed(void *ctx)
{
	/* Calls have been failed by then. */
}

void hull_task_call(struct hull_task *t, const char *method, const ProtobufCMessage *request,
		    const ProtobufCMessageDescriptor *reply, uint64_t deadline_ns, hull_rpc_fn fn)
{
	cleanup_error struct hull_error *err = NULL;
	cleanup_free char *path =
		t->record.run_dir ? hull_path_join(t->record.run_dir, "control.sock") : NULL;
	int fd = path ? hull_unix_connect_now(path) : -ENOENT;

	hull_rpc_free(steal_ptr(&t->rpc));
	if (fd < 0)
		hull_fail_cause(&err, HULL_E_UNAVAILABLE, HULL_RPC_LOST, "no monitor answers: %s",
				hull_strerror(-fd));
	else if (hull_rpc_new(t->loop, fd, on_closed, t, &t->rpc, &err) == 0) {
		hull_rpc_call(t->rpc, SERVICE, method, request, reply, deadline_ns, fn, t);
		return;
	}
	fn(t, NULL, err);
}

/* ---- from the lock to the ruling ---- */

static void load(struct hull_task *t)
{
	if (hull_store_find(t->store, t->id, &t->record, &t->error) < 0) {
		hull_task_finish(t);
		return;
	}
	t->loaded = true;
	hull_task_settle(t);
}

/* Somebody has it, who may be waiting for a guest that takes its time, or for a monitor that is
 * stopped: to kill needs no lock, and ends that waiting. */
static void kill_meanwhile(struct hull_task *t)
{
	cleanup_record struct hull_record r = {0};

	if (t->killed || hull_store_find(t->store, t->id, &r, NULL) < 0 || !r.run_dir)
		return;
	t->record.run_dir = strdup(r.run_dir);
	hull_task_kill_monitor(t);
	hull_record_fini(&t->record);
}

/* There is no lock to be had, as on a file system that has become read-only. */
static void kill_without_lock(struct hull_task *t)
{
	if (hull_store_find(t->store, t->id, &t->record, NULL) < 0 || !t->record.run_dir) {
		hull_task_finish(t);
		return;
	}
	hull_task_kill_monitor(t);
	t->unrecorded = true;
	hull_task_bury(t, hull_task_finish);
}

void hull_task_lock(struct hull_task *t)
{
	bool kills = t->o.kind == HULL_TASK_KILL || (t->o.kind == HULL_TASK_REMOVE && t->o.force);
	int r = hull_store_try_lock(t->store, t->id, &t->lock);

	if (r == 0) {
		t->locked = true;
		load(t);
		return;
	}
	if (r == -EAGAIN && hull_task_only_settles(t)) {
		hull_task_finish(t);
		return;
	}
	if (r == -EAGAIN) {
		if (kills)
			kill_meanwhile(t);
		hull_task_again(t);
		return;
	}
	hull_fail_errno(&t->error, -r, "lock VM %s", t->shown);
	if (kills)
		kill_without_lock(t);
	else
		hull_task_finish(t);
}

bool hull_task_only_settles(const struct hull_task *t)
{
	return t->o.kind == HULL_TASK_SETTLE || t->o.kind == HULL_TASK_COLLECT;
}

bool hull_task_is_abandoned(const struct hull_record *record)
{
	uint64_t now = hull_realtime_ns(), age;

	age = now > record->updated_ns ? now - record->updated_ns : 0;
	return record->state == HULL_VM_DELETING ||
	       (record->state == HULL_VM_CREATING && age > CREATING_S * HULL_NS_PER_S);
}

void hull_task_rule(struct hull_task *t)
{
	static const struct {
		enum hull_vm_verb verb;
		hull_task_step effect;
	} kinds[] = {
		[HULL_TASK_START] = {HULL_VERB_START, hull_task_start},
		[HULL_TASK_STOP] = {HULL_VERB_STOP, hull_task_stop},
		[HULL_TASK_KILL] = {HULL_VERB_STOP, hull_task_kill},
		[HULL_TASK_RESTART] = {HULL_VERB_STOP, hull_task_stop},
		[HULL_TASK_PAUSE] = {HULL_VERB_PAUSE, hull_task_pause},
		[HULL_TASK_RESUME] = {HULL_VERB_RESUME, hull_task_pause},
		[HULL_TASK_REMOVE] = {HULL_VERB_REMOVE, hull_task_remove},
	};
	enum hull_ruling r;

	if (t->o.kind == HULL_TASK_COLLECT && hull_task_is_abandoned(&t->record)) {
		hull_task_remove(t);
		return;
	}
	if (t->o.kind == HULL_TASK_WAIT || hull_task_only_settles(t)) {
		hull_task_finish(t);
		return;
	}
	if (t->o.kind == HULL_TASK_REMOVE && t->o.force && hull_state_is_live(t->record.state)) {
		hull_task_kill(t);
		return;
	}
	r = hull_states_rule(kinds[t->o.kind].verb, t->record.state, hull_task_name(t), &t->already,
			     &t->error);
	if (r == HULL_RULING_SO_ALREADY && t->o.kind == HULL_TASK_RESTART) {
		t->already = NULL;
		t->o.kind = HULL_TASK_START;
		hull_task_rule(t);
	} else if (r == HULL_RULING_DO) {
		kinds[t->o.kind].effect(t);
	} else {
		/* What has been killed before we had the lock is not "stopped already". */
		if (t->killed)
			t->already = NULL;
		hull_task_finish(t);
	}
}

int hull_task_new(struct hull_loop *loop, struct hull_store *store, const char *id,
		  const struct hull_task_options *options, hull_task_fn done, void *ctx,
		  struct hull_task **ret_task, struct hull_error **err)
{
	struct hull_task *t = calloc(1, sizeof(*t));
	int r;

	if (!t)
		return hull_fail_nomem(err);
	t->loop = loop;
	t->store = store;
	t->o = *options;
	t->done = done;
	t->ctx = ctx;
	t->lock.fd = -1;
	snprintf(t->id, sizeof(t->id), "%s", id);
	snprintf(t->shown, sizeof(t->shown), "%.*s", HULL_SHORT_LEN, id);
	r = hull_loop_add_timer(loop, on_timer, t, &t->timer);
	if (r == 0)
		r = hull_loop_add_timer(loop, on_limit, t, &t->limit);
	if (r < 0) {
		hull_task_free(t);
		return hull_fail_errno(err, -r, "set up a task");
	}
	hull_source_arm(t->limit, t->o.deadline_ns);
	hull_task_next(t, t->o.kind == HULL_TASK_WAIT ? hull_task_watch : hull_task_lock);
	*ret_task = t;
	return 0;
}

void hull_task_free(struct hull_task *t)
{
	if (!t)
		return;
	hull_source_remove(&t->timer);
	hull_source_remove(&t->limit);
	hull_rpc_free(t->rpc);
	hull_vm_free(t->vm);
	hull_config_fini(&t->config);
	if (t->locked)
		hull_store_unlock(&t->lock);
	hull_record_fini(&t->record);
	hull_strv_fini(&t->notes);
	hull_error_free(t->error);
	free(t);
}
