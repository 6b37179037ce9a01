/* SPDX-License-Identifier: Apache-2.0
 *
 * Mount options as people write them ("ro", "nosuid", "rslave", "lowerdir=/a:/b") taken apart
 * into the kernel's flags and the data for the file system.
 */
#ifndef HULL_AGENT_MOUNTOPT_H
#define HULL_AGENT_MOUNTOPT_H

#include "base/error.h"
#include "base/strbuf.h"

/* The kernel takes one page, its NUL included. */
#define HULL_MOUNT_DATA_MAX ((size_t)4095)
#define HULL_MOUNT_OPTIONS_MAX 1024

struct hull_mount_options {
	unsigned long flags;	   /* MS_RDONLY, ...; MS_BIND and MS_REC for (r)bind */
	unsigned long propagation; /* MS_PRIVATE, ... with MS_REC; 0: leave */
	struct hull_strbuf data;   /* comma-separated */
};

/* @ret_opts is zeroed by the caller; finish it also after a failure. */
int hull_mount_options_parse(char *const *options, size_t n, struct hull_mount_options *ret_opts,
			     struct hull_error **err);
void hull_mount_options_fini(struct hull_mount_options *o);

#endif
