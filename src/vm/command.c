/* SPDX-License-Identifier: Apache-2.0
 *
 * A search along PATH that gives up where it could be wrong.
 */
#define _GNU_SOURCE
#include "vm/command.h"

#include "base/cleanup.h"
#include "base/strbuf.h"
#include "base/vec.h"

#include <limits.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static const char *path_of(const struct hull_strv *env)
{
	for (size_t i = 0; i < env->n; i++)
		if (!strncmp(env->v[i], "PATH=", 5))
			return env->v[i] + 5;
	return NULL;
}

static bool is_in(const char *path, const char *dir)
{
	size_t n = strlen(dir);

	return !strncmp(path, dir, n) && (path[n] == '/' || path[n] == '\0');
}

/* A share on the directory, above it or below it; both free of links as far as they exist here. */
static bool may_be_covered(const struct hull_config *config, const char *dir)
{
	char real[PATH_MAX], target[PATH_MAX];

	if (!realpath(dir, real))
		return config->shares.n;
	for (size_t i = 0; i < config->shares.n; i++) {
		if (!realpath(config->shares.v[i].target, target))
			return true;
		if (is_in(real, target) || is_in(target, real))
			return true;
	}
	return false;
}

static bool is_program(const char *path)
{
	struct stat st;

	return stat(path, &st) == 0 && S_ISREG(st.st_mode) && st.st_mode & S_IXOTH;
}

void hull_command_locate(const struct hull_config *config, const char *name,
			 const struct hull_strv *env, struct hull_strbuf *ret)
{
	const char *p = path_of(env);

	if (config->root.kind != HULL_ROOT_HOST || !p || !*name || strchr(name, '/'))
		return;
	for (;; p++) {
		cleanup_strbuf struct hull_strbuf path = HULL_STRBUF_INIT;
		size_t n = strcspn(p, ":");

		(void)hull_strbuf_add(&path, p, n);
		if (*p != '/' || may_be_covered(config, hull_strbuf_str(&path)) ||
		    hull_strbuf_addf(&path, "/%s", name) < 0)
			return;
		if (is_program(hull_strbuf_str(&path))) {
			(void)hull_strbuf_adds(ret, hull_strbuf_str(&path));
			return;
		}
		p += n;
		if (!*p)
			return;
	}
}
