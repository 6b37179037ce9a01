/* SPDX-License-Identifier: Apache-2.0
 *
 * The control groups of a VM: one in the v2 hierarchy, by which all of it is found and killed, with
 * the bound on its CPU time where v2 has that to give.  Where only v1 has, a second group there,
 * which the monitor itself joins for as long as it starts the others: it is inherited.
 */
#define _GNU_SOURCE
#include "monitor/state.h"

#include "base/cgroup.h"
#include "base/cleanup.h"
#include "base/log.h"
#include "base/os.h"
#include "base/strbuf.h"

#include <fcntl.h>
#include <string.h>

#define SHORT_ID 12
#define REMOVE_MS 200 /* its members have been reaped: only the kernel's bookkeeping is left */

static int fail_no_cpu(uint64_t milli, struct hull_error **err)
{
	hull_fail(err, HULL_E_UNSUPPORTED,
		  "CPU time can't be limited: no control group with the cpu controller can be made "
		  "here");
	hull_hint(err,
		  "where systemd runs, have it set the limit: "
		  "systemd-run %s--scope -p CPUQuota=%llu%% hull run ...",
		  geteuid() == 0 ? "" : "--user ", (unsigned long long)(milli / 10));
	return -1;
}

static char *below(struct hull_strbuf *base, const struct hull_monitor *m)
{
	hull_strbuf_addf(base, "/hull-%.*s", SHORT_ID, m->config.id);
	return hull_strbuf_steal(base);
}

int hull_monitor_plan_cgroups(struct hull_monitor *m, struct hull_error **err)
{
	cleanup_strbuf struct hull_strbuf base = HULL_STRBUF_INIT, cpu = HULL_STRBUF_INIT;
	bool v1 = false;

	if (m->config.cpu_limit) {
		if (hull_cgroup_cpu_base(&cpu, &v1) < 0 || !cpu.len)
			return fail_no_cpu(m->config.cpu_limit, err);
		*(v1 ? &m->cpu_cgroup : &m->cgroup) = below(&cpu, m);
		if (cpu.failed || !(v1 ? m->cpu_cgroup : m->cgroup))
			return hull_fail_nomem(err);
	}
	if (m->cgroup || hull_cgroup_base(&base) < 0 || !base.len)
		return 0;
	m->cgroup = below(&base, m);
	return m->cgroup ? 0 : hull_fail_nomem(err);
}

static int limit_cpu(const struct hull_monitor *m, const char *path, int dir,
		     struct hull_error **err)
{
	uint64_t milli = m->config.cpu_limit;
	int r = hull_cgroup_limit_cpu(dir, milli);

	return r < 0 ? hull_fail_errno(err, -r, "limit CPU time to %llu.%03llu in '%s'",
				       (unsigned long long)(milli / 1000),
				       (unsigned long long)(milli % 1000), path)
		     : 0;
}

/* With a note by which it is known for ours even when nothing else of the VM is left. */
static int make(const struct hull_monitor *m, const char *path, int *ret_fd)
{
	int r = hull_cgroup_make(path, ret_fd);

	if (r == 0)
		hull_cgroup_mark(*ret_fd, m->config.run_dir);
	return r;
}

int hull_monitor_enter_cgroups(struct hull_monitor *m, int *ret_fd, struct hull_error **err)
{
	cleanup_close int fd = -1, cpu_fd = -1;
	int r = m->cgroup ? make(m, m->cgroup, &fd) : 0;
	bool limit = m->config.cpu_limit;

	/* Without a limit the death signal has to do. */
	if (r < 0 && limit)
		return hull_fail_errno(err, -r, "make cgroup '%s'", m->cgroup);
	if (limit && !m->cpu_cgroup && limit_cpu(m, m->cgroup, fd, err) < 0)
		return -1;
	if (m->cpu_cgroup) {
		r = make(m, m->cpu_cgroup, &cpu_fd);
		if (r < 0)
			return hull_fail_errno(err, -r, "make cgroup '%s'", m->cpu_cgroup);
		if (limit_cpu(m, m->cpu_cgroup, cpu_fd, err) < 0)
			return -1;
		r = hull_cgroup_join(cpu_fd);
		if (r < 0)
			return hull_fail_errno(err, -r, "join cgroup '%s'", m->cpu_cgroup);
	}
	*ret_fd = steal_fd(&fd);
	return 0;
}

/* Back to the group that ours was made below. */
int hull_monitor_leave_cgroups(struct hull_monitor *m, struct hull_error **err)
{
	cleanup_free char *home = m->cpu_cgroup ? strdup(m->cpu_cgroup) : NULL;
	cleanup_close int fd = -1;
	char *slash = home ? strrchr(home, '/') : NULL;
	int r;

	if (!m->cpu_cgroup)
		return 0;
	if (!slash)
		return hull_fail_nomem(err);
	*slash = '\0';
	fd = open(home, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	r = fd < 0 ? -errno : hull_cgroup_join(fd);
	return r < 0 ? hull_fail_errno(err, -r, "return to cgroup '%s'", home) : 0;
}

static void remove_group(const char *path)
{
	int r = path ? hull_cgroup_destroy(path, hull_deadline_ms(REMOVE_MS)) : 0;

	if (r < 0)
		hull_warn("monitor", "remove cgroup %s: %s, ignoring", path, hull_strerror(-r));
}

void hull_monitor_remove_cgroups(struct hull_monitor *m)
{
	remove_group(m->cgroup);
	remove_group(m->cpu_cgroup);
}
