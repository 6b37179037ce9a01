/* SPDX-License-Identifier: Apache-2.0
 *
 * From a device's words to the description's list.
 */
#define _GNU_SOURCE
#include "cli/device_opts.h"

#include "base/cleanup.h"
#include "base/path.h"
#include "config/vfkit.h"

#include <string.h>

/* The monitor runs elsewhere. */
static int make_absolute(char **path, struct hull_error **err)
{
	char *real;

	if (!*path)
		return 0;
	real = realpath(*path, NULL);
	if (!real)
		return hull_fail_errno(err, errno, "open '%s'", *path);
	free(*path);
	*path = real;
	return 0;
}

/* One that does not exist yet, but its directory. */
static int make_absolute_new(char **path, struct hull_error **err)
{
	const char *slash = *path ? strrchr(*path, '/') : NULL;
	cleanup_free char *dir = NULL;
	char *real;

	if (!*path || (slash && !slash[1]))
		return *path ? hull_fail(err, HULL_E_INVALID, "'%s' is a directory", *path) : 0;
	dir = slash ? strndup(*path, (size_t)(slash - *path) + 1) : strdup(".");
	if (!dir || make_absolute(&dir, err) < 0)
		return dir ? -1 : hull_fail_nomem(err);
	real = hull_path_join(dir, slash ? slash + 1 : *path);
	if (!real)
		return hull_fail_nomem(err);
	free(*path);
	*path = real;
	return 0;
}

static int settle(struct hull_device *d, struct hull_error **err)
{
	const struct hull_class *class = &hull_device_classes[d->kind];
	const void *object = hull_device_object(d);

	if (class->check && class->check(object, err) < 0)
		return hull_prefix(err, "%s", class->name);
	switch (d->kind) {
	case HULL_DEVICE_BLK:
	case HULL_DEVICE_NVME:
	case HULL_DEVICE_USB:
		if (!d->disk.path)
			return hull_fail(err, HULL_E_INVALID, "%s: 'path' is needed", class->name);
		return make_absolute(&d->disk.path, err);
	case HULL_DEVICE_FS:
		return make_absolute(&d->fs.dir, err);
	case HULL_DEVICE_SERIAL:
		return make_absolute_new(&d->serial.log, err);
	case HULL_DEVICE_VSOCK:
		return make_absolute_new(&d->vsock.path, err);
	case HULL_DEVICE_NET:
		return make_absolute(&d->net.path, err);
	default:
		return 0;
	}
}

int hull_device_add(struct hull_config *config, const char *value, struct hull_error **err)
{
	static const struct hull_vfkit_hooks hooks = {.ours = true};
	struct hull_device dev, *slot;

	if (hull_vfkit_parse_device(value, &hooks, &dev, err) < 0)
		return -1;
	if (settle(&dev, err) < 0) {
		hull_device_fini(&dev);
		return -1;
	}
	slot = config->devices.n < HULL_CONFIG_MAX_DEVICES ? hull_vec_push(&config->devices) : NULL;
	if (slot) {
		*slot = dev;
		return 0;
	}
	hull_device_fini(&dev);
	return config->devices.n < HULL_CONFIG_MAX_DEVICES
		       ? hull_fail_nomem(err)
		       : hull_fail(err, HULL_E_INVALID, "more than %d devices",
				   HULL_CONFIG_MAX_DEVICES);
}
