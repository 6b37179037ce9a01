/* SPDX-License-Identifier: Apache-2.0
 *
 * Objects that the tables of device.c describe: made, freed, and in hull's own JSON.
 */
#define _GNU_SOURCE
#include "config/device.h"

#include "base/cleanup.h"
#include "base/text.h"

#include <string.h>

/* ---- objects ---- */

int hull_device_init(struct hull_device *dev, enum hull_device_kind kind)
{
	const struct hull_class *class = &hull_device_classes[kind];
	bool ok = true;

	memset(dev, 0, sizeof(*dev));
	dev->kind = kind;
	hull_fields_init(&class->fields, hull_device_object(dev));
	if (hull_device_is_disk(dev))
		ok = (dev->disk.word = strdup(class->name)) != NULL;
	if (kind == HULL_DEVICE_NBD)
		ok = (dev->nbd.word = strdup(class->name)) != NULL &&
		     (dev->nbd.sync = strdup("full")) != NULL;
	if (ok)
		return 0;
	hull_device_fini(dev);
	return -ENOMEM;
}

void hull_device_fini(struct hull_device *dev)
{
	hull_fields_fini(&hull_device_classes[dev->kind].fields, hull_device_object(dev));
}

void hull_bootloader_fini(struct hull_bootloader *boot)
{
	if (boot->kind != HULL_BOOT_NONE)
		hull_fields_fini(&hull_boot_classes[boot->kind].fields,
				 hull_bootloader_object(boot));
	boot->kind = HULL_BOOT_NONE;
}

int hull_class_finish(const struct hull_class *class, void *object, uint64_t seen,
		      struct hull_error **err)
{
	if (class->parsed && class->parsed(object, seen, err) < 0)
		return -1;
	return class->check ? class->check(object, err) : 0;
}

/* ---- our JSON ---- */

/* The kind of that name, or -1. */
static int find_kind(const char *name, struct hull_error **err)
{
	const char *names[HULL_DEVICE_COUNT + 1] = {NULL};
	char near[HULL_NEAR_LEN];

	for (int i = 0; i < HULL_DEVICE_COUNT; i++) {
		names[i] = hull_device_classes[i].name;
		if (name && !strcmp(name, names[i]))
			return i;
	}
	if (!name)
		return hull_fail(err, HULL_E_INVALID, "must be the name of a device");
	return hull_fail(err, HULL_E_INVALID, "unknown '%.64s'%s", name,
			 hull_did_you_mean(name, names, "", near));
}

static uint64_t seen_rows(const struct hull_class *class, const struct hull_json *json)
{
	uint64_t seen = 0;

	for (size_t i = 0; i < class->fields.n; i++)
		if (class->fields.v[i].name && hull_json_has(json, class->fields.v[i].name))
			seen |= UINT64_C(1) << i;
	return seen;
}

static int device_from_json(void *object, const struct hull_json *json,
			    const struct hull_field_where *where, struct hull_error **err)
{
	const struct hull_field_where kind_at = {.parent = where, .name = "kind"};
	const struct hull_class *class;
	struct hull_device *dev = object;
	int kind, r;

	if (hull_json_type(json) != HULL_JSON_OBJECT) {
		(void)hull_fail(err, HULL_E_INVALID, "must be an object");
		return hull_field_fail(where, err);
	}
	kind = find_kind(hull_json_str(hull_json_get(json, "kind")), err);
	if (kind < 0)
		return hull_field_fail(&kind_at, err);
	if (hull_device_init(dev, (enum hull_device_kind)kind) < 0)
		return hull_fail_nomem(err);
	class = &hull_device_classes[kind];
	r = hull_fields_from_json(&class->fields, hull_device_object(dev), json, where, err);
	if (r == 0 &&
	    hull_class_finish(class, hull_device_object(dev), seen_rows(class, json), err) < 0)
		return hull_field_fail(where, err);
	return r;
}

static struct hull_json *device_to_json(const void *object)
{
	const struct hull_device *dev = object;
	struct hull_json *json;

	return hull_fields_to_json(&hull_device_classes[dev->kind].fields, hull_device_object(dev),
				   &json, NULL) < 0
		       ? NULL
		       : json;
}

static void device_fini(void *object)
{
	hull_device_fini(object);
}

static const struct hull_fields *device_rows(void *object, void **ret_object)
{
	struct hull_device *dev = object;

	*ret_object = hull_device_object(dev);
	return &hull_device_classes[dev->kind].fields;
}

static const struct hull_field_own device_own = {device_from_json, device_to_json, device_fini,
						 device_rows};
const struct hull_fields hull_device_fields = {.size = sizeof(struct hull_device),
					       .own = &device_own};
