/* SPDX-License-Identifier: Apache-2.0
 *
 * Shares on the command line, see volume.h.
 */
#define _GNU_SOURCE
#include "cli/volume.h"

#include "base/cleanup.h"
#include "base/path.h"
#include "vm/dirs.h"

#include <limits.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define VOLUME_MAX 63

static const char usage[] = "write it SOURCE:TARGET, SOURCE:TARGET:ro, or NAME:TARGET for a volume";

/* Takes the target, and whether it is read-only, off the end of "TARGET[:ro|rw]". */
static int take_target(char *text, struct hull_share *s, const char *word, struct hull_error **err)
{
	char *option = strchr(text, ':');

	if (option) {
		*option++ = '\0';
		s->readonly = !strcmp(option, "ro");
		if (!s->readonly && strcmp(option, "rw")) {
			hull_fail(err, HULL_E_INVALID, "share '%s': '%s' is neither 'ro' nor 'rw'",
				  word, option);
			hull_hint(err, "%s", usage);
			return -1;
		}
	}
	if (*text != '/') {
		hull_fail(err, HULL_E_INVALID,
			  "share '%s': the target '%s' is not an absolute path", word, text);
		hull_hint(err, "%s", usage);
		return -1;
	}
	s->target = hull_path_clean(text);
	return s->target ? 0 : hull_fail_nomem(err);
}

static bool is_volume_name(const char *s)
{
	size_t n = strspn(s, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_.-");

	return n && !s[n] && n <= VOLUME_MAX && *s != '.' && *s != '-';
}

static int find_volume(const char *name, char **ret, struct hull_error **err)
{
	cleanup_free char *dir = NULL;
	cleanup_free char *path = NULL;
	int r;

	if (hull_dirs_state("volumes", &dir, err) < 0)
		return -1;
	path = hull_path_join(dir, name);
	if (!path)
		return hull_fail_nomem(err);
	r = hull_path_mkdirs(path, 0755);
	if (r < 0)
		return hull_fail_errno(err, -r, "make volume '%s' in '%s'", name, dir);
	*ret = steal_ptr(&path);
	return 0;
}

static int find_source(const char *text, char **ret, struct hull_error **err)
{
	char real[PATH_MAX];

	if (is_volume_name(text))
		return find_volume(text, ret, err);
	if (*text != '/' && *text != '.') {
		hull_fail(err, HULL_E_INVALID,
			  "share '%s': neither a path nor the name of a volume", text);
		hull_hint(err, "for a path beneath the current directory write './%s'", text);
		return -1;
	}
	if (!realpath(text, real)) {
		hull_fail_errno(err, errno, "share '%s'", text);
		if (hull_error_code(err ? *err : NULL) == HULL_E_NOT_FOUND)
			hull_hint(err, "make it first: mkdir -p '%s'", text);
		else if (hull_error_code(err ? *err : NULL) == HULL_E_DENIED)
			hull_hint(err, "share something that you may read yourself");
		return -1;
	}
	*ret = strdup(real);
	return *ret ? 0 : hull_fail_nomem(err);
}

int hull_volume_add(struct hull_config *config, const char *word, struct hull_error **err)
{
	cleanup_free char *copy = strdup(word);
	struct hull_share *s = hull_vec_push(&config->shares);
	char *colon = copy ? strchr(copy, ':') : NULL;

	if (!copy || !s)
		return hull_fail_nomem(err);
	if (!colon || colon == copy) {
		hull_fail(err, HULL_E_INVALID, "share '%s' has no %s", word,
			  colon ? "source" : "target");
		hull_hint(err, "%s", usage);
		return -1;
	}
	*colon = '\0';
	return take_target(colon + 1, s, word, err) < 0 ? -1 : find_source(copy, &s->source, err);
}

int hull_volume_add_here(struct hull_config *config, struct hull_error **err)
{
	cleanup_free char *cwd = getcwd(NULL, 0);
	struct hull_share *s;

	if (!cwd || *cwd != '/')
		return hull_fail_errno(err, cwd ? ENOENT : errno,
				       "share the current directory: find out where it is");
	if (!strcmp(cwd, "/")) {
		hull_fail(err, HULL_E_INVALID, "--here: the whole root directory can't be shared");
		hull_hint(err, "go to the directory that the command needs");
		return -1;
	}
	s = hull_vec_push(&config->shares);
	if (!s)
		return hull_fail_nomem(err);
	s->source = strdup(cwd);
	s->target = strdup(cwd);
	return s->source && s->target ? 0 : hull_fail_nomem(err);
}
