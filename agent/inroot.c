/* SPDX-License-Identifier: Apache-2.0
 *
 * Resolution inside a root.
 */
#define _GNU_SOURCE
#include "agent/inroot.h"

#include "base/cleanup.h"

#include <fcntl.h>
#include <linux/openat2.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

/* A rename racing with ".." makes the kernel give up with EAGAIN. */
#define TRIES 32

int hull_inroot_open(int rootfd, const char *path, int flags)
{
	struct open_how how = {
		.flags = (uint64_t)(unsigned int)(flags | O_CLOEXEC),
		.mode = flags & O_CREAT ? 0644 : 0,
		.resolve = RESOLVE_IN_ROOT | RESOLVE_NO_MAGICLINKS,
	};

	for (int i = 0;; i++) {
		int fd = (int)syscall(SYS_openat2, rootfd, path, &how, sizeof(how));

		if (fd >= 0 || errno != EAGAIN || i == TRIES)
			return fd < 0 ? -errno : fd;
	}
}

/* Splits the last component off @path (changed in place); NULL if there is none that can be made.
 */
static char *split(char *path)
{
	size_t n = strlen(path);
	char *slash;

	while (n && path[n - 1] == '/')
		path[--n] = '\0';
	slash = strrchr(path, '/');
	if (!slash)
		return NULL;
	*slash = '\0';
	return slash + 1;
}

/* @at ends a prefix of @path that exists as directory @dirfd, or 0: the root itself. */
int hull_inroot_mkdirs(int rootfd, const char *path)
{
	cleanup_free char *p = NULL;
	cleanup_close int dir = -1;
	int fd = hull_inroot_open(rootfd, path, O_PATH | O_DIRECTORY);

	if (fd != -ENOENT)
		return fd;
	if (asprintf(&p, "/%s", path) < 0) {
		p = NULL;
		return -ENOMEM;
	}
	dir = hull_inroot_open(rootfd, "/", O_PATH | O_DIRECTORY);
	for (char *s = p; dir >= 0 && *s;) {
		char *name = s + strspn(s, "/"), *end = name + strcspn(name, "/"), saved = *end;

		if (!*name)
			break;
		*end = '\0';
		if (mkdirat(dir, name, 0755) < 0 && errno != EEXIST)
			return -errno;
		hull_closep(&dir);
		/* From the root again: the component may be a link. */
		dir = hull_inroot_open(rootfd, p, O_PATH | O_DIRECTORY);
		*end = saved;
		s = end;
	}
	return steal_fd(&dir);
}

/* The directory that @path's last component is to be in; *ret_name is it, within *ret_copy. */
static int make_parent(int rootfd, const char *path, char **ret_copy, char **ret_name)
{
	if (asprintf(ret_copy, "/%s", path) < 0) {
		*ret_copy = NULL;
		return -ENOMEM;
	}
	*ret_name = split(*ret_copy);
	return hull_inroot_mkdirs(rootfd, **ret_copy ? *ret_copy : "/");
}

int hull_inroot_mkfile(int rootfd, const char *path)
{
	cleanup_free char *p = NULL;
	cleanup_close int dir = -1, made = -1;
	int fd = hull_inroot_open(rootfd, path, O_PATH);
	char *name;

	if (fd != -ENOENT)
		return fd;
	dir = make_parent(rootfd, path, &p, &name);
	if (dir < 0)
		return steal_fd(&dir);
	made = openat(dir, name, O_WRONLY | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0644);
	return made < 0 ? -errno : hull_inroot_open(rootfd, path, O_PATH);
}

/* A regular file that is there, emptied. */
static int open_old(int rootfd, const char *path)
{
	/* A fifo must not hold us up, nor a terminal become ours. */
	cleanup_close int fd = hull_inroot_open(rootfd, path, O_WRONLY | O_NONBLOCK | O_NOCTTY);

	if (fd < 0)
		return fd;
	/* EINVAL for all that is no regular file. */
	if (ftruncate(fd, 0) < 0)
		return -errno;
	return steal_fd(&fd);
}

int hull_inroot_rewrite(int rootfd, const char *path)
{
	cleanup_free char *p = NULL;
	cleanup_close int dir = -1;
	struct stat st;
	char *name;
	int fd, old = open_old(rootfd, path);

	if (old >= 0 || old == -EROFS || old == -EACCES || old == -EPERM)
		return old;
	dir = make_parent(rootfd, path, &p, &name);
	if (dir < 0)
		return steal_fd(&dir);
	if (fstatat(dir, name, &st, AT_SYMLINK_NOFOLLOW) == 0) {
		if (!S_ISLNK(st.st_mode))
			return old;
		if (unlinkat(dir, name, 0) < 0)
			return -errno;
	}
	fd = openat(dir, name, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0644);
	return fd < 0 ? -errno : fd;
}
