/* SPDX-License-Identifier: Apache-2.0
 *
 * What virtiofsd can't be told by options: a module preloaded into it.  The daemon owns none of
 * the files it serves and has no capability, which neither virtiofsd nor the guest's kernel expect.
 *
 *   O_NOATIME      Linux opens the files of an overlay's lower layer with it, virtiofsd passes it
 *                  on, and only a file's owner may use it: without it nothing could be opened.
 *   owners         In an ordinary user's namespace every other user is the overflow id, "nobody".
 *                  A guest that saw that would make nobody of root when it runs su or mount.  So
 *                  whoever is unknown is shown as 0.  The check of rights stays the host's.
 *   setgroups()    can't work there; virtiofsd gives up over it.  The groups' rights stay.
 *
 * The last two only where HULL_SHARE_OVERFLOW=UID:GID is in the environment.  Symbols are the ones
 * that programs built for 64-bit file offsets refer to.
 */
#define _GNU_SOURCE
/* Each of the two would turn the names defined here into other ones. */
#undef _FILE_OFFSET_BITS
#undef _FORTIFY_SOURCE

#include <dlfcn.h>
#include <fcntl.h>
#include <grp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/stat.h>

#define EXPORT __attribute__((visibility("default")))

/* In glibc's ABI, for calls whose flags the compiler did not know; no header declares it. */
int __openat64_2(int dirfd, const char *path, int flags);

static int (*next_openat)(int, const char *, int, ...);
static int (*next_fstatat)(int, const char *, struct stat64 *, int);
static int (*next_statx)(int, const char *, int, unsigned int, struct statx *);
static int (*next_setgroups)(size_t, const gid_t *);
static bool overflow;
static uint32_t overflow_uid, overflow_gid;

static void find(void *ret_function, const char *name)
{
	void *p = dlsym(RTLD_NEXT, name);

	if (!p)
		abort(); /* no C library that this was built for */
	*(void **)ret_function = p;
}

static bool take_id(const char **s, char end, uint32_t *ret)
{
	uint64_t id = 0;
	const char *p = *s;

	for (; *p >= '0' && *p <= '9' && id <= UINT32_MAX; p++)
		id = id * 10 + (uint64_t)(*p - '0');
	if (p == *s || *p != end || id > UINT32_MAX)
		return false;
	*ret = (uint32_t)id;
	*s = p + 1;
	return true;
}

__attribute__((constructor)) static void init(void)
{
	const char *ids = getenv("HULL_SHARE_OVERFLOW");

	find(&next_openat, "openat64");
	find(&next_fstatat, "fstatat64");
	find(&next_statx, "statx");
	find(&next_setgroups, "setgroups");
	overflow = ids && take_id(&ids, ':', &overflow_uid) && take_id(&ids, '\0', &overflow_gid);
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
	return next_openat(dirfd, path, flags & ~O_NOATIME, mode);
}

EXPORT int __openat64_2(int dirfd, const char *path, int flags)
{
	return next_openat(dirfd, path, flags & ~O_NOATIME);
}

EXPORT int fstatat64(int dirfd, const char *path, struct stat64 *st, int flags)
{
	int r = next_fstatat(dirfd, path, st, flags);

	if (r == 0 && overflow) {
		st->st_uid = st->st_uid == overflow_uid ? 0 : st->st_uid;
		st->st_gid = st->st_gid == overflow_gid ? 0 : st->st_gid;
	}
	return r;
}

EXPORT int statx(int dirfd, const char *path, int flags, unsigned int mask, struct statx *st)
{
	int r = next_statx(dirfd, path, flags, mask, st);

	if (r == 0 && overflow) {
		st->stx_uid = st->stx_uid == overflow_uid ? 0 : st->stx_uid;
		st->stx_gid = st->stx_gid == overflow_gid ? 0 : st->stx_gid;
	}
	return r;
}

EXPORT int setgroups(size_t n, const gid_t *groups)
{
	return overflow ? 0 : next_setgroups(n, groups);
}
