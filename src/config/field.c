/* SPDX-License-Identifier: Apache-2.0
 *
 * The engine behind the field tables of field.h.  Values are reached through their offset; what
 * may be aliased by a differently typed declaration (enums, vectors) is copied with memcpy().
 */
#define _GNU_SOURCE
#include "config/field.h"

#include "base/cleanup.h"
#include "base/path.h"
#include "base/strbuf.h"
#include "base/text.h"

#include <assert.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#define STRING_MAX_LEN 4096 /* of an item in a list of strings */
#define KEY_SHOWN_LEN 64    /* of a key or value quoted in a message */

/* Any HULL_VEC(): they differ in the type of v only. */
struct any_vec {
	char *v;
	size_t n, cap;
};

static_assert(sizeof(enum hull_field_type) == sizeof(uint32_t), "enums are read as 32 bits");

static void add_where(struct hull_strbuf *b, const struct hull_field_where *w)
{
	if (!w)
		return;
	add_where(b, w->parent);
	if (w->name)
		hull_strbuf_addf(b, "%s%.*s", b->len ? "." : "", KEY_SHOWN_LEN, w->name);
	else if (w->parent)
		hull_strbuf_addf(b, "[%zu]", w->index);
}

static const struct hull_field_where *whole_of(const struct hull_field_where *w)
{
	while (w && w->parent)
		w = w->parent;
	return w;
}

/* 1 where problems are listed and the reading goes on, or -1. */
static int fail_text(struct hull_error **err, const struct hull_field_where *w, const char *text)
{
	cleanup_strbuf struct hull_strbuf line = HULL_STRBUF_INIT;
	const struct hull_field_where *whole = whole_of(w);
	struct hull_strv *problems = whole ? whole->problems : NULL;

	add_where(&line, w);
	hull_strbuf_addf(&line, "%s%s", line.len ? ": " : "", text);
	if (line.failed)
		return hull_fail_nomem(err);
	if (!problems)
		return hull_fail(err, HULL_E_INVALID, "%s", line.data);
	return hull_strv_add(problems, line.data) < 0 ? hull_fail_nomem(err) : 1;
}

static int fail(struct hull_error **err, const struct hull_field_where *w, const char *fmt, ...)
	HULL_PRINTF(3, 4);

static int fail(struct hull_error **err, const struct hull_field_where *w, const char *fmt, ...)
{
	cleanup_free char *text = NULL;
	va_list ap;

	va_start(ap, fmt);
	if (vasprintf(&text, fmt, ap) < 0)
		text = NULL;
	va_end(ap);
	return text ? fail_text(err, w, text) : hull_fail_nomem(err);
}

int hull_field_fail(const struct hull_field_where *where, struct hull_error **err)
{
	cleanup_strbuf struct hull_strbuf place = HULL_STRBUF_INIT;
	const struct hull_field_where *whole = whole_of(where);
	struct hull_strv *problems = whole ? whole->problems : NULL;
	cleanup_error struct hull_error *own = NULL;

	if (!err || hull_error_code(*err) != HULL_E_INVALID)
		return -1;
	add_where(&place, where);
	if (place.len)
		(void)hull_prefix(err, "%s", hull_strbuf_str(&place));
	if (!problems)
		return -1;
	own = steal_ptr(err);
	return hull_problem_add(problems, own) < 0 ? hull_fail_nomem(err) : 1;
}

int hull_problem_add(struct hull_strv *problems, const struct hull_error *err)
{
	const char *hint = hull_error_hint(err);

	return hull_strv_addf(problems, "%s%s%s%s", hull_error_message(err), *hint ? " (" : "",
			      hint, *hint ? ")" : "");
}

int hull_field_set_text(char **slot, const char *value)
{
	char *copy = *value ? strdup(value) : NULL;

	if (*value && !copy)
		return -ENOMEM;
	free(*slot);
	*slot = copy;
	return 0;
}

static void vec_free(const struct hull_fields *fields, struct any_vec *vec)
{
	for (size_t i = 0; i < vec->n; i++)
		hull_fields_fini(fields, vec->v + i * fields->size);
	free(vec->v);
	*vec = (struct any_vec){0};
}

static void init_one(const struct hull_field *f, void *p)
{
	uint32_t choice = (uint32_t)f->initial;
	bool flag = f->initial != 0;

	switch (f->type) {
	case HULL_FIELD_TYPE_U64:
	case HULL_FIELD_TYPE_I64:
	case HULL_FIELD_TYPE_SIZE:
		memcpy(p, &f->initial, sizeof(f->initial));
		break;
	case HULL_FIELD_TYPE_BOOL:
		memcpy(p, &flag, sizeof(flag));
		break;
	case HULL_FIELD_TYPE_ENUM:
		memcpy(p, &choice, sizeof(choice));
		break;
	case HULL_FIELD_TYPE_STRUCT:
		hull_fields_init(f->fields, p);
		break;
	case HULL_FIELD_TYPE_STRING:
	case HULL_FIELD_TYPE_STRINGS:
	case HULL_FIELD_TYPE_LIST:
		break; /* empty: zeroed already */
	}
}

void hull_fields_init(const struct hull_fields *fields, void *object)
{
	memset(object, 0, fields->size);
	for (size_t i = 0; i < fields->n; i++)
		init_one(&fields->v[i], hull_field_at(&fields->v[i], object));
}

void hull_fields_fini(const struct hull_fields *fields, void *object)
{
	struct any_vec vec;

	if (fields->own)
		fields->own->fini(object);
	for (size_t i = 0; i < fields->n; i++) {
		const struct hull_field *f = &fields->v[i];
		void *p = hull_field_at(f, object);

		switch (f->type) {
		case HULL_FIELD_TYPE_STRING:
			free(*(char **)p);
			*(char **)p = NULL; /* another row may mean the same field */
			break;
		case HULL_FIELD_TYPE_STRINGS:
			hull_strv_fini(p);
			break;
		case HULL_FIELD_TYPE_STRUCT:
			hull_fields_fini(f->fields, p);
			break;
		case HULL_FIELD_TYPE_LIST:
			memcpy(&vec, p, sizeof(vec));
			vec_free(f->fields, &vec);
			break;
		case HULL_FIELD_TYPE_U64:
		case HULL_FIELD_TYPE_I64:
		case HULL_FIELD_TYPE_SIZE:
		case HULL_FIELD_TYPE_BOOL:
		case HULL_FIELD_TYPE_ENUM:
			break;
		}
	}
	memset(object, 0, fields->size);
}

static int struct_from_json(const struct hull_fields *fields, void *object,
			    const struct hull_json *json, const struct hull_field_where *w,
			    struct hull_error **err);

/* The index of the name that @json is. */
static int name_from_json(const struct hull_field *f, const struct hull_json *json,
			  const struct hull_field_where *w, uint32_t *ret, struct hull_error **err)
{
	cleanup_strbuf struct hull_strbuf all = HULL_STRBUF_INIT;
	const char *s = hull_json_str(json);
	char near[HULL_NEAR_LEN];

	for (uint32_t i = 0; f->names[i]; i++) {
		hull_strbuf_addf(&all, "%s%s", i ? ", " : "", f->names[i]);
		if (s && !strcmp(s, f->names[i])) {
			*ret = i;
			return 0;
		}
	}
	if (!s)
		return fail(err, w, "must be one of %s", hull_strbuf_str(&all));
	if (*hull_did_you_mean(s, f->names, "", near))
		return fail(err, w, "unknown value '%.*s'%s", KEY_SHOWN_LEN, s, near);
	return fail(err, w, "unknown value '%.*s': must be one of %s", KEY_SHOWN_LEN, s,
		    hull_strbuf_str(&all));
}

static int string_from_json(const struct hull_field *f, void *p, const struct hull_json *json,
			    const struct hull_field_where *w, struct hull_error **err)
{
	const char *s = hull_json_str(json);
	uint32_t i;
	int r = f->names ? name_from_json(f, json, w, &i, err) : 0;

	if (r)
		return r;
	if (!s)
		return fail(err, w, "must be a string");
	if (strlen(s) > f->max)
		return fail(err, w, "must be at most %" PRIu64 " bytes long", f->max);
	return hull_field_set_text(p, s) < 0 ? hull_fail_nomem(err) : 0;
}

static bool is_switch(const struct hull_field *f, const struct hull_json *json)
{
	return f->flags & HULL_FIELD_SWITCH && hull_json_type(json) == HULL_JSON_BOOL;
}

static int number_from_json(const struct hull_field *f, void *p, const struct hull_json *json,
			    const struct hull_field_where *w, struct hull_error **err)
{
	const char *text = f->type == HULL_FIELD_TYPE_SIZE ? hull_json_str(json) : NULL;
	uint64_t v = 0;
	bool on;
	int r;

	if (is_switch(f, json)) {
		r = hull_json_get_bool(json, &on);
		v = on;
	} else {
		r = text ? hull_parse_size(text, &v) : hull_json_get_u64(json, &v);
	}
	if (r == -EINVAL && f->flags & HULL_FIELD_SWITCH)
		return fail(err, w, "must be true, false, or a size such as \"2M\"");
	if (r == -EINVAL && f->type == HULL_FIELD_TYPE_SIZE)
		return fail(err, w, "must be a number of bytes, or a size such as \"512M\"");
	if (r == -EINVAL)
		return fail(err, w, "must be a whole number");
	if (r < 0 || v < f->min || v > f->max)
		return fail(err, w, "must be between %" PRIu64 " and %" PRIu64, f->min, f->max);
	memcpy(p, &v, sizeof(v));
	return 0;
}

static int signed_from_json(const struct hull_field *f, void *p, const struct hull_json *json,
			    const struct hull_field_where *w, struct hull_error **err)
{
	int64_t v = 0, min = (int64_t)f->min, max = (int64_t)f->max;
	int r = hull_json_get_i64(json, &v);

	if (r == -EINVAL)
		return fail(err, w, "must be a whole number");
	if (r < 0 || v < min || v > max)
		return fail(err, w, "must be between %" PRId64 " and %" PRId64, min, max);
	memcpy(p, &v, sizeof(v));
	return 0;
}

static int enum_from_json(const struct hull_field *f, void *p, const struct hull_json *json,
			  const struct hull_field_where *w, struct hull_error **err)
{
	uint32_t i;
	int r = name_from_json(f, json, w, &i, err);

	if (r == 0)
		memcpy(p, &i, sizeof(i));
	return r;
}

static int check_array(const struct hull_field *f, const struct hull_json *json,
		       const struct hull_field_where *w, struct hull_error **err)
{
	if (hull_json_type(json) != HULL_JSON_ARRAY)
		return fail(err, w, "must be an array");
	if (hull_json_length(json) > f->max)
		return fail(err, w, "must have at most %" PRIu64 " items", f->max);
	return 0;
}

static int strings_from_json(const struct hull_field *f, void *p, const struct hull_json *json,
			     const struct hull_field_where *w, struct hull_error **err)
{
	cleanup_strv struct hull_strv list = {0};
	int r = check_array(f, json, w, err);

	if (r)
		return r;
	for (size_t i = 0; i < hull_json_length(json); i++) {
		const struct hull_field_where item = {.parent = w, .index = i};
		const char *s = hull_json_str(hull_json_at(json, i));

		if (!s)
			r = fail(err, &item, "must be a string");
		else if (strlen(s) > STRING_MAX_LEN)
			r = fail(err, &item, "must be at most %d bytes long", STRING_MAX_LEN);
		else if (hull_strv_add(&list, s) < 0)
			r = hull_fail_nomem(err);
		if (r < 0)
			return r;
	}
	hull_strv_fini(p);
	memcpy(p, &list, sizeof(list));
	list = (struct hull_strv){0};
	return 0;
}

static int list_from_json(const struct hull_field *f, void *p, const struct hull_json *json,
			  const struct hull_field_where *w, struct hull_error **err)
{
	size_t n = hull_json_length(json);
	struct any_vec list = {0}, old;
	int r = check_array(f, json, w, err);

	if (r)
		return r;
	if (n) {
		list.v = calloc(n, f->fields->size);
		if (!list.v)
			return hull_fail_nomem(err);
		list.cap = n;
	}
	for (; list.n < n && r >= 0; list.n++) {
		const struct hull_field_where item = {.parent = w, .index = list.n};
		void *object = list.v + list.n * f->fields->size;

		hull_fields_init(f->fields, object);
		r = struct_from_json(f->fields, object, hull_json_at(json, list.n), &item, err);
	}
	if (r < 0) {
		vec_free(f->fields, &list);
		return -1;
	}
	memcpy(&old, p, sizeof(old));
	memcpy(p, &list, sizeof(list));
	vec_free(f->fields, &old);
	return 0;
}

static int one_from_json(const struct hull_field *f, void *p, const struct hull_json *json,
			 const struct hull_field_where *w, struct hull_error **err)
{
	switch (f->type) {
	case HULL_FIELD_TYPE_STRING:
		return string_from_json(f, p, json, w, err);
	case HULL_FIELD_TYPE_U64:
	case HULL_FIELD_TYPE_SIZE:
		return number_from_json(f, p, json, w, err);
	case HULL_FIELD_TYPE_I64:
		return signed_from_json(f, p, json, w, err);
	case HULL_FIELD_TYPE_BOOL:
		if (hull_json_get_bool(json, p) < 0)
			return fail(err, w, "must be true or false");
		return 0;
	case HULL_FIELD_TYPE_ENUM:
		return enum_from_json(f, p, json, w, err);
	case HULL_FIELD_TYPE_STRINGS:
		return strings_from_json(f, p, json, w, err);
	case HULL_FIELD_TYPE_STRUCT:
		return struct_from_json(f->fields, p, json, w, err);
	case HULL_FIELD_TYPE_LIST:
		return list_from_json(f, p, json, w, err);
	}
	return hull_fail(err, HULL_E_INTERNAL, "field '%s' has no type", f->name);
}

struct reading {
	const struct hull_fields *fields;
	void *object;
	const struct hull_field_where *where;
	struct hull_error **err;
};

static bool is_hidden(const struct hull_field *f, const struct hull_field_where *w)
{
	const struct hull_field_where *whole = whole_of(w);

	return f->flags & HULL_FIELD_OURS && whole && whole->user;
}

static int fail_unknown(const struct hull_fields *fields, const struct hull_field_where *w,
			struct hull_error **err)
{
	cleanup_free const char **names = calloc(fields->n + 1, sizeof(*names));
	char near[HULL_NEAR_LEN];
	size_t n = 0;

	if (!names)
		return hull_fail_nomem(err);
	for (size_t i = 0; i < fields->n; i++)
		if (fields->v[i].name && !is_hidden(&fields->v[i], w))
			names[n++] = fields->v[i].name;
	return fail(err, w, "unknown key%s", hull_did_you_mean(w->name, names, "", near));
}

static int read_member(const struct reading *r, const char *key, struct hull_json *value)
{
	const struct hull_field_where w = {.parent = r->where, .name = key};

	if (r->fields->kind && !strcmp(key, "kind"))
		return 0; /* looked at already */
	for (size_t i = 0; i < r->fields->n; i++) {
		const struct hull_field *f = &r->fields->v[i];

		if (f->name && !strcmp(f->name, key) && !is_hidden(f, &w))
			return one_from_json(f, hull_field_at(f, r->object), value, &w, r->err);
	}
	return fail_unknown(r->fields, &w, r->err);
}

static int member_from_json(void *ctx, const char *key, struct hull_json *value)
{
	return read_member(ctx, key, value) < 0 ? -1 : 0;
}

static int struct_from_json(const struct hull_fields *fields, void *object,
			    const struct hull_json *json, const struct hull_field_where *w,
			    struct hull_error **err)
{
	const struct hull_field_where kind_at = {.parent = w, .name = "kind"};
	struct reading r = {fields, object, w, err};
	const char *kind;
	int failed = 0;

	if (fields->own)
		return fields->own->from_json(object, json, w, err);
	if (hull_json_type(json) != HULL_JSON_OBJECT)
		return fail(err, w, "must be an object");
	kind = hull_json_str(hull_json_get(json, "kind"));
	if (fields->kind && (!kind || strcmp(kind, fields->kind) != 0))
		return fail(err, &kind_at, "must be '%s'", fields->kind);
	if (hull_json_each(json, member_from_json, &r) < 0)
		return -1;
	for (size_t i = 0; i < fields->n; i++) {
		const struct hull_field_where at = {.parent = w, .name = fields->v[i].name};

		if (fields->v[i].flags & HULL_FIELD_REQUIRED &&
		    !hull_json_has(json, fields->v[i].name))
			failed = fail(err, &at, "missing");
		if (failed < 0)
			return failed;
	}
	return 0;
}

int hull_fields_from_json(const struct hull_fields *fields, void *object,
			  const struct hull_json *json, const struct hull_field_where *where,
			  struct hull_error **err)
{
	return struct_from_json(fields, object, json, where, err);
}

static struct hull_json *struct_to_json(const struct hull_fields *fields, const void *object,
					bool *ret_any);

static struct hull_json *strings_to_json(const struct hull_strv *list)
{
	struct hull_json *a = hull_json_array();

	for (size_t i = 0; a && i < list->n; i++)
		if (hull_json_append(a, hull_json_string(list->v[i])) < 0)
			hull_json_freep(&a);
	return a;
}

static struct hull_json *list_to_json(const struct hull_fields *fields, const struct any_vec *list)
{
	struct hull_json *a = hull_json_array();
	bool any;

	for (size_t i = 0; a && i < list->n; i++)
		if (hull_json_append(a, struct_to_json(fields, list->v + i * fields->size, &any)) <
		    0)
			hull_json_freep(&a);
	return a;
}

/* *ret_default: the value is what a reader would assume if it were left out. */
static struct hull_json *one_to_json(const struct hull_field *f, const void *p, bool *ret_default)
{
	const char *s;
	uint64_t number;
	uint32_t choice;
	struct any_vec list;
	bool flag;
	struct hull_json *j;

	switch (f->type) {
	case HULL_FIELD_TYPE_STRING:
		s = *(char *const *)p;
		*ret_default = !s;
		return hull_json_string(s ? s : "");
	case HULL_FIELD_TYPE_U64:
	case HULL_FIELD_TYPE_SIZE:
		memcpy(&number, p, sizeof(number));
		*ret_default = number == f->initial;
		if (f->flags & HULL_FIELD_SWITCH && number <= 1)
			return hull_json_bool(number);
		return hull_json_u64(number);
	case HULL_FIELD_TYPE_I64:
		memcpy(&number, p, sizeof(number));
		*ret_default = number == f->initial;
		return hull_json_i64((int64_t)number);
	case HULL_FIELD_TYPE_BOOL:
		memcpy(&flag, p, sizeof(flag));
		*ret_default = flag == (f->initial != 0);
		return hull_json_bool(flag);
	case HULL_FIELD_TYPE_ENUM:
		memcpy(&choice, p, sizeof(choice));
		*ret_default = choice == f->initial;
		return hull_json_string(f->names[choice]);
	case HULL_FIELD_TYPE_STRINGS:
		*ret_default = !((const struct hull_strv *)p)->n;
		return strings_to_json(p);
	case HULL_FIELD_TYPE_STRUCT:
		j = struct_to_json(f->fields, p, &flag);
		*ret_default = !flag;
		return j;
	case HULL_FIELD_TYPE_LIST:
		memcpy(&list, p, sizeof(list));
		*ret_default = !list.n;
		return list_to_json(f->fields, &list);
	}
	return NULL;
}

static struct hull_json *struct_to_json(const struct hull_fields *fields, const void *object,
					bool *ret_any)
{
	cleanup_json struct hull_json *json = fields->own ? NULL : hull_json_object();

	*ret_any = fields->kind != NULL || fields->own;
	if (fields->own)
		return fields->own->to_json(object);
	if (json && fields->kind && hull_json_set(json, "kind", hull_json_string(fields->kind)) < 0)
		return NULL;
	for (size_t i = 0; json && i < fields->n; i++) {
		const struct hull_field *f = &fields->v[i];
		bool is_default = false;
		struct hull_json *v;

		if (!f->name)
			continue;
		v = one_to_json(f, hull_field_at(f, object), &is_default);
		if (!v)
			return NULL;
		if (is_default && !(f->flags & (HULL_FIELD_ALWAYS | HULL_FIELD_REQUIRED))) {
			hull_json_free(v);
			continue;
		}
		if (hull_json_set(json, f->name, v) < 0)
			return NULL;
		*ret_any = true;
	}
	return steal_ptr(&json);
}

int hull_fields_to_json(const struct hull_fields *fields, const void *object,
			struct hull_json **ret, struct hull_error **err)
{
	bool any;
	struct hull_json *json = struct_to_json(fields, object, &any);

	if (!json)
		return hull_fail_nomem(err);
	*ret = json;
	return 0;
}

/* ---- paths ---- */

static int resolve_one(char **path, const char *dir)
{
	char *joined;

	if (!*path || **path == '/')
		return 0;
	joined = hull_path_join(dir, *path);
	if (!joined)
		return -ENOMEM;
	free(*path);
	*path = joined;
	return 0;
}

int hull_fields_resolve(const struct hull_fields *fields, void *object, const char *dir)
{
	int r = 0;

	if (fields->own)
		fields = fields->own->rows(object, &object);
	for (size_t i = 0; r == 0 && i < fields->n; i++) {
		const struct hull_field *f = &fields->v[i];
		void *p = hull_field_at(f, object);
		struct any_vec list = {0};

		if (f->flags & HULL_FIELD_PATH)
			r = resolve_one(p, dir);
		else if (f->type == HULL_FIELD_TYPE_STRUCT)
			r = hull_fields_resolve(f->fields, p, dir);
		else if (f->type == HULL_FIELD_TYPE_LIST)
			memcpy(&list, p, sizeof(list));
		for (size_t k = 0; r == 0 && k < list.n; k++)
			r = hull_fields_resolve(f->fields, list.v + k * f->fields->size, dir);
	}
	return r;
}
