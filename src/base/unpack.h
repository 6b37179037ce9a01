/* SPDX-License-Identifier: Apache-2.0
 *
 * A tar stream as a tree of files, from whoever: nothing is written outside of the target, whatever
 * the archive says.  No name is absolute or goes up, no link is followed on the way to a file, also
 * not one that the archive itself has brought; devices are never made.  Blocking: for a process
 * that has nothing else to do.
 */
#ifndef HULL_BASE_UNPACK_H
#define HULL_BASE_UNPACK_H

#include "base/pack.h"

struct hull_unpack;

struct hull_unpack_options {
	const char *target;
	/* The archive has one tree, and @target is where that goes, as cp(1) has it: into a
	 * directory that is there, by its own name; else under the name of @target.  A tree named
	 * "." has no name: its content goes there.  Without it, anything goes into the directory
	 * @target. */
	bool one;
	bool owners; /* those of the archive; else the caller's */
	bool set_id; /* keep the bits by which programs run as their owners */
};

/* Looks at the target: NOT_FOUND and the like come now. */
int hull_unpack_open(const struct hull_unpack_options *options, struct hull_unpack **ret,
		     struct hull_error **err);
/* From @fd, to its end.  CORRUPT with the cause "truncated" where that comes too early, DENIED with
 * "unsafe-name" where the archive wants to get out. */
int hull_unpack_run(struct hull_unpack *unpack, int fd, const struct hull_copy_ops *ops, void *ctx,
		    struct hull_error **err);
void hull_unpack_free(struct hull_unpack *unpack);

#endif
