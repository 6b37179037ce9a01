/* SPDX-License-Identifier: Apache-2.0
 *
 * Spawning by clone3 and waiting by pidfd.
 *
 * The child reports through a close-on-exec pipe: EOF means that exec worked, a record tells which
 * step failed and why.  Order in the child matters: descriptors before the identity changes (they
 * may need rights to open), the death signal after it (the kernel clears it then), exec last.
 */
#define _GNU_SOURCE
#include "base/proc.h"

#include "base/caps.h"
#include "base/cleanup.h"
#include "base/fault.h"
#include "base/os.h"
#include "base/path.h"
#include "base/strbuf.h"
#include "base/text.h"
#include "base/vec.h"

#include <fcntl.h>
#include <grp.h>
#include <linux/capability.h>
#include <linux/close_range.h>
#include <linux/sched.h>
#include <linux/seccomp.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#ifndef P_PIDFD
#define P_PIDFD 3
#endif

/* Above every target descriptor: where sources wait while targets are being laid out. */
#define FD_PARK 64

enum step {
	STEP_FDS,
	STEP_LIMITS,
	STEP_CWD,
	STEP_IDS,
	STEP_DEATH,
	STEP_FILTER,
	STEP_FORK,
	STEP_EXEC,
	STEP_COUNT,
};

static const char *const step_names[STEP_COUNT] = {
	[STEP_FDS] = "set up descriptors",
	[STEP_LIMITS] = "set resource limits",
	[STEP_CWD] = "change directory",
	[STEP_IDS] = "give up privileges",
	[STEP_DEATH] = "tie to the parent's life",
	[STEP_FILTER] = "filter system calls",
	[STEP_FORK] = "fork",
	[STEP_EXEC] = "execute",
};

struct report {
	int step, errnum;
};

static pid_t clone_child(uint64_t flags, int *pidfd, int cgroup_fd)
{
	/* No exit signal: the go-between of a detached spawn stays unseen. */
	struct clone_args args = {
		.flags = flags | (pidfd ? CLONE_PIDFD : 0),
		.pidfd = (uint64_t)(uintptr_t)pidfd,
	};

	if (cgroup_fd > 0) {
		args.flags |= CLONE_INTO_CGROUP;
		args.cgroup = (uint64_t)cgroup_fd;
	}
	return (pid_t)syscall(SYS_clone3, &args, sizeof(args));
}

/* The limit may be lower than where we park: then it is raised as far as we may. */
static int park(int fd)
{
	int r = fcntl(fd, F_DUPFD_CLOEXEC, FD_PARK);
	struct rlimit rl;

	if (r < 0 && getrlimit(RLIMIT_NOFILE, &rl) == 0 && rl.rlim_cur < rl.rlim_max) {
		rl.rlim_cur = MIN(rl.rlim_max, (rlim_t)(4 * FD_PARK));
		(void)setrlimit(RLIMIT_NOFILE, &rl);
		r = fcntl(fd, F_DUPFD_CLOEXEC, FD_PARK);
	}
	if (r < 0)
		return errno == EINVAL ? -EMFILE : -errno;
	return r;
}

static int lay_out_fds(const struct hull_spawn *spec, int *report_fd)
{
	int parked[FD_PARK], r;
	bool std[3] = {false};

	if (spec->n_fds > ARRAY_SIZE(parked))
		return -EMFILE;
	r = park(*report_fd);
	if (r < 0)
		return r; /* the old one still carries the report */
	*report_fd = r;
	for (size_t i = 0; i < spec->n_fds; i++) {
		parked[i] = spec->fds[i].to < FD_PARK ? park(spec->fds[i].from) : -EMFILE;
		if (parked[i] < 0)
			return parked[i];
	}
	if (close_range(3, ~0U, CLOSE_RANGE_CLOEXEC) < 0)
		return -errno;
	for (size_t i = 0; i < spec->n_fds; i++) {
		if (dup2(parked[i], spec->fds[i].to) < 0)
			return -errno;
		if (spec->fds[i].to < 3)
			std[spec->fds[i].to] = true;
	}
	for (int fd = 0; fd < 3; fd++) {
		int null;

		if (std[fd])
			continue;
		null = open("/dev/null", O_RDWR | O_CLOEXEC);
		if (null < 0)
			return -errno;
		if (null == fd) {
			(void)fcntl(fd, F_SETFD, 0);
			continue;
		}
		if (dup2(null, fd) < 0)
			return -errno;
		close(null);
	}
	return 0;
}

static int drop_ids(uid_t uid, gid_t gid, uint64_t keep)
{
	for (int cap = 0; cap <= 63; cap++)
		if (!(keep >> cap & 1) && prctl(PR_CAPBSET_DROP, cap, 0, 0, 0) < 0 &&
		    errno == EPERM)
			break; /* not ours to drop: then we hold none that matter */
	if (keep && prctl(PR_SET_KEEPCAPS, 1, 0, 0, 0) < 0)
		return -errno;
	if (setgroups(0, NULL) < 0 && errno != EPERM)
		return -errno;
	if (setresgid(gid, gid, gid) < 0 || setresuid(uid, uid, uid) < 0)
		return -errno;
	return hull_caps_keep(keep);
}

static void default_signals(void)
{
	sigset_t none;

	for (int sig = 1; sig < NSIG; sig++)
		if (sig != SIGKILL && sig != SIGSTOP)
			(void)signal(sig, SIG_DFL);
	sigemptyset(&none);
	(void)sigprocmask(SIG_SETMASK, &none, NULL);
}

static bool report_is_orphan(int fd)
{
	struct pollfd p = {.fd = fd};

	return poll(&p, 1, 0) > 0 && p.revents & POLLERR;
}

static int apply(const struct hull_spawn *spec, pid_t parent, int *report_fd, int *ret_step)
{
	int r;

	*ret_step = STEP_FDS;
	default_signals();
	if (spec->new_session)
		(void)setsid(); /* fails only for a leader, which a fresh child is not */
	r = lay_out_fds(spec, report_fd);
	if (r < 0)
		return r;
	*ret_step = STEP_LIMITS;
	if (spec->rlimit_nofile) {
		struct rlimit rl = {spec->rlimit_nofile, spec->rlimit_nofile};

		if (setrlimit(RLIMIT_NOFILE, &rl) < 0)
			return -errno;
	}
	*ret_step = STEP_CWD;
	if (spec->cwd && chdir(spec->cwd) < 0)
		return -errno;
	*ret_step = STEP_IDS;
	if (spec->set_ids) {
		r = drop_ids(spec->uid, spec->gid, spec->keep_caps);
		if (r < 0)
			return r;
	}
	if (spec->no_new_privs && prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0)
		return -errno;
	*ret_step = STEP_DEATH;
	if (spec->die_with_parent) {
		if (prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0) < 0)
			return -errno;
		/* From within a new pid namespace the parent can't be seen, only that nobody is
		 * left to read our report. */
		if (getppid() != (spec->new_pid_ns ? 0 : parent) || report_is_orphan(*report_fd))
			return -ESRCH; /* it died before the signal was armed */
	}
	*ret_step = STEP_FILTER;
	if (spec->filter && prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, spec->filter, 0, 0) < 0)
		return -errno;
	return 0;
}

__attribute__((noreturn)) static void child_main(const struct hull_spawn *spec, pid_t parent,
						 int report_fd)
{
	struct report rep = {0};

	if (spec->detach) {
		pid_t pid = clone_child(0, NULL, spec->cgroup_fd);

		if (pid > 0)
			_exit(0);
		if (pid < 0) {
			rep = (struct report){STEP_FORK, errno};
			goto fail;
		}
	}
	rep.errnum = -apply(spec, parent, &report_fd, &rep.step);
	if (!rep.errnum) {
		execve(spec->path, spec->argv, spec->envp ? spec->envp : environ);
		rep = (struct report){STEP_EXEC, errno};
	}
fail:
	(void)hull_fd_write_all(report_fd, &rep, sizeof(rep));
	_exit(127);
}

static int fail_fork(const struct hull_spawn *spec, int errnum, struct hull_error **err)
{
	if (errnum != EAGAIN)
		return hull_fail_errno(err, errnum, "start '%s': fork", spec->path);
	hull_fail_cause(err, HULL_E_EXHAUSTED, "process-limit",
			"start '%s': no more processes are allowed", spec->path);
	hull_hint(err, "end something, or raise the limit: 'ulimit -u' tells the user's, pids.max "
		       "the control group's");
	return -1;
}

static int fail_step(const struct hull_spawn *spec, const struct report *rep,
		     struct hull_error **err)
{
	if (rep->step == STEP_FORK)
		return fail_fork(spec, rep->errnum, err);
	if (rep->step == STEP_EXEC && rep->errnum == ENOENT && access(spec->path, F_OK) == 0) {
		hull_fail_cause(err, HULL_E_NOT_FOUND, "no-interpreter",
				"start '%s': its interpreter or loader is missing", spec->path);
		hull_hint(err, "install it again, for this machine: 'file %s' tells what it is",
			  spec->path);
		return -1;
	}
	return hull_fail_errno(err, rep->errnum, "start '%s': %s", spec->path,
			       step_names[rep->step]);
}

int hull_spawn(const struct hull_spawn *spec, struct hull_child *ret_child, struct hull_error **err)
{
	cleanup_close int rd = -1;
	cleanup_close int wr = -1;
	cleanup_close int pidfd = -1;
	pid_t parent = getpid(), pid;
	struct report rep;
	int p[2], wstatus;
	ssize_t n;
	int r = hull_fault("spawn");

	if (r == 0 && pipe2(p, O_CLOEXEC) < 0)
		r = -errno;
	if (r < 0)
		return hull_fail_errno(err, -r, "start '%s'", spec->path);
	rd = p[0];
	wr = p[1];
	pid = clone_child(spec->new_pid_ns ? CLONE_NEWPID : 0, &pidfd,
			  spec->detach ? 0 : spec->cgroup_fd);
	if (pid < 0)
		return fail_fork(spec, errno, err);
	if (pid == 0)
		child_main(spec, parent, wr);
	hull_closep(&wr);
	do
		n = read(rd, &rep, sizeof(rep));
	while (n < 0 && errno == EINTR);
	(void)hull_fault("spawned");
	if (n == 0 && !spec->detach) {
		*ret_child = (struct hull_child){.pid = pid, .pidfd = steal_fd(&pidfd)};
		return 0;
	}
	(void)hull_child_wait(pidfd, hull_deadline_ms(5000), &wstatus);
	if (n == 0) {
		*ret_child = (struct hull_child){.pid = 0, .pidfd = -1};
		return 0;
	}
	if (n != sizeof(rep) || rep.step < 0 || rep.step >= STEP_COUNT)
		return hull_fail(err, HULL_E_OS, "start '%s': the child ended before exec",
				 spec->path);
	return fail_step(spec, &rep, err);
}

int hull_proc_fork(void (*fn)(void *ctx), void *ctx, int cgroup_fd, struct hull_child *ret_child)
{
	pid_t parent = getpid(), pid;
	int pidfd = -1;

	pid = clone_child(0, &pidfd, cgroup_fd);
	if (pid < 0)
		return -errno;
	if (pid == 0) {
		if (prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0) < 0 || getppid() != parent)
			_exit(1);
		fn(ctx);
		_exit(0);
	}
	*ret_child = (struct hull_child){.pid = pid, .pidfd = pidfd};
	return 0;
}

int hull_proc_try(const struct hull_spawn *spec, int (*fn)(void *arg), void *arg)
{
	cleanup_close int pidfd = -1;
	pid_t pid = clone_child(0, &pidfd, 0);
	int wstatus, r;

	if (pid < 0)
		return -errno;
	if (pid == 0) {
		if (spec->set_ids && drop_ids(spec->uid, spec->gid, 0) < 0)
			_exit(EPERM);
		_exit(fn(arg));
	}
	r = hull_child_wait(pidfd, hull_deadline_ms(5000), &wstatus);
	if (r < 0)
		return r;
	return WIFEXITED(wstatus) ? WEXITSTATUS(wstatus) : -ECHILD;
}

static int unshare_users(void *arg)
{
	return unshare(CLONE_NEWUSER) < 0 ? errno : 0;
}

bool hull_proc_can_unshare_users(const struct hull_spawn *spec)
{
	return hull_proc_try(spec, unshare_users, NULL) == 0;
}

int hull_child_reap(int pidfd, int *ret_wstatus)
{
	siginfo_t si = {0};

	while (waitid((idtype_t)P_PIDFD, (id_t)pidfd, &si, WEXITED | WNOHANG | __WALL) < 0)
		if (errno != EINTR)
			return -errno;
	if (si.si_pid == 0)
		return -EAGAIN;
	if (si.si_code == CLD_EXITED)
		*ret_wstatus = (si.si_status & 0xff) << 8;
	else
		*ret_wstatus = (si.si_status & 0x7f) | (si.si_code == CLD_DUMPED ? 0x80 : 0);
	return 0;
}

int hull_child_wait(int pidfd, uint64_t deadline_ns, int *ret_wstatus)
{
	for (;;) {
		struct pollfd pfd = {.fd = pidfd, .events = POLLIN};
		int ms = hull_ms_left(deadline_ns);
		int r = poll(&pfd, 1, ms);

		if (r < 0 && errno != EINTR)
			return -errno;
		if (r > 0) {
			r = hull_child_reap(pidfd, ret_wstatus);
			if (r != -EAGAIN)
				return r;
		}
		if (r == 0 && ms == 0)
			return -ETIMEDOUT;
	}
}

int hull_pidfd_kill(int pidfd, int signo)
{
	return syscall(SYS_pidfd_send_signal, pidfd, signo, NULL, 0) < 0 ? -errno : 0;
}

const char *hull_wstatus_text(int wstatus, char buf[64])
{
	if (WIFSIGNALED(wstatus)) {
		const char *name = sigabbrev_np(WTERMSIG(wstatus));

		snprintf(buf, 64, "was killed by signal %d (%s)", WTERMSIG(wstatus),
			 name ? name : "?");
	} else {
		snprintf(buf, 64, "exited with status %d", WEXITSTATUS(wstatus));
	}
	return buf;
}

/* Field @n of the third and those after it. */
static int stat_field(const char *third, int n, uint64_t *ret)
{
	char number[24];
	size_t len;

	for (int field = 3; third && field < n; field++) {
		third = strchr(third, ' ');
		third = third ? third + 1 : NULL;
	}
	len = third ? strcspn(third, " \n") : 0;
	if (!len || len >= sizeof(number))
		return -EBADMSG;
	memcpy(number, third, len);
	number[len] = '\0';
	return hull_parse_u64(number, UINT64_MAX, ret);
}

int hull_proc_stat(pid_t pid, struct hull_proc_stat *ret)
{
	static const int fields[] = {4, 14, 15, 16, 17, 22};
	cleanup_strbuf struct hull_strbuf b = HULL_STRBUF_INIT;
	uint64_t v[ARRAY_SIZE(fields)], hz = (uint64_t)sysconf(_SC_CLK_TCK);
	char path[32], *p;
	int r;

	snprintf(path, sizeof(path), "/proc/%d/stat", (int)pid);
	r = hull_file_read(path, 4096, &b);
	if (r < 0)
		return r;
	/* The second is a name in brackets that may hold anything. */
	p = b.data ? strrchr(b.data, ')') : NULL;
	if (!p || p[1] != ' ' || !p[2])
		return -EBADMSG;
	for (size_t i = 0; i < ARRAY_SIZE(fields); i++) {
		r = stat_field(p + 2, fields[i], &v[i]);
		if (r < 0)
			return r;
	}
	*ret = (struct hull_proc_stat){.state = p[2],
				       .parent = (pid_t)v[0],
				       .cpu_ns = (v[1] + v[2]) * (HULL_NS_PER_S / hz),
				       .waited_ns = (v[3] + v[4]) * (HULL_NS_PER_S / hz),
				       .start = v[5]};
	return 0;
}

int hull_proc_start_time(pid_t pid, uint64_t *ret_start)
{
	struct hull_proc_stat st;
	int r = hull_proc_stat(pid, &st);

	if (r == 0)
		*ret_start = st.start;
	return r;
}

bool hull_process_lives(const struct hull_process_id *id, const char *boot)
{
	struct hull_proc_stat st;

	return id->pid > 0 && !strcmp(id->boot, boot) && hull_proc_stat(id->pid, &st) == 0 &&
	       st.start == id->start && st.state != 'Z' && st.state != 'X';
}

int hull_process_open(const struct hull_process_id *id)
{
	cleanup_close int fd = -1;
	char boot[37];
	int r = hull_boot_id(boot);

	if (r < 0)
		return r;
	if (id->pid <= 0)
		return -ESRCH;
	/* First the descriptor, then the question whose it is: it can't become another's. */
	fd = (int)syscall(SYS_pidfd_open, id->pid, 0);
	if (fd < 0)
		return -errno;
	return hull_process_lives(id, boot) ? steal_fd(&fd) : -ESRCH;
}

int hull_proc_pass_mark(struct hull_strv *env)
{
	const char *mark = getenv(HULL_PROC_MARK);

	return mark ? hull_strv_addf(env, HULL_PROC_MARK "=%s", mark) : 0;
}
