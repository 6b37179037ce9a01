/* SPDX-License-Identifier: Apache-2.0
 *
 * hull-monitor: one monitor object in a process of its own.  Started by the library with the
 * starter's socket as descriptor 3, the run directory's held lock as 4 and what devices are to use
 * after that; not for people.
 */
#define _GNU_SOURCE
#include "monitor/monitor.h"

#include "base/cleanup.h"
#include "base/log.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <sys/prctl.h>
#include <unistd.h>

enum { STARTER_FD = 3, LOCK_FD = 4 };

/* To whoever started us, if there is room: a full pipe there must not stop the VM. */
static void log_line(void *ctx, enum hull_log_level level, const char *line)
{
	struct pollfd pfd = {.fd = STDERR_FILENO, .events = POLLOUT};

	if (poll(&pfd, 1, 0) == 1 && pfd.revents & POLLOUT)
		(void)dprintf(STDERR_FILENO, "hull-monitor: %s\n", line);
}

static void on_gone(void *ctx)
{
	hull_loop_quit(ctx, 0);
}

struct signals {
	struct hull_monitor *monitor;
};

/* How many there are tells the first gap, before anything of ours is opened. */
static int count_handed(void)
{
	int n = 0;

	while (fcntl(HULL_MONITOR_HANDED_FD + n, F_SETFD, FD_CLOEXEC) == 0)
		n++;
	return n;
}

static int hand(struct hull_monitor *m, int n, struct hull_error **err)
{
	for (int i = 0; i < n; i++)
		if (hull_monitor_hand(m, HULL_MONITOR_HANDED_FD + i) < 0)
			return hull_fail_nomem(err);
	return 0;
}

static void on_signal(void *ctx, int signo)
{
	struct signals *s = ctx;
	char why[48];

	snprintf(why, sizeof(why), "the monitor got signal %d", signo);
	hull_monitor_terminate(s->monitor, why);
}

static int run(struct hull_error **err)
{
	static const int signals[] = {SIGTERM, SIGINT, SIGHUP};
	cleanup_with(hull_loop_freep) struct hull_loop *loop = NULL;
	struct hull_monitor *m = NULL;
	int handed = count_handed(), r;
	struct signals s;

	for (int fd = STARTER_FD; fd <= LOCK_FD; fd++)
		if (fcntl(fd, F_SETFD, FD_CLOEXEC) < 0)
			return hull_fail(err, HULL_E_INVALID,
					 "descriptor %d is missing; hull starts this program", fd);
	if (hull_loop_new(&loop, err) < 0 ||
	    hull_monitor_new(loop, STARTER_FD, LOCK_FD, on_gone, loop, &m, err) < 0)
		return -1;
	s.monitor = m;
	if (hand(m, handed, err) < 0) {
		hull_monitor_free(m);
		return -1;
	}
	r = hull_loop_add_signals(loop, signals, ARRAY_SIZE(signals), on_signal, &s, NULL);
	if (r == 0)
		r = hull_loop_run(loop);
	hull_monitor_free(m);
	return r < 0 ? hull_fail_errno(err, -r, "event loop") : 0;
}

int main(void)
{
	cleanup_error struct hull_error *err = NULL;

	(void)signal(SIGPIPE, SIG_IGN);
	(void)signal(SIGXFSZ, SIG_IGN); /* it comes as EFBIG, which can be told */
	/* Helpers' orphans come to us, so that nothing of a VM escapes. */
	(void)prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0);
	hull_log_set(log_line, NULL, getenv("HULL_DEBUG") ? HULL_LOG_DEBUG : HULL_LOG_WARNING);
	if (run(&err) < 0) {
		(void)dprintf(STDERR_FILENO, "hull-monitor: %s\n", hull_error_message(err));
		return 1;
	}
	return 0;
}
