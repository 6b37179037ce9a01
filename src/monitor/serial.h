/* SPDX-License-Identifier: Apache-2.0
 *
 * A console of the description's list of devices, as far as the monitor has a part in it: it stands
 * between the hypervisor and a terminal of its own making, or whoever started the VM.  What prints
 * to a file the hypervisor serves by itself.
 *
 * The starter's streams stay the starter's, with their modes: it connects to a socket in the run
 * directory that is served like the serial console, serial<n>.sock for devices[n].
 */
#ifndef HULL_MONITOR_SERIAL_H
#define HULL_MONITOR_SERIAL_H

#include "base/loop.h"
#include "config/config.h"

#include <stdbool.h>

#define HULL_SERIAL_SOCKET "serial%zu.sock"

struct hull_serial;

/* Of devices[index], which is no log.  *ret_far: the hypervisor's end, the caller's.  Where it
 * makes a terminal, that one's name is put into the description. */
int hull_serial_new(struct hull_loop *loop, struct hull_config *config, size_t index,
		    struct hull_serial **ret, int *ret_far, struct hull_error **err);
/* Another hypervisor takes the place of the one that is gone: terminal and readers stay. */
int hull_serial_renew(struct hull_serial *s, struct hull_loop *loop, int *ret_far,
		      struct hull_error **err);
/* What the hypervisor left behind: call when it has exited. */
void hull_serial_drain(struct hull_serial *s);
/* True if a reader has yet to be sent something; @drained follows then, once. */
bool hull_serial_drain_readers(struct hull_serial *s, void (*drained)(void *ctx), void *ctx);
void hull_serial_free(struct hull_serial *s); /* NULL is fine */

#endif
