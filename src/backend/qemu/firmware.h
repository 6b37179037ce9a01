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
/* CLOEXEC descriptors, or -1. */
int hull_qemu_open_code(const struct hull_config *config, struct hull_error **err);
/* The store, made if that is wanted; or a memory file where the variables are to be forgotten. */
int hull_qemu_open_store(const struct hull_config *config, struct hull_error **err);

#endif
