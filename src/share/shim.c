/* SPDX-License-Identifier: Apache-2.0
 *
 * What a server of files can't be told by options: a module preloaded into it.  The server has no
 * capability and is one user, which neither it nor the guest's kernel expect.  It is virtiofsd, or
 * a QEMU that serves directories by itself, over 9p.
 *
 *   O_NOATIME      Linux opens the files of an overlay's lower layer with it, virtiofsd passes it
 *                  on, and only a file's owner may use it: without it nothing could be opened.
 *   owners         shown as the environment says: what the daemon's user owns as one user, all else
 *                  as another.  A guest that saw "nobody" where root is meant would make nobody of
 *                  root when it runs su or mount.  The check of rights stays the host's.
 *   changing them  Whoever acts in the guest, it is the daemon's user that acts here: a change of
 *                  fsuid before a file is made, and chown, do nothing and succeed.
 *   modes          No set-user-ID or set-group-ID program and no device comes to be on the host; a
 *                  directory keeps its set-group-ID bit.  (filter.c refuses what gets past this.)
 *   setgroups()    can't work in a user namespace; virtiofsd gives up over it.
 *
 * All but the first only where HULL_SHARE_IDS is in the environment: "OWNER:SHOWN[:OTHERS]", each
 * UID:GID; owner is what the server's user looks like from here.  Without OTHERS, who then are
 * shown as they are, it is QEMU.  Symbols are the ones that programs built for 64-bit file offsets
 * refer to.
 *
 *   rights of "others"  what virtiofsd has by being nobody in particular, QEMU has not: it is a
 *                  user, who may read more than everybody may.  In a directory that was opened as
 *                  "/proc/self/hull-others/FD", which is /proc/self/fd/FD and which nobody knows
 *                  but this module, only what everybody may read is opened, and nothing that
 *                  HULL_SHARE_HIDDEN lists ("DEVICE:INODE:DEVICE:INODE...").  QEMU walks name by
 *                  name from a directory it has opened, so that a mark on each descriptor, handed
 *                  down, tells where it is.
 */
#define _GNU_SOURCE
/* Each of the two would turn the names defined here into other ones. */
#undef _FILE_OFFSET_BITS
#undef _FORTIFY_SOURCE

#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#define EXPORT __attribute__((visibility("default")))

/* In glibc's ABI, for calls whose flags the compiler did not know; no header declares them. */
int __open64_2(const char *path, int flags);
int __openat64_2(int dirfd, const char *path, int flags);

static int (*next_open)(const char *, int, ...);
static int (*next_openat)(int, const char *, int, ...);
static int (*next_fstat)(int, struct stat64 *);
static int (*next_fstatat)(int, const char *, struct stat64 *, int);
static int (*next_statx)(int, const char *, int, unsigned int, struct statx *);
static int (*next_setgroups)(size_t, const gid_t *);
static int (*next_chmod)(const char *, mode_t);
static int (*next_fchmod)(int, mode_t);
static int (*next_fchmodat)(int, const char *, mode_t, int);
static int (*next_fchownat)(int, const char *, uid_t, gid_t, int);
static int (*next_mknodat)(int, const char *, mode_t, dev_t);
static long (*next_syscall)(long, ...);

struct id {
	uint32_t uid, gid;
};
static struct {
	bool set;
	struct id owner, shown, others;
} ids;
static bool is_qemu;

#define MAX_HIDDEN 1024
static uint64_t hidden[2 * MAX_HIDDEN]; /* device, inode */
static size_t n_hidden;

static void find(void *ret_function, const char *name)
{
	void *p = dlsym(RTLD_NEXT, name);

	if (!p)
		abort(); /* no C library that this was built for */
	*(void **)ret_function = p;
}

static bool take_number(const char **s, uint64_t max, uint64_t *ret)
{
	uint64_t n = 0;
	const char *p = *s;

	for (; *p >= '0' && *p <= '9'; p++)
		if (__builtin_mul_overflow(n, 10, &n) ||
		    __builtin_add_overflow(n, (uint64_t)(*p - '0'), &n))
			return false;
	if (p == *s || (*p && *p != ':') || n > max)
		return false;
	*ret = n;
	*s = *p ? p + 1 : p;
	return true;
}

static bool take_id(const char **s, struct id *ret)
{
	uint64_t uid, gid;

	if (!take_number(s, UINT32_MAX, &uid) || !take_number(s, UINT32_MAX, &gid))
		return false;
	*ret = (struct id){(uint32_t)uid, (uint32_t)gid};
	return true;
}

/* A variable that is not there is an empty list. */
static size_t take_list(const char *variable, uint64_t *ret, size_t max)
{
	const char *s = getenv(variable);
	size_t n = 0;

	while (s && *s)
		if (n == max || !take_number(&s, UINT64_MAX, &ret[n++]))
			abort();
	return n;
}

static void find_functions(void)
{
	find(&next_open, "open64");
	find(&next_openat, "openat64");
	find(&next_fstat, "fstat64");
	find(&next_fstatat, "fstatat64");
	find(&next_statx, "statx");
	find(&next_setgroups, "setgroups");
	find(&next_chmod, "chmod");
	find(&next_fchmod, "fchmod");
	find(&next_fchmodat, "fchmodat");
	find(&next_fchownat, "fchownat");
	find(&next_mknodat, "mknodat");
}

/* Another library's constructor may come before ours. */
static void ready(void)
{
	if (!next_mknodat)
		find_functions();
}

__attribute__((constructor)) static void init(void)
{
	const char *s = getenv("HULL_SHARE_IDS");

	find_functions();
	if (!s)
		return;
	if (!take_id(&s, &ids.owner) || !take_id(&s, &ids.shown))
		abort();
	is_qemu = !*s;
	if (*s && (!take_id(&s, &ids.others) || *s))
		abort();
	n_hidden = take_list("HULL_SHARE_HIDDEN", hidden, 2 * (size_t)MAX_HIDDEN);
	ids.set = true;
}

/* ---- rights of others ---- */

/* Bit by bit: the descriptor is of something in one of those directories.  One beyond what this
 * holds is not to be had there. */
#define MAX_FD ((size_t)1 << 20)
static _Atomic uint8_t marks[MAX_FD / 8];

static bool is_marked(int fd)
{
	return fd >= 0 && (size_t)fd < MAX_FD && marks[fd / 8] & 1 << fd % 8;
}

/* False if there is no room for the mark. */
static bool mark(int fd, bool set)
{
	uint8_t bit = (uint8_t)(1 << fd % 8);

	if ((size_t)fd >= MAX_FD)
		return !set;
	if (set)
		marks[fd / 8] |= bit;
	else if (marks[fd / 8] & bit)
		marks[fd / 8] &= (uint8_t)~bit;
	return true;
}

static bool is_hidden(const struct stat64 *st)
{
	for (size_t i = 0; i + 1 < n_hidden; i += 2)
		if (st->st_dev == hidden[i] && st->st_ino == hidden[i + 1])
			return true;
	return false;
}

/* A directory opened as a mere place is one to go through. */
static bool everybody_may(int fd, int flags)
{
	struct stat64 st;
	mode_t need = S_IROTH;

	if (next_fstat(fd, &st) < 0 || is_hidden(&st))
		return false;
	if (flags & O_PATH)
		need = S_ISDIR(st.st_mode) ? S_IXOTH : 0;
	return (st.st_mode & need) == need;
}

/* Passes on @fd, just opened in @dirfd; closes it if it must not be had. */
static int admit(int dirfd, int fd, int flags)
{
	bool inside = is_marked(dirfd);

	if (fd < 0 || (mark(fd, inside) && (!inside || everybody_may(fd, flags))))
		return fd;
	(void)close(fd); /* only looked at */
	errno = EACCES;
	return -1;
}

static int open_path(const char *path, int flags, mode_t mode)
{
	static const char prefix[] = "/proc/self/hull-others/";
	char real[64] = "/proc/self/fd/";
	bool others;
	int fd;

	ready();
	others = ids.set && !strncmp(path, prefix, sizeof(prefix) - 1);
	if (others)
		strncat(real, path + sizeof(prefix) - 1, 16);
	fd = next_open(others ? real : path, flags, mode);
	if (fd < 0 || mark(fd, others))
		return fd;
	(void)close(fd); /* only looked at */
	errno = EMFILE;
	return -1;
}

/* ---- modes ---- */

static mode_t plain(mode_t mode)
{
	return ids.set ? mode & ~(mode_t)(S_ISUID | S_ISGID) : mode;
}

/* A directory's set-group-ID bit stays: what is made in it shall belong to its group. */
static mode_t plain_of(const struct stat64 *st, int r, mode_t mode)
{
	return r == 0 && S_ISDIR(st->st_mode) && ids.set ? mode & ~(mode_t)S_ISUID : plain(mode);
}

static bool makes(int flags)
{
	return flags & (O_CREAT | __O_TMPFILE);
}

/* QEMU tries again by itself, and can't bear a descriptor without a flag that it asked for. */
static int allowed(int flags)
{
	return is_qemu ? flags : flags & ~O_NOATIME;
}

EXPORT int open64(const char *path, int flags, ...)
{
	mode_t mode = 0;
	va_list ap;

	if (makes(flags)) {
		va_start(ap, flags);
		mode = va_arg(ap, mode_t);
		va_end(ap);
	}
	return open_path(path, flags, plain(mode));
}

EXPORT int __open64_2(const char *path, int flags)
{
	return open_path(path, flags, 0);
}

EXPORT int openat64(int dirfd, const char *path, int flags, ...)
{
	mode_t mode = 0;
	va_list ap;

	if (makes(flags)) {
		va_start(ap, flags);
		mode = va_arg(ap, mode_t);
		va_end(ap);
	}
	ready();
	flags = allowed(flags);
	return admit(dirfd, next_openat(dirfd, path, flags, plain(mode)), flags);
}

EXPORT int __openat64_2(int dirfd, const char *path, int flags)
{
	ready();
	flags = allowed(flags);
	return admit(dirfd, next_openat(dirfd, path, flags), flags);
}

EXPORT int chmod(const char *path, mode_t mode)
{
	struct stat64 st;

	return next_chmod(path, plain_of(&st, next_fstatat(AT_FDCWD, path, &st, 0), mode));
}

EXPORT int fchmod(int fd, mode_t mode)
{
	struct stat64 st;

	return next_fchmod(fd, plain_of(&st, next_fstatat(fd, "", &st, AT_EMPTY_PATH), mode));
}

EXPORT int fchmodat(int dirfd, const char *path, mode_t mode, int flags)
{
	struct stat64 st;

	return next_fchmodat(dirfd, path, plain_of(&st, next_fstatat(dirfd, path, &st, 0), mode),
			     flags);
}

EXPORT int mknodat(int dirfd, const char *path, mode_t mode, dev_t dev)
{
	if (ids.set && (S_ISCHR(mode) || S_ISBLK(mode))) {
		errno = EPERM;
		return -1;
	}
	return next_mknodat(dirfd, path, plain(mode), dev);
}

/* ---- owners ---- */

static void show(uint32_t *uid, uint32_t *gid)
{
	if (*uid == ids.owner.uid)
		*uid = ids.shown.uid;
	else if (!is_qemu)
		*uid = ids.others.uid;
	if (*gid == ids.owner.gid)
		*gid = ids.shown.gid;
	else if (!is_qemu)
		*gid = ids.others.gid;
}

EXPORT int fstat64(int fd, struct stat64 *st)
{
	int r;

	ready();
	r = next_fstat(fd, st);
	if (r == 0 && ids.set)
		show(&st->st_uid, &st->st_gid);
	return r;
}

EXPORT int fstatat64(int dirfd, const char *path, struct stat64 *st, int flags)
{
	int r;

	ready();
	r = next_fstatat(dirfd, path, st, flags);
	if (r == 0 && ids.set)
		show(&st->st_uid, &st->st_gid);
	return r;
}

EXPORT int statx(int dirfd, const char *path, int flags, unsigned int mask, struct statx *st)
{
	int r;

	ready();
	r = next_statx(dirfd, path, flags, mask, st);
	if (r == 0 && ids.set)
		show(&st->stx_uid, &st->stx_gid);
	return r;
}

EXPORT int fchownat(int dirfd, const char *path, uid_t uid, gid_t gid, int flags)
{
	return ids.set ? 0 : next_fchownat(dirfd, path, uid, gid, flags);
}

EXPORT int setgroups(size_t n, const gid_t *groups)
{
	return ids.set ? 0 : next_setgroups(n, groups);
}

/* virtiofsd changes the ids of its one thread, which the C library's functions would not. */
EXPORT long syscall(long number, ...)
{
	long a[6];
	va_list ap;

	va_start(ap, number);
	for (int i = 0; i < 6; i++)
		a[i] = va_arg(ap, long);
	va_end(ap);
	if (ids.set && (number == SYS_setresuid || number == SYS_setresgid))
		return 0;
	if (!next_syscall) /* another library's constructor came before ours */
		find(&next_syscall, "syscall");
	return next_syscall(number, a[0], a[1], a[2], a[3], a[4], a[5]);
}
