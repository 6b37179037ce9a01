/* SPDX-License-Identifier: Apache-2.0
 *
 * Archives of hostile makers: nothing comes to be outside of the target, nothing is written through
 * a link, no device is made; a tree has one root, and only what was asked for is in it.
 */
#define _GNU_SOURCE
#include "unit.h"

#include "base/cleanup.h"
#include "base/os.h"
#include "base/path.h"
#include "base/strbuf.h"
#include "base/tar.h"
#include "base/unpack.h"
#include "tempdir.h"

#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>

static const struct hull_copy_ops ops;

struct member {
	enum hull_tar_type type;
	const char *name, *link; /* of a file: what is in it */
};

static int archive(const struct member *m, size_t n, size_t cut)
{
	cleanup_strbuf struct hull_strbuf out = HULL_STRBUF_INIT;
	static const char zeros[2 * HULL_TAR_BLOCK];
	int fd;

	for (size_t i = 0; i < n; i++) {
		bool file = m[i].type == HULL_TAR_FILE;
		const char *data = file ? m[i].link : "";
		struct hull_tar_entry e = {.type = m[i].type,
					   .name = (char *)(uintptr_t)m[i].name,
					   .link = (char *)(uintptr_t)(file ? "" : m[i].link),
					   .mode = 06755,
					   .size = strlen(data)};

		assert_int_equal(hull_tar_format(&e, &out), 0);
		assert_int_equal(hull_strbuf_adds(&out, data), 0);
		assert_int_equal(hull_strbuf_add(&out, zeros, hull_tar_padding(e.size)), 0);
	}
	assert_int_equal(hull_strbuf_add(&out, zeros, sizeof(zeros)), 0);
	fd = hull_memfd("archive", out.data, out.len - cut);
	assert_true(fd >= 0);
	return fd;
}

static int unpack(const char *target, bool one, int fd, struct hull_error **err)
{
	char path[64];
	struct hull_unpack_options o = {.target = path, .one = one};
	cleanup_close int in = fd;
	struct hull_unpack *u;
	int r;

	path_of(target, path);
	if (hull_unpack_open(&o, &u, err) < 0)
		return -1;
	r = hull_unpack_run(u, in, &ops, NULL, err);
	hull_unpack_free(u);
	return r;
}

static void content(const char *name, const char *want)
{
	cleanup_strbuf struct hull_strbuf got = HULL_STRBUF_INIT;
	char path[64];

	path_of(name, path);
	if (hull_file_read(path, 100, &got) < 0)
		fail_msg("no '%s'", name);
	assert_string_equal(hull_strbuf_str(&got), want);
}

static void make(const char *name, const char *text)
{
	char path[64];

	path_of(name, path);
	assert_int_equal(hull_file_write(path, text, strlen(text), 0644, false), 0);
}

/* A fresh target "in", beside files "out" and "beyond/out". */
static void begin(void)
{
	char path[64];

	path_of("in", path);
	assert_int_equal(hull_path_remove_tree(path), 0);
	assert_int_equal(mkdir(path, 0700), 0);
	path_of("beyond", path);
	(void)mkdir(path, 0700);
	make("out", "safe");
	make("beyond/out", "safe");
}

#define F HULL_TAR_FILE
#define L HULL_TAR_SYMLINK
#define H HULL_TAR_HARD_LINK
#define D HULL_TAR_DIRECTORY

static const struct {
	struct member m[3];

} hostile[] = {
	{{{F, "/tmp/hull-evil", "x"}}},
	{{{F, "../out", "x"}}},
	{{{F, "t/../../out", "x"}}},
	{{{D, "t", ""}, {L, "t/l", ".."}, {F, "t/l/out", "x"}}},
	{{{D, "t", ""}, {L, "t/l", "../.."}, {F, "t/l/out", "x"}}},
	{{{L, "t", ".."}, {F, "t/out", "x"}}},
	{{{L, "t", ".."}, {D, "t", ""}, {F, "t/out", "x"}}},
	{{{D, "t", ""}, {L, "t/l", "../.."}, {F, "t/l/beyond/out", "x"}}},
	{{{D, "t", ""}, {L, "t/l", "../.."}, {H, "t/h", "t/l/beyond/out"}}},
	{{{L, "t", "/tmp"}, {F, "t/hull-evil/deep", "x"}}},
	{{{H, "t", "../out"}, {F, "t", "x"}}},
	{{{D, "t", ""}, {L, "t/l", "../.."}, {H, "t/h", "t/l/out"}}},
	{{{F, "", "x"}}},
	{{{F, ".", "x"}}},
};

static void test_hostile(void **state)
{
	for (size_t i = 0; i < ARRAY_SIZE(hostile); i++) {
		size_t n = 0;

		while (n < 3 && hostile[i].m[n].name)
			n++;
		for (int one = 0; one < 2; one++) {
			cleanup_error struct hull_error *err = NULL;

			begin();
			if (unpack("in", one, archive(hostile[i].m, n, 0), &err) == 0)
				fail_msg("%zu was taken, as a %s", i, one ? "tree" : "heap");
			assert_non_null(err);
			/* Not only the kernel would have refused. */
			if (i < 3)
				assert_non_null(strstr(hull_error_message(err), "lead out"));
			content("out", "safe");
			content("beyond/out", "safe");
			assert_int_equal(access("/tmp/hull-evil", F_OK), -1);
		}
	}
}

/* What lies in a file's place is replaced, not written through. */
static void test_replaced(void **state)
{
	static const struct member m[] = {{L, "f", "../out"}, {F, "f", "new"}};
	static const struct member again[] = {{F, "f", "newer"}};
	char path[64], second[64];
	struct stat st;

	begin();
	assert_int_equal(unpack("in", false, archive(m, 2, 0), NULL), 0);
	content("out", "safe");
	content("in/f", "new");
	path_of("in/f", path);
	path_of("in/second", second);
	assert_int_equal(link(path, second), 0);
	assert_int_equal(unpack("in", false, archive(again, 1, 0), NULL), 0);
	content("in/f", "newer");
	content("in/second", "new");
	/* Bits by which programs run as their owners are not the archive's to give. */
	assert_int_equal(stat(path, &st), 0);
	assert_int_equal(st.st_mode & 07777, 0755);
}

static void test_devices(void **state)
{
	static const struct member m[] = {{D, "t", ""},
					  {HULL_TAR_CHAR, "t/c", ""},
					  {HULL_TAR_BLOCK_DEVICE, "t/b", ""},
					  {HULL_TAR_FIFO, "t/p", ""},
					  {F, "t/f", "x"}};
	char path[64];
	struct stat st;

	begin();
	assert_int_equal(unpack("in", true, archive(m, 5, 0), NULL), 0);
	path_of("in/t/c", path);
	assert_int_equal(lstat(path, &st), -1);
	path_of("in/t/b", path);
	assert_int_equal(lstat(path, &st), -1);
	path_of("in/t/p", path);
	assert_int_equal(lstat(path, &st), 0);
	assert_true(S_ISFIFO(st.st_mode));
	content("in/t/f", "x");
}

/* Asked for one thing, a guest must not bring another. */
static void test_one_tree(void **state)
{
	static const struct member other[] = {{D, "t", ""}, {F, "u", "x"}};
	static const struct member near[] = {{D, "t", ""}, {F, "tt/f", "x"}};
	static const struct member good[] = {{D, "t", ""}, {F, "t/f", "x"}, {H, "t/h", "t/f"}};
	static const struct member away[] = {{D, "t", ""}, {H, "t/h", "u/f"}};
	cleanup_error struct hull_error *err = NULL;

	begin();
	assert_int_equal(unpack("in", true, archive(other, 2, 0), &err), -1);
	assert_string_equal(hull_error_cause(err), "unsafe-name");
	hull_error_free(steal_ptr(&err));
	assert_int_equal(unpack("in", true, archive(near, 2, 0), NULL), -1);
	assert_int_equal(unpack("in/new", true, archive(other, 2, 0), NULL), -1);
	assert_int_equal(unpack("in/name", true, archive(good, 3, 0), NULL), 0);
	content("in/name/f", "x");
	content("in/name/h", "x");
	assert_int_equal(unpack("in/other", true, archive(away, 2, 0), NULL), -1);
	/* Nor nothing at all. */
	assert_int_equal(unpack("in/none", true, archive(NULL, 0, 0), &err), -1);
	assert_string_equal(hull_error_cause(err), "truncated");
	/* A heap may have what it wants, also without its directories. */
	assert_int_equal(unpack("in", false, archive(near, 2, 0), NULL), 0);
	content("in/tt/f", "x");
}

/* A file that did not come whole is not there. */
static void test_cut(void **state)
{
	static const struct member m[] = {{F, "f", "what will not come"}};
	cleanup_error struct hull_error *err = NULL;
	char path[64];

	begin();
	path_of("in/f", path);
	assert_int_equal(unpack("in", false, archive(m, 1, 3 * HULL_TAR_BLOCK - 5), &err), -1);
	assert_string_equal(hull_error_cause(err), "truncated");
	assert_int_equal(access(path, F_OK), -1);
}

/* Modes are the archive's, whoever unpacks it. */
static void test_modes(void **state)
{
	static const struct member m[] = {
		{D, "t", ""}, {F, "t/f", "x"}, {HULL_TAR_FIFO, "t/fifo", ""}};
	static const char *const names[] = {"in/t", "in/t/f", "in/t/fifo"};
	mode_t before = umask(077);
	struct stat st;
	char path[64];

	begin();
	assert_int_equal(unpack("in", true, archive(m, 3, 0), NULL), 0);
	assert_int_equal(umask(before), 077); /* which is left as it was */
	for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
		path_of(names[i], path);
		assert_int_equal(lstat(path, &st), 0);
		assert_int_equal(st.st_mode & 07777, 0755);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_hostile), cmocka_unit_test(test_replaced),
		cmocka_unit_test(test_devices), cmocka_unit_test(test_one_tree),
		cmocka_unit_test(test_cut),	cmocka_unit_test(test_modes),
	};

	return cmocka_run_group_tests(tests, make_dir, remove_dir);
}
