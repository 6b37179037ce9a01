/* SPDX-License-Identifier: Apache-2.0
 *
 * Making files from a tar stream, see unpack.h.
 *
 * Every path is taken apart by its text first, and then resolved by the kernel beneath the base
 * directory without any link (openat2), so that both would have to fail.  What is in a file's place
 * is removed, never written through.  A directory that was there is left as it is; one that is made
 * gets its mode and times at the end, when nothing more goes into it.
 */
#define _GNU_SOURCE
#include "base/unpack.h"

#include "base/cleanup.h"
#include "base/strbuf.h"
#include "base/tar.h"

#include <fcntl.h>
#include <linux/openat2.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#define CHUNK ((size_t)128 << 10)
#define MADE_MAX ((size_t)64 << 20) /* bytes of names of directories that wait for their modes */
#define DRAIN_MAX ((uint64_t)1 << 20)
#define TRIES 32

struct made {
	char *path;		    /* owned */
	struct hull_tar_entry meta; /* without strings */
};

struct hull_unpack {
	struct hull_unpack_options o;
	char *target; /* owned */
	int base;     /* owned: nothing is written but beneath it */
	char *as;     /* owned: what the tree is called there; NULL: as in the archive */
	bool there, must_be_dir;
	char *top; /* owned: first component of the tree's names; NULL before the first entry */
	int in;
	const struct hull_copy_ops *ops;
	void *ctx;
	uint64_t files, bytes;
	HULL_VEC(struct made) made;
	size_t made_bytes;
	char *dir;  /* owned: the last parent, which the next entry most likely has too */
	int dir_fd; /* owned */
	char buf[CHUNK];
};

/* ---- names ---- */

/* Without empty and "." components; -1 for what is absolute, goes up or is too long. */
static int clean(const char *name, struct hull_strbuf *out)
{
	if (*name == '/' || !*name)
		return -1;
	for (const char *p = name; *p;) {
		size_t len = strcspn(p, "/");

		if (len == 2 && p[0] == '.' && p[1] == '.')
			return -1;
		if (len && (len != 1 || *p != '.'))
			(void)hull_strbuf_addf(out, "%s%.*s", out->len ? "/" : "", (int)len, p);
		p += len + (p[len] == '/');
	}
	return out->failed || out->len > HULL_TAR_NAME_MAX ? -1 : 0;
}

static int unsafe(const char *name, struct hull_error **err)
{
	return hull_fail_cause(err, HULL_E_DENIED, "unsafe-name",
			       "the archive's '%s' would lead out of where it is to go", name);
}

/* Where an entry goes, beneath the base: "" is that itself. */
static int place(const struct hull_unpack *u, const char *name, struct hull_strbuf *out,
		 struct hull_error **err)
{
	cleanup_strbuf struct hull_strbuf plain = HULL_STRBUF_INIT;
	const char *rest;
	size_t n;

	if (clean(name, &plain) < 0)
		return unsafe(name, err);
	rest = hull_strbuf_str(&plain);
	if (u->o.one) {
		n = strlen(u->top);
		if (n && (strncmp(rest, u->top, n) != 0 || (rest[n] && rest[n] != '/')))
			return hull_fail_cause(err, HULL_E_DENIED, "unsafe-name",
					       "the archive has '%s', which was not asked for",
					       name);
		if (u->as) {
			rest += n + (rest[n] == '/');
			(void)hull_strbuf_addf(out, "%s%s", u->as, *rest ? "/" : "");
		}
	}
	return hull_strbuf_adds(out, rest) < 0 || out->failed ? hull_fail_nomem(err) : 0;
}

/* ---- directories ---- */

static int beneath(int base, const char *path, int flags)
{
	struct open_how how = {
		.flags = (uint64_t)(unsigned int)(flags | O_CLOEXEC | O_NOFOLLOW),
		.resolve = RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS | RESOLVE_NO_MAGICLINKS,
	};

	for (int i = 0;; i++) {
		int fd = (int)syscall(SYS_openat2, base, path, &how, sizeof(how));

		if (fd >= 0 || errno != EAGAIN || i == TRIES)
			return fd < 0 ? -errno : fd;
	}
}

static int fail_dir(int e, const char *path, struct hull_error **err)
{
	if (e == ELOOP || e == ENOTDIR || e == EXDEV)
		return hull_fail_cause(err, HULL_E_DENIED, "unsafe-name",
				       "'%s' is no directory, or behind a link", path);
	return hull_fail_errno(err, e, "open directory '%s'", path);
}

/* Archives of others need not have their directories in them. */
static int make_parents(struct hull_unpack *u, char *path, struct hull_error **err)
{
	for (char *p = path; p;) {
		cleanup_close int at = -1;
		char *slash = strchr(p, '/'), *leaf;
		int r = 0;

		if (slash)
			*slash = '\0';
		leaf = strrchr(path, '/');
		if (leaf) {
			*leaf = '\0';
			r = at = beneath(u->base, path, O_PATH | O_DIRECTORY);
			*leaf = '/';
		}
		if (r >= 0 && mkdirat(leaf ? at : u->base, leaf ? leaf + 1 : path, 0755) < 0 &&
		    errno != EEXIST)
			r = -errno;
		if (r < 0)
			return fail_dir(-r, path, err);
		if (slash)
			*slash = '/';
		p = slash ? slash + 1 : NULL;
	}
	return 0;
}

/* The directory that @path is in, and its name there; borrowed. */
static int parent(struct hull_unpack *u, char *path, int *ret_fd, const char **ret_leaf,
		  struct hull_error **err)
{
	char *slash = strrchr(path, '/');
	int fd;

	*ret_leaf = slash ? slash + 1 : path;
	*ret_fd = u->base;
	if (!slash)
		return 0;
	*slash = '\0';
	if (!u->dir || strcmp(u->dir, path) != 0) {
		fd = beneath(u->base, path, O_PATH | O_DIRECTORY);
		if (fd == -ENOENT) {
			if (make_parents(u, path, err) < 0)
				return -1;
			fd = beneath(u->base, path, O_PATH | O_DIRECTORY);
		}
		if (fd < 0)
			return fail_dir(-fd, path, err);
		hull_closep(&u->dir_fd);
		u->dir_fd = fd;
		free(u->dir);
		u->dir = strdup(path);
		if (!u->dir)
			return hull_fail_nomem(err);
	}
	*ret_fd = u->dir_fd;
	*slash = '/';
	return 0;
}

/* ---- what an entry becomes ---- */

static uint32_t mode_of(const struct hull_unpack *u, const struct hull_tar_entry *e)
{
	return e->mode & (u->o.set_id ? 07777U : 01777U);
}

static void times_of(const struct hull_tar_entry *e, struct timespec ret[2])
{
	ret[0] = (struct timespec){.tv_nsec = UTIME_OMIT};
	ret[1] = (struct timespec){.tv_sec = e->mtime_s, .tv_nsec = e->mtime_ns};
}

/* Owner first: that takes set-user-ID bits away. */
static int finish(const struct hull_unpack *u, int fd, const struct hull_tar_entry *e,
		  const char *path, struct hull_error **err)
{
	struct timespec times[2];

	times_of(e, times);
	if (u->o.owners && fchown(fd, (uid_t)e->uid, (gid_t)e->gid) < 0)
		return hull_fail_errno(err, errno, "give '%s' to its owner", path);
	if (fchmod(fd, mode_of(u, e)) < 0)
		return hull_fail_errno(err, errno, "set the mode of '%s'", path);
	if (futimens(fd, times) < 0)
		return hull_fail_errno(err, errno, "set the time of '%s'", path);
	return 0;
}

/* The same for what can't be opened. */
static int finish_at(const struct hull_unpack *u, int dir, const char *leaf,
		     const struct hull_tar_entry *e, const char *path, struct hull_error **err)
{
	struct timespec times[2];

	times_of(e, times);
	if (u->o.owners &&
	    fchownat(dir, leaf, (uid_t)e->uid, (gid_t)e->gid, AT_SYMLINK_NOFOLLOW) < 0)
		return hull_fail_errno(err, errno, "give '%s' to its owner", path);
	if (utimensat(dir, leaf, times, AT_SYMLINK_NOFOLLOW) < 0)
		return hull_fail_errno(err, errno, "set the time of '%s'", path);
	return 0;
}

static int clear(int dir, const char *leaf, const char *path, struct hull_error **err)
{
	struct stat st;
	int why;

	if (unlinkat(dir, leaf, 0) == 0 || errno == ENOENT)
		return 0;
	why = errno;
	if (fstatat(dir, leaf, &st, AT_SYMLINK_NOFOLLOW) == 0 && S_ISDIR(st.st_mode))
		return hull_fail_cause(err, HULL_E_EXISTS, "is-directory",
				       "'%s' is a directory, and is not replaced by a file", path);
	return hull_fail_errno(err, why, "replace '%s'", path);
}

static int write_at(int fd, const char *p, size_t len, uint64_t offset)
{
	while (len) {
		ssize_t n = pwrite(fd, p, len, (off_t)offset);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -errno;
		p += n;
		offset += (uint64_t)n;
		len -= (size_t)n;
	}
	return 0;
}

static int fill_file(struct hull_unpack *u, struct hull_tar_reader *r, int fd,
		     const struct hull_tar_entry *e, const char *path, struct hull_error **err)
{
	uint64_t offset;
	ssize_t n;

	while ((n = hull_tar_data(r, u->buf, sizeof(u->buf), &offset, err)) > 0) {
		int w = write_at(fd, u->buf, (size_t)n, offset);

		if (w < 0)
			return hull_fail_errno(err, -w, "write '%s'", path);
	}
	if (n < 0)
		return -1;
	if (e->sparse && ftruncate(fd, (off_t)e->size) < 0)
		return hull_fail_errno(err, errno, "make '%s' %llu bytes long", path,
				       (unsigned long long)e->size);
	return finish(u, fd, e, path, err);
}

/* One that could not be completed is not left as if it were. */
static int make_file(struct hull_unpack *u, struct hull_tar_reader *r, int dir, const char *leaf,
		     const struct hull_tar_entry *e, const char *path, struct hull_error **err)
{
	cleanup_close int fd = -1;

	if (clear(dir, leaf, path, err) < 0)
		return -1;
	fd = openat(dir, leaf, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
	if (fd < 0)
		return hull_fail_errno(err, errno, "make '%s'", path);
	if (fill_file(u, r, fd, e, path, err) == 0)
		return 0;
	(void)unlinkat(dir, leaf, 0);
	return -1;
}

static int make_dir(struct hull_unpack *u, int dir, const char *leaf,
		    const struct hull_tar_entry *e, const char *path, struct hull_error **err)
{
	struct made *m;
	struct stat st;

	if (mkdirat(dir, leaf, 0700) < 0) {
		if (errno != EEXIST)
			return hull_fail_errno(err, errno, "make directory '%s'", path);
		if (fstatat(dir, leaf, &st, AT_SYMLINK_NOFOLLOW) == 0 && S_ISDIR(st.st_mode))
			return 0;
		return hull_fail_cause(err, HULL_E_EXISTS, "not-directory",
				       "'%s' is there and is no directory", path);
	}
	u->made_bytes += strlen(path) + sizeof(*m);
	if (u->made_bytes > MADE_MAX)
		return hull_fail(err, HULL_E_EXHAUSTED, "the archive has too many directories");
	m = hull_vec_push(&u->made);
	if (!m)
		return hull_fail_nomem(err);
	m->meta = (struct hull_tar_entry){.mode = e->mode,
					  .uid = e->uid,
					  .gid = e->gid,
					  .mtime_s = e->mtime_s,
					  .mtime_ns = e->mtime_ns};
	m->path = strdup(path);
	return m->path ? 0 : hull_fail_nomem(err);
}

/* Its mode is the archive's, whatever the umask takes away. */
static int make_fifo(int dir, const char *leaf, mode_t mode)
{
	struct stat st;

	if (mknodat(dir, leaf, S_IFIFO | mode, 0) < 0 ||
	    fstatat(dir, leaf, &st, AT_SYMLINK_NOFOLLOW) < 0)
		return -1;
	return (st.st_mode & 0777) == mode ? 0 : fchmodat(dir, leaf, mode, AT_SYMLINK_NOFOLLOW);
}

/* To one that the archive may have, or that is there already: within the target both. */
static int make_hard_link(struct hull_unpack *u, const struct hull_tar_entry *e, char *path,
			  struct hull_error **err)
{
	cleanup_strbuf struct hull_strbuf old = HULL_STRBUF_INIT;
	cleanup_close int from = -1;
	const char *from_leaf, *leaf;
	int dir;

	if (place(u, e->link, &old, err) < 0)
		return -1;
	if (!old.len || !strcmp(old.data, path))
		return unsafe(e->link, err);
	if (parent(u, old.data, &dir, &from_leaf, err) < 0)
		return -1;
	from = dup(dir); /* the next one may take its place */
	if (from < 0)
		return hull_fail_errno(err, errno, "link '%s'", path);
	if (parent(u, path, &dir, &leaf, err) < 0 || clear(dir, leaf, path, err) < 0)
		return -1;
	if (linkat(from, from_leaf, dir, leaf, 0) < 0)
		return hull_fail_errno(err, errno, "link '%s' to '%s'", path, old.data);
	return 0;
}

static void note(struct hull_unpack *u, const char *name, const char *what)
{
	cleanup_strbuf struct hull_strbuf text = HULL_STRBUF_INIT;

	if (u->ops->note && hull_strbuf_addf(&text, "'%s' %s", name, what) == 0)
		u->ops->note(u->ctx, hull_strbuf_str(&text));
}

static int make(struct hull_unpack *u, struct hull_tar_reader *r, const struct hull_tar_entry *e,
		char *path, struct hull_error **err)
{
	const char *leaf;
	int dir;

	if (e->type == HULL_TAR_HARD_LINK)
		return make_hard_link(u, e, path, err);
	if (parent(u, path, &dir, &leaf, err) < 0)
		return -1;
	switch (e->type) {
	case HULL_TAR_FILE:
		return make_file(u, r, dir, leaf, e, path, err);
	case HULL_TAR_DIRECTORY:
		return make_dir(u, dir, leaf, e, path, err);
	case HULL_TAR_SYMLINK:
		if (clear(dir, leaf, path, err) < 0)
			return -1;
		if (symlinkat(e->link, dir, leaf) < 0)
			return hull_fail_errno(err, errno, "make link '%s'", path);
		return finish_at(u, dir, leaf, e, path, err);
	case HULL_TAR_FIFO:
		if (clear(dir, leaf, path, err) < 0)
			return -1;
		if (make_fifo(dir, leaf, mode_of(u, e) & 0777) < 0)
			return hull_fail_errno(err, errno, "make FIFO '%s'", path);
		return finish_at(u, dir, leaf, e, path, err);
	default:
		note(u, e->name, "is a device, which is left out");
		return 0;
	}
}

/* ---- from start to end ---- */

/* The tree's first entry is its root, and decides what the target's name means. */
static int begin(struct hull_unpack *u, const struct hull_tar_entry *e, struct hull_error **err)
{
	cleanup_strbuf struct hull_strbuf plain = HULL_STRBUF_INIT;
	bool is_dir = e->type == HULL_TAR_DIRECTORY;

	if (clean(e->name, &plain) < 0)
		return unsafe(e->name, err);
	if (strchr(hull_strbuf_str(&plain), '/') || (!plain.len && !is_dir))
		return hull_fail(err, HULL_E_CORRUPT, "the archive does not begin with its tree");
	u->top = strdup(hull_strbuf_str(&plain));
	if (!u->top)
		return hull_fail_nomem(err);
	if (is_dir && u->there && u->as)
		return hull_fail_cause(err, HULL_E_EXISTS, "not-directory",
				       "'%s' is no directory, and what is copied is one",
				       u->target);
	if (!is_dir && u->must_be_dir && u->as)
		return hull_fail_cause(err, HULL_E_NOT_FOUND, "no-such-directory",
				       "there is no directory '%s'", u->target);
	return 0;
}

static int unpack_one(struct hull_unpack *u, struct hull_tar_reader *r,
		      const struct hull_tar_entry *e, struct hull_error **err)
{
	cleanup_strbuf struct hull_strbuf path = HULL_STRBUF_INIT;

	if (u->o.one && !u->top && begin(u, e, err) < 0)
		return -1;
	if (place(u, e->name, &path, err) < 0)
		return -1;
	u->files++;
	if (path.len)
		return make(u, r, e, path.data, err);
	return e->type == HULL_TAR_DIRECTORY ? 0 : unsafe(e->name, err);
}

static int finish_dirs(struct hull_unpack *u, struct hull_error **err)
{
	for (size_t i = u->made.n; i > 0; i--) {
		const struct made *m = &u->made.v[i - 1];
		cleanup_close int fd = beneath(u->base, m->path, O_RDONLY | O_DIRECTORY);

		if (fd < 0)
			return fail_dir(-fd, m->path, err);
		if (finish(u, fd, &m->meta, m->path, err) < 0)
			return -1;
	}
	return 0;
}

static ssize_t read_in(void *ctx, void *buf, size_t len)
{
	struct hull_unpack *u = ctx;
	ssize_t n;

	do {
		n = u->ops->read ? u->ops->read(u->ctx, buf, len) : read(u->in, buf, len);
		if (n < 0 && !u->ops->read)
			n = -errno;
	} while (n == -EINTR);
	if (n > 0)
		u->bytes += (uint64_t)n;
	if (u->ops->progress)
		u->ops->progress(u->ctx, u->files, u->bytes);
	return n;
}

/* Others fill up what they write, and are to get rid of it. */
static void drain(struct hull_unpack *u)
{
	for (uint64_t n = 0; n < DRAIN_MAX; n += CHUNK)
		if (read_in(u, u->buf, CHUNK) <= 0)
			return;
}

int hull_unpack_run(struct hull_unpack *u, int fd, const struct hull_copy_ops *ops, void *ctx,
		    struct hull_error **err)
{
	cleanup_with(hull_tar_reader_fini) struct hull_tar_reader r = {.read = read_in, .ctx = u};
	const struct hull_tar_entry *e;
	int more;

	u->in = fd;
	u->ops = ops;
	u->ctx = ctx;
	while ((more = hull_tar_next(&r, &e, err)) > 0)
		if (unpack_one(u, &r, e, err) < 0)
			return -1;
	if (more == 0 && u->o.one && !u->top)
		return hull_fail_cause(err, HULL_E_CORRUPT, "truncated",
				       "the archive ends before it has begun");
	if (more < 0 || finish_dirs(u, err) < 0)
		return -1;
	drain(u);
	return 0;
}

/* ---- the target ---- */

static int open_base(struct hull_unpack *u, const char *dir, struct hull_error **err)
{
	u->base = open(dir, O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (u->base >= 0)
		return 0;
	if (errno == ENOENT)
		return hull_fail_cause(err, HULL_E_NOT_FOUND, "no-such-directory",
				       "there is no directory '%s'", dir);
	return hull_fail_errno(err, errno, "open directory '%s'", dir);
}

/* @path is to be made, or replaced, in the directory that it is in. */
static int aim(struct hull_unpack *u, char *path, struct hull_error **err)
{
	size_t n = strlen(path);
	char *slash;

	while (n > 1 && path[n - 1] == '/')
		path[--n] = '\0';
	slash = strrchr(path, '/');
	u->as = strdup(slash ? slash + 1 : path);
	if (!u->as)
		return hull_fail_nomem(err);
	if (!*u->as || !strcmp(u->as, ".") || !strcmp(u->as, ".."))
		return hull_fail_cause(err, HULL_E_NOT_FOUND, "no-such-directory",
				       "there is no directory '%s'", path);
	if (slash)
		*slash = '\0';
	return open_base(u, !slash ? "." : *path ? path : "/", err);
}

static int look_at(struct hull_unpack *u, struct hull_error **err)
{
	cleanup_free char *path = NULL;
	size_t n = strlen(u->target);
	struct stat st;

	if (!n)
		return hull_fail(err, HULL_E_INVALID, "a path is missing");
	u->must_be_dir = u->target[n - 1] == '/' || !u->o.one;
	u->there = stat(u->target, &st) == 0;
	if (!u->there && errno != ENOENT && errno != ENOTDIR)
		return hull_fail_errno(err, errno, "'%s'", u->target);
	if (u->there ? S_ISDIR(st.st_mode) : !u->o.one)
		return open_base(u, u->target, err);
	if (u->there && !u->o.one)
		return hull_fail_cause(err, HULL_E_EXISTS, "not-directory", "'%s' is no directory",
				       u->target);
	/* A link to a file stays one. */
	path = u->there ? realpath(u->target, NULL) : strdup(u->target);
	return path ? aim(u, path, err) : hull_fail_errno(err, errno, "'%s'", u->target);
}

int hull_unpack_open(const struct hull_unpack_options *options, struct hull_unpack **ret,
		     struct hull_error **err)
{
	struct hull_unpack *u = calloc(1, sizeof(*u));

	if (!u)
		return hull_fail_nomem(err);
	u->o = *options;
	u->base = u->dir_fd = -1;
	u->target = strdup(options->target);
	if (!u->target)
		hull_fail_nomem(err);
	if (u->target && look_at(u, err) == 0) {
		*ret = u;
		return 0;
	}
	hull_unpack_free(u);
	return -1;
}

void hull_unpack_free(struct hull_unpack *u)
{
	if (!u)
		return;
	for (size_t i = 0; i < u->made.n; i++)
		free(u->made.v[i].path);
	free(u->made.v);
	hull_closep(&u->base);
	hull_closep(&u->dir_fd);
	free(u->target);
	free(u->as);
	free(u->top);
	free(u->dir);
	free(u);
}
