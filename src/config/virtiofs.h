/* SPDX-License-Identifier: Apache-2.0
 *
 * Devices "virtio-fs" of the description's list: directories of the host's that the guest finds by
 * a tag, and mounts by itself.
 */
#ifndef HULL_CONFIG_VIRTIOFS_H
#define HULL_CONFIG_VIRTIOFS_H

#include "config/config.h"

#define HULL_FS_TAG_MAX 36 /* bytes, by the specification of virtio */
/* What the tags of hull's own shares begin with. */
#define HULL_FS_OWN_TAG "hull."

/* Its own tag, or else the last component of its directory as that is written: "." for "./".
 * Borrowed, and not terminated. */
const char *hull_fs_tag(const struct hull_dev_fs *fs, size_t *ret_len);
/* The directory is about to be called otherwise: what it gives as a tag stays. 0 or -ENOMEM. */
int hull_fs_keep_tag(struct hull_dev_fs *fs);
/* hull_config_validate()'s part on devices[@index], which is one. */
int hull_fs_device_check(const struct hull_config *config, size_t index, struct hull_error **err);

#endif
