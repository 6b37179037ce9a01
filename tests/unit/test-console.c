/* SPDX-License-Identifier: Apache-2.0
 *
 * The console without a hypervisor: its bounds, which a serial line is too slow to reach.
 */
#define _GNU_SOURCE
#include "unit.h"

#include "base/cleanup.h"
#include "base/os.h"
#include "base/path.h"
#include "base/strbuf.h"
#include "monitor/console.h"
#include "monitor/logfile.h"
#include "monitor/logger.h"

#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

struct fixture {
	char dir[32], log[64], path[64];
	struct hull_loop *loop;
	struct hull_console *console;
	struct hull_logger *logger;
	int guest;	    /* the hypervisor's end */
	unsigned char next; /* of the bytes it prints */
};

static int setup(void **state)
{
	struct fixture *f = calloc(1, sizeof(*f));
	int s[2];

	strcpy(f->dir, "/tmp/hull-console.XXXXXX");
	assert_non_null(mkdtemp(f->dir));
	snprintf(f->log, sizeof(f->log), "%s/console.log", f->dir);
	snprintf(f->path, sizeof(f->path), "%s/console.sock", f->dir);
	assert_int_equal(hull_loop_new(&f->loop, NULL), 0);
	assert_int_equal(hull_socketpair(s), 0);
	f->guest = s[0];
	assert_int_equal(hull_set_nonblock(f->guest, true), 0);
	assert_int_equal(hull_logger_new(f->loop, f->dir, false, &f->logger, NULL), 0);
	assert_int_equal(hull_console_new(f->loop, s[1], hull_unix_listen(f->path, 8, 0600),
					  f->logger, &f->console, NULL),
			 0);
	*state = f;
	return 0;
}

static int teardown(void **state)
{
	struct fixture *f = *state;

	hull_console_free(f->console);
	hull_logger_free(f->logger);
	hull_loop_free(f->loop);
	hull_closep(&f->guest);
	hull_path_remove_tree(f->dir);
	free(f);
	return 0;
}

static void turn(struct fixture *f)
{
	for (int i = 0; i < 8; i++)
		assert_int_equal(hull_loop_step(f->loop, 0), 0);
}

static int reader(struct fixture *f)
{
	int fd = hull_unix_connect(f->path);

	assert_true(fd >= 0);
	assert_int_equal(hull_set_nonblock(fd, true), 0);
	turn(f);
	return fd;
}

/* The guest prints @len bytes that count up. */
static void print(struct fixture *f, size_t len)
{
	while (len) {
		unsigned char buf[8192];
		size_t n = MIN(len, sizeof(buf));

		for (size_t i = 0; i < n; i++)
			buf[i] = f->next++;
		assert_int_equal(write(f->guest, buf, n), n);
		turn(f);
		len -= n;
	}
}

/* All there is to read, *ret_over: and then it ends. */
static size_t drain(struct fixture *f, int fd, struct hull_strbuf *out, bool *ret_over)
{
	char buf[65536];
	ssize_t n;

	for (turn(f); (n = read(fd, buf, sizeof(buf))) > 0; turn(f))
		assert_int_equal(hull_strbuf_add(out, buf, (size_t)n), 0);
	*ret_over = n == 0;
	return out->len;
}

/* @out is the last of what was printed. */
static void assert_tail(const struct fixture *f, const struct hull_strbuf *out)
{
	for (size_t i = 0; i < out->len; i++)
		if ((unsigned char)out->data[out->len - 1 - i] !=
		    (unsigned char)(f->next - 1 - (unsigned char)i))
			fail_msg("byte %zu from the end is wrong", i);
}

static void assert_replay(struct fixture *f, size_t want)
{
	cleanup_strbuf struct hull_strbuf out = HULL_STRBUF_INIT;
	bool over;
	int fd = reader(f);

	assert_int_equal(drain(f, fd, &out, &over), want);
	assert_false(over);
	assert_tail(f, &out);
	close(fd);
	turn(f);
}

static void test_replay(void **state)
{
	struct fixture *f = *state;

	assert_replay(f, 0);
	print(f, 1000);
	assert_replay(f, 1000);
	print(f, HULL_CONSOLE_RING - 1001);
	assert_replay(f, HULL_CONSOLE_RING - 1);
	print(f, 1);
	assert_replay(f, HULL_CONSOLE_RING);
	print(f, 1);
	assert_replay(f, HULL_CONSOLE_RING);
	print(f, 3 * HULL_CONSOLE_RING - 1);
	assert_replay(f, HULL_CONSOLE_RING);
}

static void test_slow_reader(void **state)
{
	struct fixture *f = *state;
	cleanup_strbuf struct hull_strbuf out = HULL_STRBUF_INIT;
	int slow = reader(f), quick = reader(f);
	bool over = false;

	for (int i = 0; i < 40; i++) {
		print(f, 65536);
		(void)drain(f, quick, &out, &over);
		assert_false(over);
	}
	assert_int_equal(out.len, 40 * 65536);
	assert_tail(f, &out);
	hull_strbuf_clear(&out);
	/* The slow one was cut off within its queue and the socket's buffers. */
	assert_true(drain(f, slow, &out, &over) < 40 * 65536);
	assert_true(over);
	close(slow);
	close(quick);
}

static void test_log(void **state)
{
	struct fixture *f = *state;
	cleanup_strbuf struct hull_strbuf out = HULL_STRBUF_INIT;
	char old[80];
	struct stat st;

	snprintf(old, sizeof(old), "%s.1", f->log);
	print(f, HULL_LOG_MAX - 1);
	assert_int_equal(stat(old, &st), -1);
	print(f, 100000);
	assert_int_equal(stat(old, &st), 0);
	assert_in_range(st.st_size, HULL_LOG_MAX, HULL_LOG_MAX + 65536);
	assert_int_equal(st.st_mode & 0777, 0600);
	assert_int_equal(stat(f->log, &st), 0);
	assert_in_range(st.st_size, 1, 100000);
	assert_int_equal(st.st_mode & 0777, 0600);
	assert_int_equal(hull_file_read(f->log, HULL_LOG_MAX, &out), 0);
	assert_tail(f, &out);
}

/* Types until no more is taken; returns how much was. */
static size_t type(struct fixture *f, int fd, size_t max)
{
	static const char text[4096] = {'x'};
	size_t done = 0;

	for (int idle = 0; done < max && idle < 4;) {
		ssize_t n = send(fd, text, MIN(sizeof(text), max - done), MSG_NOSIGNAL);

		turn(f);
		idle = n < 0 ? idle + 1 : 0;
		done += n < 0 ? 0 : (size_t)n;
	}
	return done;
}

static void assert_alive(struct fixture *f)
{
	cleanup_strbuf struct hull_strbuf out = HULL_STRBUF_INIT;
	size_t len;
	int fd = reader(f);
	bool over;

	len = drain(f, fd, &out, &over);
	print(f, 10);
	assert_int_equal(drain(f, fd, &out, &over), len + 10);
	assert_tail(f, &out);
	close(fd);
	turn(f);
}

/* The guest reads nothing of what is typed: the writer waits, the console lives. */
static void test_typing(void **state)
{
	struct fixture *f = *state;
	cleanup_strbuf struct hull_strbuf out = HULL_STRBUF_INIT, shown = HULL_STRBUF_INIT;
	int first = reader(f), second = reader(f);
	size_t typed;
	bool over;

	assert_int_equal(type(f, second, 100000), 100000); /* nobody's: it goes nowhere */
	typed = type(f, first, (size_t)64 << 20);
	assert_true(typed < (size_t)4 << 20);
	assert_alive(f);
	/* When it does read, the writer goes on. */
	assert_true(drain(f, f->guest, &out, &over) == typed);
	assert_false(over);
	assert_true(type(f, first, 100000) == 100000);
	(void)drain(f, f->guest, &out, &over);
	assert_int_equal(out.len, typed + 100000);
	/* Handed over in the middle of a jam, again and again: by one who has not read what it was
	 * shown, which loses what it typed, and by one who leaves in order, which may not. */
	for (int i = 0; i < 20; i++) {
		assert_true(type(f, first, (size_t)64 << 20) < (size_t)4 << 20);
		close(first);
		first = second;
		second = reader(f);
	}
	for (int i = 0; i < 20; i++) {
		(void)type(f, first, (size_t)8 << 20);
		(void)drain(f, first, &shown, &over);
		close(first);
		first = second;
		second = reader(f);
	}
	assert_alive(f);
	assert_true(drain(f, f->guest, &out, &over) < (size_t)1 << 20);
	assert_false(over);
	hull_strbuf_clear(&out);
	assert_int_equal(type(f, first, 1000), 1000);
	assert_int_equal(drain(f, f->guest, &out, &over), 1000);
	close(first);
	close(second);
}

static void test_too_many(void **state)
{
	struct fixture *f = *state;
	cleanup_strbuf struct hull_strbuf out = HULL_STRBUF_INIT;
	int fds[64];
	bool over;
	int cut = 0;

	for (size_t i = 0; i < ARRAY_SIZE(fds); i++) {
		fds[i] = reader(f);
		(void)drain(f, fds[i], &out, &over);
		cut += over;
	}
	assert_in_range(cut, 1, 63);
	for (size_t i = 0; i < ARRAY_SIZE(fds); i++)
		close(fds[i]);
	turn(f);
	assert_alive(f);
}

static void test_text(void **state)
{
	struct fixture *f = *state;
	cleanup_strbuf struct hull_strbuf out = HULL_STRBUF_INIT;
	static const char text[] = "first\r\n\033[1;31msecond\033[0m\r\n"
				   "[    1.0] Kernel panic - not syncing: oh\r\nlast";

	assert_int_equal(write(f->guest, text, strlen(text)), strlen(text));
	turn(f);
	hull_console_tail(f->console, 2, &out);
	assert_string_equal(hull_strbuf_str(&out),
			    "[    1.0] Kernel panic - not syncing: oh\nlast");
	hull_strbuf_clear(&out);
	hull_console_tail(f->console, 100, &out);
	assert_string_equal(hull_strbuf_str(&out),
			    "first\nsecond\n[    1.0] Kernel panic - not syncing: oh\nlast");
	hull_strbuf_clear(&out);
	assert_int_equal(hull_console_panic_line(f->console, &out), 0);
	assert_string_equal(hull_strbuf_str(&out), "Kernel panic - not syncing: oh");
}

/* What another guest has printed is not this one's, wherever it lies in the ring. */
static void test_mark(void **state)
{
	cleanup_strbuf struct hull_strbuf out = HULL_STRBUF_INIT;
	static const char panic[] = "Kernel panic - not syncing: oh\n";
	struct fixture *f = *state;

	for (int i = 0; i < 3; i++) {
		assert_int_equal(write(f->guest, panic, strlen(panic)), strlen(panic));
		hull_console_drain(f->console);
		hull_strbuf_clear(&out);
		assert_int_equal(hull_console_panic_line(f->console, &out), 0);
		hull_console_mark(f->console);
		assert_int_equal(hull_console_panic_line(f->console, &out), -ENOENT);
		assert_int_equal(write(f->guest, "again\n", 6), 6);
		hull_console_drain(f->console);
		hull_strbuf_clear(&out);
		hull_console_tail(f->console, 9, &out);
		assert_string_equal(hull_strbuf_str(&out), "again\n");
		print(f, HULL_CONSOLE_RING - 20);
	}
	hull_strbuf_clear(&out);
	hull_console_tail(f->console, SIZE_MAX, &out);
	assert_true(out.len <= HULL_CONSOLE_RING);
}

/* Another hypervisor: who reads goes on, and who types too. */
static void test_attach(void **state)
{
	cleanup_strbuf struct hull_strbuf out = HULL_STRBUF_INIT;
	struct fixture *f = *state;
	int fd = reader(f), s[2];
	char typed[8];
	bool over;

	assert_int_equal(write(f->guest, "Kernel panic - not syncing: oh\n", 31), 31);
	hull_closep(&f->guest);
	turn(f);
	assert_int_equal(hull_socketpair(s), 0);
	f->guest = s[0];
	assert_int_equal(hull_set_nonblock(f->guest, true), 0);
	assert_int_equal(hull_console_attach(f->console, s[1], NULL), 0);
	assert_int_equal(hull_console_panic_line(f->console, &out), -ENOENT);
	assert_int_equal(write(f->guest, "again\n", 6), 6);
	drain(f, fd, &out, &over);
	assert_false(over);
	assert_string_equal(hull_strbuf_str(&out), "Kernel panic - not syncing: oh\nagain\n");
	assert_int_equal(write(fd, "hi", 2), 2);
	turn(f);
	assert_int_equal(read(f->guest, typed, sizeof(typed)), 2);
	close(fd);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_replay, setup, teardown),
		cmocka_unit_test_setup_teardown(test_slow_reader, setup, teardown),
		cmocka_unit_test_setup_teardown(test_log, setup, teardown),
		cmocka_unit_test_setup_teardown(test_typing, setup, teardown),
		cmocka_unit_test_setup_teardown(test_too_many, setup, teardown),
		cmocka_unit_test_setup_teardown(test_text, setup, teardown),
		cmocka_unit_test_setup_teardown(test_mark, setup, teardown),
		cmocka_unit_test_setup_teardown(test_attach, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
