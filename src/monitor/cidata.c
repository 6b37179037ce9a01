/* SPDX-License-Identifier: Apache-2.0
 *
 * From the description's files to an image, see cidata.h.  It has all three of them, empty where
 * none is given.
 */
#define _GNU_SOURCE
#include "monitor/cidata.h"

#include "base/cleanup.h"
#include "base/path.h"
#include "base/strbuf.h"
#include "boot/iso9660.h"

#include <string.h>

#define FILES 3

static bool is_wanted(const struct hull_config *c)
{
	return c->cloud_init.user_data || c->cloud_init.meta_data || c->cloud_init.network_config;
}

int hull_cidata_adopt(struct hull_config *config, struct hull_error **err)
{
	struct hull_device *dev;

	if (!is_wanted(config))
		return 0;
	if (config->devices.n == HULL_CONFIG_MAX_DEVICES)
		return hull_fail(err, HULL_E_INVALID,
				 "cloud_init: more than %d devices with the disk for it",
				 HULL_CONFIG_MAX_DEVICES);
	dev = hull_vec_push(&config->devices);
	if (!dev)
		return hull_fail_nomem(err);
	if (hull_device_init(dev, HULL_DEVICE_BLK) < 0) {
		config->devices.n--;
		return hull_fail_nomem(err);
	}
	dev->disk.readonly = true;
	dev->disk.path =
		hull_path_join(config->run_dir ? config->run_dir : "/run", HULL_CIDATA_FILE);
	return dev->disk.path ? 0 : hull_fail_nomem(err);
}

static int read_file(const char *path, struct hull_strbuf *text, struct hull_error **err)
{
	int r = path ? hull_regular_read(path, HULL_CIDATA_MAX, text) : 0;

	if (r == -EFBIG)
		return hull_fail(err, HULL_E_INVALID, "cloud_init: '%s' is larger than %zu KiB",
				 path, HULL_CIDATA_MAX >> 10);
	if (r == -EINVAL)
		return hull_fail(err, HULL_E_INVALID, "cloud_init: '%s' is not a regular file",
				 path);
	return r < 0 ? hull_fail_errno(err, -r, "cloud_init: read '%s'", path) : 0;
}

static int write_image(const struct hull_config *c, const struct hull_strbuf *image,
		       struct hull_error **err)
{
	cleanup_free char *path = hull_path_join(c->run_dir, HULL_CIDATA_FILE);
	int r;

	if (!path || image->failed)
		return hull_fail_nomem(err);
	r = hull_file_write(path, image->data, image->len, 0600, false);
	return r < 0 ? hull_fail_errno(err, -r, "cloud_init: write '%s'", path) : 0;
}

int hull_cidata_make(const struct hull_config *config, struct hull_error **err)
{
	const struct hull_cloud_init *ci = &config->cloud_init;
	const char *const paths[FILES] = {ci->meta_data, ci->network_config, ci->user_data};
	struct hull_iso_file files[FILES] = {
		{.name = "meta-data"}, {.name = "network-config"}, {.name = "user-data"}};
	struct hull_strbuf texts[FILES] = {0};
	cleanup_strbuf struct hull_strbuf image = {.max = (FILES + 1) * HULL_CIDATA_MAX};
	int r = 0;

	if (!is_wanted(config))
		return 0;
	for (size_t i = 0; r == 0 && i < FILES; i++) {
		texts[i].max = HULL_CIDATA_MAX + 1;
		r = read_file(paths[i], &texts[i], err);
		files[i].data = hull_strbuf_str(&texts[i]);
		files[i].len = texts[i].len;
	}
	if (r == 0) {
		hull_iso_make(&image, "cidata", files, FILES);
		r = write_image(config, &image, err);
	}
	for (size_t i = 0; i < FILES; i++)
		hull_strbuf_fini(&texts[i]);
	return r;
}
