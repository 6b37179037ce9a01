/* SPDX-License-Identifier: Apache-2.0
 *
 * What the daemon of a tree could do with it: the report of hull-share --check.
 */
#define _GNU_SOURCE
#include "base/cleanup.h"
#include "base/path.h"
#include "base/strbuf.h"
#include "share/serve.h"
#include "share/world.h"

#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define MAX_MOUNTINFO ((size_t)16 << 20)

static const char *errno_name(int errnum)
{
	const char *name = errnum ? strerrorname_np(errnum) : "ok";

	return name ? name : "?";
}

static const char *type_name(mode_t mode)
{
	switch (mode & S_IFMT) {
	case S_IFDIR:
		return "dir";
	case S_IFREG:
		return "file";
	case S_IFLNK:
		return "link";
	default:
		return "other";
	}
}

static int try_open(const char *path, int flags)
{
	cleanup_close int fd = open(path, flags | O_NOFOLLOW | O_CLOEXEC);

	return fd < 0 ? errno : 0;
}

static void print_path(const char *path)
{
	struct stat st;

	if (lstat(path, &st) < 0) {
		printf("none read=%s write=- %s\n", errno_name(errno), path);
		return;
	}
	printf("%s %04o %u:%u ", type_name(st.st_mode), st.st_mode & 07777, st.st_uid, st.st_gid);
	if (S_ISDIR(st.st_mode)) {
		int r = try_open(path, O_RDONLY | O_DIRECTORY);
		int w = faccessat(AT_FDCWD, path, W_OK, AT_EACCESS) < 0 ? errno : 0;

		printf("read=%s write=%s %s\n", errno_name(r), errno_name(w), path);
	} else if (S_ISREG(st.st_mode)) {
		int r = try_open(path, O_RDONLY), w = try_open(path, O_WRONLY);

		printf("size=%jd read=%s write=%s %s\n", (intmax_t)st.st_size, errno_name(r),
		       errno_name(w), path);
	} else if (S_ISLNK(st.st_mode)) {
		char text[PATH_MAX];
		ssize_t n = readlink(path, text, sizeof(text));

		printf("read=- write=- %s -> %.*s\n", path, n > 0 ? (int)n : 0, text);
	} else {
		printf("read=- write=- %s\n", path);
	}
}

/* How many mounts the daemon's namespace has; -1 if that can't be told. */
static int count_mounts(void)
{
	cleanup_strbuf struct hull_strbuf b = HULL_STRBUF_INIT;
	int n = 0;

	if (hull_file_read("/proc/self/mountinfo", MAX_MOUNTINFO, &b) < 0)
		return -1;
	for (const char *p = strchr(hull_strbuf_str(&b), '\n'); p; p = strchr(p + 1, '\n'))
		n++;
	return n;
}

int hull_share_check(const struct hull_share_spec *s, const struct hull_serve_opts *opts,
		     const char *const *paths, struct hull_error **err)
{
	struct hull_rights rights;
	int mounts;

	if (hull_share_prepare(s, opts, &rights, err) < 0)
		return -1;
	if (access(s->daemon, X_OK) < 0)
		return hull_fail_errno(err, errno, "start '%s'", s->daemon);
	mounts = count_mounts();
	if (chroot(HULL_WORLD_TREE) < 0 || chdir("/") < 0)
		return hull_fail_errno(err, errno, "enter the shared tree");
	if (hull_rights_drop_caps(err) < 0)
		return -1;
	printf("self uid=%u gid=%u groups=%d caps=%d mounts=%d\n", geteuid(), getegid(),
	       getgroups(0, NULL), hull_rights_count_caps(), mounts);
	for (size_t i = 0; i < s->tree.entries.n; i++)
		print_path(s->tree.entries.v[i].target);
	for (size_t i = 0; i < s->tree.masks.n; i++)
		print_path(s->tree.masks.v[i].target);
	for (; *paths; paths++)
		print_path(*paths);
	if (fflush(stdout) != 0)
		return hull_fail_errno(err, errno, "write the report");
	return 0;
}
