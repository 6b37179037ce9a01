/* SPDX-License-Identifier: Apache-2.0
 *
 * Images of ISO 9660: what a reader of the standard finds in them.  Whether Linux does, an
 * end-to-end test sees.
 */
#define _GNU_SOURCE
#include "unit.h"

#include "base/cleanup.h"
#include "base/strbuf.h"
#include "boot/iso9660.h"

#include <stdint.h>
#include <string.h>

#define BLOCK 2048

static uint32_t get32(const uint8_t *p)
{
	uint32_t low = p[0] | p[1] << 8 | p[2] << 16 | (uint32_t)p[3] << 24;
	uint32_t high = (uint32_t)p[4] << 24 | p[5] << 16 | p[6] << 8 | p[7];

	assert_int_equal(low, high);
	return low;
}

/* @at: of its entry in the directory at @dir.  The next one's. */
static size_t check_file(const struct hull_strbuf *image, const uint8_t *dir, size_t at,
			 const struct hull_iso_file *file)
{
	const uint8_t *e = dir + at;
	size_t name = strlen(file->name), where = (size_t)get32(e + 2) * BLOCK;

	assert_int_equal(e[32], name + 2);
	assert_memory_equal(e + 33, file->name, name);
	assert_memory_equal(e + 33 + name, ";1", 2);
	assert_int_equal(e[25], 0);
	assert_int_equal(get32(e + 10), file->len);
	assert_true(where + file->len <= image->len);
	if (file->len)
		assert_memory_equal(image->data + where, file->data, file->len);
	return at + e[0];
}

static void test_image(void **state)
{
	static char long_one[3 * BLOCK + 1];
	const struct hull_iso_file files[] = {
		{"a-name-of-28-bytes----------", long_one, sizeof(long_one)},
		{"empty", "", 0},
		{"full", long_one, BLOCK},
		{"user-data", "#cloud-config\n", 14},
	};
	cleanup_strbuf struct hull_strbuf image = HULL_STRBUF_INIT, again = HULL_STRBUF_INIT;
	const uint8_t *d, *dir;
	size_t at;

	memset(long_one, 'x', sizeof(long_one));
	hull_iso_make(&image, "cidata", files, ARRAY_SIZE(files));
	assert_false(image.failed);
	assert_int_equal(image.len, (21 + 4 + 0 + 1 + 1) * BLOCK);
	d = (const uint8_t *)image.data + 16 * BLOCK;
	assert_memory_equal(d, "\1CD001\1", 8);
	assert_memory_equal(d + 40, "cidata                          ", 32);
	assert_int_equal(get32(d + 80) * BLOCK, image.len);
	assert_memory_equal(d + BLOCK, "\377CD001\1", 8);
	assert_int_equal(get32(d + 156 + 2), 20);
	dir = (const uint8_t *)image.data + 20 * BLOCK;
	assert_int_equal(dir[25], 2);
	assert_int_equal(dir[33], 0);
	at = dir[0];
	assert_int_equal(dir[at + 33], 1);
	at += dir[at];
	for (size_t i = 0; i < ARRAY_SIZE(files); i++)
		at = check_file(&image, dir, at, &files[i]);
	assert_int_equal(dir[at], 0);
	hull_iso_make(&again, "cidata", files, ARRAY_SIZE(files));
	assert_int_equal(again.len, image.len);
	assert_memory_equal(again.data, image.data, image.len);
}

static void test_does_not_fit(void **state)
{
	const struct hull_iso_file file = {"x", "y", 1};
	cleanup_strbuf struct hull_strbuf image = {.max = 21 * BLOCK};

	hull_iso_make(&image, "cidata", &file, 1);
	assert_true(image.failed);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_image),
		cmocka_unit_test(test_does_not_fit),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
