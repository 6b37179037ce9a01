/* SPDX-License-Identifier: Apache-2.0
 *
 * vfkit's REST service for one VM: its state, what it is made of, and pause, resume, stop.
 *
 *   GET  /vm/state     200 {"canHardStop":...,"state":"VirtualMachineStateRunning"}
 *   POST /vm/state     {"state":"Pause"}, Resume, Stop or HardStop: 202 once it is done, or for a
 *                      stop begun; 400 for what is no such object, 500 for what can't be now
 *   GET  /vm/inspect   200, the VM in vfkit's JSON
 *   GET  /version      200 {"version":...}, which vfkit has not
 *   anything else      404; with a slash behind one of these, 301 or 307 to it
 *
 * Whoever reaches it controls the VM: a socket is its owner's alone, TCP everybody's on the host.
 * Web pages can reach the loopback too, through the browser of whoever looks at them.  So over TCP
 * a request that says which page it comes from (Origin) is refused, which browsers add to all that
 * could change something, and on the loopback one that was meant for a host with a domain, whose
 * owner could have it lead here (DNS rebinding).  vfkit's clients send no Origin, and address
 * localhost or numbers.
 */
#ifndef HULL_MONITOR_REST_H
#define HULL_MONITOR_REST_H

#include "base/error.h"

struct hull_monitor;
struct hull_rest_server;

/* Listens where the VM's description says. */
int hull_rest_open(struct hull_monitor *m, struct hull_rest_server **ret, struct hull_error **err);
/* Removes the socket.  NULL is fine. */
void hull_rest_close(struct hull_rest_server *rest);

#endif
