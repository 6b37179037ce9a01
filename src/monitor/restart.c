/* SPDX-License-Identifier: Apache-2.0
 *
 * From the end of a VM to another start of it, in the same monitor and run directory.
 *
 *   ended -> everything killed -> all reaped, what the launch had made freed -> a delay -> launched
 *        '----------------------------- state "restarting" ----------------------------'
 *
 * Control socket, REST service, consoles and the sockets of vsock ports are there all the time;
 * what leads to the guest is not.  It happens by the description's policy, once the VM has been
 * ready and after a delay that grows; and at once where passt does not work, before the guest has
 * noticed.
 */
#define _GNU_SOURCE
#include "monitor/state.h"

#include "base/cleanup.h"
#include "base/json.h"
#include "base/log.h"
#include "base/os.h"
#include "base/path.h"
#include "monitor/monitor.h"

#include <stdio.h>
#include <string.h>

static void begin(struct hull_monitor *m, uint64_t delay_ms)
{
	hull_monitor_enter(m, HULL_MONITOR_RESTARTING);
	m->restarts.delay_ms = delay_ms;
	m->up_ns = m->runs_ns = m->greeted_ns = m->carried_at_ns = 0;
	m->panicked = false;
	hull_monitor_unready(m);
	hull_source_arm(m->deadline, 0);
	hull_monitor_kill_children(m);
}

void hull_monitor_relaunch(struct hull_monitor *m)
{
	if (m->state == HULL_MONITOR_STARTING)
		begin(m, 0);
}

/* What its end was becomes why it is started anew. */
static void keep_reason(struct hull_monitor *m)
{
	struct hull_restarts *r = &m->restarts;

	free(r->reason);
	free(r->message);
	r->reason = steal_ptr(&m->end_reason);
	r->message = steal_ptr(&m->end_message);
	free(steal_ptr(&m->end_hint));
	free(steal_ptr(&m->dump_result));
	m->end_code = 0;
	hull_error_freep(&m->start_error);
}

bool hull_monitor_restart(struct hull_monitor *m)
{
	struct hull_restarts *r = &m->restarts;
	uint64_t delay_ms;

	if (!m->ready_ns || !m->end_reason ||
	    !hull_policy_restarts(&m->config.restart, m->end_reason, r->n))
		return false;
	if (m->up_ns && hull_now_ns() - m->up_ns >= HULL_POLICY_CALM_MS * HULL_NS_PER_MS)
		r->in_row = 0;
	delay_ms = hull_policy_delay_ms(r->in_row++);
	r->n++;
	keep_reason(m);
	hull_warn("monitor", "the VM has ended (%s) and is started anew in %llu.%llu s: %s",
		  r->reason, (unsigned long long)(delay_ms / 1000),
		  (unsigned long long)(delay_ms % 1000 / 100), r->message ? r->message : "");
	begin(m, delay_ms);
	return true;
}

/* For "hull ls": nobody has to ask the monitors of all VMs. */
static void note(const struct hull_monitor *m)
{
	const struct hull_restarts *restarts = &m->restarts;
	cleanup_free char *path = hull_path_join(m->config.run_dir, HULL_RESTARTS_FILE);
	cleanup_json struct hull_json *j = hull_json_object();
	cleanup_free char *text = NULL;
	int r = j ? 0 : -ENOMEM;

	if (!restarts->n)
		return;
	r |= hull_json_set(j, "restarts", hull_json_u64(restarts->n));
	r |= hull_json_set(j, "reason", hull_json_string(restarts->reason));
	r |= hull_json_set(j, "message",
			   hull_json_string(restarts->message ? restarts->message : ""));
	r |= hull_json_set(j, "next_at_ns", hull_json_u64(restarts->next_at_ns));
	text = r ? NULL : hull_json_text(j);
	r = path && text ? hull_file_write(path, text, strlen(text), 0600, false) : -ENOMEM;
	if (r < 0)
		hull_warn("monitor", "%s: %s, ignoring", path ? path : HULL_RESTARTS_FILE,
			  hull_strerror(-r));
}

void hull_monitor_await_restart(struct hull_monitor *m)
{
	uint64_t delay_ms = m->restarts.delay_ms;

	hull_monitor_forget_guest(m);
	hull_monitor_free_launch(m);
	hull_monitor_remove_cgroups(m);
	m->restarts.next_at_ns = hull_realtime_ns() + delay_ms * HULL_NS_PER_MS;
	note(m);
	hull_source_arm(m->deadline, hull_deadline_ms(delay_ms));
}

/* What fails now is an end like others, after which it may be tried again. */
void hull_monitor_start_anew(struct hull_monitor *m)
{
	cleanup_error struct hull_error *err = NULL;

	m->restarts.next_at_ns = 0;
	note(m);
	hull_monitor_enter(m, HULL_MONITOR_STARTING);
	if (hull_monitor_launch(m, &err) < 0)
		hull_monitor_end_error(m, "start-failed", &err);
	else
		hull_monitor_await_boot(m);
}

void hull_monitor_tell_restarts(struct hull_monitor *m)
{
	struct hull_restarts *r = &m->restarts;
	char *text = NULL;

	r->next_at_ns = 0;
	if (!r->n || !m->end_message ||
	    asprintf(&text, "%s; it had been started anew %u time%s, last after: %s",
		     m->end_message, r->n, r->n == 1 ? "" : "s", r->message ? r->message : "") < 0)
		return;
	free(m->end_message);
	m->end_message = text;
}
