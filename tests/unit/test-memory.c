/* SPDX-License-Identifier: Apache-2.0
 *
 * The file that is the guest's memory: made as the description says, brought in before the guest
 * starts, and refused where the host can't give it.
 */
#define _GNU_SOURCE
#include "unit.h"

#include "backend/qemu/files.h"
#include "backend/qemu/memory-file.h"
#include "backend/qemu/memory.h"
#include "base/cleanup.h"
#include "base/loop.h"
#include "base/os.h"
#include "base/strbuf.h"
#include "config/config.h"
#include "tempdir.h"

#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#if defined(__has_feature)
#define SANITIZED __has_feature(address_sanitizer)
#elif defined(__SANITIZE_ADDRESS__)
#define SANITIZED 1
#else
#define SANITIZED 0
#endif

#define MIB (UINT64_C(1) << 20)
#define LEN (64 * MIB)

static const struct hull_qemu_reader self = {0};

struct told {
	int times;
	struct hull_error *error;
};

static void on_done(void *ctx, const struct hull_error *error)
{
	struct told *told = ctx;

	told->times++;
	if (error)
		(void)hull_fail_copy(&told->error, error);
}

static uint64_t bytes_there(int fd)
{
	struct stat st;

	assert_int_equal(fstat(fd, &st), 0);
	assert_int_equal(st.st_size, LEN);
	return (uint64_t)st.st_blocks * 512;
}

static void until_told(struct hull_loop *loop, const struct told *told)
{
	uint64_t deadline = hull_deadline_ms(20000);

	while (!told->times) {
		assert_true(hull_ms_left(deadline));
		assert_int_equal(hull_loop_step(loop, hull_ms_left(deadline)), 0);
	}
	for (int i = 0; i < 3; i++) /* it is told once */
		assert_int_equal(hull_loop_step(loop, 1), 0);
	assert_int_equal(told->times, 1);
}

/* Brings in what @backing asks for; @limit != 0: of the child's address space. */
static struct told bring_in(const struct hull_memory_backing *backing, rlim_t limit,
			    uint64_t *ret_there)
{
	struct hull_config config = {.memory_bytes = LEN, .memory_backing = *backing};
	cleanup_with(hull_loop_freep) struct hull_loop *loop = NULL;
	struct hull_qemu_memory *m = NULL;
	struct hull_error *err = NULL;
	struct told told = {0};
	struct rlimit was, now;

	assert_int_equal(hull_loop_new(&loop, NULL), 0);
	if (hull_qemu_memory_new(loop, &config, &self, &m, &err) < 0)
		fail_msg("%s", hull_error_message(err));
	assert_int_equal(getrlimit(RLIMIT_AS, &was), 0);
	now = (struct rlimit){limit, was.rlim_max};
	if (limit)
		assert_int_equal(setrlimit(RLIMIT_AS, &now), 0);
	assert_int_equal(hull_qemu_memory_ready(m, -1, on_done, &told, NULL), 1);
	if (limit)
		assert_int_equal(setrlimit(RLIMIT_AS, &was), 0);
	until_told(loop, &told);
	*ret_there = bytes_there(hull_qemu_memory_fd(m));
	hull_qemu_memory_free(m);
	return told;
}

static void test_all_of_it_is_there(void **state)
{
	const struct hull_memory_backing kinds[] = {{.prealloc = true},
						    {.prealloc = true, .dir = dir}};
	uint64_t there = 0;

	for (size_t i = 0; i < ARRAY_SIZE(kinds); i++) {
		struct told told = bring_in(&kinds[i], 0, &there);

		if (told.error)
			fail_msg("%s", hull_error_message(told.error));
		assert_true(there >= LEN);
	}
}

static void test_a_failure_is_told(void **state)
{
#if !SANITIZED
	const struct hull_memory_backing backing = {.prealloc = true};
	uint64_t there = 0;
	struct told told = bring_in(&backing, LEN / 2, &there);

	assert_int_equal(hull_error_code(told.error), HULL_E_EXHAUSTED);
	assert_string_equal(hull_error_cause(told.error), "host-memory");
	assert_string_equal(hull_error_message(told.error),
			    "bring in the guest's memory before it starts: Cannot allocate memory");
	assert_true(there < LEN);
	hull_error_free(told.error);
#else
	skip(); /* the sanitizer's address space is past any limit */
#endif
}

/* The only child of ours. */
static pid_t child(void)
{
	char path[64], text[32] = "";
	int pid = 0;
	FILE *f;

	snprintf(path, sizeof(path), "/proc/self/task/%d/children", (int)getpid());
	f = fopen(path, "re");
	if (f && fgets(text, sizeof(text), f))
		(void)sscanf(text, "%9d", &pid);
	if (f)
		(void)fclose(f);
	return pid;
}

/* What @pid has locked, in kB; 0 of one that has ended. */
static unsigned int locked_kib(pid_t pid)
{
	cleanup_strbuf struct hull_strbuf text = HULL_STRBUF_INIT;
	unsigned int kib = 0;
	const char *line;
	char path[64];

	snprintf(path, sizeof(path), "/proc/%d/status", (int)pid);
	if (hull_file_read(path, 65536, &text) < 0)
		return 0;
	line = strstr(hull_strbuf_str(&text), "VmLck:");
	if (line)
		(void)sscanf(line, "VmLck: %9u", &kib);
	return kib;
}

/* Whoever has it locked lives as long as the memory, and no longer. */
static void test_locked(void **state)
{
	struct hull_config config = {.memory_bytes = LEN, .memory_backing = {.lock = true}};
	cleanup_with(hull_loop_freep) struct hull_loop *loop = NULL;
	cleanup_error struct hull_error *err = NULL;
	struct hull_qemu_memory *m = NULL;
	struct told told = {0};
	pid_t locker;

	assert_int_equal(hull_loop_new(&loop, NULL), 0);
	if (hull_qemu_memory_new(loop, &config, &self, &m, &err) < 0) {
		assert_string_equal(hull_error_cause(err), "memory-lock-limit");
		assert_int_equal(hull_error_code(err), HULL_E_EXHAUSTED);
		assert_non_null(strstr(hull_error_hint(err), "ulimit -Hl"));
		skip();
	}
	assert_int_equal(hull_qemu_memory_ready(m, -1, on_done, &told, NULL), 1);
	until_told(loop, &told);
	assert_null(told.error);
	assert_true(bytes_there(hull_qemu_memory_fd(m)) >= LEN);
	locker = child();
	for (int i = 0; i < 20; i++)
		assert_int_equal(hull_loop_step(loop, 5), 0);
	/* The sanitizer's mlock() does nothing. */
	assert_int_equal(locked_kib(locker), SANITIZED ? 0 : LEN >> 10);
	hull_qemu_memory_free(m);
	assert_int_equal(kill(locker, 0), -1);
}

/* Whoever brings it in can be killed, for want of memory for example.  He may be quicker. */
static void test_a_death_is_told(void **state)
{
	struct hull_config config = {.memory_bytes = LEN, .memory_backing = {.prealloc = true}};
	int deaths = 0;

	for (int i = 0; i < 50 && !deaths; i++) {
		cleanup_with(hull_loop_freep) struct hull_loop *loop = NULL;
		struct hull_qemu_memory *m = NULL;
		struct told told = {0};

		assert_int_equal(hull_loop_new(&loop, NULL), 0);
		assert_int_equal(hull_qemu_memory_new(loop, &config, &self, &m, NULL), 0);
		assert_int_equal(hull_qemu_memory_ready(m, -1, on_done, &told, NULL), 1);
		assert_true(child() > 0);
		assert_int_equal(kill(child(), SIGKILL), 0);
		until_told(loop, &told);
		hull_qemu_memory_free(m);
		if (!told.error)
			continue;
		deaths++;
		assert_int_equal(hull_error_code(told.error), HULL_E_EXHAUSTED);
		assert_string_equal(hull_error_message(told.error),
				    "bring in the guest's memory before it starts: was killed by "
				    "signal 9 (KILL)");
		hull_error_free(told.error);
	}
	assert_int_equal(deaths, 1);
}

static void test_only_where_asked(void **state)
{
	struct hull_config config = {.memory_bytes = LEN};
	cleanup_with(hull_loop_freep) struct hull_loop *loop = NULL;
	struct hull_qemu_memory *m = NULL;

	assert_int_equal(hull_loop_new(&loop, NULL), 0);
	assert_int_equal(hull_qemu_memory_new(loop, &config, &self, &m, NULL), 0);
	assert_int_equal(hull_qemu_memory_ready(m, -1, on_done, NULL, NULL), 0);
	assert_int_equal(bytes_there(hull_qemu_memory_fd(m)), 0);
	hull_qemu_memory_free(m);
}

static void test_refusals(void **state)
{
	static const struct {
		uint64_t len;
		struct hull_memory_backing backing;
		int code;
		const char *cause, *message;
	} cases[] = {
		{LEN,
		 {.hugepages = 8192},
		 HULL_E_UNSUPPORTED,
		 "huge-pages",
		 "this host has no huge pages of 8 KiB"},
		{LEN,
		 {.hugepages = LEN * 2},
		 HULL_E_INVALID,
		 "",
		 "memory: 64 MiB is no multiple of the huge pages' 131072 KiB"},
		{LEN,
		 {.dir = (char *)"/none"},
		 HULL_E_NOT_FOUND,
		 "no-such-file",
		 "memory_backing.dir: make a file for the guest's memory in '/none': No such file "
		 "or directory"},
		{UINT64_C(1) << 50, {.dir = dir}, HULL_E_EXHAUSTED, "no-space", dir},
		{UINT64_C(1) << 50,
		 {.prealloc = true},
		 HULL_E_EXHAUSTED,
		 "host-memory",
		 "are to be there before it starts"},
	};

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct hull_config config = {.memory_bytes = cases[i].len,
					     .memory_backing = cases[i].backing};
		cleanup_error struct hull_error *err = NULL;
		struct hull_qemu_memory_file f;

		assert_int_equal(hull_qemu_memory_file_make(&config, &self, &f, &err), -1);
		if (!strstr(hull_error_message(err), cases[i].message))
			fail_msg("'%s' lacks '%s'", hull_error_message(err), cases[i].message);
		assert_int_equal(hull_error_code(err), cases[i].code);
		assert_string_equal(hull_error_cause(err), cases[i].cause);
	}
}

static void test_meminfo(void **state)
{
	static const char text[] = "MemTotal:       16 kB\nMemAvailable:    7 kB\nHugepagesize:\n"
				   "Huge:  99999999999999999999999 kB\nLast: 5";

	assert_int_equal(hull_meminfo_bytes(text, "MemTotal"), 16384);
	assert_int_equal(hull_meminfo_bytes(text, "MemAvailable"), 7168);
	assert_int_equal(hull_meminfo_bytes(text, "Mem"), 0);
	assert_int_equal(hull_meminfo_bytes(text, "Hugepagesize"), 0);
	assert_int_equal(hull_meminfo_bytes(text, "Last"), 0);
	assert_int_equal(hull_meminfo_bytes("", "Last"), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_all_of_it_is_there),
		cmocka_unit_test(test_a_failure_is_told),
		cmocka_unit_test(test_locked),
		cmocka_unit_test(test_a_death_is_told),
		cmocka_unit_test(test_only_where_asked),
		cmocka_unit_test(test_refusals),
		cmocka_unit_test(test_meminfo),
	};

	return cmocka_run_group_tests(tests, make_dir, remove_dir);
}
