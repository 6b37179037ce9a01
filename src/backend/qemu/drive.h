/* SPDX-License-Identifier: Apache-2.0
 *
 * A running QEMU: spawned with everything it needs as descriptors, spoken to over QMP, watched
 * through its pidfd.  Implements the operations of backend.h.
 *
 *   NEW        binary found, accelerator chosen, time stamp counter being measured
 *    │ start   plan made, files opened, process spawned; QMP commands are queued from here on
 *    ▼
 *   STARTING   QEMU builds its machine.  Leaves by: QMP negotiated, "cont" answered -> RUNNING,
 *    │         events.ready (no "cont" where a debugger is to do that: RESUME tells that it did);
 *    │         version too old, no QMP -> ENDING, killed
 *    ▼
 *   RUNNING  ⇄  PAUSED     on QEMU's events STOP and RESUME, whoever caused them
 *    │                     May: pause, resume, powerdown, quit
 *    │
 *   HELD       the guest has ended by itself, and its memory may be wanted, or its machine be to
 *    │         go on.  May: dump, quit; reset, if it wanted to reboot -> RESETTING
 *    │
 *   RESETTING  "system_reset" has been sent.  Leaves by: RESET -> events.reset, STARTING, "cont"
 *    ▼
 *   ENDING     SHUTDOWN or GUEST_PANICKED came, or QMP closed; the process is expected to go,
 *    │         and is killed if it does not within the grace period
 *    ▼  (from any state above, when the pidfd fires)
 *   EXITED     reaped, the rest of QMP and stderr read, events.exited called.  May: free
 *
 * kill works in every state, as often as wanted.  The instance may be freed inside
 * events.exited, but in no other callback.
 */
#ifndef HULL_BACKEND_QEMU_DRIVE_H
#define HULL_BACKEND_QEMU_DRIVE_H

#include "backend/backend.h"
#include "base/json.h"
#include "proto/qmp.h"

extern const struct hull_backend_ops hull_qemu_backend;

/* ---- for operate.c ---- */
/* Of a guest that runs or is paused.  Takes @arguments, of which NULL is a lack of memory; @done
 * may be NULL. */
int hull_qemu_execute(struct hull_inst *inst, const char *command, struct hull_json *arguments,
		      hull_inst_done_fn done, void *ctx, struct hull_error **err);
/* The same without arguments, for what it answers. */
int hull_qemu_query(struct hull_inst *inst, const char *command, hull_qmp_reply_fn fn, void *ctx,
		    struct hull_error **err);
/* The same of one that is held. */
int hull_qemu_execute_held(struct hull_inst *inst, const char *command, struct hull_json *arguments,
			   hull_inst_done_fn done, void *ctx, struct hull_error **err);
/* Where dumps go becomes QEMU's descriptor of that name, once. */
int hull_qemu_give_dump(struct hull_inst *inst, const char *name, struct hull_error **err);
/* A copy of @fd becomes a set of QEMU's, which is to be removed. */
int hull_qemu_add_fd(struct hull_inst *inst, int fd, uint64_t *ret_set, struct hull_error **err);

#endif
