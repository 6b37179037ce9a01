/* SPDX-License-Identifier: Apache-2.0
 *
 * A small image of an ISO 9660 file system (ECMA-119): a few files in one directory, nothing else.
 * Names are as they are given, in small letters as well, which every reader we know takes.  Pure,
 * and the same files make the same bytes: everything is of 1970.
 */
#ifndef HULL_BOOT_ISO9660_H
#define HULL_BOOT_ISO9660_H

#include <stddef.h>

struct hull_strbuf;

#define HULL_ISO_FILES_MAX 16
#define HULL_ISO_NAME_MAX 28

struct hull_iso_file {
	const char *name; /* at most HULL_ISO_NAME_MAX bytes; sorted */
	const void *data;
	size_t len;
};

/* Into an empty buffer; what does not fit in marks it failed. */
void hull_iso_make(struct hull_strbuf *out, const char *label, const struct hull_iso_file *files,
		   size_t n);

#endif
