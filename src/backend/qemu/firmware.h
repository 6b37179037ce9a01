/* SPDX-License-Identifier: Apache-2.0
 *
 * A UEFI for the guest: finding its two images, and the file in which one VM's copy keeps its
 * variables.
 *
 * A store that is there is never made anew, whatever "create" says: it has the entries by which the
 * installed system is booted.
 */
#ifndef HULL_BACKEND_QEMU_FIRMWARE_H
#define HULL_BACKEND_QEMU_FIRMWARE_H

#include "base/error.h"
#include "config/config.h"

/* The description's, or the first of the usual places that has both.  The caller frees. */
int hull_qemu_firmware_find(const struct hull_config *config, char **ret_code, char **ret_template,
			    struct hull_error **err);
/* Both, of the same firmware: its code, and the store, made if that is wanted, or a memory file
 * where the variables are to be forgotten.  CLOEXEC descriptors. */
int hull_qemu_firmware_open(const struct hull_config *config, int *ret_code, int *ret_store,
			    struct hull_error **err);

#endif
