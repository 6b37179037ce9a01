/* SPDX-License-Identifier: Apache-2.0
 *
 * Walking a tree and writing it as tar, see pack.h.  The tree may change meanwhile: each file is
 * looked at through the descriptor that it is read by, and has as many bytes in the archive as its
 * header says.
 */
#define _GNU_SOURCE
#include "base/pack.h"

#include "base/cleanup.h"
#include "base/path.h"
#include "base/strbuf.h"
#include "base/tar.h"

#include <dirent.h>
#include <fcntl.h>
#include <search.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define DEPTH_MAX 128 /* each level holds a descriptor */
#define CHUNK ((size_t)128 << 10)
#define KNOWN_MAX 100000 /* files of several names; more are packed as if they had one */
#define SMALL_MAX 65536
#define SLURP_MAX ((size_t)4 << 20)

struct known {
	dev_t dev;
	ino_t ino;
	char *name; /* owned: in the archive */
};

struct hull_pack {
	char *path, *name; /* owned; name: in the archive */
	bool follow;
	int fd; /* to */
	const struct hull_copy_ops *ops;
	void *ctx;
	uint64_t files, bytes;
	void *known; /* a tree of struct known */
	size_t n_known;
	struct hull_strbuf header, at; /* at: name of the present entry */
	char buf[CHUNK];
};

/* ---- out ---- */

static void note(struct hull_pack *p, const char *what)
{
	cleanup_strbuf struct hull_strbuf text = HULL_STRBUF_INIT;

	if (p->ops->note && hull_strbuf_addf(&text, "'%s' %s", hull_strbuf_str(&p->at), what) == 0)
		p->ops->note(p->ctx, hull_strbuf_str(&text));
}

static int put(struct hull_pack *p, const void *data, size_t len, struct hull_error **err)
{
	int r = p->ops->write ? p->ops->write(p->ctx, data, len)
			      : hull_fd_write_all(p->fd, data, len);

	if (r == -EPIPE)
		return hull_fail_cause(err, HULL_E_OS, "reader-gone",
				       "write the archive: its reader is gone");
	if (r < 0)
		return hull_fail_errno(err, -r, "write the archive");
	p->bytes += len;
	if (p->ops->progress)
		p->ops->progress(p->ctx, p->files, p->bytes);
	return 0;
}

static int put_zeros(struct hull_pack *p, uint64_t len, struct hull_error **err)
{
	static const char zeros[4096];

	for (; len; len -= MIN(len, sizeof(zeros)))
		if (put(p, zeros, (size_t)MIN(len, sizeof(zeros)), err) < 0)
			return -1;
	return 0;
}

static int put_header(struct hull_pack *p, const struct hull_tar_entry *e, struct hull_error **err)
{
	hull_strbuf_clear(&p->header);
	if (hull_tar_format(e, &p->header) < 0)
		return hull_fail_nomem(err);
	p->files++;
	return put(p, p->header.data, p->header.len, err);
}

static int fail_at(const struct hull_pack *p, int errnum, const char *what, struct hull_error **err)
{
	return hull_fail_errno(err, errnum, "%s '%s'", what, hull_strbuf_str(&p->at));
}

/* ---- several names ---- */

static int compare(const void *a, const void *b)
{
	const struct known *x = a, *y = b;

	if (x->dev != y->dev)
		return x->dev < y->dev ? -1 : 1;
	return x->ino == y->ino ? 0 : x->ino < y->ino ? -1 : 1;
}

static void free_known(void *node)
{
	struct known *k = node;

	free(k->name);
	free(k);
}

/* The name under which the file is in the archive already; else it is noted under this one. */
static const char *other_name(struct hull_pack *p, const struct stat *st)
{
	struct known key = {.dev = st->st_dev, .ino = st->st_ino}, **found, *k;

	if (st->st_nlink < 2 || S_ISDIR(st->st_mode))
		return NULL;
	found = tfind(&key, &p->known, compare);
	if (found)
		return (*found)->name;
	k = p->n_known < KNOWN_MAX ? malloc(sizeof(*k)) : NULL;
	if (!k)
		return NULL;
	*k = key;
	k->name = strdup(hull_strbuf_str(&p->at));
	if (k->name && tsearch(k, &p->known, compare))
		p->n_known++;
	else
		free_known(k);
	return NULL;
}

/* ---- files ---- */

/* Where data is, if there are holes: 0, or -errno where the file system does not tell. */
static int find_extents(int fd, struct hull_tar_entry *e)
{
	off_t at = 0;

	while ((at = lseek(fd, at, SEEK_DATA)) >= 0) {
		off_t end = lseek(fd, at, SEEK_HOLE);
		struct hull_tar_extent *x;

		if (end < 0 || e->extents.n == HULL_TAR_EXTENTS_MAX)
			return -EFBIG;
		if ((uint64_t)at >= e->size)
			return 0;
		x = hull_vec_push(&e->extents);
		if (!x)
			return -ENOMEM;
		x->offset = (uint64_t)at;
		x->len = MIN((uint64_t)end, e->size) - x->offset;
		at = end;
	}
	return errno == ENXIO ? 0 : -errno;
}

static int put_range(struct hull_pack *p, int fd, uint64_t offset, uint64_t len,
		     struct hull_error **err)
{
	while (len) {
		ssize_t n = pread(fd, p->buf, (size_t)MIN(len, sizeof(p->buf)), (off_t)offset);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return fail_at(p, errno, "read", err);
		if (n == 0) {
			note(p,
			     "became shorter while it was read; zeros take the place of the rest");
			return put_zeros(p, len, err);
		}
		if (put(p, p->buf, (size_t)n, err) < 0)
			return -1;
		offset += (uint64_t)n;
		len -= (uint64_t)n;
	}
	return 0;
}

static int put_file(struct hull_pack *p, int fd, struct hull_tar_entry *e, struct hull_error **err)
{
	const struct hull_tar_extent all = {.len = e->size};
	const struct hull_tar_extent *x = e->sparse ? e->extents.v : &all;
	size_t n = e->sparse ? e->extents.n : 1;

	if (put_header(p, e, err) < 0)
		return -1;
	for (; n; n--, x++)
		if (put_range(p, fd, x->offset, x->len, err) < 0)
			return -1;
	return put_zeros(p, hull_tar_padding(hull_tar_data_size(e)), err);
}

/* Files of the kernel's are as long as what comes out of them, whatever they say. */
static int put_small(struct hull_pack *p, int fd, struct hull_tar_entry *e, struct hull_error **err)
{
	cleanup_strbuf struct hull_strbuf text = HULL_STRBUF_INIT;
	int r = hull_fd_read_all(fd, SLURP_MAX, &text);

	if (r < 0)
		return fail_at(p, -r, "read", err);
	e->size = text.len;
	if (put_header(p, e, err) < 0 || put(p, hull_strbuf_str(&text), text.len, err) < 0)
		return -1;
	return put_zeros(p, hull_tar_padding(e->size), err);
}

static int pack_file(struct hull_pack *p, int dir, const char *leaf, struct hull_tar_entry *e,
		     struct hull_error **err)
{
	/* What takes its place may be a FIFO. */
	cleanup_close int fd =
		openat(dir, leaf,
		       O_RDONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC | (p->follow ? 0 : O_NOFOLLOW));
	struct stat st;

	if (fd < 0 && errno == ENOENT) {
		note(p, "is gone");
		return 0;
	}
	if (fd < 0 || fstat(fd, &st) < 0)
		return fail_at(p, errno, "open", err);
	if (!S_ISREG(st.st_mode))
		return fail_at(p, EBUSY, "open", err);
	e->size = (uint64_t)st.st_size;
	if (st.st_blocks == 0 && st.st_size <= SMALL_MAX)
		return put_small(p, fd, e, err);
	e->sparse = (uint64_t)st.st_blocks * 512 < e->size && find_extents(fd, e) == 0;
	return put_file(p, fd, e, err);
}

static int pack_link(struct hull_pack *p, int dir, const char *leaf, struct hull_tar_entry *e,
		     struct hull_error **err)
{
	char target[HULL_TAR_NAME_MAX + 1];
	ssize_t n = readlinkat(dir, leaf, target, sizeof(target));

	if (n < 0 || (size_t)n == sizeof(target))
		return fail_at(p, n < 0 ? errno : ENAMETOOLONG, "read link", err);
	free(e->link);
	e->link = strndup(target, (size_t)n);
	return e->link ? put_header(p, e, err) : hull_fail_nomem(err);
}

/* ---- the tree ---- */

static int pack_one(struct hull_pack *p, int dir, const char *leaf, unsigned int depth,
		    struct hull_error **err);

static int pack_children(struct hull_pack *p, DIR *d, unsigned int depth, struct hull_error **err)
{
	size_t len = p->at.len;

	for (const struct dirent *de; (errno = 0, de = readdir(d));) {
		int r;

		if (!strcmp(de->d_name, ".") || !strcmp(de->d_name, ".."))
			continue;
		if (hull_strbuf_addf(&p->at, "/%s", de->d_name) < 0)
			return hull_fail_nomem(err);
		if (p->at.len > HULL_TAR_NAME_MAX)
			return fail_at(p, ENAMETOOLONG, "pack", err);
		r = pack_one(p, dirfd(d), de->d_name, depth + 1, err);
		p->at.len = len;
		p->at.data[len] = '\0';
		if (r < 0)
			return -1;
	}
	return errno ? fail_at(p, errno, "read directory", err) : 0;
}

static int pack_dir(struct hull_pack *p, int dir, const char *leaf, unsigned int depth,
		    const struct hull_tar_entry *e, struct hull_error **err)
{
	int fd = openat(dir, leaf,
			O_RDONLY | O_DIRECTORY | O_CLOEXEC | (p->follow ? 0 : O_NOFOLLOW)),
	    r;
	DIR *d;

	if (fd < 0 && errno == ENOENT) {
		note(p, "is gone");
		return 0;
	}
	if (fd < 0)
		return fail_at(p, errno, "open directory", err);
	d = fdopendir(fd);
	if (!d) {
		close(fd);
		return hull_fail_nomem(err);
	}
	p->follow = false; /* only the first one */
	r = depth == DEPTH_MAX ? fail_at(p, ELOOP, "pack", err) : put_header(p, e, err);
	if (r == 0)
		r = pack_children(p, d, depth, err);
	closedir(d);
	return r;
}

static enum hull_tar_type type_of(mode_t mode)
{
	switch (mode & S_IFMT) {
	case S_IFDIR:
		return HULL_TAR_DIRECTORY;
	case S_IFLNK:
		return HULL_TAR_SYMLINK;
	case S_IFIFO:
		return HULL_TAR_FIFO;
	case S_IFCHR:
		return HULL_TAR_CHAR;
	case S_IFBLK:
		return HULL_TAR_BLOCK_DEVICE;
	default:
		return HULL_TAR_FILE;
	}
}

static int pack_as(struct hull_pack *p, int dir, const char *leaf, unsigned int depth,
		   struct hull_tar_entry *e, struct hull_error **err)
{
	switch (e->type) {
	case HULL_TAR_FILE:
		return pack_file(p, dir, leaf, e, err);
	case HULL_TAR_SYMLINK:
		return pack_link(p, dir, leaf, e, err);
	case HULL_TAR_DIRECTORY:
		return pack_dir(p, dir, leaf, depth, e, err);
	case HULL_TAR_CHAR:
	case HULL_TAR_BLOCK_DEVICE:
		note(p, "is a device, which is left out");
		return 0;
	default:
		return put_header(p, e, err);
	}
}

static int pack_one(struct hull_pack *p, int dir, const char *leaf, unsigned int depth,
		    struct hull_error **err)
{
	cleanup_tar_entry struct hull_tar_entry e = {0};
	const char *other;
	struct stat st;

	if (fstatat(dir, leaf, &st, p->follow ? 0 : AT_SYMLINK_NOFOLLOW) < 0) {
		if (errno != ENOENT || !depth)
			return fail_at(p, errno, "look at", err);
		note(p, "is gone");
		return 0;
	}
	if (S_ISSOCK(st.st_mode)) {
		note(p, "is a socket, which is left out");
		return 0;
	}
	e.type = type_of(st.st_mode);
	other = other_name(p, &st);
	if (other)
		e.type = HULL_TAR_HARD_LINK;
	e.name = strdup(hull_strbuf_str(&p->at));
	e.link = strdup(other ? other : "");
	if (!e.name || !e.link)
		return hull_fail_nomem(err);
	e.mode = st.st_mode & 07777;
	e.uid = st.st_uid;
	e.gid = st.st_gid;
	e.mtime_s = st.st_mtim.tv_sec;
	e.mtime_ns = (uint32_t)st.st_mtim.tv_nsec;
	return pack_as(p, dir, leaf, depth, &e, err);
}

/* ---- from start to end ---- */

static char *name_of(const char *path)
{
	cleanup_free char *real = NULL, *copy = strdup(path);
	size_t n = copy ? strlen(copy) : 0;
	const char *last;

	if (!copy)
		return NULL;
	if (!strcmp(copy, ".") || (n > 1 && !strcmp(copy + n - 2, "/.")))
		return strdup(".");
	while (n > 1 && copy[n - 1] == '/')
		copy[--n] = '\0';
	last = strrchr(copy, '/') ? strrchr(copy, '/') + 1 : copy;
	if (!strcmp(last, "..")) {
		real = realpath(copy, NULL);
		last = real ? strrchr(real, '/') + 1 : "";
	}
	return strdup(*last ? last : ".");
}

int hull_pack_open(const char *path, bool follow, struct hull_pack **ret, struct hull_error **err)
{
	struct hull_pack *p;
	struct stat st;

	if (fstatat(AT_FDCWD, path, &st, follow ? 0 : AT_SYMLINK_NOFOLLOW) < 0)
		return hull_fail_errno(err, errno, "'%s'", path);
	if (S_ISSOCK(st.st_mode) || S_ISCHR(st.st_mode) || S_ISBLK(st.st_mode))
		return hull_fail(err, HULL_E_UNSUPPORTED, "'%s' is a %s, which can't be copied",
				 path, S_ISSOCK(st.st_mode) ? "socket" : "device");
	p = calloc(1, sizeof(*p));
	if (!p)
		return hull_fail_nomem(err);
	p->follow = follow;
	p->path = strdup(path);
	p->name = name_of(path);
	if (p->path && p->name && hull_strbuf_adds(&p->at, p->name) == 0) {
		*ret = p;
		return 0;
	}
	hull_pack_free(p);
	return hull_fail_nomem(err);
}

int hull_pack_run(struct hull_pack *p, int fd, const struct hull_copy_ops *ops, void *ctx,
		  struct hull_error **err)
{
	p->fd = fd;
	p->ops = ops;
	p->ctx = ctx;
	if (pack_one(p, AT_FDCWD, p->path, 0, err) < 0)
		return -1;
	return put_zeros(p, 2 * HULL_TAR_BLOCK, err);
}

void hull_pack_free(struct hull_pack *p)
{
	if (!p)
		return;
	tdestroy(p->known, free_known);
	hull_strbuf_fini(&p->header);
	hull_strbuf_fini(&p->at);
	free(p->path);
	free(p->name);
	free(p);
}
