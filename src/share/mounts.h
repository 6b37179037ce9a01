/* SPDX-License-Identifier: Apache-2.0
 *
 * Binding one place of the file system to another, with restrictions that hold for whatever is
 * mounted beneath it too.  Two ways, chosen per bind: detached mounts (open_tree, mount_setattr,
 * move_mount; Linux 5.12), which are restricted before they can be reached, and mount(2) where a
 * kernel or a seccomp filter refuses those.  A bind is private: what is mounted on it shows nowhere
 * else, whatever the source's peers are.
 *
 * Leaf helpers: 0 or -errno.
 */
#ifndef HULL_SHARE_MOUNTS_H
#define HULL_SHARE_MOUNTS_H

#include <stdbool.h>
#include <stdint.h>

struct hull_bind {
	int fd; /* owned; of a detached mount, or O_PATH of the source */
	bool detached;
	bool recursive;
	uint64_t attrs; /* MOUNT_ATTR_*: only ever added to what the source has */
};

/* @path relative to @dirfd; its links are followed.  -EINVAL without @recursive may mean that an
 * ordinary user asked for a place with mounts beneath it. */
int hull_bind_open(int dirfd, const char *path, bool recursive, uint64_t attrs,
		   struct hull_bind *ret);
/* The same by mount(2) only. */
int hull_bind_open_old(int dirfd, const char *path, bool recursive, uint64_t attrs,
		       struct hull_bind *ret);
/* Onto the existing @name, no link, in @dirfd.  @bind is closed in any case. */
int hull_bind_attach(struct hull_bind *bind, int dirfd, const char *name);
void hull_bind_close(struct hull_bind *bind);

/* Adds restrictions to the mount whose root @path is; not to those beneath it. */
int hull_mount_restrict(const char *path, uint64_t attrs);

#endif
