/* SPDX-License-Identifier: Apache-2.0
 *
 * Binds in two ways; see mounts.h.
 *
 * The old way knows places by path only.  A descriptor's path is /proc/self/fd/N, which leads to
 * the very mount and directory it was opened on, even if something has been mounted over it since.
 * And it restricts one mount at a time, after the fact: mountinfo tells what came along.
 */
#define _GNU_SOURCE
#include "share/mounts.h"

#include "base/cleanup.h"
#include "base/path.h"
#include "base/strbuf.h"

#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/statvfs.h>
#include <unistd.h>

#define MAX_MOUNTINFO ((size_t)16 << 20)

struct fd_path {
	char s[32];
};

static struct fd_path fd_path(int fd)
{
	struct fd_path p;

	snprintf(p.s, sizeof(p.s), "/proc/self/fd/%d", fd);
	return p;
}

int hull_bind_open_old(int dirfd, const char *path, bool recursive, uint64_t attrs,
		       struct hull_bind *ret)
{
	int fd = openat(dirfd, path, O_PATH | O_CLOEXEC);

	if (fd < 0)
		return -errno;
	*ret = (struct hull_bind){.fd = fd, .recursive = recursive, .attrs = attrs};
	return 0;
}

int hull_bind_open(int dirfd, const char *path, bool recursive, uint64_t attrs,
		   struct hull_bind *ret)
{
	unsigned int deep = recursive ? AT_RECURSIVE : 0;
	struct mount_attr attr = {.attr_set = attrs, .propagation = MS_PRIVATE};
	cleanup_close int fd = open_tree(dirfd, path, OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC | deep);

	/* EPERM is what container runtimes' filters say of calls they don't know. */
	if (fd < 0 && (errno == ENOSYS || errno == EPERM))
		return hull_bind_open_old(dirfd, path, recursive, attrs, ret);
	if (fd < 0)
		return -errno;
	if (mount_setattr(fd, "", AT_EMPTY_PATH | deep, &attr, sizeof(attr)) < 0) {
		if (errno == ENOSYS || errno == EPERM)
			return hull_bind_open_old(dirfd, path, recursive, attrs, ret);
		return -errno;
	}
	*ret = (struct hull_bind){
		.fd = steal_fd(&fd),
		.detached = true,
		.recursive = recursive,
		.attrs = attrs,
	};
	return 0;
}

void hull_bind_close(struct hull_bind *bind)
{
	hull_closep(&bind->fd);
}

/* mount(2) sets all flags anew, and an ordinary user may not clear any: those in force are kept. */
static int restrict_old(const char *path, uint64_t attrs)
{
	static const struct {
		unsigned long have, flag;
		uint64_t attr;
	} map[] = {
		{ST_RDONLY, MS_RDONLY, MOUNT_ATTR_RDONLY},
		{ST_NOSUID, MS_NOSUID, MOUNT_ATTR_NOSUID},
		{ST_NODEV, MS_NODEV, MOUNT_ATTR_NODEV},
		{ST_NOEXEC, MS_NOEXEC, MOUNT_ATTR_NOEXEC},
		{ST_NOATIME, MS_NOATIME, 0},
		{ST_NODIRATIME, MS_NODIRATIME, 0},
		{ST_RELATIME, MS_RELATIME, 0},
	};
	unsigned long flags = MS_REMOUNT | MS_BIND;
	struct statvfs st;

	if (statvfs(path, &st) < 0)
		return -errno;
	for (size_t i = 0; i < ARRAY_SIZE(map); i++)
		if ((st.f_flag & map[i].have) || (attrs & map[i].attr))
			flags |= map[i].flag;
	return mount(NULL, path, NULL, flags, NULL) < 0 ? -errno : 0;
}

int hull_mount_restrict(const char *path, uint64_t attrs)
{
	struct mount_attr attr = {.attr_set = attrs};

	if (mount_setattr(AT_FDCWD, path, 0, &attr, sizeof(attr)) == 0)
		return 0;
	if (errno != ENOSYS && errno != EPERM)
		return -errno;
	return restrict_old(path, attrs);
}

/* The mount point in a line of mountinfo (field 5 of proc(5)), its octal escapes undone in place.
 * NULL if there is none. */
static char *mount_point(char *line)
{
	char *p = line, *out;

	for (int field = 1; p && field < 5; field++) {
		p = strchr(p, ' ');
		p = p ? p + 1 : NULL;
	}
	if (!p)
		return NULL;
	out = p;
	for (const char *in = p; *in && *in != ' ' && *in != '\n';) {
		if (in[0] == '\\' && in[1] && in[2] && in[3]) {
			*out++ = (char)((in[1] - '0') << 6 | (in[2] - '0') << 3 | (in[3] - '0'));
			in += 4;
		} else {
			*out++ = *in++;
		}
	}
	*out = '\0';
	return p;
}

static int restrict_beneath(const char *path, uint64_t attrs)
{
	cleanup_strbuf struct hull_strbuf b = HULL_STRBUF_INIT;
	size_t len = strlen(path);
	int r = hull_file_read("/proc/self/mountinfo", MAX_MOUNTINFO, &b);
	char *next;

	if (r < 0)
		return r;
	for (char *line = b.data; line && *line; line = next) {
		char *end = strchr(line, '\n'), *point;

		next = end ? end + 1 : line + strlen(line);
		if (end)
			*end = '\0';
		point = mount_point(line);
		if (!point || strncmp(point, path, len) || point[len] != '/')
			continue;
		r = restrict_old(point, attrs);
		/* Covered by another mount, or in a directory that is closed to us: then it is
		 * out of the daemon's reach as well. */
		if (r < 0 && r != -EINVAL && r != -ENOENT && r != -EACCES)
			return r;
	}
	return 0;
}

static int attach_old(const struct hull_bind *bind, int dirfd, const char *name)
{
	cleanup_close int under = openat(dirfd, name, O_PATH | O_NOFOLLOW | O_CLOEXEC);
	cleanup_close int over = -1;
	char path[PATH_MAX];
	ssize_t n;
	int r;

	if (under < 0)
		return -errno;
	if (mount(fd_path(bind->fd).s, fd_path(under).s, NULL,
		  MS_BIND | (bind->recursive ? MS_REC : 0), NULL) < 0)
		return -errno;
	over = openat(dirfd, name, O_PATH | O_NOFOLLOW | O_CLOEXEC);
	if (over < 0)
		return -errno;
	if (mount(NULL, fd_path(over).s, NULL, MS_REC | MS_PRIVATE, NULL) < 0)
		return -errno;
	r = restrict_old(fd_path(over).s, bind->attrs);
	if (r < 0 || !bind->recursive)
		return r;
	n = readlink(fd_path(over).s, path, sizeof(path) - 1);
	if (n < 0)
		return -errno;
	path[n] = '\0';
	return restrict_beneath(path, bind->attrs);
}

int hull_bind_attach(struct hull_bind *bind, int dirfd, const char *name)
{
	int r;

	if (!bind->detached)
		r = attach_old(bind, dirfd, name);
	else if (move_mount(bind->fd, "", dirfd, name, MOVE_MOUNT_F_EMPTY_PATH) < 0)
		r = -errno;
	else
		r = 0;
	hull_bind_close(bind);
	return r;
}
