/* SPDX-License-Identifier: Apache-2.0
 *
 * From a device's words to the description's list.
 */
#define _GNU_SOURCE
#include "cli/device_opts.h"

#include "cli/path_opts.h"
#include "config/vfkit.h"
#include "config/virtiofs.h"

static int take_directory(struct hull_dev_fs *fs, struct hull_error **err)
{
	if (hull_fs_keep_tag(fs) < 0)
		return hull_fail_nomem(err);
	if (hull_dir_parse(fs->dir, &fs->dir, err) == 0)
		return 0;
	hull_hint(err, "give the path of a directory, or make it first: mkdir -p '%s'", fs->dir);
	return -1;
}

static int settle(struct hull_device *d, struct hull_error **err)
{
	char **existing = NULL, **maybe = NULL;

	switch (d->kind) {
	case HULL_DEVICE_BLK:
	case HULL_DEVICE_NVME:
	case HULL_DEVICE_USB:
		existing = &d->disk.path;
		if (!*existing)
			return hull_fail(err, HULL_E_INVALID, "'path' is needed");
		break;
	case HULL_DEVICE_FS:
		if (!d->fs.dir)
			return hull_fail(err, HULL_E_INVALID, "virtio-fs: 'sharedDir' is needed");
		return take_directory(&d->fs, err);
	case HULL_DEVICE_NET:
		existing = &d->net.path;
		break;
	case HULL_DEVICE_SERIAL:
		maybe = &d->serial.log;
		break;
	case HULL_DEVICE_VSOCK:
		maybe = &d->vsock.path;
		break;
	default:
		break;
	}
	if (existing && *existing)
		return hull_existing_parse(*existing, existing, err);
	return maybe && *maybe ? hull_maybe_file_parse(*maybe, maybe, err) : 0;
}

int hull_device_add(struct hull_config *config, const char *value, struct hull_error **err)
{
	static const struct hull_vfkit_hooks hooks = {.ours = true};
	struct hull_device dev, *slot;

	if (hull_vfkit_parse_device(value, &hooks, &dev, err) < 0)
		return -1;
	if (settle(&dev, err) < 0) {
		const char *kind = hull_device_classes[dev.kind].name;

		hull_device_fini(&dev);
		return hull_prefix(err, "%s", kind);
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
