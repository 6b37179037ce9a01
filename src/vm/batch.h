/* SPDX-License-Identifier: Apache-2.0
 *
 * One verb on many VMs: so many tasks at once as there is room for, each with its own result.  What
 * one of them waits for holds up no other.
 */
#ifndef HULL_VM_BATCH_H
#define HULL_VM_BATCH_H

#include "vm/task.h"

#define HULL_BATCH_JOBS \
	32 /* most of them wait; a start takes descriptors, and CPU time elsewhere */
#define HULL_BATCH_START_JOBS 8

struct hull_batch;

struct hull_batch_ops {
	/* Of the @index-th id; in the order of their ends. */
	void (*done)(void *ctx, size_t index, const struct hull_task_outcome *outcome);
	/* Once, after the last.  Free the batch afterwards, not inside. */
	void (*all)(void *ctx);
};

/* Also of none.  The ids are copied. */
int hull_batch_new(struct hull_loop *loop, struct hull_store *store, const struct hull_strv *ids,
		   const struct hull_task_options *options, const struct hull_batch_ops *ops,
		   void *ctx, struct hull_batch **ret_batch, struct hull_error **err);
void hull_batch_free(struct hull_batch *batch);

#endif
