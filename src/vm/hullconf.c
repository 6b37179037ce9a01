/* SPDX-License-Identifier: Apache-2.0
 *
 * Finding and reading hull.conf, see hullconf.h.
 */
#define _GNU_SOURCE
#include "vm/hullconf.h"

#include "base/cleanup.h"
#include "base/log.h"
#include "base/path.h"
#include "base/strbuf.h"
#include "vm/dirs.h"

#include <dirent.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

struct loading {
	struct hull_settings *settings;
	struct hull_strv *problems; /* may be NULL */
};

static int check_trust(const char *path, const struct stat *st, struct hull_error **err)
{
	bool others = st->st_mode & S_IWOTH || (st->st_mode & S_IWGRP && st->st_gid != 0);

	if (geteuid() != 0 || (st->st_uid == 0 && !others))
		return 0;
	if (st->st_uid != 0)
		hull_fail_cause(err, HULL_E_DENIED, "untrusted",
				"settings '%s' are not read: user %u owns it, and root obeys only "
				"itself",
				path, (unsigned int)st->st_uid);
	else
		hull_fail_cause(err, HULL_E_DENIED, "untrusted",
				"settings '%s' are not read: others than root may write to it",
				path);
	hull_hint(err, "chown root:root '%s' && chmod go-w '%s'", path, path);
	return -1;
}

static bool is_missing(int r)
{
	return r == -ENOENT || r == -ENOTDIR;
}

static int read_text(const char *path, struct hull_strbuf *text, bool *ret_there,
		     struct hull_error **err)
{
	cleanup_close int fd = -1;
	struct stat st;
	int r = hull_file_open(path, O_RDONLY, false, &st, &fd);

	if (is_missing(r))
		return 0;
	if (r == -EINVAL)
		return hull_fail(err, HULL_E_INVALID, "settings '%s': not a regular file", path);
	if (r == 0 && check_trust(path, &st, err) < 0)
		return -1;
	if (r == 0)
		r = hull_fd_read_all(fd, HULL_SETTINGS_TEXT_MAX, text);
	if (r == -EFBIG)
		return hull_fail(err, HULL_E_INVALID, "settings '%s' are larger than %zu KiB", path,
				 HULL_SETTINGS_TEXT_MAX >> 10);
	if (r < 0)
		return hull_fail_errno(err, -r, "read settings '%s'", path);
	*ret_there = true;
	return 0;
}

static int read_file(const struct loading *l, const char *dir, const char *name,
		     struct hull_error **err)
{
	cleanup_strbuf struct hull_strbuf text = HULL_STRBUF_INIT;
	cleanup_free char *path = hull_path_join(dir, name);
	struct hull_error *own = NULL;
	bool there = false;

	if (!path)
		return hull_fail_nomem(err);
	if (read_text(path, &text, &there, &own) < 0)
		return hull_settings_fail(l->problems, own, err);
	return there ? hull_settings_read(l->settings, path, hull_strbuf_str(&text), text.len,
					  l->problems, err)
		     : 0;
}

static bool is_settings_name(const char *name)
{
	size_t len = strlen(name);

	return *name != '.' && len > 5 && !strcmp(name + len - 5, ".conf");
}

static int by_name(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

/* Names of files, sorted; none where there is no such directory. */
static int list_dir(const char *path, struct hull_strv *names, struct hull_error **err)
{
	DIR *d = opendir(path);
	struct dirent *e;
	struct stat st;
	int r = 0;

	if (!d)
		return is_missing(-errno)
			       ? 0
			       : hull_fail_errno(err, errno, "read settings in '%s'", path);
	if (fstat(dirfd(d), &st) < 0)
		r = hull_fail_errno(err, errno, "inspect '%s'", path);
	else
		r = check_trust(path, &st, err);
	while (r == 0 && (e = readdir(d))) {
		if (!is_settings_name(e->d_name))
			continue;
		if (names->n == HULL_CONF_FILES_MAX)
			r = hull_fail(err, HULL_E_INVALID, "more than %d files of settings in '%s'",
				      HULL_CONF_FILES_MAX, path);
		else if (hull_strv_add(names, e->d_name) < 0)
			r = hull_fail_nomem(err);
	}
	closedir(d);
	if (names->n)
		qsort(names->v, names->n, sizeof(*names->v), by_name);
	return r;
}

static int read_dir(const struct loading *l, const char *path, struct hull_error **err)
{
	cleanup_strv struct hull_strv names = {0};
	struct hull_error *own = NULL;

	if (list_dir(path, &names, &own) < 0)
		return hull_settings_fail(l->problems, own, err);
	for (size_t i = 0; i < names.n; i++)
		if (read_file(l, path, names.v[i], err) < 0)
			return -1;
	return 0;
}

/* Root by way of another user may have kept that one's HOME, and with it what is no choice of
 * root's. */
static bool is_somebody_elses(const char *dir, const struct stat *st)
{
	cleanup_free char *path = hull_path_join(dir, "hull.conf");

	if (geteuid() != 0 || st->st_uid == 0)
		return false;
	if (path && access(path, F_OK) == 0)
		hull_warn("settings", "'%s' is passed over: user %u owns '%s'", path,
			  (unsigned int)st->st_uid, dir);
	return true;
}

/* hull.conf in a directory, and the files of conf.d where it is the host's. */
static int read_place(const struct loading *l, const char *dir, bool host, struct hull_error **err)
{
	cleanup_free char *conf_d = hull_path_join(dir, "conf.d");
	struct hull_error *own = NULL;
	struct stat st;

	if (!conf_d)
		return hull_fail_nomem(err);
	/* Most hosts have none: one look is enough. */
	if (stat(dir, &st) < 0) {
		/* HOME may still be that of whoever became this user. */
		if (is_missing(-errno) || (errno == EACCES && !host))
			return 0;
		hull_fail_errno(&own, errno, "read settings in '%s'", dir);
		return hull_settings_fail(l->problems, own, err);
	}
	if (!host && is_somebody_elses(dir, &st))
		return 0;
	if (check_trust(dir, &st, &own) < 0)
		return hull_settings_fail(l->problems, own, err);
	if (read_file(l, dir, "hull.conf", err) < 0)
		return -1;
	return host ? read_dir(l, conf_d, err) : 0;
}

int hull_settings_load(struct hull_settings *ret, struct hull_strv *problems,
		       struct hull_error **err)
{
	const struct loading l = {ret, problems};
	cleanup_free char *system = NULL, *user = NULL;

	hull_settings_init(ret);
	if (hull_dirs_settings(&system, &user, err) < 0 || read_place(&l, system, true, err) < 0 ||
	    (user && read_place(&l, user, false, err) < 0))
		return -1;
	return hull_settings_read_environ(ret, getenv, problems, err);
}
