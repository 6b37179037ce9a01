/* SPDX-License-Identifier: Apache-2.0
 *
 * Asking monitors and agents, all at once, see stats.h.
 */
#define _GNU_SOURCE
#include "vm/stats.h"

#include "base/cleanup.h"
#include "base/os.h"
#include "base/path.h"
#include "hull/agent.pb-c.h"
#include "monitor.pb-c.h"
#include "monitor/rpc.h"
#include "vm/catalogue.h"
#include "vm/frozen.h"

#include <string.h>

#define MONITOR "hull.monitor.v1.Monitor"
#define AGENT "hull.agent.v1.Agent"
#define AGENT_PORT 1024

/* ---- which ---- */

static bool runs(const struct hull_record *r)
{
	return (r->state == HULL_VM_RUNNING || r->state == HULL_VM_PAUSED) && r->run_dir;
}

/* Keeps those that run, in their order. */
static void keep_running(struct hull_records *list)
{
	size_t n = 0;

	for (size_t i = 0; i < list->n; i++) {
		struct hull_record r = list->v[i];

		if (runs(&r)) {
			list->v[i] = list->v[n];
			list->v[n++] = r;
		}
	}
	for (size_t i = n; i < list->n; i++)
		hull_record_fini(&list->v[i]);
	list->n = n;
}

int hull_stats_find(struct hull_store *store, struct hull_loop *loop, const char *ref,
		    uint64_t deadline_ns, struct hull_records *ret, struct hull_error **ret_trouble,
		    struct hull_error **err)
{
	cleanup_record struct hull_record r = {0};
	struct hull_record *slot;

	if (!ref) {
		if (hull_catalogue_list(store, loop, deadline_ns, ret, ret_trouble, err) < 0)
			return -1;
		keep_running(ret);
		return 0;
	}
	if (hull_catalogue_find(store, loop, ref, deadline_ns, &r, err) < 0)
		return -1;
	for (size_t i = 0; i < ret->n; i++)
		if (!strcmp(ret->v[i].id, r.id))
			return 0; /* named twice */
	if (!runs(&r)) {
		hull_fail_cause(err, HULL_E_STATE, "not-running", "VM '%s' is not running", ref);
		hull_hint(err, "start it with 'hull start'");
		return -1;
	}
	slot = hull_vec_push(ret);
	if (!slot)
		return hull_fail_nomem(err);
	*slot = r;
	r = (struct hull_record){0};
	return 0;
}

/* ---- asking ---- */

struct gathering;

struct asked {
	struct gathering *g;
	const struct hull_record *vm;
	struct hull_vm_stats *stats;
	struct hull_rpc *monitor, *agent;
};

struct gathering {
	struct hull_loop *loop;
	struct hull_source *end; /* once nothing is waited for */
	size_t waiting;
};

void hull_vm_stats_fini(struct hull_vm_stats *stats)
{
	hull_error_free(stats->error);
	*stats = (struct hull_vm_stats){0};
}

static void on_end(void *ctx)
{
	struct gathering *g = ctx;

	hull_loop_quit(g->loop, 0);
}

static void answered(struct gathering *g)
{
	if (!--g->waiting)
		hull_source_arm(g->end, 1);
}

static void on_monitor(void *ctx, const ProtobufCMessage *reply, const struct hull_error *error)
{
	const Hull__Monitor__V1__StatsResponse *r = (const void *)reply;
	struct asked *a = ctx;

	a->stats->disk = r;
	if (r) {
		a->stats->read_bytes = r->read_bytes;
		a->stats->written_bytes = r->written_bytes;
		a->stats->balloon_bytes = r->balloon_bytes;
	} else {
		hull_fail_copy(&a->stats->error, error);
		hull_frozen_tell(a->vm, &a->stats->error);
	}
	answered(a->g);
}

/* That its agent does not answer is told by what is missing: it may have none. */
static void on_agent(void *ctx, const ProtobufCMessage *reply, const struct hull_error *error)
{
	const Hull__Agent__V1__InfoResponse *r = (const void *)reply;
	struct asked *a = ctx;

	a->stats->guest = r && r->memory_bytes;
	if (a->stats->guest) {
		a->stats->guest_total = r->memory_bytes;
		a->stats->guest_available = MIN(r->available_bytes, r->memory_bytes);
		a->stats->received_bytes = r->received_bytes;
		a->stats->sent_bytes = r->sent_bytes;
	}
	answered(a->g);
}

static int connect_to(const struct hull_record *vm, const char *socket)
{
	cleanup_free char *path = hull_path_join(vm->run_dir, socket);

	return path ? hull_unix_connect_now(path) : -ENOMEM;
}

static void ask_monitor(struct asked *a, const struct hull_record *vm, uint64_t deadline_ns)
{
	Hull__Monitor__V1__StatsRequest rq = HULL__MONITOR__V1__STATS_REQUEST__INIT;
	int fd = connect_to(vm, "control.sock");

	if (fd < 0) {
		hull_fail_errno(&a->stats->error, -fd, "reach the monitor of VM %.12s", vm->id);
		return;
	}
	if (hull_rpc_new(a->g->loop, fd, NULL, NULL, &a->monitor, &a->stats->error) < 0)
		return;
	a->g->waiting++;
	hull_rpc_call(a->monitor, MONITOR, "Stats", &rq.base,
		      &hull__monitor__v1__stats_response__descriptor, deadline_ns, on_monitor, a);
}

/* A guest that is paused says nothing. */
static void ask_agent(struct asked *a, const struct hull_record *vm, uint64_t deadline_ns)
{
	Hull__Agent__V1__InfoRequest rq = HULL__AGENT__V1__INFO_REQUEST__INIT;
	int fd;

	if (vm->state != HULL_VM_RUNNING || strcmp(vm->agent, "hull") != 0)
		return;
	fd = connect_to(vm, "vsock.sock");
	if (fd < 0 ||
	    hull_rpc_new_guest(a->g->loop, fd, AGENT_PORT, NULL, NULL, &a->agent, NULL) < 0)
		return;
	a->g->waiting++;
	hull_rpc_call(a->agent, AGENT, "Info", &rq.base,
		      &hull__agent__v1__info_response__descriptor, deadline_ns, on_agent, a);
}

int hull_stats_gather(struct hull_loop *loop, const struct hull_records *vms, uint64_t timeout_ms,
		      struct hull_vm_stats *ret, struct hull_error **err)
{
	cleanup_free struct asked *asked = calloc(vms->n + 1, sizeof(*asked));
	uint64_t deadline = hull_deadline_ms(timeout_ms);
	struct gathering g = {.loop = loop, .waiting = 1};
	int r;

	if (!asked || hull_loop_add_timer(loop, on_end, &g, &g.end) < 0)
		return hull_fail_nomem(err);
	for (size_t i = 0; i < vms->n; i++) {
		asked[i] = (struct asked){.g = &g, .vm = &vms->v[i], .stats = &ret[i]};
		ask_monitor(&asked[i], &vms->v[i], deadline);
		ask_agent(&asked[i], &vms->v[i], deadline);
	}
	/* While they answer. */
	r = hull_stats_host(vms, ret, err);
	answered(&g);
	if (r == 0) {
		r = hull_loop_run(loop);
		if (r < 0)
			hull_fail_errno(err, -r, "event loop");
	}
	for (size_t i = 0; i < vms->n; i++) {
		hull_rpc_free(asked[i].monitor);
		hull_rpc_free(asked[i].agent);
	}
	hull_source_remove(&g.end);
	return r < 0 ? -1 : 0;
}
