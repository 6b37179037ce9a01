/* SPDX-License-Identifier: Apache-2.0
 *
 * Paths inside a root that a guest program or an image may have written: every link, also an
 * absolute one, is resolved within it.  Leaf helpers: >= 0 or -errno.
 */
#ifndef HULL_AGENT_INROOT_H
#define HULL_AGENT_INROOT_H

/* As openat2() with RESOLVE_IN_ROOT, close-on-exec; for O_CREAT the mode is 0644. */
int hull_inroot_open(int rootfd, const char *path, int flags);
/* Makes what is missing of @path as directories (0755) and opens it with O_PATH. */
int hull_inroot_mkdirs(int rootfd, const char *path);
/* The same up to the last component, which becomes an empty file unless something is there. */
int hull_inroot_mkfile(int rootfd, const char *path);
/* A regular file, emptied, for writing.  What is missing is made; a link that doesn't lead to a
 * file becomes one. */
int hull_inroot_rewrite(int rootfd, const char *path);

#endif
