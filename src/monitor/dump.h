/* SPDX-License-Identifier: Apache-2.0
 *
 * A guest's memory on its way into a file: what the hypervisor writes into a pipe, which it has
 * from the start, gets into a file of ours that it has no right to.  What is zero becomes a hole.
 * The file has no name, or a temporary one, until it is complete.
 */
#ifndef HULL_MONITOR_DUMP_H
#define HULL_MONITOR_DUMP_H

#include "base/loop.h"

#include <stdbool.h>

struct hull_dump;

struct hull_dump_ops {
	/* So many bytes have been written; often. */
	void (*progress)(void *ctx, uint64_t bytes);
	/* It can't be written, or nothing comes any more.  Only hull_dump_free() may follow. */
	void (*failed)(void *ctx, const struct hull_error *error);
};

/* @memory_bytes: the guest's; a hypervisor that writes much more than it is stopped.  *ret_fd: the
 * pipe's end for the hypervisor, the caller's. */
int hull_dump_new(struct hull_loop *loop, const char *path, uint64_t memory_bytes,
		  const struct hull_dump_ops *ops, void *ctx, struct hull_dump **ret_dump,
		  int *ret_fd, struct hull_error **err);
/* From now on the pipe is read. */
int hull_dump_begin(struct hull_dump *d, struct hull_error **err);
/* The hypervisor says that all has been written: the file gets its name. */
int hull_dump_finish(struct hull_dump *d, struct hull_error **err);
/* Nothing is left of an unfinished one.  NULL is fine. */
void hull_dump_free(struct hull_dump *d);

#endif
