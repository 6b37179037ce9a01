/* SPDX-License-Identifier: Apache-2.0
 *
 * A console's log, written and read: its bounds, times, gaps, new beginnings under a reader, and a
 * writer whose disk stands still.
 */
#define _GNU_SOURCE
#include "unit.h"

#include "base/cleanup.h"
#include "base/os.h"
#include "base/path.h"
#include "base/strbuf.h"
#include "monitor/logfile.h"
#include "monitor/logger.h"
#include "vm/logs.h"

#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define ID "0123456789abcdef0123456789abcdef"
#define S HULL_NS_PER_S

struct fixture {
	char home[32];
	char *dir;
	struct hull_logfile *file;
	struct hull_strbuf got, stamped;
	uint64_t lost;
};

static int dir_fd(const struct fixture *f)
{
	int fd = open(f->dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	assert_true(fd >= 0);
	return fd;
}

static void open_file(struct fixture *f)
{
	assert_int_equal(hull_logfile_open(f->file, dir_fd(f), true), 0);
}

static int setup(void **state)
{
	struct fixture *f = calloc(1, sizeof(*f));

	strcpy(f->home, "/tmp/hull-logs.XXXXXX");
	assert_non_null(mkdtemp(f->home));
	setenv("HULL_HOME", f->home, 1);
	assert_int_equal(hull_logs_dir(ID, true, &f->dir, NULL), 0);
	f->file = calloc(1, sizeof(*f->file));
	*state = f;
	return 0;
}

static int teardown(void **state)
{
	struct fixture *f = *state;

	assert_int_equal(hull_logs_remove(ID, NULL), 0);
	assert_int_equal(access(f->dir, F_OK), -1);
	hull_path_remove_tree(f->home);
	hull_strbuf_fini(&f->got);
	hull_strbuf_fini(&f->stamped);
	free(f->file);
	free(f->dir);
	free(f);
	return 0;
}

static void print(struct fixture *f, const char *text, uint64_t time_ns)
{
	hull_logfile_add(f->file, text, strlen(text), time_ns);
	hull_logfile_flush(f->file);
}

static void on_piece(void *ctx, const struct hull_logs_piece *p)
{
	struct fixture *f = ctx;

	f->lost += p->lost;
	if (p->lost)
		hull_strbuf_addf(&f->stamped, "{%d}", (int)p->lost);
	if (p->begins)
		hull_strbuf_addf(&f->stamped, "[%d]", (int)(p->time_ns / S));
	hull_strbuf_add(&f->stamped, p->data, p->len);
	hull_strbuf_add(&f->got, p->data, p->len);
}

static void read_more(struct fixture *f, struct hull_logs *l)
{
	assert_int_equal(hull_logs_read(l, on_piece, f, NULL), 0);
}

static void assert_shown(struct fixture *f, uint64_t since_ns, int64_t tail, const char *want)
{
	struct hull_logs *l;

	assert_int_equal(hull_logs_open(ID, &l, NULL), 0);
	if (since_ns)
		hull_logs_since(l, since_ns);
	if (tail >= 0)
		assert_int_equal(hull_logs_tail(l, (uint64_t)tail, NULL), 0);
	hull_strbuf_clear(&f->stamped);
	read_more(f, l);
	assert_string_equal(hull_strbuf_str(&f->stamped), want);
	hull_logs_free(l);
}

static void test_times(void **state)
{
	struct fixture *f = *state;

	assert_shown(f, 0, -1, "");
	assert_shown(f, 1, 3, "");
	open_file(f);
	print(f, "one\ntw", 1 * S);
	print(f, "o\n", 2 * S);
	print(f, "three\n", 3 * S);
	print(f, "four\n", 3 * S + 10); /* too soon for a record of its own */
	print(f, "fi", 5 * S);
	assert_shown(f, 0, -1, "[1]one\n[1]two\n[3]three\n[3]four\n[5]fi");
	assert_shown(f, 2 * S, -1, "[3]three\n[3]four\n[5]fi");
	assert_shown(f, 4 * S, -1, "[5]fi");
	assert_shown(f, 6 * S, -1, "");
	assert_shown(f, 0, 0, "");
	assert_shown(f, 0, 1, "[5]fi");
	assert_shown(f, 0, 3, "[3]three\n[3]four\n[5]fi");
	assert_shown(f, 0, 99, "[1]one\n[1]two\n[3]three\n[3]four\n[5]fi");
	assert_shown(f, 2 * S, 99, "[3]three\n[3]four\n[5]fi");
	assert_shown(f, 2 * S, 2, "[3]four\n[5]fi");
	/* The next writer goes on behind it. */
	hull_logfile_close(f->file);
	open_file(f);
	print(f, "ve\nsix\n", 7 * S);
	assert_shown(f, 0, 2, "[5]five\n[7]six\n");
	hull_logfile_close(f->file);
}

static void test_gaps(void **state)
{
	struct fixture *f = *state;

	open_file(f);
	print(f, "one\n", 1 * S);
	hull_logfile_lose(f->file, 100);
	print(f, "two\nthr", 1 * S);
	hull_logfile_lose(f->file, 7);
	hull_logfile_lose(f->file, 1);
	print(f, "ee\n", 1 * S);
	assert_shown(f, 0, -1, "[1]one\n{100}[1]two\n[1]thr{8}ee\n");
	/* Those that are passed over are not told. */
	assert_shown(f, 0, 1, "[1]thr{8}ee\n");
	hull_logfile_close(f->file);
}

/* An index that is not this log's, cut short, or nonsense. */
static void test_bad_index(void **state)
{
	struct fixture *f = *state;
	cleanup_free char *path = hull_path_join(f->dir, HULL_LOG_TIMES);
	static const char nonsense[64] = "nonsense";
	struct stat st;

	open_file(f);
	print(f, "one\n", 1 * S);
	hull_logfile_close(f->file);
	assert_int_equal(stat(path, &st), 0);
	assert_int_equal(truncate(path, st.st_size - 3), 0);
	assert_shown(f, 0, -1, "[0]one\n");
	open_file(f);
	print(f, "two\n", 2 * S);
	assert_shown(f, 0, -1, "[0]one\n[2]two\n");
	hull_logfile_close(f->file);
	assert_int_equal(hull_file_write(path, nonsense, sizeof(nonsense), 0600, false), 0);
	assert_shown(f, 0, -1, "[0]one\n[0]two\n");
	assert_shown(f, 5 * S, -1, "[0]one\n[0]two\n"); /* rather too much than too little */
	open_file(f);
	print(f, "three\n", 3 * S);
	assert_shown(f, 0, -1, "[0]one\n[0]two\n[3]three\n");
	hull_logfile_close(f->file);
	assert_int_equal(unlink(path), 0);
	assert_int_equal(symlink("/etc/passwd", path), 0);
	assert_shown(f, 0, 1, "[0]three\n");
}

static size_t size_of(const struct fixture *f, const char *name)
{
	cleanup_free char *path = hull_path_join(f->dir, name);
	struct stat st;

	return stat(path, &st) < 0 ? 0 : (size_t)st.st_size;
}

/* Lines with their numbers. */
static void print_lines(struct fixture *f, unsigned int from, unsigned int to, uint64_t step_ns)
{
	char line[32];

	for (unsigned int i = from; i < to; i++) {
		snprintf(line, sizeof(line), "%u\n", i);
		hull_logfile_add(f->file, line, strlen(line), S + i * step_ns);
	}
	hull_logfile_flush(f->file);
}

static void assert_lines(struct fixture *f, unsigned int from, unsigned int to)
{
	cleanup_strbuf struct hull_strbuf want = HULL_STRBUF_INIT;

	for (unsigned int i = from; i < to; i++)
		hull_strbuf_addf(&want, "%u\n", i);
	assert_int_equal(f->got.len, want.len);
	assert_memory_equal(f->got.data, want.data, want.len);
}

static void test_bounds(void **state)
{
	struct fixture *f = *state;

	/* A record for each line: the index is full first. */
	open_file(f);
	print_lines(f, 0, 1000000, 2 * HULL_NS_PER_MS);
	assert_in_range(size_of(f, HULL_LOG_TIMES), 16, HULL_LOG_TIMES_MAX + 65536);
	assert_in_range(size_of(f, HULL_LOG_TIMES_OLD), HULL_LOG_TIMES_MAX,
			HULL_LOG_TIMES_MAX + 65536);
	/* None: the log is. */
	print_lines(f, 0, 2000000, 0);
	assert_in_range(size_of(f, HULL_LOG_OLD), HULL_LOG_MAX, HULL_LOG_MAX + 65536);
	assert_in_range(size_of(f, HULL_LOG_NAME), 1, HULL_LOG_MAX + 65536);
	hull_logfile_close(f->file);
}

/* A reader follows, now closely, now so that a new log has begun, or two, in between. */
static void test_following(void **state)
{
	struct fixture *f = *state;
	struct hull_logs *l;
	unsigned int n = 0;

	assert_int_equal(hull_logs_open(ID, &l, NULL), 0);
	read_more(f, l);
	open_file(f);
	for (int i = 0; i < 40; i++, n += 25000) {
		print_lines(f, n, n + 25000, 0);
		read_more(f, l);
	}
	assert_lines(f, 0, n);
	for (int i = 0; i < 3; i++, n += 700000) {
		print_lines(f, n, n + 700000, 0);
		read_more(f, l);
	}
	assert_lines(f, 0, n);
	print_lines(f, n, n + 1100000, 0); /* 8.8 MB: two */
	read_more(f, l);
	assert_lines(f, 0, n + 1100000);
	hull_logs_free(l);
	hull_logfile_close(f->file);
}

/* ---- the writer's process ---- */

static void on_done(void *ctx)
{
	hull_loop_quit(ctx, 0);
}

static pid_t child_of_ours(void)
{
	char path[64], text[32] = "";
	pid_t pid = 0;
	FILE *in;

	snprintf(path, sizeof(path), "/proc/self/task/%d/children", (int)getpid());
	in = fopen(path, "re");
	assert_non_null(in);
	assert_non_null(fgets(text, sizeof(text), in));
	(void)fclose(in);
	pid = (pid_t)atoi(text); /* the kernel's */
	assert_true(pid > 1);
	return pid;
}

static void test_writer(void **state)
{
	struct fixture *f = *state;
	struct hull_loop *loop;
	struct hull_logger *logger;
	static char line[1024];
	pid_t pid;
	uint64_t began;

	memset(line, 'x', sizeof(line) - 1);
	line[sizeof(line) - 1] = '\n';
	assert_int_equal(hull_loop_new(&loop, NULL), 0);
	assert_int_equal(hull_logger_new(loop, f->dir, true, &logger, NULL), 0);
	pid = child_of_ours();
	hull_logger_add(logger, "first\n", 6);
	assert_int_equal(kill(pid, SIGSTOP), 0);
	began = hull_now_ns();
	for (int i = 0; i < 3000; i++) {
		hull_logger_add(logger, line, sizeof(line));
		assert_int_equal(hull_loop_step(loop, 0), 0);
	}
	assert_true(hull_now_ns() - began < 5 * S); /* it waits for nobody */
	assert_int_equal(kill(pid, SIGCONT), 0);
	for (int i = 0; i < 100; i++)
		assert_int_equal(hull_loop_step(loop, 10), 0);
	hull_logger_add(logger, "last\n", 5);
	assert_true(hull_logger_finish(logger, on_done, loop));
	assert_int_equal(hull_loop_run(loop), 0);
	hull_logger_free(logger);
	hull_loop_free(loop);

	{
		struct hull_logs *l;

		assert_int_equal(hull_logs_open(ID, &l, NULL), 0);
		read_more(f, l);
		hull_logs_free(l);
	}
	assert_memory_equal(f->got.data, "first\n", 6);
	assert_memory_equal(f->got.data + f->got.len - 5, "last\n", 5);
	/* Not a byte that is neither there nor told as missing. */
	assert_int_equal(f->got.len + f->lost, 3000 * sizeof(line) + 11);
	assert_in_range(f->lost, 1, 2500 * sizeof(line));
}

/* What a monitor has said before it was killed is written. */
static void test_killed(void **state)
{
	struct fixture *f = *state;
	struct hull_loop *loop;
	struct hull_logger *logger;
	struct hull_logs *l;

	assert_int_equal(hull_loop_new(&loop, NULL), 0);
	assert_int_equal(hull_logger_new(loop, f->dir, true, &logger, NULL), 0);
	hull_logger_add(logger, "last words\n", 11);
	hull_logger_free(logger);
	hull_loop_free(loop);
	assert_int_equal(hull_logs_open(ID, &l, NULL), 0);
	for (int i = 0; i < 500 && !f->got.len; i++) {
		usleep(10000);
		read_more(f, l);
	}
	assert_string_equal(hull_strbuf_str(&f->got), "last words\n");
	hull_logs_free(l);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_times, setup, teardown),
		cmocka_unit_test_setup_teardown(test_gaps, setup, teardown),
		cmocka_unit_test_setup_teardown(test_bad_index, setup, teardown),
		cmocka_unit_test_setup_teardown(test_bounds, setup, teardown),
		cmocka_unit_test_setup_teardown(test_following, setup, teardown),
		cmocka_unit_test_setup_teardown(test_writer, setup, teardown),
		cmocka_unit_test_setup_teardown(test_killed, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
