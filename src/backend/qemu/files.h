/* SPDX-License-Identifier: Apache-2.0
 *
 * The files a guest is made of, opened with our rights and fit to be handed to a QEMU that has
 * less.  All return a CLOEXEC descriptor or -1; they read from the disk and so may wait for it.
 */
#ifndef HULL_BACKEND_QEMU_FILES_H
#define HULL_BACKEND_QEMU_FILES_H

#include "base/error.h"
#include "config/config.h"

#include <stdbool.h>
#include <sys/types.h>

/* Who will open the descriptor again by its name in /proc/self/fd. */
struct hull_qemu_reader {
	bool other; /* not who we are */
	uid_t uid;
	gid_t gid;
};

/* @what: "kernel" or "initrd", for messages.  A file that the reader may not open is copied into a
 * memory file that it may. */
int hull_qemu_open_boot(const char *what, const char *path, const struct hull_qemu_reader *reader,
			struct hull_error **err);
/* Whether a machine of @arch, and with it hull's agent where @with_agent, can be booted from it, as
 * far as the file tells. */
int hull_qemu_check_kernel(int fd, const char *path, enum hull_arch arch, bool with_agent,
			   struct hull_error **err);
/* Whether it is an archive that Linux unpacks. */
int hull_qemu_check_initrd(int fd, const char *path, struct hull_error **err);
/* An image or block device; or a new scratch file, which has no name. */
int hull_qemu_open_disk(const struct hull_config *config, size_t index, struct hull_error **err);

/* What is at @path, by whatever is there; @list: of the description. */
int hull_qemu_open_image(const char *list, size_t index, const char *path, bool readonly,
			 struct hull_error **err);

/* The image or block device that devices[index] is made of, or the log that it prints to: an empty
 * one, unless the VM was started @again. */
int hull_qemu_open_device(const struct hull_config *config, size_t index, bool again,
			  struct hull_error **err);

/* A device that gives bytes. */
int hull_qemu_open_rng(const char *path, struct hull_error **err);

/* Bit i: disks[i], or devices[i], is a block device.  Only looks; opening checks what is really
 * there. */
uint32_t hull_qemu_block_devices(const struct hull_config *config);
uint32_t hull_qemu_device_blocks(const struct hull_config *config);

#endif
