/* SPDX-License-Identifier: Apache-2.0
 *
 * Kernels by their headers: each seed of the fuzz target, and what is to be made of it.
 */
#include "unit.h"

#include "../fuzz/fuzz-kernel.c"
#include "base/path.h"
#include "base/strbuf.h"
#include "corpus.h"

#include <string.h>

static void load(const char *name, struct hull_strbuf *ret)
{
	const char *all = getenv("CORPUS");
	cleanup_free char *dir = hull_path_join(all ? all : "tests/fuzz/corpus", "kernel");
	cleanup_free char *path = hull_path_join(dir, name);

	assert_int_equal(hull_file_read(path, 1 << 20, ret), 0);
}

static void test_kinds(void **state)
{
	static const struct {
		const char *seed;
		enum hull_kernel_kind kind;
		bool bits32;
		const char *word; /* arch or format */
		uint64_t need;
	} cases[] = {
		{"bzimage", HULL_KERNEL_BZIMAGE, false, NULL, 1536 - 15},
		{"bzimage-32", HULL_KERNEL_BZIMAGE, true, NULL, 1536 - 15},
		{"bzimage-short", HULL_KERNEL_BZIMAGE, false, NULL, 1536 - 15},
		{"elf-pvh", HULL_KERNEL_ELF, false, NULL, 236},
		{"elf-no-pvh", HULL_KERNEL_ELF, false, NULL, 212},
		{"elf-32", HULL_KERNEL_ELF, true, NULL, 176},
		{"elf-cut", HULL_KERNEL_ELF, false, NULL, 176},
		{"elf-short", HULL_KERNEL_ELF, false, NULL, 236},
		{"elf-far", HULL_KERNEL_ELF, false, NULL, UINT64_MAX},
		{"elf-arm64", HULL_KERNEL_ARM64_ELF, false, NULL, 0},
		{"elf-big", HULL_KERNEL_OTHER, false, "ppc64", 0},
		{"arm64", HULL_KERNEL_ARM64, false, NULL, 64},
		{"arm64-efi", HULL_KERNEL_ARM64, false, NULL, 9216},
		{"riscv", HULL_KERNEL_OTHER, false, "RISC-V", 0},
		{"arm-zimage", HULL_KERNEL_OTHER, false, "arm", 0},
		{"uimage", HULL_KERNEL_OTHER, false, "U-Boot", 0},
		{"zboot", HULL_KERNEL_OTHER, false, "another architecture's EFI", 0},
		{"gzip", HULL_KERNEL_COMPRESSED, false, "gzip", 0},
		{"zstd", HULL_KERNEL_COMPRESSED, false, "zstd", 0},
		{"multiboot", HULL_KERNEL_MULTIBOOT, false, NULL, 0},
		{"text", HULL_KERNEL_UNKNOWN, false, NULL, 0},
		{"empty", HULL_KERNEL_UNKNOWN, false, NULL, 0},
	};

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		cleanup_strbuf struct hull_strbuf b = HULL_STRBUF_INIT;
		struct hull_kernel k;
		const char *word;

		load(cases[i].seed, &b);
		hull_kernel_look(hull_strbuf_str(&b), b.len, &k);
		word = k.arch ? k.arch : k.format ? k.format : "";
		if (k.kind != cases[i].kind || k.bits32 != cases[i].bits32 ||
		    k.need != cases[i].need ||
		    strcmp(word, cases[i].word ? cases[i].word : "") != 0)
			fail_msg("%s: kind %d, bits32 %d, need %llu, '%s'", cases[i].seed,
				 (int)k.kind, k.bits32, (unsigned long long)k.need, word);
	}
}

static bool seed_has_pvh(const char *seed)
{
	cleanup_strbuf struct hull_strbuf b = HULL_STRBUF_INIT;
	struct hull_kernel k;

	load(seed, &b);
	hull_kernel_look(hull_strbuf_str(&b), b.len, &k);
	assert_int_equal(k.n_notes, 1);
	return hull_kernel_has_pvh(b.data + k.notes[0].offset, k.notes[0].len);
}

static void test_notes(void **state)
{
	struct hull_kernel k;
	cleanup_strbuf struct hull_strbuf b = HULL_STRBUF_INIT;

	assert_true(seed_has_pvh("elf-pvh"));
	assert_true(seed_has_pvh("elf-32"));
	assert_false(seed_has_pvh("elf-no-pvh"));
	assert_false(seed_has_pvh("elf-bad-note"));
	load("elf-dyn", &b);
	hull_kernel_look(hull_strbuf_str(&b), b.len, &k);
	assert_false(k.executable);
}

static void test_initrd(void **state)
{
	static const struct {
		const char *seed;
		bool plausible;
	} cases[] = {{"cpio", true}, {"zeros-cpio", true}, {"gzip", true},
		     {"zstd", true}, {"text", false},	   {"elf-pvh", false}};

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		cleanup_strbuf struct hull_strbuf b = HULL_STRBUF_INIT;

		load(cases[i].seed, &b);
		if (hull_initrd_plausible(hull_strbuf_str(&b), b.len) != cases[i].plausible)
			fail_msg("%s", cases[i].seed);
	}
}

static void test_corpus(void **state)
{
	assert_true(corpus_replay("kernel") > 20);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_kinds),
		cmocka_unit_test(test_notes),
		cmocka_unit_test(test_initrd),
		cmocka_unit_test(test_corpus),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
