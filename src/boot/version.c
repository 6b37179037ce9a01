/* SPDX-License-Identifier: Apache-2.0
 *
 * Versions of kernels, see version.h.  Files come from anywhere: everything is bounded.
 */
#define _GNU_SOURCE
#include "boot/version.h"

#include "base/cleanup.h"

#include <stdbool.h>
#include <stdint.h>
#include <string.h>
#include <unistd.h>

/* The boot protocol of x86: "HdrS", and where the version's text is, counted from 0x200. */
#define MAGIC_AT 0x202
#define POINTER_AT 0x20e
#define TEXT_FROM 0x200

#define BANNER "Linux version "
#define CHUNK ((size_t)1 << 20)
/* The next chunk begins so much before the end of the last, in which a banner may be cut off. */
#define OVERLAP (sizeof(BANNER) + HULL_KERNEL_VERSION_MAX)

/* Up to the blank behind it; false if that is no version. */
static bool take(const char *text, size_t len, char ret[HULL_KERNEL_VERSION_MAX + 1])
{
	static const char good[] =
		"0123456789.-+_~abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ";
	size_t n = 0;

	while (n < len && n <= HULL_KERNEL_VERSION_MAX && text[n] && strchr(good, text[n]))
		n++;
	if (n == len || n > HULL_KERNEL_VERSION_MAX || text[n] != ' ' || *text < '0' || *text > '9')
		return false;
	memcpy(ret, text, n);
	ret[n] = '\0';
	return true;
}

static bool from_header(int fd, char ret[HULL_KERNEL_VERSION_MAX + 1])
{
	char magic[4], text[HULL_KERNEL_VERSION_MAX + 2];
	uint8_t at[2];
	ssize_t n;

	if (pread(fd, magic, sizeof(magic), MAGIC_AT) != sizeof(magic) ||
	    memcmp(magic, "HdrS", 4) || pread(fd, at, sizeof(at), POINTER_AT) != sizeof(at))
		return false;
	n = pread(fd, text, sizeof(text), TEXT_FROM + (at[0] | at[1] << 8));
	return n > 0 && take(text, (size_t)n, ret);
}

int hull_kernel_version(int fd, char ret[HULL_KERNEL_VERSION_MAX + 1])
{
	cleanup_free char *chunk = malloc(CHUNK);
	off_t at = 0;
	ssize_t n;

	if (!chunk)
		return -ENOMEM;
	if (from_header(fd, ret))
		return 0;
	while ((n = pread(fd, chunk, CHUNK, at)) > 0) {
		const char *p = chunk, *end = chunk + n;

		while ((p = memmem(p, (size_t)(end - p), BANNER, strlen(BANNER)))) {
			p += strlen(BANNER);
			if (take(p, (size_t)(end - p), ret))
				return 0;
		}
		if ((size_t)n <= OVERLAP)
			break;
		at += n - (ssize_t)OVERLAP;
	}
	return n < 0 ? -errno : -ENOENT;
}
