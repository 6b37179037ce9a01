/* SPDX-License-Identifier: Apache-2.0
 *
 * The tags of directories, see virtiofs.h.
 */
#define _GNU_SOURCE
#include "config/virtiofs.h"

#include "base/text.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

const char *hull_fs_tag(const struct hull_dev_fs *fs, size_t *ret_len)
{
	const char *dir = fs->dir ? fs->dir : "", *start;
	size_t len = strlen(dir);

	if (fs->tag) {
		*ret_len = strlen(fs->tag);
		return fs->tag;
	}
	while (len > 1 && dir[len - 1] == '/')
		len--;
	start = len > 1 ? memrchr(dir, '/', len) : NULL;
	start = start ? start + 1 : dir;
	*ret_len = (size_t)(dir + len - start);
	return start;
}

int hull_fs_keep_tag(struct hull_dev_fs *fs)
{
	const char *tag;
	size_t len;

	if (fs->tag || !fs->dir)
		return 0;
	tag = hull_fs_tag(fs, &len);
	fs->tag = strndup(tag, len);
	return fs->tag ? 0 : -ENOMEM;
}

static const char another[] = "give the device another tag (mountTag)";

static int check_tag(const char *tag, size_t len, size_t index, struct hull_error **err)
{
	if (len > HULL_FS_TAG_MAX)
		hull_fail(err, HULL_E_INVALID,
			  "devices[%zu].tag: '%.*s' has %zu bytes, and %d is the most", index,
			  (int)len, tag, len, HULL_FS_TAG_MAX);
	else if (hull_has_control(tag, len))
		hull_fail(err, HULL_E_INVALID,
			  "devices[%zu].tag: control characters are not allowed", index);
	else if (!strncmp(tag, HULL_FS_OWN_TAG, strlen(HULL_FS_OWN_TAG)))
		hull_fail(err, HULL_E_INVALID,
			  "devices[%zu].tag: '%.*s': what begins with '" HULL_FS_OWN_TAG
			  "' is for hull's own shares",
			  index, (int)len, tag);
	else
		return 0;
	hull_hint(err, "%s", another);
	return -1;
}

static int check_unique(const struct hull_config *config, size_t index, struct hull_error **err)
{
	const char *tag, *other;
	size_t len, other_len;

	tag = hull_fs_tag(&config->devices.v[index].fs, &len);
	for (size_t i = 0; i < index; i++) {
		const struct hull_device *d = &config->devices.v[i];

		if (d->kind != HULL_DEVICE_FS)
			continue;
		other = hull_fs_tag(&d->fs, &other_len);
		if (len != other_len || memcmp(tag, other, len) != 0)
			continue;
		(void)hull_fail(err, HULL_E_INVALID,
				"devices[%zu].tag: '%.*s' is that of devices[%zu] already", index,
				(int)len, tag, i);
		hull_hint(err, "%s", another);
		return -1;
	}
	return 0;
}

int hull_fs_device_check(const struct hull_config *config, size_t index, struct hull_error **err)
{
	const struct hull_dev_fs *fs = &config->devices.v[index].fs;
	const char *tag;
	size_t len;

	if (!fs->dir)
		return hull_fail(err, HULL_E_INVALID, "devices[%zu].dir: missing", index);
	if (*fs->dir != '/')
		return hull_fail(err, HULL_E_INVALID, "devices[%zu].dir: not an absolute path",
				 index);
	if (config->share_driver == HULL_SHARE_DRIVER_NINEP) {
		(void)hull_fail(err, HULL_E_INVALID,
				"devices[%zu]: the guest mounts it as virtiofs, which share driver "
				"'9p' does not serve",
				index);
		hull_hint(err, "leave out --share-driver (share_driver)");
		return -1;
	}
	tag = hull_fs_tag(fs, &len);
	return check_tag(tag, len, index, err) < 0 ? -1 : check_unique(config, index, err);
}
