/* SPDX-License-Identifier: Apache-2.0
 *
 * Archives that Linux unpacks into its first root: cpio, format "newc".  Pure: what is appended
 * goes to a buffer.  Archives may follow each other; each begins at a multiple of four bytes.
 */
#ifndef HULL_BOOT_CPIO_H
#define HULL_BOOT_CPIO_H

#include <stddef.h>
#include <stdint.h>

struct hull_strbuf;

/* Bytes that fill up @len. */
static inline size_t hull_cpio_padding(uint64_t len)
{
	return (size_t)(-len & 3);
}

/* Everything belongs to root and is of 1970.  @mode: with the file's type.  What does not fit in
 * marks @out failed.  The buffer must begin at a multiple of four. */
void hull_cpio_add(struct hull_strbuf *out, const char *path, uint32_t mode, const void *data,
		   size_t len);
void hull_cpio_end(struct hull_strbuf *out);

#endif
