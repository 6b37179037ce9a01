/* SPDX-License-Identifier: Apache-2.0
 *
 * What the description's list of devices is connected to: consoles to terminals or the starter,
 * network devices to their helpers.  Disks and logs the hypervisor's backend opens by itself.
 */
#define _GNU_SOURCE
#include "monitor/state.h"

#include "base/cleanup.h"
#include "monitor/nic.h"

int hull_monitor_hand(struct hull_monitor *m, int fd)
{
	int *slot = hull_vec_push(&m->handed);

	if (!slot) {
		hull_closep(&fd);
		return -ENOMEM;
	}
	*slot = fd;
	return 0;
}

static int open_console(struct hull_monitor *m, size_t i, int *ret_fd, struct hull_error **err)
{
	const struct hull_dev_serial *d = &m->config.devices.v[i].serial;

	if (d->log)
		return 0;
	if (m->serials[i])
		return hull_serial_renew(m->serials[i], m->loop, ret_fd, err);
	return hull_serial_new(m->loop, &m->config, i, &m->serials[i], ret_fd, err);
}

int hull_monitor_open_devices(struct hull_monitor *m, struct hull_backend_sockets *sockets,
			      struct hull_error **err)
{
	size_t next = 0;

	for (size_t i = 0; i < m->config.devices.n; i++) {
		const struct hull_device *d = &m->config.devices.v[i];
		int handed = -1;

		if (d->kind == HULL_DEVICE_SERIAL &&
		    open_console(m, i, &sockets->devices[i], err) < 0)
			return -1;
		if (d->kind != HULL_DEVICE_NET)
			continue;
		if (d->net.socket && next < m->handed.n)
			handed = m->handed.v[next++];
		sockets->devices[i] = hull_nic_open(&m->config, i, handed, err);
		if (sockets->devices[i] < 0)
			return -1;
	}
	return 0;
}

void hull_monitor_note_devices(struct hull_monitor *m)
{
	for (size_t i = 0; i < m->config.devices.n; i++) {
		const struct hull_device *d = &m->config.devices.v[i];

		if (d->kind == HULL_DEVICE_SERIAL && d->serial.pty_name)
			hull_strv_addf(&m->notes, "devices[%zu]: the guest's console is %s", i,
				       d->serial.pty_name);
		if (d->kind == HULL_DEVICE_GPU && d->gpu.gui)
			hull_strv_addf(&m->notes,
				       "devices[%zu]: there are no windows; the control socket "
				       "gives pictures of the screen",
				       i);
	}
}

void hull_monitor_drain_devices(struct hull_monitor *m)
{
	for (size_t i = 0; i < ARRAY_SIZE(m->serials); i++)
		if (m->serials[i])
			hull_serial_drain(m->serials[i]);
}

size_t hull_monitor_devices_lag(struct hull_monitor *m, void (*drained)(void *ctx), void *ctx)
{
	size_t n = 0;

	for (size_t i = 0; i < ARRAY_SIZE(m->serials); i++)
		n += m->serials[i] && hull_serial_drain_readers(m->serials[i], drained, ctx);
	return n;
}

void hull_monitor_close_devices(struct hull_monitor *m)
{
	for (size_t i = 0; i < ARRAY_SIZE(m->serials); i++)
		hull_serial_free(steal_ptr(&m->serials[i]));
}
