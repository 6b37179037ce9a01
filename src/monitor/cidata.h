/* SPDX-License-Identifier: Apache-2.0
 *
 * The disk that cloud-init in the guest looks for its configuration on: an image in the run
 * directory, with which it goes, and one more device of the list.
 */
#ifndef HULL_MONITOR_CIDATA_H
#define HULL_MONITOR_CIDATA_H

#include "base/error.h"
#include "config/config.h"

#define HULL_CIDATA_FILE "cidata.iso"
#define HULL_CIDATA_MAX ((size_t)1 << 20) /* of each of its files */

/* Adds the device, where the description has such files. */
int hull_cidata_adopt(struct hull_config *config, struct hull_error **err);
/* Makes the image. */
int hull_cidata_make(const struct hull_config *config, struct hull_error **err);

#endif
