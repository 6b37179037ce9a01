/* SPDX-License-Identifier: Apache-2.0
 *
 * Building a described tree in the calling process's own mount namespace.  In two steps, because a
 * mount made in between may cover a source: open all sources, then lay out the tree.
 */
#ifndef HULL_SHARE_BUILD_H
#define HULL_SHARE_BUILD_H

#include "share/mounts.h"
#include "share/tree.h"

struct hull_sources {
	HULL_VEC(struct hull_bind) binds; /* of the tree's BIND entries, in order */
};

enum hull_build_use {
	HULL_BUILD_DATA,     /* nothing in it is ever executed on the host */
	HULL_BUILD_PROGRAMS, /* programs are started from it */
};

/* @old: by mount(2) only. */
int hull_sources_open(const struct hull_tree *t, enum hull_build_use use, bool old,
		      struct hull_sources *ret, struct hull_error **err);
void hull_sources_close(struct hull_sources *s);
#define cleanup_sources __attribute__((cleanup(hull_sources_close)))

/* @root_fd: an empty directory of a file system made for the tree.  @masks_fd: another one on it,
 * for what the masks are made of; NULL text and directories share one each.  Uses up @s. */
int hull_build(const struct hull_tree *t, struct hull_sources *s, int root_fd, int masks_fd,
	       bool old, struct hull_error **err);

#endif
