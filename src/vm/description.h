/* SPDX-License-Identifier: Apache-2.0
 *
 * A user's description of a VM: from its file, and with what it leaves to us.
 */
#ifndef HULL_VM_DESCRIPTION_H
#define HULL_VM_DESCRIPTION_H

#include "config/config.h"

#define HULL_DESCRIPTION_MAX ((size_t)4 << 20)

/* From a file, or "-" for standard input, into an initialised config; what it does not say stays as
 * it is.  @problems: as for hull_config_read_user(). */
int hull_description_load(const char *path, struct hull_config *config, struct hull_strv *problems,
			  struct hull_error **err);
/* Kernel, initramfs and modules of hull's own, unless it has others; from @guest_dir, if not NULL.
 */
int hull_description_complete(struct hull_config *config, const char *guest_dir,
			      struct hull_error **err);

/* Up to four bytes of an image, as hull_vfkit_hooks has it.  Fails as "refused" whatever the cause:
 * so does vfkit. */
int hull_vfkit_read_image(void *ctx, const char *path, unsigned char *head, size_t *ret_len,
			  struct hull_error **err);

#endif
