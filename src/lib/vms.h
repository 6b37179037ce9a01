/* SPDX-License-Identifier: Apache-2.0
 *
 * What the files behind hull/vms.h share: the handle, and one call through it.  Each call has its
 * own loop and its own connection to the store, so that calls of several threads don't meet;
 * connections that are done with are kept for the next.
 */
#ifndef HULL_LIB_VMS_H
#define HULL_LIB_VMS_H

#include "base/cleanup.h"
#include "base/loop.h"
#include "config/settings.h"
#include "store/records.h"

#include <hull/vms.h>
#include <pthread.h>

#define HULL_LIB_IDLE_MAX 4
#define HULL_LIB_LOOK_MS 20000	      /* calls that wait for no guest */
#define HULL_LIB_STOP_MAX_MS 86400000 /* no guest takes longer to power off */

struct hull_vms {
	struct hull_settings settings; /* as they were when it was made */
	pthread_mutex_t lock;	       /* of all that follows */
	struct hull_store *idle[HULL_LIB_IDLE_MAX];
	size_t n_idle;
};

struct hull_lib_call {
	struct hull_vms *vms;
	const struct hull_cancel *giving_up; /* NULL: nobody can */
	uint64_t deadline_ns;		     /* 0: none */
	struct hull_store *store;
	struct hull_loop *loop;
	struct hull_source *cancel, *late;
	bool canceled;
};

/* @default_ms, where @timeout_ms is 0: 0 for no limit.  End it also where this has failed. */
int hull_lib_call_begin_within(struct hull_lib_call *call, struct hull_vms *vms,
			       uint64_t timeout_ms, uint64_t default_ms,
			       const struct hull_cancel *cancel, struct hull_error **err);
/* The same as a verb's options have it. */
int hull_lib_call_begin(struct hull_lib_call *call, struct hull_vms *vms,
			const struct hull_verb_options *options, uint64_t default_ms,
			struct hull_error **err);
/* Runs the loop until somebody quits it with 0, or the deadline: TIMEOUT, "@what: ...". */
int hull_lib_call_run(struct hull_lib_call *call, const char *what, struct hull_error **err);
/* Also before the loop has run. */
bool hull_lib_call_canceled(struct hull_lib_call *call);
/* @r, or that it was cancelled: the loop was left then. */
int hull_lib_call_result(struct hull_lib_call *call, int r, struct hull_error **err);
void hull_lib_call_end(struct hull_lib_call *call);
#define cleanup_lib_call cleanup_with(hull_lib_call_end)

/* Readable once it has been said; NULL: -1. */
int hull_lib_cancel_fd(const struct hull_cancel *cancel);
int hull_lib_fail_canceled(struct hull_error **err);

/* ---- records as callers see them ---- */

/* NULL without memory. */
struct hull_vm_info *hull_lib_info(const struct hull_record *record);
int hull_lib_infos(const struct hull_records *records, struct hull_vm_info ***ret,
		   struct hull_error **err);
int hull_lib_labels(const struct hull_vm_label *labels, size_t n, bool removes,
		    struct hull_labels *ret, struct hull_error **err);

#endif
