/* SPDX-License-Identifier: Apache-2.0
 *
 * Setup, step by step in the agent itself: forking a child for it would cost a fifth of what it
 * takes.  Later mounts, beside which sessions run, happen in a worker.
 */
#define _GNU_SOURCE
#include "agent/setup.h"

#include "agent/agent.h"
#include "agent/clock.h"
#include "agent/coldplug.h"
#include "agent/modprobe.h"
#include "agent/modules.h"
#include "agent/mount.h"
#include "agent/net.h"
#include "agent/rpc.h"
#include "agent/worker.h"
#include "base/cleanup.h"
#include "base/log.h"
#include "base/os.h"

#include <string.h>
#include <unistd.h>

#define HOSTNAME_MAX 64

typedef Hull__Agent__V1__SetupRequest SetupRequest;

static int check(struct hull_agent *a, const SetupRequest *rq, struct hull_error **err)
{
	if (*rq->root && *rq->root != '/')
		return hull_fail(err, HULL_E_INVALID, "root '%s' is not absolute", rq->root);
	if (rq->api_mounts && !*rq->root)
		return hull_fail(err, HULL_E_INVALID, "the initramfs has its API mounts already");
	if (*rq->modules_dir && *rq->modules_dir != '/')
		return hull_fail(err, HULL_E_INVALID, "modules_dir '%s' is not absolute",
				 rq->modules_dir);
	if (strlen(rq->hostname) > HOSTNAME_MAX)
		return hull_fail(err, HULL_E_INVALID, "host name is longer than %d bytes",
				 HOSTNAME_MAX);
	if (rq->n_mounts > HULL_MOUNTS_MAX || rq->n_binds > HULL_MOUNTS_MAX ||
	    rq->n_seal > HULL_MOUNTS_MAX)
		return hull_fail(err, HULL_E_INVALID, "more than %d mounts", HULL_MOUNTS_MAX);
	for (size_t i = 0; i < rq->n_modules; i++)
		if (!hull_modules_has_stage(a->modules, rq->modules[i]))
			hull_warn("setup", "no modules for '%s', ignoring", rq->modules[i]);
	return 0;
}

/* ---- steps ---- */

static int set_identity(struct hull_agent *a, const SetupRequest *rq, struct hull_error **err)
{
	if (rq->realtime_ns && hull_clock_set(rq->realtime_ns, err) < 0)
		return -1;
	if (rq->entropy.len && hull_entropy_add(rq->entropy.data, rq->entropy.len, err) < 0)
		return -1;
	if (*rq->hostname && sethostname(rq->hostname, strlen(rq->hostname)) < 0)
		return hull_fail_errno(err, errno, "set host name '%s'", rq->hostname);
	return 0;
}

static int load_modules(struct hull_agent *a, const SetupRequest *rq, struct hull_error **err)
{
	for (size_t i = 0; i < rq->n_modules; i++)
		hull_modules_load(a->modules, rq->modules[i]);
	return 0;
}

static int do_mounts(struct hull_agent *a, const SetupRequest *rq, struct hull_error **err)
{
	const char *root = *rq->root ? rq->root : a->root;

	for (size_t i = 0; i < rq->n_mounts; i++)
		if (hull_mount_entry(root, rq->mounts[i], err) < 0)
			return -1;
	return 0;
}

static int make_root(struct hull_agent *a, const SetupRequest *rq, struct hull_error **err)
{
	char *root;

	if (!*rq->root)
		return hull_mount_share(err);
	if (access(rq->root, X_OK) < 0)
		return hull_fail_errno(err, errno, "root '%s'", rq->root);
	if (rq->api_mounts && (!a->api_root || strcmp(a->api_root, rq->root))) {
		if (hull_mount_api(rq->root, err) < 0)
			return -1;
		free(a->api_root);
		a->api_root = strdup(rq->root); /* without memory: mounted over once more */
	}
	root = strdup(rq->root);
	if (!root)
		return hull_fail_nomem(err);
	free(a->root);
	a->root = root;
	return hull_mount_share(err);
}

static int do_binds(struct hull_agent *a, const SetupRequest *rq, struct hull_error **err)
{
	for (size_t i = 0; i < rq->n_binds; i++)
		if (hull_mount_entry(a->root, rq->binds[i], err) < 0)
			return -1;
	return 0;
}

static int keep_modules(struct hull_agent *a, const SetupRequest *rq, struct hull_error **err)
{
	int r = *rq->modules_dir ? hull_modprobe_from(rq->modules_dir) : 0;

	return r < 0 ? hull_fail_errno(err, -r, "use the modules in '%s'", rq->modules_dir) : 0;
}

static int set_network(struct hull_agent *a, const SetupRequest *rq, struct hull_error **err)
{
	return hull_net_setup(a->root ? a->root : "/", rq, err);
}

static int seal(struct hull_agent *a, const SetupRequest *rq, struct hull_error **err)
{
	for (size_t i = 0; i < rq->n_seal; i++)
		if (hull_mount_seal(rq->seal[i], err) < 0)
			return -1;
	return 0;
}

static const struct {
	const char *name;
	int (*fn)(struct hull_agent *a, const SetupRequest *rq, struct hull_error **err);
} steps[] = {
	{"identity", set_identity}, {"modules", load_modules},
	{"mounts", do_mounts},	    {"root", make_root},
	{"binds", do_binds},	    {"more modules", keep_modules},
	{"network", set_network},   {"seal", seal},
};

/* The answer in the making, which may have to wait. */
struct answer {
	struct hull_rpc_ticket ticket;
	Hull__Agent__V1__Span spans[HULL_AGENT_SPANS + ARRAY_SIZE(steps) + 1];
	size_t n;
	uint64_t now_ns;
};

size_t hull_setup_spans(const struct hull_agent *a, Hull__Agent__V1__Span *ret_spans)
{
	for (size_t i = 0; i < a->n_spans; i++) {
		hull__agent__v1__span__init(&ret_spans[i]);
		ret_spans[i].name = (char *)a->spans[i].name;
		ret_spans[i].start_ns = a->spans[i].start_ns;
		ret_spans[i].end_ns = a->spans[i].end_ns;
	}
	return a->n_spans;
}

/* From the last step's end until now. */
static void add_span(struct answer *answer, const char *name)
{
	Hull__Agent__V1__Span *span = &answer->spans[answer->n++];

	hull__agent__v1__span__init(span);
	span->name = (char *)name;
	span->start_ns = answer->now_ns;
	span->end_ns = answer->now_ns = hull_now_ns();
}

static void settle(struct answer *answer)
{
	Hull__Agent__V1__SetupResponse rs = HULL__AGENT__V1__SETUP_RESPONSE__INIT;
	Hull__Agent__V1__Span *ptrs[ARRAY_SIZE(answer->spans)];

	for (size_t i = 0; i < answer->n; i++)
		ptrs[i] = &answer->spans[i];
	rs.spans = ptrs;
	rs.n_spans = answer->n;
	rs.now_ns = hull_now_ns();
	hull_rpc_settle(&answer->ticket, &rs.base);
}

static void on_drivers(void *ctx)
{
	struct answer *answer = ctx;

	add_span(answer, "drivers");
	settle(answer);
	free(answer);
}

int hull_setup(struct hull_agent *a, struct hull_ttrpc_call *call, const SetupRequest *rq,
	       struct hull_error **err)
{
	cleanup_free struct answer *answer = calloc(1, sizeof(*answer));

	if (!answer)
		return hull_fail_nomem(err);
	if (check(a, rq, err) < 0)
		return -1;
	answer->n = hull_setup_spans(a, answer->spans);
	answer->now_ns = hull_now_ns();
	for (size_t i = 0; i < ARRAY_SIZE(steps); i++) {
		if (steps[i].fn(a, rq, err) < 0)
			return -1;
		add_span(answer, steps[i].name);
	}
	if (rq->coldplug &&
	    hull_coldplug_start(a->coldplug, rq->coldplug->disks, on_drivers, answer, err) < 0)
		return -1;
	hull_rpc_park(&answer->ticket, call, NULL);
	if (rq->coldplug)
		answer = NULL; /* on_drivers() has it */
	else
		settle(answer);
	return 0;
}

/* ---- later mounts ---- */

static void on_mounts_done(void *ctx, const char *out, size_t len, const struct hull_error *err)
{
	Hull__Agent__V1__Empty empty = HULL__AGENT__V1__EMPTY__INIT;
	struct hull_rpc_ticket *ticket = ctx;

	if (err)
		hull_rpc_settle_error(ticket, err);
	else
		hull_rpc_settle(ticket, &empty.base);
	free(ticket);
}

/* For the worker: valid while it is forked. */
struct mounts {
	const struct hull_agent *agent;
	const Hull__Agent__V1__MountRequest *mount;
	const Hull__Agent__V1__UnmountRequest *unmount;
};

static int work_mounts(void *arg, struct hull_strbuf *out, struct hull_error **err)
{
	const struct mounts *m = arg;
	const char *root = m->agent->root;

	for (size_t i = 0; m->mount && i < m->mount->n_mounts; i++)
		if (hull_mount_entry(root, m->mount->mounts[i], err) < 0)
			return -1;
	for (size_t i = 0; m->unmount && i < m->unmount->n_targets; i++)
		if (hull_mount_remove(root, m->unmount->targets[i], m->unmount->detach, err) < 0)
			return -1;
	return 0;
}

static int start_mounts(struct hull_agent *a, struct hull_ttrpc_call *call, struct mounts *m,
			size_t n, struct hull_error **err)
{
	struct hull_rpc_ticket *ticket;

	if (n > HULL_MOUNTS_MAX)
		return hull_fail(err, HULL_E_INVALID, "more than %d mounts", HULL_MOUNTS_MAX);
	ticket = calloc(1, sizeof(*ticket));
	if (!ticket)
		return hull_fail_nomem(err);
	if (hull_worker_start(a, work_mounts, m, on_mounts_done, ticket, err) < 0) {
		free(ticket);
		return -1;
	}
	hull_rpc_park(ticket, call, NULL);
	return 0;
}

int hull_setup_mount(struct hull_agent *a, struct hull_ttrpc_call *call,
		     const Hull__Agent__V1__MountRequest *rq, struct hull_error **err)
{
	struct mounts m = {.agent = a, .mount = rq};

	return start_mounts(a, call, &m, rq->n_mounts, err);
}

int hull_setup_unmount(struct hull_agent *a, struct hull_ttrpc_call *call,
		       const Hull__Agent__V1__UnmountRequest *rq, struct hull_error **err)
{
	struct mounts m = {.agent = a, .unmount = rq};

	return start_mounts(a, call, &m, rq->n_targets, err);
}
