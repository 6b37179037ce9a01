/* SPDX-License-Identifier: Apache-2.0
 *
 * Headers of qcow2 and VMDK images, see image.h.
 */
#define _GNU_SOURCE
#include "backend/qemu/image.h"

#include "base/cleanup.h"
#include "base/error.h"

#include <endian.h>
#include <stdint.h>
#include <string.h>

/* Bits of qcow2's incompatible features. */
#define QCOW2_DATA_FILE 4
/* Of VMDK's flags. */
#define VMDK_COMPRESSED (UINT32_C(1) << 16)

#define TO_RAW "'qemu-img convert -O raw' makes one file of it that needs no other"

static uint32_t be32(const char *p)
{
	uint32_t v;

	memcpy(&v, p, sizeof(v));
	return be32toh(v);
}

static uint64_t be64(const char *p)
{
	uint64_t v;

	memcpy(&v, p, sizeof(v));
	return be64toh(v);
}

static uint32_t le32(const char *p)
{
	uint32_t v;

	memcpy(&v, p, sizeof(v));
	return le32toh(v);
}

static uint64_t le64(const char *p)
{
	uint64_t v;

	memcpy(&v, p, sizeof(v));
	return le64toh(v);
}

static const struct hull_image_fault *look_qcow2(const char *p, size_t len)
{
	static const struct hull_image_fault other = {HULL_E_INVALID, "is not a qcow2 image", NULL},
					     backing = {HULL_E_UNSUPPORTED, "needs a backing file",
							TO_RAW},
					     data = {HULL_E_UNSUPPORTED,
						     "keeps its data in another file", TO_RAW};

	if (len < 80 || memcmp(p, "QFI\xfb", 4) != 0)
		return &other;
	if (be64(p + 8))
		return &backing;
	return be32(p + 4) >= 3 && be64(p + 72) & QCOW2_DATA_FILE ? &data : NULL;
}

/* Monolithic sparse and stream-optimised ones.  Where the header tells no capacity the description
 * within names the files that have the data; the name of a parent is looked for where QEMU does,
 * whatever the header says. */
static const struct hull_image_fault *look_vmdk(const char *p, size_t len, bool readonly)
{
	static const char text[] = "# Disk DescriptorFile", parent[] = "parentFileNameHint";
	static const struct hull_image_fault
		other = {HULL_E_INVALID, "is not a VMDK image", NULL},
		parts = {HULL_E_UNSUPPORTED, "only describes an image that is in other files",
			 TO_RAW},
		old = {HULL_E_UNSUPPORTED, "is a VMDK image of another kind than sparse ones",
		       TO_RAW},
		child = {HULL_E_UNSUPPORTED, "needs a parent image", TO_RAW},
		packed = {HULL_E_INVALID, "is compressed, so that it can't be written",
			  "give it with readonly"};

	if (len >= sizeof(text) - 1 && !memcmp(p, text, sizeof(text) - 1))
		return &parts;
	if (len >= 4 && !memcmp(p, "COWD", 4))
		return &old;
	if (len < 512 || memcmp(p, "KDMV", 4) != 0)
		return &other;
	if (le32(p + 4) < 1 || le32(p + 4) > 3)
		return &old;
	if (!le64(p + 12))
		return &parts;
	if (memmem(p + 512, len - 512, parent, sizeof(parent) - 1))
		return &child;
	return le32(p + 8) & VMDK_COMPRESSED && !readonly ? &packed : NULL;
}

const struct hull_image_fault *hull_image_look(const char *format, bool readonly, const void *head,
					       size_t len)
{
	if (!strcmp(format, "qcow2"))
		return look_qcow2(head, len);
	return !strcmp(format, "vmdk") ? look_vmdk(head, len, readonly) : NULL;
}
