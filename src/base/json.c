/* SPDX-License-Identifier: Apache-2.0
 *
 * JSON values are json-c objects under another name: this file is the only one that knows.
 * What json-c is lax about is settled by a scan before it sees the text: NUL in any form (its keys
 * are C strings, so that "na\u0000me" would pass for "na"), control characters in strings, integers
 * that it would clamp to 64 bits, other forms of numbers, single quotes, and the words NaN and
 * Infinity.
 */
#define _GNU_SOURCE
#include "base/json.h"

#include "base/cleanup.h"

#include <json-c/json.h>
#include <stdio.h>
#include <string.h>

#define MAX_LEN ((size_t)16 << 20)
#define MAX_DEPTH 32

static struct json_object *unwrap(const struct hull_json *j)
{
	return (struct json_object *)(uintptr_t)j;
}

static struct hull_json *wrap(struct json_object *o)
{
	return (struct hull_json *)o;
}

static void tokener_freep(struct json_tokener **t)
{
	if (*t)
		json_tokener_free(*t);
}

static bool is_digit(char c)
{
	return c >= '0' && c <= '9';
}

static size_t scan_digits(const char *s, size_t len, size_t i)
{
	while (i < len && is_digit(s[i]))
		i++;
	return i;
}

/* Moves *at behind the number there, before which a minus may stand.  NULL, or what is wrong with
 * it, its being an integer outside [INT64_MIN, UINT64_MAX] included. */
static const char *scan_number(const char *s, size_t len, size_t *at)
{
	size_t i = *at, end = scan_digits(s, len, i), digits;
	bool negative = i > 0 && s[i - 1] == '-', over = false;
	uint64_t max = negative ? (uint64_t)INT64_MAX + 1 : UINT64_MAX, v = 0;

	if (end == i || (s[i] == '0' && end > i + 1))
		return end == i ? "digit expected" : "number with a leading zero";
	for (; i < end; i++) {
		uint64_t digit = (uint64_t)(s[i] - '0');

		if (v > (max - digit) / 10)
			over = true;
		else
			v = v * 10 + digit;
	}
	if (i < len && s[i] == '.') {
		end = scan_digits(s, len, i + 1);
		if (end == i + 1)
			return "digit expected";
		over = false;
		i = end;
	}
	if (i < len && (s[i] == 'e' || s[i] == 'E')) {
		digits = i + 1 + (i + 1 < len && (s[i + 1] == '+' || s[i + 1] == '-'));
		i = scan_digits(s, len, digits);
		if (i == digits)
			return "digit expected";
		over = false;
	}
	if (over)
		return "number out of range";
	*at = i;
	return NULL;
}

/* The end of the string that opens before @i, or SIZE_MAX with *ret_what. */
static size_t scan_string(const char *s, size_t len, size_t i, const char **ret_what,
			  size_t *ret_at)
{
	for (; i < len && s[i] != '"'; i++) {
		if ((unsigned char)s[i] < ' ') {
			*ret_what = "control character in a string";
			*ret_at = i;
			return SIZE_MAX;
		}
		if (s[i] != '\\')
			continue;
		if (len - i >= 6 && !memcmp(s + i, "\\u0000", 6)) {
			*ret_what = "NUL in a string";
			*ret_at = i;
			return SIZE_MAX;
		}
		i++;
	}
	return i < len ? i + 1 : len;
}

/* What is wrong with the text as far as json-c would not say so; NULL if nothing. */
static const char *scan(const char *s, size_t len, size_t *ret_at)
{
	const char *what = NULL;
	size_t i = 0;

	while (i < len && !what) {
		*ret_at = i;
		if (s[i] == '"') {
			i = scan_string(s, len, i + 1, &what, ret_at);
		} else if (s[i] == '-' || is_digit(s[i])) {
			i += s[i] == '-';
			what = scan_number(s, len, &i);
		} else if (s[i] == 'N' || s[i] == 'I' || s[i] == '\'') {
			what = "unexpected character";
		} else {
			i++;
		}
	}
	return what;
}

static int fail_at(struct hull_error **err, const char *data, size_t at, const char *what)
{
	size_t line = 1, column = 1;

	for (size_t i = 0; i < at; i++) {
		column++;
		if (data[i] == '\n') {
			line++;
			column = 1;
		}
	}
	return hull_fail(err, HULL_E_INVALID, "JSON line %zu, column %zu: %s", line, column, what);
}

static size_t skip_space(const char *s, size_t len, size_t i)
{
	while (i < len && (s[i] == ' ' || s[i] == '\t' || s[i] == '\n' || s[i] == '\r'))
		i++;
	return i;
}

/* json-c after the scan; *ret_at is where it stopped. */
static const char *tokenize(struct json_tokener *t, const char *data, size_t len, size_t *ret_at,
			    struct json_object **ret_object)
{
	enum json_tokener_error e;

	*ret_object = json_tokener_parse_ex(t, data, (int)len);
	e = json_tokener_get_error(t);
	*ret_at = MIN(json_tokener_get_parse_end(t), len);
	if (e == json_tokener_continue) {
		/* A number or word at the very end is complete only once something follows it. */
		*ret_object = json_tokener_parse_ex(t, "", 1);
		e = json_tokener_get_error(t);
		*ret_at = len;
	}
	switch (e) {
	case json_tokener_success:
		return NULL;
	case json_tokener_continue:
	case json_tokener_error_parse_eof:
		return "unexpected end";
	case json_tokener_error_depth:
		return "nested too deeply";
	default:
		return json_tokener_error_desc(e);
	}
}

int hull_json_parse(const char *data, size_t len, struct hull_json **ret, struct hull_error **err)
{
	cleanup_with(tokener_freep) struct json_tokener *t = NULL;
	struct json_object *o = NULL;
	const char *what;
	size_t at = 0;

	if (len > MAX_LEN)
		return hull_fail(err, HULL_E_INVALID, "JSON text above %zu bytes", MAX_LEN);
	if (len && memchr(data, '\0', len))
		return hull_fail(err, HULL_E_INVALID, "JSON text holds a NUL byte");
	what = scan(data, len, &at);
	if (what)
		return fail_at(err, data, at, what);

	t = json_tokener_new_ex(MAX_DEPTH);
	if (!t)
		return hull_fail_nomem(err);
	json_tokener_set_flags(t, JSON_TOKENER_STRICT | JSON_TOKENER_ALLOW_TRAILING_CHARS);
	what = len ? tokenize(t, data, len, &at, &o) : "unexpected end";
	if (what)
		return fail_at(err, data, at, what);
	at = skip_space(data, len, at);
	if (at < len) {
		json_object_put(o);
		return fail_at(err, data, at, "text after the value");
	}
	*ret = wrap(o);
	return 0;
}

void hull_json_free(struct hull_json *j)
{
	int saved = errno;

	json_object_put(unwrap(j));
	errno = saved;
}

struct hull_json *hull_json_object(void)
{
	return wrap(json_object_new_object());
}

struct hull_json *hull_json_array(void)
{
	return wrap(json_object_new_array());
}

struct hull_json *hull_json_string(const char *s)
{
	return wrap(json_object_new_string(s));
}

struct hull_json *hull_json_u64(uint64_t v)
{
	return wrap(json_object_new_uint64(v));
}

struct hull_json *hull_json_i64(int64_t v)
{
	return wrap(json_object_new_int64(v));
}

struct hull_json *hull_json_bool(bool v)
{
	return wrap(json_object_new_boolean(v));
}

int hull_json_set(struct hull_json *obj, const char *key, struct hull_json *value)
{
	if (value && json_object_object_add(unwrap(obj), key, unwrap(value)) == 0)
		return 0;
	hull_json_free(value);
	return -ENOMEM;
}

int hull_json_append(struct hull_json *arr, struct hull_json *value)
{
	if (value && json_object_array_add(unwrap(arr), unwrap(value)) == 0)
		return 0;
	hull_json_free(value);
	return -ENOMEM;
}

enum hull_json_type hull_json_type(const struct hull_json *j)
{
	switch (json_object_get_type(unwrap(j))) {
	case json_type_boolean:
		return HULL_JSON_BOOL;
	case json_type_int:
		return HULL_JSON_INT;
	case json_type_double:
		return HULL_JSON_DOUBLE;
	case json_type_string:
		return HULL_JSON_STRING;
	case json_type_array:
		return HULL_JSON_ARRAY;
	case json_type_object:
		return HULL_JSON_OBJECT;
	case json_type_null:
		break;
	}
	return HULL_JSON_NULL;
}

struct hull_json *hull_json_get(const struct hull_json *obj, const char *key)
{
	struct json_object *v = NULL;

	if (hull_json_type(obj) != HULL_JSON_OBJECT)
		return NULL;
	json_object_object_get_ex(unwrap(obj), key, &v);
	return wrap(v);
}

bool hull_json_has(const struct hull_json *obj, const char *key)
{
	return hull_json_type(obj) == HULL_JSON_OBJECT &&
	       json_object_object_get_ex(unwrap(obj), key, NULL);
}

size_t hull_json_length(const struct hull_json *arr)
{
	return hull_json_type(arr) == HULL_JSON_ARRAY ? json_object_array_length(unwrap(arr)) : 0;
}

struct hull_json *hull_json_at(const struct hull_json *arr, size_t i)
{
	return i < hull_json_length(arr) ? wrap(json_object_array_get_idx(unwrap(arr), i)) : NULL;
}

const char *hull_json_str(const struct hull_json *j)
{
	if (hull_json_type(j) != HULL_JSON_STRING)
		return NULL;
	return json_object_get_string(unwrap(j));
}

/* json-c keeps an integer signed or unsigned and clamps when asked for the other kind. */
int hull_json_get_u64(const struct hull_json *j, uint64_t *ret)
{
	if (hull_json_type(j) != HULL_JSON_INT)
		return -EINVAL;
	if (json_object_get_int64(unwrap(j)) < 0)
		return -ERANGE;
	*ret = json_object_get_uint64(unwrap(j));
	return 0;
}

int hull_json_get_i64(const struct hull_json *j, int64_t *ret)
{
	if (hull_json_type(j) != HULL_JSON_INT)
		return -EINVAL;
	if (json_object_get_uint64(unwrap(j)) > INT64_MAX)
		return -ERANGE;
	*ret = json_object_get_int64(unwrap(j));
	return 0;
}

int hull_json_get_bool(const struct hull_json *j, bool *ret)
{
	if (hull_json_type(j) != HULL_JSON_BOOL)
		return -EINVAL;
	*ret = json_object_get_boolean(unwrap(j));
	return 0;
}

int hull_json_each(const struct hull_json *obj,
		   int (*fn)(void *ctx, const char *key, struct hull_json *value), void *ctx)
{
	struct json_object_iterator it, end;

	if (hull_json_type(obj) != HULL_JSON_OBJECT)
		return 0;
	it = json_object_iter_begin(unwrap(obj));
	end = json_object_iter_end(unwrap(obj));
	for (; !json_object_iter_equal(&it, &end); json_object_iter_next(&it)) {
		int r = fn(ctx, json_object_iter_peek_name(&it),
			   wrap(json_object_iter_peek_value(&it)));

		if (r)
			return r;
	}
	return 0;
}

/* json-c keeps the text inside the object until that is freed: the caller gets a copy. */
char *hull_json_text(const struct hull_json *j)
{
	const char *s = json_object_to_json_string_ext(
		unwrap(j), JSON_C_TO_STRING_PLAIN | JSON_C_TO_STRING_NOSLASHESCAPE);

	return s ? strdup(s) : NULL;
}

char *hull_json_pretty(const struct hull_json *j)
{
	const char *s = json_object_to_json_string_ext(
		unwrap(j),
		JSON_C_TO_STRING_PRETTY | JSON_C_TO_STRING_SPACED | JSON_C_TO_STRING_NOSLASHESCAPE);
	char *text = NULL;

	if (s && asprintf(&text, "%s\n", s) < 0)
		text = NULL;
	return text;
}
