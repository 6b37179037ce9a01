/* SPDX-License-Identifier: Apache-2.0
 *
 * From paths as they are given to absolute ones, see path_opts.h.
 */
#define _GNU_SOURCE
#include "cli/path_opts.h"

#include "base/cleanup.h"
#include "base/path.h"

#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static int replace(char **slot, char *path)
{
	free(*slot);
	*slot = path;
	return 0;
}

int hull_existing_parse(const char *value, char **slot, struct hull_error **err)
{
	char *real = realpath(value, NULL);

	return real ? replace(slot, real) : hull_fail_errno(err, errno, "open '%s'", value);
}

int hull_file_parse(const char *value, char **slot, struct hull_error **err)
{
	cleanup_free char *real = realpath(value, NULL);
	struct stat st;

	if (!real || stat(real, &st) < 0)
		hull_fail_errno(err, errno, "open '%s'", value);
	else if (!S_ISREG(st.st_mode))
		hull_fail_cause(err, HULL_E_INVALID, "not-a-file", "'%s' is not a regular file",
				value);
	else if (access(real, R_OK) < 0)
		hull_fail_errno(err, errno, "read '%s'", value);
	else
		return replace(slot, steal_ptr(&real));
	hull_hint(err, "give the path of a file that you may read");
	return -1;
}

int hull_dir_parse(const char *value, char **slot, struct hull_error **err)
{
	cleanup_free char *real = realpath(value, NULL);
	struct stat st;

	if (!real || stat(real, &st) < 0)
		return hull_fail_errno(err, errno, "open '%s'", value);
	if (!S_ISDIR(st.st_mode))
		return hull_fail_cause(err, HULL_E_INVALID, "not-a-directory",
				       "'%s' is not a directory", value);
	return replace(slot, steal_ptr(&real));
}

/* The file may be yet to be made, but not its directory. */
static int absolute(const char *path, char **ret, struct hull_error **err)
{
	const char *slash = strrchr(path, '/'), *name = slash ? slash + 1 : path;
	cleanup_free char *dir = slash ? strndup(path, (size_t)(name - path)) : strdup(".");
	cleanup_free char *real = dir ? realpath(dir, NULL) : NULL;

	if (dir && !real)
		return hull_fail_errno(err, errno, "open '%s'", dir);
	*ret = real ? hull_path_join(strcmp(real, "/") ? real : "", name) : NULL;
	return *ret ? 0 : hull_fail_nomem(err);
}

int hull_maybe_file_parse(const char *value, char **slot, struct hull_error **err)
{
	char *path;

	if (absolute(value, &path, err) < 0)
		return -1;
	if (path[strlen(path) - 1] != '/')
		return replace(slot, path);
	free(path);
	return hull_fail(err, HULL_E_INVALID, "'%s' is a directory", value);
}

int hull_new_file_parse(const char *value, char **slot, struct hull_error **err)
{
	cleanup_free char *path = NULL, *dir = NULL;
	struct stat st;

	if (absolute(value, &path, err) < 0)
		return -1;
	if (path[strlen(path) - 1] == '/' || (lstat(path, &st) == 0 && !S_ISREG(st.st_mode)))
		return hull_fail(err, HULL_E_INVALID, "'%s' is not a regular file", value);
	dir = strndup(path, (size_t)(strrchr(path, '/') - path) + 1);
	if (!dir)
		return hull_fail_nomem(err);
	if (access(dir, W_OK | X_OK) < 0)
		return hull_fail_errno(err, errno, "make a file in '%s'", dir);
	return replace(slot, steal_ptr(&path));
}
