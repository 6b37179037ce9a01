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
/* Descriptor sets: those of the list of disks have its indices. */
#define FIRST_SET 100

static_assert(FIRST_SLOT + (HULL_CONFIG_MAX_DEVICES + 1 + 7) / 8 <= 31,
	      "the last slot is the chipset's");
static_assert(HULL_CONFIG_MAX_DISKS <= FIRST_SET, "no set has two meanings");

/* A PCI device that is not virtio's. */
static void add_pci(struct hull_plan *b, const char *what, const char *properties)
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

/* ---- disks ---- */

static bool is_block_device(const struct hull_plan *b, size_t nth)
{
	return b->host->device_blocks & UINT32_C(1) << nth;
}

/* Nodes file<n> and disk<n> for device n, as for the list of disks. */
static void add_image(struct hull_plan *b, size_t nth, const struct hull_dev_disk *d)
{
	const char *readonly = d->readonly ? ",read-only=on" : "";
	int fd = hull_plan_fd(b, HULL_QEMU_FD_DEVICE, nth);

	hull_plan_addf(b, "-add-fd", "fd=%d,set=%zu", fd, FIRST_SET + nth);
	hull_plan_addf(b, "-blockdev", "driver=%s,node-name=devfile%zu,filename=/dev/fdset/%zu%s",
		       is_block_device(b, nth) ? "host_device" : "file", nth, FIRST_SET + nth,
		       readonly);
	hull_plan_addf(b, "-blockdev", "driver=raw,node-name=dev%zu,file=devfile%zu%s", nth, nth,
		       readonly);
}

static int add_blk(struct hull_plan *b, size_t nth, const struct hull_device *dev,
		   struct hull_error **err)
{
	char properties[128];

	add_image(b, nth, &dev->disk);
	snprintf(properties, sizeof(properties), ",id=devblk%zu,drive=dev%zu%s%s", nth, nth,
		 dev->disk.id ? ",serial=" : "", dev->disk.id ? dev->disk.id : "");
	hull_plan_listed_virtio(b, "virtio-blk", properties);
	return 0;
}

/* A controller has to have a serial number. */
static int add_nvme(struct hull_plan *b, size_t nth, const struct hull_device *dev,
		    struct hull_error **err)
{
	char properties[64];

	add_image(b, nth, &dev->disk);
	snprintf(properties, sizeof(properties), ",drive=dev%zu,serial=hull-%zu", nth, nth);
	add_pci(b, "nvme", properties);
	return 0;
}

static int add_usb(struct hull_plan *b, size_t nth, const struct hull_device *dev,
		   struct hull_error **err)
{
	add_image(b, nth, &dev->disk);
	hull_plan_addf(b, "-device", "usb-storage,bus=usb.0,drive=dev%zu,removable=on", nth);
	return 0;
}

/* ---- the others ---- */

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
	[HULL_DEVICE_BLK] = {.add = add_blk},
	[HULL_DEVICE_NVME] = {.add = add_nvme, .pci = true},
	[HULL_DEVICE_USB] = {.add = add_usb, .pci = true},
	[HULL_DEVICE_RNG] = {.add = add_rng},
	[HULL_DEVICE_BALLOON] = {.add = add_balloon},
	[HULL_DEVICE_GPU] = {.add = add_gpu},
	[HULL_DEVICE_INPUT] = {.add = add_input},
	[HULL_DEVICE_SERIAL] = {.add = hull_plan_console},
	[HULL_DEVICE_NET] = {.add = hull_plan_nic},
	[HULL_DEVICE_VSOCK] = {.add = hull_plan_vport},
};

bool hull_plan_devices_need_pci(const struct hull_config *config)
{
	for (size_t i = 0; i < config->devices.n; i++)
		if (kinds[config->devices.v[i].kind].pci)
			return true;
	return false;
}

size_t hull_plan_devices_places(const struct hull_config *config)
{
	size_t n = hull_vports_wanted(config);

	for (size_t i = 0; i < config->devices.n; i++)
		n += config->devices.v[i].kind != HULL_DEVICE_VSOCK;
	return n;
}

static bool has_kind(const struct hull_config *c, enum hull_device_kind kind)
{
	for (size_t i = 0; i < c->devices.n; i++)
		if (c->devices.v[i].kind == kind)
			return true;
	return false;
}

int hull_plan_devices(struct hull_plan *b, struct hull_error **err)
{
	if (has_kind(b->config, HULL_DEVICE_USB))
		hull_plan_add(b, "-device", "qemu-xhci,id=usb,bus=pcie.0,addr=" USB_SLOT);
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
