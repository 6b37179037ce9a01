/* SPDX-License-Identifier: Apache-2.0
 *
 * Finding programs.
 */
#define _GNU_SOURCE
#include "base/program.h"

#include "base/cleanup.h"
#include "base/path.h"
#include "config.h"

#include <dlfcn.h>
#include <limits.h>
#include <link.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* What /proc says of a program that has been replaced meanwhile has a word at its end, but the
 * directory right. */
static char *program_file(void)
{
	char exe[PATH_MAX];
	ssize_t n = readlink("/proc/self/exe", exe, sizeof(exe) - 1);

	return n > 0 ? strndup(exe, (size_t)n) : NULL;
}

/* The file that we are in: a shared library, else the program.  Where the library can't be found
 * any more, as by a relative path after a chdir(2), it is none. */
static char *our_file(void)
{
	struct link_map *map;
	Dl_info info;

	if (!dladdr1((void *)(uintptr_t)hull_program_path, &info, (void **)&map, RTLD_DL_LINKMAP) ||
	    !map->l_name || !*map->l_name)
		return program_file();
	return *map->l_name == '/' ? realpath(map->l_name, NULL) : NULL;
}

char *hull_program_beside(const char *sub)
{
	cleanup_free char *self = our_file();
	char *slash = self ? strrchr(self, '/') : NULL;

	if (!slash)
		return NULL;
	*slash = '\0';
	return hull_path_join(self, sub);
}

int hull_program_path(const char *name, char **ret_path, struct hull_error **err)
{
	cleanup_free char *near = hull_program_beside(name);

	if (near && access(near, X_OK) == 0) {
		*ret_path = steal_ptr(&near);
		return 0;
	}
	*ret_path = hull_path_join(HULL_LIBEXECDIR, name);
	if (!*ret_path)
		return hull_fail_nomem(err);
	if (access(*ret_path, X_OK) == 0)
		return 0;
	free(steal_ptr(ret_path));
	hull_fail(err, HULL_E_NOT_FOUND, "program '%s' is neither in our directory nor in '%s'",
		  name, HULL_LIBEXECDIR);
	hull_hint(err, "the installation is incomplete: install hull again");
	return -1;
}

bool hull_program_is(const char *path)
{
	struct stat st;

	return stat(path, &st) == 0 && S_ISREG(st.st_mode) && access(path, X_OK) == 0;
}

int hull_program_search(const char *name, char **ret_path)
{
	const char *dirs = getenv("PATH"), *end;

	if (!dirs || !*dirs)
		dirs = "/usr/local/bin:/usr/bin:/bin";
	for (; *dirs; dirs = *end ? end + 1 : end) {
		char *path = NULL;

		end = strchrnul(dirs, ':');
		if (*dirs != '/')
			continue; /* relative to wherever we happen to be: not from us */
		if (asprintf(&path, "%.*s/%s", (int)(end - dirs), dirs, name) < 0)
			return -ENOMEM;
		if (hull_program_is(path)) {
			*ret_path = path;
			return 1;
		}
		free(path);
	}
	return 0;
}
