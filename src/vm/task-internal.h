/* SPDX-License-Identifier: Apache-2.0
 *
 * A task's inside, shared by task.c (lock, record, ruling, outcome), task-settle.c (what is really
 * so) and task-effects.c (what verbs do).  Each step is called from the loop, and ends by choosing
 * the next one, or by finishing.
 */
#ifndef HULL_VM_TASK_INTERNAL_H
#define HULL_VM_TASK_INTERNAL_H

#include "vm/task.h"

#include "config/config.h"
#include "monitor/rpc.h"
#include "vm/rundir.h"
#include "vm/vm.h"

#define HULL_TASK_KILL_MS 300  /* a monitor that does not answer a kill within this is killed */
#define HULL_TASK_DIE_MS 10000 /* from there to the end of everything */

typedef void (*hull_task_step)(struct hull_task *t);

struct hull_task {
	struct hull_loop *loop;
	struct hull_store *store;
	char id[HULL_STORE_ID_LEN + 1], shown[HULL_SHORT_LEN + 1];
	struct hull_task_options o;
	hull_task_fn done;
	void *ctx;
	struct hull_source *timer, *limit; /* of the next step, and of the whole */
	hull_task_step step;		   /* what the timer calls */
	unsigned int tries;		   /* of the present step */
	struct hull_store_lock lock;
	bool locked, loaded, removed, finished;
	struct hull_record record;
	const char *already;
	struct hull_error *error;
	hull_task_step after_death; /* once nothing of the VM is left */
	uint64_t die_by_ns;
	bool killed;			/* by us */
	bool unrecorded;		/* it ends, and the store took no word of that */
	struct hull_process_id watched; /* a monitor that has told us its VM's end; pid 0: none */
	struct hull_rpc *rpc;
	struct hull_config config; /* of a start */
	struct hull_vm *vm;
	struct hull_strv notes;
};

/* ---- task.c ---- */
void hull_task_next(struct hull_task *t, hull_task_step step);
/* Again in a moment, which grows to 20 ms. */
void hull_task_again(struct hull_task *t);
/* With t->error, or successfully. */
void hull_task_finish(struct hull_task *t);
/* Name, else short id: for messages.  Borrowed. */
const char *hull_task_name(const struct hull_task *t);
/* Records a change, and what of it the task itself looks at.  On failure the task is finished. */
int hull_task_change(struct hull_task *t, const struct hull_change *change);
/* The first step of all but waiting. */
void hull_task_lock(struct hull_task *t);
/* It is no verb of anybody's: it leaves alone what somebody else is at. */
bool hull_task_only_settles(const struct hull_task *t);
/* What the verb means now that the record is true. */
void hull_task_rule(struct hull_task *t);
/* A call to the monitor; @fn gets CONNECTION-LOST where there is none.  One at a time. */
void hull_task_call(struct hull_task *t, const char *method, const ProtobufCMessage *request,
		    const ProtobufCMessageDescriptor *reply, uint64_t deadline_ns, hull_rpc_fn fn);

/* ---- task-settle.c ---- */
/* Then rules. */
void hull_task_settle(struct hull_task *t);
/* Waits until nothing lives, records how it ended, then t->after_death. */
void hull_task_bury(struct hull_task *t, hull_task_step after);
/* SIGKILL, which reaches a monitor that is stopped too; everything under it dies with it. */
void hull_task_kill_monitor(struct hull_task *t);

/* ---- task-effects.c ---- */
void hull_task_start(struct hull_task *t);
void hull_task_stop(struct hull_task *t);
void hull_task_kill(struct hull_task *t);
void hull_task_pause(struct hull_task *t);
void hull_task_remove(struct hull_task *t);
void hull_task_watch(struct hull_task *t);

#endif
