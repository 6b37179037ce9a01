/* SPDX-License-Identifier: Apache-2.0
 *
 * The description's list of devices, a function for each kind in a table.  On a PCI bus the
 * nth of them is function n % 8 of slot 24 + n / 8; those on the USB don't count, their controller
 * is in slot 7.
 */
#define _GNU_SOURCE
#include "backend/qemu/plan-build.h"

#include "base/cleanup.h"
#include "config/vports.h"

#include <assert.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#define FIRST_SLOT 24
#define USB_SLOT "0x7"
#define USB_PORTS 4 /* unless more are needed */
#define USB_MAX_PORTS 15

static_assert(FIRST_SLOT + (HULL_CONFIG_MAX_DEVICES + 1 + 7) / 8 <= 31,
	      "the last slot is the chipset's");

void hull_plan_listed_pci(struct hull_plan *b, const char *what, const char *properties)
{
	size_t place = b->n_listed++;

	hull_plan_addf(b, "-device", "%s,bus=pcie.0,addr=%#zx.%zx%s%s", what,
		       FIRST_SLOT + place / 8, place % 8, place % 8 ? "" : ",multifunction=on",
		       properties);
}

void hull_plan_listed_virtio(struct hull_plan *b, const char *what, const char *properties)
{
	size_t place = b->n_listed++;

	hull_plan_virtio_nth(b, what, FIRST_SLOT + (int)(place / 8), place % 8, properties);
}

static int add_rng(struct hull_plan *b, size_t nth, const struct hull_device *dev,
		   struct hull_error **err)
{
	hull_plan_listed_virtio(b, "virtio-rng", "");
	return 0;
}

static int add_balloon(struct hull_plan *b, size_t nth, const struct hull_device *dev,
		       struct hull_error **err)
{
	hull_plan_listed_virtio(b, "virtio-balloon", "");
	return 0;
}

static int add_gpu(struct hull_plan *b, size_t nth, const struct hull_device *dev,
		   struct hull_error **err)
{
	char properties[64];

	snprintf(properties, sizeof(properties), ",id=gpu%zu,xres=%" PRId64 ",yres=%" PRId64, nth,
		 dev->gpu.width, dev->gpu.height);
	hull_plan_listed_virtio(b, "virtio-gpu", properties);
	return 0;
}

/* Pointing devices have absolute positions. */
static int add_input(struct hull_plan *b, size_t nth, const struct hull_device *dev,
		     struct hull_error **err)
{
	hull_plan_listed_virtio(
		b, !strcmp(dev->input.type, "keyboard") ? "virtio-keyboard" : "virtio-tablet", "");
	return 0;
}

/* ---- the table ---- */

static const struct {
	int (*add)(struct hull_plan *b, size_t nth, const struct hull_device *dev,
		   struct hull_error **err);
	bool pci; /* there is none for virtio-mmio */
} kinds[HULL_DEVICE_COUNT] = {
	[HULL_DEVICE_BLK] = {.add = hull_plan_blk},
	[HULL_DEVICE_NVME] = {.add = hull_plan_nvme, .pci = true},
	[HULL_DEVICE_USB] = {.add = hull_plan_usb_disk, .pci = true},
	[HULL_DEVICE_NBD] = {.add = hull_plan_nbd},
	[HULL_DEVICE_FS] = {.add = hull_plan_fs},
	[HULL_DEVICE_RNG] = {.add = add_rng},
	[HULL_DEVICE_BALLOON] = {.add = add_balloon},
	[HULL_DEVICE_GPU] = {.add = add_gpu},
	[HULL_DEVICE_INPUT] = {.add = add_input},
	[HULL_DEVICE_SERIAL] = {.add = hull_plan_console},
	[HULL_DEVICE_NET] = {.add = hull_plan_nic},
	[HULL_DEVICE_VSOCK] = {.add = hull_plan_vport},
};

bool hull_plan_devices_need_pci(const struct hull_config *config, enum hull_accel accel)
{
	for (size_t i = 0; i < config->devices.n; i++) {
		const struct hull_device *d = &config->devices.v[i];

		if (kinds[d->kind].pci ||
		    (d->kind == HULL_DEVICE_BLK && hull_plan_disk_needs_pci(&d->disk, accel)))
			return true;
	}
	return false;
}

size_t hull_plan_devices_places(const struct hull_config *config)
{
	return config->devices.n - hull_config_count(config, HULL_DEVICE_VSOCK) +
	       hull_vports_wanted(config);
}

static int add_usb_controller(struct hull_plan *b, struct hull_error **err)
{
	size_t n = hull_config_count(b->config, HULL_DEVICE_USB);

	if (n > USB_MAX_PORTS)
		return hull_fail(err, HULL_E_UNSUPPORTED,
				 "devices: QEMU's USB controller has %d ports, and %zu are needed",
				 USB_MAX_PORTS, n);
	if (n > USB_PORTS)
		hull_plan_addf(b, "-device",
			       "qemu-xhci,id=usb,bus=pcie.0,addr=" USB_SLOT ",p2=%zu,p3=%zu", n, n);
	else if (n)
		hull_plan_add(b, "-device", "qemu-xhci,id=usb,bus=pcie.0,addr=" USB_SLOT);
	return 0;
}

int hull_plan_devices(struct hull_plan *b, struct hull_error **err)
{
	if (add_usb_controller(b, err) < 0)
		return -1;
	for (size_t i = 0; i < b->config->devices.n; i++) {
		const struct hull_device *dev = &b->config->devices.v[i];

		if (!kinds[dev->kind].add)
			return hull_fail(err, HULL_E_UNSUPPORTED,
					 "devices[%zu]: QEMU can't be given a device '%s' yet", i,
					 hull_device_classes[dev->kind].name);
		if (kinds[dev->kind].add(b, i, dev, err) < 0)
			return hull_prefix(err, "devices[%zu]", i);
	}
	if (hull_vports_wanted(b->config))
		hull_plan_vports(b);
	return 0;
}
