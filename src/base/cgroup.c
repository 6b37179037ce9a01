/* SPDX-License-Identifier: Apache-2.0
 *
 * VM groups in the v2 hierarchy, by plain file access: no controller is needed, only membership,
 * the "populated" event and the power to kill.  Only where CPU time is to be bounded there must be
 * a controller, and where v2 has none to offer, a second group in the v1 hierarchy.
 */
#define _GNU_SOURCE
#include "base/cgroup.h"

#include "base/cleanup.h"
#include "base/fault.h"
#include "base/os.h"
#include "base/path.h"
#include "base/strbuf.h"
#include "base/text.h"

#include <dirent.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/magic.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statfs.h>
#include <sys/xattr.h>
#include <unistd.h>

/* Where v2 may be mounted: by itself, or beside the v1 controllers. */
static const char *const mounts[] = {"/sys/fs/cgroup/unified", "/sys/fs/cgroup"};
static const char *const cpu_mounts[] = {"/sys/fs/cgroup/cpu", "/sys/fs/cgroup/cpu,cpuacct"};

static const char *const memory_mounts[] = {"/sys/fs/cgroup/memory"};

#define CPU_PERIOD_US 100000 /* the kernel's default */

#define MARK "user.hull.vm"
#define DEPTH_MAX 32

#define PROC_CGROUP_MAX ((size_t)64 << 10)

static const char *find_mount(const char *const *places, size_t n, uint64_t magic)
{
	struct statfs s;

	for (size_t i = 0; i < n; i++)
		if (statfs(places[i], &s) == 0 && (uint64_t)s.f_type == magic)
			return places[i];
	return NULL;
}

/* What stands between the colons of "7:cpu,cpuacct:/path" and has @name among it; v2: nothing. */
static bool names_controller(const char *list, size_t len, const char *name)
{
	size_t want = strlen(name);

	if (!want)
		return len == 0;
	while (len) {
		const char *comma = memchr(list, ',', len);
		size_t n = comma ? (size_t)(comma - list) : len;

		if (n == want && !strncmp(list, name, n))
			return true;
		n += comma ? 1 : 0;
		list += n;
		len -= n;
	}
	return false;
}

static int add_own(const char *path, const char *end, struct hull_strbuf *ret_path)
{
	size_t len = (size_t)(end - path);

	/* Seen from another cgroup namespace: the path cannot be walked from here.  The kernel also
	 * marks a group that has been removed under its members. */
	if ((len >= 3 && !strncmp(path, "/..", 3)) ||
	    (len >= 10 && !strncmp(end - 10, " (deleted)", 10)))
		return -ENOENT;
	return hull_strbuf_add(ret_path, path, len == 1 ? 0 : len);
}

int hull_cgroup_own_v1(const char *text, const char *controller, struct hull_strbuf *ret_path)
{
	const char *end;

	for (const char *line = text; *line; line = *end ? end + 1 : end) {
		const char *list, *path;

		end = strchrnul(line, '\n');
		list = memchr(line, ':', (size_t)(end - line));
		path = list ? memchr(list + 1, ':', (size_t)(end - list - 1)) : NULL;
		if (!path || path[1] != '/' || (!*controller && strncmp(line, "0:", 2) != 0))
			continue;
		if (names_controller(list + 1, (size_t)(path - list - 1), controller))
			return add_own(path + 1, end, ret_path);
	}
	return -ENOENT;
}

int hull_cgroup_own(const char *text, struct hull_strbuf *ret_path)
{
	return hull_cgroup_own_v1(text, "", ret_path);
}

/* Moving a child into a new group needs the right to write both there and here: the common
 * ancestor of the two is our own group. */
static bool may_create_below(const char *dir)
{
	cleanup_free char *procs = hull_path_join(dir, "cgroup.procs");

	return procs && faccessat(AT_FDCWD, dir, W_OK | X_OK, AT_EACCESS) == 0 &&
	       faccessat(AT_FDCWD, procs, W_OK, AT_EACCESS) == 0;
}

/* Our own group in the hierarchy that is mounted there, "" if we have none in it. */
static int own_dir(const char *mount, const char *controller, struct hull_strbuf *ret_path)
{
	cleanup_strbuf struct hull_strbuf text = HULL_STRBUF_INIT, path = HULL_STRBUF_INIT;
	int r;

	if (!mount)
		return 0;
	r = hull_file_read("/proc/self/cgroup", PROC_CGROUP_MAX, &text);
	if (r < 0)
		return r == -ENOENT ? 0 : r;
	hull_strbuf_adds(&path, mount);
	r = hull_cgroup_own_v1(hull_strbuf_str(&text), controller, &path);
	if (r < 0)
		return r == -ENOENT ? 0 : r;
	return path.failed ? -ENOMEM : hull_strbuf_add(ret_path, path.data, path.len);
}

static int own_v2(struct hull_strbuf *ret_path)
{
	return own_dir(find_mount(mounts, ARRAY_SIZE(mounts), CGROUP2_SUPER_MAGIC), "", ret_path);
}

int hull_cgroup_base(struct hull_strbuf *ret_path)
{
	cleanup_strbuf struct hull_strbuf path = HULL_STRBUF_INIT;
	int r = own_v2(&path);

	if (r < 0 || !path.len || !may_create_below(path.data))
		return r;
	return hull_strbuf_add(ret_path, path.data, path.len);
}

/* Whether the file's words have @word among them. */
static bool file_has_word(const char *dir, const char *name, const char *word)
{
	cleanup_free char *path = hull_path_join(dir, name);
	cleanup_strbuf struct hull_strbuf text = HULL_STRBUF_INIT;
	char *save = NULL;

	if (!path || hull_file_read(path, 4096, &text) < 0 || !text.len)
		return false;
	for (char *w = strtok_r(text.data, " \n", &save); w; w = strtok_r(NULL, " \n", &save))
		if (!strcmp(w, word))
			return true;
	return false;
}

/* Only the root has no type; below a "domain threaded" no ordinary group can be. */
static bool is_domain(const char *dir)
{
	cleanup_free char *path = hull_path_join(dir, "cgroup.type");
	cleanup_strbuf struct hull_strbuf type = HULL_STRBUF_INIT;
	int r = path ? hull_file_read(path, 64, &type) : -ENOMEM;

	return r == -ENOENT || (r == 0 && !strcmp(hull_strbuf_str(&type), "domain\n"));
}

/* A group with members can't hand controllers down, so that it is rarely our own.  Nothing is
 * switched on that is not: it would stay. */
static int cpu_base_v2(struct hull_strbuf *ret_path)
{
	const char *mount = find_mount(mounts, ARRAY_SIZE(mounts), CGROUP2_SUPER_MAGIC);
	cleanup_strbuf struct hull_strbuf path = HULL_STRBUF_INIT;
	int r = own_dir(mount, "", &path);

	if (r < 0 || !path.len)
		return r;
	for (;;) {
		char *slash = strrchr(path.data, '/');

		if (may_create_below(path.data) && is_domain(path.data) &&
		    file_has_word(path.data, "cgroup.subtree_control", "cpu"))
			return hull_strbuf_add(ret_path, path.data, path.len);
		if (!strcmp(path.data, mount))
			return 0;
		*slash = '\0';
		path.len = (size_t)(slash - path.data);
	}
}

int hull_cgroup_cpu_base(struct hull_strbuf *ret_path, bool *ret_v1)
{
	const char *mount = find_mount(cpu_mounts, ARRAY_SIZE(cpu_mounts), CGROUP_SUPER_MAGIC);
	cleanup_strbuf struct hull_strbuf path = HULL_STRBUF_INIT;
	int r = cpu_base_v2(&path);
	bool v1 = false;

	if (r == 0 && !path.len) {
		v1 = true;
		r = own_dir(mount, "cpu", &path);
	}
	if (r < 0 || !path.len || !may_create_below(path.data))
		return r;
	*ret_v1 = v1;
	return hull_strbuf_add(ret_path, path.data, path.len);
}

static uint64_t limit_of(const char *dir, const char *file)
{
	cleanup_free char *path = hull_path_join(dir, file);
	cleanup_strbuf struct hull_strbuf text = HULL_STRBUF_INIT;
	uint64_t n;

	if (!path || hull_file_read(path, 64, &text) < 0 || !text.len)
		return UINT64_MAX;
	text.data[strcspn(text.data, "\n")] = '\0';
	return hull_parse_u64(text.data, UINT64_MAX, &n) < 0 ? UINT64_MAX : n; /* "max" */
}

/* From our group up to where the hierarchy is mounted. */
static void least_limit(const char *mount, const char *controller, const char *file,
			uint64_t *least, struct hull_strbuf *ret_path)
{
	cleanup_strbuf struct hull_strbuf path = HULL_STRBUF_INIT;

	if (own_dir(mount, controller, &path) < 0 || !path.len)
		return;
	for (;;) {
		uint64_t n = limit_of(path.data, file);
		char *slash = strrchr(path.data, '/');

		if (n < *least) {
			*least = n;
			hull_strbuf_clear(ret_path);
			hull_strbuf_add(ret_path, path.data, path.len);
		}
		if (!strcmp(path.data, mount) || !slash)
			return;
		*slash = '\0';
		path.len = (size_t)(slash - path.data);
	}
}

uint64_t hull_cgroup_memory_limit(struct hull_strbuf *ret_path)
{
	/* v1's "no limit" is the largest multiple of a page. */
	uint64_t least = UINT64_C(1) << 62;

	least_limit(find_mount(mounts, ARRAY_SIZE(mounts), CGROUP2_SUPER_MAGIC), "", "memory.max",
		    &least, ret_path);
	least_limit(find_mount(memory_mounts, ARRAY_SIZE(memory_mounts), CGROUP_SUPER_MAGIC),
		    "memory", "memory.limit_in_bytes", &least, ret_path);
	return least == UINT64_C(1) << 62 ? 0 : least;
}

int hull_cgroup_make(const char *path, int *ret_fd)
{
	cleanup_close int fd = -1;

	(void)hull_fault("cgroup.make");
	if (mkdir(path, 0755) < 0)
		return errno == EACCES || errno == EPERM || errno == EROFS ? -ENOENT : -errno;
	fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0) {
		int r = -errno;

		(void)rmdir(path); /* empty still; nothing better to do if it fails */
		return r;
	}
	*ret_fd = steal_fd(&fd);
	return 0;
}

void hull_cgroup_mark(int dir, const char *text)
{
	(void)fsetxattr(dir, MARK, text, strlen(text), 0);
}

int hull_cgroup_get_mark(const char *path, struct hull_strbuf *ret)
{
	char text[PATH_MAX];
	ssize_t n = lgetxattr(path, MARK, text, sizeof(text));

	return n < 0 ? -errno : hull_strbuf_add(ret, text, (size_t)n);
}

/* Beneath the group open as @fd, which is taken; groups that go meanwhile are no failure. */
static int each_below(int fd, const char *path, int depth, int (*fn)(void *ctx, const char *path),
		      void *ctx)
{
	DIR *d = depth < DEPTH_MAX ? fdopendir(fd) : NULL;
	struct dirent *e;
	int r = 0;

	if (!d) {
		close(fd);
		return depth < DEPTH_MAX ? -ENOMEM : 0;
	}
	while (r == 0 && (e = readdir(d))) {
		cleanup_free char *below = NULL;
		struct stat st;
		int sub;

		if (e->d_type != DT_DIR || e->d_name[0] == '.')
			continue;
		below = hull_path_join(path, e->d_name);
		if (!below) {
			r = -ENOMEM;
			break;
		}
		sub = openat(dirfd(d), e->d_name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
		if (sub < 0)
			continue;
		if (!strncmp(e->d_name, "hull-", 5) && fstat(sub, &st) == 0 &&
		    st.st_uid == geteuid())
			r = fn(ctx, below);
		if (r == 0)
			r = each_below(sub, below, depth + 1, fn, ctx);
		else
			close(sub);
	}
	closedir(d);
	return r;
}

int hull_cgroup_each(int (*fn)(void *ctx, const char *path), void *ctx)
{
	const char *const places[] = {
		find_mount(mounts, ARRAY_SIZE(mounts), CGROUP2_SUPER_MAGIC),
		find_mount(cpu_mounts, ARRAY_SIZE(cpu_mounts), CGROUP_SUPER_MAGIC)};
	int r = 0;

	for (size_t i = 0; i < ARRAY_SIZE(places) && r == 0; i++) {
		int fd = places[i] ? open(places[i], O_RDONLY | O_DIRECTORY | O_CLOEXEC) : -1;

		if (fd >= 0)
			r = each_below(fd, places[i], 0, fn, ctx);
	}
	return r;
}

int hull_cgroup_create(const char *name, struct hull_strbuf *ret_path, int *ret_fd)
{
	cleanup_strbuf struct hull_strbuf path = HULL_STRBUF_INIT;
	cleanup_close int fd = -1;
	int r;

	if (!*name || strchr(name, '/'))
		return -EINVAL;
	r = hull_cgroup_base(&path);
	if (r < 0)
		return r;
	if (!path.len)
		return -ENOENT;
	r = hull_strbuf_addf(&path, "/hull-%s", name);
	if (r == 0)
		r = hull_cgroup_make(path.data, &fd);
	if (r < 0)
		return r;
	r = hull_strbuf_add(ret_path, path.data, path.len);
	if (r < 0) {
		(void)rmdir(path.data); /* empty still; nothing better to do if it fails */
		return r;
	}
	*ret_fd = steal_fd(&fd);
	return 0;
}

static int write_at(int dir, const char *file, const char *text)
{
	cleanup_close int fd = openat(dir, file, O_WRONLY | O_CLOEXEC);

	if (fd < 0)
		return -errno;
	return write(fd, text, strlen(text)) < 0 ? -errno : 0;
}

int hull_cgroup_limit_cpu(int dir, uint64_t milli)
{
	unsigned long long quota = (unsigned long long)milli * CPU_PERIOD_US / 1000;
	char text[48];
	int r;

	snprintf(text, sizeof(text), "%llu %d", quota, CPU_PERIOD_US);
	r = write_at(dir, "cpu.max", text);
	if (r != -ENOENT)
		return r;
	snprintf(text, sizeof(text), "%d", CPU_PERIOD_US);
	r = write_at(dir, "cpu.cfs_period_us", text);
	snprintf(text, sizeof(text), "%llu", quota);
	return r < 0 ? r : write_at(dir, "cpu.cfs_quota_us", text);
}

int hull_cgroup_join(int dir)
{
	return write_at(dir, "cgroup.procs", "0");
}

/* For kernels before 5.14, and v1 groups.  Frozen, members neither fork nor exit by themselves, so
 * that a pid read from the list still means the member when it is killed. */
static int kill_members(int dir)
{
	cleanup_close int fd = openat(dir, "cgroup.procs", O_RDONLY | O_CLOEXEC);
	cleanup_strbuf struct hull_strbuf list = HULL_STRBUF_INIT;
	char *next = NULL;
	uint64_t pid;
	int r;

	if (fd < 0)
		return -errno;
	(void)write_at(dir, "cgroup.freeze", "1"); /* 5.2 and later: best effort before that */
	r = hull_fd_read_all(fd, 1 << 20, &list);
	for (char *p = list.data; r >= 0 && p && *p; p = next) {
		next = strchrnul(p, '\n');
		if (*next)
			*next++ = '\0';
		if (hull_parse_u64(p, INT32_MAX, &pid) == 0 && pid > 0 && (pid_t)pid != getpid())
			(void)kill((pid_t)pid, SIGKILL); /* gone already is as good */
	}
	(void)write_at(dir, "cgroup.freeze", "0");
	return r < 0 ? r : 0;
}

/* 1 if members are left, 0 if none are, or -errno. */
static int populated(int events_fd)
{
	char text[256];
	ssize_t n = pread(events_fd, text, sizeof(text) - 1, 0);

	if (n < 0)
		return -errno;
	text[n] = '\0';
	return strstr(text, "populated 0") ? 0 : 1;
}

static int kill_and_wait(int dir, uint64_t deadline_ns)
{
	cleanup_close int events = openat(dir, "cgroup.events", O_RDONLY | O_CLOEXEC);
	bool can_kill = true;
	int r;

	if (events < 0 && errno == ENOENT && faccessat(dir, "tasks", F_OK, 0) == 0)
		return kill_members(dir); /* v1: whether they are gone only rmdir() tells */
	if (events < 0)
		return -errno;
	for (;;) {
		struct pollfd p = {.fd = events, .events = POLLPRI};

		r = populated(events);
		if (r <= 0)
			return r;
		if (can_kill)
			r = write_at(dir, "cgroup.kill", "1");
		if (can_kill && r == -ENOENT)
			can_kill = false;
		if (!can_kill)
			r = kill_members(dir);
		if (r < 0)
			return r;
		if (!hull_ms_left(deadline_ns))
			return -ETIMEDOUT;
		/* Killed again now and then: without cgroup.kill a fork may have slipped through.
		 */
		r = poll(&p, 1, MIN(hull_ms_left(deadline_ns), 50));
		if (r < 0 && errno != EINTR)
			return -errno;
	}
}

int hull_cgroup_destroy(const char *path, uint64_t deadline_ns)
{
	cleanup_close int dir = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	int r;

	if (dir < 0)
		return errno == ENOENT ? 0 : -errno;
	(void)hull_fault("cgroup.destroy");
	for (;;) {
		r = kill_and_wait(dir, deadline_ns);
		/* ENODEV: removed by somebody else while we held it open. */
		if (r == -ENODEV || r == -ENOENT)
			return 0;
		if (r < 0)
			return r;
		if (rmdir(path) == 0 || errno == ENOENT)
			return 0;
		/* The last member still on its way out of the kernel's books. */
		if (errno != EBUSY)
			return -errno;
		if (!hull_ms_left(deadline_ns))
			return -ETIMEDOUT;
		(void)poll(NULL, 0, 1);
	}
}
