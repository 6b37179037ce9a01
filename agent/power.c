/* SPDX-License-Identifier: Apache-2.0
 *
 * Powering off.  sync() can hang where a file system's server is gone, so a worker does it; when
 * it takes too long the power goes all the same.
 */
#define _GNU_SOURCE
#include "agent/power.h"

#include "agent/agent.h"
#include "agent/worker.h"
#include "base/cleanup.h"
#include "base/log.h"
#include "base/loop.h"
#include "base/os.h"

#include <signal.h>
#include <sys/reboot.h>
#include <unistd.h>

#define SYNC_TIMEOUT_MS 10000

static int work(void *arg, struct hull_strbuf *out, struct hull_error **err)
{
	/* Everybody but PID 1 and us. */
	(void)kill(-1, SIGKILL);
	sync();
	return 0;
}

static void off(void *ctx)
{
	const bool *again = ctx;

	reboot(*again ? RB_AUTOBOOT : RB_POWER_OFF);
}

static void on_synced(void *ctx, const char *out, size_t len, const struct hull_error *err)
{
	off(ctx);
}

void hull_power_off(struct hull_agent *a, bool again)
{
	static bool how; /* there is one end */
	cleanup_error struct hull_error *err = NULL;
	struct hull_source *timer;

	if (a->ending)
		return;
	a->ending = true;
	how = again;
	if (hull_loop_add_timer(a->loop, off, &how, &timer) == 0)
		hull_source_arm(timer, hull_deadline_ms(SYNC_TIMEOUT_MS));
	if (hull_worker_start(a, work, NULL, on_synced, &how, &err) < 0) {
		hull_warn("power", "sync: %s, ignoring", hull_error_message(err));
		off(&how);
	}
}
