/* SPDX-License-Identifier: Apache-2.0
 *
 * Making the file that is the guest's memory, as the description's memory_backing has it, and
 * telling beforehand what the host lacks for it: huge pages, room in a directory, free memory, the
 * right to lock so much.
 */
#ifndef HULL_BACKEND_QEMU_MEMORY_FILE_H
#define HULL_BACKEND_QEMU_MEMORY_FILE_H

#include "base/error.h"
#include "config/config.h"

#include <stdbool.h>
#include <stdint.h>

struct hull_qemu_reader;
struct hull_strbuf;

/* What the memory lies in. */
enum hull_qemu_memory_kind {
	HULL_QEMU_MEMORY_PLAIN, /* usual pages, in memory */
	HULL_QEMU_MEMORY_HUGE,	/* huge pages, all of them reserved */
	HULL_QEMU_MEMORY_DISK,	/* a file system that is not in memory, with its blocks allocated */
};

struct hull_qemu_memory_file {
	int fd; /* owned */
	enum hull_qemu_memory_kind kind;
	uint64_t page; /* what its length is a multiple of */
};

/* Whoever has its descriptor may open it again by /proc/self/fd, and so may @reader. */
int hull_qemu_memory_file_make(const struct hull_config *config,
			       const struct hull_qemu_reader *reader,
			       struct hull_qemu_memory_file *ret, struct hull_error **err);

/* The value in bytes of a line "Name:   123 kB" of /proc/meminfo's text; 0 if it has none.  Pure.
 */
uint64_t hull_meminfo_bytes(const char *text, const char *name);

#endif
