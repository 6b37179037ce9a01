/* SPDX-License-Identifier: Apache-2.0 */
#define _GNU_SOURCE
#include "unit.h"

#include "base/cleanup.h"
#include "base/report.h"

#include <fcntl.h>
#include <string.h>
#include <unistd.h>

struct record {
	char buf[4096];
	size_t len;
};

static void done(int fd)
{
	hull_report_done(fd, "a\0b", 3);
}

static void nothing(int fd)
{
	hull_report_done(fd, NULL, 0);
}

static void error(int fd)
{
	cleanup_error struct hull_error *err = NULL;

	hull_fail_cause(&err, HULL_E_DENIED, "not-executable", "'%s' can't", "x");
	hull_hint(&err, "chmod");
	hull_report_error(fd, err);
}

static void no_memory(int fd)
{
	cleanup_error struct hull_error *err = NULL;

	hull_fail_nomem(&err);
	hull_report_error(fd, err);
}

static void record(struct record *r, void (*fn)(int fd))
{
	int fds[2];
	ssize_t n;

	assert_int_equal(pipe2(fds, O_CLOEXEC), 0);
	fn(fds[1]);
	close(fds[1]);
	n = read(fds[0], r->buf, sizeof(r->buf));
	close(fds[0]);
	assert_true(n >= 0);
	r->len = (size_t)n;
}

static void data_comes_back(void **state)
{
	struct record r;
	const char *data;
	size_t len;

	record(&r, done);
	assert_int_equal(hull_report_parse(r.buf, r.len, &data, &len, NULL), 0);
	assert_int_equal(len, 3);
	assert_memory_equal(data, "a\0b", 3);
	record(&r, nothing);
	assert_int_equal(hull_report_parse(r.buf, r.len, &data, &len, NULL), 0);
	assert_int_equal(len, 0);
}

static void errors_come_back_whole(void **state)
{
	cleanup_error struct hull_error *err = NULL, *memory = NULL;
	struct record r;
	const char *data;
	size_t len;

	record(&r, error);
	assert_int_equal(hull_report_parse(r.buf, r.len, &data, &len, &err), -1);
	assert_int_equal(hull_error_code(err), HULL_E_DENIED);
	assert_string_equal(hull_error_cause(err), "not-executable");
	assert_string_equal(hull_error_message(err), "'x' can't");
	assert_string_equal(hull_error_hint(err), "chmod");
	record(&r, no_memory);
	assert_int_equal(hull_report_parse(r.buf, r.len, &data, &len, &memory), -1);
	assert_int_equal(hull_error_code(memory), HULL_E_NOMEM);
}

static void every_part_of_one_is_an_error(void **state)
{
	struct record r;
	const char *data;
	size_t len;

	record(&r, error);
	for (size_t n = 0; n < r.len; n++) {
		cleanup_error struct hull_error *err = NULL;
		cleanup_free char *part = malloc(n + !n);

		memcpy(part, r.buf, n);
		assert_int_equal(hull_report_parse(part, n, &data, &len, &err), -1);
		assert_int_equal(hull_error_code(err), HULL_E_AGENT);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(data_comes_back),
		cmocka_unit_test(errors_come_back_whole),
		cmocka_unit_test(every_part_of_one_is_an_error),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
