/* SPDX-License-Identifier: Apache-2.0
 *
 * Following what happens to VMs: each event of the store once, in their order, from the moment it
 * is recorded.  A VM that ends by itself is recorded here, in the place of the next verb: its
 * monitor's death wakes us.
 *
 * Nothing is asked again and again.  That the store has changed inotify tells; what it tells of is
 * the write to the log, and the change can be read only an instant after it.  So each such message
 * is followed by a few more looks, further and further apart.
 */
#ifndef HULL_VM_WATCH_H
#define HULL_VM_WATCH_H

#include "base/loop.h"
#include "store/records.h"

struct hull_watch;

struct hull_watch_ops {
	/* The strings are borrowed.  The store may be read, and the watch not be freed. */
	void (*event)(void *ctx, const struct hull_event *event);
	/* All that there was for now.  May be NULL. */
	void (*idle)(void *ctx);
	/* The store can't be read any more; nothing follows. */
	void (*failed)(void *ctx, const struct hull_error *error);
};

/* The events after @seq.  @id: only of that VM; NULL: of all.  The store is the caller's, and
 * remains usable. */
int hull_watch_new(struct hull_loop *loop, struct hull_store *store, uint64_t seq, const char *id,
		   const struct hull_watch_ops *ops, void *ctx, struct hull_watch **ret_watch,
		   struct hull_error **err);
void hull_watch_free(struct hull_watch *watch);

#endif
