/* SPDX-License-Identifier: Apache-2.0
 *
 * The store: what is in it is found, changes are whole, others are waited for until the deadline
 * and named, and what can't be right is refused without being touched.
 */
#define _GNU_SOURCE
#include "unit.h"

#include "base/cleanup.h"
#include "base/os.h"
#include "base/strbuf.h"
#include "store/records.h"
#include "tempdir.h"

#include <fcntl.h>
#include <signal.h>
#include <sqlite3.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#define WAIT_MS 30000
#define A "aaaa0000000000000000000000000000"
#define B "aaab0000000000000000000000000000"
#define C "bbbb0000000000000000000000000000"

struct fixture {
	struct hull_store *store;
	char path[64];
};

static int set_up(void **state)
{
	static int nth;
	struct fixture *f = calloc(1, sizeof(*f));
	char name[16];

	snprintf(name, sizeof(name), "store%d", nth++);
	path_of(name, f->path);
	if (mkdir(f->path, 0700) < 0 ||
	    hull_store_open(f->path, hull_deadline_ms(WAIT_MS), &f->store, NULL) < 0)
		return -1;
	*state = f;
	return 0;
}

static int tear_down(void **state)
{
	struct fixture *f = *state;

	hull_store_close(f->store);
	free(f);
	return 0;
}

static void expect_error(struct hull_error **err, int code, const char *part)
{
	assert_non_null(*err);
	assert_string_equal(hull_code_name(hull_error_code(*err)), hull_code_name(code));
	if (!strstr(hull_error_message(*err), part))
		fail_msg("'%s' is not in '%s'", part, hull_error_message(*err));
	hull_error_free(*err);
	*err = NULL;
}

static int add(struct hull_store *store, const char *id, const char *name, struct hull_error **err)
{
	struct hull_record r = {.name = (char *)name,
				.owner = (char *)"vm",
				.state = HULL_VM_CREATED,
				.cpus = 2,
				.memory = 1 << 30,
				.backend = (char *)"qemu",
				.agent = (char *)"hull",
				.config = (char *)"{\"version\":1}",
				.created_ns = hull_realtime_ns()};

	snprintf(r.id, sizeof(r.id), "%s", id);
	return hull_store_add(store, &r, err);
}

static void expect_found(struct hull_store *store, const char *ref, const char *id)
{
	cleanup_record struct hull_record r = {0};

	assert_int_equal(hull_store_find(store, ref, &r, NULL), 0);
	assert_string_equal(r.id, id);
}

static void expect_not_found(struct hull_store *store, const char *ref)
{
	struct hull_error *err = NULL;
	struct hull_record r;

	assert_int_equal(hull_store_find(store, ref, &r, &err), -1);
	expect_error(&err, HULL_E_NOT_FOUND, ref);
}

static void test_find(void **state)
{
	struct fixture *f = *state;
	struct hull_error *err = NULL;
	struct hull_record r;

	assert_int_equal(add(f->store, A, "web", &err), 0);
	assert_int_equal(add(f->store, B, NULL, &err), 0);
	assert_int_equal(add(f->store, C, "aaaa", &err), 0); /* begins an id as well */
	expect_found(f->store, A, A);
	expect_found(f->store, "web", A);
	expect_found(f->store, "aaab", B);
	expect_found(f->store, "bbb", C);
	expect_found(f->store, "aaaa", C);
	expect_found(f->store, "aaaa0", A);
	expect_not_found(f->store, "bb");
	expect_not_found(f->store, "cccc");
	for (int i = 0; i < 2; i++) {
		assert_int_equal(hull_store_find(f->store, i ? NULL : "", &r, &err), -1);
		expect_error(&err, HULL_E_INVALID, "no VM was named");
	}
	expect_not_found(f->store, "WEB");
	expect_not_found(f->store, "aaaa%");
	expect_not_found(f->store, A "0");
	assert_int_equal(hull_store_find(f->store, "aaa", &r, &err), -1);
	assert_string_equal(hull_error_cause(err), "ambiguous");
	expect_error(&err, HULL_E_INVALID, "aaaa00000000, aaab00000000");
}

static void test_record(void **state)
{
	struct fixture *f = *state;
	cleanup_record struct hull_record r = {0};

	assert_int_equal(add(f->store, A, "web", NULL), 0);
	assert_int_equal(hull_store_find(f->store, "web", &r, NULL), 0);
	assert_int_equal(r.state, HULL_VM_CREATED);
	assert_int_equal(r.cpus, 2);
	assert_int_equal(r.memory, 1 << 30);
	assert_string_equal(r.owner, "vm");
	assert_string_equal(r.backend, "qemu");
	assert_string_equal(r.agent, "hull");
	assert_string_equal(r.config, "{\"version\":1}");
	assert_string_equal(r.reason, "");
	assert_null(r.run_dir);
	assert_true(r.created_ns && r.created_ns == r.updated_ns);
	assert_int_equal(r.started_ns, 0);
	assert_int_equal(r.labels.n, 0);
}

static void test_names(void **state)
{
	static const char *const bad[] = {"",	      "-a",  ".a",	     "a b", "a/b",
					  "\xc3\xa4", "a\n", "0123456789ab", A};
	struct fixture *f = *state;
	struct hull_error *err = NULL;
	char longest[HULL_STORE_NAME_MAX + 2];

	for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
		assert_int_equal(add(f->store, A, bad[i], &err), -1);
		expect_error(&err, HULL_E_INVALID, "can't be one");
	}
	memset(longest, 'x', sizeof(longest));
	longest[HULL_STORE_NAME_MAX + 1] = '\0';
	assert_int_equal(add(f->store, A, longest, &err), -1);
	expect_error(&err, HULL_E_INVALID, "can't be one");
	longest[HULL_STORE_NAME_MAX] = '\0';
	assert_int_equal(add(f->store, A, longest, &err), 0);
	assert_int_equal(add(f->store, B, longest, &err), -1);
	assert_string_equal(hull_error_cause(err), "name-taken");
	expect_error(&err, HULL_E_EXISTS, "aaaa00000000");
	expect_not_found(f->store, B);
	assert_int_equal(add(f->store, B, "b", &err), 0);
	assert_int_equal(hull_store_rename(f->store, B, longest, &err), -1);
	expect_error(&err, HULL_E_EXISTS, "aaaa00000000");
	assert_int_equal(hull_store_rename(f->store, B, "c", &err), 0);
	assert_int_equal(hull_store_rename(f->store, B, "c", &err), 0); /* it has it already */
	expect_found(f->store, "c", B);
	expect_not_found(f->store, "b");
	assert_int_equal(hull_store_rename(f->store, C, "d", &err), -1);
	expect_error(&err, HULL_E_NOT_FOUND, "has gone");
}

static void test_change(void **state)
{
	struct fixture *f = *state;
	struct hull_error *err = NULL;
	cleanup_record struct hull_record r = {0}, s = {0};
	struct hull_change c = {.state = HULL_VM_RUNNING,
				.set_monitor = true,
				.monitor = {.pid = 12, .start = UINT64_MAX, .boot = "boot"},
				.run_dir = "/run/x",
				.started_ns = 5};

	assert_int_equal(add(f->store, A, NULL, NULL), 0);
	assert_int_equal(hull_store_change(f->store, A, &c, NULL), 0);
	c = (struct hull_change){.state = HULL_VM_ERROR,
				 .reason = "panic",
				 .code = "BACKEND",
				 .message = "it's \"over\"",
				 .stopped_ns = 6};
	assert_int_equal(hull_store_change(f->store, A, &c, NULL), 0);
	assert_int_equal(hull_store_find(f->store, A, &r, NULL), 0);
	assert_int_equal(r.state, HULL_VM_ERROR);
	assert_int_equal(r.monitor.pid, 12);
	assert_true(r.monitor.start == UINT64_MAX);
	assert_string_equal(r.monitor.boot, "boot");
	assert_string_equal(r.run_dir, "/run/x");
	assert_int_equal(r.started_ns, 5);
	assert_int_equal(r.stopped_ns, 6);
	assert_string_equal(r.reason, "panic");
	assert_string_equal(r.message, "it's \"over\"");
	assert_string_equal(r.cause, "");
	c = (struct hull_change){.state = HULL_VM_STOPPED, .set_monitor = true, .reason = ""};
	assert_int_equal(hull_store_change(f->store, A, &c, NULL), 0);
	assert_int_equal(hull_store_find(f->store, A, &s, NULL), 0);
	assert_null(s.run_dir);
	assert_int_equal(s.monitor.pid, 0);
	assert_string_equal(s.reason, "");
	assert_string_equal(s.message, "it's \"over\"");
	assert_int_equal(hull_store_change(f->store, B, &c, &err), -1);
	expect_error(&err, HULL_E_NOT_FOUND, "has gone");
}

static void test_list(void **state)
{
	static const char *const ids[] = {C, A, B};
	struct fixture *f = *state;
	cleanup_records struct hull_records list = {0};
	struct hull_labels labels = {0};

	for (size_t i = 0; i < ARRAY_SIZE(ids); i++)
		assert_int_equal(add(f->store, ids[i], NULL, NULL), 0);
	assert_int_equal(hull_labels_add(&labels, "b", "2"), 0);
	assert_int_equal(hull_labels_add(&labels, "a", ""), 0);
	assert_int_equal(hull_store_set_labels(f->store, A, &labels, NULL), 0);
	hull_labels_fini(&labels);
	assert_int_equal(hull_labels_add(&labels, "b", NULL), 0);
	assert_int_equal(hull_labels_add(&labels, "c", "3"), 0);
	assert_int_equal(hull_store_set_labels(f->store, A, &labels, NULL), 0);
	hull_labels_fini(&labels);
	assert_int_equal(hull_store_list(f->store, &list, NULL), 0);
	assert_int_equal(list.n, 3);
	for (size_t i = 0; i < list.n; i++) {
		assert_string_equal(list.v[i].id, ids[i]); /* as they were made */
		assert_null(list.v[i].config);
	}
	assert_int_equal(list.v[0].labels.n, 0);
	assert_int_equal(list.v[1].labels.n, 2);
	assert_string_equal(hull_labels_get(&list.v[1].labels, "a"), "");
	assert_string_equal(hull_labels_get(&list.v[1].labels, "c"), "3");
	assert_null(hull_labels_get(&list.v[1].labels, "b"));
}

/* ---- what belongs to a VM goes with it ---- */

static void test_remove(void **state)
{
	struct fixture *f = *state;
	struct hull_error *err = NULL;
	struct hull_labels labels = {0};
	cleanup_record struct hull_record r = {0};

	assert_int_equal(add(f->store, A, "web", NULL), 0);
	assert_int_equal(add(f->store, B, NULL, NULL), 0);
	assert_int_equal(hull_labels_add(&labels, "b", "2"), 0);
	assert_int_equal(hull_store_set_labels(f->store, A, &labels, NULL), 0);
	hull_labels_fini(&labels);
	assert_int_equal(hull_store_claim(f->store, A, "mac", "52:54", NULL), 0);
	assert_int_equal(hull_store_claim(f->store, A, "mac", "52:54", NULL), 0);
	assert_int_equal(hull_store_claim(f->store, B, "mac", "52:54", &err), -1);
	assert_string_equal(hull_error_cause(err), "claimed");
	expect_error(&err, HULL_E_EXISTS, "mac 52:54 is that of VM aaaa00000000");
	assert_int_equal(hull_store_claim(f->store, B, "port", "52:54", NULL), 0);
	assert_int_equal(hull_store_claim(f->store, C, "mac", "52:55", &err), -1); /* no such VM */
	hull_error_free(err);
	assert_int_equal(hull_store_remove(f->store, A, NULL), 0);
	assert_int_equal(hull_store_remove(f->store, A, NULL), 0);
	expect_not_found(f->store, "web");
	assert_int_equal(hull_store_claim(f->store, B, "mac", "52:54", NULL), 0);
	assert_int_equal(hull_store_release(f->store, B, "mac", NULL), 0);
	assert_int_equal(add(f->store, A, "web", NULL), 0);
	assert_int_equal(hull_store_find(f->store, A, &r, NULL), 0);
	assert_int_equal(r.labels.n, 0);
	assert_int_equal(hull_store_claim(f->store, A, "mac", "52:54", NULL), 0);
}

/* ---- events ---- */

static int on_event(void *ctx, const struct hull_event *e)
{
	struct hull_strbuf *out = ctx;

	hull_strbuf_addf(out, "%.4s %s %s %s\n", e->vm, e->name, e->kind, e->detail);
	return out->len > 4000;
}

static void test_events(void **state)
{
	struct fixture *f = *state;
	cleanup_strbuf struct hull_strbuf out = HULL_STRBUF_INIT;
	struct hull_change c = {.state = HULL_VM_ERROR, .reason = "panic"};
	uint64_t before, after;

	assert_int_equal(hull_store_version(f->store, &before, NULL), 0);
	assert_int_equal(add(f->store, A, "web", NULL), 0);
	assert_int_equal(hull_store_change(f->store, A, &c, NULL), 0);
	assert_int_equal(hull_store_rename(f->store, A, "www", NULL), 0);
	assert_int_equal(hull_store_remove(f->store, A, NULL), 0);
	assert_int_equal(hull_store_events(f->store, 0, on_event, &out, NULL), 0);
	assert_string_equal(hull_strbuf_str(&out), "aaaa web created \naaaa web error panic\n"
						   "aaaa www renamed www\naaaa www deleted \n");
	hull_strbuf_clear(&out);
	assert_int_equal(hull_store_events(f->store, 3, on_event, &out, NULL), 0);
	assert_string_equal(hull_strbuf_str(&out), "aaaa www deleted \n");
	/* Changes of one's own don't count, those of others do. */
	assert_int_equal(hull_store_version(f->store, &after, NULL), 0);
	assert_int_equal(before, after);
}

static int count(void *ctx, const struct hull_event *e)
{
	++*(uint64_t *)ctx;
	return 0;
}

static void test_events_bounded(void **state)
{
	struct fixture *f = *state;
	uint64_t n = 0;

	for (int i = 0; i < HULL_STORE_EVENTS_MAX + 1000; i++)
		assert_int_equal(hull_store_add_event(f->store, A, "x", "", NULL), 0);
	assert_int_equal(hull_store_events(f->store, 0, count, &n, NULL), 0);
	assert_in_range(n, HULL_STORE_EVENTS_MAX, HULL_STORE_EVENTS_MAX + 256);
}

/* ---- several processes ---- */

/* Waits for a child that is to succeed. */
static void expect_done(pid_t pid)
{
	int wstatus = -1;

	assert_int_equal(waitpid(pid, &wstatus, 0), pid);
	assert_int_equal(wstatus, 0);
}

#define WRITERS 16
#define EACH 20

static int write_some(const char *path, int who)
{
	cleanup_store struct hull_store *store = NULL;
	cleanup_error struct hull_error *err = NULL;

	if (hull_store_open(path, hull_deadline_ms(WAIT_MS), &store, &err) < 0)
		goto failed;
	for (int i = 0; i < EACH; i++) {
		char id[HULL_STORE_ID_LEN + 1];

		snprintf(id, sizeof(id), "%016x%016x", who, i);
		if (add(store, id, NULL, &err) < 0)
			goto failed;
	}
	return 0;
failed:
	fprintf(stderr, "%s\n", hull_error_message(err));
	return 1;
}

/* All of them also make the store. */
static void test_writers(void **state)
{
	cleanup_records struct hull_records list = {0};
	cleanup_store struct hull_store *store = NULL;
	pid_t pids[WRITERS];
	char path[64];

	path_of("writers", path);
	assert_int_equal(mkdir(path, 0700), 0);
	for (int i = 0; i < WRITERS; i++) {
		pids[i] = fork();
		if (!pids[i])
			_exit(write_some(path, i));
	}
	for (int i = 0; i < WRITERS; i++)
		expect_done(pids[i]);
	assert_int_equal(hull_store_open(path, hull_deadline_ms(WAIT_MS), &store, NULL), 0);
	assert_int_equal(hull_store_list(store, &list, NULL), 0);
	assert_int_equal(list.n, WRITERS * EACH);
}

static void wait_for(const char *path)
{
	while (access(path, F_OK) < 0)
		usleep(1000);
}

/* One that is stopped in the middle of a transaction does not hold up others for ever. */
static void test_stopped_writer(void **state)
{
	struct fixture *f = *state;
	struct hull_error *err = NULL;
	uint64_t version, start;
	char db[96], mark[96], who[64];
	pid_t pid;

	snprintf(db, sizeof(db), "%s/hull.db", f->path);
	snprintf(mark, sizeof(mark), "%s/mark", f->path);
	pid = fork();
	if (!pid) {
		sqlite3 *other = NULL;

		if (sqlite3_open(db, &other) || sqlite3_exec(other, "BEGIN IMMEDIATE", 0, 0, 0))
			_exit(1);
		close(open(mark, O_CREAT | O_WRONLY, 0600));
		pause();
		_exit(2);
	}
	wait_for(mark);
	assert_int_equal(kill(pid, SIGSTOP), 0);
	snprintf(who, sizeof(who), "by process %d (test-store)", (int)pid);
	start = hull_now_ns();
	hull_store_set_deadline(f->store, hull_deadline_ms(200));
	assert_int_equal(add(f->store, A, NULL, &err), -1);
	assert_true(hull_now_ns() - start >= 190 * HULL_NS_PER_MS);
	assert_string_equal(hull_error_cause(err), "store-locked");
	expect_error(&err, HULL_E_TIMEOUT, who);
	expect_not_found(f->store, A); /* those who only read don't wait */
	assert_int_equal(kill(pid, SIGKILL), 0);
	assert_int_equal(waitpid(pid, NULL, 0), pid);
	hull_store_set_deadline(f->store, hull_deadline_ms(WAIT_MS));
	assert_int_equal(add(f->store, A, NULL, &err), 0);
	assert_int_equal(hull_store_version(f->store, &version, NULL), 0);
}

static void test_version(void **state)
{
	struct fixture *f = *state;
	uint64_t before, after;
	pid_t pid;

	assert_int_equal(hull_store_version(f->store, &before, NULL), 0);
	pid = fork();
	if (!pid)
		_exit(write_some(f->path, 1));
	expect_done(pid);
	assert_int_equal(hull_store_version(f->store, &after, NULL), 0);
	assert_int_not_equal(before, after);
}

static void test_lock(void **state)
{
	struct fixture *f = *state;
	struct hull_store_lock a = {-1}, b = {-1}, c = {-1};
	char mark[96];
	pid_t pid;

	assert_int_equal(hull_store_try_lock(f->store, A, &a), 0);
	assert_int_equal(hull_store_try_lock(f->store, A, &b), -EAGAIN);
	assert_int_equal(hull_store_try_lock(f->store, B, &b), 0);
	hull_store_unlock(&a);
	hull_store_unlock(&b);
	snprintf(mark, sizeof(mark), "%s/mark", f->path);
	pid = fork();
	if (!pid) {
		cleanup_store struct hull_store *store = NULL;

		if (hull_store_open(f->path, hull_deadline_ms(WAIT_MS), &store, NULL) < 0 ||
		    hull_store_try_lock(store, A, &c) < 0)
			_exit(1);
		close(open(mark, O_CREAT | O_WRONLY, 0600));
		pause();
	}
	wait_for(mark);
	assert_int_equal(hull_store_try_lock(f->store, A, &a), -EAGAIN);
	assert_int_equal(hull_store_try_lock(f->store, C, &c), 0);
	hull_store_unlock(&c);
	assert_int_equal(kill(pid, SIGKILL), 0);
	assert_int_equal(waitpid(pid, NULL, 0), pid);
	assert_int_equal(hull_store_try_lock(f->store, A, &a), 0);
	hull_store_unlock(&a);
}

/* ---- what is refused ---- */

static void run_sql(const char *db, const char *sql)
{
	sqlite3 *other = NULL;

	assert_int_equal(sqlite3_open(db, &other), SQLITE_OK);
	assert_int_equal(sqlite3_exec(other, sql, NULL, NULL, NULL), SQLITE_OK);
	assert_int_equal(sqlite3_close(other), SQLITE_OK);
}

static void expect_refused(const char *path, int code, const char *part)
{
	struct hull_error *err = NULL;
	struct hull_store *store;

	assert_int_equal(hull_store_open(path, hull_deadline_ms(1000), &store, &err), -1);
	expect_error(&err, code, part);
}

static void test_newer(void **state)
{
	struct fixture *f = *state;
	char db[96];

	snprintf(db, sizeof(db), "%s/hull.db", f->path);
	run_sql(db, "PRAGMA user_version = 1000");
	expect_refused(f->path, HULL_E_UNSUPPORTED, "version 1000");
	run_sql(db, "PRAGMA user_version = 1");
	assert_int_equal(add(f->store, A, NULL, NULL), 0);
}

static void test_damaged(void **state)
{
	static const char text[] = "this is not a database, whatever its name may say of it; "
				   "and it is longer than a header of 100 bytes would be";
	cleanup_strbuf struct hull_strbuf after = HULL_STRBUF_INIT;
	struct fixture *f = *state;
	struct hull_error *err = NULL;
	struct hull_store *store;
	struct hull_records list;
	char db[96], other[64];
	int fd;

	path_of("damaged", other);
	assert_int_equal(mkdir(other, 0700), 0);
	snprintf(db, sizeof(db), "%s/hull.db", other);
	assert_int_equal(hull_file_write(db, text, sizeof(text), 0600, false), 0);
	expect_refused(other, HULL_E_CORRUPT, db);
	assert_int_equal(hull_file_read(db, 1 << 20, &after), 0);
	assert_int_equal(after.len, sizeof(text));
	assert_memory_equal(after.data, text, sizeof(text));

	/* One whose pages are. */
	snprintf(db, sizeof(db), "%s/hull.db", f->path);
	for (int i = 0; i < 100; i++) {
		char id[HULL_STORE_ID_LEN + 1];

		snprintf(id, sizeof(id), "%032x", i);
		assert_int_equal(add(f->store, id, NULL, NULL), 0);
	}
	run_sql(db, "PRAGMA wal_checkpoint(TRUNCATE)");
	hull_store_close(f->store);
	f->store = NULL;
	fd = open(db, O_WRONLY | O_CLOEXEC);
	for (int page = 1; page < 8; page++)
		assert_int_equal(pwrite(fd, "\xff\xff\xff\xff\xff\xff\xff\xff", 8, page * 4096), 8);
	close(fd);
	if (hull_store_open(f->path, hull_deadline_ms(1000), &store, &err) == 0) {
		assert_int_equal(hull_store_list(store, &list, &err), -1);
		hull_store_close(store);
	}
	assert_non_null(strstr(hull_error_hint(err), ".recover"));
	expect_error(&err, HULL_E_CORRUPT, db);
}

static void test_modes(void **state)
{
	static const char *const names[] = {"hull.db", "hull.db-wal", "hull.db-shm"};
	struct fixture *f = *state;
	struct stat st;
	char path[96];

	assert_int_equal(add(f->store, A, NULL, NULL), 0);
	for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
		snprintf(path, sizeof(path), "%s/%s", f->path, names[i]);
		assert_int_equal(stat(path, &st), 0);
		assert_int_equal(st.st_mode & 0777, 0600);
	}
	expect_refused("/nonexistent", HULL_E_NOT_FOUND, "/nonexistent");
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_find),
		TEST(test_record),
		TEST(test_names),
		TEST(test_change),
		TEST(test_list),
		TEST(test_remove),
		TEST(test_events),
		TEST(test_events_bounded),
		cmocka_unit_test(test_writers),
		TEST(test_stopped_writer),
		TEST(test_version),
		TEST(test_lock),
		TEST(test_newer),
		TEST(test_damaged),
		TEST(test_modes),
	};

	umask(0);
	return cmocka_run_group_tests(tests, make_dir, remove_dir);
}
