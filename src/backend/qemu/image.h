/* SPDX-License-Identifier: Apache-2.0
 *
 * What a disk image's first bytes say of it.  An image must not choose files of the host's, nor can
 * a QEMU with one descriptor in hand open any.  Pure.
 */
#ifndef HULL_BACKEND_QEMU_IMAGE_H
#define HULL_BACKEND_QEMU_IMAGE_H

#include <stdbool.h>
#include <stddef.h>

/* As much of it is looked at. */
#define HULL_IMAGE_HEAD ((size_t)12 << 10)

struct hull_image_fault {
	int code;	  /* HULL_E_... */
	const char *text; /* "is not a qcow2 image" */
	const char *hint; /* or NULL */
};

/* Why QEMU is not given it as an image of @format ("raw", "qcow2", "vmdk"); NULL: it is. */
const struct hull_image_fault *hull_image_look(const char *format, bool readonly, const void *head,
					       size_t len);

#endif
