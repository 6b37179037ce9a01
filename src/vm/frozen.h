/* SPDX-License-Identifier: Apache-2.0
 *
 * Why a VM does not answer: one of its processes may be stopped (SIGSTOP, a debugger).
 */
#ifndef HULL_VM_FROZEN_H
#define HULL_VM_FROZEN_H

#include "store/records.h"

/* If @err says TIMEOUT, and the VM's monitor or something that it runs is stopped: adds which, and
 * what can be done.  Else it stays as it is. */
void hull_frozen_tell(const struct hull_record *record, struct hull_error **err);
/* The same of a call to the VM's agent, which else has been silent itself. */
void hull_frozen_tell_agent(const struct hull_record *record, struct hull_error **err);

#endif
