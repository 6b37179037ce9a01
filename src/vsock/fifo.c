/* SPDX-License-Identifier: Apache-2.0
 *
 * The ring of fifo.h.
 */
#define _GNU_SOURCE
#include "vsock/fifo.h"

#include "base/cleanup.h"

#include <assert.h>
#include <errno.h>
#include <string.h>

void hull_fifo_init(struct hull_fifo *f, size_t size)
{
	assert(size && !(size & (size - 1)));
	*f = (struct hull_fifo){.size = size};
}

void hull_fifo_fini(struct hull_fifo *f)
{
	free(steal_ptr(&f->data));
	f->head = f->len = 0;
}

static void put(struct hull_fifo *f, const char *p, size_t len)
{
	size_t at = (f->head + f->len) & (f->size - 1);
	size_t first = MIN(len, f->size - at);

	memcpy(f->data + at, p, first);
	memcpy(f->data, p + first, len - first);
	f->len += len;
}

int hull_fifo_add(struct hull_fifo *f, const struct iovec *iov, size_t n, size_t from)
{
	size_t len = 0;

	for (size_t i = 0; i < n; i++)
		len += iov[i].iov_len;
	if (from >= len)
		return 0;
	if (len - from > f->size - f->len)
		return -ENOBUFS;
	if (!f->data)
		f->data = malloc(f->size);
	if (!f->data)
		return -ENOMEM;
	for (size_t i = 0; i < n; i++) {
		size_t skip = MIN(from, iov[i].iov_len);

		put(f, (const char *)iov[i].iov_base + skip, iov[i].iov_len - skip);
		from -= skip;
	}
	return 0;
}

size_t hull_fifo_pieces(const struct hull_fifo *f, struct iovec ret[2])
{
	size_t first = MIN(f->len, f->size - f->head);

	if (!f->len)
		return 0;
	ret[0] = (struct iovec){f->data + f->head, first};
	ret[1] = (struct iovec){f->data, f->len - first};
	return ret[1].iov_len ? 2 : 1;
}

void hull_fifo_drop(struct hull_fifo *f, size_t len)
{
	assert(len <= f->len);
	f->head = (f->head + len) & (f->size - 1);
	f->len -= len;
	if (!f->len)
		hull_fifo_fini(f);
}
