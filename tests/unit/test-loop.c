/* SPDX-License-Identifier: Apache-2.0
 *
 * Loop, connection and spawn together, as programs use them: events, timers, children, removal
 * inside callbacks, back pressure, half-close.
 */
#define _GNU_SOURCE
#include "unit.h"

#include "base/cleanup.h"
#include "base/conn.h"
#include "base/os.h"
#include "base/path.h"
#include "base/proc.h"
#include "base/strbuf.h"

#include <signal.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

struct fixture {
	struct hull_loop *loop;
	struct hull_source *a, *b;
	struct hull_conn *conn;
	struct hull_strbuf got;
	int calls, wstatus, errnum;
	bool eof, closed, drained;
};

static int setup(void **state)
{
	struct fixture *f = calloc(1, sizeof(*f));

	*state = f;
	return f ? hull_loop_new(&f->loop, NULL) : -1;
}

static int teardown(void **state)
{
	struct fixture *f = *state;

	hull_conn_free(f->conn);
	hull_loop_free(f->loop);
	hull_strbuf_fini(&f->got);
	free(f);
	return 0;
}

static void on_timer(void *ctx)
{
	struct fixture *f = ctx;

	if (++f->calls == 3)
		hull_loop_quit(f->loop, 7);
	hull_source_arm(f->a, hull_now_ns() + HULL_NS_PER_MS);
}

static void test_timer(void **state)
{
	struct fixture *f = *state;

	assert_int_equal(hull_loop_add_timer(f->loop, on_timer, f, &f->a), 0);
	hull_source_arm(f->a, hull_now_ns() + HULL_NS_PER_MS);
	assert_int_equal(hull_loop_run(f->loop), 7);
	assert_int_equal(f->calls, 3);
}

static void remove_both(void *ctx, uint32_t events)
{
	struct fixture *f = ctx;

	f->calls++;
	hull_source_remove(&f->a);
	hull_source_remove(&f->b);
}

static void test_remove_in_callback(void **state)
{
	struct fixture *f = *state;
	int p[2], q[2];

	assert_int_equal(pipe(p), 0);
	assert_int_equal(pipe(q), 0);
	assert_int_equal(hull_loop_add_fd(f->loop, p[0], EPOLLIN, remove_both, f, &f->a), 0);
	assert_int_equal(hull_loop_add_fd(f->loop, q[0], EPOLLIN, remove_both, f, &f->b), 0);
	assert_int_equal(write(p[1], "x", 1), 1);
	assert_int_equal(write(q[1], "x", 1), 1);
	assert_int_equal(hull_loop_step(f->loop, 1000), 0);
	assert_int_equal(hull_loop_step(f->loop, 0), 0);
	assert_int_equal(f->calls, 1);
	for (int i = 0; i < 2; i++) {
		close(p[i]);
		close(q[i]);
	}
}

static void on_child(void *ctx, int wstatus)
{
	struct fixture *f = ctx;

	f->wstatus = wstatus;
	hull_source_remove(&f->a);
	hull_loop_quit(f->loop, 0);
}

static void on_sigchld(int signo)
{
	abort();
}

static int spawn_sh(const char *script, struct hull_spawn spec, struct hull_child *ret)
{
	char *argv[] = {(char *)"sh", (char *)"-c", (char *)script, NULL};

	spec.path = "/bin/sh";
	spec.argv = argv;
	return hull_spawn(&spec, ret, NULL);
}

static void test_child(void **state)
{
	struct fixture *f = *state;
	struct hull_child child;

	assert_int_equal(spawn_sh("exit 5", (struct hull_spawn){0}, &child), 0);
	assert_int_equal(hull_loop_add_child(f->loop, child.pidfd, on_child, f, &f->a), 0);
	assert_int_equal(hull_loop_run(f->loop), 0);
	assert_int_equal(WEXITSTATUS(f->wstatus), 5);
	assert_int_equal(waitpid(-1, NULL, WNOHANG), -1);
	close(child.pidfd);
	assert_int_equal(spawn_sh("kill -9 $$", (struct hull_spawn){0}, &child), 0);
	assert_int_equal(hull_child_wait(child.pidfd, hull_deadline_ms(5000), &f->wstatus), 0);
	assert_int_equal(WTERMSIG(f->wstatus), 9);
	close(child.pidfd);
}

static void test_spawn_fds(void **state)
{
	struct fixture *f = *state;
	int p[2];
	struct hull_child child;

	assert_int_equal(pipe(p), 0);
	/* 1 and 5 are the pipe; 0 and 2 are /dev/null; nothing else is open. */
	struct hull_fd_map fds[] = {{p[1], 1}, {p[1], 5}};
	assert_int_equal(
		spawn_sh("set -- /proc/$$/fd/*; echo $#; readlink /proc/$$/fd/2; echo x >&5",
			 (struct hull_spawn){.fds = fds, .n_fds = 2}, &child),
		0);
	close(p[1]);
	assert_int_equal(hull_fd_read_all(p[0], 4096, &f->got), 0);
	close(p[0]);
	assert_int_equal(hull_child_wait(child.pidfd, hull_deadline_ms(5000), &f->wstatus), 0);
	close(child.pidfd);
	/* 0, 1, 2, 5 and the directory that sh looks into */
	assert_true(f->got.data[0] == '4' || f->got.data[0] == '5');
	assert_non_null(strstr(f->got.data, "/dev/null\nx\n"));
}

static void test_spawn_errors(void **state)
{
	cleanup_error struct hull_error *err = NULL;
	char *argv[] = {(char *)"x", NULL};
	struct hull_child child;
	struct hull_spawn spec = {.path = "/does/not/exist", .argv = argv};

	assert_int_equal(hull_spawn(&spec, &child, &err), -1);
	assert_string_equal(hull_error_message(err),
			    "start '/does/not/exist': execute: No such file or directory");
	hull_error_freep(&err);
	spec.path = "/bin/sh";
	spec.cwd = "/does/not/exist";
	assert_int_equal(hull_spawn(&spec, &child, &err), -1);
	assert_non_null(strstr(hull_error_message(err), "change directory"));
}

static void test_spawn_detached(void **state)
{
	struct fixture *f = *state;
	struct hull_child child;
	int p[2];

	signal(SIGCHLD, on_sigchld); /* must not be raised */
	assert_int_equal(pipe(p), 0);
	struct hull_fd_map fds[] = {{p[1], 1}};
	assert_int_equal(spawn_sh("echo $PPID",
				  (struct hull_spawn){.fds = fds, .n_fds = 1, .detach = true},
				  &child),
			 0);
	close(p[1]);
	assert_int_equal(child.pidfd, -1);
	assert_int_equal(hull_fd_read_all(p[0], 4096, &f->got), 0);
	close(p[0]);
	assert_int_not_equal(atoi(f->got.data), getpid());
	assert_int_equal(waitpid(-1, NULL, WNOHANG), -1);
	signal(SIGCHLD, SIG_DFL);
}

static void conn_data(void *ctx, const char *data, size_t len)
{
	hull_strbuf_add(&((struct fixture *)ctx)->got, data, len);
}

static void conn_eof(void *ctx)
{
	((struct fixture *)ctx)->eof = true;
}

static void conn_closed(void *ctx, int errnum)
{
	struct fixture *f = ctx;

	f->closed = true;
	f->errnum = errnum;
}

static void conn_drained(void *ctx)
{
	((struct fixture *)ctx)->drained = true;
}

static const struct hull_conn_ops conn_ops = {conn_data, conn_eof, conn_closed, conn_drained};

static void test_conn_half_close(void **state)
{
	struct fixture *f = *state;
	int s[2];
	char buf[16];

	assert_int_equal(hull_socketpair(s), 0);
	assert_int_equal(hull_conn_new(f->loop, s[0], 0, &conn_ops, f, &f->conn), 0);
	assert_int_equal(write(s[1], "hello", 5), 5);
	shutdown(s[1], SHUT_WR);
	while (!f->eof)
		assert_int_equal(hull_loop_step(f->loop, 1000), 0);
	assert_string_equal(f->got.data, "hello");
	assert_int_equal(hull_conn_write(f->conn, "still", 5), 0);
	hull_conn_shutdown(f->conn);
	assert_int_equal(read(s[1], buf, sizeof(buf)), 5);
	assert_int_equal(read(s[1], buf, sizeof(buf)), 0);
	close(s[1]);
	while (!f->closed)
		assert_int_equal(hull_loop_step(f->loop, 1000), 0);
	assert_int_equal(f->errnum, 0);
}

static void test_conn_backpressure(void **state)
{
	struct fixture *f = *state;
	static char big[1 << 20];
	size_t got = 0;
	char buf[4096];
	int s[2];

	assert_int_equal(hull_socketpair(s), 0);
	assert_int_equal(hull_conn_new(f->loop, s[0], 0, &conn_ops, f, &f->conn), 0);
	assert_int_equal(hull_conn_write(f->conn, big, sizeof(big)), 0);
	assert_true(hull_conn_queued(f->conn) > 0);
	hull_set_nonblock(s[1], true);
	while (got < sizeof(big)) {
		ssize_t n = read(s[1], buf, sizeof(buf));

		if (n > 0)
			got += (size_t)n;
		else
			assert_int_equal(hull_loop_step(f->loop, 1000), 0);
	}
	assert_int_equal(hull_loop_step(f->loop, 0), 0);
	assert_true(f->drained);
	assert_int_equal(hull_conn_queued(f->conn), 0);
	close(s[1]);
}

/* Bytes that are lent stand in the row with those that are copied, and are not bound by its
 * length. */
static void test_conn_lend(void **state)
{
	struct fixture *f = *state;
	static char first[1 << 20], second[1 << 20];
	const size_t all = 3 + sizeof(first) + 6 + sizeof(second) + 4;
	cleanup_strbuf struct hull_strbuf got = HULL_STRBUF_INIT;
	char buf[4096];
	int s[2];

	memset(first, '1', sizeof(first));
	memset(second, '2', sizeof(second));
	assert_int_equal(hull_socketpair(s), 0);
	assert_int_equal(hull_conn_new(f->loop, s[0], 2 << 20, &conn_ops, f, &f->conn), 0);
	assert_int_equal(hull_conn_write(f->conn, "one", 3), 0);
	assert_int_equal(hull_conn_lend(f->conn, first, sizeof(first)), 0);
	assert_true(hull_conn_queued(f->conn) > 0);
	assert_int_equal(hull_conn_write(f->conn, "middle", 6), 0);
	assert_int_equal(hull_conn_lend(f->conn, second, sizeof(second)), 0);
	assert_int_equal(hull_conn_write(f->conn, "last", 4), 0);
	hull_conn_shutdown(f->conn);
	hull_set_nonblock(s[1], true);
	for (ssize_t n = -1; n;) {
		n = read(s[1], buf, sizeof(buf));
		if (n > 0)
			assert_int_equal(hull_strbuf_add(&got, buf, (size_t)n), 0);
		else if (n < 0)
			assert_int_equal(hull_loop_step(f->loop, 1000), 0);
	}
	assert_int_equal(got.len, all);
	assert_memory_equal(got.data, "one1", 4);
	assert_memory_equal(got.data + 3, first, sizeof(first));
	assert_memory_equal(got.data + 3 + sizeof(first), "middle2", 7);
	assert_memory_equal(got.data + all - 4 - sizeof(second), second, sizeof(second));
	assert_string_equal(got.data + all - 4, "last");
	assert_int_equal(hull_conn_queued(f->conn), 0);
	close(s[1]);
}

static void test_conn_queue_limit(void **state)
{
	struct fixture *f = *state;
	static char big[1 << 20];
	int s[2], r;

	assert_int_equal(hull_socketpair(s), 0);
	assert_int_equal(hull_conn_new(f->loop, s[0], 4096, &conn_ops, f, &f->conn), 0);
	r = hull_conn_write(f->conn, big, sizeof(big));
	assert_int_equal(r, -EMSGSIZE);
	assert_false(f->closed); /* never from inside write() */
	assert_int_equal(hull_loop_step(f->loop, 1000), 0);
	assert_true(f->closed);
	assert_int_equal(f->errnum, EMSGSIZE);
	close(s[1]);
}

/* What the peer said before it went is handed out, even where a write finds out first. */
static void test_conn_last_words(void **state)
{
	static const struct hull_conn_ops no_eof = {.data = conn_data, .closed = conn_closed};
	struct fixture *f = *state;
	int s[2];

	assert_int_equal(hull_socketpair(s), 0);
	assert_int_equal(hull_conn_new(f->loop, s[0], 0, &no_eof, f, &f->conn), 0);
	assert_int_equal(write(s[1], "bye", 3), 3);
	close(s[1]);
	assert_int_equal(hull_conn_write(f->conn, "too late", 8), -EPIPE);
	while (!f->closed)
		assert_int_equal(hull_loop_step(f->loop, 1000), 0);
	assert_int_equal(f->got.len, 3);
}

static void test_files(void **state)
{
	struct fixture *f = *state;
	cleanup_strbuf struct hull_strbuf small = {.max = 5};
	char dir[] = "/tmp/hull-unit-XXXXXX";
	char *deep = NULL, *file = NULL;

	assert_non_null(mkdtemp(dir));
	deep = hull_path_join(dir, "a/b/c");
	assert_int_equal(hull_path_mkdirs(deep, 0700), 0);
	assert_int_equal(hull_path_mkdirs(deep, 0700), 0);
	file = hull_path_join(deep, "f");
	assert_int_equal(hull_file_write(file, "abc", 3, 0600, true), 0);
	assert_int_equal(hull_file_write(file, "abcd", 4, 0600, false), 0);
	assert_int_equal(hull_file_read(file, 3, &f->got), -EFBIG);
	hull_strbuf_clear(&f->got);
	assert_int_equal(hull_file_read(file, 4, &f->got), 0);
	assert_string_equal(f->got.data, "abcd");
	/* Into a buffer that has room for no more than that it is more. */
	assert_int_equal(hull_file_read(file, 4, &small), 0);
	assert_int_equal(small.len, 4);
	hull_strbuf_clear(&small);
	assert_int_equal(hull_file_read(file, 3, &small), -EFBIG);
	assert_int_equal(hull_path_remove_tree(dir), 0);
	assert_int_equal(access(dir, F_OK), -1);
	assert_int_equal(hull_path_remove_tree(dir), 0);
	free(deep);
	free(file);
}

#define TEST(fn) cmocka_unit_test_setup_teardown(fn, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_timer),	    TEST(test_remove_in_callback),
		TEST(test_child),	    TEST(test_spawn_fds),
		TEST(test_spawn_errors),    TEST(test_spawn_detached),
		TEST(test_conn_half_close), TEST(test_conn_backpressure),
		TEST(test_conn_lend),	    TEST(test_conn_queue_limit),
		TEST(test_conn_last_words), TEST(test_files),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
