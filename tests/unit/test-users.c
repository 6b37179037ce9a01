/* SPDX-License-Identifier: Apache-2.0 */
#define _GNU_SOURCE
#include "unit.h"

#include "../fuzz/fuzz-users.c"
#include "agent/inroot.h"
#include "base/path.h"
#include "base/strbuf.h"
#include "corpus.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

static const char passwd[] = "root:x:0:0:root:/root:/bin/sh\n"
			     "# comment\n"
			     "\n"
			     "broken:x:no:0::/:\n"
			     "web:x:33:34:Web, server:/var/www:/usr/sbin/nologin\n"
			     "web:x:99:99::/second:\n"
			     "123:x:500:501::/odd:\n"
			     "homeless:x:7:8:::\n"
			     "short:x:9\n"
			     "last:x:4294967294:4294967295::/last";
static const char group[] = "root:x:0:\n"
			    "web:x:34:\n"
			    "disk:x:6:web,root\n"
			    "audio:x:29:root,webby,web\n"
			    "nogid:x::web\n"
			    "77:x:5:\n"
			    "video:x:44:web";

static int resolve(const char *spec, struct hull_user *u, struct hull_error **err)
{
	return hull_users_resolve(spec, passwd, strlen(passwd), group, strlen(group), u, err);
}

static void finds(const char *spec, uid_t uid, gid_t gid, const char *home, const char *groups)
{
	cleanup_with(hull_user_fini) struct hull_user u = {0};
	cleanup_error struct hull_error *err = NULL;
	cleanup_strbuf struct hull_strbuf got = HULL_STRBUF_INIT;

	if (resolve(spec, &u, &err) < 0)
		fail_msg("'%s': %s", spec, hull_error_message(err));
	assert_int_equal(u.uid, uid);
	assert_int_equal(u.gid, gid);
	assert_string_equal(u.home ? u.home : "-", home);
	for (size_t i = 0; i < u.n_groups; i++)
		hull_strbuf_addf(&got, "%s%u", i ? " " : "", u.groups[i]);
	assert_string_equal(hull_strbuf_str(&got), groups);
}

static void fails(const char *spec, int code, const char *cause)
{
	struct hull_user u = {.uid = 77};
	cleanup_error struct hull_error *err = NULL;

	assert_int_equal(resolve(spec, &u, &err), -1);
	assert_int_equal(hull_error_code(err), code);
	assert_string_equal(hull_error_cause(err), cause);
	assert_int_equal(u.uid, 77);
}

static void names_numbers_and_groups(void **state)
{
	finds("", 0, 0, "/root", "");
	finds("root", 0, 0, "/root", "6 29");
	finds("web", 33, 34, "/var/www", "6 29 44"); /* the first line of that name */
	finds("33", 33, 34, "/var/www", "6 29 44");
	finds("web:audio", 33, 29, "/var/www", "");
	finds("web:5", 33, 5, "/var/www", "");
	finds("web:77", 33, 5, "/var/www", ""); /* a group whose name is a number */
	finds("4242", 4242, 0, "-", "");
	finds("4242:4343", 4242, 4343, "-", "");
	finds("4242:disk", 4242, 6, "-", "");
	finds("123", 500, 501, "/odd", ""); /* a user whose name is a number */
	finds("homeless", 7, 8, "-", "");
	finds("short", 9, 0, "-", "");
	finds("last", 4294967294u, 0, "/last", ""); /* its group is no group */
	finds("4294967294", 4294967294u, 0, "/last", "");
}

static void refusals(void **state)
{
	char longest[HULL_USERS_SPEC_MAX + 2];

	memset(longest, 'a', sizeof(longest));
	longest[sizeof(longest) - 1] = '\0';
	fails("nobody", HULL_E_NOT_FOUND, "no-such-user");
	fails("broken", HULL_E_NOT_FOUND, "no-such-user");
	fails("web:nogroup", HULL_E_NOT_FOUND, "no-such-group");
	fails("web:nogid", HULL_E_NOT_FOUND, "no-such-group");
	fails("4294967295", HULL_E_NOT_FOUND, "no-such-user");
	fails("-1", HULL_E_NOT_FOUND, "no-such-user");
	fails("1 ", HULL_E_NOT_FOUND, "no-such-user");
	fails("web:4294967295", HULL_E_NOT_FOUND, "no-such-group");
	fails("web:5:6", HULL_E_NOT_FOUND, "no-such-group");
	fails(":", HULL_E_INVALID, "");
	fails(":0", HULL_E_INVALID, "");
	fails("0:", HULL_E_INVALID, "");
	fails(longest, HULL_E_INVALID, "");
}

static void too_many_groups(void **state)
{
	cleanup_with(hull_user_fini) struct hull_user u = {0};
	cleanup_strbuf struct hull_strbuf many = HULL_STRBUF_INIT;
	cleanup_error struct hull_error *err = NULL;

	for (int i = 0; i < HULL_USERS_GROUPS_MAX; i++)
		hull_strbuf_addf(&many, "g%d:x:%d:root\n", i, i);
	assert_int_equal(
		hull_users_resolve("root", passwd, strlen(passwd), many.data, many.len, &u, &err),
		0);
	assert_int_equal(u.n_groups, HULL_USERS_GROUPS_MAX);
	hull_user_fini(&u);
	hull_strbuf_adds(&many, "more:x:9999:root\n");
	assert_int_equal(
		hull_users_resolve("root", passwd, strlen(passwd), many.data, many.len, &u, &err),
		-1);
	assert_int_equal(hull_error_code(err), HULL_E_EXHAUSTED);
}

/* ---- files ---- */

struct tree {
	char path[64];
	int fd;
};

static void put(const struct tree *t, const char *name, const char *text)
{
	int fd = openat(t->fd, name, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);

	assert_true(fd >= 0);
	assert_int_equal(hull_fd_write_all(fd, text, strlen(text)), 0);
	close(fd);
}

static int make_tree(void **state)
{
	struct tree *t = calloc(1, sizeof(*t));

	strcpy(t->path, "/tmp/hull-test-XXXXXX");
	if (!mkdtemp(t->path))
		return -1;
	t->fd = open(t->path, O_PATH | O_DIRECTORY | O_CLOEXEC);
	*state = t;
	return t->fd < 0 ? -1 : mkdirat(t->fd, "etc", 0755);
}

static int drop_tree(void **state)
{
	struct tree *t = *state;

	close(t->fd);
	hull_path_remove_tree(t->path);
	free(t);
	return 0;
}

static void looks_up(const struct tree *t, const char *spec, uid_t uid)
{
	cleanup_with(hull_user_fini) struct hull_user u = {0};
	cleanup_error struct hull_error *err = NULL;

	if (hull_users_lookup(t->fd, spec, &u, &err) < 0)
		fail_msg("'%s': %s", spec, hull_error_message(err));
	assert_int_equal(u.uid, uid);
}

static int look_up_code(const struct tree *t)
{
	struct hull_user u;
	cleanup_error struct hull_error *err = NULL;

	assert_int_equal(hull_users_lookup(t->fd, "me", &u, &err), -1);
	return hull_error_code(err);
}

static void files_stay_in_the_root(void **state)
{
	const struct tree *t = *state;

	looks_up(t, "5", 5); /* no files at all */
	put(t, "etc/passwd", "me:x:12:13::/:\n");
	looks_up(t, "me", 12);
	/* An absolute link means the root's own file, one that leads out stays in. */
	put(t, "real", "me:x:21:13::/:\n");
	assert_int_equal(unlinkat(t->fd, "etc/passwd", 0), 0);
	assert_int_equal(symlinkat("/real", t->fd, "etc/passwd"), 0);
	looks_up(t, "me", 21);
	assert_int_equal(unlinkat(t->fd, "etc/passwd", 0), 0);
	assert_int_equal(symlinkat("../../../../../../real", t->fd, "etc/passwd"), 0);
	looks_up(t, "me", 21);
}

static void no_files(void **state)
{
	const struct tree *t = *state;
	cleanup_strbuf struct hull_strbuf big = HULL_STRBUF_INIT;

	assert_int_equal(mkfifoat(t->fd, "etc/passwd", 0644), 0);
	assert_int_equal(look_up_code(t), HULL_E_INVALID);
	assert_int_equal(unlinkat(t->fd, "etc/passwd", 0), 0);
	assert_int_equal(mkdirat(t->fd, "etc/passwd", 0755), 0);
	assert_int_equal(look_up_code(t), HULL_E_INVALID);
	assert_int_equal(unlinkat(t->fd, "etc/passwd", AT_REMOVEDIR), 0);
	assert_int_equal(symlinkat("passwd", t->fd, "etc/passwd"), 0);
	assert_int_not_equal(look_up_code(t), 0);
	assert_int_equal(unlinkat(t->fd, "etc/passwd", 0), 0);
	while (big.len <= HULL_USERS_FILE_MAX)
		hull_strbuf_adds(&big, "# a line that says nothing at all\n");
	put(t, "etc/passwd", big.data);
	assert_int_not_equal(look_up_code(t), 0);
}

static void making_targets(void **state)
{
	const struct tree *t = *state;
	struct stat st;
	int fd;

	fd = hull_inroot_mkdirs(t->fd, "/a/b/c");
	assert_true(fd >= 0);
	close(fd);
	assert_int_equal(fstatat(t->fd, "a/b/c", &st, 0), 0);
	/* Through an absolute link, inside. */
	assert_int_equal(symlinkat("/a/b", t->fd, "l"), 0);
	fd = hull_inroot_mkdirs(t->fd, "l/../x//y/");
	assert_true(fd >= 0);
	close(fd);
	assert_int_equal(fstatat(t->fd, "a/x/y", &st, 0), 0);
	fd = hull_inroot_mkfile(t->fd, "/new/dir/file");
	assert_true(fd >= 0);
	close(fd);
	assert_int_equal(fstatat(t->fd, "new/dir/file", &st, 0), 0);
	assert_true(S_ISREG(st.st_mode));
	fd = hull_inroot_mkfile(t->fd, "top");
	assert_true(fd >= 0);
	close(fd);
	/* A file in the way, and a link that leads nowhere. */
	assert_int_equal(hull_inroot_mkdirs(t->fd, "/top/d"), -ENOTDIR);
	assert_int_equal(symlinkat("/nowhere", t->fd, "dangling"), 0);
	assert_int_equal(hull_inroot_mkdirs(t->fd, "/dangling/d"), -ENOENT);
	assert_int_equal(fstatat(t->fd, "nowhere", &st, 0), -1);
	fd = hull_inroot_mkdirs(t->fd, "/");
	assert_true(fd >= 0);
	close(fd);
}

static void corpus(void **state)
{
	assert_true(corpus_replay("users") >= 10);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(names_numbers_and_groups),
		cmocka_unit_test(refusals),
		cmocka_unit_test(too_many_groups),
		cmocka_unit_test_setup_teardown(files_stay_in_the_root, make_tree, drop_tree),
		cmocka_unit_test_setup_teardown(no_files, make_tree, drop_tree),
		cmocka_unit_test_setup_teardown(making_targets, make_tree, drop_tree),
		cmocka_unit_test(corpus),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
