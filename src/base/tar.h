/* SPDX-License-Identifier: Apache-2.0
 *
 * The tar format (POSIX.1-2001's, with GNU's sparse files of version 1.0), as bytes: reading
 * through a function, writing into a buffer, no files.  Also read: version 7, ustar, GNU's long
 * names and numbers.  An archive is hostile: every length has a bound, and a name is what the
 * archive says; what it may lead to is for whoever uses it.
 */
#ifndef HULL_BASE_TAR_H
#define HULL_BASE_TAR_H

#include "base/error.h"
#include "base/vec.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

struct hull_strbuf;

#define HULL_TAR_BLOCK 512
#define HULL_TAR_NAME_MAX 4096
#define HULL_TAR_HEADER_MAX ((size_t)1 << 20) /* of an extended header, and of a sparse map */
#define HULL_TAR_EXTENTS_MAX 30000	      /* such a map has room for so many */

enum hull_tar_type {
	HULL_TAR_FILE,
	HULL_TAR_HARD_LINK,
	HULL_TAR_SYMLINK,
	HULL_TAR_CHAR,
	HULL_TAR_BLOCK_DEVICE,
	HULL_TAR_DIRECTORY,
	HULL_TAR_FIFO,
};

struct hull_tar_extent {
	uint64_t offset, len;
};

struct hull_tar_entry {
	enum hull_tar_type type;
	char *name, *link; /* owned; link: "" but of links */
	uint32_t mode;	   /* 07777 */
	uint64_t uid, gid;
	uint64_t size; /* of a file, holes included */
	int64_t mtime_s;
	uint32_t mtime_ns;
	bool sparse; /* its data lies in these, in ascending order; else all of it is data */
	HULL_VEC(struct hull_tar_extent) extents;
};
void hull_tar_entry_fini(struct hull_tar_entry *e);
#define cleanup_tar_entry __attribute__((cleanup(hull_tar_entry_fini)))

/* ---- reading ---- */

/* Up to @len bytes; 0 at the end, or -errno. */
typedef ssize_t (*hull_tar_read_fn)(void *ctx, void *buf, size_t len);

/* { .read = ..., .ctx = ... } */
struct hull_tar_reader {
	hull_tar_read_fn read;
	void *ctx;
	/* Of the present entry: what of its data is to come, and what fills up its last block. */
	uint64_t left, padding;
	struct hull_tar_entry entry; /* owned */
	size_t extent;		     /* the one that is being read */
	uint64_t in_extent;
};

/* 1 and the next entry, borrowed until the next call; 0 at the end; -1: CORRUPT, with the cause
 * "truncated" where it ends too early, or UNSUPPORTED. */
int hull_tar_next(struct hull_tar_reader *r, const struct hull_tar_entry **ret_entry,
		  struct hull_error **err);
/* The next piece of a file's data and where in the file it is; 0 at its end, or -1. */
ssize_t hull_tar_data(struct hull_tar_reader *r, void *buf, size_t len, uint64_t *ret_offset,
		      struct hull_error **err);
void hull_tar_reader_fini(struct hull_tar_reader *r);

/* ---- writing ---- */

/* Everything that comes before an entry's data.  0 or -ENOMEM / -EMSGSIZE. */
int hull_tar_format(const struct hull_tar_entry *e, struct hull_strbuf *out);
/* How much data follows in the archive: all of it, or what is in the extents. */
uint64_t hull_tar_data_size(const struct hull_tar_entry *e);
/* Zeros that follow so much data. */
static inline size_t hull_tar_padding(uint64_t data_size)
{
	return (size_t)(-data_size % HULL_TAR_BLOCK);
}

#endif
