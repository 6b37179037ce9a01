/* SPDX-License-Identifier: Apache-2.0
 *
 * Bytes that wait, in a ring of a fixed size that exists only while something waits in it.
 */
#ifndef HULL_VSOCK_FIFO_H
#define HULL_VSOCK_FIFO_H

#include <stddef.h>
#include <sys/uio.h>

struct hull_fifo {
	char *data; /* owned; NULL while empty */
	size_t size, head, len;
};

/* Room for @size bytes: a power of two. */
void hull_fifo_init(struct hull_fifo *f, size_t size);
void hull_fifo_fini(struct hull_fifo *f);
/* All of the bytes @from to the end of the pieces: 0, -ENOMEM or -ENOBUFS. */
int hull_fifo_add(struct hull_fifo *f, const struct iovec *iov, size_t n, size_t from);
/* The bytes that wait, in order: one or two pieces. */
size_t hull_fifo_pieces(const struct hull_fifo *f, struct iovec ret[2]);
void hull_fifo_drop(struct hull_fifo *f, size_t len);

#endif
