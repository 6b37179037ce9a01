/* SPDX-License-Identifier: Apache-2.0
 *
 * VM groups in the v2 hierarchy, by plain file access: no controller is needed, only membership,
 * the "populated" event and the power to kill.
 */
#define _GNU_SOURCE
#include "base/cgroup.h"

#include "base/cleanup.h"
#include "base/os.h"
#include "base/path.h"
#include "base/strbuf.h"
#include "base/text.h"

#include <fcntl.h>
#include <linux/magic.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statfs.h>

/* Where v2 may be mounted: by itself, or beside the v1 controllers. */
static const char *const mounts[] = {"/sys/fs/cgroup/unified", "/sys/fs/cgroup"};

#define PROC_CGROUP_MAX ((size_t)64 << 10)

static const char *find_mount(void)
{
	struct statfs s;

	for (size_t i = 0; i < ARRAY_SIZE(mounts); i++)
		if (statfs(mounts[i], &s) == 0 && s.f_type == CGROUP2_SUPER_MAGIC)
			return mounts[i];
	return NULL;
}

int hull_cgroup_own(const char *text, struct hull_strbuf *ret_path)
{
	const char *line = text, *end;
	size_t len;

	while (strncmp(line, "0::/", 4) != 0) {
		line = strchr(line, '\n');
		if (!line)
			return -ENOENT;
		line++;
	}
	line += 3;
	end = strchrnul(line, '\n');
	len = (size_t)(end - line);
	/* Seen from another cgroup namespace: the path cannot be walked from here.  The kernel also
	 * marks a group that has been removed under its members. */
	if ((len >= 3 && !strncmp(line, "/..", 3)) ||
	    (len >= 10 && !strncmp(end - 10, " (deleted)", 10)))
		return -ENOENT;
	return hull_strbuf_add(ret_path, line, len == 1 ? 0 : len);
}

/* Moving a child into a new group needs the right to write both there and here: the common
 * ancestor of the two is our own group. */
static bool may_create_below(const char *dir)
{
	cleanup_free char *procs = hull_path_join(dir, "cgroup.procs");

	return procs && faccessat(AT_FDCWD, dir, W_OK | X_OK, AT_EACCESS) == 0 &&
	       faccessat(AT_FDCWD, procs, W_OK, AT_EACCESS) == 0;
}

int hull_cgroup_base(struct hull_strbuf *ret_path)
{
	cleanup_strbuf struct hull_strbuf text = HULL_STRBUF_INIT, path = HULL_STRBUF_INIT;
	const char *mount = find_mount();
	int r;

	if (!mount)
		return 0;
	r = hull_file_read("/proc/self/cgroup", PROC_CGROUP_MAX, &text);
	if (r < 0)
		return r == -ENOENT ? 0 : r;
	hull_strbuf_adds(&path, mount);
	r = hull_cgroup_own(hull_strbuf_str(&text), &path);
	if (r < 0)
		return r == -ENOENT ? 0 : r;
	if (path.failed)
		return -ENOMEM;
	if (!may_create_below(path.data))
		return 0;
	return hull_strbuf_add(ret_path, path.data, path.len);
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
	if (r < 0)
		return r;
	if (mkdir(path.data, 0755) < 0)
		return errno == EACCES || errno == EPERM || errno == EROFS ? -ENOENT : -errno;
	fd = open(path.data, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	r = fd < 0 ? -errno : hull_strbuf_add(ret_path, path.data, path.len);
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

/* For kernels before 5.14.  Frozen, members neither fork nor exit by themselves, so that a pid
 * read from the list still means the member when it is killed. */
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
		if (hull_parse_u64(p, INT32_MAX, &pid) == 0 && pid > 0)
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
