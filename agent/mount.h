/* SPDX-License-Identifier: Apache-2.0
 *
 * Mounts in the VM's own namespace, which the sessions' namespaces follow.  All of this may block
 * for as long as a file system's server likes: for forked workers only.
 */
#ifndef HULL_AGENT_MOUNT_H
#define HULL_AGENT_MOUNT_H

#include "base/error.h"
#include "hull/agent.pb-c.h"

#include <stdbool.h>

#define HULL_MOUNTS_MAX 1024

/* Makes the target, and an overlay's upper and work directories, where they are missing.  Where
 * @root is not NULL and the target lies below it, links on the way to the target are
 * resolved within the root. A source "serial:X" is the block device with that serial number.  Some
 * types are no mounts at all: node.h. */
int hull_mount_entry(const char *root, const Hull__Agent__V1__MountEntry *e,
		     struct hull_error **err);
int hull_mount_remove(const char *root, const char *target, bool detach, struct hull_error **err);
/* What programs expect of a root: /dev, /sys with cgroup, /run, /tmp.  /proc comes with each
 * session. */
int hull_mount_api(const char *root, struct hull_error **err);
/* Turns the file system that is mounted there read-only, for everybody and in all its mounts. */
int hull_mount_seal(const char *path, struct hull_error **err);
/* Lets sessions' namespaces follow what is mounted later. */
int hull_mount_share(struct hull_error **err);

/* Appends "/dev/<name>" of the disk with that serial number. */
struct hull_strbuf;
int hull_mount_find_disk(const char *serial, struct hull_strbuf *ret_device,
			 struct hull_error **err);

#endif
