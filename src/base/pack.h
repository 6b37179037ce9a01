/* SPDX-License-Identifier: Apache-2.0
 *
 * A tree of files as a tar stream: modes, owners, times, links and holes.  Blocking: for a process
 * that has nothing else to do.  Devices and sockets are left out.
 */
#ifndef HULL_BASE_PACK_H
#define HULL_BASE_PACK_H

#include "base/error.h"

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

/* How a long copy tells what it does, and where its stream is; members may be NULL. */
struct hull_copy_ops {
	void (*note)(void *ctx, const char *text); /* something is not as it should be */
	void (*progress)(void *ctx, uint64_t files, uint64_t bytes);
	/* In the place of a descriptor: all of it, or -errno; some of it, 0 at its end, or -errno.
	 */
	int (*write)(void *ctx, const void *data, size_t len);
	ssize_t (*read)(void *ctx, void *buf, size_t len);
};

struct hull_pack;

/* What is to be packed, looked at: NOT_FOUND and the like come now.  @follow: if it is a link, what
 * it leads to.  In the archive it has its own name, or "." where @path ends with "/.". */
int hull_pack_open(const char *path, bool follow, struct hull_pack **ret, struct hull_error **err);
/* To @fd, to the archive's end.  A reader that is gone: cause "reader-gone". */
int hull_pack_run(struct hull_pack *pack, int fd, const struct hull_copy_ops *ops, void *ctx,
		  struct hull_error **err);
void hull_pack_free(struct hull_pack *pack);

#endif
