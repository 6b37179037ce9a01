/* SPDX-License-Identifier: Apache-2.0
 *
 * Processes and control groups of VMs that are no more.
 *
 * Everything that is started for a VM has the path of the VM's run directory in its environment
 * (HULL_PROC_MARK).  It is as it should be where it is, or descends from, a monitor that has the
 * lock of that very directory, or that is the one of the VM's record, or that is tied: that one
 * ends with whoever started it.  Everything else has lost its monitor, or nobody can reach it.
 *
 * A VM that ends looks like that for an instant; so what is found is looked at twice.
 */
#define _GNU_SOURCE
#include "vm/gc-internal.h"

#include "base/cgroup.h"
#include "base/cleanup.h"
#include "base/os.h"
#include "base/path.h"
#include "base/proc.h"
#include "base/strbuf.h"
#include "base/text.h"

#include <dirent.h>
#include <limits.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#define AGAIN_MS 150
#define DIE_MS 3000
#define GROUP_MS 5000
#define DESCENT_MAX 64
#define ENVIRON_MAX ((size_t)64 << 10)

struct proc {
	pid_t pid;
	struct hull_proc_stat stat;
	char vm[HULL_SHORT_LEN + 1]; /* "": none of ours */
	bool monitor, tied;
	bool parent; /* of one of ours */
};

struct procs {
	struct proc *v;
	size_t n, cap;
};

/* ---- one process ---- */

static int read_proc(pid_t pid, const char *name, size_t max, struct hull_strbuf *ret)
{
	char path[48];

	snprintf(path, sizeof(path), "/proc/%d/%s", (int)pid, name);
	return hull_file_read(path, max, ret);
}

/* The next of the strings, each with its NUL, that fill the buffer; NULL at the end. */
static const char *next_string(const struct hull_strbuf *b, const char *s)
{
	const char *end = b->data + b->len;

	s = s ? s + strlen(s) + 1 : b->data;
	return s && s < end ? s : NULL;
}

/* The VM in @vms, by its mark: a short id, or nothing. */
static void read_mark(pid_t pid, const char *vms, char ret[HULL_SHORT_LEN + 1])
{
	cleanup_strbuf struct hull_strbuf env = HULL_STRBUF_INIT;
	size_t len = strlen(vms), mark = strlen(HULL_PROC_MARK "=");

	if (read_proc(pid, "environ", ENVIRON_MAX, &env) < 0)
		return; /* somebody else's, or gone */
	for (const char *s = next_string(&env, NULL); s; s = next_string(&env, s)) {
		if (strncmp(s, HULL_PROC_MARK "=", mark) != 0)
			continue;
		s += mark;
		if (!strncmp(s, vms, len) && s[len] == '/' && hull_id_is_short(s + len + 1))
			memcpy(ret, s + len + 1, HULL_SHORT_LEN + 1);
		return;
	}
}

/* One that has risen above who started it (setuid) has its environment from somebody else. */
static bool is_plain(pid_t pid)
{
	cleanup_strbuf struct hull_strbuf text = HULL_STRBUF_INIT;
	unsigned int real, effective, saved;
	const char *line;

	if (read_proc(pid, "status", ENVIRON_MAX, &text) < 0)
		return false;
	line = strstr(hull_strbuf_str(&text), "\nUid:");
	return line && sscanf(line, "\nUid: %u %u %u", &real, &effective, &saved) == 3 &&
	       real == effective && real == saved && (real == geteuid() || geteuid() == 0);
}

static void read_command(struct proc *p)
{
	cleanup_strbuf struct hull_strbuf line = HULL_STRBUF_INIT;
	const char *s;

	if (read_proc(p->pid, "cmdline", ENVIRON_MAX, &line) < 0)
		return;
	s = next_string(&line, NULL);
	p->monitor = s && !strcmp(s, "hull-monitor");
	for (; s; s = next_string(&line, s))
		p->tied |= p->monitor && !strcmp(s, "tied");
}

static bool holds(pid_t pid, const struct stat *lock)
{
	char path[48];
	struct dirent *e;
	bool found = false;
	DIR *d;

	snprintf(path, sizeof(path), "/proc/%d/fd", (int)pid);
	d = opendir(path);
	while (d && !found && (e = readdir(d))) {
		struct stat st;

		found = fstatat(dirfd(d), e->d_name, &st, 0) == 0 && st.st_dev == lock->st_dev &&
			st.st_ino == lock->st_ino;
	}
	if (d)
		closedir(d);
	return found;
}

/* ---- all of them ---- */

static struct proc *find_pid(const struct procs *all, pid_t pid)
{
	for (size_t i = 0; i < all->n; i++)
		if (all->v[i].pid == pid)
			return &all->v[i];
	return NULL;
}

/* Of our VMs, and of their forebears. */
static int list(const struct hull_gc *gc, struct procs *ret, struct hull_error **err)
{
	DIR *d = opendir("/proc");
	struct dirent *e;
	uint64_t pid;
	int r = 0;

	if (!d)
		return hull_fail_errno(err, errno, "list processes");
	while (r == 0 && (e = readdir(d))) {
		struct proc *p;

		if (hull_parse_u64(e->d_name, INT_MAX, &pid) < 0)
			continue;
		p = hull_vec_push(ret);
		if (!p) {
			r = hull_fail_nomem(err);
			break;
		}
		p->pid = (pid_t)pid;
		if (hull_proc_stat(p->pid, &p->stat) < 0 || p->stat.state == 'Z' ||
		    p->stat.state == 'X') {
			ret->n--;
			continue;
		}
		read_mark(p->pid, gc->vms, p->vm);
		if (*p->vm)
			read_command(p);
	}
	closedir(d);
	for (size_t i = 0; i < ret->n; i++) {
		struct proc *parent = *ret->v[i].vm ? find_pid(ret, ret->v[i].stat.parent) : NULL;

		if (parent)
			parent->parent = true;
	}
	return r;
}

/* A monitor that somebody can reach, or that is about to end by itself. */
static bool is_in_charge(const struct hull_gc *gc, const struct proc *p)
{
	const struct hull_record *r = hull_gc_record(gc, p->vm);
	cleanup_free char *lock = NULL;
	struct stat st;

	if (p->tied || !p->parent)
		return true;
	if (r && r->monitor.pid == p->pid && r->monitor.start == p->stat.start)
		return true;
	if (asprintf(&lock, "%s/%s/lock", gc->vms, p->vm) < 0) {
		lock = NULL;
		return true; /* not known */
	}
	return stat(lock, &st) == 0 && holds(p->pid, &st);
}

static bool is_orphan(const struct hull_gc *gc, const struct procs *all, const struct proc *p)
{
	const struct proc *up = p;

	if (!*p->vm || !is_plain(p->pid))
		return false;
	for (int i = 0; up && i < DESCENT_MAX; i++) {
		if (up->monitor && !strcmp(up->vm, p->vm))
			return !is_in_charge(gc, up);
		up = up->stat.parent > 1 ? find_pid(all, up->stat.parent) : NULL;
	}
	return !up;
}

static int find_once(struct hull_gc *gc, struct procs *ret, struct hull_error **err)
{
	struct procs all = {0};
	int r = list(gc, &all, err);

	for (size_t i = 0; r == 0 && i < all.n; i++) {
		struct proc *p = is_orphan(gc, &all, &all.v[i]) ? hull_vec_push(ret) : NULL;

		if (p)
			*p = all.v[i];
	}
	free(all.v);
	return r;
}

static int add(struct hull_gc *gc, const struct proc *p, struct hull_error **err)
{
	cleanup_strbuf struct hull_strbuf name = HULL_STRBUF_INIT;
	struct hull_orphan *o;

	(void)read_proc(p->pid, "comm", 64, &name);
	if (name.len)
		name.data[name.len - 1] = '\0';
	o = hull_gc_add(gc, p->vm, "",
			p->monitor ? "its run directory has gone: nobody can reach it"
				   : "it has no monitor above it",
			err, "process %d (%s)", (int)p->pid, hull_strbuf_str(&name));
	if (!o)
		return -1;
	o->process.pid = p->pid;
	o->process.start = p->stat.start;
	memcpy(o->process.boot, gc->boot, sizeof(o->process.boot));
	return 0;
}

static int find_processes(struct hull_gc *gc, struct hull_error **err)
{
	struct procs first = {0}, again = {0};
	int r = find_once(gc, &first, err);

	if (r == 0 && first.n) {
		(void)poll(NULL, 0, AGAIN_MS);
		r = find_once(gc, &again, err);
	}
	for (size_t i = 0; r == 0 && i < again.n; i++) {
		const struct proc *p = find_pid(&first, again.v[i].pid);

		if (p && p->stat.start == again.v[i].stat.start)
			r = add(gc, &again.v[i], err);
	}
	free(first.v);
	free(again.v);
	return r;
}

/* First the descriptor, then the question whose it is: it can't become another's. */
static int collect_process(struct hull_gc *gc, const struct hull_orphan *o, struct hull_error **err)
{
	cleanup_close int fd = hull_process_open(&o->process);
	struct pollfd p = {.fd = fd, .events = POLLIN};
	struct procs now = {0};
	bool still = false;
	int r;

	if (fd < 0)
		return fd == -ESRCH ? HULL_GC_GONE : hull_fail_errno(err, -fd, "end %s", o->what);
	if (find_once(gc, &now, err) < 0) {
		free(now.v);
		return -1;
	}
	still = find_pid(&now, o->process.pid);
	free(now.v);
	if (!still)
		return HULL_GC_GONE;
	r = hull_pidfd_kill(fd, SIGKILL);
	if (r < 0)
		return r == -ESRCH ? HULL_GC_GONE : hull_fail_errno(err, -r, "end %s", o->what);
	if (poll(&p, 1, DIE_MS) == 1)
		return HULL_GC_DONE;
	return hull_fail_cause(err, HULL_E_TIMEOUT, "does-not-end",
			       "%s does not end: it is stuck in the kernel", o->what);
}

const struct hull_gc_module hull_gc_processes = {"process", false, find_processes, collect_process};

/* ---- control groups ---- */

struct groups {
	struct hull_gc *gc;
	struct procs all;
	struct hull_error **err;
};

/* 1 if so, 0, -1.  Its VM's directory stands before a group is made, and until that has been
 * removed; but somebody may have removed the directory of one that lives. */
static int has_lost_vm(const struct hull_gc *gc, const struct procs *all, const char *vm,
		       struct hull_error **err)
{
	cleanup_free char *dir = hull_path_join(gc->vms, vm);

	if (!dir)
		return hull_fail_nomem(err);
	for (size_t i = 0; i < all->n; i++)
		if (all->v[i].monitor && !strcmp(all->v[i].vm, vm) && is_in_charge(gc, &all->v[i]))
			return 0;
	return hull_rundir_is_dead(dir, err);
}

static int on_group(void *ctx, const char *path)
{
	cleanup_strbuf struct hull_strbuf mark = HULL_STRBUF_INIT;
	const char *vm = strrchr(path, '/') + 1 + strlen("hull-");
	cleanup_free char *dir = NULL;
	struct groups *g = ctx;
	int lost;

	if (!hull_id_is_short(vm) || hull_cgroup_get_mark(path, &mark) < 0)
		return 0;
	dir = hull_path_join(g->gc->vms, vm);
	if (!dir)
		return hull_fail_nomem(g->err);
	if (strcmp(hull_strbuf_str(&mark), dir) != 0)
		return 0; /* of another HULL_HOME */
	lost = has_lost_vm(g->gc, &g->all, vm, g->err);
	if (lost <= 0)
		return lost;
	return hull_gc_add(g->gc, vm, path, "its VM does not run", g->err, "control group '%s'",
			   path)
		       ? 0
		       : -1;
}

static int find_groups(struct hull_gc *gc, struct hull_error **err)
{
	struct groups g = {.gc = gc, .err = err};
	int r = list(gc, &g.all, err);

	if (r == 0) {
		r = hull_cgroup_each(on_group, &g);
		if (r < 0 && err && !*err)
			hull_fail_errno(err, -r, "look through control groups");
	}
	free(g.all.v);
	return r < 0 ? -1 : 0;
}

static int collect_group(struct hull_gc *gc, const struct hull_orphan *o, struct hull_error **err)
{
	struct procs now = {0};
	int r = list(gc, &now, err);

	if (r == 0)
		r = has_lost_vm(gc, &now, o->vm, err);
	free(now.v);
	if (r <= 0)
		return r < 0 ? -1 : HULL_GC_GONE;
	r = hull_cgroup_destroy(o->key, MIN(gc->o.deadline_ns, hull_deadline_ms(GROUP_MS)));
	return r < 0 ? hull_fail_errno(err, -r, "remove %s", o->what) : HULL_GC_DONE;
}

const struct hull_gc_module hull_gc_cgroups = {"cgroup", false, find_groups, collect_group};
