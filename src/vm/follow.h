/* SPDX-License-Identifier: Apache-2.0
 *
 * A console's log (vm/logs.h) as it grows, until its VM has ended: when that end is in the store,
 * where vm/watch.h sees to it, all of the log has been written.
 */
#ifndef HULL_VM_FOLLOW_H
#define HULL_VM_FOLLOW_H

#include "store/records.h"
#include "vm/logs.h"

struct hull_follow;

struct hull_follow_ops {
	hull_logs_fn piece;
	/* All that there was for now. */
	void (*idle)(void *ctx);
	/* Once: the VM has ended, or (@error) the log or the store can't be read any more. */
	void (*over)(void *ctx, const struct hull_error *error);
};

/* From the loop: what is left of @logs, then what comes.  @beyond: also beyond the VM's end, with
 * its next start, until it is removed.  The log and the store are the caller's; the store's
 * deadline is taken away. */
int hull_follow_new(struct hull_loop *loop, struct hull_store *store, const char *id,
		    struct hull_logs *logs, bool beyond, const struct hull_follow_ops *ops,
		    void *ctx, struct hull_follow **ret, struct hull_error **err);
void hull_follow_free(struct hull_follow *follow);

#endif
