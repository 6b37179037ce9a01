/* SPDX-License-Identifier: Apache-2.0
 *
 * The methods the agent serves, and the thin functions between requests and the modules that do
 * the work.
 */
#define _GNU_SOURCE
#include "agent/agent.h"
#include "agent/clock.h"
#include "agent/counters.h"
#include "agent/power.h"
#include "agent/rpc.h"
#include "agent/session.h"
#include "agent/setup.h"
#include "base/cleanup.h"
#include "base/os.h"
#include "base/path.h"
#include "base/strbuf.h"
#include "base/text.h"
#include "config.h"
#include "health.pb-c.h"
#include "hull/agent.pb-c.h"

#include <string.h>
#include <sys/utsname.h>

#define COUNTERS_MAX ((size_t)64 << 10)

static int done(struct hull_ttrpc_call *call)
{
	Hull__Agent__V1__Empty empty = HULL__AGENT__V1__EMPTY__INIT;

	hull_rpc_reply(call, &empty.base);
	return 0;
}

/* ---- grpc.Health ---- */

static int health_check(struct hull_agent *a, struct hull_ttrpc_call *call, const void *rq,
			struct hull_error **err)
{
	Grpc__HealthCheckResponse rs = GRPC__HEALTH_CHECK_RESPONSE__INIT;

	rs.status = GRPC__HEALTH_CHECK_RESPONSE__SERVING_STATUS__SERVING;
	hull_rpc_reply(call, &rs.base);
	return 0;
}

static int health_version(struct hull_agent *a, struct hull_ttrpc_call *call, const void *rq,
			  struct hull_error **err)
{
	Grpc__VersionCheckResponse rs = GRPC__VERSION_CHECK_RESPONSE__INIT;

	rs.grpc_version = (char *)"0.0.1";
	rs.agent_version = (char *)HULL_VERSION;
	hull_rpc_reply(call, &rs.base);
	return 0;
}

/* ---- the VM ---- */

/* "Rss:   1234 kB" of the roll-up; what statm says lags behind by up to 63 pages. */
static uint64_t own_rss(void)
{
	cleanup_strbuf struct hull_strbuf text = HULL_STRBUF_INIT;
	const char *p;
	uint64_t kb = 0;

	if (hull_file_read("/proc/self/smaps_rollup", 4096, &text) < 0)
		return 0;
	p = strstr(hull_strbuf_str(&text), "\nRss:");
	if (!p)
		return 0;
	for (p += strlen("\nRss:"); *p == ' ' || (*p >= '0' && *p <= '9'); p++)
		if (*p != ' ')
			kb = kb * 10 + (uint64_t)(*p - '0');
	return kb << 10;
}

static void count(Hull__Agent__V1__InfoResponse *rs)
{
	cleanup_strbuf struct hull_strbuf memory = HULL_STRBUF_INIT, net = HULL_STRBUF_INIT;

	/* What can't be read is not known. */
	(void)hull_file_read("/proc/meminfo", COUNTERS_MAX, &memory);
	(void)hull_file_read("/proc/self/net/dev", COUNTERS_MAX, &net);
	rs->memory_bytes = hull_counters_memory(hull_strbuf_str(&memory), "MemTotal");
	rs->available_bytes = hull_counters_memory(hull_strbuf_str(&memory), "MemAvailable");
	hull_counters_net(hull_strbuf_str(&net), &rs->received_bytes, &rs->sent_bytes);
}

static int info(struct hull_agent *a, struct hull_ttrpc_call *call, const void *rq,
		struct hull_error **err)
{
	Hull__Agent__V1__InfoResponse rs = HULL__AGENT__V1__INFO_RESPONSE__INIT;
	Hull__Agent__V1__Span spans[HULL_AGENT_SPANS], *ptrs[HULL_AGENT_SPANS];
	struct utsname u = {0};

	(void)uname(&u);
	rs.version = (char *)HULL_VERSION;
	rs.kernel = u.release;
	rs.machine = u.machine;
	rs.uptime_ns = hull_boottime_ns();
	rs.monotonic_ns = hull_now_ns();
	rs.realtime_ns = hull_realtime_ns();
	rs.rss_bytes = own_rss();
	rs.n_spans = hull_setup_spans(a, spans);
	for (size_t i = 0; i < rs.n_spans; i++)
		ptrs[i] = &spans[i];
	rs.spans = ptrs;
	count(&rs);
	hull_rpc_reply(call, &rs.base);
	return 0;
}

static int setup(struct hull_agent *a, struct hull_ttrpc_call *call, const void *rq,
		 struct hull_error **err)
{
	return hull_setup(a, call, rq, err);
}

static int do_mount(struct hull_agent *a, struct hull_ttrpc_call *call, const void *rq,
		    struct hull_error **err)
{
	return hull_setup_mount(a, call, rq, err);
}

static int do_unmount(struct hull_agent *a, struct hull_ttrpc_call *call, const void *rq,
		      struct hull_error **err)
{
	return hull_setup_unmount(a, call, rq, err);
}

static int set_time(struct hull_agent *a, struct hull_ttrpc_call *call, const void *rq,
		    struct hull_error **err)
{
	const Hull__Agent__V1__SetTimeRequest *r = rq;

	return hull_clock_set(r->realtime_ns, err) < 0 ? -1 : done(call);
}

static int add_entropy(struct hull_agent *a, struct hull_ttrpc_call *call, const void *rq,
		       struct hull_error **err)
{
	const Hull__Agent__V1__AddEntropyRequest *r = rq;

	return hull_entropy_add(r->data.data, r->data.len, err) < 0 ? -1 : done(call);
}

static int power_off(struct hull_agent *a, struct hull_ttrpc_call *call, const void *rq,
		     struct hull_error **err)
{
	const Hull__Agent__V1__PowerOffRequest *r = rq;

	/* The answer is on its way before anything can end: sync takes a round of the loop. */
	(void)done(call);
	hull_power_off(a, r->reboot, r->grace_ns);
	return 0;
}

/* ---- sessions ---- */

static int create(struct hull_agent *a, struct hull_ttrpc_call *call, const void *rq,
		  struct hull_error **err)
{
	Hull__Agent__V1__CreateResponse rs = HULL__AGENT__V1__CREATE_RESPONSE__INIT;

	if (a->ending)
		return hull_fail_cause(err, HULL_E_STATE, "stopping", "the VM is powering off");
	if (hull_session_create(a->sessions, rq, err) < 0)
		return -1;
	hull_rpc_reply(call, &rs.base);
	return 0;
}

static int start(struct hull_agent *a, struct hull_ttrpc_call *call, const void *rq,
		 struct hull_error **err)
{
	return hull_session_start(a->sessions, call, rq, err);
}

static int wait_for(struct hull_agent *a, struct hull_ttrpc_call *call, const void *rq,
		    struct hull_error **err)
{
	return hull_session_wait(a->sessions, call, rq, err);
}

static int send_signal(struct hull_agent *a, struct hull_ttrpc_call *call, const void *rq,
		       struct hull_error **err)
{
	return hull_session_signal(a->sessions, rq, err) < 0 ? -1 : done(call);
}

static int resize(struct hull_agent *a, struct hull_ttrpc_call *call, const void *rq,
		  struct hull_error **err)
{
	return hull_session_resize(a->sessions, rq, err) < 0 ? -1 : done(call);
}

static int close_stdin(struct hull_agent *a, struct hull_ttrpc_call *call, const void *rq,
		       struct hull_error **err)
{
	return hull_session_close_stdin(a->sessions, rq, err) < 0 ? -1 : done(call);
}

static int attach(struct hull_agent *a, struct hull_ttrpc_call *call, const void *rq,
		  struct hull_error **err)
{
	return hull_session_attach(a->sessions, rq, err) < 0 ? -1 : done(call);
}

static int delete_session(struct hull_agent *a, struct hull_ttrpc_call *call, const void *rq,
			  struct hull_error **err)
{
	return hull_session_delete(a->sessions, call, rq, err);
}

static int list(struct hull_agent *a, struct hull_ttrpc_call *call, const void *rq,
		struct hull_error **err)
{
	return hull_session_list(a->sessions, call, err);
}

/* ---- table ---- */

#define AGENT "hull.agent.v1.Agent"
#define HEALTH "grpc.Health"
#define MESSAGE(name) &hull__agent__v1__##name##__descriptor

const struct hull_rpc_method hull_rpc_methods[] = {
	{HEALTH, "Check", &grpc__check_request__descriptor, health_check},
	{HEALTH, "Version", &grpc__check_request__descriptor, health_version},
	{AGENT, "Info", MESSAGE(info_request), info},
	{AGENT, "Setup", MESSAGE(setup_request), setup},
	{AGENT, "Create", MESSAGE(create_request), create},
	{AGENT, "Start", MESSAGE(session_request), start},
	{AGENT, "Wait", MESSAGE(session_request), wait_for},
	{AGENT, "Signal", MESSAGE(signal_request), send_signal},
	{AGENT, "Resize", MESSAGE(resize_request), resize},
	{AGENT, "CloseStdin", MESSAGE(session_request), close_stdin},
	{AGENT, "Attach", MESSAGE(attach_request), attach},
	{AGENT, "Delete", MESSAGE(session_request), delete_session},
	{AGENT, "List", MESSAGE(list_request), list},
	{AGENT, "Mount", MESSAGE(mount_request), do_mount},
	{AGENT, "Unmount", MESSAGE(unmount_request), do_unmount},
	{AGENT, "SetTime", MESSAGE(set_time_request), set_time},
	{AGENT, "AddEntropy", MESSAGE(add_entropy_request), add_entropy},
	{AGENT, "PowerOff", MESSAGE(power_off_request), power_off},
};
const size_t hull_rpc_n_methods = ARRAY_SIZE(hull_rpc_methods);
