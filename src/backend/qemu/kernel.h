/* SPDX-License-Identifier: Apache-2.0
 *
 * What is in a file that is to be booted, from its first bytes: QEMU says little of one that it
 * can't boot, or boots it all the same and the guest stays silent.  Pure; any bytes will do.
 */
#ifndef HULL_BACKEND_QEMU_KERNEL_H
#define HULL_BACKEND_QEMU_KERNEL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* So much of a file's beginning is all that is looked at; notes excepted. */
#define HULL_KERNEL_HEAD ((size_t)16 << 10)
#define HULL_KERNEL_NOTES_MAX 4
#define HULL_KERNEL_NOTE_BYTES ((uint64_t)64 << 10) /* a longer segment is not looked into */

/* Packed in a program for EFI, which x86 never does. */
#define HULL_KERNEL_ZBOOT "another architecture's EFI"

enum hull_kernel_kind {
	HULL_KERNEL_UNKNOWN,
	HULL_KERNEL_BZIMAGE,
	HULL_KERNEL_ELF,
	HULL_KERNEL_MULTIBOOT, /* QEMU boots those too, whatever else they are */
	HULL_KERNEL_COMPRESSED,
	HULL_KERNEL_ARM64,     /* an Image */
	HULL_KERNEL_ARM64_ELF, /* its vmlinux, which QEMU can't boot */
	HULL_KERNEL_OTHER,     /* a kernel, but none that we could boot: see arch */
};

struct hull_kernel_notes {
	uint64_t offset, len;
};

struct hull_kernel {
	enum hull_kernel_kind kind;
	const char *arch;   /* OTHER: what it is for: "RISC-V", or HULL_KERNEL_ZBOOT; else NULL */
	const char *format; /* of a compressed one: "gzip"; or NULL */
	bool bits32;	    /* for a processor in 32-bit mode only */
	bool executable;    /* ELF: a program or kernel, not an object file or library */
	uint64_t need;	    /* how long the file must be at least */
	struct hull_kernel_notes notes[HULL_KERNEL_NOTES_MAX]; /* ELF: where its notes are */
	size_t n_notes;
};

void hull_kernel_look(const void *head, size_t len, struct hull_kernel *ret);
/* Whether one of these notes is the PVH entry, without which QEMU can't start an ELF kernel. */
bool hull_kernel_has_pvh(const void *notes, size_t len);
/* Whether Linux would take it for an initramfs: an archive, compressed or not. */
bool hull_initrd_plausible(const void *head, size_t len);

#endif
