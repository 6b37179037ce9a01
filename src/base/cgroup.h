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
/* The same among the lines of the v1 hierarchies: that of the one with @controller. */
int hull_cgroup_own_v1(const char *text, const char *controller, struct hull_strbuf *ret_path);
/* Path of the directory below which this process may create groups with a bound on their CPU time,
 * "" if there is none: in the v2 hierarchy where a group of ours, or the nearest above it, hands
 * the cpu controller down (@ret_v1 false), else in the v1 hierarchy of that controller.  A member
 * of a v2 group is born in it; a v1 group is inherited from the parent: hull_cgroup_join(). */
int hull_cgroup_cpu_base(struct hull_strbuf *ret_path, bool *ret_v1);
/* Creates <base>/hull-<name>; *ret_fd is its directory.  -ENOENT when no cgroup can be had,
 * -EEXIST when the group is there already, -EINVAL for a name with a slash. */
int hull_cgroup_create(const char *name, struct hull_strbuf *ret_path, int *ret_fd);
/* Creates the group at @path, below one of the above; the same errors. */
int hull_cgroup_make(const char *path, int *ret_fd);
/* Notes whose it is, where the kernel can (5.7, for v2): best effort. */
void hull_cgroup_mark(int dir, const char *text);
/* Appends the note; 0 or -errno, -ENODATA where there is none. */
int hull_cgroup_get_mark(const char *path, struct hull_strbuf *ret);
/* @fn for each group of ours, by effective user, whose name begins with "hull-", wherever in the
 * hierarchies that such groups can be in.  Ends early when @fn returns non-zero, which is returned;
 * else 0 or -errno. */
int hull_cgroup_each(int (*fn)(void *ctx, const char *path), void *ctx);
/* All members together get @milli thousandths of a processor. */
int hull_cgroup_limit_cpu(int dir, uint64_t milli);
/* The least of the memory limits that this process lives under, v1 or v2, and *ret_path the group
 * that has it; 0 if there is none. */
uint64_t hull_cgroup_memory_limit(struct hull_strbuf *ret_path);
/* Moves this process into the group: those it starts from now on are born there. */
int hull_cgroup_join(int dir);
/* Kills all members but this process (cgroup.kill, or signals in a loop where that is missing),
 * waits until the group is empty or deadline_ns has passed, and removes it.  0, -ETIMEDOUT or
 * -errno; a group that is gone already is success.  Blocks for as long as the kernel needs to end
 * the members. */
int hull_cgroup_destroy(const char *path, uint64_t deadline_ns);

#endif
