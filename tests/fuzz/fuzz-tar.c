/* SPDX-License-Identifier: Apache-2.0
 *
 * The reader of archives on arbitrary bytes, in pieces of any size.  What it accepts is within its
 * bounds, and comes out the same when it is written and read again.
 */
#include "base/cleanup.h"
#include "base/strbuf.h"
#include "base/tar.h"

#include <assert.h>
#include <string.h>

#define ENTRIES_MAX 64

struct bytes {
	const uint8_t *p;
	size_t len, piece; /* piece: at most so many at once */
};

static ssize_t take(void *ctx, void *buf, size_t len)
{
	struct bytes *b = ctx;
	size_t n = MIN(MIN(len, b->len), b->piece);

	memcpy(buf, b->p, n);
	b->p += n;
	b->len -= n;
	return (ssize_t)n;
}

static void check(const struct hull_tar_entry *e)
{
	uint64_t end = 0;

	assert(strlen(e->name) <= HULL_TAR_NAME_MAX && strlen(e->link) <= HULL_TAR_NAME_MAX);
	assert(e->mode <= 07777 && e->mtime_ns < 1000000000);
	assert(e->type <= HULL_TAR_FIFO);
	assert(e->extents.n <= HULL_TAR_EXTENTS_MAX + 1);
	for (size_t i = 0; i < e->extents.n; i++) {
		assert(e->sparse && e->extents.v[i].offset >= end);
		end = e->extents.v[i].offset + e->extents.v[i].len;
		assert(end >= e->extents.v[i].offset && end <= e->size);
	}
}

/* The data's sum; (uint64_t)-1 where it is cut off. */
static uint64_t read_data(struct hull_tar_reader *r, uint64_t size)
{
	uint64_t offset, last = 0, sum = 0;
	char buf[700];
	ssize_t n;

	while ((n = hull_tar_data(r, buf, sizeof(buf), &offset, NULL)) > 0) {
		assert(offset >= last && offset + (uint64_t)n <= size);
		last = offset + (uint64_t)n;
		sum += (uint64_t)n;
	}
	return n < 0 ? UINT64_MAX : sum;
}

static void check_again(const struct hull_tar_entry *e)
{
	cleanup_with(hull_tar_reader_fini) struct hull_tar_reader r = {.read = take};
	cleanup_strbuf struct hull_strbuf out = HULL_STRBUF_INIT;
	const struct hull_tar_entry *got;
	struct bytes b = {.piece = SIZE_MAX};

	if (!*e->name || hull_tar_format(e, &out) < 0)
		return;
	assert(out.len % HULL_TAR_BLOCK == 0);
	b.p = (const uint8_t *)out.data;
	b.len = out.len;
	r.ctx = &b;
	assert(hull_tar_next(&r, &got, NULL) == 1);
	/* A file whose name ends with a slash is a directory. */
	if (e->type == HULL_TAR_FILE && e->name[strlen(e->name) - 1] == '/')
		return;
	assert(got->type == e->type && !strcmp(got->name, e->name) && !strcmp(got->link, e->link));
	assert(got->mode == e->mode && got->uid == e->uid && got->gid == e->gid);
	assert(got->size == e->size && got->sparse == e->sparse);
	assert(got->mtime_s == e->mtime_s && got->mtime_ns == e->mtime_ns);
	assert(hull_tar_data_size(got) == hull_tar_data_size(e));
}

static void run(const uint8_t *data, size_t len, size_t piece)
{
	struct bytes b = {data, len, piece};
	cleanup_with(hull_tar_reader_fini) struct hull_tar_reader r = {.read = take, .ctx = &b};
	const struct hull_tar_entry *e;

	for (int i = 0; i < ENTRIES_MAX && hull_tar_next(&r, &e, NULL) > 0; i++) {
		uint64_t sum;

		check(e);
		check_again(e);
		if (i % 3 == 2) /* nobody must want its data */
			continue;
		sum = read_data(&r, e->size);
		assert(sum == UINT64_MAX || sum == hull_tar_data_size(e));
	}
}

/* Headers changed at random would all be refused for their checksums. */
static void repair(uint8_t *block)
{
	unsigned int sum = 0;

	if (memcmp(block + 257, "ustar", 5))
		return;
	memset(block + 148, ' ', 8);
	for (size_t i = 0; i < HULL_TAR_BLOCK; i++)
		sum += block[i];
	for (size_t i = 6; i-- > 0; sum >>= 3)
		block[148 + i] = (uint8_t)('0' + (sum & 7));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	cleanup_free uint8_t *copy = malloc(len + 1);

	run(data, len, SIZE_MAX);
	assert(copy);
	memcpy(copy, data, len);
	for (size_t at = 0; at + HULL_TAR_BLOCK <= len; at += HULL_TAR_BLOCK)
		repair(copy + at);
	run(copy, len, 7);
	return 0;
}
