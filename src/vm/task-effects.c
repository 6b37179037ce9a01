/* SPDX-License-Identifier: Apache-2.0
 *
 * What verbs do: each begins with its intent in the store, and ends with the outcome there.  The
 * VM's lock is held, and its record is true (task-settle.c).
 */
#define _GNU_SOURCE
#include "vm/task-internal.h"

#include "base/cleanup.h"
#include "base/os.h"
#include "monitor.pb-c.h"
#include "vm/description.h"
#include "vm/logs.h"
#include "vm/states.h"

#include <string.h>

#define STOP_SLACK_MS 8000 /* beyond the time of the guest, which the monitor keeps */
#define ALIVE_MS 2000	   /* within which a monitor answers, unless it is stopped */

/* The last failure is forgotten with the next success. */
static void clear_failure(struct hull_change *c)
{
	c->reason = c->code = c->cause = c->message = c->hint = "";
}

/* ---- start ---- */

static void record_failure(struct hull_task *t)
{
	struct hull_change c = {
		.state = HULL_VM_ERROR,
		.event = "start-failed",
		.set_monitor = true,
		.reason = "start-failed",
		.code = hull_code_name(hull_error_code(t->error)),
		.cause = hull_error_cause(t->error),
		.message = hull_error_message(t->error),
		.hint = hull_error_hint(t->error),
	};

	c.detail = *c.cause ? c.cause : c.code;
	/* First the directory, which its monitor's last breath may still hold: while the record
	 * names it, somebody will finish this. */
	if (t->record.run_dir && hull_rundir_held(t->record.run_dir) &&
	    hull_ms_left(t->die_by_ns)) {
		hull_task_again(t);
		return;
	}
	if (t->record.run_dir && hull_rundir_reap(t->record.run_dir, false, NULL) < 0)
		hull_task_finish(t);
	else if (hull_task_change(t, &c) == 0)
		hull_task_finish(t);
}

static void fail_start(struct hull_task *t)
{
	t->die_by_ns = hull_deadline_ms(HULL_TASK_DIE_MS);
	hull_task_next(t, record_failure);
}

static void record_start(struct hull_task *t)
{
	struct hull_change c = {.state = HULL_VM_RUNNING,
				.set_monitor = true,
				.run_dir = hull_vm_dir(t->vm),
				.started_ns = hull_realtime_ns()};

	clear_failure(&c);
	(void)hull_rundir_monitor(c.run_dir, &c.monitor);
	(void)hull_strv_copy(&t->notes, hull_vm_notes(t->vm));
	if (hull_task_change(t, &c) == 0)
		hull_task_finish(t);
}

static void on_ready(void *ctx, const struct hull_error *error)
{
	struct hull_task *t = ctx;

	if (!error && !t->error)
		record_start(t);
	else if (error && !t->error)
		hull_fail_copy(&t->error, error);
}

static void on_ended(void *ctx, const struct hull_vm_end *end)
{
	struct hull_task *t = ctx;

	if (!t->error) /* between being ready and our taking note of it */
		hull_fail_cause(&t->error, end->code, end->reason, "the VM ended: %s",
				end->message);
	fail_start(t);
}

static const struct hull_vm_ops vm_ops = {.ready = on_ready, .ended = on_ended};

static int describe(struct hull_task *t)
{
	if (hull_config_from_json(t->record.config, strlen(t->record.config), &t->config,
				  &t->error) < 0)
		return hull_prefix(&t->error, "the description of VM '%s'", hull_task_name(t));
	t->config.tied = false;
	t->config.progress = false;
	free(t->config.id);
	t->config.id = strdup(t->id);
	if (!t->config.id)
		return hull_fail_nomem(&t->error);
	free(steal_ptr(&t->config.log_dir));
	if (hull_logs_dir(t->id, true, &t->config.log_dir, &t->error) < 0)
		return -1;
	return hull_description_complete(&t->config, t->o.guest_dir, &t->error);
}

void hull_task_start(struct hull_task *t)
{
	struct hull_change c = {.state = HULL_VM_STARTING, .set_monitor = true};
	cleanup_free char *dir = NULL;

	if (hull_rundir_find(t->id, &dir, &t->error) < 0) {
		hull_task_finish(t);
		return;
	}
	c.run_dir = dir;
	clear_failure(&c);
	if (hull_task_change(t, &c) < 0)
		return;
	if (describe(t) < 0 ||
	    hull_vm_start(t->loop, &t->config, &vm_ops, t, &t->vm, &t->error) < 0)
		fail_start(t);
}

/* ---- stop and kill ---- */

static void after_stop(struct hull_task *t)
{
	if (t->o.kind == HULL_TASK_RESTART) {
		t->o.kind = HULL_TASK_START;
		hull_task_start(t);
	} else if (t->o.kind == HULL_TASK_REMOVE) {
		hull_task_remove(t);
	} else {
		hull_task_finish(t);
	}
}

static void on_killed(void *ctx, const ProtobufCMessage *reply, const struct hull_error *error)
{
	struct hull_task *t = ctx;

	if (!reply)
		hull_task_kill_monitor(t);
	hull_task_bury(t, after_stop);
}

/* The intent, unless it is there already.  A VM is not to live on for want of room on a disk: then
 * it ends without, and whoever looks next finds and records that, as if it had done so by itself.
 */
static int intend_stop(struct hull_task *t)
{
	struct hull_change c = {.state = HULL_VM_STOPPING};

	if (t->record.state == HULL_VM_STOPPING)
		return 0;
	if (hull_store_change(t->store, t->id, &c, &t->error) == 0) {
		t->record.state = c.state;
		return 0;
	}
	if (hull_error_code(t->error) == HULL_E_NOT_FOUND) {
		hull_task_finish(t);
		return -1;
	}
	t->unrecorded = true;
	return 0;
}

static void call_stop(struct hull_task *t, uint64_t timeout_ms, uint64_t deadline_ns,
		      hull_rpc_fn fn)
{
	Hull__Monitor__V1__StopRequest rq = HULL__MONITOR__V1__STOP_REQUEST__INIT;

	rq.timeout_ns = timeout_ms * HULL_NS_PER_MS;
	hull_task_call(t, "Stop", &rq.base, &hull__monitor__v1__exit_record__descriptor,
		       deadline_ns, fn);
}

void hull_task_kill(struct hull_task *t)
{
	if (intend_stop(t) == 0)
		call_stop(t, 0, hull_deadline_ms(HULL_TASK_KILL_MS), on_killed);
}

static void on_alive(void *ctx, const ProtobufCMessage *reply, const struct hull_error *error)
{
	struct hull_task *t = ctx;

	if (reply)
		call_stop(t, t->o.stop_ms, hull_deadline_ms(t->o.stop_ms + STOP_SLACK_MS),
			  on_killed);
	else
		on_killed(t, NULL, error);
}

/* A monitor that is stopped would only be noticed after all of the guest's time. */
void hull_task_stop(struct hull_task *t)
{
	Hull__Monitor__V1__StatusRequest rq = HULL__MONITOR__V1__STATUS_REQUEST__INIT;

	if (intend_stop(t) == 0)
		hull_task_call(t, "Status", &rq.base,
			       &hull__monitor__v1__status_response__descriptor,
			       hull_deadline_ms(ALIVE_MS), on_alive);
}

/* ---- pause and resume ---- */

static void on_paused(void *ctx, const ProtobufCMessage *reply, const struct hull_error *error)
{
	struct hull_task *t = ctx;
	struct hull_change c = {.state = t->o.kind == HULL_TASK_PAUSE ? HULL_VM_PAUSED
								      : HULL_VM_RUNNING,
				.event = t->o.kind == HULL_TASK_PAUSE ? "paused" : "resumed"};

	if (reply) {
		if (hull_task_change(t, &c) == 0)
			hull_task_finish(t);
		return;
	}
	if (!strcmp(hull_error_cause(error), HULL_RPC_LOST) && !t->tries++) {
		hull_task_next(t, hull_task_settle); /* it has just died */
		return;
	}
	hull_fail_copy(&t->error, error);
	hull_prefix(&t->error, "VM '%s'", hull_task_name(t));
	hull_task_finish(t);
}

/* No intent: what has been done is asked of the hypervisor, and what follows from it is the same.
 */
void hull_task_pause(struct hull_task *t)
{
	Hull__Monitor__V1__PauseRequest rq = HULL__MONITOR__V1__PAUSE_REQUEST__INIT;
	bool pause = t->o.kind == HULL_TASK_PAUSE;

	hull_task_call(t, pause ? "Pause" : "Resume", &rq.base,
		       pause ? &hull__monitor__v1__pause_response__descriptor
			     : &hull__monitor__v1__resume_response__descriptor,
		       0, on_paused);
}

/* ---- remove ---- */

/* The record goes last: while it is there, whoever comes next finishes this. */
void hull_task_remove(struct hull_task *t)
{
	struct hull_change c = {.state = HULL_VM_DELETING};

	if (t->record.state != HULL_VM_DELETING && hull_task_change(t, &c) < 0)
		return;
	t->removed = hull_logs_remove(t->id, &t->error) == 0 &&
		     hull_store_remove(t->store, t->id, &t->error) == 0;
	hull_task_finish(t);
}

/* ---- wait ---- */

static void on_gone(void *ctx, const ProtobufCMessage *reply, const struct hull_error *error)
{
	struct hull_task *t = ctx;

	if (!t->rpc && hull_rundir_held(t->record.run_dir)) {
		hull_task_again(t); /* it has no place for us, or does not listen yet */
		return;
	}
	t->watched = t->record.monitor;
	hull_record_fini(&t->record);
	hull_task_lock(t);
}

/* Without the lock, which others need. */
void hull_task_watch(struct hull_task *t)
{
	Hull__Monitor__V1__WaitRequest rq = HULL__MONITOR__V1__WAIT_REQUEST__INIT;

	hull_record_fini(&t->record);
	if (hull_store_find(t->store, t->id, &t->record, &t->error) < 0) {
		hull_task_finish(t);
		return;
	}
	if (!t->record.run_dir)
		hull_task_finish(t);
	else if (t->record.state == HULL_VM_STARTING && !hull_rundir_held(t->record.run_dir))
		hull_task_lock(t);
	else
		hull_task_call(t, "Wait", &rq.base, &hull__monitor__v1__exit_record__descriptor, 0,
			       on_gone);
}
