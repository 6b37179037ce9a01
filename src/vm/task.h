/* SPDX-License-Identifier: Apache-2.0
 *
 * One verb on one VM of the store, on the caller's loop:
 *
 *   its lock ─▶ its record ─▶ what is really so ─▶ may it? ─▶ intent ─▶ effect ─▶ outcome ─▶ done
 *
 * The intent is in the store before anything happens, and the outcome after it: whoever finds an
 * intent and gets the lock knows that its maker died, and finishes or undoes what that one had
 * begun.  Nothing waits without a deadline; while one waits others on the loop go on.
 */
#ifndef HULL_VM_TASK_H
#define HULL_VM_TASK_H

#include "base/loop.h"
#include "store/records.h"

enum hull_task_kind {
	HULL_TASK_START,
	HULL_TASK_STOP,
	HULL_TASK_KILL,
	HULL_TASK_RESTART,
	HULL_TASK_PAUSE,
	HULL_TASK_RESUME,
	HULL_TASK_REMOVE,
	HULL_TASK_WAIT,	  /* until it does not run any more */
	HULL_TASK_SETTLE, /* the record says what is so; nothing where somebody else is at it */
	/* The same, and what nobody finishes goes: see hull_task_is_abandoned(). */
	HULL_TASK_COLLECT,
};

/* Whether its maker or remover must have died, if nobody has the VM's lock: it is being removed, or
 * has been in the making for a day. */
bool hull_task_is_abandoned(const struct hull_record *record);

struct hull_task_options {
	enum hull_task_kind kind;
	uint64_t deadline_ns;  /* CLOCK_MONOTONIC; 0: none, for waiting */
	uint64_t stop_ms;      /* stop, restart: how long the guest may take before it is killed */
	bool force;	       /* remove: kill what runs */
	const char *guest_dir; /* start: as for hull_description_complete(); borrowed */
};

struct hull_task_outcome {
	struct hull_record *record;	/* as it is now, to be taken over or left; NULL: removed */
	const char *already;		/* "is running already": nothing had to be done */
	const struct hull_strv *notes;	/* of a start: what is not as it should be, for people */
	const struct hull_error *error; /* NULL: success; then the others count */
};

struct hull_task;
/* Once, from the loop.  Free the task afterwards, not inside. */
typedef void (*hull_task_fn)(void *ctx, struct hull_task *task,
			     const struct hull_task_outcome *outcome);

/* @id: the whole of it.  The store is used by one task at a time, but by many in turns. */
int hull_task_new(struct hull_loop *loop, struct hull_store *store, const char *id,
		  const struct hull_task_options *options, hull_task_fn done, void *ctx,
		  struct hull_task **ret_task, struct hull_error **err);
/* One that is not done is left where it is: as if its process had died. */
void hull_task_free(struct hull_task *task);

#endif
