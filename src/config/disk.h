/* SPDX-License-Identifier: Apache-2.0
 *
 * The description's list of disks: its table and its rules.  They are disks as those among the
 * devices are, in fewer words.
 */
#ifndef HULL_CONFIG_DISK_H
#define HULL_CONFIG_DISK_H

#include "config/config.h"

/* virtio-blk: VIRTIO_BLK_ID_BYTES */
#define HULL_DISK_SERIAL_MAX 20

extern const struct hull_fields hull_disk_fields;

/* The same in the words of a device, with what is in @disk; never to be freed. */
struct hull_dev_disk hull_disk_as_device(const struct hull_disk *disk);
/* One of the checks of lists' items. */
int hull_disk_check_at(const struct hull_config *config, size_t i, struct hull_error **err);

#endif
