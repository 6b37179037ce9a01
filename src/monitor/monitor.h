/* SPDX-License-Identifier: Apache-2.0
 *
 * The monitor of one VM: the only parent of its hypervisor and helpers, the only one that speaks
 * to them.  One thread, one loop, nothing blocks.  It is an object, so that other programs can hold
 * it; src/monitor/main.c is the usual one.
 *
 *   waiting ──Start(spec)──▶ starting ──agent's hello, Setup answered──▶ running ⇄ paused
 *      │                     ▲    │ ▲                                     │     │
 *      │           next try: │    │ └──the guest rebooted─────────────────┘     │ Stop, guest
 *      │            launched │    │ deadline, a child died, Stop                │ ended, a child
 *      │                     │    ▼                                             ▼ died
 *      │                  restarting ◀── if the description has it so ──────────┤
 *      │ starter closed           │ Stop, tied starter closed                   │ else
 *      ▼                          ▼                                             ▼
 *    gone ◀──children reaped, cgroup removed, end recorded, callers answered── stopping
 *
 * Whatever ends the VM first is its reason; what follows from it is not recorded.
 */
#ifndef HULL_MONITOR_MONITOR_H
#define HULL_MONITOR_MONITOR_H

#include "base/loop.h"

#include <stddef.h>

struct hull_monitor;

/* An empty file in the run directory while the guest is paused. */
#define HULL_PAUSED_MARK "paused"
/* Beside it, once the VM has been started anew: how often, why the last time, and when the next
 * time will be. */
#define HULL_RESTARTS_FILE "restarts.json"

/* Descriptors that the starter hands to hull-monitor: those of the description's devices that name
 * one, in the order of the list, from here on. */
#define HULL_MONITOR_HANDED_FD 5

/* Serves @starter_fd.  @lock_fd is the held lock of the run directory.  Owns both.  @gone is called
 * once when everything has ended; free it then, not inside. */
int hull_monitor_new(struct hull_loop *loop, int starter_fd, int lock_fd, void (*gone)(void *ctx),
		     void *ctx, struct hull_monitor **ret_monitor, struct hull_error **err);
/* Before its Start: what the starter has opened for devices, in the order of the list.  Owns them.
 */
int hull_monitor_hand(struct hull_monitor *monitor, int fd);
/* Ends the VM as a signal to the monitor does: at once. */
void hull_monitor_terminate(struct hull_monitor *monitor, const char *why);
void hull_monitor_free(struct hull_monitor *monitor);

#endif
