/* SPDX-License-Identifier: Apache-2.0
 *
 * Identity, capabilities and system call filters, see confine.h.
 */
#define _GNU_SOURCE
#include "vsock/confine.h"

#include "base/caps.h"
#include "base/cleanup.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <linux/capability.h>
#include <sched.h>
#include <seccomp.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

void hull_vsock_raise_files(void)
{
	struct rlimit r;

	if (getrlimit(RLIMIT_NOFILE, &r) == 0) {
		r.rlim_cur = r.rlim_max;
		(void)setrlimit(RLIMIT_NOFILE, &r);
	}
}

/* Only those of @keep remain, as far as they are there. */
static int keep_caps(uint64_t keep, struct hull_error **err)
{
	uint64_t permitted, inheritable;
	int r = hull_caps_get(&permitted, &inheritable);

	if (r == 0)
		r = hull_caps_set(permitted & keep, 0);
	return r < 0 ? hull_fail_errno(err, -r, "drop capabilities") : 0;
}

static int become(uid_t uid, gid_t gid, struct hull_error **err)
{
	if (geteuid() != 0)
		return 0;
	if (setgroups(0, NULL) < 0 || setresgid(gid, gid, gid) < 0 || setresuid(uid, uid, uid) < 0)
		return hull_fail_errno(err, errno, "become user %u, group %u", uid, gid);
	return 0;
}

/* ---- system calls ---- */

/* What sanitizers do besides has no place in a filter. */
#if defined(__has_feature)
#if __has_feature(address_sanitizer)
#define SANITIZED
#endif
#elif defined(__SANITIZE_ADDRESS__)
#define SANITIZED
#endif

/* What both need, the C library's own included. */
static const int common_calls[] = {
	SCMP_SYS(brk),
	SCMP_SYS(clock_gettime),
	SCMP_SYS(close),
	SCMP_SYS(exit),
	SCMP_SYS(exit_group),
	SCMP_SYS(futex),
	SCMP_SYS(getpid),
	SCMP_SYS(gettid),
	SCMP_SYS(madvise),
	SCMP_SYS(mremap),
	SCMP_SYS(munmap),
	SCMP_SYS(poll),
	SCMP_SYS(ppoll),
	SCMP_SYS(read),
	SCMP_SYS(recvfrom),
	SCMP_SYS(recvmsg),
	SCMP_SYS(restart_syscall),
	SCMP_SYS(rt_sigprocmask),
	SCMP_SYS(rt_sigreturn),
	SCMP_SYS(sendmsg),
	SCMP_SYS(sendto),
	SCMP_SYS(tgkill),
	SCMP_SYS(write),
	SCMP_SYS(getrandom),
};

static const int worker_calls[] = {
	SCMP_SYS(accept4),    SCMP_SYS(epoll_ctl), SCMP_SYS(epoll_pwait), SCMP_SYS(epoll_pwait2),
	SCMP_SYS(epoll_wait), SCMP_SYS(fcntl),	   SCMP_SYS(lseek),	  SCMP_SYS(readv),
	SCMP_SYS(shutdown),   SCMP_SYS(writev),	   SCMP_SYS(wait4),
};

static const int dialler_calls[] = {SCMP_SYS(connect), SCMP_SYS(unlink), SCMP_SYS(unlinkat),
				    SCMP_SYS(wait4)};

static int allow(scmp_filter_ctx f, const int *calls, size_t n)
{
	int r = 0;

	for (size_t i = 0; r == 0 && i < n; i++)
		r = seccomp_rule_add(f, SCMP_ACT_ALLOW, calls[i], 0);
	return r;
}

/* Memory, but none that could be executed. */
static int allow_memory(scmp_filter_ctx f)
{
	const struct scmp_arg_cmp no_exec = SCMP_CMP(2, SCMP_CMP_MASKED_EQ, PROT_EXEC, 0);
	int r = seccomp_rule_add(f, SCMP_ACT_ALLOW, SCMP_SYS(mmap), 1, no_exec);

	return r < 0 ? r : seccomp_rule_add(f, SCMP_ACT_ALLOW, SCMP_SYS(mprotect), 1, no_exec);
}

static int allow_option(scmp_filter_ctx f, int option)
{
	return seccomp_rule_add(f, SCMP_ACT_ALLOW, SCMP_SYS(setsockopt), 2,
				SCMP_CMP(1, SCMP_CMP_EQ, SOL_SOCKET, 0),
				SCMP_CMP(2, SCMP_CMP_EQ, (scmp_datum_t)option, 0));
}

/* For one purpose only. */
static int allow_if(scmp_filter_ctx f, int call, unsigned int argument, uint64_t value)
{
	return seccomp_rule_add(f, SCMP_ACT_ALLOW, call, 1,
				SCMP_CMP(argument, SCMP_CMP_EQ, value, 0));
}

/* What each may do in one way only.  The dialler: connections to sockets of this host, and a copy
 * of itself that waits for one, and ends with it. */
static int allow_ways(scmp_filter_ctx f, bool dialler)
{
	int r;

	if (!dialler)
		return allow_option(f, SO_SNDBUF);
	r = allow_option(f, SO_SNDTIMEO);
	if (r == 0)
		r = allow_if(f, SCMP_SYS(socket), 0, AF_UNIX);
	if (r == 0)
		r = allow_if(f, SCMP_SYS(fcntl), 1, F_SETFL);
	if (r == 0)
		r = allow_if(f, SCMP_SYS(clone), 0, CLONE_PIDFD | SIGCHLD);
	return r < 0 ? r : allow_if(f, SCMP_SYS(prctl), 0, PR_SET_PDEATHSIG);
}

static int load(const int *calls, size_t n, bool dialler)
{
	scmp_filter_ctx f = seccomp_init(SCMP_ACT_KILL_PROCESS);
	int r = f ? allow(f, common_calls, ARRAY_SIZE(common_calls)) : -ENOMEM;

	if (r == 0)
		r = allow(f, calls, n);
	if (r == 0)
		r = allow_memory(f);
	if (r == 0)
		r = allow_ways(f, dialler);
	if (r == 0)
		r = seccomp_load(f);
	seccomp_release(f);
	return r;
}

static int filter(const int *calls, size_t n, bool dialler, struct hull_error **err)
{
	int r = 0;

	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0)
		return hull_fail_errno(err, errno, "give up new privileges");
#ifndef SANITIZED
	r = load(calls, n, dialler);
#else
	(void)load;
#endif
	return r < 0 ? hull_fail_errno(err, -r, "install the system call filter") : 0;
}

/* ---- the two ---- */

int hull_vsock_confine_worker(uid_t uid, gid_t gid, pid_t parent, struct hull_error **err)
{
	if (become(uid, gid, err) < 0 || keep_caps(0, err) < 0)
		return -1;
	/* A change of identity takes the signal away. */
	if (prctl(PR_SET_PDEATHSIG, SIGKILL) < 0)
		return hull_fail_errno(err, errno, "tie the process to its parent");
	if (getppid() != parent)
		return hull_fail(err, HULL_E_CANCELED, "whoever started it is gone");
	return filter(worker_calls, ARRAY_SIZE(worker_calls), false, err);
}

int hull_vsock_confine_dialler(struct hull_error **err)
{
	if (keep_caps(UINT64_C(1) << CAP_DAC_OVERRIDE, err) < 0)
		return -1;
	return filter(dialler_calls, ARRAY_SIZE(dialler_calls), true, err);
}
