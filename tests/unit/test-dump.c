/* SPDX-License-Identifier: Apache-2.0
 *
 * What comes through a dump's pipe and how it gets into its file: whole, with holes, or not at all.
 */
#define _GNU_SOURCE
#include "unit.h"

#include "base/cleanup.h"
#include "base/strbuf.h"
#include "monitor/dump.h"
#include "tempdir.h"

#include <dirent.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#define LEN ((size_t)1 << 20)
#define MEMORY (4 * (uint64_t)LEN)
#define ENOUGH ((size_t)100 << 20) /* more than that, and what there may be besides */

struct world {
	struct hull_loop *loop;
	struct hull_dump *dump;
	int fd;
	uint64_t bytes;
	char *failure;
};

static void on_progress(void *ctx, uint64_t bytes)
{
	((struct world *)ctx)->bytes = bytes;
}

static void on_failed(void *ctx, const struct hull_error *error)
{
	((struct world *)ctx)->failure = strdup(hull_error_message(error));
}

static const struct hull_dump_ops ops = {on_progress, on_failed};

static void begin(struct world *w, const char *name)
{
	char path[64];

	path_of(name, path);
	*w = (struct world){.fd = -1};
	assert_int_equal(hull_loop_new(&w->loop, NULL), 0);
	assert_int_equal(hull_dump_new(w->loop, path, MEMORY, &ops, w, &w->dump, &w->fd, NULL), 0);
}

static void end(struct world *w)
{
	hull_dump_free(w->dump);
	hull_loop_free(w->loop);
	close(w->fd);
	free(w->failure);
}

/* Everything of @data, read as far as the loop likes: the last of it may stay in the pipe. */
static void feed(struct world *w, const char *data, size_t len)
{
	assert_int_equal(fcntl(w->fd, F_SETFL, O_NONBLOCK), 0);
	while (len && !w->failure) {
		ssize_t n = write(w->fd, data, MIN(len, (size_t)70001));

		if (n > 0) {
			data += n;
			len -= (size_t)n;
		}
		assert_int_equal(hull_loop_step(w->loop, 0), 0);
	}
}

static size_t entries(void)
{
	DIR *d = opendir(dir);
	struct dirent *e;
	size_t n = 0;

	assert_non_null(d);
	while ((e = readdir(d)))
		n += e->d_name[0] != '.' || strlen(e->d_name) > 2;
	closedir(d);
	return n;
}

static void test_whole(void **state)
{
	cleanup_strbuf struct hull_strbuf got = HULL_STRBUF_INIT;
	char *data = calloc(1, LEN), path[64];
	struct world w;
	struct stat st;

	assert_non_null(data);
	for (size_t i = 0; i < LEN; i++)
		if ((i >> 16) % 3 == 1 || i == 5000 || i == 4 * 65536 - 1)
			data[i] = (char)(i * 7 | 1);
	path_of("core", path);
	assert_int_equal(hull_file_write(path, "old", 3, 0644, false), 0);
	begin(&w, "core");
	assert_int_equal(hull_dump_begin(w.dump, NULL), 0);
	feed(&w, data, LEN);
	assert_int_equal(hull_file_read(path, 10, &got), 0);
	assert_string_equal(hull_strbuf_str(&got), "old"); /* until it is complete */
	hull_strbuf_clear(&got);
	assert_int_equal(hull_dump_finish(w.dump, NULL), 0);
	assert_true(w.bytes > 0 && w.bytes <= LEN);
	assert_null(w.failure);
	assert_int_equal(hull_file_read(path, 2 * LEN, &got), 0);
	assert_int_equal(got.len, LEN); /* it ends in a hole */
	assert_memory_equal(got.data, data, LEN);
	assert_int_equal(stat(path, &st), 0);
	assert_int_equal(st.st_mode & 07777, 0600);
	assert_true((uint64_t)st.st_blocks * 512 < LEN * 2 / 3);
	end(&w);
	assert_int_equal(entries(), 1);
	unlink(path);
	free(data);
}

static void test_unfinished(void **state)
{
	struct world w;

	begin(&w, "core");
	assert_int_equal(hull_dump_begin(w.dump, NULL), 0);
	feed(&w, "some", 4);
	end(&w);
	assert_int_equal(entries(), 0);
}

static void test_full(void **state)
{
	const struct rlimit small = {8192, RLIM_INFINITY};
	char *data = malloc(LEN);
	struct rlimit old;
	struct world w;

	assert_non_null(data);
	memset(data, 'x', LEN);
	signal(SIGXFSZ, SIG_IGN);
	assert_int_equal(getrlimit(RLIMIT_FSIZE, &old), 0);
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &small), 0);
	begin(&w, "core");
	assert_int_equal(hull_dump_begin(w.dump, NULL), 0);
	feed(&w, data, LEN);
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &old), 0);
	assert_non_null(w.failure);
	assert_non_null(strstr(w.failure, "/core': File too large"));
	end(&w);
	assert_int_equal(entries(), 0);
	free(data);
}

/* A hypervisor that does not stop by itself. */
static void test_without_end(void **state)
{
	char *data = calloc(1, ENOUGH); /* becomes a hole: none of it is on the disk */
	struct world w;

	assert_non_null(data);
	begin(&w, "core");
	assert_int_equal(hull_dump_begin(w.dump, NULL), 0);
	feed(&w, data, MEMORY + LEN);
	assert_null(w.failure);
	feed(&w, data, ENOUGH);
	assert_non_null(w.failure);
	assert_non_null(strstr(w.failure, "more than the guest's memory"));
	assert_true(w.bytes > MEMORY && w.bytes < ENOUGH);
	end(&w);
	assert_int_equal(entries(), 0);
	free(data);
}

static void test_no_directory(void **state)
{
	cleanup_error struct hull_error *err = NULL;
	struct world w;

	begin(&w, "none/core");
	assert_int_equal(hull_dump_begin(w.dump, &err), -1);
	assert_non_null(strstr(hull_error_message(err), "none/core': No such file"));
	end(&w);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_whole),	     cmocka_unit_test(test_unfinished),
		cmocka_unit_test(test_full),	     cmocka_unit_test(test_without_end),
		cmocka_unit_test(test_no_directory),
	};

	return cmocka_run_group_tests(tests, make_dir, remove_dir);
}
