/* SPDX-License-Identifier: Apache-2.0
 *
 * In what QEMU's machines for the guests' architectures differ, as far as that is a matter of words
 * and numbers; plan.c decides for all of them.
 */
#ifndef HULL_BACKEND_QEMU_ARCH_H
#define HULL_BACKEND_QEMU_ARCH_H

#include "config/config.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Where distributions put a UEFI: its code, and the variables of one that has never run. */
struct hull_qemu_firmware {
	const char *code, *template;
};

/* The version of the machine types and options used. */
#define HULL_QEMU_LEAST_MAJOR 7
#define HULL_QEMU_LEAST_MINOR 2

#define HULL_QEMU_BINARIES 3

struct hull_qemu_arch {
	const char *binaries[HULL_QEMU_BINARIES + 1]; /* as for hull_find_program() */
	const char *package;			      /* of Debian's, that has the first of them */
	const char *machines[HULL_MACHINE_VIRT + 1];  /* "-machine"; NULL: not one of its */
	const char *tcg_cpu;			      /* the CPU model of our choice */
	bool cpu_signs; /* features are "+name" and "-name", else "name=on" and "name=off" */
	uint64_t tcg_max_cpus;
	uint64_t kernel_line_max; /* as much as the kernel reads of its command line */
	const char *words;	  /* for every kernel */
	const char *quick_words;  /* for our own when it is emulated; may be "" */
	const struct hull_qemu_firmware *firmware; /* ended by a row without code */
	const char *firmware_package;		   /* of Debian's, that has the first of them */
	/* Where QEMU puts kernel and initrd, from the beginning of the guest's memory; the initrd
	 * no farther than in the middle of it.  0: at its end. */
	uint64_t kernel_at, initrd_at;
	uint64_t boot_len; /* what Linux takes behind the kernel until it runs programs, at least */
};

const struct hull_qemu_arch *hull_qemu_arch(enum hull_arch arch);

#endif
