/* SPDX-License-Identifier: Apache-2.0
 *
 * Starting tiny init and the program: the agent's side.  What the children do is in launchee.c.
 */
#define _GNU_SOURCE
#include "agent/launch.h"

#include "agent/launchee.h"
#include "base/cleanup.h"
#include "base/report.h"

#include <fcntl.h>
#include <linux/sched.h>
#include <sched.h>
#include <signal.h>
#include <stdint.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

/* As fork(), with a pidfd. */
static pid_t clone_into(uint64_t flags, int cgroup, int *ret_pidfd)
{
	struct clone_args args = {
		.flags = flags | CLONE_PIDFD,
		.pidfd = (uint64_t)(uintptr_t)ret_pidfd,
		.exit_signal = SIGCHLD,
	};

	if (cgroup >= 0) {
		args.flags |= CLONE_INTO_CGROUP;
		args.cgroup = (uint64_t)cgroup;
	}
	return (pid_t)syscall(SYS_clone3, &args, sizeof(args));
}

/* Forks into the pid namespace of @init_fd: the agent's next child is born there, and the one
 * after that at home again. */
static pid_t clone_beside(int init_fd, int cgroup, int *ret_pidfd)
{
	cleanup_close int home = open("/proc/self/ns/pid", O_RDONLY | O_CLOEXEC);
	pid_t pid;
	int saved;

	if (home < 0 || setns(init_fd, CLONE_NEWPID) < 0)
		return -1;
	pid = clone_into(0, cgroup, ret_pidfd);
	if (pid == 0)
		return 0;
	saved = errno;
	if (setns(home, CLONE_NEWPID) < 0)
		hull_launchee_lost();
	errno = saved;
	return pid;
}

static int start_init(const struct hull_launch *l, int ready_fd, int report_fd,
		      struct hull_launched *ret, struct hull_error **err)
{
	ret->init = clone_into(CLONE_NEWPID | CLONE_NEWNS, l->cgroup, &ret->init_fd);
	if (ret->init == 0)
		hull_launchee_init(l, ready_fd, report_fd);
	if (ret->init < 0)
		return hull_fail_errno(err, errno, "make the session's namespaces");
	return 0;
}

static int start_program(const struct hull_launch *l, int ready_fd, int report_fd,
			 struct hull_launched *ret, struct hull_error **err)
{
	ret->program = clone_beside(ret->init_fd, l->cgroup, &ret->program_fd);
	if (ret->program == 0)
		hull_launchee_program(l, ret->init_fd, ready_fd, report_fd);
	if (ret->program > 0)
		return 0;
	ret->program = 0;
	return hull_fail_errno(err, errno, "fork into the session");
}

int hull_launch(const struct hull_launch *l, struct hull_launched *ret_launched,
		struct hull_error **err)
{
	struct hull_launched done = {.init_fd = -1, .program_fd = -1, .report_fd = -1};
	cleanup_close int ready_r = -1, ready_w = -1, report_r = -1, report_w = -1;
	cleanup_error struct hull_error *late = NULL;
	int ready[2], report[2];

	if (pipe2(ready, O_CLOEXEC) < 0)
		return hull_fail_errno(err, errno, "make a pipe");
	ready_r = ready[0];
	ready_w = ready[1];
	if (pipe2(report, O_CLOEXEC) < 0)
		return hull_fail_errno(err, errno, "make a pipe");
	report_r = report[0];
	report_w = report[1];

	if (start_init(l, ready_w, report_w, &done, err) < 0)
		return -1;
	hull_closep(&ready_w); /* only tiny init may hold it: its end is an answer too */
	if (start_program(l, ready_r, report_w, &done, &late) < 0)
		hull_report_error(report_w, late); /* with tiny init there is something to reap */
	done.report_fd = steal_fd(&report_r);
	*ret_launched = done;
	return 0;
}

int hull_launch_signal_all(int init_fd, int signo, struct hull_error **err)
{
	cleanup_close int fd = -1;
	pid_t pid = clone_beside(init_fd, -1, &fd);

	/* In there, -1 is everybody but pid 1 and the caller. */
	if (pid == 0)
		_exit(kill(-1, signo) < 0);
	if (pid < 0)
		return hull_fail_errno(err, errno, "fork into the session");
	return 0;
}
