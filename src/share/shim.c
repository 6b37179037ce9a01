/* SPDX-License-Identifier: Apache-2.0
 *
 * What virtiofsd can't be told by options: a module preloaded into it.  The daemon has no
 * capability and is one user, which neither virtiofsd nor the guest's kernel expect.
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
 * All but the first only where HULL_SHARE_IDS is in the environment: "OWNER:SHOWN:OTHERS", each
 * UID:GID; owner is what the daemon's user looks like from here.  Symbols are the ones that
 * programs built for 64-bit file offsets refer to.
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
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#define EXPORT __attribute__((visibility("default")))

/* In glibc's ABI, for calls whose flags the compiler did not know; no header declares it. */
int __openat64_2(int dirfd, const char *path, int flags);

static int (*next_openat)(int, const char *, int, ...);
static int (*next_fstatat)(int, const char *, struct stat64 *, int);
static int (*next_statx)(int, const char *, int, unsigned int, struct statx *);
static int (*next_setgroups)(size_t, const gid_t *);
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

static void find(void *ret_function, const char *name)
{
	void *p = dlsym(RTLD_NEXT, name);

	if (!p)
		abort(); /* no C library that this was built for */
	*(void **)ret_function = p;
}

static bool take_number(const char **s, uint32_t *ret)
{
	uint64_t n = 0;
	const char *p = *s;

	for (; *p >= '0' && *p <= '9' && n <= UINT32_MAX; p++)
		n = n * 10 + (uint64_t)(*p - '0');
	if (p == *s || (*p && *p != ':') || n > UINT32_MAX)
		return false;
	*ret = (uint32_t)n;
	*s = *p ? p + 1 : p;
	return true;
}

static bool take_id(const char **s, struct id *ret)
{
	return take_number(s, &ret->uid) && take_number(s, &ret->gid);
}

__attribute__((constructor)) static void init(void)
{
	const char *s = getenv("HULL_SHARE_IDS");

	find(&next_openat, "openat64");
	find(&next_fstatat, "fstatat64");
	find(&next_statx, "statx");
	find(&next_setgroups, "setgroups");
	find(&next_fchmod, "fchmod");
	find(&next_fchmodat, "fchmodat");
	find(&next_fchownat, "fchownat");
	find(&next_mknodat, "mknodat");
	if (!s)
		return;
	if (!take_id(&s, &ids.owner) || !take_id(&s, &ids.shown) || !take_id(&s, &ids.others) || *s)
		abort();
	ids.set = true;
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

EXPORT int openat64(int dirfd, const char *path, int flags, ...)
{
	mode_t mode = 0;
	va_list ap;

	if (flags & (O_CREAT | __O_TMPFILE)) {
		va_start(ap, flags);
		mode = va_arg(ap, mode_t);
		va_end(ap);
	}
	return next_openat(dirfd, path, flags & ~O_NOATIME, plain(mode));
}

EXPORT int __openat64_2(int dirfd, const char *path, int flags)
{
	return next_openat(dirfd, path, flags & ~O_NOATIME);
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

EXPORT int fstatat64(int dirfd, const char *path, struct stat64 *st, int flags)
{
	int r = next_fstatat(dirfd, path, st, flags);

	if (r == 0 && ids.set) {
		st->st_uid = (st->st_uid == ids.owner.uid ? ids.shown : ids.others).uid;
		st->st_gid = (st->st_gid == ids.owner.gid ? ids.shown : ids.others).gid;
	}
	return r;
}

EXPORT int statx(int dirfd, const char *path, int flags, unsigned int mask, struct statx *st)
{
	int r = next_statx(dirfd, path, flags, mask, st);

	if (r == 0 && ids.set) {
		st->stx_uid = (st->stx_uid == ids.owner.uid ? ids.shown : ids.others).uid;
		st->stx_gid = (st->stx_gid == ids.owner.gid ? ids.shown : ids.others).gid;
	}
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
