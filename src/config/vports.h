/* SPDX-License-Identifier: Apache-2.0
 *
 * Ports of the guest's vsock that are Unix sockets on the host: the devices "virtio-vsock" of the
 * description's list.  All of them belong to one device, for a guest can have no second.
 */
#ifndef HULL_CONFIG_VPORTS_H
#define HULL_CONFIG_VPORTS_H

#include "config/config.h"

/* The guest's address, the same in each: nobody but its own hull-vsock knows it. */
#define HULL_VPORTS_CID 3

/* Whether the guest has a vsock device of hull's own. */
bool hull_vports_wanted(const struct hull_config *config);
/* Of the whole. */
int hull_vports_check(const struct hull_config *config, struct hull_error **err);
/* Of devices[@index], which is one. */
int hull_vports_device_check(const struct hull_config *config, size_t index,
			     struct hull_error **err);

#endif
