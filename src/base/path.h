/* SPDX-License-Identifier: Apache-2.0
 *
 * Paths and small files: joining, making directories, reading with a bound, writing whole.
 * Leaf helpers: >= 0 or -errno.
 */
#ifndef HULL_BASE_PATH_H
#define HULL_BASE_PATH_H

#include "base/error.h"

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

struct hull_strbuf;
struct stat;

/* "a/b"; NULL without memory.  The caller frees. */
char *hull_path_join(const char *dir, const char *name);
/* An absolute path without "//", ".", ".." and a slash at its end, by its text alone; NULL without
 * memory.  The caller frees. */
char *hull_path_clean(const char *path);
/* mkdir -p with @mode for what is made. */
int hull_path_mkdirs(const char *path, mode_t mode);
/* The whole file, refused with -EFBIG above @max. */
int hull_file_read(const char *path, size_t max, struct hull_strbuf *out);
/* Likewise; but at @path there may be anything, a FIFO for example, and the caller may not wait. */
int hull_regular_read(const char *path, size_t max, struct hull_strbuf *out);
/* A regular file, or a block device where @block_device_ok: 0 or -errno, -EINVAL for what is
 * neither.  Without waiting for the other side of a FIFO that somebody put there. */
int hull_file_open(const char *path, int flags, bool block_device_ok, struct stat *ret_st,
		   int *ret_fd);
int hull_fd_read_all(int fd, size_t max, struct hull_strbuf *out);
/* Temporary name beside it, fsync if @sync, rename: others see the old file or the new one. */
int hull_file_write(const char *path, const void *data, size_t len, mode_t mode, bool sync);
/* A new file in @dir, for us alone, that has no name: a descriptor for reading and writing, or
 * -errno. Not every file system has such files; there it has had one, "<prefix>XXXXXX", which is
 * gone again, or which is *ret_path, if @ret_path is not NULL (it is NULL for a file without).  The
 * caller frees it. */
int hull_file_nameless(const char *dir, const char *prefix, char **ret_path);
/* Removes a tree beneath @path without following links or crossing mounts; ENOENT is success. */
int hull_path_remove_tree(const char *path);
/* All of it, or -errno. */
int hull_fd_write_all(int fd, const void *data, size_t len);

#endif
