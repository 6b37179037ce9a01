/* SPDX-License-Identifier: Apache-2.0
 *
 * The guest's clock follows the host's where that jumps.  It is set when the guest is, and runs by
 * itself from then on; so it is told the time anew when the host's clock has been set or the host
 * has slept, both of which the kernel tells by one timer that never comes, and when the guest has
 * stood still.  Nothing of ours waits by this clock: deadlines are monotonic.  Where the guest has
 * another agent than hull's, timesync.h tells that one.
 */
#define _GNU_SOURCE
#include "monitor/state.h"

#include "agent.pb-c.h"
#include "base/cleanup.h"
#include "base/log.h"
#include "base/os.h"

#include <stdint.h>
#include <sys/timerfd.h>
#include <unistd.h>

static void on_told(void *ctx, const ProtobufCMessage *reply, const struct hull_error *error)
{
	struct hull_monitor *m = ctx;

	m->telling_time = false;
	if (error)
		hull_warn("clock", "the guest's clock is not set: %s, ignoring",
			  hull_error_message(error));
	if (m->tell_time_again)
		hull_monitor_tell_time(m);
}

void hull_monitor_tell_time(struct hull_monitor *m)
{
	Hull__Agent__V1__SetTimeRequest rq = HULL__AGENT__V1__SET_TIME_REQUEST__INIT;

	if (m->state != HULL_MONITOR_RUNNING)
		return;
	if (m->timesync)
		hull_timesync_tell(m->timesync);
	if (!m->agent)
		return;
	m->tell_time_again = m->telling_time; /* one at a time, in case the guest does not answer */
	if (m->telling_time)
		return;
	m->telling_time = true;
	rq.realtime_ns = hull_realtime_ns();
	hull_rpc_call(m->agent, "hull.agent.v1.Agent", "SetTime", &rq.base,
		      &hull__agent__v1__empty__descriptor, 0, on_told, m);
}

static int arm(int fd)
{
	const struct itimerspec never = {.it_value.tv_sec = INT64_MAX};

	return timerfd_settime(fd, TFD_TIMER_ABSTIME | TFD_TIMER_CANCEL_ON_SET, &never, NULL) < 0
		       ? -errno
		       : 0;
}

static void on_jump(void *ctx, uint32_t events)
{
	struct hull_monitor *m = ctx;
	uint64_t n;

	if (read(m->clock_fd, &n, sizeof(n)) < 0 && errno == EAGAIN)
		return;
	if (arm(m->clock_fd) < 0)
		hull_monitor_unwatch_clock(m);
	hull_monitor_tell_time(m);
}

void hull_monitor_watch_clock(struct hull_monitor *m)
{
	int r;

	m->clock_fd = timerfd_create(CLOCK_REALTIME, TFD_CLOEXEC | TFD_NONBLOCK);
	r = m->clock_fd < 0 ? -errno : arm(m->clock_fd);
	if (r == 0)
		r = hull_loop_add_fd(m->loop, m->clock_fd, EPOLLIN, on_jump, m, &m->clock);
	if (r == 0)
		return;
	hull_warn("clock", "watch the host's clock: %s, ignoring", hull_strerror(-r));
	hull_monitor_unwatch_clock(m);
}

void hull_monitor_unwatch_clock(struct hull_monitor *m)
{
	hull_source_remove(&m->clock);
	hull_closep(&m->clock_fd);
}
