/* SPDX-License-Identifier: Apache-2.0
 *
 * A kernel of some hundred bytes for real QEMUs: an ELF file with a PVH entry.  It prints "up\n" on
 * the serial port and then echoes what comes in; "r" makes it triple fault, "p" report a panic to
 * an ISA pvpanic device.
 */
#ifndef HULL_TESTS_TINYKERNEL_H
#define HULL_TESTS_TINYKERNEL_H

#include "base/path.h"

#include <elf.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#define TINY_KERNEL_ADDRESS 0x100000
#define TINY_KERNEL_RESET 0x33 /* offset of an entry by which it triple faults at once */

/* entry:  mov $0x3f8,%dx; mov $msg,%esi
 *      1: lodsb; test %al,%al; jz 2f; out %al,%dx; jmp 1b
 *      2: mov $0x3fd,%dx
 *      3: in %dx,%al; test $1,%al; jz 3b; mov $0x3f8,%dx; in %dx,%al
 *         cmp $'r',%al; je reset; cmp $'p',%al; je panic; out %al,%dx; jmp 2b
 * panic:  mov $0x505,%dx; mov $1,%al; out %al,%dx; jmp 2b
 * reset:  mov $0x90000,%esp; push $0; push $0; lidt (%esp); int3
 * msg:    .asciz "up\n" */
static const uint8_t tiny_kernel_code[] = {
	0x66, 0xba, 0xf8, 0x03, 0xbe, 0x41, 0x00, 0x10, 0x00, 0xac, 0x84, 0xc0, 0x74, 0x03,
	0xee, 0xeb, 0xf8, 0x66, 0xba, 0xfd, 0x03, 0xec, 0xa8, 0x01, 0x74, 0xfb, 0x66, 0xba,
	0xf8, 0x03, 0xec, 0x3c, 0x72, 0x74, 0x10, 0x3c, 0x70, 0x74, 0x03, 0xee, 0xeb, 0xe7,
	0x66, 0xba, 0x05, 0x05, 0xb0, 0x01, 0xee, 0xeb, 0xde, 0xbc, 0x00, 0x00, 0x09, 0x00,
	0x6a, 0x00, 0x6a, 0x00, 0x0f, 0x01, 0x1c, 0x24, 0xcc, 0x75, 0x70, 0x0a, 0x00,
};

struct tiny_kernel {
	Elf64_Ehdr ehdr;
	Elf64_Phdr load, note;
	struct {
		Elf64_Nhdr hdr;
		char name[4];
		uint64_t entry;
	} pvh;
	uint8_t code[sizeof(tiny_kernel_code)];
};

/* Writes it to @path with @mode, to be entered at the offset @entry of its code; 0 or -errno. */
static inline int tiny_kernel_write(const char *path, mode_t mode, unsigned int entry)
{
	struct tiny_kernel k = {
		.ehdr =
			{
				.e_ident = {ELFMAG0, ELFMAG1, ELFMAG2, ELFMAG3, ELFCLASS64,
					    ELFDATA2LSB, EV_CURRENT},
				.e_type = ET_EXEC,
				.e_machine = EM_X86_64,
				.e_version = EV_CURRENT,
				.e_entry = TINY_KERNEL_ADDRESS + entry,
				.e_phoff = offsetof(struct tiny_kernel, load),
				.e_ehsize = sizeof(Elf64_Ehdr),
				.e_phentsize = sizeof(Elf64_Phdr),
				.e_phnum = 2,
			},
		.load =
			{
				.p_type = PT_LOAD,
				.p_offset = offsetof(struct tiny_kernel, code),
				.p_vaddr = TINY_KERNEL_ADDRESS,
				.p_paddr = TINY_KERNEL_ADDRESS,
				.p_filesz = sizeof(tiny_kernel_code),
				.p_memsz = sizeof(tiny_kernel_code),
				.p_flags = PF_R | PF_W | PF_X,
			},
		.note =
			{
				.p_type = PT_NOTE,
				.p_offset = offsetof(struct tiny_kernel, pvh),
				.p_filesz = sizeof(k.pvh),
				.p_memsz = sizeof(k.pvh),
				.p_flags = PF_R,
				.p_align = 4,
			},
		/* XEN_ELFNOTE_PHYS32_ENTRY */
		.pvh = {{4, 4, 18}, "Xen", TINY_KERNEL_ADDRESS + entry},
	};

	memcpy(k.code, tiny_kernel_code, sizeof(tiny_kernel_code));
	return hull_file_write(path, &k, sizeof(k), mode, false);
}

#endif
