/* SPDX-License-Identifier: Apache-2.0
 *
 * Powering off.  Programs get time to end by themselves; sync() can hang where a file system's
 * server is gone, so a worker does it; when it takes too long the power goes all the same.
 */
#define _GNU_SOURCE
#include "agent/power.h"

#include "agent/agent.h"
#include "agent/port.h"
#include "agent/session.h"
#include "agent/worker.h"
#include "base/cleanup.h"
#include "base/log.h"
#include "base/loop.h"
#include "base/os.h"

#include <signal.h>
#include <sys/reboot.h>
#include <unistd.h>

#define SYNC_TIMEOUT_MS 10000
#define HEARD_MS 1000 /* for who is attached to take the last of it */
#define GRACE_MAX_NS (86400 * HULL_NS_PER_S)

static int work(void *arg, struct hull_strbuf *out, struct hull_error **err)
{
	/* Everybody but PID 1 and us. */
	(void)kill(-1, SIGKILL);
	sync();
	return 0;
}

/* There is one end. */
static bool reboots, synced;
static struct hull_source *off_timer;

static void off(void *ctx)
{
	reboot(reboots ? RB_AUTOBOOT : RB_POWER_OFF);
}

static void on_synced(void *ctx, const char *out, size_t len, const struct hull_error *err)
{
	synced = true;
	if (off_timer)
		hull_source_arm(off_timer, hull_deadline_ms(HEARD_MS));
}

/* How programs ended and what they said last is on its way, or was not taken in time. */
void hull_power_turn(struct hull_agent *a)
{
	if (synced && (!off_timer ||
		       (!hull_sessions_run(a->sessions) && !hull_sessions_are_heard(a->sessions) &&
			!hull_ports_have_unsent(a->ports))))
		off(NULL);
}

static void finish(struct hull_agent *a)
{
	cleanup_error struct hull_error *err = NULL;

	hull_source_remove(&a->grace);
	if (hull_loop_add_timer(a->loop, off, NULL, &off_timer) == 0)
		hull_source_arm(off_timer, hull_deadline_ms(SYNC_TIMEOUT_MS));
	if (hull_worker_start(a, work, NULL, on_synced, NULL, &err) < 0) {
		hull_warn("power", "sync: %s, ignoring", hull_error_message(err));
		off(NULL);
	}
}

static void on_grace(void *ctx)
{
	finish(ctx);
}

void hull_power_settle(struct hull_agent *a)
{
	if (a->grace && !hull_sessions_run(a->sessions))
		finish(a);
}

void hull_power_off(struct hull_agent *a, bool reboot, uint64_t grace_ns)
{
	if (a->ending)
		return;
	a->ending = true;
	reboots = reboot;
	if (!grace_ns || !hull_sessions_run(a->sessions) ||
	    hull_loop_add_timer(a->loop, on_grace, a, &a->grace) < 0) {
		finish(a);
		return;
	}
	hull_sessions_signal_all(a->sessions, SIGTERM);
	hull_source_arm(a->grace, hull_now_ns() + MIN(grace_ns, GRACE_MAX_NS));
}
