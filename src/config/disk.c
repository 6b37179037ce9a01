/* SPDX-License-Identifier: Apache-2.0
 *
 * The table and rules of disk.h.
 */
#define _GNU_SOURCE
#include "config/disk.h"

#include "base/cleanup.h"
#include "base/text.h"

#include <string.h>

#define MIB (UINT64_C(1) << 20)
#define GIB (UINT64_C(1) << 30)
#define PATH_MAX_LEN 4095

static const struct hull_field disk_table[] = {
	HULL_FIELD_STRING(struct hull_disk, path, "path", HULL_FIELD_PATH, PATH_MAX_LEN,
			  "host path of the image or block device"),
	HULL_FIELD_ENUM(struct hull_disk, format, "format", 0, enum hull_disk_format, HULL_DISK_RAW,
			hull_disk_format_names, "format of the image"),
	HULL_FIELD_BOOL(struct hull_disk, readonly, "readonly", 0, false,
			"refuse writes from the guest"),
	HULL_FIELD_STRING(struct hull_disk, serial, "serial", 0, HULL_DISK_SERIAL_MAX,
			  "serial number the guest sees"),
	HULL_FIELD_SIZE(
		struct hull_disk, scratch_bytes, "scratch", 0, 0, MIB, 64 * 1024 * GIB,
		"instead of a path: an empty disk of this size, thrown away at the end; one with "
		"the serial 'hull-scratch' takes what is written to the root"),
	HULL_FIELD_NAMED(struct hull_disk, cache, "cache", 0, hull_disk_cache_names,
			 HULL_DISK_CACHE_HELP),
	HULL_FIELD_NAMED(struct hull_disk, aio, "aio", 0, hull_disk_aio_names, HULL_DISK_AIO_HELP),
	HULL_FIELD_U64(struct hull_disk, queues, "queues", 0, 0, 0, HULL_DISK_QUEUES_MAX,
		       "request queues; 0: the hypervisor's choice"),
	HULL_FIELD_BOOL(struct hull_disk, iothread, "iothread", 0, false,
			"serve it by a thread of its own"),
	HULL_FIELD_BOOL(struct hull_disk, discard, "discard", 0, false,
			"what the guest discards is given back to the host"),
};
const struct hull_fields hull_disk_fields = HULL_FIELDS(struct hull_disk, disk_table);

/* Nothing of a scratch disk outlives the guest: there is nothing to flush it for. */
struct hull_dev_disk hull_disk_as_device(const struct hull_disk *d)
{
	return (struct hull_dev_disk){
		.path = d->path,
		.readonly = d->readonly,
		.id = d->serial,
		.format = (char *)(uintptr_t)hull_disk_format_names[d->format],
		.cache = d->scratch_bytes ? (char *)(uintptr_t) "unsafe" : d->cache,
		.aio = d->aio,
		.queues = d->queues,
		.iothread = d->iothread,
		.discard = d->discard || d->scratch_bytes,
	};
}

static int fail_disk(struct hull_error **err, size_t i, const char *field, const char *text)
{
	return hull_fail(err, HULL_E_INVALID, "disks[%zu].%s: %s", i, field, text);
}

static int check_scratch(const struct hull_config *c, size_t i, struct hull_error **err)
{
	const struct hull_disk *d = &c->disks.v[i];
	const struct {
		bool said;
		const char *field;
	} useless[] = {{d->readonly, "readonly"},
		       {d->cache, "cache"},
		       {d->aio, "aio"},
		       {d->discard, "discard"}};

	if (c->root.readonly && hull_config_scratch(c) == d)
		return fail_disk(err, i, "scratch", "of no use for a root that refuses writes");
	if (d->scratch_bytes % 512)
		return fail_disk(err, i, "scratch", "must be a multiple of 512");
	if (d->format != HULL_DISK_RAW)
		return fail_disk(err, i, "format", "a scratch disk is raw");
	for (size_t k = 0; k < ARRAY_SIZE(useless); k++)
		if (useless[k].said)
			return fail_disk(err, i, useless[k].field, "of no use for a scratch disk");
	return 0;
}

int hull_disk_check_at(const struct hull_config *c, size_t i, struct hull_error **err)
{
	const struct hull_disk *d = &c->disks.v[i];
	const struct hull_dev_disk device = hull_disk_as_device(d);

	if (!d->path && !d->scratch_bytes)
		return fail_disk(err, i, "path", "missing");
	if (d->path && *d->path != '/')
		return fail_disk(err, i, "path", "not an absolute path");
	if (d->path && d->scratch_bytes)
		return fail_disk(err, i, "scratch", "not together with a path");
	if (d->scratch_bytes && check_scratch(c, i, err) < 0)
		return -1;
	if (hull_dev_disk_check(&device, err) < 0)
		return hull_prefix(err, "disks[%zu]", i);
	if (d->serial && !hull_is_word(d->serial, "_.-"))
		return fail_disk(err, i, "serial",
				 "must be letters, digits, '_', '.' and '-' only");
	for (size_t k = 0; d->serial && k < i; k++)
		if (c->disks.v[k].serial && !strcmp(d->serial, c->disks.v[k].serial))
			return fail_disk(err, i, "serial", "same as that of another disk");
	return 0;
}
