/* SPDX-License-Identifier: Apache-2.0
 *
 * Telling kernels by their headers, see kernel.h.  The layouts are those of Linux's boot protocols
 * (x86: Documentation/arch/x86/boot.rst, arm64: booting.rst, RISC-V: boot-image-header.rst) and of
 * the ELF specification.
 */
#define _GNU_SOURCE
#include "backend/qemu/kernel.h"

#include "base/cleanup.h"

#include <elf.h>
#include <endian.h>
#include <string.h>

/* x86's setup header. */
#define X86_SETUP_SECTS 0x1f1
#define X86_SYSSIZE 0x1f4
#define X86_MAGIC 0x202
#define X86_VERSION 0x206
#define X86_XLOADFLAGS 0x236
#define X86_XLF_KERNEL_64 1
#define X86_HAS_XLOADFLAGS 0x20c /* from this version on */

#define ARM64_MAGIC 0x38
#define ARM64_HEADER UINT64_C(64)

/* A kernel that EFI can start is a program for it too (PE): header, optional header, sections. */
#define EFI_HEADER_AT 0x3c
#define PE_HEADER 24
#define PE_SECTIONS 6
#define PE_OPTIONAL_LEN 20
#define PE_SECTION 40
#define PE_RAW_LEN 16
#define PE_RAW_AT 20

#define PVH_ENTRY 18 /* XEN_ELFNOTE_PHYS32_ENTRY */

#define MULTIBOOT_MAGIC 0x1badb002
#define MULTIBOOT_WITHIN 8192

struct magic {
	size_t at;
	const char *bytes;
	size_t len;
	const char *name;
};
#define MAGIC(at, bytes, name)                     \
	{                                          \
		at, bytes, sizeof(bytes) - 1, name \
	}

static const struct magic others[] = {
	MAGIC(0x38, "RSC\x05", "RISC-V"),
	MAGIC(0x24, "\x18\x28\x6f\x01", "arm"),
	MAGIC(0x04, "zimg", HULL_KERNEL_ZBOOT),
	MAGIC(0x00, "\x27\x05\x19\x56", "U-Boot"),
};

/* What the kernel unpacks an initramfs from as well. */
static const struct magic compressions[] = {
	MAGIC(0, "\x1f\x8b", "gzip"),	     MAGIC(0, "BZh", "bzip2"),
	MAGIC(0, "\xfd\x37zXZ", "xz"),	     MAGIC(0, "\x28\xb5\x2f\xfd", "zstd"),
	MAGIC(0, "\x02\x21\x4c\x18", "lz4"), MAGIC(0, "\x04\x22\x4d\x18", "lz4"),
	MAGIC(0, "\x5d\0\0", "lzma"),	     MAGIC(0, "\x89LZO", "lzo"),
};

static const struct {
	unsigned int machine;
	const char *arch;
} machines[] = {
	{EM_ARM, "arm"},   {EM_RISCV, "RISC-V"}, {EM_PPC64, "ppc64"}, {EM_S390, "s390x"},
	{EM_MIPS, "mips"}, {EM_PPC, "powerpc"},	 {258, "loongarch"},
};

/* NULL: none of them. */
static const char *find_magic(const struct magic *m, size_t n, const unsigned char *p, size_t len)
{
	for (; n; n--, m++)
		if (len >= m->len && m->at <= len - m->len && !memcmp(p + m->at, m->bytes, m->len))
			return m->name;
	return NULL;
}

static uint64_t add_capped(uint64_t a, uint64_t b)
{
	return a > UINT64_MAX - b ? UINT64_MAX : a + b;
}

static uint16_t get16(const unsigned char *p)
{
	return (uint16_t)(p[0] | p[1] << 8);
}

static uint32_t get32(const unsigned char *p)
{
	return get16(p) | (uint32_t)get16(p + 2) << 16;
}

/* ---- bzImage ---- */

static bool look_bzimage(const unsigned char *p, size_t len, struct hull_kernel *k)
{
	unsigned int version, sectors;

	if (len < X86_XLOADFLAGS + 2 || memcmp(p + X86_MAGIC, "HdrS", 4) != 0)
		return false;
	version = get16(p + X86_VERSION);
	sectors = p[X86_SETUP_SECTS] ? p[X86_SETUP_SECTS] : 4;
	k->kind = HULL_KERNEL_BZIMAGE;
	k->need = (uint64_t)(sectors + 1) * 512 + (uint64_t)get32(p + X86_SYSSIZE) * 16;
	/* The length that boot loaders go by is in units of 16 bytes, rounded up. */
	k->need -= MIN(k->need, 15);
	k->bits32 =
		version >= X86_HAS_XLOADFLAGS && !(get16(p + X86_XLOADFLAGS) & X86_XLF_KERNEL_64);
	return true;
}

/* ---- arm64 ---- */

/* Where the last section of a program for EFI ends in its file; 0 if it is none. */
static uint64_t efi_end(const unsigned char *p, size_t len)
{
	size_t at = get32(p + EFI_HEADER_AT), section;
	uint64_t end = 0;
	unsigned int n;

	if (at > len || len - at < PE_HEADER || memcmp(p + at, "PE\0\0", 4) != 0)
		return 0;
	n = get16(p + at + PE_SECTIONS);
	section = at + PE_HEADER + get16(p + at + PE_OPTIONAL_LEN);
	for (; n && section <= len && len - section >= PE_SECTION; n--, section += PE_SECTION)
		end = MAX(end, (uint64_t)get32(p + section + PE_RAW_LEN) +
				       get32(p + section + PE_RAW_AT));
	return end;
}

/* The length that the header tells is that of the memory the kernel takes, not of its file. */
static bool look_arm64(const unsigned char *p, size_t len, struct hull_kernel *k)
{
	if (len < ARM64_HEADER || memcmp(p + ARM64_MAGIC, "ARM\x64", 4) != 0)
		return false;
	k->kind = HULL_KERNEL_ARM64;
	k->need = MAX(efi_end(p, len), ARM64_HEADER);
	return true;
}

/* ---- ELF ---- */

static void look_segment(const Elf64_Phdr *ph, struct hull_kernel *k)
{
	if (ph->p_type == PT_LOAD && ph->p_filesz)
		k->need = MAX(k->need, add_capped(ph->p_offset, ph->p_filesz));
	if (ph->p_type == PT_NOTE && k->n_notes < HULL_KERNEL_NOTES_MAX &&
	    ph->p_filesz <= HULL_KERNEL_NOTE_BYTES)
		k->notes[k->n_notes++] = (struct hull_kernel_notes){ph->p_offset, ph->p_filesz};
}

/* Either class, as the larger one. */
static void read_header(const unsigned char *p, bool wide, Elf64_Ehdr *ret)
{
	Elf32_Ehdr h;

	if (wide) {
		memcpy(ret, p, sizeof(*ret));
		return;
	}
	memcpy(&h, p, sizeof(h));
	*ret = (Elf64_Ehdr){
		.e_type = h.e_type,
		.e_phoff = h.e_phoff,
		.e_phentsize = h.e_phentsize,
		.e_phnum = h.e_phnum,
	};
}

static void read_segment(const unsigned char *p, bool wide, Elf64_Phdr *ret)
{
	Elf32_Phdr h;

	if (wide) {
		memcpy(ret, p, sizeof(*ret));
		return;
	}
	memcpy(&h, p, sizeof(h));
	*ret = (Elf64_Phdr){.p_type = h.p_type, .p_offset = h.p_offset, .p_filesz = h.p_filesz};
}

static void look_segments(const unsigned char *p, size_t len, bool wide, struct hull_kernel *k)
{
	size_t entry = wide ? sizeof(Elf64_Phdr) : sizeof(Elf32_Phdr);
	Elf64_Ehdr h;

	k->need = wide ? sizeof(Elf64_Ehdr) : sizeof(Elf32_Ehdr);
	if (len < k->need)
		return;
	read_header(p, wide, &h);
	k->executable = h.e_type == ET_EXEC;
	if (h.e_phentsize != entry)
		return;
	k->need = add_capped(h.e_phoff, (uint64_t)h.e_phnum * entry);
	for (size_t i = 0; i < h.e_phnum; i++) {
		uint64_t at = add_capped(h.e_phoff, i * entry);
		Elf64_Phdr ph;

		if (at > len || len - at < entry)
			return;
		read_segment(p + at, wide, &ph);
		look_segment(&ph, k);
	}
}

static bool look_elf(const unsigned char *p, size_t len, struct hull_kernel *k)
{
	bool big;
	unsigned int machine;

	if (len < 20 || memcmp(p, ELFMAG, SELFMAG) != 0)
		return false;
	k->kind = HULL_KERNEL_ELF;
	big = p[EI_DATA] == ELFDATA2MSB;
	machine = big ? (unsigned int)(p[18] << 8 | p[19]) : get16(p + 18);
	if (!big && machine == EM_AARCH64) {
		k->kind = HULL_KERNEL_ARM64_ELF;
		return true;
	}
	if (big || (machine != EM_X86_64 && machine != EM_386)) {
		k->kind = HULL_KERNEL_OTHER;
		k->arch = "another architecture";
		for (size_t i = 0; i < ARRAY_SIZE(machines); i++)
			if (machines[i].machine == machine)
				k->arch = machines[i].arch;
		return true;
	}
	k->bits32 = p[EI_CLASS] != ELFCLASS64;
	look_segments(p, len, !k->bits32, k);
	return true;
}

bool hull_kernel_has_pvh(const void *notes, size_t len)
{
	const unsigned char *p = notes;

	while (len >= sizeof(Elf64_Nhdr)) {
		uint64_t name = get32(p), desc = get32(p + 4), all;

		all = sizeof(Elf64_Nhdr) + ((name + 3) & ~UINT64_C(3)) +
		      ((desc + 3) & ~UINT64_C(3));
		if (sizeof(Elf64_Nhdr) + name > len)
			return false;
		if (get32(p + 8) == PVH_ENTRY && name == 4 && !memcmp(p + 12, "Xen", 4))
			return true;
		if (all > len)
			return false;
		p += all;
		len -= all;
	}
	return false;
}

/* ---- all ---- */

static bool is_multiboot(const unsigned char *p, size_t len)
{
	for (size_t at = 0; at + 12 <= MIN(len, MULTIBOOT_WITHIN); at += 4)
		if (get32(p + at) == MULTIBOOT_MAGIC &&
		    get32(p + at) + get32(p + at + 4) + get32(p + at + 8) == 0)
			return true;
	return false;
}

void hull_kernel_look(const void *head, size_t len, struct hull_kernel *ret)
{
	const unsigned char *p = head;
	struct hull_kernel k = {0};

	len = MIN(len, HULL_KERNEL_HEAD);
	if (look_bzimage(p, len, &k) || look_arm64(p, len, &k)) {
		*ret = k;
		return;
	}
	if (is_multiboot(p, len)) {
		k.kind = HULL_KERNEL_MULTIBOOT;
	} else if (!look_elf(p, len, &k)) {
		k.arch = find_magic(others, ARRAY_SIZE(others), p, len);
		k.format =
			k.arch ? NULL : find_magic(compressions, ARRAY_SIZE(compressions), p, len);
		k.kind = k.arch	    ? HULL_KERNEL_OTHER
			 : k.format ? HULL_KERNEL_COMPRESSED
				    : HULL_KERNEL_UNKNOWN;
	}
	*ret = k;
}

bool hull_initrd_plausible(const void *head, size_t len)
{
	const unsigned char *p = head;

	/* Archives may follow each other with zeros between them, and so begin with some. */
	while (len && !*p) {
		p++;
		len--;
	}
	return !len || find_magic(compressions, ARRAY_SIZE(compressions), p, len) ||
	       (len >= 6 && (!memcmp(p, "070701", 6) || !memcmp(p, "070702", 6)));
}
