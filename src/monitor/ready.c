/* SPDX-License-Identifier: Apache-2.0
 *
 * When the agent and the network became ready, and who waits for it.
 *
 * The agent is ready when the guest has been set up.  The network is when two have said so, in
 * either order: the guest, whose devices are configured in the course of that, and whoever carries
 * it.
 */
#define _GNU_SOURCE
#include "monitor/state.h"

#include "base/cleanup.h"
#include "base/os.h"
#include "monitor.pb-c.h"
#include "proto/status.h"

#define WAITS_MAX 64
#define TIMEOUT_MAX_NS (UINT64_C(86400) * HULL_NS_PER_S) /* a day is for ever */

struct hull_ready_wait {
	struct hull_monitor *m;
	struct hull_ready_wait *next;
	struct hull_ttrpc_call *call;
	struct hull_source *timer; /* NULL: as long as it takes */
	bool network;		   /* else the agent */
};

static const char *what(bool network)
{
	return network ? "network" : "agent";
}

static uint64_t ready_at(const struct hull_monitor *m, bool network)
{
	return network ? m->network_ready_at_ns : m->agent_ready_at_ns;
}

static void answer(struct hull_ttrpc_call *call, uint64_t at_ns)
{
	Hull__Monitor__V1__ReadyResponse r = HULL__MONITOR__V1__READY_RESPONSE__INIT;

	r.at_ns = at_ns;
	hull_monitor_reply(call, &r.base);
}

/* Takes it out and frees it; returns the call. */
static struct hull_ttrpc_call *take(struct hull_ready_wait *w)
{
	struct hull_ttrpc_call *call = w->call;
	struct hull_ready_wait **p = &w->m->ready_waits;

	while (*p != w)
		p = &(*p)->next;
	*p = w->next;
	w->m->n_ready_waits--;
	hull_source_remove(&w->timer);
	free(w);
	return call;
}

/* ---- what came true ---- */

static void announce(struct hull_monitor *m)
{
	struct hull_ready_wait *w, *next;

	for (w = m->ready_waits; w; w = next) {
		uint64_t at_ns = ready_at(m, w->network);

		next = w->next;
		if (at_ns)
			answer(take(w), at_ns);
	}
}

void hull_monitor_agent_ready(struct hull_monitor *m)
{
	m->agent_ready_at_ns = hull_realtime_ns();
	announce(m);
}

static void check_network(struct hull_monitor *m, uint64_t at_ns)
{
	if (m->network_ready_at_ns || !m->configured_at_ns || !m->net || !hull_net_is_up(m->net))
		return;
	m->network_ready_at_ns = at_ns;
	announce(m);
}

void hull_monitor_network_configured(struct hull_monitor *m, uint64_t ago_ns)
{
	m->configured_at_ns = hull_realtime_ns() - ago_ns;
	check_network(m, MAX(m->configured_at_ns, m->carried_at_ns));
}

void hull_monitor_network_carried(void *ctx)
{
	struct hull_monitor *m = ctx;

	if (hull_monitor_has_ended(m))
		return;
	m->carried_at_ns = hull_realtime_ns();
	check_network(m, m->carried_at_ns);
}

void hull_monitor_unready(struct hull_monitor *m)
{
	m->agent_ready_at_ns = m->network_ready_at_ns = m->configured_at_ns = 0;
}

/* ---- who waits ---- */

static void on_timeout(void *ctx)
{
	cleanup_error struct hull_error *err = NULL;
	struct hull_ready_wait *w = ctx;

	hull_fail_cause(&err, HULL_E_TIMEOUT, "not-ready", "the VM's %s is not ready yet",
			what(w->network));
	hull_ttrpc_fail_error(take(w), err);
}

static int fail_ended(const struct hull_monitor *m, bool network, struct hull_error **err)
{
	return hull_fail_cause(err, HULL_E_UNAVAILABLE, m->end_reason ? m->end_reason : "",
			       "the VM ended before its %s was ready: %s", what(network),
			       m->end_message ? m->end_message : "");
}

/* Whether there is anything to wait for. */
static int check(const struct hull_monitor *m, bool network, struct hull_error **err)
{
	if (m->state >= HULL_MONITOR_STOPPING)
		return fail_ended(m, network, err);
	if (m->state == HULL_MONITOR_WAITING)
		return hull_fail_cause(err, HULL_E_STATE, "not-running",
				       "the VM has not been started");
	if (m->config.agent == HULL_AGENT_NONE)
		return hull_fail_cause(err, HULL_E_STATE, "no-agent",
				       "the VM has no agent, which would tell");
	if (network && !m->config.networks.n)
		return hull_fail_cause(err, HULL_E_STATE, "no-network", "the VM has no network");
	return 0;
}

static int add_wait(struct hull_monitor *m, struct hull_ttrpc_call *call, bool network,
		    uint64_t timeout_ns, struct hull_error **err)
{
	struct hull_ready_wait *w;
	int r;

	if (m->n_ready_waits >= WAITS_MAX)
		return hull_fail(err, HULL_E_EXHAUSTED, "more than %d calls wait for readiness",
				 WAITS_MAX);
	w = calloc(1, sizeof(*w));
	if (!w)
		return hull_fail_nomem(err);
	r = timeout_ns ? hull_loop_add_timer(m->loop, on_timeout, w, &w->timer) : 0;
	if (r < 0) {
		free(w);
		return hull_fail_errno(err, -r, "wait for readiness");
	}
	if (w->timer)
		hull_source_arm(w->timer, hull_now_ns() + MIN(timeout_ns, TIMEOUT_MAX_NS));
	w->m = m;
	w->call = call;
	w->network = network;
	w->next = m->ready_waits;
	m->ready_waits = w;
	m->n_ready_waits++;
	return 0;
}

void hull_monitor_wait_ready(struct hull_monitor *m, struct hull_ttrpc_call *call, bool network,
			     uint64_t timeout_ns)
{
	cleanup_error struct hull_error *err = NULL;
	uint64_t at_ns = ready_at(m, network);

	if (check(m, network, &err) == 0 && at_ns)
		answer(call, at_ns);
	else if (err || add_wait(m, call, network, timeout_ns, &err) < 0)
		hull_ttrpc_fail_error(call, err);
}

void hull_monitor_fail_ready(struct hull_monitor *m)
{
	while (m->ready_waits) {
		cleanup_error struct hull_error *err = NULL;

		fail_ended(m, m->ready_waits->network, &err);
		hull_ttrpc_fail_error(take(m->ready_waits), err);
	}
}

void hull_monitor_forget_ready(struct hull_monitor *m, const struct hull_ttrpc_call *call)
{
	struct hull_ready_wait *w = m->ready_waits;

	while (w && w->call != call)
		w = w->next;
	if (w)
		(void)take(w);
}
