/* SPDX-License-Identifier: Apache-2.0
 *
 * Aliases and dependencies, see moddep.h.
 */
#define _GNU_SOURCE
#include "base/moddep.h"

#include "base/cleanup.h"

#include <fnmatch.h>
#include <string.h>

#define DEPTH_MAX 8 /* of soft dependencies, which may name aliases again */

/* Copies a word with "-" made "_" (but not inside [...] of a pattern); false if it is too long. */
static bool normal(const char *word, size_t len, char ret[HULL_MODDEP_NAME_MAX])
{
	bool bracket = false;

	if (!len || len >= HULL_MODDEP_NAME_MAX)
		return false;
	for (size_t i = 0; i < len; i++) {
		bracket = word[i] == '[' || (bracket && word[i] != ']');
		ret[i] = (char)(word[i] == '-' && !bracket ? '_' : word[i]);
	}
	ret[len] = '\0';
	return true;
}

/* The next word of a line, NULL at its end. */
static const char *next_word(const char **p, size_t *ret_len)
{
	const char *start = *p + strspn(*p, " \t");
	size_t len = strcspn(start, " \t\n");

	*p = start + len;
	*ret_len = len;
	return len ? start : NULL;
}

static const char *next_line(const char *line)
{
	const char *end = strchr(line, '\n');

	return end && end[1] ? end + 1 : NULL;
}

bool hull_moddep_name(const char *path, size_t len, char ret[HULL_MODDEP_NAME_MAX])
{
	const char *slash = memrchr(path, '/', len), *base = slash ? slash + 1 : path;
	size_t n = len - (size_t)(base - path);
	const char *dot = memchr(base, '.', n);

	return normal(base, dot ? (size_t)(dot - base) : n, ret);
}

static bool is_module(const char *path, size_t len, const char *name)
{
	char module[HULL_MODDEP_NAME_MAX];

	return hull_moddep_name(path, len, module) && !strcmp(module, name);
}

static int add_file(struct hull_strv *files, const char *path, size_t len)
{
	for (size_t i = 0; i < files->n; i++)
		if (strlen(files->v[i]) == len && !memcmp(files->v[i], path, len))
			return 0;
	return hull_strv_take(files, strndup(path, len));
}

/* A line "file: need needed-by-need ...": to be loaded from right to left, the file last. */
static int add_line(const char *line, struct hull_strv *files)
{
	size_t file_len = strcspn(line, ":\n"), at = strcspn(line, "\n");
	int r = 0;

	while (r == 0 && at > file_len + 1) {
		size_t end = at;

		while (end > file_len + 1 && line[end - 1] == ' ')
			end--;
		at = end;
		while (at > file_len + 1 && line[at - 1] != ' ')
			at--;
		if (end > at)
			r = add_file(files, line + at, end - at);
	}
	return r < 0 ? r : add_file(files, line, file_len);
}

static const char *find_dep(const char *dep, const char *name)
{
	for (const char *l = dep; l && *l; l = next_line(l))
		if (is_module(l, strcspn(l, ":\n"), name))
			return l;
	return NULL;
}

struct walk {
	const struct hull_moddep *m;
	struct hull_strv *files;
	struct hull_strv
		begun; /* modules, each of which is looked up once: the texts may be a maze */
};

static int resolve(struct walk *w, const char *name, int depth);

/* "softdep NAME pre: A B post: C" */
static int add_softdeps(struct walk *walk, const char *name, int depth)
{
	for (const char *l = walk->m->softdep; l && *l; l = next_line(l)) {
		const char *p = l, *w;
		char word[HULL_MODDEP_NAME_MAX];
		bool pre = false;
		size_t len;

		w = next_word(&p, &len);
		if (!w || len != 7 || memcmp(w, "softdep", 7))
			continue;
		w = next_word(&p, &len);
		if (!w || !normal(w, len, word) || strcmp(word, name))
			continue;
		while ((w = next_word(&p, &len))) {
			if (w[len - 1] == ':')
				pre = len == 4 && !memcmp(w, "pre:", 4);
			else if (pre && normal(w, len, word) &&
				 resolve(walk, word, depth + 1) == -ENOMEM)
				return -ENOMEM;
		}
	}
	return 0;
}

/* Whether a pattern can be dismissed by how it begins: nearly all are. */
static bool begins_otherwise(const char *pattern, size_t len, const char *name)
{
	for (size_t i = 0; i < len && !strchr("*?[\\", pattern[i]); i++)
		if ((pattern[i] == '-' ? '_' : pattern[i]) != name[i])
			return true;
	return false;
}

/* "alias PATTERN MODULE": every module that matches; several may serve one device. */
static int add_aliases(struct walk *walk, const char *name, int depth)
{
	int found = -ENOENT;

	for (const char *l = walk->m->alias; l && *l; l = next_line(l)) {
		char pattern[HULL_MODDEP_NAME_MAX], module[HULL_MODDEP_NAME_MAX];
		const char *p = l, *w;
		size_t len;
		int r;

		w = next_word(&p, &len);
		if (!w || len != 5 || memcmp(w, "alias", 5))
			continue;
		w = next_word(&p, &len);
		if (!w || begins_otherwise(w, len, name) || !normal(w, len, pattern) ||
		    fnmatch(pattern, name, 0))
			continue;
		w = next_word(&p, &len);
		if (!w || !normal(w, len, module) || !find_dep(walk->m->dep, module))
			continue;
		r = resolve(walk, module, depth + 1);
		if (r != -ENOENT)
			found = r;
		if (r == -ENOMEM)
			return r;
	}
	return found;
}

static bool has_begun(const struct walk *w, const char *module)
{
	for (size_t i = 0; i < w->begun.n; i++)
		if (!strcmp(w->begun.v[i], module))
			return true;
	return false;
}

static int resolve(struct walk *w, const char *name, int depth)
{
	const char *line = find_dep(w->m->dep, name);
	int r;

	if (depth > DEPTH_MAX)
		return -ENOENT;
	if (!line)
		return add_aliases(w, name, depth);
	if (has_begun(w, name))
		return 0;
	r = hull_strv_add(&w->begun, name);
	if (r == 0)
		r = add_softdeps(w, name, depth);
	return r < 0 ? r : add_line(line, w->files);
}

int hull_moddep_files(const struct hull_moddep *m, const char *name, struct hull_strv *ret_files)
{
	struct walk walk = {.m = m, .files = ret_files};
	char word[HULL_MODDEP_NAME_MAX];
	int r;

	if (!normal(name, strlen(name), word))
		return -ENOENT;
	r = resolve(&walk, word, 0);
	hull_strv_fini(&walk.begun);
	return r;
}
