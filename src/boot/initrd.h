/* SPDX-License-Identifier: Apache-2.0
 *
 * An initramfs of our own making: what the description names, copied into a memory file, and
 * archives behind it, whose files win over earlier ones of the same name.
 */
#ifndef HULL_BOOT_INITRD_H
#define HULL_BOOT_INITRD_H

#include "config/config.h"
#include "proto/link.h"

struct hull_strbuf;

/* *fd < 0: makes the file.  It must stay open as long as the description is used, which names it
 * only once hull_initrd_use() has been called. */
int hull_initrd_begin(const struct hull_config *config, int *fd, struct hull_error **err);
/* An archive, or a part of one; empties @out. */
int hull_initrd_write(int fd, struct hull_strbuf *out, struct hull_error **err);
int hull_initrd_use(struct hull_config *config, int fd, struct hull_error **err);

/* All of it, with the file in which the agent finds what the host has to say on its link. */
int hull_initrd_add_token(struct hull_config *config, const uint8_t token[HULL_LINK_TOKEN_LEN],
			  int *fd, struct hull_error **err);

#endif
