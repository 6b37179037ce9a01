/* SPDX-License-Identifier: Apache-2.0
 *
 * A VM of the store for those who use what runs in it: where it is reached, and once it can't be
 * reached any more, how it ended.  No lock is taken: a VM may end under its users at any time.
 */
#ifndef HULL_VM_USE_H
#define HULL_VM_USE_H

#include "base/loop.h"
#include "config/config.h"
#include "store/records.h"

struct hull_used {
	struct hull_record record;
	struct hull_config config; /* as it was described */
	const char *name;	   /* or short id; for messages */
	char *vsock;		   /* owned: path of vsock.sock */
	char short_id[13];
};

/* One that runs and has hull's agent, by id, name or prefix; else STATE, or UNSUPPORTED. */
int hull_use_find(struct hull_store *store, struct hull_loop *loop, const char *ref,
		  uint64_t deadline_ns, struct hull_used *ret, struct hull_error **err);
/* After @error, which said that the connection to the VM was lost: -1, and how the VM ended as the
 * error; or @error itself where it runs on, or where there is no time left (@deadline_ns, 0: none).
 * Runs the loop for a few seconds at most. */
int hull_use_explain(struct hull_store *store, struct hull_loop *loop, const struct hull_used *used,
		     uint64_t deadline_ns, const struct hull_error *error, struct hull_error **err);
void hull_used_fini(struct hull_used *used); /* also of zeros */

#endif
