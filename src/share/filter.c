/* SPDX-License-Identifier: Apache-2.0
 *
 * The filter of filter.h.  The shim turns the same requests into harmless ones, so that programs in
 * the guest go on; what meets the filter has got past the shim, and fails with EPERM.
 *
 * No device nodes: the kernel asks for a capability, but not for the one it calls a whiteout.  No
 * set-user-ID files, nor set-group-ID ones as far as their making can be told from a directory's.
 * What hides its arguments in memory is refused whole.
 */
#define _GNU_SOURCE
#include "share/filter.h"

#include "base/cleanup.h"
#include "base/path.h"
#include "base/strbuf.h"

#include <errno.h>
#include <fcntl.h>
#include <seccomp.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#define NR_FCHMODAT2 452 /* newer than the library's table */

#define PROGRAM_MAX (BPF_MAXINSNS * sizeof(struct sock_filter))

#define MASKED(arg, mask, value) \
	SCMP_CMP(arg, SCMP_CMP_MASKED_EQ, (uint64_t)(mask), (uint64_t)(value))

/* Refuses @nr where argument @arg has all of @bits. */
static int refuse_bits(scmp_filter_ctx f, int nr, unsigned int arg, uint64_t bits)
{
	return seccomp_rule_add(f, SCMP_ACT_ERRNO(EPERM), nr, 1, MASKED(arg, bits, bits));
}

static int refuse_modes(scmp_filter_ctx f)
{
	static const struct {
		int nr;
		unsigned int mode; /* which argument */
		uint64_t bits;
	} refused[] = {
		{SCMP_SYS(chmod), 1, S_ISUID},	  {SCMP_SYS(fchmod), 1, S_ISUID},
		{SCMP_SYS(fchmodat), 2, S_ISUID}, {NR_FCHMODAT2, 2, S_ISUID},
		{SCMP_SYS(creat), 1, S_ISUID},	  {SCMP_SYS(creat), 1, S_ISGID},
		{SCMP_SYS(mknod), 1, S_ISUID},	  {SCMP_SYS(mknod), 1, S_ISGID},
		{SCMP_SYS(mknodat), 2, S_ISUID},  {SCMP_SYS(mknodat), 2, S_ISGID},
	};
	int r = 0;

	for (size_t i = 0; r == 0 && i < ARRAY_SIZE(refused); i++)
		r = refuse_bits(f, refused[i].nr, refused[i].mode, refused[i].bits);
	return r;
}

/* The mode of open() counts only when it makes a file. */
static int refuse_opens(scmp_filter_ctx f)
{
	static const uint64_t makes[] = {O_CREAT, __O_TMPFILE}, bits[] = {S_ISUID, S_ISGID};
	int r = 0;

	for (size_t i = 0; r == 0 && i < ARRAY_SIZE(makes) * ARRAY_SIZE(bits); i++) {
		uint64_t make = makes[i / 2], bit = bits[i % 2];

		r = seccomp_rule_add(f, SCMP_ACT_ERRNO(EPERM), SCMP_SYS(open), 2,
				     MASKED(1, make, make), MASKED(2, bit, bit));
		if (r == 0)
			r = seccomp_rule_add(f, SCMP_ACT_ERRNO(EPERM), SCMP_SYS(openat), 2,
					     MASKED(2, make, make), MASKED(3, bit, bit));
	}
	return r;
}

static int refuse_devices(scmp_filter_ctx f)
{
	static const uint64_t types[] = {S_IFCHR, S_IFBLK};
	/* Leaves a whiteout behind; as if the file system did not know it. */
	int r = seccomp_rule_add(f, SCMP_ACT_ERRNO(EINVAL), SCMP_SYS(renameat2), 1,
				 MASKED(4, RENAME_WHITEOUT, RENAME_WHITEOUT));

	for (size_t i = 0; r == 0 && i < ARRAY_SIZE(types); i++) {
		r = seccomp_rule_add(f, SCMP_ACT_ERRNO(EPERM), SCMP_SYS(mknod), 1,
				     MASKED(1, S_IFMT, types[i]));
		if (r == 0)
			r = seccomp_rule_add(f, SCMP_ACT_ERRNO(EPERM), SCMP_SYS(mknodat), 1,
					     MASKED(2, S_IFMT, types[i]));
	}
	return r;
}

static int refuse_hidden(scmp_filter_ctx f)
{
	int r = seccomp_rule_add(f, SCMP_ACT_ERRNO(ENOSYS), SCMP_SYS(openat2), 0);

	return r < 0 ? r : seccomp_rule_add(f, SCMP_ACT_ERRNO(ENOSYS), SCMP_SYS(io_uring_setup), 0);
}

/* As a file system that has none answers.  virtiofsd is told not to ask for any. */
static int refuse_attributes(scmp_filter_ctx f)
{
	static const int calls[] = {
		SCMP_SYS(setxattr),    SCMP_SYS(lsetxattr),    SCMP_SYS(fsetxattr),
		SCMP_SYS(getxattr),    SCMP_SYS(lgetxattr),    SCMP_SYS(fgetxattr),
		SCMP_SYS(listxattr),   SCMP_SYS(llistxattr),   SCMP_SYS(flistxattr),
		SCMP_SYS(removexattr), SCMP_SYS(lremovexattr), SCMP_SYS(fremovexattr),
	};
	int r = 0;

	for (size_t i = 0; r == 0 && i < ARRAY_SIZE(calls); i++)
		r = seccomp_rule_add(f, SCMP_ACT_ERRNO(EOPNOTSUPP), calls[i], 0);
	return r;
}

static int add_rules(scmp_filter_ctx f)
{
	int r = refuse_modes(f);

	if (r == 0)
		r = refuse_opens(f);
	if (r == 0)
		r = refuse_devices(f);
	return r == 0 ? refuse_hidden(f) : r;
}

int hull_filter_install(struct hull_error **err)
{
	scmp_filter_ctx f = seccomp_init(SCMP_ACT_ALLOW);
	int r;

	if (!f)
		return hull_fail_nomem(err);
	r = add_rules(f);
	if (r == 0)
		r = seccomp_load(f);
	seccomp_release(f);
	return r < 0 ? hull_fail_errno(err, -r, "install the system call filter") : 0;
}

/* The library writes a program to a file only. */
static int export(scmp_filter_ctx f, struct hull_strbuf *out)
{
	cleanup_close int fd = memfd_create("filter", MFD_CLOEXEC);
	int r = fd < 0 ? -errno : seccomp_export_bpf(f, fd);

	if (r == 0 && lseek(fd, 0, SEEK_SET) < 0)
		r = -errno;
	return r < 0 ? r : hull_fd_read_all(fd, PROGRAM_MAX, out);
}

int hull_filter_make(struct hull_filter *ret, struct hull_error **err)
{
	cleanup_strbuf struct hull_strbuf out = HULL_STRBUF_INIT;
	scmp_filter_ctx f = seccomp_init(SCMP_ACT_ALLOW);
	int r;

	if (!f)
		return hull_fail_nomem(err);
	r = add_rules(f);
	if (r == 0)
		r = refuse_attributes(f);
	if (r == 0)
		r = export(f, &out);
	seccomp_release(f);
	if (r < 0)
		return hull_fail_errno(err, -r, "make a system call filter");
	if (!out.len)
		return hull_fail(err, HULL_E_INTERNAL, "the system call filter is empty");
	ret->program.len = (unsigned short)(out.len / sizeof(struct sock_filter));
	ret->program.filter = malloc(out.len);
	if (!ret->program.filter)
		return hull_fail_nomem(err);
	memcpy(ret->program.filter, hull_strbuf_str(&out), out.len);
	return 0;
}

void hull_filter_fini(struct hull_filter *f)
{
	free(f->program.filter);
	*f = (struct hull_filter){0};
}
