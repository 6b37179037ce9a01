/* SPDX-License-Identifier: Apache-2.0
 *
 * Files without a name, also where the file system has none: open(), which is
 * open64() to the linker, is ours then.
 */
#define _GNU_SOURCE
#include "unit.h"

#include "base/cleanup.h"
#include "base/path.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "tempdir.h"

int __real_open64(const char *path, int flags, ...);
int __wrap_open64(const char *path, int flags, ...);

static int refusal; /* of nameless files; 0: whatever there is */

int __wrap_open64(const char *path, int flags, ...)
{
	va_list ap;
	int mode;

	va_start(ap, flags);
	mode = va_arg(ap, int);
	va_end(ap);
	if (refusal && (flags & O_TMPFILE) == O_TMPFILE) {
		errno = refusal;
		return -1;
	}
	return __real_open64(path, flags, mode);
}

static int count_names(void)
{
	DIR *d = opendir(dir);
	int n = 0;

	assert_non_null(d);
	while (readdir(d))
		n++;
	closedir(d);
	return n - 2;
}

static void check_file(int fd)
{
	struct stat st;
	char text[4];

	assert_true(fd >= 0);
	assert_int_equal(fstat(fd, &st), 0);
	assert_int_equal(st.st_mode, S_IFREG | 0600);
	assert_true(fcntl(fd, F_GETFD) & FD_CLOEXEC);
	assert_int_equal(pwrite(fd, "abc", 3, 0), 3);
	assert_int_equal(pread(fd, text, 3, 0), 3);
	assert_memory_equal(text, "abc", 3);
	close(fd);
}

static void there_is_no_name(void **state)
{
	static const int refusals[] = {0, EOPNOTSUPP, EISDIR};

	for (size_t i = 0; i < ARRAY_SIZE(refusals); i++) {
		refusal = refusals[i];
		check_file(hull_file_nameless(dir, "x-", NULL));
		assert_int_equal(count_names(), 0);
	}
}

static void the_name_is_told(void **state)
{
	char *path = (char *)"?", start[64];
	struct stat st;

	refusal = EOPNOTSUPP;
	check_file(hull_file_nameless(dir, ".name.", &path));
	path_of(".name.", start);
	assert_memory_equal(path, start, strlen(start));
	assert_int_equal(strlen(path), strlen(start) + 6);
	assert_int_equal(stat(path, &st), 0);
	assert_int_equal(count_names(), 1);
	assert_int_equal(unlink(path), 0);
	free(path);
	refusal = 0;
	path = (char *)"?";
	check_file(hull_file_nameless(dir, ".name.", &path));
	assert_true(!path == !count_names()); /* as the file system likes */
	free(path);
}

static void other_failures_are_told(void **state)
{
	char *path = (char *)"?";

	refusal = EDQUOT;
	assert_int_equal(hull_file_nameless(dir, "x-", &path), -EDQUOT);
	assert_null(path);
	refusal = EOPNOTSUPP;
	assert_int_equal(hull_file_nameless("/nonexistent", "x-", &path), -ENOENT);
	assert_null(path);
	refusal = 0;
	assert_int_equal(hull_file_nameless("/nonexistent", "x-", NULL), -ENOENT);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(there_is_no_name),
		cmocka_unit_test(the_name_is_told),
		cmocka_unit_test(other_failures_are_told),
	};

	return cmocka_run_group_tests(tests, make_dir, remove_dir);
}
