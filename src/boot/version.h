/* SPDX-License-Identifier: Apache-2.0
 *
 * Which version a kernel's file is of.
 */
#ifndef HULL_BOOT_VERSION_H
#define HULL_BOOT_VERSION_H

#define HULL_KERNEL_VERSION_MAX 64 /* as uname() has it */

/* The release, as "uname -r" would show it: fit to be part of a path.  From the header of a
 * bzImage, or what an uncompressed kernel says of itself.  0, -ENOENT where neither tells, or
 * -errno. */
int hull_kernel_version(int fd, char ret[HULL_KERNEL_VERSION_MAX + 1]);

#endif
