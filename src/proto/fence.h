/* SPDX-License-Identifier: Apache-2.0
 *
 * The magic that begins a link's hello, and the two searches for it.  The receiver looks for it
 * in every byte, payloads included, because a connection may have been cut anywhere; the sender
 * sees to it that it occurs nowhere but in a hello (yamux.c, "fence").
 *
 * What both rely on: the 16 bytes all differ, so that no match overlaps another or begins inside
 * a failed one; none is 0, the first byte of every yamux header; the first is above 0x80 and so
 * can't be the second last byte of a length of at most 32 KiB.
 */
#ifndef HULL_PROTO_FENCE_H
#define HULL_PROTO_FENCE_H

#include <stddef.h>
#include <stdint.h>
#include <string.h>

#define HULL_FENCE_LEN 16

static const uint8_t hull_fence[HULL_FENCE_LEN] = {0xf5, 0x16, 0xc0, 0x13, 0xf8, 0x1c, 0xfb, 0x15,
						   0xc1, 0x1d, 0xfd, 0x17, 0xf6, 0x1a, 0xfa, 0xf9};

/* 1 + index of a byte in the magic, 0 for all others. */
static const uint8_t hull_fence_index[256] = {
	[0xf5] = 1,  [0x16] = 2,  [0xc0] = 3,  [0x13] = 4,  [0xf8] = 5,	 [0x1c] = 6,
	[0xfb] = 7,  [0x15] = 8,  [0xc1] = 9,  [0x1d] = 10, [0xfd] = 11, [0x17] = 12,
	[0xf6] = 13, [0x1a] = 14, [0xfa] = 15, [0xf9] = 16,
};

/* Offset of the first magic that lies wholly in the data, or @len.  Looks at one byte in sixteen:
 * one that isn't in the magic rules out all places that would cover it.  Bytes that are rare in
 * text and programs make the magic, so that this is the usual case, and four are tried at once. */
static inline size_t hull_fence_find(const uint8_t *data, size_t len)
{
	const size_t n = HULL_FENCE_LEN;
	const uint8_t *index = hull_fence_index;
	size_t last = n - 1; /* where the candidate would end */

	for (;;) {
		size_t ahead;

		while (len > 3 * n && last < len - 3 * n &&
		       !(index[data[last]] | index[data[last + n]] | index[data[last + 2 * n]] |
			 index[data[last + 3 * n]]))
			last += 4 * n;
		if (last >= len)
			return len;
		ahead = n - index[data[last]];
		if (!ahead) {
			if (!memcmp(data + last - (n - 1), hull_fence, n))
				return last - (n - 1);
			ahead = n;
		}
		last += ahead;
	}
}

/* How many bytes at the end may be the beginning of a magic (at most 15). */
static inline size_t hull_fence_tail(const uint8_t *data, size_t len)
{
	for (size_t n = 1; n < HULL_FENCE_LEN && n <= len; n++)
		if (data[len - n] == hull_fence[0])
			return memcmp(data + len - n, hull_fence, n) ? 0 : n;
	return 0;
}

#endif
