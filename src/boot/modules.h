/* SPDX-License-Identifier: Apache-2.0
 *
 * Modules for a kernel of one's own: what a guest needs of them to get at the rest, appended to its
 * initramfs; and the rest, as a share.
 */
#ifndef HULL_BOOT_MODULES_H
#define HULL_BOOT_MODULES_H

#include "config/config.h"

/* Reads config->modules, checked against the kernel.  Afterwards config->modules is the directory
 * of that version itself, which has become a share too, unless nothing needs shares; initrd names a
 * memory file by *ret_fd, which must stay open as long as the description is used; and machine is
 * one that the kernel can drive. */
int hull_boot_modules(struct hull_config *config, int *ret_fd, struct hull_error **err);

#endif
