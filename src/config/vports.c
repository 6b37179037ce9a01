/* SPDX-License-Identifier: Apache-2.0
 *
 * What ports must not be, see vports.h.
 */
#define _GNU_SOURCE
#include "config/vports.h"

#include <string.h>

#define PORT_MAX (UINT32_MAX - 1) /* the last one means "any" */

bool hull_vports_wanted(const struct hull_config *config)
{
	for (size_t i = 0; i < config->devices.n; i++)
		if (config->devices.v[i].kind == HULL_DEVICE_VSOCK)
			return true;
	return false;
}

int hull_vports_check(const struct hull_config *config, struct hull_error **err)
{
	if (config->link != HULL_LINK_VSOCK || !hull_vports_wanted(config))
		return 0;
	(void)hull_fail(err, HULL_E_INVALID,
			"link: 'vsock' is a vsock device too, and a guest can have only one: not "
			"together with a device 'virtio-vsock'");
	hull_hint(err, "leave the link as it is by default: it needs no vsock");
	return -1;
}

static int wrong(struct hull_error **err, size_t index, const char *field, const char *what)
{
	return hull_fail(err, HULL_E_INVALID, "devices[%zu].%s: %s", index, field, what);
}

/* A program of the host's may serve several ports of the guest's by one socket. */
static int check_pair(const struct hull_dev_vsock *mine, const struct hull_dev_vsock *other,
		      size_t index, size_t other_index, struct hull_error **err)
{
	bool both_listen = mine->listen && other->listen;

	if (both_listen && mine->port == other->port)
		return hull_fail(err, HULL_E_INVALID,
				 "devices[%zu].port: devices[%zu] leads it elsewhere already",
				 index, other_index);
	if (!both_listen && other->path && !strcmp(mine->path, other->path))
		return hull_fail(err, HULL_E_INVALID,
				 "devices[%zu].path: same as that of devices[%zu]", index,
				 other_index);
	return 0;
}

int hull_vports_device_check(const struct hull_config *config, size_t index,
			     struct hull_error **err)
{
	const struct hull_dev_vsock *mine = &config->devices.v[index].vsock;

	if (!mine->port || mine->port > PORT_MAX)
		return wrong(err, index, "port", "must be 1 to 4294967294");
	if (!mine->path)
		return wrong(err, index, "path", "missing");
	if (*mine->path != '/')
		return wrong(err, index, "path", "not an absolute path");
	if (strlen(mine->path) > HULL_CONFIG_MAX_SOCKET)
		return hull_fail(err, HULL_E_INVALID,
				 "devices[%zu].path: longer than the %d bytes of a socket's path",
				 index, HULL_CONFIG_MAX_SOCKET);
	for (size_t i = 0; i < index; i++) {
		const struct hull_device *d = &config->devices.v[i];

		if (d->kind == HULL_DEVICE_VSOCK && check_pair(mine, &d->vsock, index, i, err) < 0)
			return -1;
	}
	return 0;
}
