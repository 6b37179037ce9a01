/* SPDX-License-Identifier: Apache-2.0
 *
 * Control groups: finding our own in /proc/self/cgroup, and on hosts that let us, making one,
 * filling it and killing what is in it.
 */
#define _GNU_SOURCE
#include "unit.h"

#include "base/cgroup.h"
#include "base/cleanup.h"
#include "base/os.h"
#include "base/strbuf.h"

#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

static void assert_own(const char *text, int result, const char *path)
{
	cleanup_strbuf struct hull_strbuf b = HULL_STRBUF_INIT;

	assert_int_equal(hull_cgroup_own(text, &b), result);
	assert_string_equal(hull_strbuf_str(&b), path);
}

static void test_own(void **state)
{
	assert_own("0::/user.slice/user-0.slice\n", 0, "/user.slice/user-0.slice");
	assert_own("0::/\n", 0, "");
	assert_own("9:name=systemd:/\n4:memory:/a/b\n0::/x", 0, "/x");
	assert_own("9:name=systemd:/\n4:memory:/a/b\n", -ENOENT, "");
	assert_own("0::/../../outside\n", -ENOENT, "");
	assert_own("0::/a (deleted)\n", -ENOENT, "");
	assert_own("", -ENOENT, "");
	assert_own("10:cpu:0::/\n", -ENOENT, "");
}

static void assert_own_v1(const char *text, int result, const char *path)
{
	cleanup_strbuf struct hull_strbuf b = HULL_STRBUF_INIT;

	assert_int_equal(hull_cgroup_own_v1(text, "cpu", &b), result);
	assert_string_equal(hull_strbuf_str(&b), path);
}

static void test_own_v1(void **state)
{
	assert_own_v1("3:cpu:/a\n0::/b\n", 0, "/a");
	assert_own_v1("4:cpuset:/x\n3:cpu,cpuacct:/a/b:c\n0::/b", 0, "/a/b:c");
	assert_own_v1("3:cpuacct,cpu:/\n", 0, "");
	assert_own_v1("9:name=cpu:/x\n4:cpuset:/x\n2:cpuacct:/x\n0::/b\n", -ENOENT, "");
	assert_own_v1("3:cpu:/../x\n", -ENOENT, "");
	assert_own_v1("3:cpu\n:/x\n:cpu\ncpu:/x\n::\n", -ENOENT, "");
	assert_own_v1("", -ENOENT, "");
}

/* Two processes of which one tries to hide by ignoring signals and starting a session. */
static pid_t populate(int dir)
{
	pid_t pid = fork();

	assert_true(pid >= 0);
	if (pid == 0) {
		int procs = openat(dir, "cgroup.procs", O_WRONLY);

		if (procs < 0 || write(procs, "0", 1) != 1)
			_exit(1);
		signal(SIGTERM, SIG_IGN);
		if (fork() == 0)
			setsid();
		for (;;)
			pause();
	}
	return pid;
}

static void wait_populated(const char *path, int members)
{
	for (int i = 0; i < 2000; i++) {
		char name[512], text[256] = "";
		int n = 0, fd;

		snprintf(name, sizeof(name), "%s/cgroup.procs", path);
		fd = open(name, O_RDONLY);
		assert_true(fd >= 0 && read(fd, text, sizeof(text) - 1) >= 0);
		close(fd);
		for (char *p = text; *p; p++)
			n += *p == '\n';
		if (n >= members)
			return;
		usleep(1000);
	}
	fail_msg("'%s' never had %d members", path, members);
}

static void test_create_and_destroy(void **state)
{
	cleanup_strbuf struct hull_strbuf path = HULL_STRBUF_INIT, other = HULL_STRBUF_INIT;
	cleanup_close int fd = -1;
	int other_fd = -1, status, r;
	char name[32];
	pid_t pid;

	snprintf(name, sizeof(name), "test-%d", (int)getpid());
	r = hull_cgroup_create(name, &path, &fd);
	if (r == -ENOENT)
		skip();
	assert_int_equal(r, 0);
	assert_int_equal(hull_cgroup_create(name, &other, &other_fd), -EEXIST);
	assert_int_equal(other.len, 0);

	pid = populate(fd);
	wait_populated(path.data, 2);
	assert_int_equal(hull_cgroup_destroy(path.data, hull_deadline_ms(5000)), 0);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
	assert_int_equal(access(path.data, F_OK), -1);
	assert_int_equal(hull_cgroup_destroy(path.data, hull_deadline_ms(5000)), 0);
}

static bool file_has(const char *dir, const char *name, const char *want)
{
	char path[512], text[4096] = "";
	int fd;

	snprintf(path, sizeof(path), "%s/%s", dir, name);
	fd = open(path, O_RDONLY);
	if (fd < 0 || read(fd, text, sizeof(text) - 1) < 0)
		text[0] = '\0';
	hull_closep(&fd);
	return strstr(text, want);
}

/* In whichever hierarchy has the controller: a child of a joined one is in it, we are not when we
 * have left, and what is left in it is killed. */
static void test_limit_cpu(void **state)
{
	cleanup_strbuf struct hull_strbuf path = HULL_STRBUF_INIT;
	cleanup_close int fd = -1, home = -1;
	char pids[2][32];
	int status;
	bool v1;
	pid_t pid;

	assert_int_equal(hull_cgroup_cpu_base(&path, &v1), 0);
	if (!path.len)
		skip();
	home = open(path.data, O_RDONLY | O_DIRECTORY);
	hull_strbuf_addf(&path, "/hull-test-cpu-%d", (int)getpid());
	assert_int_equal(hull_cgroup_make(path.data, &fd), 0);
	assert_int_equal(hull_cgroup_limit_cpu(fd, 250), 0);
	assert_true(file_has(path.data, v1 ? "cpu.cfs_quota_us" : "cpu.max",
			     v1 ? "25000\n" : "25000 100000\n"));
	if (v1)
		assert_int_equal(hull_cgroup_join(fd), 0);
	pid = populate(fd);
	snprintf(pids[0], sizeof(pids[0]), "%d\n", (int)getpid());
	snprintf(pids[1], sizeof(pids[1]), "%d\n", (int)pid);
	if (v1)
		assert_int_equal(hull_cgroup_join(home), 0);
	wait_populated(path.data, 2);
	assert_false(file_has(path.data, "cgroup.procs", pids[0]));
	assert_true(file_has(path.data, "cgroup.procs", pids[1]));
	assert_int_equal(hull_cgroup_destroy(path.data, hull_deadline_ms(5000)), 0);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
	assert_int_equal(access(path.data, F_OK), -1);
	assert_int_equal(hull_cgroup_destroy(path.data, hull_deadline_ms(5000)), 0);
}

static void test_names(void **state)
{
	cleanup_strbuf struct hull_strbuf path = HULL_STRBUF_INIT;
	int fd = -1;

	assert_int_equal(hull_cgroup_create("a/b", &path, &fd), -EINVAL);
	assert_int_equal(hull_cgroup_create("", &path, &fd), -EINVAL);
	assert_int_equal(path.len, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_own),	  cmocka_unit_test(test_own_v1),
		cmocka_unit_test(test_limit_cpu), cmocka_unit_test(test_create_and_destroy),
		cmocka_unit_test(test_names),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
