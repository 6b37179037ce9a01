/* SPDX-License-Identifier: Apache-2.0
 *
 * Disks of the list of devices: what they are made of, as nodes "devfile<n>" (the file) and
 * "dev<n>" (what the guest sees), and the devices.
 */
#define _GNU_SOURCE
#include "backend/qemu/plan-build.h"

#include "base/cleanup.h"
#include "base/json.h"
#include "base/strbuf.h"
#include "config/nbd.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#define NS_PER_S 1000000000

static bool is_block_device(const struct hull_plan *b, size_t nth)
{
	return b->host->device_blocks & UINT32_C(1) << nth;
}

static const char *cache_words(const struct hull_dev_disk *d)
{
	const char *cache = hull_disk_cache(d);

	if (!strcmp(cache, "none"))
		return ",cache.direct=on";
	return !strcmp(cache, "unsafe") ? ",cache.no-flush=on" : "";
}

/* An image's own word for another file is not listened to ("backing"): what it was when it was
 * opened may have changed since (files.c). */
static void add_image(struct hull_plan *b, size_t nth, const struct hull_dev_disk *d)
{
	bool direct = !strcmp(hull_disk_cache(d), "none");
	const char *format = d->format ? d->format : "raw";
	int fd = hull_plan_fd(b, HULL_QEMU_FD_DEVICE, nth);
	char words[96];

	snprintf(words, sizeof(words), "%s%s%s", d->readonly ? ",read-only=on" : "",
		 d->discard ? ",discard=unmap" : "", cache_words(d));
	hull_plan_addf(b, "-add-fd", "fd=%d,set=%zu", fd, HULL_QEMU_SET_DEVICE + nth);
	hull_plan_addf(
		b, "-blockdev", "driver=%s,node-name=devfile%zu,filename=/dev/fdset/%zu%s%s%s",
		is_block_device(b, nth) ? "host_device" : "file", nth, HULL_QEMU_SET_DEVICE + nth,
		d->aio ? ",aio=" : "", d->aio ? d->aio : "", words);
	for (size_t i = 0; i < b->host->device_parts[nth]; i++)
		hull_plan_addf(b, "-add-fd", "fd=%d,set=%zu",
			       hull_plan_fd(b, HULL_QEMU_FD_PART, nth * HULL_QEMU_PARTS_MAX + i),
			       HULL_QEMU_PART_SET(nth, i));
	if (!strcmp(format, "raw"))
		hull_plan_addf(b, "-blockdev", "driver=raw,node-name=dev%zu,file=devfile%zu%s", nth,
			       nth, words);
	else
		hull_plan_addf(
			b, "-blockdev",
			"{\"driver\":\"%s\",\"node-name\":\"dev%zu\",\"file\":\"devfile%zu\","
			"\"backing\":null,\"read-only\":%s,\"discard\":\"%s\","
			"\"cache\":{\"direct\":%s,\"no-flush\":%s}}",
			format, nth, nth, d->readonly ? "true" : "false",
			d->discard ? "unmap" : "ignore", direct ? "true" : "false",
			!strcmp(hull_disk_cache(d), "unsafe") ? "true" : "false");
}

static void add_virtio_disk(struct hull_plan *b, size_t nth, const char *serial, const char *more)
{
	char properties[128];

	snprintf(properties, sizeof(properties), ",id=devblk%zu,drive=dev%zu%s%s%s", nth, nth,
		 serial ? ",serial=" : "", serial ? serial : "", more);
	hull_plan_listed_virtio(b, "virtio-blk", properties);
}

/* A thread is woken by the guest's writes to a queue's register, which KVM turns into events, and
 * PCI devices in any case. */
bool hull_plan_disk_needs_pci(const struct hull_dev_disk *d, enum hull_accel accel)
{
	return d->iothread && accel != HULL_ACCEL_KVM;
}

int hull_plan_blk(struct hull_plan *b, size_t nth, const struct hull_device *dev,
		  struct hull_error **err)
{
	cleanup_strbuf struct hull_strbuf more = HULL_STRBUF_INIT;

	if (dev->disk.queues)
		hull_strbuf_addf(&more, ",num-queues=%" PRIu64, dev->disk.queues);
	if (dev->disk.iothread) {
		hull_plan_addf(b, "-object", "iothread,id=devio%zu", nth);
		hull_strbuf_addf(&more, ",iothread=devio%zu", nth);
	}
	b->failed |= more.failed;
	add_image(b, nth, &dev->disk);
	add_virtio_disk(b, nth, dev->disk.id, hull_strbuf_str(&more));
	return 0;
}

/* A controller has to have a serial number. */
int hull_plan_nvme(struct hull_plan *b, size_t nth, const struct hull_device *dev,
		   struct hull_error **err)
{
	char properties[128], queues[48] = "", serial[32];

	snprintf(serial, sizeof(serial), "hull-%zu", nth);
	if (dev->disk.queues)
		snprintf(queues, sizeof(queues), ",max_ioqpairs=%" PRIu64, dev->disk.queues);
	add_image(b, nth, &dev->disk);
	snprintf(properties, sizeof(properties), ",drive=dev%zu,serial=%s%s", nth,
		 dev->disk.id ? dev->disk.id : serial, queues);
	hull_plan_listed_pci(b, "nvme", properties);
	return 0;
}

int hull_plan_usb_disk(struct hull_plan *b, size_t nth, const struct hull_device *dev,
		       struct hull_error **err)
{
	const char *serial = dev->disk.id;

	add_image(b, nth, &dev->disk);
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
	char name[32];
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
	add_virtio_disk(b, nth, d->id, "");
	return 0;
}
