/* SPDX-License-Identifier: Apache-2.0
 *
 * What protects the host where a hypervisor serves directories: the filter beneath it, and the
 * module in it (this program starts itself again with that one preloaded).
 */
#define _GNU_SOURCE
#include "unit.h"

#include "base/cleanup.h"
#include "base/proc.h"
#include "share/filter.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/seccomp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <sys/xattr.h>
#include <unistd.h>

static char dir[] = "/tmp/hull-filter.XXXXXX";

static void make(const char *name, mode_t mode)
{
	int fd = open(name, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);

	assert_true(fd >= 0);
	assert_int_equal(fchmod(fd, mode), 0);
	close(fd);
}

static int set_up(void **state)
{
	if (!mkdtemp(dir) || chdir(dir) < 0)
		return -1;
	make("open", 0644);
	make("secret", 0600);
	make("hidden", 0644);
	return mkdir("dir", 0755) < 0 || mkdir("closed", 0700) < 0 || mkdir("covered", 0755) < 0
		       ? -1
		       : 0;
}

static int tear_down(void **state)
{
	static const char *const names[] = {"open", "secret", "hidden", "made"};
	static const char *const dirs[] = {"dir", "closed", "covered"};

	for (size_t i = 0; i < ARRAY_SIZE(names); i++)
		(void)unlink(names[i]);
	for (size_t i = 0; i < ARRAY_SIZE(dirs); i++)
		(void)rmdir(dirs[i]);
	return chdir("/") < 0 || rmdir(dir) < 0 ? -1 : 0;
}

/* ---- the filter ---- */

static int refused(long r, int errnum)
{
	return r < 0 && errno == errnum ? 0 : 1;
}

/* In a child: the number of the first thing that was not as it should be. */
static int try_filtered(void *arg)
{
	const struct hull_filter *f = arg;
	char text[64];

	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0 ||
	    prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &f->program, 0, 0) < 0)
		return 1;
	if (chmod("open", 0644) < 0 || refused(chmod("open", 04755), EPERM))
		return 2;
	if (refused(open("made", O_WRONLY | O_CREAT, 02755), EPERM))
		return 3;
	if (refused(mknod("made", S_IFCHR | 0666, 0), EPERM))
		return 4;
	if (refused(listxattr("open", text, sizeof(text)), EOPNOTSUPP) ||
	    refused(getxattr("open", "user.a", text, sizeof(text)), EOPNOTSUPP) ||
	    refused(setxattr("open", "user.a", "b", 1, 0), EOPNOTSUPP))
		return 5;
	if (refused(syscall(SYS_openat2, AT_FDCWD, "open", NULL, 0), ENOSYS))
		return 6;
	return mkdir("made", 02755) < 0 || rmdir("made") < 0 ? 7 : 0;
}

static void test_filter(void **state)
{
	cleanup_error struct hull_error *err = NULL;
	struct hull_filter f = {0};

	if (hull_filter_make(&f, &err) < 0)
		fail_msg("%s", hull_error_message(err));
	assert_int_equal(hull_proc_try(&(struct hull_spawn){0}, try_filtered, &f), 0);
	hull_filter_fini(&f);
}

/* ---- the module ---- */

static int try_open(int dirfd, const char *name, int flags)
{
	int fd = openat(dirfd, name, flags | O_CLOEXEC | O_NOFOLLOW), r = fd < 0 ? errno : 0;

	if (fd >= 0)
		close(fd);
	return r;
}

/* As QEMU does it, with the module preloaded; a shell-like exit status. */
static int preloaded(const char *with)
{
	char path[64];
	struct stat st;
	int plain = open(".", O_RDONLY | O_DIRECTORY), fd, sub;

	snprintf(path, sizeof(path), "/proc/self/%s/%d", with, plain);
	fd = open(path, O_RDONLY | O_DIRECTORY);
	if (plain < 0 || fd < 0)
		return 1;
	if (fstatat(fd, "open", &st, 0) < 0 || st.st_uid != 1234 || st.st_gid != 77)
		return 2;
	if (!strcmp(with, "fd"))
		return try_open(fd, "secret", O_RDONLY) || try_open(fd, "hidden", O_RDONLY) ||
				       try_open(fd, "closed", O_RDONLY | O_DIRECTORY)
			       ? 3
			       : 0;
	if (try_open(fd, "open", O_RDONLY) || try_open(fd, "dir", O_RDONLY | O_DIRECTORY) ||
	    try_open(fd, "secret", O_PATH))
		return 4;
	if (try_open(fd, "secret", O_RDONLY) != EACCES)
		return 5;
	if (try_open(fd, "hidden", O_RDONLY) != EACCES ||
	    try_open(fd, "covered", O_PATH | O_DIRECTORY) != EACCES)
		return 6;
	if (try_open(fd, "closed", O_PATH | O_DIRECTORY) != EACCES ||
	    try_open(fd, "closed", O_RDONLY | O_DIRECTORY) != EACCES)
		return 7;
	/* From further down, by way of "..", which QEMU itself never takes. */
	sub = openat(fd, "dir", O_PATH | O_DIRECTORY);
	if (sub < 0 || try_open(sub, "../secret", O_RDONLY) != EACCES ||
	    try_open(sub, "../open", O_RDONLY))
		return 8;
	/* The number of a descriptor that is used anew says nothing of the new one. */
	close(sub);
	return open("dir", O_RDONLY | O_DIRECTORY) == sub && !try_open(sub, "../secret", O_RDONLY)
		       ? 0
		       : 9;
}

static int start_again(const char *with)
{
	const char *shim = getenv("SHIM");
	char ids[64], hide[128], self[4096];
	struct stat file, covered;
	pid_t pid;
	int wstatus;
	ssize_t n = readlink("/proc/self/exe", self, sizeof(self) - 1);

	if (!shim || n < 0 || stat("hidden", &file) < 0 || stat("covered", &covered) < 0)
		return -1;
	self[n] = '\0';
	snprintf(ids, sizeof(ids), "%u:%u:1234:77", getuid(), getgid());
	snprintf(hide, sizeof(hide), "%llu:%llu:%llu:%llu", (unsigned long long)file.st_dev,
		 (unsigned long long)file.st_ino, (unsigned long long)covered.st_dev,
		 (unsigned long long)covered.st_ino);
	pid = fork();
	if (pid == 0) {
		setenv("LD_PRELOAD", shim, 1);
		setenv("ASAN_OPTIONS", "verify_asan_link_order=0", 1);
		setenv("HULL_SHARE_IDS", ids, 1);
		setenv("HULL_SHARE_HIDDEN", hide, 1);
		execl(self, self, with, (char *)NULL);
		_exit(127);
	}
	return pid > 0 && waitpid(pid, &wstatus, 0) == pid && WIFEXITED(wstatus)
		       ? WEXITSTATUS(wstatus)
		       : -1;
}

static void test_rights_of_others(void **state)
{
	if (!getenv("SHIM"))
		skip();
	assert_int_equal(start_again("hull-others"), 0);
}

static void test_rights_of_the_user(void **state)
{
	if (!getenv("SHIM"))
		skip();
	assert_int_equal(start_again("fd"), 0);
}

/* Without the module the name leads nowhere: nothing is served unprotected. */
static void test_name_without_module(void **state)
{
	char path[64];
	int fd = open(".", O_RDONLY | O_DIRECTORY);

	snprintf(path, sizeof(path), "/proc/self/hull-others/%d", fd);
	assert_int_equal(open(path, O_RDONLY), -1);
	close(fd);
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_filter),
		cmocka_unit_test(test_rights_of_others),
		cmocka_unit_test(test_rights_of_the_user),
		cmocka_unit_test(test_name_without_module),
	};

	if (argc > 1)
		return preloaded(argv[1]);
	return cmocka_run_group_tests(tests, set_up, tear_down);
}
