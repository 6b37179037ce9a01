/* SPDX-License-Identifier: Apache-2.0
 *
 * Descriptors that travel with bytes; deadlines.
 */
#include "unit.h"

#include "base/cleanup.h"
#include "base/os.h"

#include <fcntl.h>
#include <limits.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

static bool is_same(int a, int b)
{
	struct stat x, y;

	return fstat(a, &x) == 0 && fstat(b, &y) == 0 && x.st_dev == y.st_dev &&
	       x.st_ino == y.st_ino;
}

static int lowest_free(void)
{
	int fd = dup(0);

	assert_true(fd >= 0);
	close(fd);
	return fd;
}

/* @n of them at once. */
static void send_fds(int socket, const int *fds, size_t n)
{
	union {
		struct cmsghdr header;
		char space[CMSG_SPACE(16 * sizeof(int))];
	} control = {.space = {0}};
	struct iovec piece = {(char *)"x", 1};
	struct msghdr m = {.msg_iov = &piece,
			   .msg_iovlen = 1,
			   .msg_control = &control,
			   .msg_controllen = CMSG_SPACE(n * sizeof(int))};

	control.header.cmsg_level = SOL_SOCKET;
	control.header.cmsg_type = SCM_RIGHTS;
	control.header.cmsg_len = CMSG_LEN(n * sizeof(int));
	memcpy(CMSG_DATA(&control.header), fds, n * sizeof(int));
	assert_int_equal(sendmsg(socket, &m, 0), 1);
}

static void a_descriptor_comes_with_bytes(void **state)
{
	int pair[2], got[2] = {-1, -1}, memory = hull_memfd("test", "abc", 3);
	char bytes[8];
	size_t n = 9;

	assert_int_equal(hull_socketpair(pair), 0);
	assert_int_equal(hull_receive_fds(pair[1], bytes, sizeof(bytes), got, 2, &n), -EAGAIN);
	assert_int_equal(n, 0);
	assert_int_equal(hull_send_fd(pair[0], "hello", 5, memory), 5);
	assert_int_equal(hull_receive_fds(pair[1], bytes, sizeof(bytes), got, 2, &n), 5);
	assert_memory_equal(bytes, "hello", 5);
	assert_int_equal(n, 1);
	assert_true(got[0] != memory && is_same(got[0], memory));
	assert_true(fcntl(got[0], F_GETFD) & FD_CLOEXEC);
	assert_int_equal(got[1], -1);
	close(got[0]);
	assert_int_equal(hull_send_fd(pair[0], "!", 1, -1), 1);
	assert_int_equal(hull_receive_fds(pair[1], bytes, sizeof(bytes), got, 2, &n), 1);
	assert_int_equal(n, 0);
	close(pair[0]);
	assert_int_equal(hull_receive_fds(pair[1], bytes, sizeof(bytes), got, 2, &n), 0);
	close(pair[1]);
	close(memory);
}

/* Up to as many as nobody receives at once. */
static void those_too_many_are_closed(void **state)
{
	int memory = hull_memfd("test", "abc", 3), many[16], pair[2], got[HULL_FDS_MAX];
	int before;
	char byte;
	size_t n;

	for (size_t i = 0; i < ARRAY_SIZE(many); i++)
		many[i] = memory;
	assert_int_equal(hull_socketpair(pair), 0);
	before = lowest_free();
	for (size_t sent = 1; sent <= ARRAY_SIZE(many); sent++) {
		for (size_t max = 0; max <= HULL_FDS_MAX; max++) {
			send_fds(pair[0], many, sent);
			assert_int_equal(hull_receive_fds(pair[1], &byte, 1, got, max, &n), 1);
			assert_int_equal(n, MIN(sent, max));
			for (size_t i = 0; i < n; i++) {
				assert_true(is_same(got[i], memory));
				close(got[i]);
			}
			assert_int_equal(lowest_free(), before);
		}
	}
	close(pair[0]);
	close(pair[1]);
	close(memory);
}

static void deadlines_do_not_wrap(void **state)
{
	static const uint64_t long_ms[] = {UINT64_MAX, UINT64_MAX - 1, UINT64_MAX / HULL_NS_PER_MS,
					   UINT64_MAX / HULL_NS_PER_MS + 1};

	for (size_t i = 0; i < ARRAY_SIZE(long_ms); i++)
		assert_int_equal(hull_ms_left(hull_deadline_ms(long_ms[i])), INT_MAX);
	assert_in_range(hull_ms_left(hull_deadline_ms(1000)), 1, 1000);
	assert_int_equal(hull_ms_left(hull_deadline_ms(0)), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_descriptor_comes_with_bytes),
		cmocka_unit_test(those_too_many_are_closed),
		cmocka_unit_test(deadlines_do_not_wrap),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
