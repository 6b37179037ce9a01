/* SPDX-License-Identifier: Apache-2.0
 *
 * Namespaces, identity and capabilities; see rights.h.
 */
#define _GNU_SOURCE
#include "share/rights.h"

#include "base/caps.h"
#include "base/cleanup.h"
#include "base/path.h"
#include "base/proc.h"
#include "base/strbuf.h"

#include <fcntl.h>
#include <grp.h>
#include <linux/capability.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <unistd.h>

#define WANTED_FILES 1000000

/* virtiofsd enters its chroot with the first.  It then sets its capabilities with libcap-ng, which
 * reports failure without the second, even if there is nothing to take from the bounding set. */
#define START_CAPS (UINT64_C(1) << CAP_SYS_CHROOT | UINT64_C(1) << CAP_SETPCAP)

static int write_proc(const char *path, const char *text, struct hull_error **err)
{
	cleanup_close int fd = open(path, O_WRONLY | O_CLOEXEC);
	int r = fd < 0 ? -errno : hull_fd_write_all(fd, text, strlen(text));

	return r < 0 ? hull_fail_errno(err, -r, "write '%s' to '%s'", text, path) : 0;
}

static int enter_user_namespace(struct hull_error **err)
{
	uid_t uid = geteuid();
	gid_t gid = getegid();
	char map[32];

	if (unshare(CLONE_NEWUSER | CLONE_NEWNS) < 0) {
		hull_fail_errno(err, errno, "make a user and mount namespace");
		hull_hint(err, "virtiofsd needs user namespaces to serve an ordinary user: see "
			       "sysctl user.max_user_namespaces, "
			       "kernel.unprivileged_userns_clone and "
			       "kernel.apparmor_restrict_unprivileged_userns");
		return -1;
	}
	if (write_proc("/proc/self/setgroups", "deny", err) < 0)
		return -1;
	snprintf(map, sizeof(map), "0 %u 1", gid);
	if (write_proc("/proc/self/gid_map", map, err) < 0)
		return -1;
	snprintf(map, sizeof(map), "0 %u 1", uid);
	return write_proc("/proc/self/uid_map", map, err);
}

int hull_rights_enter(struct hull_rights *ret, struct hull_error **err)
{
	struct hull_rights r = {.root = geteuid() == 0};

	if (!r.root && enter_user_namespace(err) < 0)
		return -1;
	if (r.root && unshare(CLONE_NEWNS) < 0)
		return hull_fail_errno(err, errno, "make a mount namespace");
	if (mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) < 0) {
		if (errno != EINVAL)
			return hull_fail_errno(err, errno, "make the mounts private");
		r.in_chroot = true;
		if (mount(NULL, "/proc", NULL, MS_REC | MS_PRIVATE, NULL) < 0) {
			hull_fail_errno(err, errno, "make '/proc' private in a chroot");
			hull_hint(err, "it must be mounted there");
			return -1;
		}
	}
	*ret = r;
	return 0;
}

/* The child's words: message, newline, hint. */
static int try_enter(void *to)
{
	cleanup_error struct hull_error *err = NULL;
	struct hull_rights rights;

	if (hull_rights_enter(&rights, &err) == 0)
		return 0;
	(void)dprintf(*(int *)to, "%s\n%s", hull_error_message(err), hull_error_hint(err));
	return 1;
}

int hull_rights_try(struct hull_error **err)
{
	cleanup_strbuf struct hull_strbuf said = HULL_STRBUF_INIT;
	cleanup_close int from = -1, to = -1;
	const char *text, *hint;
	int fds[2], r;

	if (pipe2(fds, O_CLOEXEC) < 0)
		return hull_fail_errno(err, errno, "make a pipe");
	from = fds[0];
	to = fds[1];
	r = hull_proc_try(&(struct hull_spawn){0}, try_enter, &to);
	if (r == 0)
		return 0;
	hull_closep(&to);
	if (r < 0 || (r = hull_fd_read_all(from, 4096, &said)) < 0)
		return hull_fail_errno(err, -r, "try to make namespaces");
	text = hull_strbuf_str(&said);
	hint = strchrnul(text, '\n');
	hull_fail(err, HULL_E_DENIED, "%.*s", (int)(hint - text), text);
	if (*hint && hint[1])
		hull_hint(err, "%s", hint + 1);
	return -1;
}

void hull_rights_raise_files(void)
{
	struct rlimit rl = {WANTED_FILES, WANTED_FILES};

	if (getrlimit(RLIMIT_NOFILE, &rl) < 0 || rl.rlim_cur >= WANTED_FILES)
		return;
	if (setrlimit(RLIMIT_NOFILE, &(struct rlimit){WANTED_FILES, WANTED_FILES}) == 0)
		return;
	rl.rlim_cur = MIN(rl.rlim_max, (rlim_t)WANTED_FILES);
	(void)setrlimit(RLIMIT_NOFILE, &rl); /* fewer serve as well, for smaller trees */
}

static int drop_from_bounding_set(uint64_t caps)
{
	for (int cap = 0; cap < 64 && prctl(PR_CAPBSET_READ, cap, 0, 0, 0) >= 0; cap++)
		if (caps >> cap & 1 && prctl(PR_CAPBSET_DROP, cap, 0, 0, 0) < 0)
			return -errno;
	return 0;
}

static int become(uid_t uid, gid_t gid)
{
	if (prctl(PR_SET_KEEPCAPS, 1, 0, 0, 0) < 0 || setgroups(0, NULL) < 0 ||
	    setresgid(gid, gid, gid) < 0 || setresuid(uid, uid, uid) < 0)
		return -errno;
	return 0;
}

int hull_rights_drop(const struct hull_rights *rights, uid_t uid, gid_t gid,
		     struct hull_error **err)
{
	int r;

	r = drop_from_bounding_set(~START_CAPS);
	if (r < 0)
		return hull_fail_errno(err, -r, "drop capabilities from the bounding set");
	if (rights->root) {
		r = become(uid, gid);
		if (r < 0)
			return hull_fail_errno(err, -r, "become uid %u, gid %u", uid, gid);
	}
	r = hull_caps_keep(START_CAPS);
	if (r < 0)
		return hull_fail_errno(err, -r, "give up capabilities");
	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0)
		return hull_fail_errno(err, errno, "refuse new privileges");
	return 0;
}

int hull_rights_drop_caps(struct hull_error **err)
{
	int r = drop_from_bounding_set(START_CAPS);

	if (r == 0)
		r = hull_caps_set(0, 0);
	return r < 0 ? hull_fail_errno(err, -r, "give up all capabilities") : 0;
}

int hull_rights_count_caps(void)
{
	uint64_t permitted, inheritable;
	int count = 0;

	if (hull_caps_get(&permitted, &inheritable) < 0)
		return -1;
	for (int cap = 0; cap < 64; cap++)
		if (prctl(PR_CAPBSET_READ, cap, 0, 0, 0) == 1 ||
		    (permitted | inheritable) >> cap & 1)
			count++;
	return count;
}

int hull_rights_tie(pid_t parent, struct hull_error **err)
{
	struct pollfd said = {.fd = STDERR_FILENO};

	/* A change of uid has undone what the parent may have set. */
	if (prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0) < 0)
		return hull_fail_errno(err, errno, "tie the daemon to its parent's life");
	/* In a pid namespace of our own there is no parent to be seen; but it reads what we say. */
	if (getppid() != parent || poll(&said, 1, 0) < 0 || said.revents & POLLERR)
		return hull_fail(err, HULL_E_CANCELED, "the parent process has ended");
	return 0;
}
