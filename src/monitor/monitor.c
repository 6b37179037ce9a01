/* SPDX-License-Identifier: Apache-2.0
 *
 * The monitor's states and how a VM ends.
 *
 * Ending is one path for every cause: record it, kill the children, wait for their exits (each
 * arms `finish`), then, from the bottom of the loop, remove what is left and answer the callers.
 * Nothing is torn down from inside a callback of what is torn down.
 */
#define _GNU_SOURCE
#include "monitor/state.h"

#include "base/cleanup.h"
#include "base/fault.h"
#include "base/log.h"
#include "base/os.h"
#include "base/path.h"
#include "base/strbuf.h"
#include "monitor/rest.h"

#include <assert.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define REAP_MS 5000  /* from kill to exit: longer means stuck in the kernel */
#define DRAIN_MS 2000 /* for readers of the console to take what it said last */
#define TAIL_LINES 8
#define STOP_MAX_NS (UINT64_C(86400) * HULL_NS_PER_S) /* a day is for ever */
#define UNTIMED_GRACE_NS (10 * HULL_NS_PER_S)
#define OFF_NS \
	(2 * HULL_NS_PER_S) /* that a guest has for the power at least, of more than twice that */

/* What may follow what: the picture in monitor.h. */
#define TO(state) (1u << HULL_MONITOR_##state)
static const unsigned int followers[] = {
	[HULL_MONITOR_WAITING] = TO(STARTING) | TO(STOPPING),
	[HULL_MONITOR_STARTING] = TO(STARTING) | TO(RUNNING) | TO(RESTARTING) | TO(STOPPING),
	[HULL_MONITOR_RUNNING] = TO(STARTING) | TO(PAUSED) | TO(RESTARTING) | TO(STOPPING),
	[HULL_MONITOR_PAUSED] = TO(STARTING) | TO(RUNNING) | TO(RESTARTING) | TO(STOPPING),
	[HULL_MONITOR_RESTARTING] = TO(STARTING) | TO(STOPPING),
	[HULL_MONITOR_STOPPING] = TO(GONE),
	[HULL_MONITOR_GONE] = 0,
};

void hull_monitor_enter(struct hull_monitor *m, enum hull_monitor_state next)
{
	assert(followers[m->state] & 1u << next);
	m->state = next;
}

static bool children_left(const struct hull_monitor *m)
{
	for (size_t i = 0; i < m->helpers.n; i++)
		if (hull_helper_runs(m->helpers.v[i]))
			return true;
	return m->inst_running;
}

static void free_helpers(struct hull_monitor *m)
{
	for (size_t i = 0; i < m->helpers.n; i++)
		hull_helper_free(m->helpers.v[i]);
	free(m->helpers.v);
	m->helpers.v = NULL;
	m->helpers.n = m->helpers.cap = 0;
}

void hull_monitor_kill_children(struct hull_monitor *m)
{
	if (m->inst_running)
		m->inst->ops->kill(m->inst);
	for (size_t i = 0; i < m->helpers.n; i++)
		hull_helper_kill(m->helpers.v[i]);
	hull_source_arm(m->finish, hull_deadline_ms(children_left(m) ? REAP_MS : 0));
}

void hull_monitor_child_ended(struct hull_monitor *m)
{
	if (!children_left(m))
		hull_source_arm(m->finish, 1);
}

static void record(struct hull_monitor *m, const char *reason, int code, const char *message,
		   const char *hint)
{
	if (m->end_reason)
		return;
	m->end_reason = strdup(reason);
	m->end_code = code;
	m->end_message = strdup(message);
	m->end_hint = hint && *hint ? strdup(hint) : NULL;
}

static void begin_stopping(struct hull_monitor *m)
{
	if (m->state >= HULL_MONITOR_STOPPING)
		return;
	hull_monitor_enter(m, HULL_MONITOR_STOPPING);
	hull_monitor_tell_restarts(m);
	hull_source_arm(m->deadline, 0);
	hull_monitor_kill_children(m);
}

/* It has ended by itself, and why is recorded. */
static void conclude(struct hull_monitor *m)
{
	if (!hull_monitor_restart(m))
		begin_stopping(m);
}

/* What a start that did not succeed is answered with, console included. */
static void explain_start(struct hull_monitor *m)
{
	cleanup_strbuf struct hull_strbuf tail = HULL_STRBUF_INIT;

	if (!m->start_call || m->start_error)
		return;
	if (m->console)
		hull_console_tail(m->console, TAIL_LINES, &tail);
	hull_fail_cause(&m->start_error, m->end_code, m->end_reason ? m->end_reason : "",
			"the VM did not start: %s%s%s", m->end_message ? m->end_message : "",
			tail.len ? "; the console's last lines:\n" : "", hull_strbuf_str(&tail));
	if (m->end_hint)
		hull_hint(&m->start_error, "%s", m->end_hint);
}

void hull_monitor_end(struct hull_monitor *m, const char *reason, const char *fmt, ...)
{
	cleanup_free char *message = NULL;
	va_list ap;

	if (hull_monitor_has_ended(m))
		return;
	va_start(ap, fmt);
	if (vasprintf(&message, fmt, ap) < 0)
		message = NULL;
	va_end(ap);
	record(m, reason, HULL_E_BACKEND, message ? message : "out of memory",
	       hull_monitor_hint(m, reason, message ? message : ""));
	conclude(m);
}

void hull_monitor_end_because(struct hull_monitor *m, const char *reason,
			      const struct hull_error *why)
{
	const char *cause = hull_error_cause(why), *hint = hull_error_hint(why);

	if (hull_monitor_has_ended(m))
		return;
	if (*cause)
		reason = cause;
	record(m, reason, hull_error_code(why), hull_error_message(why),
	       *hint ? hint : hull_monitor_hint(m, reason, hull_error_message(why)));
	conclude(m);
}

void hull_monitor_end_error(struct hull_monitor *m, const char *reason, struct hull_error **err)
{
	if (hull_monitor_has_ended(m))
		return;
	record(m, reason, hull_error_code(*err), hull_error_message(*err), hull_error_hint(*err));
	if (m->start_error)
		hull_error_freep(err);
	else
		hull_error_move(&m->start_error, err);
	conclude(m);
}

void hull_monitor_cancel(struct hull_monitor *m, const char *reason, const char *message)
{
	record(m, reason, HULL_E_BACKEND, message, NULL);
	begin_stopping(m);
}

void hull_monitor_terminate(struct hull_monitor *m, const char *why)
{
	hull_monitor_cancel(m, "terminated", why);
}

/* What programs leave of the time is for what they have written, and for the power. */
static uint64_t grace(uint64_t timeout_ns)
{
	if (timeout_ns == STOP_MAX_NS)
		return UNTIMED_GRACE_NS;
	return timeout_ns - MAX(timeout_ns / 4, MIN(timeout_ns / 2, OFF_NS));
}

static void on_resumed(void *ctx, const struct hull_error *error)
{
	if (error)
		hull_warn("monitor", "%s; it is going to be killed", hull_error_message(error));
}

/* A paused guest could not power off.  What it is asked for next waits until it runs. */
static void resume_for_stop(struct hull_monitor *m)
{
	cleanup_error struct hull_error *err = NULL;

	if (m->state == HULL_MONITOR_PAUSED && m->change == HULL_CHANGE_NONE &&
	    hull_monitor_pause(m, false, on_resumed, NULL, &err) < 0)
		on_resumed(NULL, err);
}

/* It was just being paused when it was to be stopped. */
void hull_monitor_stop_goes_on(struct hull_monitor *m)
{
	if (m->stop_by_ns)
		resume_for_stop(m);
}

void hull_monitor_stop(struct hull_monitor *m, uint64_t timeout_ns)
{
	cleanup_error struct hull_error *err = NULL;

	if (m->state >= HULL_MONITOR_STOPPING)
		return;
	timeout_ns = MIN(timeout_ns, STOP_MAX_NS);
	record(m, "stopped", HULL_E_CANCELED, "the VM was stopped on request", NULL);
	if (m->state <= HULL_MONITOR_STARTING || m->state == HULL_MONITOR_RESTARTING)
		timeout_ns = 0; /* nobody in the guest listens yet, and it has nothing to save */
	if (timeout_ns)
		resume_for_stop(m);
	if (timeout_ns && m->inst_running && m->agent)
		hull_monitor_power_off_guest(m, grace(timeout_ns));
	else if (!timeout_ns || !m->inst_running || !hull_inst_can(m->inst, HULL_CAP_POWERDOWN) ||
		 m->inst->ops->powerdown(m->inst, &err) < 0)
		begin_stopping(m);
	if (m->state >= HULL_MONITOR_STOPPING)
		return;
	/* Whoever has less patience counts. */
	if (!m->stop_by_ns || hull_now_ns() + timeout_ns < m->stop_by_ns)
		m->stop_by_ns = hull_now_ns() + timeout_ns;
	hull_source_arm(m->deadline, m->stop_by_ns);
}

void hull_monitor_ready(struct hull_monitor *m)
{
	bool first = !m->ready_ns;

	(void)hull_fault("monitor.ready");
	hull_monitor_enter(m, HULL_MONITOR_RUNNING);
	m->up_ns = hull_now_ns();
	hull_source_arm(m->deadline, 0);
	if (m->config.agent != HULL_AGENT_NONE)
		hull_monitor_agent_ready(m);
	if (!first)
		return;
	m->ready_ns = m->up_ns;
	hull_monitor_note_devices(m);
	hull_monitor_answer_start(m);
	if (m->config.agent != HULL_AGENT_NONE || m->timesync)
		hull_monitor_watch_clock(m);
}

static void on_deadline(void *ctx)
{
	cleanup_error struct hull_error *err = NULL;
	cleanup_strbuf struct hull_strbuf tail = HULL_STRBUF_INIT;
	struct hull_monitor *m = ctx;

	if (m->state == HULL_MONITOR_GONE) { /* a reader of the console that does not read */
		m->gone(m->ctx);
		return;
	}
	if (m->state == HULL_MONITOR_RESTARTING) {
		hull_monitor_start_anew(m);
		return;
	}
	if (m->state != HULL_MONITOR_STARTING) { /* a graceful stop took too long */
		begin_stopping(m);
		return;
	}
	if (m->console)
		hull_console_tail(m->console, TAIL_LINES, &tail);
	hull_monitor_fail_silent(m, hull_strbuf_str(&tail), &err);
	hull_monitor_end_error(m, "agent-silent", &err);
}

/* Where we are if the starter went before it told us. */
static char *dir_of_lock(int lock_fd)
{
	char link[32], path[PATH_MAX], *slash;
	ssize_t n;

	snprintf(link, sizeof(link), "/proc/self/fd/%d", lock_fd);
	n = readlink(link, path, sizeof(path) - 1);
	if (n <= 0)
		return NULL;
	path[n] = '\0';
	slash = strrchr(path, '/');
	if (!slash || slash == path || strcmp(slash, "/lock") != 0) /* " (deleted)" */
		return NULL;
	*slash = '\0';
	return strdup(path);
}

/* Detached: the record stays for whoever asks next.  Tied, or never ready: nobody will. */
static void leave_run_dir(struct hull_monitor *m)
{
	cleanup_free char *path = NULL, *text = NULL;
	int r = 0;

	if (!m->config.run_dir)
		m->config.run_dir = dir_of_lock(m->lock_fd);
	if (!m->config.run_dir)
		return;
	if (m->config.tied || !m->ready_ns) {
		r = hull_path_remove_tree(m->config.run_dir);
	} else {
		path = hull_path_join(m->config.run_dir, "exit.json");
		text = hull_monitor_exit_json(m);
		if (path && text)
			r = hull_file_write(path, text, strlen(text), 0600, false);
	}
	if (r < 0)
		hull_warn("monitor", "%s: %s, ignoring", m->config.run_dir, hull_strerror(-r));
}

/* The readers of a console have all of it, or its log has. */
static void on_drained(void *ctx)
{
	struct hull_monitor *m = ctx;

	if (--m->lagging)
		return;
	hull_source_arm(m->deadline, 0);
	m->gone(m->ctx);
}

/* What serves the VM from outside its launches. */
static void free_services(struct hull_monitor *m)
{
	hull_scratch_free(steal_ptr(&m->scratch));
	hull_rest_close(steal_ptr(&m->rest));
	hull_lent_close(&m->gdb);
	hull_lent_close(&m->display);
	hull_ignition_close(steal_ptr(&m->ignition));
	hull_timesync_free(steal_ptr(&m->timesync));
	hull_vports_free(steal_ptr(&m->vports));
}

void hull_monitor_free_launch(struct hull_monitor *m)
{
	hull_rpc_free(steal_ptr(&m->agent));
	hull_guest_link_free(steal_ptr(&m->link));
	hull_vsock_link_free(steal_ptr(&m->vsock));
	hull_source_remove(&m->lost);
	hull_inst_freep(&m->inst); /* may still answer for a dump */
	hull_dump_free(steal_ptr(&m->dump));
	free_helpers(m);
	hull_net_free(steal_ptr(&m->net));
	hull_relay_free(steal_ptr(&m->nbd));
}

/* Everything has been reaped, or is past waiting for. */
static void on_finish(void *ctx)
{
	struct hull_monitor *m = ctx;

	if (m->state == HULL_MONITOR_RESTARTING && children_left(m))
		hull_monitor_cancel(m, "start-failed", "the hypervisor or its helper does not end");
	else if (m->state == HULL_MONITOR_RESTARTING)
		hull_monitor_await_restart(m);
	if (m->state != HULL_MONITOR_STOPPING)
		return;
	if (children_left(m))
		hull_warn("monitor", "the hypervisor or its helper does not end, going on");
	(void)hull_fault("monitor.ended");
	explain_start(m);
	hull_monitor_enter(m, HULL_MONITOR_GONE);
	m->exited_at_ns = hull_realtime_ns();
	hull_monitor_unwatch_clock(m);
	hull_monitor_free_launch(m);
	free_services(m);
	hull_monitor_remove_cgroups(m);
	leave_run_dir(m);
	hull_monitor_answer_end(m);
	m->lagging = m->console && hull_console_drain_readers(m->console, on_drained, m);
	m->lagging += m->logger && hull_logger_finish(m->logger, on_drained, m);
	m->lagging += hull_monitor_devices_lag(m, on_drained, m);
	if (m->lagging)
		hull_source_arm(m->deadline, hull_deadline_ms(DRAIN_MS));
	else
		m->gone(m->ctx);
}

int hull_monitor_new(struct hull_loop *loop, int starter_fd, int lock_fd, void (*gone)(void *ctx),
		     void *ctx, struct hull_monitor **ret_monitor, struct hull_error **err)
{
	struct hull_monitor *m = calloc(1, sizeof(*m));
	int r;

	if (!m) {
		hull_closep(&starter_fd);
		hull_closep(&lock_fd);
		return hull_fail_nomem(err);
	}
	m->loop = loop;
	m->gone = gone;
	m->ctx = ctx;
	m->lock_fd = lock_fd;
	m->initrd_fd = -1;
	hull_lent_init(&m->gdb);
	hull_lent_init(&m->display);
	m->clock_fd = -1;
	hull_config_init(&m->config);
	hull_exports_init(&m->exports);
	r = hull_loop_add_timer(loop, on_deadline, m, &m->deadline);
	if (r == 0)
		r = hull_loop_add_timer(loop, on_finish, m, &m->finish);
	if (r < 0) {
		hull_closep(&starter_fd);
		hull_fail_errno(err, -r, "set up the monitor");
	} else {
		r = hull_server_new(loop, starter_fd, -1, &hull_monitor_methods, m, &m->server,
				    err);
	}
	if (r < 0) {
		hull_monitor_free(m);
		return -1;
	}
	*ret_monitor = m;
	return 0;
}

void hull_monitor_free(struct hull_monitor *m)
{
	if (!m)
		return;
	hull_monitor_unwatch_clock(m);
	hull_monitor_free_launch(m);
	free_services(m);
	hull_server_free(m->server);
	hull_console_free(m->console);
	hull_logger_free(m->logger);
	hull_monitor_close_devices(m);
	for (size_t i = 0; i < m->handed.n; i++)
		hull_closep(&m->handed.v[i]);
	free(m->handed.v);
	hull_source_remove(&m->deadline);
	hull_source_remove(&m->finish);
	hull_closep(&m->initrd_fd);
	hull_closep(&m->lock_fd);
	hull_config_fini(&m->config);
	hull_error_free(m->start_error);
	free(m->waiters.v);
	hull_strv_fini(&m->notes);
	hull_timeline_fini(&m->timeline);
	hull_exports_fini(&m->exports);
	free(m->cgroup);
	free(m->cpu_cgroup);
	free(m->dump_result);
	free(m->restarts.reason);
	free(m->restarts.message);
	free(m->end_reason);
	free(m->end_message);
	free(m->end_hint);
	free(m);
}
