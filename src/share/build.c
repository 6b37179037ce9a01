/* SPDX-License-Identifier: Apache-2.0
 *
 * Laying out a tree.
 *
 * Targets are walked one name at a time from the tree's root, and no link is followed: a share that
 * somebody else can write to must not be able to lead the next mount elsewhere.  What is missing is
 * made on the tree's own file system only, which is told by its device number.
 */
#define _GNU_SOURCE
#include "share/build.h"

#include "base/cleanup.h"
#include "base/path.h"

#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

#define MASK_DIR "dir"
#define MASK_FILE "file"

/* nosuid and nodev are for the host: the guest sees the same modes, and obeys them by itself. */
static uint64_t attrs_of(const struct hull_tree_entry *e, enum hull_build_use use)
{
	return MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV | (e->writable ? 0 : MOUNT_ATTR_RDONLY) |
	       (use == HULL_BUILD_DATA ? MOUNT_ATTR_NOEXEC : 0);
}

static int open_source(const struct hull_tree_entry *e, enum hull_build_use use, bool old,
		       struct hull_bind *b, struct hull_error **err)
{
	struct stat st;
	int r;

	r = (old ? hull_bind_open_old : hull_bind_open)(AT_FDCWD, e->source, e->recursive,
							attrs_of(e, use), b);
	if (r < 0) {
		hull_fail_errno(err, -r, "share '%s'", e->source);
		if (r == -EINVAL && !e->recursive)
			hull_hint(err, "there may be mounts beneath it, which an ordinary user can "
				       "only share together with it");
		return -1;
	}
	if (fstat(b->fd, &st) < 0)
		return hull_fail_errno(err, errno, "share '%s'", e->source);
	if (S_ISDIR(st.st_mode) == !e->file)
		return 0;
	return hull_fail(err, HULL_E_INVALID, "share '%s': it is %s directory", e->source,
			 e->file ? "a" : "no");
}

int hull_sources_open(const struct hull_tree *t, enum hull_build_use use, bool old,
		      struct hull_sources *ret, struct hull_error **err)
{
	cleanup_sources struct hull_sources s = {0};

	for (size_t i = 0; i < t->entries.n; i++) {
		struct hull_bind *b;

		if (t->entries.v[i].kind != HULL_TREE_BIND)
			continue;
		b = hull_vec_push(&s.binds);
		if (!b)
			return hull_fail_nomem(err);
		b->fd = -1;
		if (open_source(&t->entries.v[i], use, old, b, err) < 0)
			return -1;
	}
	*ret = s;
	s = (struct hull_sources){0};
	return 0;
}

void hull_sources_close(struct hull_sources *s)
{
	for (size_t i = 0; i < s->binds.n; i++)
		hull_bind_close(&s->binds.v[i]);
	free(s->binds.v);
	*s = (struct hull_sources){0};
}

/* Where a target goes: its directory, O_PATH, and its last name, which points into the target. */
struct place {
	int dirfd; /* owned */
	const char *name;
	bool ours; /* the directory is on the tree's own file system */
};

static int step(int dirfd, const char *name, bool ours, int *ret)
{
	cleanup_close int fd = openat(dirfd, name, O_PATH | O_NOFOLLOW | O_CLOEXEC);
	struct stat st;

	if (fd < 0 && errno == ENOENT && ours) {
		if (mkdirat(dirfd, name, 0755) < 0)
			return -errno;
		fd = openat(dirfd, name, O_PATH | O_NOFOLLOW | O_CLOEXEC);
	}
	if (fd < 0 || fstat(fd, &st) < 0)
		return -errno;
	if (S_ISLNK(st.st_mode))
		return -ELOOP;
	if (!S_ISDIR(st.st_mode))
		return -ENOTDIR;
	*ret = steal_fd(&fd);
	return 0;
}

/* Makes missing parents if @make.  0 or -errno. */
static int find_place(int root_fd, const char *target, bool make, struct place *ret)
{
	cleanup_close int dir = openat(root_fd, ".", O_PATH | O_DIRECTORY | O_CLOEXEC);
	struct stat own, st;
	const char *name = target + 1;

	if (dir < 0 || fstat(dir, &own) < 0)
		return -errno;
	for (;;) {
		size_t len = strcspn(name, "/");
		char part[NAME_MAX + 1];
		bool ours;
		int next = -1, r;

		if (fstat(dir, &st) < 0)
			return -errno;
		ours = st.st_dev == own.st_dev;
		if (!name[len]) {
			*ret = (struct place){steal_fd(&dir), name, ours};
			return 0;
		}
		if (len > NAME_MAX)
			return -ENAMETOOLONG;
		memcpy(part, name, len);
		part[len] = '\0';
		r = step(dir, part, make && ours, &next);
		if (r < 0)
			return r;
		close(dir);
		dir = next;
		name += len + 1;
	}
}

static int make_dir(const struct place *p, unsigned int mode)
{
	struct stat st;

	if (mkdirat(p->dirfd, p->name, mode) == 0)
		return 0;
	if (errno != EEXIST)
		return -errno;
	if (fstatat(p->dirfd, p->name, &st, AT_SYMLINK_NOFOLLOW) < 0)
		return -errno;
	if (!S_ISDIR(st.st_mode))
		return -ENOTDIR;
	/* Made earlier as somebody's parent: now the description says what it is to be like. */
	return p->ours && fchmodat(p->dirfd, p->name, mode, 0) < 0 ? -errno : 0;
}

static int make_mount_point(const struct place *p, bool file)
{
	struct stat st;

	if (fstatat(p->dirfd, p->name, &st, AT_SYMLINK_NOFOLLOW) == 0) {
		if (S_ISLNK(st.st_mode))
			return -ELOOP;
		if (S_ISDIR(st.st_mode) == file)
			return file ? -EISDIR : -ENOTDIR;
		return 0;
	}
	if (errno != ENOENT || !p->ours)
		return -errno;
	if (file)
		return mknodat(p->dirfd, p->name, S_IFREG | 0444, 0) < 0 ? -errno : 0;
	return mkdirat(p->dirfd, p->name, 0755) < 0 ? -errno : 0;
}

static int add_entry(const struct hull_tree_entry *e, struct hull_bind *bind, int root_fd,
		     struct hull_error **err)
{
	struct place p = {.dirfd = -1};
	int r = find_place(root_fd, e->target, true, &p);

	if (r == 0 && e->kind == HULL_TREE_DIR)
		r = p.ours ? make_dir(&p, (unsigned int)e->mode) : -EROFS;
	else if (r == 0 && e->kind == HULL_TREE_LINK)
		r = !p.ours ? -EROFS : symlinkat(e->source, p.dirfd, p.name) < 0 ? -errno : 0;
	else if (r == 0) {
		r = make_mount_point(&p, e->file);
		if (r == 0)
			r = hull_bind_attach(bind, p.dirfd, p.name);
	}
	hull_closep(&p.dirfd);
	if (r == 0)
		return 0;
	hull_fail_errno(err, -r, "put '%s' into the shared tree", e->target);
	if (r == -ENOENT)
		hull_hint(err, "its mount point must exist in the shared directory above it");
	return -1;
}

static int make_file(int dirfd, const char *name, const char *text)
{
	cleanup_close int fd =
		openat(dirfd, name, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0444);

	if (fd < 0)
		return -errno;
	return text ? hull_fd_write_all(fd, text, strlen(text)) : 0;
}

/* What hides the place: its name in the masks' directory. */
static int make_cover(const struct hull_tree_mask *m, size_t number, bool dir, int masks_fd,
		      char ret_name[24])
{
	int r;

	if (dir || !m->text) {
		snprintf(ret_name, 24, "%s", dir ? MASK_DIR : MASK_FILE);
		if (!dir)
			r = make_file(masks_fd, ret_name, NULL);
		else
			r = mkdirat(masks_fd, ret_name, 0755) < 0 ? -errno : 0;
		return r == -EEXIST ? 0 : r;
	}
	snprintf(ret_name, 24, "%zu", number);
	return make_file(masks_fd, ret_name, m->text);
}

static int cover(const struct hull_tree_mask *m, size_t number, const struct place *p, bool dir,
		 int masks_fd, bool old)
{
	uint64_t attrs =
		MOUNT_ATTR_RDONLY | MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV | MOUNT_ATTR_NOEXEC;
	struct hull_bind bind;
	char name[24];
	int r;

	r = make_cover(m, number, dir, masks_fd, name);
	if (r < 0)
		return r;
	r = (old ? hull_bind_open_old : hull_bind_open)(masks_fd, name, false, attrs, &bind);
	return r < 0 ? r : hull_bind_attach(&bind, p->dirfd, p->name);
}

static int add_mask(const struct hull_tree_mask *m, size_t number, int root_fd, int masks_fd,
		    bool old, struct hull_error **err)
{
	struct place p = {.dirfd = -1};
	struct stat st;
	int r = find_place(root_fd, m->target, false, &p);

	if (r == 0 && fstatat(p.dirfd, p.name, &st, AT_SYMLINK_NOFOLLOW) < 0)
		r = -errno;
	/* Not there, or where we may not go: the daemon, with fewer rights, can't either. */
	if (r == -ENOENT || r == -ENOTDIR || r == -EACCES)
		goto nothing;
	if (r == 0 && S_ISLNK(st.st_mode))
		r = -ELOOP; /* hiding the link would leave what it leads to */
	if (r == 0)
		r = cover(m, number, &p, S_ISDIR(st.st_mode), masks_fd, old);
	if (r < 0)
		hull_fail_errno(err, -r, "hide '%s' in the shared tree", m->target);
	hull_closep(&p.dirfd);
	return r < 0 ? -1 : 0;
nothing:
	hull_closep(&p.dirfd);
	return 0;
}

int hull_build(const struct hull_tree *t, struct hull_sources *s, int root_fd, int masks_fd,
	       bool old, struct hull_error **err)
{
	size_t bind = 0;

	for (size_t i = 0; i < t->entries.n; i++) {
		const struct hull_tree_entry *e = &t->entries.v[i];
		struct hull_bind *b = e->kind == HULL_TREE_BIND ? &s->binds.v[bind++] : NULL;

		if (add_entry(e, b, root_fd, err) < 0)
			return -1;
	}
	for (size_t i = 0; i < t->masks.n; i++)
		if (add_mask(&t->masks.v[i], i, root_fd, masks_fd, old, err) < 0)
			return -1;
	return 0;
}
