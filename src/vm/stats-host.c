/* SPDX-License-Identifier: Apache-2.0
 *
 * What the host's kernel counts, see stats.h: the CPU time of a VM's control group where it has
 * one, which knows of processes that have ended, else of its processes and those they have waited
 * for; and the memory of its processes, where we may look at it.
 */
#define _GNU_SOURCE
#include "vm/stats.h"

#include "base/cleanup.h"
#include "base/os.h"
#include "base/path.h"
#include "base/proc.h"
#include "base/strbuf.h"
#include "base/text.h"
#include "base/vec.h"
#include "vm/rundir.h"

#include <dirent.h>
#include <inttypes.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>

#define DESCENT_MAX 64

struct proc {
	pid_t pid;
	struct hull_proc_stat stat;
};

struct procs {
	struct proc *v;
	size_t n, cap;
};

static int list(struct procs *ret, struct hull_error **err)
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
		if (!p)
			r = hull_fail_nomem(err);
		else if (hull_proc_stat((pid_t)pid, &p->stat) < 0 || p->stat.state == 'Z')
			ret->n--;
		else
			p->pid = (pid_t)pid;
	}
	closedir(d);
	return r;
}

static const struct proc *find_pid(const struct procs *all, pid_t pid)
{
	for (size_t i = 0; i < all->n; i++)
		if (all->v[i].pid == pid)
			return &all->v[i];
	return NULL;
}

/* The monitor, or what it has started. */
static bool belongs(const struct procs *all, const struct proc *p,
		    const struct hull_process_id *monitor)
{
	for (int i = 0; p && i < DESCENT_MAX; i++) {
		if (p->pid == monitor->pid)
			return p->stat.start == monitor->start;
		p = p->stat.parent > 1 ? find_pid(all, p->stat.parent) : NULL;
	}
	return false;
}

void hull_stats_add_memory(const char *rollup, struct hull_vm_stats *stats)
{
	uint64_t kib, private = 0, pss = 0;

	for (const char *line = rollup; line && *line;) {
		if (sscanf(line, "Pss: %" SCNu64, &kib) == 1)
			pss += kib;
		else if (sscanf(line, "Private_Clean: %" SCNu64, &kib) == 1 ||
			 sscanf(line, "Private_Dirty: %" SCNu64, &kib) == 1)
		private += kib;
		line = strchr(line, '\n');
		line = line ? line + 1 : NULL;
	}
	stats->private_bytes += private * 1024;
	stats->shared_bytes += pss > private ? (pss - private) * 1024 : 0;
}

static void add_process(const struct proc *p, struct hull_vm_stats *stats)
{
	cleanup_strbuf struct hull_strbuf text = HULL_STRBUF_INIT;
	char path[48];

	stats->pids++;
	snprintf(path, sizeof(path), "/proc/%d/smaps_rollup", (int)p->pid);
	if (hull_file_read(path, 65536, &text) == 0)
		hull_stats_add_memory(hull_strbuf_str(&text), stats);
}

/* Of the group that its monitor has made for all but itself; false: it has none. */
static bool group_time(const struct hull_record *vm, uint64_t *ret_ns)
{
	cleanup_free char *group = NULL, *file = NULL;
	cleanup_strbuf struct hull_strbuf text = HULL_STRBUF_INIT;
	uint64_t usec;

	if (hull_rundir_cgroup(vm->run_dir, &group) < 0 || !*group)
		return false;
	file = hull_path_join(group, "cpu.stat");
	if (!file || hull_file_read(file, 65536, &text) < 0 ||
	    sscanf(hull_strbuf_str(&text), "usage_usec %" SCNu64, &usec) != 1)
		return false;
	*ret_ns = usec * 1000;
	return true;
}

static void count(const struct hull_record *vm, const struct procs *all,
		  struct hull_vm_stats *stats)
{
	uint64_t group = 0, monitor = 0, others = 0;
	bool grouped = group_time(vm, &group);

	stats->at_ns = hull_now_ns();
	for (size_t i = 0; i < all->n; i++) {
		const struct proc *p = &all->v[i];

		if (!belongs(all, p, &vm->monitor))
			continue;
		add_process(p, stats);
		if (p->pid == vm->monitor.pid)
			monitor = p->stat.cpu_ns;
		else
			others += p->stat.cpu_ns;
		others += p->stat.waited_ns;
	}
	stats->cpu_ns = monitor + (grouped ? group : others);
}

int hull_stats_host(const struct hull_records *vms, struct hull_vm_stats *ret,
		    struct hull_error **err)
{
	struct procs all = {0};
	int r = list(&all, err);

	for (size_t i = 0; r == 0 && i < vms->n; i++)
		count(&vms->v[i], &all, &ret[i]);
	free(all.v);
	return r;
}
