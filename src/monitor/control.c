/* SPDX-License-Identifier: Apache-2.0
 *
 * Pausing and resuming on request, whoever asks: the control socket or the REST service.  One at a
 * time, so that it can be told that the VM is on its way.
 */
#define _GNU_SOURCE
#include "monitor/state.h"

#include "base/cleanup.h"

struct change {
	struct hull_monitor *m;
	bool pause;
	hull_inst_done_fn done;
	void *ctx;
};

static void on_done(void *ctx, const struct hull_error *error)
{
	cleanup_error struct hull_error *err = NULL;
	struct change *c = ctx;

	c->m->change = HULL_CHANGE_NONE;
	hull_monitor_stop_goes_on(c->m);
	/* A guest that has ended just then could not be, and goes on if it has only rebooted. */
	if (!error && c->pause && c->m->state != HULL_MONITOR_PAUSED)
		hull_fail_cause(&err, HULL_E_STATE, "not-running", "the guest is ending");
	c->done(c->ctx, error ? error : err);
	free(c);
}

static int check(const struct hull_monitor *m, bool pause, struct hull_error **err)
{
	if (m->change != HULL_CHANGE_NONE)
		return hull_fail_cause(err, HULL_E_STATE, "changing", "the VM is just being %s",
				       m->change == HULL_CHANGE_PAUSING ? "paused" : "resumed");
	if (pause && (m->state != HULL_MONITOR_RUNNING || m->stop_by_ns))
		return hull_fail_cause(err, HULL_E_STATE, "not-running", "the VM is not running");
	if (!pause && m->state != HULL_MONITOR_PAUSED)
		return hull_fail_cause(err, HULL_E_STATE, "not-paused", "the VM is not paused");
	if (!hull_inst_can(m->inst, HULL_CAP_PAUSE))
		return hull_fail(err, HULL_E_UNSUPPORTED, "this hypervisor can't pause");
	return 0;
}

int hull_monitor_pause(struct hull_monitor *m, bool pause, hull_inst_done_fn done, void *ctx,
		       struct hull_error **err)
{
	struct change *c;
	int r;

	if (check(m, pause, err) < 0)
		return -1;
	c = malloc(sizeof(*c));
	if (!c)
		return hull_fail_nomem(err);
	*c = (struct change){m, pause, done, ctx};
	m->change = pause ? HULL_CHANGE_PAUSING : HULL_CHANGE_RESUMING;
	r = pause ? m->inst->ops->pause(m->inst, on_done, c, err)
		  : m->inst->ops->resume(m->inst, on_done, c, err);
	if (r < 0) {
		m->change = HULL_CHANGE_NONE;
		free(c);
	}
	return r;
}
