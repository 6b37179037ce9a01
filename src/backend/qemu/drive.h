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
 *   HELD       the guest has ended by itself and its memory may be wanted.  May: dump, quit
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

extern const struct hull_backend_ops hull_qemu_backend;

#endif
