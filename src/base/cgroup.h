/* SPDX-License-Identifier: Apache-2.0
 *
 * A control group per VM, where the host lets us have one: in the v2 hierarchy (pure, or the
 * "unified" one of a hybrid host) below our own group.  It is how everything of a VM is found
 * and killed at once, whatever it did to its parentage.
 */
#ifndef HULL_BASE_CGROUP_H
#define HULL_BASE_CGROUP_H

#include "base/error.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

struct hull_strbuf;

/* Path of the directory below which this process may create v2 groups, "" if there is none.
 * 0 or -errno. */
int hull_cgroup_base(struct hull_strbuf *ret_path);
/* Appends the v2 path in the text of a /proc/PID/cgroup; -ENOENT if it has none, or one outside
 * what this process sees of the hierarchy.  Pure. */
int hull_cgroup_own(const char *text, struct hull_strbuf *ret_path);
/* Creates <base>/hull-<name>; *ret_fd is its directory.  -ENOENT when no cgroup can be had,
 * -EEXIST when the group is there already, -EINVAL for a name with a slash. */
int hull_cgroup_create(const char *name, struct hull_strbuf *ret_path, int *ret_fd);
/* Kills all members (cgroup.kill, or signals in a loop where that is missing), waits until the
 * group is empty or deadline_ns has passed, and removes it.  0, -ETIMEDOUT or -errno; a group that
 * is gone already is success.  Blocks for as long as the kernel needs to end the members. */
int hull_cgroup_destroy(const char *path, uint64_t deadline_ns);

#endif
