/* SPDX-License-Identifier: Apache-2.0
 *
 * What is really so: the record says in which state its last verb left the VM; its run directory
 * says what lives.  Where the two differ the record is set right, and what is left of one that has
 * died is cleaned up.  The VM's lock is held.
 */
#define _GNU_SOURCE
#include "vm/task-internal.h"

#include "base/cleanup.h"
#include "base/os.h"
#include "monitor.pb-c.h"
#include "vm/frozen.h"
#include "vm/states.h"

#include <signal.h>
#include <string.h>

#define ASK_MS 2000

/* ---- how it ended ---- */

/* Ends that are nobody's failure. */
static bool is_proper(const char *reason)
{
	static const char *const proper[] = {"stopped",	   "shutdown", "reboot",
					     "terminated", "killed",   "host-reboot"};

	for (size_t i = 0; i < ARRAY_SIZE(proper); i++)
		if (!strcmp(reason, proper[i]))
			return true;
	return false;
}

/* Nobody has written down how. */
static void guess(const struct hull_task *t, struct hull_change *c)
{
	char boot[37] = "";

	(void)hull_boot_id(boot);
	if (t->killed) {
		c->reason = "killed";
		c->message = "the VM was killed on request";
	} else if (t->record.monitor.pid && strcmp(t->record.monitor.boot, boot) != 0) {
		c->reason = "host-reboot";
		c->message = "the host was booted anew";
	} else if (t->record.state == HULL_VM_STARTING) {
		c->reason = "start-interrupted";
		c->code = "CANCELED";
		c->message = "whoever started the VM ended before it ran";
	} else {
		c->reason = "monitor-died";
		c->code = "BACKEND";
		c->message = "the VM's monitor died";
		c->hint = "somebody killed it, or the kernel did for want of memory, which dmesg "
			  "would tell";
	}
}

/* Nothing of it lives: writes down how it ended, and removes what is left. */
static int bury(struct hull_task *t)
{
	cleanup_error struct hull_error *err = NULL;
	struct hull_vm_exit e = {0};
	struct hull_change c = {
		.set_monitor = true, .code = "", .cause = "", .hint = "", .message = ""};
	int r = hull_rundir_exit(t->record.run_dir, &e);

	if (r < 0) {
		guess(t, &c);
	} else {
		c.reason = e.reason;
		c.message = e.message;
		c.code = is_proper(e.reason) ? "" : e.code;
		c.hint = e.hint;
	}
	c.cause = is_proper(c.reason) ? "" : c.reason;
	c.state = is_proper(c.reason) ? HULL_VM_STOPPED : HULL_VM_ERROR;
	c.stopped_ns = e.at_ns ? e.at_ns : hull_realtime_ns();
	/* First the directory: while the record names it, somebody will finish this. */
	r = hull_rundir_reap(t->record.run_dir, false, &err);
	if (r == 0)
		r = hull_task_change(t, &c);
	else if (!t->error)
		(void)hull_error_move(&t->error, &err);
	hull_vm_exit_fini(&e);
	return r;
}

static void wait_dead(struct hull_task *t)
{
	if (hull_rundir_held(t->record.run_dir)) {
		if (hull_ms_left(t->die_by_ns)) {
			hull_task_again(t);
			return;
		}
		if (!t->error)
			hull_fail_cause(&t->error, HULL_E_TIMEOUT, "does-not-end",
					"VM '%s' does not end: its monitor is stuck in the kernel",
					hull_task_name(t));
		hull_task_finish(t);
		return;
	}
	if (t->unrecorded)
		hull_prefix(&t->error, "VM '%s' has ended, which could not be recorded",
			    hull_task_name(t));
	if (t->unrecorded || bury(t) < 0)
		hull_task_finish(t);
	else
		t->after_death(t);
}

void hull_task_bury(struct hull_task *t, hull_task_step after)
{
	t->after_death = after;
	t->die_by_ns = hull_deadline_ms(HULL_TASK_DIE_MS);
	hull_task_next(t, wait_dead);
}

void hull_task_kill_monitor(struct hull_task *t)
{
	struct hull_process_id id;
	cleanup_close int fd = -1;

	if (hull_rundir_monitor(t->record.run_dir, &id) < 0)
		return;
	fd = hull_process_open(&id);
	t->killed |= fd >= 0 && hull_pidfd_kill(fd, SIGKILL) == 0;
}

/* ---- what lives ---- */

/* What somebody has done, and died before that could be written down, or has done by another way,
 * such as the REST service. */
static void adopt(struct hull_task *t, enum hull_vm_state state)
{
	struct hull_change c = {
		.state = state,
		.set_monitor = true,
		.run_dir = t->record.run_dir,
		.started_ns = t->record.state == HULL_VM_STARTING ? hull_realtime_ns() : 0,
		.reason = "",
		.code = "",
		.cause = "",
		.message = "",
		.hint = ""};
	cleanup_free char *dir = strdup(t->record.run_dir);

	c.run_dir = dir;
	(void)hull_rundir_monitor(t->record.run_dir, &c.monitor);
	if (dir && hull_task_change(t, &c) == 0)
		hull_task_rule(t);
	else
		hull_task_finish(t);
}

/* HULL_VM_STATES where nothing can be concluded. */
static enum hull_vm_state told_state(const Hull__Monitor__V1__StatusResponse *r)
{
	if (r && !strcmp(r->state, "running"))
		return HULL_VM_RUNNING;
	if (r && !strcmp(r->state, "paused"))
		return HULL_VM_PAUSED;
	return HULL_VM_STATES;
}

/* To those the state makes no difference. */
static bool kills(const struct hull_task *t)
{
	return t->o.kind == HULL_TASK_KILL || t->o.force;
}

/* To the others it does, unless they have to get at the VM whatever it is. */
static bool needs_answer(const struct hull_task *t)
{
	return t->o.kind == HULL_TASK_START || t->o.kind == HULL_TASK_PAUSE ||
	       t->o.kind == HULL_TASK_RESUME;
}

static void fail_silent(struct hull_task *t)
{
	hull_fail_cause(&t->error, HULL_E_TIMEOUT, "monitor-silent",
			"VM '%s': its monitor did not answer within %d s", hull_task_name(t),
			ASK_MS / 1000);
	hull_hint(&t->error, "'hull kill' ends the VM all the same");
	hull_frozen_tell(&t->record, &t->error);
	hull_task_finish(t);
}

static void on_status(void *ctx, const ProtobufCMessage *reply, const struct hull_error *error)
{
	const Hull__Monitor__V1__StatusResponse *r = (const void *)reply;
	enum hull_vm_state state = told_state(r);
	struct hull_task *t = ctx;

	if (state == t->record.state)
		hull_task_rule(t);
	else if (state != HULL_VM_STATES)
		adopt(t, state);
	else if (t->record.state == HULL_VM_STARTING && !hull_task_only_settles(t) && !kills(t))
		hull_task_again(t); /* it is about to end, since its starter has */
	else if (hull_error_code(error) == HULL_E_TIMEOUT && needs_answer(t))
		fail_silent(t);
	else
		hull_task_rule(t);
}

static void look(struct hull_task *t)
{
	Hull__Monitor__V1__StatusRequest rq = HULL__MONITOR__V1__STATUS_REQUEST__INIT;

	if (!hull_rundir_held(t->record.run_dir))
		hull_task_bury(t, hull_task_rule);
	else if (!kills(t) && t->o.kind != HULL_TASK_STOP)
		hull_task_call(t, "Status", &rq.base,
			       &hull__monitor__v1__status_response__descriptor,
			       hull_deadline_ms(ASK_MS), on_status);
	else
		hull_task_rule(t);
}

/* What somebody began is finished, and there is nothing for a verb any more. */
static void finish_removal(struct hull_task *t)
{
	bool wanted = t->o.kind == HULL_TASK_REMOVE || hull_task_only_settles(t);
	cleanup_free char *name = strdup(hull_task_name(t));

	hull_task_remove(t);
	if (t->removed && !wanted)
		hull_fail(&t->error, HULL_E_NOT_FOUND, "there is no VM '%s'",
			  name ? name : t->shown);
}

void hull_task_settle(struct hull_task *t)
{
	bool ended = t->watched.pid && t->watched.pid == t->record.monitor.pid &&
		     t->watched.start == t->record.monitor.start;

	if (t->record.state == HULL_VM_DELETING && !t->record.run_dir)
		finish_removal(t);
	else if (t->record.run_dir && ended)
		hull_task_bury(t, hull_task_rule); /* it holds its directory for an instant more */
	else if (t->record.run_dir)
		hull_task_next(t, look);
	else
		hull_task_rule(t);
}
