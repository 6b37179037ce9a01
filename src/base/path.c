/* SPDX-License-Identifier: Apache-2.0
 *
 * Paths and small files.
 */
#define _GNU_SOURCE
#include "base/path.h"

#include "base/cleanup.h"
#include "base/fault.h"
#include "base/strbuf.h"

#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define TREE_DEPTH_MAX 64

char *hull_path_join(const char *dir, const char *name)
{
	size_t n = strlen(dir);
	char *s = NULL;

	if (asprintf(&s, "%s%s%s", dir, n && dir[n - 1] == '/' ? "" : "/", name) < 0)
		return NULL;
	return s;
}

char *hull_path_clean(const char *path)
{
	char *out = malloc(strlen(path) + 2), *end = out;

	if (!out)
		return NULL;
	for (const char *p = path; *p;) {
		size_t len = strcspn(p, "/");

		if (len == 2 && p[0] == '.' && p[1] == '.') {
			while (end > out && *--end != '/')
				;
		} else if (len && (len != 1 || *p != '.')) {
			*end++ = '/';
			memcpy(end, p, len);
			end += len;
		}
		p += len + (p[len] == '/');
	}
	if (end == out)
		*end++ = '/';
	*end = '\0';
	return out;
}

int hull_path_mkdirs(const char *path, mode_t mode)
{
	cleanup_free char *p = strdup(path);

	if (!p)
		return -ENOMEM;
	if (mkdir(p, mode) == 0 || errno == EEXIST)
		return 0;
	for (char *s = strchr(p + 1, '/'); s; s = strchr(s + 1, '/')) {
		*s = '\0';
		if (mkdir(p, mode) < 0 && errno != EEXIST)
			return -errno;
		*s = '/';
	}
	return mkdir(p, mode) < 0 && errno != EEXIST ? -errno : 0;
}

int hull_fd_read_all(int fd, size_t max, struct hull_strbuf *out)
{
	size_t got = 0;

	for (;;) {
		ssize_t n;
		/* One more than there may be tells that there is more. */
		int r = hull_strbuf_reserve(out, MIN((size_t)4096, max - got + 1));

		if (r < 0)
			return r;
		n = read(fd, out->data + out->len, out->cap - out->len - 1);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -errno;
		if (n == 0)
			return 0;
		got += (size_t)n;
		if (got > max)
			return -EFBIG;
		out->len += (size_t)n;
		out->data[out->len] = '\0';
	}
}

int hull_file_open(const char *path, int flags, bool block_device_ok, struct stat *ret_st,
		   int *ret_fd)
{
	cleanup_close int fd = open(path, flags | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);

	if (fd < 0 || fstat(fd, ret_st) < 0)
		return -errno;
	if (S_ISDIR(ret_st->st_mode))
		return -EISDIR;
	if (!S_ISREG(ret_st->st_mode) && !(block_device_ok && S_ISBLK(ret_st->st_mode)))
		return -EINVAL;
	if (fcntl(fd, F_SETFL, flags) < 0)
		return -errno;
	*ret_fd = steal_fd(&fd);
	return 0;
}

int hull_file_read(const char *path, size_t max, struct hull_strbuf *out)
{
	cleanup_close int fd = open(path, O_RDONLY | O_CLOEXEC);

	return fd < 0 ? -errno : hull_fd_read_all(fd, max, out);
}

int hull_regular_read(const char *path, size_t max, struct hull_strbuf *out)
{
	cleanup_close int fd = -1;
	struct stat st;
	int r = hull_file_open(path, O_RDONLY, false, &st, &fd);

	return r < 0 ? r : hull_fd_read_all(fd, max, out);
}

int hull_fd_write_all(int fd, const void *data, size_t len)
{
	const char *p = data;

	while (len) {
		ssize_t n = write(fd, p, len);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -errno;
		p += n;
		len -= (size_t)n;
	}
	return 0;
}

int hull_file_write(const char *path, const void *data, size_t len, mode_t mode, bool sync)
{
	cleanup_free char *tmp = NULL;
	cleanup_close int fd = -1;
	int r;

	r = hull_fault("file.write");
	if (r < 0)
		return r;
	if (asprintf(&tmp, "%s.%d.tmp", path, (int)getpid()) < 0) {
		tmp = NULL;
		return -ENOMEM;
	}
	fd = open(tmp, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, mode);
	if (fd < 0)
		return -errno;
	r = hull_fd_write_all(fd, data, len);
	if (r == 0 && sync && fsync(fd) < 0)
		r = -errno;
	if (r == 0)
		r = hull_fault("file.rename");
	if (r == 0 && rename(tmp, path) < 0)
		r = -errno;
	if (r < 0)
		unlink(tmp);
	(void)hull_fault("file.written");
	return r;
}

int hull_file_nameless(const char *dir, const char *prefix, char **ret_path)
{
	cleanup_free char *start = hull_path_join(dir, prefix), *path = NULL;
	int fd = open(dir, O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);

	if (ret_path)
		*ret_path = NULL;
	if (fd >= 0 || (errno != EOPNOTSUPP && errno != EISDIR))
		return fd < 0 ? -errno : fd;
	if (!start || asprintf(&path, "%sXXXXXX", start) < 0) {
		path = NULL;
		return -ENOMEM;
	}
	fd = mkostemp(path, O_CLOEXEC);
	if (fd < 0)
		return -errno;
	if (ret_path)
		*ret_path = steal_ptr(&path);
	else
		(void)unlink(path); /* it has just been made; a failure leaves an empty file */
	return fd;
}

static int remove_at(int parent, const char *name, dev_t dev, int depth)
{
	cleanup_close int fd = -1;
	struct dirent *e;
	struct stat st;
	DIR *d;
	int r = 0;

	if (unlinkat(parent, name, 0) == 0 || errno == ENOENT)
		return 0;
	if (errno != EISDIR && errno != EPERM)
		return -errno;
	fd = openat(parent, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (fd < 0 || fstat(fd, &st) < 0)
		return -errno;
	if (dev && st.st_dev != dev)
		return -EBUSY; /* a mount: not ours to empty */
	if (depth >= TREE_DEPTH_MAX)
		return -ELOOP;
	d = fdopendir(fd);
	if (!d)
		return -errno;
	steal_fd(&fd);
	while (r == 0 && (e = readdir(d)))
		if (strcmp(e->d_name, ".") && strcmp(e->d_name, ".."))
			r = remove_at(dirfd(d), e->d_name, st.st_dev, depth + 1);
	closedir(d);
	if (r == 0 && unlinkat(parent, name, AT_REMOVEDIR) < 0 && errno != ENOENT)
		r = -errno;
	return r;
}

int hull_path_remove_tree(const char *path)
{
	int r = hull_fault("tree.remove");

	if (r == 0)
		r = remove_at(AT_FDCWD, path, 0, 0);
	(void)hull_fault("tree.removed");
	return r;
}
