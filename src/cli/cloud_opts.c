/* SPDX-License-Identifier: Apache-2.0
 *
 * See cloud_opts.h.
 */
#define _GNU_SOURCE
#include "cli/cloud_opts.h"

#include "base/cleanup.h"
#include "config/vfkit.h"

#include <string.h>
#include <unistd.h>

static char **slot_of(struct hull_cloud_init *ci, const char *path)
{
	const char *slash = strrchr(path, '/'), *name = slash ? slash + 1 : path;

	if (!strcmp(name, "user-data"))
		return &ci->user_data;
	if (!strcmp(name, "meta-data"))
		return &ci->meta_data;
	return !strcmp(name, "network-config") ? &ci->network_config : NULL;
}

static void fini(struct hull_cloud_init *ci)
{
	free(ci->user_data);
	free(ci->meta_data);
	free(ci->network_config);
}

static int take_files(const struct hull_strv *files, struct hull_cloud_init *ci,
		      struct hull_error **err)
{
	for (size_t i = 0; i < files->n; i++) {
		const char *path = files->v[i];
		char **slot = slot_of(ci, path);

		if (!*path)
			continue;
		if (access(path, R_OK) < 0)
			return hull_fail(err, HULL_E_INVALID, "open '%s': %s", path,
					 hull_strerror(errno));
		if (!slot)
			continue;
		free(*slot);
		*slot = realpath(path, NULL); /* the monitor runs elsewhere */
		if (!*slot)
			return hull_fail_errno(err, errno, "open '%s'", path);
	}
	if (files->n && !ci->user_data && !ci->meta_data)
		return hull_fail(err, HULL_E_INVALID,
				 "a file named user-data or meta-data is needed");
	return 0;
}

int hull_cloud_opt_files(const struct hull_strv *files, struct hull_config *config,
			 struct hull_error **err)
{
	struct hull_cloud_init ci = {0};
	int r = take_files(files, &ci, err);

	if (r == 0 && config) {
		fini(&config->cloud_init);
		config->cloud_init = ci;
	} else {
		fini(&ci);
	}
	return r;
}

int hull_cloud_opt_parse(const char *value, struct hull_config *config, struct hull_error **err)
{
	cleanup_strv struct hull_strv files = {0};

	if (hull_vfkit_split_quoted(value, &files, err) < 0)
		return -1;
	return hull_cloud_opt_files(&files, config, err);
}
