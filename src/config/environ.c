/* SPDX-License-Identifier: Apache-2.0
 *
 * Assignments, see environ.h.
 */
#define _GNU_SOURCE
#include "config/environ.h"

#include "base/cleanup.h"

#include <stdio.h>
#include <string.h>

static size_t find(const struct hull_strv *env, const char *name, size_t len)
{
	size_t i = 0;

	while (i < env->n && (strncmp(env->v[i], name, len) != 0 || env->v[i][len] != '='))
		i++;
	return i;
}

static void remove_at(struct hull_strv *env, size_t i)
{
	free(env->v[i]);
	memmove(&env->v[i], &env->v[i + 1], (env->n - i) * sizeof(*env->v));
	env->n--;
}

int hull_environ_apply(struct hull_strv *env, const char *word, struct hull_error **err)
{
	size_t len = strcspn(word, "="), i = find(env, word, len);
	char *copy;

	if (!word[len]) {
		if (i < env->n)
			remove_at(env, i);
		return 0;
	}
	if (i == env->n && env->n >= HULL_ENVIRON_MAX)
		return hull_fail(err, HULL_E_INVALID, "more than %d variables", HULL_ENVIRON_MAX);
	copy = strdup(word);
	if (!copy)
		return hull_fail_nomem(err);
	if (i == env->n)
		return hull_strv_take(env, copy) < 0 ? hull_fail_nomem(err) : 0;
	free(env->v[i]);
	env->v[i] = copy;
	return 0;
}

int hull_environ_resolve(const char *word, hull_environ_own_fn own, char **ret_word,
			 struct hull_error **err)
{
	const char *value;
	char *s = NULL;

	if (!*word || *word == '=')
		return hull_fail(err, HULL_E_INVALID, "there is no variable name");
	value = strchr(word, '=') ? NULL : own(word);
	if (value ? asprintf(&s, "%s=%s", word, value) < 0 : !(s = strdup(word)))
		return hull_fail_nomem(err);
	*ret_word = s;
	return 0;
}

static bool is_blank(char c)
{
	return c == ' ' || (c >= '\t' && c <= '\r');
}

/* Whether the @len bytes are a name; one alone may have white space after it. */
static int check_name(const char *line, size_t len, struct hull_error **err)
{
	for (size_t i = 0; i < len; i++) {
		if (is_blank(line[i])) {
			hull_fail(err, HULL_E_INVALID, "a variable name has no white space in it");
			hull_hint(err, "write NAME=VALUE, without 'export' and without spaces "
				       "before the '='");
			return -1;
		}
		if ((unsigned char)line[i] < ' ' || line[i] == 0x7f)
			return hull_fail(err, HULL_E_INVALID,
					 "a variable name has no control characters in it");
	}
	return len ? 0 : hull_fail(err, HULL_E_INVALID, "there is no variable name");
}

static int read_line(struct hull_strv *env, const char *line, size_t len, hull_environ_own_fn own,
		     struct hull_error **err)
{
	cleanup_free char *word = NULL, *copy = NULL;
	const char *eq;

	while (len && is_blank(*line)) {
		line++;
		len--;
	}
	if (!len || *line == '#')
		return 0;
	if (memchr(line, '\0', len))
		return hull_fail(err, HULL_E_INVALID, "a NUL byte can't be in a variable");
	eq = memchr(line, '=', len);
	while (!eq && is_blank(line[len - 1]))
		len--;
	if (check_name(line, eq ? (size_t)(eq - line) : len, err) < 0)
		return -1;
	copy = strndup(line, len);
	if (!copy)
		return hull_fail_nomem(err);
	if (hull_environ_resolve(copy, own, &word, err) < 0)
		return -1;
	/* A bare name that the caller lacks says nothing about what stood before. */
	return strchr(word, '=') ? hull_environ_apply(env, word, err) : 0;
}

int hull_environ_read(struct hull_strv *env, const char *text, size_t len, hull_environ_own_fn own,
		      struct hull_error **err)
{
	static const char mark[] = "\xef\xbb\xbf"; /* some editors put it first */
	const char *p = text, *end = text + len;

	if (len >= 3 && !memcmp(p, mark, 3))
		p += 3;
	for (size_t number = 1; p < end; number++) {
		const char *nl = memchr(p, '\n', (size_t)(end - p)), *stop = nl ? nl : end;
		size_t n = (size_t)(stop - p);

		if (n && p[n - 1] == '\r' && nl)
			n--;
		if (read_line(env, p, n, own, err) < 0)
			return hull_prefix(err, "line %zu", number);
		p = nl ? nl + 1 : end;
	}
	return 0;
}
