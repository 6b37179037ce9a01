/* SPDX-License-Identifier: Apache-2.0
 *
 * Descriptions of VMDK images that are made of parts of raw files.  Pure: what they name is opened
 * elsewhere (parts.h), and QEMU gets a description of our own writing.
 */
#ifndef HULL_BACKEND_QEMU_VMDK_H
#define HULL_BACKEND_QEMU_VMDK_H

#include "base/error.h"
#include "base/vec.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct hull_strbuf;

#define HULL_VMDK_TEXT_MAX ((size_t)256 << 10)
#define HULL_VMDK_EXTENTS_MAX 1024
#define HULL_VMDK_FILES_MAX 128
#define HULL_VMDK_SECTOR 512

struct hull_vmdk_extent {
	uint64_t sectors;
	uint64_t offset; /* in the file, in sectors */
	size_t file;	 /* its index; the number of files: zeros */
};

/* One after the other, they are the disk. */
struct hull_vmdk {
	struct hull_strv files; /* as they are named, none twice */
	HULL_VEC(struct hull_vmdk_extent) extents;
	bool readonly; /* some may only be read */
	bool zeros;    /* some are in no file */
};

bool hull_vmdk_is_text(const void *head, size_t len);
/* Outputs on success only. */
int hull_vmdk_parse(const char *text, size_t len, struct hull_vmdk *ret, struct hull_error **err);
void hull_vmdk_fini(struct hull_vmdk *vmdk);
#define cleanup_vmdk __attribute__((cleanup(hull_vmdk_fini)))
/* Where file @file ends at least, in sectors. */
uint64_t hull_vmdk_need(const struct hull_vmdk *vmdk, size_t file);
/* Appends a description in which file n is descriptor set @first_set + n. */
void hull_vmdk_write(const struct hull_vmdk *vmdk, size_t first_set, struct hull_strbuf *out);

#endif
