/* SPDX-License-Identifier: Apache-2.0
 *
 * Stats: what the hypervisor has counted, asked of it for each caller.
 */
#define _GNU_SOURCE
#include "monitor/state.h"

#include "monitor.pb-c.h"
#include "proto/status.h"

#include <stdlib.h>

struct asked {
	struct hull_ttrpc_call *call; /* first; NULL: gone with its connection */
	const struct hull_monitor *m;
};

static void on_done(void *ctx, const struct hull_inst_stats *stats, const struct hull_error *err)
{
	Hull__Monitor__V1__StatsResponse r = HULL__MONITOR__V1__STATS_RESPONSE__INIT;
	struct asked *a = ctx;

	if (a->call)
		hull_ttrpc_set_user(a->call, NULL);
	if (a->call && err) {
		hull_ttrpc_fail_error(a->call, err);
	} else if (a->call) {
		r.read_bytes = stats->read_bytes;
		r.written_bytes = stats->written_bytes;
		r.reads = stats->reads;
		r.writes = stats->writes;
		r.balloon_bytes = a->m->balloon_bytes;
		hull_monitor_reply(a->call, &r.base);
	}
	free(a);
}

void hull_monitor_stats(struct hull_monitor *m, struct hull_ttrpc_call *call,
			const ProtobufCMessage *request)
{
	cleanup_error struct hull_error *err = NULL;
	struct asked *a;

	if (!hull_inst_can(m->inst, HULL_CAP_STATS)) {
		hull_monitor_refuse(call, HULL_E_UNSUPPORTED, "",
				    "this hypervisor does not tell what its guest does");
		return;
	}
	a = calloc(1, sizeof(*a));
	if (!a) {
		hull_monitor_refuse(call, HULL_E_NOMEM, "", "out of memory");
		return;
	}
	*a = (struct asked){call, m};
	hull_ttrpc_set_user(call, a);
	if (m->inst->ops->stats(m->inst, on_done, a, &err) == 0)
		return;
	hull_ttrpc_set_user(call, NULL);
	hull_ttrpc_fail_error(call, err);
	free(a);
}
