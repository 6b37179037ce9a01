/* SPDX-License-Identifier: Apache-2.0
 *
 * Commands, see command.h: a search along PATH that gives up where it could be wrong.
 */
#define _GNU_SOURCE
#include "vm/command.h"

#include "base/cleanup.h"
#include "base/strbuf.h"
#include "base/text.h"
#include "base/vec.h"

#include <limits.h>
#include <pwd.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* ---- what was not said ---- */

static int default_env(struct hull_strv *env, const char *name, const char *value,
		       struct hull_error **err)
{
	size_t len = strlen(name);

	for (size_t i = 0; i < env->n; i++)
		if (!strncmp(env->v[i], name, len) && env->v[i][len] == '=')
			return 0;
	return hull_strv_addf(env, "%s=%s", name, value) < 0 ? hull_fail_nomem(err) : 0;
}

bool hull_account_find(const char *user, struct hull_account *ret)
{
	FILE *f = fopen("/etc/passwd", "re");
	struct passwd pw, *found = NULL;
	uint64_t uid = UINT64_MAX;
	char buf[8192];

	(void)hull_parse_u64(user, UINT32_MAX - 1, &uid);
	while (f && fgetpwent_r(f, &pw, buf, sizeof(buf), &found) == 0 &&
	       strcmp(pw.pw_name, user) != 0 && pw.pw_uid != uid)
		found = NULL;
	if (f)
		(void)fclose(f);
	if (found) {
		ret->uid = pw.pw_uid;
		ret->gid = pw.pw_gid;
		snprintf(ret->home, sizeof(ret->home), "%s", pw.pw_dir);
	}
	return found;
}

/* Where root is at home.  The guest has the host's accounts, and would have to look it up in a file
 * of the host's, before the command starts. */
static int fill_home(struct hull_strv *env, char **cwd, struct hull_error **err)
{
	struct hull_account root;

	if (!hull_account_find("0", &root) || *root.home != '/')
		return 0;
	if (default_env(env, "HOME", root.home, err) < 0)
		return -1;
	if (*cwd || access(root.home, F_OK) < 0)
		return 0;
	*cwd = strdup(root.home);
	return *cwd ? 0 : hull_fail_nomem(err);
}

int hull_command_complete(struct hull_strv *env, char **cwd, bool host_home, bool terminal,
			  struct hull_error **err)
{
	static const char path[] = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";
	const char *term = getenv("TERM");

	if (host_home && fill_home(env, cwd, err) < 0)
		return -1;
	if (terminal && default_env(env, "TERM", term ? term : "linux", err) < 0)
		return -1;
	return default_env(env, "PATH", path, err) < 0 ? -1
						       : default_env(env, "LANG", "C.UTF-8", err);
}

/* ---- where it is ---- */

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
