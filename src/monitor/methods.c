/* SPDX-License-Identifier: Apache-2.0
 *
 * What callers may ask of a monitor: hull.monitor.v1.Monitor.  One table of methods.
 */
#define _GNU_SOURCE
#include "monitor/state.h"

#include "base/cleanup.h"
#include "base/fault.h"
#include "base/json.h"
#include "base/os.h"
#include "config.h"
#include "monitor.pb-c.h"
#include "proto/status.h"

#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#define SERVICE "hull.monitor.v1.Monitor"

static const char *const state_names[] = {
	[HULL_MONITOR_WAITING] = "waiting",
	[HULL_MONITOR_STARTING] = "starting",
	[HULL_MONITOR_RUNNING] = "running",
	[HULL_MONITOR_PAUSED] = "paused",
	[HULL_MONITOR_RESTARTING] = "restarting",
	[HULL_MONITOR_STOPPING] = "stopping",
	[HULL_MONITOR_GONE] = "gone",
};

void hull_monitor_reply(struct hull_ttrpc_call *call, const ProtobufCMessage *message)
{
	size_t len = protobuf_c_message_get_packed_size(message);
	cleanup_free uint8_t *data = malloc(len + 1);
	cleanup_error struct hull_error *err = NULL;

	(void)hull_fault("monitor.reply");
	if (!data) {
		hull_fail_nomem(&err);
		hull_ttrpc_fail_error(call, err);
		return;
	}
	protobuf_c_message_pack(message, data);
	hull_ttrpc_reply(call, data, len);
}

void hull_monitor_refuse(struct hull_ttrpc_call *call, int code, const char *cause,
			 const char *message)
{
	cleanup_error struct hull_error *err = NULL;

	hull_fail_remote(&err, code, cause, message, "");
	hull_ttrpc_fail_error(call, err);
}

/* ---- methods: each answers the call, or keeps it ---- */

static void method_start(struct hull_monitor *m, struct hull_ttrpc_call *call,
			 const ProtobufCMessage *request)
{
	const Hull__Monitor__V1__StartRequest *rq = (const void *)request;
	cleanup_error struct hull_error *err = NULL;

	if (m->state != HULL_MONITOR_WAITING) {
		hull_monitor_refuse(call, HULL_E_STATE, "already-started",
				    "the monitor has a VM already");
		return;
	}
	hull_monitor_enter(m, HULL_MONITOR_STARTING);
	m->asked_ns = hull_now_ns();
	m->start_call = call;
	if (hull_monitor_prepare(m, rq->spec.data, rq->spec.len, &err) < 0) {
		hull_monitor_end_error(m, "start-failed", &err);
		return;
	}
	hull_monitor_await_boot(m);
}

static const char *network_name(const struct hull_monitor *m)
{
	enum hull_network_provider provider = HULL_NETWORK_BUILTIN;

	if (!m->config.networks.n)
		return m->state == HULL_MONITOR_WAITING ? "" : "none";
	if (m->net && hull_net_has_passt(m->net))
		provider = HULL_NETWORK_PASST;
	return m->net ? hull_network_provider_names[provider] : "";
}

static void method_status(struct hull_monitor *m, struct hull_ttrpc_call *call,
			  const ProtobufCMessage *request)
{
	Hull__Monitor__V1__StatusResponse r = HULL__MONITOR__V1__STATUS_RESPONSE__INIT;
	char *terminals[HULL_CONFIG_MAX_DEVICES];

	r.id = m->config.id ? m->config.id : (char *)"";
	r.name = m->config.name ? m->config.name : (char *)"";
	/* A guest that has been asked to power off has a while for it. */
	r.state = (char *)
		state_names[m->stop_by_ns ? MAX(m->state, HULL_MONITOR_STOPPING) : m->state];
	r.monitor_pid = (uint32_t)getpid();
	r.hypervisor_pid = m->inst ? (uint32_t)m->inst->ops->pid(m->inst) : 0;
	r.backend = m->inst ? (char *)m->inst->ops->name : (char *)"";
	r.version = (char *)HULL_VERSION;
	r.started_at_ns = m->started_at_ns;
	r.agent_ready_at_ns = m->agent_ready_at_ns;
	r.network_ready_at_ns = m->network_ready_at_ns;
	r.network = (char *)network_name(m);
	r.balloon_bytes = m->balloon_bytes;
	r.reboots = m->reboots;
	r.restarts = m->restarts.n;
	r.restart_reason = m->restarts.reason ? m->restarts.reason : (char *)"";
	r.restart_message = m->restarts.message ? m->restarts.message : (char *)"";
	r.restart_at_ns = m->restarts.next_at_ns;
	r.terminals = terminals;
	for (size_t i = 0; i < m->config.devices.n; i++)
		if (m->config.devices.v[i].kind == HULL_DEVICE_SERIAL &&
		    m->config.devices.v[i].serial.pty_name)
			terminals[r.n_terminals++] = m->config.devices.v[i].serial.pty_name;
	hull_monitor_reply(call, &r.base);
}

static void method_wait(struct hull_monitor *m, struct hull_ttrpc_call *call,
			const ProtobufCMessage *request)
{
	struct hull_ttrpc_call **slot = hull_vec_push(&m->waiters);

	if (slot)
		*slot = call;
	else
		hull_monitor_refuse(call, HULL_E_NOMEM, "", "out of memory");
}

static void method_stop(struct hull_monitor *m, struct hull_ttrpc_call *call,
			const ProtobufCMessage *request)
{
	const Hull__Monitor__V1__StopRequest *rq = (const void *)request;

	method_wait(m, call, request);
	hull_monitor_stop(m, rq->timeout_ns);
}

static void method_ready(struct hull_monitor *m, struct hull_ttrpc_call *call,
			 const ProtobufCMessage *request)
{
	const Hull__Monitor__V1__ReadyRequest *rq = (const void *)request;

	switch (rq->what) {
	case HULL__MONITOR__V1__READY_REQUEST__WHAT__AGENT:
		hull_monitor_wait_ready(m, call, false, rq->timeout_ns);
		return;
	case HULL__MONITOR__V1__READY_REQUEST__WHAT__NETWORK:
		hull_monitor_wait_ready(m, call, true, rq->timeout_ns);
		return;
	default: /* whoever is newer than we are */
		hull_monitor_refuse(call, HULL_E_INVALID, "",
				    "only agent and network can be waited for");
	}
}

static void on_pause_done(void *ctx, const struct hull_error *err)
{
	Hull__Monitor__V1__PauseResponse r = HULL__MONITOR__V1__PAUSE_RESPONSE__INIT;

	/* The call may have lost its connection meanwhile: on_gone() has forgotten it then. */
	struct hull_ttrpc_call **slot = ctx;

	if (*slot && err)
		hull_ttrpc_fail_error(*slot, err);
	else if (*slot)
		hull_monitor_reply(*slot, &r.base);
	free(slot);
}

/* Pause and Resume have equal, empty messages. */
static void pause_or_resume(struct hull_monitor *m, struct hull_ttrpc_call *call, bool pause)
{
	cleanup_error struct hull_error *err = NULL;
	struct hull_ttrpc_call **slot = calloc(1, sizeof(*slot));

	if (!slot) {
		hull_monitor_refuse(call, HULL_E_NOMEM, "", "out of memory");
		return;
	}
	*slot = call;
	hull_ttrpc_set_user(call, slot);
	if (hull_monitor_pause(m, pause, on_pause_done, slot, &err) < 0) {
		hull_ttrpc_fail_error(call, err);
		free(slot);
	}
}

static void method_pause(struct hull_monitor *m, struct hull_ttrpc_call *call,
			 const ProtobufCMessage *request)
{
	pause_or_resume(m, call, true);
}

static void method_resume(struct hull_monitor *m, struct hull_ttrpc_call *call,
			  const ProtobufCMessage *request)
{
	pause_or_resume(m, call, false);
}

static const struct method {
	const char *name;
	const ProtobufCMessageDescriptor *request;
	void (*fn)(struct hull_monitor *m, struct hull_ttrpc_call *call,
		   const ProtobufCMessage *request);
	bool starter_only, needs_vm;
} methods[] = {
	{"Start", &hull__monitor__v1__start_request__descriptor, method_start, true, false},
	{"Status", &hull__monitor__v1__status_request__descriptor, method_status, false, false},
	{"Stop", &hull__monitor__v1__stop_request__descriptor, method_stop, false, false},
	{"Wait", &hull__monitor__v1__wait_request__descriptor, method_wait, false, false},
	{"Ready", &hull__monitor__v1__ready_request__descriptor, method_ready, false, false},
	{"Pause", &hull__monitor__v1__pause_request__descriptor, method_pause, false, true},
	{"Resume", &hull__monitor__v1__resume_request__descriptor, method_resume, false, true},
	{"Stats", &hull__monitor__v1__stats_request__descriptor, hull_monitor_stats, false, true},
	{"Console", &hull__monitor__v1__console_request__descriptor, hull_monitor_console, false,
	 true},
	{"Screenshot", &hull__monitor__v1__screenshot_request__descriptor, hull_monitor_screenshot,
	 false, true},
	{"SendKey", &hull__monitor__v1__send_key_request__descriptor, hull_monitor_send_key, false,
	 true},
	{"Point", &hull__monitor__v1__point_request__descriptor, hull_monitor_point, false, true},
	{"Balloon", &hull__monitor__v1__balloon_request__descriptor, hull_monitor_balloon, false,
	 true},
};

static void dispatch(struct hull_monitor *m, struct hull_ttrpc_call *call, const struct method *md,
		     bool from_starter)
{
	ProtobufCMessage *rq;
	const void *payload;
	size_t len;

	if (md->starter_only && !from_starter) {
		hull_monitor_refuse(call, HULL_E_DENIED, "", "only the VM's starter may call this");
		return;
	}
	if (md->needs_vm && !m->inst) {
		hull_monitor_refuse(call, HULL_E_STATE, "not-running",
				    m->state == HULL_MONITOR_RESTARTING
					    ? "the VM has ended, and is going to be started anew"
					    : "the VM has not been started");
		return;
	}
	payload = hull_ttrpc_payload(call, &len);
	rq = protobuf_c_message_unpack(md->request, NULL, len, payload);
	if (!rq) {
		hull_monitor_refuse(call, HULL_E_INVALID, "", "malformed request");
		return;
	}
	md->fn(m, call, rq);
	protobuf_c_message_free_unpacked(rq, NULL);
}

static void on_call(void *ctx, struct hull_ttrpc_call *call, bool from_starter)
{
	struct hull_monitor *m = ctx;

	for (size_t i = 0; i < ARRAY_SIZE(methods); i++) {
		if (!strcmp(hull_ttrpc_service(call), SERVICE) &&
		    !strcmp(hull_ttrpc_method(call), methods[i].name)) {
			dispatch(m, call, &methods[i], from_starter);
			return;
		}
	}
	hull_monitor_refuse(call, HULL_E_UNSUPPORTED, "", "unknown method");
}

static void on_call_gone(void *ctx, struct hull_ttrpc_call *call)
{
	struct hull_monitor *m = ctx;
	struct hull_ttrpc_call **slot = hull_ttrpc_user(call);

	if (slot)
		*slot = NULL;
	if (m->start_call == call)
		m->start_call = NULL;
	hull_monitor_forget_ready(m, call);
	hull_monitor_forget_typing(m, call);
	for (size_t i = 0; i < m->waiters.n; i++)
		if (m->waiters.v[i] == call)
			m->waiters.v[i] = m->waiters.v[--m->waiters.n];
}

static void on_starter_closed(void *ctx)
{
	struct hull_monitor *m = ctx;

	if (!m->ready_ns || m->config.tied)
		hull_monitor_cancel(m, "starter-gone", "whoever started the VM has gone");
}

const struct hull_server_ops hull_monitor_methods = {
	.call = on_call,
	.gone = on_call_gone,
	.starter_closed = on_starter_closed,
};

#define SPANS_MAX 64

static size_t fill_spans(const struct hull_timeline *t, Hull__Monitor__V1__Span *spans,
			 Hull__Monitor__V1__Span **list)
{
	size_t n = MIN(t->spans.n, (size_t)SPANS_MAX);

	for (size_t i = 0; i < n; i++) {
		const struct hull_span *from = &t->spans.v[i];

		hull__monitor__v1__span__init(&spans[i]);
		spans[i].name = from->name;
		spans[i].where = (char *)hull_where_names[from->where];
		spans[i].depth = from->depth;
		spans[i].start_ns = from->start_ns;
		spans[i].end_ns = from->end_ns;
		list[i] = &spans[i];
	}
	return n;
}

void hull_monitor_answer_start(struct hull_monitor *m)
{
	Hull__Monitor__V1__StartResponse r = HULL__MONITOR__V1__START_RESPONSE__INIT;
	Hull__Monitor__V1__Span spans[SPANS_MAX], *list[SPANS_MAX];
	struct hull_ttrpc_call *call = steal_ptr(&m->start_call);

	r.version = (char *)HULL_VERSION;
	r.agent_version = m->agent_version;
	r.spans = list;
	r.n_spans = fill_spans(&m->timeline, spans, list);
	r.notes = m->notes.v;
	r.n_notes = m->notes.n;
	if (call)
		hull_monitor_reply(call, &r.base);
}

static int status_number(int wstatus)
{
	return WIFSIGNALED(wstatus) ? -WTERMSIG(wstatus) : WEXITSTATUS(wstatus);
}

void hull_monitor_answer_end(struct hull_monitor *m)
{
	Hull__Monitor__V1__ExitRecord r = HULL__MONITOR__V1__EXIT_RECORD__INIT;
	struct hull_ttrpc_call *call = steal_ptr(&m->start_call);

	if (call)
		hull_ttrpc_fail_error(call, m->start_error);
	hull_monitor_fail_ready(m);
	r.reason = m->end_reason ? m->end_reason : (char *)"";
	r.message = m->end_message ? m->end_message : (char *)"";
	r.code = (char *)(uintptr_t)hull_code_name(m->end_code);
	r.hint = m->end_hint ? m->end_hint : (char *)"";
	r.hypervisor_status = status_number(m->hypervisor_status);
	r.exited_at_ns = m->exited_at_ns;
	r.reboots = m->reboots;
	r.restarts = m->restarts.n;
	r.restart_reason = m->restarts.reason ? m->restarts.reason : (char *)"";
	for (size_t i = 0; i < m->waiters.n; i++)
		hull_monitor_reply(m->waiters.v[i], &r.base);
	m->waiters.n = 0;
}

char *hull_monitor_exit_json(const struct hull_monitor *m)
{
	cleanup_json struct hull_json *j = hull_json_object();
	int r = j ? 0 : -ENOMEM;

	r |= hull_json_set(j, "reason", hull_json_string(m->end_reason ? m->end_reason : ""));
	r |= hull_json_set(j, "message", hull_json_string(m->end_message ? m->end_message : ""));
	r |= hull_json_set(j, "code", hull_json_string(hull_code_name(m->end_code)));
	r |= hull_json_set(j, "hint", hull_json_string(m->end_hint ? m->end_hint : ""));
	r |= hull_json_set(j, "hypervisor_status",
			   hull_json_i64(status_number(m->hypervisor_status)));
	r |= hull_json_set(j, "exited_at_ns", hull_json_u64(m->exited_at_ns));
	r |= hull_json_set(j, "reboots", hull_json_u64(m->reboots));
	r |= hull_json_set(j, "restarts", hull_json_u64(m->restarts.n));
	r |= hull_json_set(j, "restart_reason",
			   hull_json_string(m->restarts.reason ? m->restarts.reason : ""));
	return r ? NULL : hull_json_text(j);
}
