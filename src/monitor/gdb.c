/* SPDX-License-Identifier: Apache-2.0
 *
 * The socket at which debuggers find the guest.
 */
#define _GNU_SOURCE
#include "monitor/state.h"

#include "base/os.h"

#define BACKLOG 1

int hull_monitor_open_gdb(struct hull_monitor *m, struct hull_error **err)
{
	const struct hull_gdb *g = &m->config.gdb;
	const struct hull_lent_place at = {
		.what = "gdb",
		.port_hint = "another port can be given with --gdb=PORT, or none",
		.port = g->port,
		.path = g->path,
		.run_dir = m->config.run_dir,
		.name = "gdb.sock",
		.backlog = BACKLOG,
	};

	return g->kind == HULL_GDB_NONE ? 0 : hull_lent_open(&m->gdb, &at, err);
}

void hull_monitor_gdb_paused(struct hull_monitor *m, bool paused)
{
	if (m->gdb.fd < 0 || m->state != HULL_MONITOR_STARTING)
		return;
	hull_source_arm(m->deadline, paused ? 0 : hull_deadline_ms(m->config.boot_timeout_ms));
}
