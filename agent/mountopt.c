/* SPDX-License-Identifier: Apache-2.0
 *
 * The table of mount options.
 */
#include "agent/mountopt.h"

#include "base/cleanup.h"

#include <string.h>
#include <sys/mount.h>

static const struct {
	const char *name;
	unsigned long set, clear;
} flags[] = {
	{"async", 0, MS_SYNCHRONOUS},
	{"atime", 0, MS_NOATIME},
	{"bind", MS_BIND, 0},
	{"defaults", 0, 0},
	{"dev", 0, MS_NODEV},
	{"diratime", 0, MS_NODIRATIME},
	{"dirsync", MS_DIRSYNC, 0},
	{"exec", 0, MS_NOEXEC},
	{"lazytime", MS_LAZYTIME, 0},
	{"noatime", MS_NOATIME, 0},
	{"nodev", MS_NODEV, 0},
	{"nodiratime", MS_NODIRATIME, 0},
	{"noexec", MS_NOEXEC, 0},
	{"norelatime", 0, MS_RELATIME},
	{"nosuid", MS_NOSUID, 0},
	{"nosymfollow", 256 /* MS_NOSYMFOLLOW, newer than the headers */, 0},
	{"rbind", MS_BIND | MS_REC, 0},
	{"relatime", MS_RELATIME, 0},
	{"ro", MS_RDONLY, 0},
	{"rw", 0, MS_RDONLY},
	{"silent", MS_SILENT, 0},
	{"strictatime", MS_STRICTATIME, 0},
	{"suid", 0, MS_NOSUID},
	{"sync", MS_SYNCHRONOUS, 0},
};

static const struct {
	const char *name;
	unsigned long value;
} propagations[] = {
	{"private", MS_PRIVATE},
	{"rprivate", MS_PRIVATE | MS_REC},
	{"rshared", MS_SHARED | MS_REC},
	{"rslave", MS_SLAVE | MS_REC},
	{"runbindable", MS_UNBINDABLE | MS_REC},
	{"shared", MS_SHARED},
	{"slave", MS_SLAVE},
	{"unbindable", MS_UNBINDABLE},
};

static bool parse_known(const char *option, struct hull_mount_options *o)
{
	for (size_t i = 0; i < ARRAY_SIZE(flags); i++)
		if (!strcmp(option, flags[i].name)) {
			o->flags = (o->flags & ~flags[i].clear) | flags[i].set;
			return true;
		}
	for (size_t i = 0; i < ARRAY_SIZE(propagations); i++)
		if (!strcmp(option, propagations[i].name)) {
			o->propagation = propagations[i].value;
			return true;
		}
	return false;
}

int hull_mount_options_parse(char *const *options, size_t n, struct hull_mount_options *ret_opts,
			     struct hull_error **err)
{
	if (n > HULL_MOUNT_OPTIONS_MAX)
		return hull_fail(err, HULL_E_INVALID, "more than %d mount options",
				 HULL_MOUNT_OPTIONS_MAX);
	ret_opts->data.max = HULL_MOUNT_DATA_MAX;
	for (size_t i = 0; i < n; i++) {
		if (!*options[i] || parse_known(options[i], ret_opts))
			continue;
		if (ret_opts->data.len)
			(void)hull_strbuf_adds(&ret_opts->data, ",");
		(void)hull_strbuf_adds(&ret_opts->data, options[i]);
	}
	if (ret_opts->data.failed)
		return hull_fail(err, HULL_E_INVALID,
				 "mount options for the file system exceed %zu bytes",
				 HULL_MOUNT_DATA_MAX);
	return 0;
}

void hull_mount_options_fini(struct hull_mount_options *o)
{
	hull_strbuf_fini(&o->data);
}
