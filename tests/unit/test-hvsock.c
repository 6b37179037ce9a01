/* SPDX-License-Identifier: Apache-2.0
 *
 * The hybrid vsock and stream id handshakes: what is accepted, what is refused and how early.
 */
#include "unit.h"

#include "../fuzz/fuzz-hvsock.c"
#include "corpus.h"

#include <errno.h>

struct line {
	const char *text;
	ssize_t result;
	uint32_t number;
};

static const struct line connects[] = {
	{"CONNECT 1024\n", 13, 1024},
	{"CONNECT 1\n", 10, 1},
	{"connect 52\nGET /", 11, 52},
	{"CoNnEcT \t 7 \r\n", 14, 7},
	{"CONNECT 4294967295\n", 19, UINT32_MAX},
	{"CONNECT 0\n", 10, 0},
	{"CONNECT 0000000000000000000005\n", 31, 5},
	{"", 0, 0},
	{"CONN", 0, 0},
	{"CONNECT", 0, 0},
	{"CONNECT ", 0, 0},
	{"CONNECT 10", 0, 0},
	{"CONNECT 10 \r", 0, 0},
	{"CONNECT 4294967296", -EBADMSG, 0},
	{"CONNECT -1", -EBADMSG, 0},
	{"CONNECT \n", -EBADMSG, 0},
	{"CONNECT 5x", -EBADMSG, 0},
	{"CONNECT 5 6", -EBADMSG, 0},
	{"CONNECT5", -EBADMSG, 0},
	{"CONNECT\n", -EBADMSG, 0},
	{" CONNECT 5\n", -EBADMSG, 0},
	{"GET", -EBADMSG, 0},
	{"CONNECT                         5\n", -EMSGSIZE, 0},
	{"CONNECT 000000000000000000000005\n", -EMSGSIZE, 0},
	{"CONNECT 0000000000000000000000005", -EMSGSIZE, 0},
};

static const struct line oks[] = {
	{"OK 1073741824\n", 14, 1 << 30},
	{"OK 3\npayload", 5, 3},
	{"O", 0, 0},
	{"OK", 0, 0},
	{"OK 12", 0, 0},
	{"KO 3\n", -EBADMSG, 0},
	{"OK\n", -EBADMSG, 0},
	{"OKAY 3\n", -EBADMSG, 0},
};

static void test_lines(void **state)
{
	for (size_t i = 0; i < ARRAY_SIZE(connects); i++) {
		uint32_t n = 0;

		assert_int_equal(
			hull_hvsock_parse_connect(connects[i].text, strlen(connects[i].text), &n),
			connects[i].result);
		assert_int_equal(n, connects[i].number);
	}
	for (size_t i = 0; i < ARRAY_SIZE(oks); i++) {
		uint32_t n = 0;

		assert_int_equal(hull_hvsock_parse_ok(oks[i].text, strlen(oks[i].text), &n),
				 oks[i].result);
		assert_int_equal(n, oks[i].number);
	}
}

static void test_line_formats(void **state)
{
	char buf[HULL_HVSOCK_LINE_MAX];
	uint32_t n;

	/* Firecracker reads ten bytes at once. */
	assert_int_equal(hull_hvsock_format_connect(buf, 1), 10);
	assert_memory_equal(buf, "CONNECT 1\n", 10);
	assert_int_equal(hull_hvsock_format_connect(buf, UINT32_MAX), 19);
	assert_int_equal(hull_hvsock_parse_connect(buf, 19, &n), 19);
	assert_int_equal(n, UINT32_MAX);
	assert_int_equal(hull_hvsock_format_ok(buf, 1u << 31), 14);
	assert_int_equal(hull_hvsock_parse_ok(buf, 14, &n), 14);
	assert_int_equal(n, 1u << 31);
}

static void test_ids(void **state)
{
	char buf[2048], id[HULL_STREAM_ID_MAX + 1], longest[HULL_STREAM_ID_MAX + 2] = "";
	size_t n = hull_stream_format(buf, "web-stdin-12-ab_c");

	assert_int_equal(n, 21);
	assert_memory_equal(buf, "\0\0\0\21web", 7);
	buf[n] = 'x';
	for (size_t i = 0; i < n; i++)
		assert_int_equal(hull_stream_parse_id(buf, i, id), 0);
	assert_int_equal(hull_stream_parse_id(buf, n + 1, id), n);
	assert_string_equal(id, "web-stdin-12-ab_c");

	memset(longest, 'a', HULL_STREAM_ID_MAX);
	n = hull_stream_format(buf, longest);
	assert_int_equal(hull_stream_parse_id(buf, n, id), n);
	assert_string_equal(id, longest);
	longest[HULL_STREAM_ID_MAX] = 'a';
	n = hull_stream_format(buf, "");
	assert_int_equal(hull_stream_parse_id(buf, n, id), -EBADMSG);
	buf[3] = (char)(HULL_STREAM_ID_MAX + 1);
	assert_int_equal(hull_stream_parse_id(buf, 4, id), -EMSGSIZE);
	n = hull_stream_format(buf, "a\nb");
	assert_int_equal(hull_stream_parse_id(buf, n, id), -EBADMSG);
	assert_int_equal(hull_stream_parse_id("\0\0\0\2a", 6, id), -EBADMSG);
}

static void test_acks(void **state)
{
	char buf[2048], error[HULL_STREAM_ERROR_MAX + 1];
	size_t n = hull_stream_format(buf, "id-1");

	for (size_t i = 0; i < n; i++)
		assert_int_equal(hull_stream_parse_ack(buf, i, "id-1", error), 0);
	assert_int_equal(hull_stream_parse_ack(buf, n, "id-1", error), n);
	assert_string_equal(error, "");
	assert_int_equal(hull_stream_parse_ack(buf, n, "id-2", error), n);
	assert_string_equal(error, "id-1");
	assert_int_equal(hull_stream_parse_ack(buf, n, "id-12", error), n);
	assert_string_equal(error, "id-1");
	n = hull_stream_format(buf, "stream \"x\" already\n exists \xc3\xa9");
	assert_int_equal(hull_stream_parse_ack(buf, n, "x", error), n);
	assert_string_equal(error, "stream \"x\" already? exists ??");
	memset(buf, 0, 4);
	assert_int_equal(hull_stream_parse_ack(buf, 4, "x", error), -EBADMSG);
	memcpy(buf, "\0\0\4\1", 4);
	assert_int_equal(hull_stream_parse_ack(buf, 4, "x", error), -EMSGSIZE);
}

static void test_corpus(void **state)
{
	assert_true(corpus_replay("hvsock") >= 10);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_lines),  cmocka_unit_test(test_line_formats),
		cmocka_unit_test(test_ids),    cmocka_unit_test(test_acks),
		cmocka_unit_test(test_corpus),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
