/* SPDX-License-Identifier: Apache-2.0
 *
 * Module look-ups: order of dependencies, soft ones first, aliases with patterns, hostile texts.
 */
#include "unit.h"

#include "base/moddep.h"
#include "base/strbuf.h"

#include <errno.h>
#include <string.h>

static const struct hull_moddep texts = {
	.alias = "# Aliases\n"
		 "alias fs-ext4 ext4\n"
		 "alias crypto-crc32c crc32c_generic\n"
		 "alias crypto-crc32c gone\n"
		 "alias pci:v00001AF4d*sv*sd*bc*sc*i* virtio_pci\n"
		 "alias char-major-10-[0-3] loop-a\n"
		 "alias round round\n",
	.dep = "kernel/fs/ext4/ext4.ko: kernel/lib/crc16.ko kernel/fs/mbcache.ko "
	       "kernel/fs/jbd2.ko\n"
	       "kernel/lib/crc16.ko:\n"
	       "kernel/fs/mbcache.ko:\n"
	       "kernel/fs/jbd2.ko: kernel/lib/crc16.ko\n"
	       "kernel/crypto/crc32c_generic.ko.xz:\n"
	       "kernel/drivers/virtio-pci.ko: kernel/drivers/virtio.ko\n"
	       "kernel/drivers/loop_a.ko:",
	.softdep = "# Soft\nsoftdep ext4 pre: crypto-crc32c nothing post: loop_a\n"
		   "softdep loop_a pre: loop_a\n",
};

static void check(const char *name, const char *const *files)
{
	cleanup_strv struct hull_strv got = {0};
	size_t n = 0;

	assert_int_equal(hull_moddep_files(&texts, name, &got), 0);
	for (; files[n]; n++) {
		assert_true(n < got.n);
		assert_string_equal(got.v[n], files[n]);
	}
	assert_int_equal(got.n, n);
}

static void test_dependencies(void **state)
{
	static const char *const ext4[] = {
		"kernel/crypto/crc32c_generic.ko.xz",
		"kernel/fs/jbd2.ko",
		"kernel/fs/mbcache.ko",
		"kernel/lib/crc16.ko",
		"kernel/fs/ext4/ext4.ko",
		NULL,
	};

	check("ext4", ext4);
	check("fs-ext4", ext4);
	check("fs_ext4", ext4);
}

static void test_patterns(void **state)
{
	static const char *const pci[] = {"kernel/drivers/virtio.ko",
					  "kernel/drivers/virtio-pci.ko", NULL};
	static const char *const loop[] = {"kernel/drivers/loop_a.ko", NULL};

	check("virtio-pci", pci);
	check("virtio_pci", pci);
	check("pci:v00001AF4d00001000sv0sd0bc0sc0i0", pci);
	check("char-major-10-2", loop); /* its soft dependency on itself ends */
}

static void test_unknown(void **state)
{
	cleanup_strv struct hull_strv got = {0};
	const struct hull_moddep empty = {0};
	char longest[1000];

	assert_int_equal(hull_moddep_files(&texts, "char-major-10-9", &got), -ENOENT);
	assert_int_equal(hull_moddep_files(&texts, "round", &got), -ENOENT);
	assert_int_equal(hull_moddep_files(&texts, "", &got), -ENOENT);
	assert_int_equal(hull_moddep_files(&empty, "ext4", &got), -ENOENT);
	memset(longest, 'a', sizeof(longest) - 1);
	longest[sizeof(longest) - 1] = '\0';
	assert_int_equal(hull_moddep_files(&texts, longest, &got), -ENOENT);
	assert_int_equal(got.n, 0);
}

/* Soft dependencies on each other, many times: each is looked up once. */
static void test_maze(void **state)
{
	cleanup_strv struct hull_strv got = {0};
	cleanup_strbuf struct hull_strbuf soft = HULL_STRBUF_INIT;
	struct hull_moddep maze = {.dep = "k/a.ko:\nk/b.ko:\n"};

	for (int i = 0; i < 2; i++) {
		hull_strbuf_addf(&soft, "softdep %c pre:", 'a' + i);
		for (int k = 0; k < 100; k++)
			hull_strbuf_adds(&soft, " a b");
		hull_strbuf_adds(&soft, "\n");
	}
	maze.softdep = hull_strbuf_str(&soft);
	assert_int_equal(hull_moddep_files(&maze, "a", &got), 0);
	assert_int_equal(got.n, 2);
	assert_string_equal(got.v[0], "k/b.ko");
	assert_string_equal(got.v[1], "k/a.ko"); /* what is asked for is the last */
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_dependencies),
		cmocka_unit_test(test_patterns),
		cmocka_unit_test(test_unknown),
		cmocka_unit_test(test_maze),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
