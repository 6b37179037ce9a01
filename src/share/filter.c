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

#include <errno.h>
#include <fcntl.h>
#include <seccomp.h>
#include <stdint.h>
#include <stdio.h>
#include <sys/stat.h>

#define NR_FCHMODAT2 452 /* newer than the library's table */

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

int hull_filter_install(struct hull_error **err)
{
	scmp_filter_ctx f = seccomp_init(SCMP_ACT_ALLOW);
	int r;

	if (!f)
		return hull_fail_nomem(err);
	r = refuse_modes(f);
	if (r == 0)
		r = refuse_opens(f);
	if (r == 0)
		r = refuse_devices(f);
	if (r == 0)
		r = refuse_hidden(f);
	if (r == 0)
		r = seccomp_load(f);
	seccomp_release(f);
	return r < 0 ? hull_fail_errno(err, -r, "install the system call filter") : 0;
}
