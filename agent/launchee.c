/* SPDX-License-Identifier: Apache-2.0
 *
 * Children of the agent on their way into a session.  They are copies of the agent until they
 * exec (tiny init for ever), so each first takes off what is the agent's: its signal mask, its
 * descriptors, its priority.
 */
#define _GNU_SOURCE
#include "agent/launchee.h"

#include "agent/agent.h"
#include "agent/archive.h"
#include "agent/launch.h"
#include "agent/rights.h"
#include "agent/users.h"
#include "base/cleanup.h"
#include "base/report.h"
#include "base/strbuf.h"
#include "base/vec.h"

#include <fcntl.h>
#include <grp.h>
#include <linux/close_range.h>
#include <sched.h>
#include <signal.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <sys/wait.h>
#include <unistd.h>

#define DEFAULT_PATH "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
#define NOFILE_SOFT 1024
#define NOFILE_HARD 524288
#define TTY_GROUP 5

void hull_launchee_lost(void)
{
	hull_agent_fatal("can't return to the first pid namespace: %s", hull_strerror(errno));
}

/* ---- tiny init ---- */

/* The old root goes beneath the new one and is let go. */
static int pivot(void)
{
	if (syscall(SYS_pivot_root, ".", ".") < 0)
		return -errno;
	return umount2(".", MNT_DETACH) < 0 || chdir("/") < 0 ? -errno : 0;
}

static int enter_root(const char *root, struct hull_error **err)
{
	int r;

	/* Follows the VM's mounts; nothing of ours gets back there. */
	if (mount(NULL, "/", NULL, MS_SLAVE | MS_REC, NULL) < 0)
		return hull_fail_errno(err, errno, "make the session's mounts its own");
	if (!root)
		return 0;
	if (chdir(root) < 0)
		return hull_fail_errno(err, errno, "enter root '%s'", root);
	r = pivot();
	if (r == -EINVAL) {
		/* Most likely a plain directory: it must be a mount. */
		if (mount(root, root, NULL, MS_BIND | MS_REC, NULL) < 0 || chdir(root) < 0)
			return hull_fail_errno(err, errno, "bind root '%s'", root);
		r = pivot();
	}
	if (r < 0)
		return hull_fail_errno(err, -r, "change to root '%s'", root);
	return 0;
}

static int make_mounts(const struct hull_launch *l, struct hull_error **err)
{
	if (enter_root(l->root, err) < 0)
		return -1;
	if (mount("proc", "/proc", "proc", MS_NOSUID | MS_NODEV | MS_NOEXEC, NULL) < 0 &&
	    errno != ENOENT && errno != ENOTDIR)
		return hull_fail_errno(err, errno, "mount '/proc' of the session");
	return hull_caps_is_set(&l->caps) ? hull_rights_guard(l, err) : 0;
}

void hull_launchee_init(const struct hull_launch *l, int ready_fd, int report_fd)
{
	cleanup_error struct hull_error *err = NULL;
	sigset_t child;

	(void)prctl(PR_SET_NAME, "hull-init", 0, 0, 0);
	(void)setpriority(PRIO_PROCESS, 0, 0);
	if (make_mounts(l, &err) < 0 ||
	    (hull_caps_is_set(&l->caps) && hull_rights_confine_init(l, &err) < 0)) {
		hull_report_error(report_fd, err);
		_exit(1);
	}
	(void)!write(ready_fd, "", 1);
	(void)syscall(SYS_close_range, 0, ~0U, 0);
	/* Its signals stay blocked; as pid 1 it is deaf to them anyway. */
	sigemptyset(&child);
	sigaddset(&child, SIGCHLD);
	for (;;) {
		while (waitpid(-1, NULL, WNOHANG) > 0)
			;
		(void)sigwaitinfo(&child, NULL);
	}
}

/* ---- the program ---- */

static void default_signals(void)
{
	sigset_t none;

	(void)signal(SIGPIPE, SIG_DFL); /* the one that the agent ignores */
	sigemptyset(&none);
	(void)sigprocmask(SIG_SETMASK, &none, NULL);
}

static void default_limits(void)
{
	struct rlimit rl = {NOFILE_SOFT, NOFILE_HARD};

	(void)setrlimit(RLIMIT_NOFILE, &rl);
	(void)setpriority(PRIO_PROCESS, 0, 0);
	umask(022);
}

/* The terminal as the session's own /dev/pts names it, so that ttyname() finds it. */
static int reopen_terminal(int fd)
{
	cleanup_strbuf struct hull_strbuf path = HULL_STRBUF_INIT;
	struct stat a, b;
	int again;

	if (fstat(fd, &a) < 0 || hull_strbuf_addf(&path, "/dev/pts/%u", minor(a.st_rdev)) < 0)
		return fd;
	again = open(hull_strbuf_str(&path), O_RDWR | O_NOCTTY | O_CLOEXEC);
	if (again < 0)
		return fd;
	if (fstat(again, &b) == 0 && a.st_dev == b.st_dev && a.st_ino == b.st_ino)
		return again;
	close(again);
	return fd;
}

static int take_stdio(const struct hull_launch *l, uid_t uid, struct hull_error **err)
{
	int tty;

	if (setsid() < 0)
		return hull_fail_errno(err, errno, "begin a session");
	if (!l->terminal) {
		for (int i = 0; i < 3; i++)
			if (dup2(l->stdio[i], i) < 0)
				return hull_fail_errno(err, errno, "set descriptor %d", i);
		return 0;
	}
	tty = reopen_terminal(l->stdio[0]);
	if (fchown(tty, uid, TTY_GROUP) < 0 || fchmod(tty, 0620) < 0)
		return hull_fail_errno(err, errno, "hand over the terminal");
	if (ioctl(tty, TIOCSCTTY, 0) < 0)
		return hull_fail_errno(err, errno, "take the terminal");
	for (int i = 0; i < 3; i++)
		if (dup2(tty, i) < 0)
			return hull_fail_errno(err, errno, "set descriptor %d", i);
	return 0;
}

static int become(const struct hull_launch *l, const struct hull_user *u, struct hull_error **err)
{
	bool limited = hull_caps_is_set(&l->caps);

	if (!limited && !u->uid && !u->gid && !u->n_groups) /* the agent is */
		return 0;
	if (limited && hull_rights_prepare(l, err) < 0)
		return -1;
	if (setgroups(u->n_groups, u->groups) < 0 || setresgid(u->gid, u->gid, u->gid) < 0 ||
	    setresuid(u->uid, u->uid, u->uid) < 0)
		return hull_fail_errno(err, errno, "become uid %u, gid %u", u->uid, u->gid);
	return limited ? hull_rights_take(l, u->uid, err) : 0;
}

static int go_to(const char *cwd, const struct hull_user *u, struct hull_error **err)
{
	if (!*cwd) {
		if (!u->home || chdir(u->home) < 0)
			(void)!chdir("/");
		return 0;
	}
	if (chdir(cwd) == 0)
		return 0;
	return hull_fail_cause(err, hull_code_from_errno(errno), "working-directory",
			       "working directory '%s': %s", cwd, hull_strerror(errno));
}

static const char *env_value(char *const *env, const char *name)
{
	size_t n = strlen(name);

	for (; *env; env++)
		if (!strncmp(*env, name, n) && (*env)[n] == '=')
			return *env + n + 1;
	return NULL;
}

/* Keeps the failure that says most: one that found a file beats one that found none. */
static int try_exec(const char *path, const struct hull_launch *l, int best)
{
	execve(path, l->args, l->env);
	return errno == ENOENT || errno == ENOTDIR ? best : errno;
}

static int search_path(const struct hull_launch *l)
{
	const char *path = env_value(l->env, "PATH"), *name = l->args[0];
	int best = ENOENT;

	for (const char *p = path ? path : DEFAULT_PATH;; p++) {
		cleanup_strbuf struct hull_strbuf full = HULL_STRBUF_INIT;
		size_t n = strcspn(p, ":");

		if (n)
			(void)hull_strbuf_addf(&full, "%.*s/", (int)n, p);
		if (hull_strbuf_adds(&full, name) < 0)
			return ENOMEM;
		best = try_exec(hull_strbuf_str(&full), l, best);
		p += n;
		if (!*p)
			return best;
	}
}

static int exec_failed(const struct hull_launch *l, int e, struct hull_error **err)
{
	const char *name = l->args[0];

	switch (e) {
	case ENOENT:
	case ENOTDIR:
		if (strchr(name, '/') && access(name, F_OK) == 0)
			return hull_fail_cause(err, HULL_E_NOT_FOUND, "command-not-found",
					       "'%s': its interpreter or loader is missing", name);
		return hull_fail_cause(err, HULL_E_NOT_FOUND, "command-not-found",
				       "command '%s' not found", name);
	case EACCES:
	case ENOEXEC:
	case EISDIR:
		return hull_fail_cause(err, HULL_E_DENIED, "not-executable",
				       "'%s' can't be executed: %s", name, hull_strerror(e));
	default:
		return hull_fail(err, HULL_E_OS, "execute '%s': %s", name, hull_strerror(e));
	}
}

static int execute(const struct hull_launch *l, struct hull_error **err)
{
	const char *name = l->args[0];
	int e = ENOENT;

	if (*l->path)
		execve(l->path, l->args, l->env); /* whatever is wrong with it: it was a guess */
	if (strchr(name, '/')) {
		execve(name, l->args, l->env);
		e = errno;
	} else if (*name) {
		e = search_path(l);
	}
	return exec_failed(l, e, err);
}

/* The environment with HOME in it, as every login has it. */
static int add_home(const struct hull_launch *l, const struct hull_user *u, struct hull_strv *ret,
		    struct hull_error **err)
{
	for (char *const *e = l->env; *e; e++)
		(void)hull_strv_add(ret, *e);
	if (!env_value(l->env, "HOME"))
		(void)hull_strv_addf(ret, "HOME=%s", u->home ? u->home : "/");
	return ret->failed ? hull_fail_nomem(err) : 0;
}

static int look_up(const struct hull_launch *l, struct hull_user *ret_user, struct hull_error **err)
{
	cleanup_close int root = -1;

	/* The common case needs no file. */
	if (!*l->user && *l->cwd && env_value(l->env, "HOME"))
		return 0;
	root = open("/", O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (root < 0)
		return hull_fail_errno(err, errno, "open the session's root");
	return hull_users_lookup(root, l->user, ret_user, err);
}

static int run(const struct hull_launch *l, int init_fd, int report_fd, struct hull_error **err)
{
	cleanup_with(hull_user_fini) struct hull_user u = {0};
	cleanup_strv struct hull_strv env = {0};
	struct hull_launch with_home = *l;

	if (setns(init_fd, CLONE_NEWNS) < 0)
		return hull_fail_errno(err, errno, "join the session's mounts");
	if (look_up(l, &u, err) < 0 || take_stdio(l, u.uid, err) < 0)
		return -1;
	(void)syscall(SYS_close_range, 3, ~0U, CLOSE_RANGE_CLOEXEC);
	default_limits();
	if (become(l, &u, err) < 0 || go_to(l->cwd, &u, err) < 0)
		return -1;
	default_signals();
	if (l->archive)
		return hull_archive_run(l->archive, report_fd, err);
	if (add_home(l, &u, &env, err) < 0)
		return -1;
	with_home.env = env.v;
	return execute(&with_home, err);
}

void hull_launchee_program(const struct hull_launch *l, int init_fd, int ready_fd, int report_fd)
{
	cleanup_error struct hull_error *err = NULL;
	char c;

	/* If tiny init has failed, it has said why. */
	if (read(ready_fd, &c, 1) != 1)
		_exit(1);
	(void)run(l, init_fd, report_fd, &err);
	hull_report_error(report_fd, err);
	_exit(1);
}
