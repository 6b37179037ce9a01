/* SPDX-License-Identifier: Apache-2.0
 *
 * The tar format: what others have written, what is damaged, and that what is written comes back.
 */
#include "unit.h"

#include "../fuzz/fuzz-tar.c"
#include "corpus.h"

#include "base/path.h"

#include <stdio.h>

static void read_seed(const char *name, struct hull_strbuf *out)
{
	const char *all = getenv("CORPUS");
	cleanup_free char *tars = hull_path_join(all ? all : "tests/fuzz/corpus", "tar");
	cleanup_free char *path = hull_path_join(tars, name);

	assert_int_equal(hull_file_read(path, 1 << 20, out), 0);
}

struct open_archive {
	struct hull_strbuf text;
	struct bytes bytes;
	struct hull_tar_reader reader;
};

static void open_seed(struct open_archive *a, const char *name)
{
	*a = (struct open_archive){0};
	read_seed(name, &a->text);
	a->bytes = (struct bytes){(const uint8_t *)a->text.data, a->text.len, 100};
	a->reader = (struct hull_tar_reader){.read = take, .ctx = &a->bytes};
}

static void close_seed(struct open_archive *a)
{
	hull_tar_reader_fini(&a->reader);
	hull_strbuf_fini(&a->text);
}

static void test_formats(void **state)
{
	static const char *const names[] = {"v7", "ustar", "gnu", "pax"};

	for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
		const struct hull_tar_entry *e;
		struct open_archive a;
		uint64_t offset;
		char buf[10];

		open_seed(&a, names[i]);
		assert_int_equal(hull_tar_next(&a.reader, &e, NULL), 1);
		assert_string_equal(e->name, "d/f");
		assert_int_equal(e->type, HULL_TAR_FILE);
		assert_int_equal(e->size, 3);
		assert_int_equal(e->uid, 12);
		assert_int_equal(e->gid, 34);
		assert_int_equal(e->mtime_s, 981173106);
		assert_int_equal(e->mtime_ns, strcmp(names[i], "pax") ? 0 : 789000000);
		assert_int_equal(hull_tar_data(&a.reader, buf, sizeof(buf), &offset, NULL), 3);
		assert_memory_equal(buf, "hi\n", 3);
		assert_int_equal(hull_tar_next(&a.reader, &e, NULL), 1);
		assert_int_equal(e->type, HULL_TAR_SYMLINK);
		assert_string_equal(e->link, "f");
		assert_int_equal(hull_tar_next(&a.reader, &e, NULL), 1);
		assert_int_equal(e->type, HULL_TAR_HARD_LINK);
		assert_string_equal(e->link, "d/f");
		assert_int_equal(hull_tar_next(&a.reader, &e, NULL), 0);
		close_seed(&a);
	}
}

static const struct hull_tar_entry *find(struct open_archive *a, const char *name)
{
	const struct hull_tar_entry *e;

	while (hull_tar_next(&a->reader, &e, NULL) > 0)
		if (!strncmp(e->name, name, strlen(name)))
			return e;
	fail_msg("no entry '%s'", name);
	return NULL;
}

static void test_long_names(void **state)
{
	static const char *const archives[] = {"gnu-all", "pax-all"};

	for (size_t i = 0; i < ARRAY_SIZE(archives); i++) {
		struct open_archive a;
		const struct hull_tar_entry *e;

		open_seed(&a, archives[i]);
		e = find(&a, "d/nn");
		assert_int_equal(strlen(e->name), 152);
		close_seed(&a);
		open_seed(&a, archives[i]);
		e = find(&a, "d/ll");
		assert_int_equal(strlen(e->link), 150);
		assert_int_equal(e->type, HULL_TAR_SYMLINK);
		close_seed(&a);
	}
}

static void test_sparse(void **state)
{
	const struct hull_tar_entry *e;
	struct open_archive a;
	uint64_t offset = 0;
	char buf[8000];
	ssize_t n;

	open_seed(&a, "pax-all");
	e = find(&a, "d/s");
	assert_true(e->sparse);
	assert_int_equal(e->size, 600000);
	n = hull_tar_data(&a.reader, buf, 1, &offset, NULL);
	assert_int_equal(n, 1);
	assert_true(offset > 290000 && offset <= 300000); /* of whole blocks */
	assert_true(read_data(&a.reader, e->size) < 20000);
	close_seed(&a);
	open_seed(&a, "pax-all");
	e = find(&a, "d/e");
	assert_int_equal(e->size, 600000);
	assert_int_equal(hull_tar_data(&a.reader, buf, sizeof(buf), &offset, NULL), 0);
	close_seed(&a);
}

static void test_numbers(void **state)
{
	static const char *const archives[] = {"numbers", "pax-numbers"};

	for (size_t i = 0; i < ARRAY_SIZE(archives); i++) {
		struct open_archive a;
		const struct hull_tar_entry *e;

		open_seed(&a, archives[i]);
		e = find(&a, "big");
		assert_int_equal(e->uid, 4000000);
		assert_int_equal(e->gid, 3000000);
		assert_int_equal(e->mtime_s, i ? -6 : -5);
		assert_int_equal(e->mtime_ns, i ? 250000000 : 0);
		close_seed(&a);
	}
}

static void refused(const char *name, int code, const char *cause)
{
	cleanup_error struct hull_error *err = NULL;
	const struct hull_tar_entry *e;
	struct open_archive a;
	int r;

	open_seed(&a, name);
	while ((r = hull_tar_next(&a.reader, &e, &err)) > 0)
		;
	assert_int_equal(r, -1);
	assert_int_equal(hull_error_code(err), code);
	assert_string_equal(hull_error_cause(err), cause);
	close_seed(&a);
}

static void test_refused(void **state)
{
	refused("cut", HULL_E_CORRUPT, "truncated");
	refused("short", HULL_E_CORRUPT, "truncated");
	refused("sparse-0.1", HULL_E_UNSUPPORTED, "");
	refused("sparse-gnu", HULL_E_UNSUPPORTED, "");
}

/* What no archive may talk us into: each with a header that is right otherwise. */
static void test_extended(void **state)
{
	static const char *const bad[] = {
		"9 path=a",   /* cut */
		"8 path=a\n", /* its length is another */
		"5 p=\nx",    /* none at the end */
		"99 path=a\n",
		"999999999999999999999 path=a\n",
		"9 size=x\n",
		"10 size=-1\n",
		"28 size=9223372036854775808\n",
		"22 GNU.sparse.major=2\n",
		"20 uid=99999999999\n",
	};

	for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
		cleanup_with(hull_tar_reader_fini) struct hull_tar_reader r = {.read = take};
		cleanup_strbuf struct hull_strbuf file = HULL_STRBUF_INIT;
		cleanup_error struct hull_error *err = NULL;
		struct hull_tar_entry e = {
			.type = HULL_TAR_FILE, .link = (char *)"", .mtime_ns = 1};
		const struct hull_tar_entry *got;
		size_t len = strlen(bad[i]), at = HULL_TAR_BLOCK;
		struct bytes b = {.piece = SIZE_MAX};
		unsigned int sum = 0;

		e.name = (char *)"name";
		assert_int_equal(hull_tar_format(&e, &file), 0);
		/* The text of the extended header, and its length, which the checksum covers. */
		memset(file.data + at, 0, HULL_TAR_BLOCK);
		memcpy(file.data + at, bad[i], len);
		(void)snprintf(file.data + 124, 12, "%011o", (unsigned int)(len & 0777));
		memset(file.data + 148, ' ', 8);
		for (size_t k = 0; k < HULL_TAR_BLOCK; k++)
			sum += (unsigned char)file.data[k];
		(void)snprintf(file.data + 148, 8, "%06o", sum);
		b.p = (const uint8_t *)file.data;
		b.len = file.len;
		r.ctx = &b;
		if (hull_tar_next(&r, &got, &err) != -1)
			fail_msg("'%s' was taken", bad[i]);
		assert_string_not_equal(hull_error_cause(err), "truncated");
	}
}

static void test_written(void **state)
{
	struct hull_tar_extent extents[] = {{4096, 10}, {8192, 512}};
	struct hull_tar_entry e = {
		.type = HULL_TAR_FILE,
		.name = (char *)"holes",
		.link = (char *)"",
		.mode = 04755,
		.uid = 5000000,
		.gid = 1,
		.size = UINT64_C(1) << 40,
		.mtime_s = -7,
		.mtime_ns = 250000000,
		.sparse = true,
	};

	e.extents.v = extents;
	e.extents.n = 2;
	check_again(&e);
	e.extents.n = 0;
	check_again(&e);
	e.sparse = false;
	check_again(&e); /* beyond eleven octal digits */
	e.mtime_ns = 0;
	check_again(&e);
	e.mtime_s = INT64_C(1) << 40;
	check_again(&e);
}

static void test_corpus(void **state)
{
	assert_true(corpus_replay("tar") >= 12);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_formats), cmocka_unit_test(test_long_names),
		cmocka_unit_test(test_sparse),	cmocka_unit_test(test_numbers),
		cmocka_unit_test(test_refused), cmocka_unit_test(test_extended),
		cmocka_unit_test(test_written), cmocka_unit_test(test_corpus),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
