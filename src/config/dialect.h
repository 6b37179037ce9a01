/* SPDX-License-Identifier: Apache-2.0
 *
 * Between hull's description of a VM and vfkit's: what both can say moves from one into the other,
 * and for the rest there are notes.
 *
 * vfkit's machines have nothing but what their list of devices says, and no agent.
 */
#ifndef HULL_CONFIG_DIALECT_H
#define HULL_CONFIG_DIALECT_H

#include "base/error.h"
#include "config/config.h"
#include "config/vfkit.h"

/* Both leave a source that can still be finished, and nothing else; the target is to be finished on
 * failure too.  @notes gets a clause for each thing that has no place there. */

/* Into an initialised config. */
int hull_config_from_vfkit(struct hull_vfkit *vm, struct hull_config *ret_config,
			   struct hull_strv *notes, struct hull_error **err);
/* Its notes alone. 0 or -ENOMEM. */
int hull_config_unowned(const struct hull_vfkit *vm, struct hull_strv *notes);
/* Into zeroed memory. */
int hull_config_to_vfkit(struct hull_config *config, struct hull_vfkit *ret_vm,
			 struct hull_strv *notes, struct hull_error **err);
/* The part of it that is no device: CPUs, memory, bootloader, time sync and Ignition. 0 or
 * -ENOMEM. */
int hull_config_machine_to_vfkit(struct hull_config *config, struct hull_vfkit *ret_vm,
				 struct hull_strv *notes);

#endif
