/* SPDX-License-Identifier: Apache-2.0
 *
 * JSON over json-c, which appears in no other header.  Input is bounded in length and depth;
 * look-ups never fail on a wrong type without saying which path was wrong.
 */
#ifndef HULL_BASE_JSON_H
#define HULL_BASE_JSON_H

#include "base/error.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct hull_json; /* a value; opaque, reference-counted underneath */

enum hull_json_type {
	HULL_JSON_NULL,
	HULL_JSON_BOOL,
	HULL_JSON_INT,
	HULL_JSON_DOUBLE,
	HULL_JSON_STRING,
	HULL_JSON_ARRAY,
	HULL_JSON_OBJECT,
};

/* Exactly one value and white space; at most 32 levels; duplicate keys: the last wins. */
int hull_json_parse(const char *data, size_t len, struct hull_json **ret, struct hull_error **err);
void hull_json_free(struct hull_json *j); /* NULL is fine: JSON null is represented by NULL */
static inline void hull_json_freep(struct hull_json **j)
{
	hull_json_free(*j);
	*j = NULL;
}
#define cleanup_json __attribute__((cleanup(hull_json_freep)))

struct hull_json *hull_json_object(void); /* NULL without memory, like all constructors */
struct hull_json *hull_json_array(void);
struct hull_json *hull_json_string(const char *s);
struct hull_json *hull_json_u64(uint64_t v);
struct hull_json *hull_json_i64(int64_t v);
struct hull_json *hull_json_bool(bool v);

/* Take @value (also on failure; a NULL value counts as no memory). 0 or -ENOMEM. */
int hull_json_set(struct hull_json *obj, const char *key, struct hull_json *value);
int hull_json_append(struct hull_json *arr, struct hull_json *value);

enum hull_json_type hull_json_type(const struct hull_json *j);
/* Borrowed; NULL if missing. */
struct hull_json *hull_json_get(const struct hull_json *obj, const char *key);
bool hull_json_has(const struct hull_json *obj, const char *key);
size_t hull_json_length(const struct hull_json *arr); /* 0 for what is no array */
struct hull_json *hull_json_at(const struct hull_json *arr, size_t i);
/* Borrowed strings; NULL if it is no string. */
const char *hull_json_str(const struct hull_json *j);
/* -EINVAL if no integer, -ERANGE if negative or too large. */
int hull_json_get_u64(const struct hull_json *j, uint64_t *ret);
int hull_json_get_i64(const struct hull_json *j, int64_t *ret);
int hull_json_get_bool(const struct hull_json *j, bool *ret);
/* Calls @fn for each member until it returns non-zero, which is returned. */
int hull_json_each(const struct hull_json *obj,
		   int (*fn)(void *ctx, const char *key, struct hull_json *value), void *ctx);

/* One line without a newline, keys in insertion order; NULL without memory.  Caller frees. */
char *hull_json_text(const struct hull_json *j);
char *hull_json_pretty(const struct hull_json *j); /* indented by two, trailing newline */

#endif
