/* SPDX-License-Identifier: Apache-2.0
 *
 * Disks of the list of devices: what they are made of, as nodes "devfile<n>" (the file) and
 * "dev<n>" (what the guest sees), and the devices.  Those of the list of disks likewise, as
 * "file<n>" and "disk<n>".
 */
#define _GNU_SOURCE
#include "backend/qemu/plan-build.h"

#include "base/cleanup.h"
#include "base/json.h"
#include "base/strbuf.h"
#include "config/disk.h"
#include "config/nbd.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#define NS_PER_S 1000000000

/* Where a disk is described, and by which names it goes. */
struct disk {
	const struct hull_dev_disk *d;
	enum hull_qemu_fd_role role;
	size_t nth, set;
	const char *prefix; /* of its file, device and thread */
	const char *node;
	bool block_device;
	size_t n_parts;
};

static struct disk listed(const struct hull_plan *b, size_t nth, const struct hull_device *dev)
{
	return (struct disk){
		.d = &dev->disk,
		.role = HULL_QEMU_FD_DEVICE,
		.nth = nth,
		.set = HULL_QEMU_SET_DEVICE + nth,
		.prefix = "dev",
		.node = "dev",
		.block_device = b->host->device_blocks & UINT32_C(1) << nth,
		.n_parts = b->host->device_parts[nth],
	};
}

static const char *cache_words(const struct hull_dev_disk *d)
{
	if (hull_disk_is_direct(d))
		return ",cache.direct=on";
	return hull_disk_is_unsafe(d) ? ",cache.no-flush=on" : "";
}

/* A descriptor set instead of /proc/self/fd: QEMU duplicates the descriptor it was given, where
 * opening it again would ask for the right to the file.
 *
 * An image's own word for another file is not listened to ("backing"): what it was when it was
 * opened may have changed since (files.c). */
static void add_image(struct hull_plan *b, const struct disk *disk)
{
	const struct hull_dev_disk *d = disk->d;
	const char *format = d->format ? d->format : "raw";
	int fd = hull_plan_fd(b, disk->role, disk->nth);
	char words[96];

	snprintf(words, sizeof(words), "%s%s%s", d->readonly ? ",read-only=on" : "",
		 d->discard ? ",discard=unmap" : "", cache_words(d));
	hull_plan_addf(b, "-add-fd", "fd=%d,set=%zu", fd, disk->set);
	hull_plan_addf(b, "-blockdev",
		       "driver=%s,node-name=%sfile%zu,filename=/dev/fdset/%zu%s%s%s",
		       disk->block_device ? "host_device" : "file", disk->prefix, disk->nth,
		       disk->set, d->aio ? ",aio=" : "", d->aio ? d->aio : "", words);
	for (size_t i = 0; i < disk->n_parts; i++)
		hull_plan_addf(
			b, "-add-fd", "fd=%d,set=%zu",
			hull_plan_fd(b, HULL_QEMU_FD_PART, disk->nth * HULL_QEMU_PARTS_MAX + i),
			HULL_QEMU_PART_SET(disk->nth, i));
	if (!strcmp(format, "raw"))
		hull_plan_addf(b, "-blockdev", "driver=raw,node-name=%s%zu,file=%sfile%zu%s",
			       disk->node, disk->nth, disk->prefix, disk->nth, words);
	else
		hull_plan_addf(b, "-blockdev",
			       "{\"driver\":\"%s\",\"node-name\":\"%s%zu\",\"file\":\"%sfile%zu\","
			       "\"backing\":null,\"read-only\":%s,\"discard\":\"%s\","
			       "\"cache\":{\"direct\":%s,\"no-flush\":%s}}",
			       format, disk->node, disk->nth, disk->prefix, disk->nth,
			       d->readonly ? "true" : "false", d->discard ? "unmap" : "ignore",
			       hull_disk_is_direct(d) ? "true" : "false",
			       hull_disk_is_unsafe(d) ? "true" : "false");
}

static const char *through_word(const struct hull_dev_disk *d)
{
	return hull_disk_is_through(d) ? ",write-cache=off" : "";
}

/* The image, and the properties of a virtio device for it, which the caller frees; NULL without
 * memory. */
static char *add_virtio_image(struct hull_plan *b, const struct disk *disk)
{
	cleanup_strbuf struct hull_strbuf p = HULL_STRBUF_INIT;
	const struct hull_dev_disk *d = disk->d;
	size_t nth = disk->nth;
	char *text;

	if (d->iothread)
		hull_plan_addf(b, "-object", "iothread,id=%sio%zu", disk->prefix, nth);
	hull_strbuf_addf(&p, ",id=%sblk%zu,drive=%s%zu%s%s%s", disk->prefix, nth, disk->node, nth,
			 d->id ? ",serial=" : "", d->id ? d->id : "", through_word(d));
	if (d->queues)
		hull_strbuf_addf(&p, ",num-queues=%" PRIu64, d->queues);
	if (d->iothread)
		hull_strbuf_addf(&p, ",iothread=%sio%zu", disk->prefix, nth);
	add_image(b, disk);
	text = hull_strbuf_steal(&p);
	b->failed |= !text;
	return text;
}

void hull_plan_disk(struct hull_plan *b, size_t i)
{
	const struct hull_dev_disk d = hull_disk_as_device(&b->config->disks.v[i]);
	const struct disk disk = {
		.d = &d,
		.role = HULL_QEMU_FD_DISK,
		.nth = i,
		.set = HULL_QEMU_SET_DISK + i,
		.prefix = "",
		.node = "disk",
		.block_device = b->host->block_devices & UINT32_C(1) << i,
	};
	cleanup_free char *properties = add_virtio_image(b, &disk);
	char slot[16];

	snprintf(slot, sizeof(slot), "%#x", HULL_PLAN_FIRST_DISK + (unsigned int)i);
	if (properties)
		hull_plan_virtio(b, "virtio-blk", slot, properties);
}

/* A thread is woken by the guest's writes to a queue's register, which KVM turns into events, and
 * PCI devices in any case. */
bool hull_plan_disk_needs_pci(const struct hull_dev_disk *d, enum hull_accel accel)
{
	return d->iothread && accel != HULL_ACCEL_KVM;
}

bool hull_plan_disks_need_pci(const struct hull_config *config, enum hull_accel accel)
{
	for (size_t i = 0; i < config->disks.n; i++) {
		const struct hull_dev_disk d = hull_disk_as_device(&config->disks.v[i]);

		if (hull_plan_disk_needs_pci(&d, accel))
			return true;
	}
	return false;
}

int hull_plan_blk(struct hull_plan *b, size_t nth, const struct hull_device *dev,
		  struct hull_error **err)
{
	const struct disk disk = listed(b, nth, dev);
	cleanup_free char *properties = add_virtio_image(b, &disk);

	if (properties)
		hull_plan_listed_virtio(b, "virtio-blk", properties);
	return 0;
}

/* A controller has to have a serial number. */
int hull_plan_nvme(struct hull_plan *b, size_t nth, const struct hull_device *dev,
		   struct hull_error **err)
{
	const struct disk disk = listed(b, nth, dev);
	char properties[128], queues[48] = "", serial[32];

	snprintf(serial, sizeof(serial), "hull-%zu", nth);
	if (dev->disk.queues)
		snprintf(queues, sizeof(queues), ",max_ioqpairs=%" PRIu64, dev->disk.queues);
	add_image(b, &disk);
	snprintf(properties, sizeof(properties), ",drive=dev%zu,serial=%s%s%s", nth,
		 dev->disk.id ? dev->disk.id : serial, queues, through_word(&dev->disk));
	hull_plan_listed_pci(b, "nvme", properties);
	return 0;
}

int hull_plan_usb_disk(struct hull_plan *b, size_t nth, const struct hull_device *dev,
		       struct hull_error **err)
{
	const struct disk disk = listed(b, nth, dev);
	const char *serial = dev->disk.id;

	if (hull_disk_is_through(&dev->disk)) { /* "write-cache" is there, and has no effect */
		hull_fail(err, HULL_E_UNSUPPORTED,
			  "QEMU can't flush each write to a disk on the USB");
		hull_hint(err, "give it cache 'writeback' or 'none'");
		return -1;
	}
	add_image(b, &disk);
	hull_plan_addf(b, "-device", "usb-storage,bus=usb.0,drive=dev%zu,removable=on%s%s", nth,
		       serial ? ",serial=" : "", serial ? serial : "");
	return 0;
}

/* ---- over the network ---- */

static int add_server(const struct hull_plan *b, const struct hull_nbd *nbd, size_t nth, int dir,
		      struct hull_json *node)
{
	struct hull_json *server = hull_json_object();
	char text[64];
	int r;

	if (!server)
		return -ENOMEM;
	r = hull_json_set(server, "type", hull_json_string(nbd->socket ? "unix" : "inet"));
	if (nbd->socket && dir >= 0) {
		snprintf(text, sizeof(text), "/proc/self/fd/%d/%zu", dir, nth);
		r |= hull_json_set(server, "path", hull_json_string(text));
	} else if (nbd->socket) {
		r |= hull_json_set(server, "path", hull_json_string(nbd->socket));
	} else {
		snprintf(text, sizeof(text), "%u", nbd->port);
		r |= hull_json_set(server, "host", hull_json_string(nbd->host));
		r |= hull_json_set(server, "port", hull_json_string(text));
	}
	return r | hull_json_set(node, "server", server);
}

/* While a connection is being made anew, requests wait for the time-out; then they fail. */
static int add_delay(const struct hull_dev_nbd *d, struct hull_json *node)
{
	uint64_t s = d->timeout_ns > 0 ? ((uint64_t)d->timeout_ns + NS_PER_S - 1) / NS_PER_S : 1;

	return hull_json_set(node, "reconnect-delay", hull_json_u64(MIN(s, (uint64_t)UINT32_MAX)));
}

int hull_plan_nbd(struct hull_plan *b, size_t nth, const struct hull_device *dev,
		  struct hull_error **err)
{
	cleanup_json struct hull_json *node = hull_json_object(), *cache = hull_json_object();
	const struct hull_dev_nbd *d = &dev->nbd;
	cleanup_nbd struct hull_nbd nbd = {0};
	cleanup_free char *text = NULL;
	char name[32], properties[128];
	int r, dir = -1;

	if (hull_nbd_parse(d->uri, &nbd, err) < 0)
		return -1;
	if (!node || !cache)
		return hull_fail_nomem(err);
	if (nbd.socket && b->host->relays_nbd) {
		if (!b->nbd_fd)
			b->nbd_fd = hull_plan_fd(b, HULL_QEMU_FD_NBD, 0);
		dir = b->nbd_fd;
	}
	snprintf(name, sizeof(name), "dev%zu", nth);
	r = hull_json_set(node, "driver", hull_json_string("nbd"));
	r |= hull_json_set(node, "node-name", hull_json_string(name));
	r |= add_server(b, &nbd, nth, dir, node);
	r |= hull_json_set(node, "export", hull_json_string(nbd.export));
	r |= add_delay(d, node);
	r |= hull_json_set(node, "read-only", hull_json_bool(d->readonly));
	if (d->sync && !strcmp(d->sync, "none")) {
		r |= hull_json_set(cache, "no-flush", hull_json_bool(true));
		r |= hull_json_set(node, "cache", steal_ptr(&cache));
	}
	text = r < 0 ? NULL : hull_json_text(node);
	if (!text)
		return hull_fail_nomem(err);
	hull_plan_add(b, "-blockdev", text);
	snprintf(properties, sizeof(properties), ",id=devblk%zu,drive=dev%zu%s%s", nth, nth,
		 d->id ? ",serial=" : "", d->id ? d->id : "");
	hull_plan_listed_virtio(b, "virtio-blk", properties);
	return 0;
}
