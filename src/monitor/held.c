/* SPDX-License-Identifier: Apache-2.0
 *
 * What becomes of a guest that has ended by itself, where the hypervisor holds it so that we can
 * look why.
 *
 *   ending -> panicked? --yes--> dumped, if that is wanted; let go
 *                |
 *                no -> wants to reboot, and may? --no--> let go: the hypervisor exits
 *                                  |
 *                                 yes -> reset -> events.reset: link begun anew -> it boots again
 *
 * The machine stays as it is meanwhile, and so do those who serve its devices; the guest's agent
 * greets, is set up and becomes ready as at the first time.
 */
#define _GNU_SOURCE
#include "monitor/state.h"

#include "base/cleanup.h"
#include "base/os.h"
#include "base/strbuf.h"

/* Without a panic device a panic looks like a reboot: the console knows better. */
static bool has_panicked(struct hull_monitor *m, enum hull_end end)
{
	cleanup_strbuf struct hull_strbuf line = HULL_STRBUF_INIT;

	if (end != HULL_END_REBOOT || !m->console)
		return end == HULL_END_PANIC;
	hull_console_drain(m->console);
	(void)hull_console_panic_line(m->console, &line);
	return line.len;
}

/* Not one that is to be stopped and does this instead, nor one that gives up before it has ever
 * been ready: whoever starts it wants to know. */
static bool may_reboot(const struct hull_monitor *m)
{
	bool was_ready = m->ready_ns || m->config.agent == HULL_AGENT_NONE;

	return hull_policy_reboots(&m->config) && hull_inst_can(m->inst, HULL_CAP_RESET) &&
	       was_ready && !m->end_reason;
}

static void let_go(struct hull_monitor *m)
{
	if (m->inst->ops->quit(m->inst, NULL) < 0)
		m->inst->ops->kill(m->inst);
}

/* One that reboots again before it was ready has no more time for it: a PC's firmware does, once,
 * since it finds that it has run before. */
static void reboot(struct hull_monitor *m)
{
	cleanup_error struct hull_error *err = NULL;

	if (m->state != HULL_MONITOR_STARTING) {
		hull_source_arm(m->deadline, hull_deadline_ms(m->config.boot_timeout_ms));
		m->reboots++;
	}
	hull_monitor_enter(m, HULL_MONITOR_STARTING);
	m->up_ns = 0;
	m->runs_ns = m->greeted_ns = 0;
	hull_monitor_forget_guest(m);
	if (m->inst->ops->reset(m->inst, &err) < 0)
		hull_monitor_end_because(m, "reboot", err);
}

void hull_monitor_rebooted(struct hull_monitor *m)
{
	cleanup_error struct hull_error *err = NULL;

	if (m->state != HULL_MONITOR_STARTING)
		return;
	hull_console_mark(m->console);
	if (hull_monitor_renew_link(m, &err) < 0)
		hull_monitor_end_because(m, "link-broken", err);
}

void hull_monitor_held(struct hull_monitor *m, enum hull_end end)
{
	bool held = (m->dump || hull_policy_reboots(&m->config)) && end <= HULL_END_PANIC;

	if (!held || hull_monitor_has_ended(m))
		return;
	if (!has_panicked(m, end) && end == HULL_END_REBOOT && may_reboot(m))
		reboot(m);
	else if (m->dump && has_panicked(m, end))
		hull_monitor_dump_guest(m);
	else
		let_go(m);
}
