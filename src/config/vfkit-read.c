/* SPDX-License-Identifier: Apache-2.0
 *
 * vfkit's JSON as a description.  Unlike the reader of our own it takes names inside objects in any
 * letter case, ignores what it does not know, gives no defaults and asks for nothing but kinds.
 *
 * What json-c can't tell apart from Go's reader, and no writer produces: of members with exactly
 * the same name it keeps the last without looking at the others.
 */
#define _GNU_SOURCE
#include "config/vfkit.h"

#include "base/cleanup.h"
#include "base/json.h"
#include "base/strbuf.h"
#include "base/text.h"
#include "base/utf8.h"

#include <inttypes.h>
#include <string.h>

/* ---- names in any letter case ---- */

/* The next letter in lower case.  Two characters beyond ASCII fold to letters of it. */
static char next_folded(const char **s)
{
	char c = **s;

	if (!strncmp(*s, "\xc5\xbf", 2)) { /* long s */
		*s += 2;
		return 's';
	}
	if (!strncmp(*s, "\xe2\x84\xaa", 3)) { /* kelvin sign */
		*s += 3;
		return 'k';
	}
	*s += c != '\0';
	return c >= 'A' && c <= 'Z' ? (char)(c - 'A' + 'a') : c;
}

static bool same_name(const char *a, const char *b)
{
	for (;;) {
		char x = next_folded(&a), y = next_folded(&b);

		if (x != y)
			return false;
		if (!x)
			return true;
	}
}

/* ---- members ---- */

static int string_of(const struct hull_json *json, char **slot)
{
	cleanup_strbuf struct hull_strbuf text = HULL_STRBUF_INIT;
	const char *s = hull_json_str(json);
	char *copy = NULL;

	if (!s)
		return -EINVAL;
	hull_utf8_add(&text, s, strlen(s));
	if (*s && !(copy = hull_strbuf_steal(&text)))
		return -ENOMEM;
	free(*slot);
	*slot = copy;
	return 0;
}

static int value_of(const struct hull_field *f, void *object, const struct hull_json *json)
{
	void *p = hull_field_at(f, object);
	uint64_t v;
	int r;

	switch (f->type) {
	case HULL_FIELD_TYPE_STRING:
		return string_of(json, p);
	case HULL_FIELD_TYPE_BOOL:
		if (f->vfkit.style != HULL_WORD_OBJECT)
			return hull_json_get_bool(json, p);
		*(bool *)p = true;
		return hull_json_type(json) == HULL_JSON_OBJECT ? 0 : -EINVAL;
	case HULL_FIELD_TYPE_I64:
		return hull_json_get_i64(json, p);
	default:
		r = hull_json_get_u64(json, &v);
		if (r == 0 && v > f->max)
			r = -ERANGE;
		if (r == 0)
			*(uint64_t *)p = v;
		return r;
	}
}

static int fail_value(const struct hull_field *f, const char *key, int r, struct hull_error **err)
{
	const char *what = "a whole number";

	if (r == -ENOMEM)
		return hull_fail_nomem(err);
	if (f->type == HULL_FIELD_TYPE_STRING)
		what = "a string";
	else if (f->type == HULL_FIELD_TYPE_BOOL)
		what = f->vfkit.style == HULL_WORD_OBJECT ? "an object" : "true or false";
	else if (r == -ERANGE && f->type == HULL_FIELD_TYPE_U64)
		return hull_fail(err, HULL_E_INVALID, "%s: must be from 0 to %" PRIu64, key,
				 f->max);
	else if (r == -ERANGE)
		what = "a number of 64 bits";
	return hull_fail(err, HULL_E_INVALID, "%s: must be %s", key, what);
}

struct reading {
	const struct hull_fields *fields;
	void *object;
	uint64_t seen;
	struct hull_error **err;
};

static int read_member(void *ctx, const char *key, struct hull_json *value)
{
	struct reading *r = ctx;

	if (hull_json_type(value) == HULL_JSON_NULL)
		return 0;
	for (size_t i = 0; i < r->fields->n; i++) {
		const struct hull_field *f = &r->fields->v[i];
		int result;

		if (!f->vfkit.json || !same_name(f->vfkit.json, key))
			continue;
		result = value_of(f, r->object, value);
		if (result < 0)
			return fail_value(f, f->vfkit.json, result, r->err);
		r->seen |= UINT64_C(1) << i;
		return 0;
	}
	return 0;
}

/* Into zeroed memory. */
static int read_object(const struct hull_class *class, void *object, const struct hull_json *json,
		       struct hull_error **err)
{
	struct reading r = {&class->fields, object, 0, err};

	if (hull_json_type(json) != HULL_JSON_OBJECT)
		return hull_fail(err, HULL_E_INVALID, "must be an object");
	if (hull_json_each(json, read_member, &r) < 0)
		return -1;
	return class->read ? class->read(object, r.seen, err) : 0;
}

/* ---- kinds ---- */

struct kind {
	const char *name;
	bool wrong;
};

static int find_kind(void *ctx, const char *key, struct hull_json *value)
{
	struct kind *kind = ctx;

	if (!same_name(key, "kind") || hull_json_type(value) == HULL_JSON_NULL)
		return 0;
	kind->name = hull_json_str(value);
	kind->wrong |= !kind->name;
	return 0;
}

/* The row of @classes that the object's "kind" names. */
static int read_kind(const struct hull_class *classes, size_t n, const struct hull_json *json,
		     struct hull_error **err)
{
	const char *names[32];
	char near[HULL_NEAR_LEN];
	struct kind kind = {NULL, false};
	size_t known = 0;

	if (hull_json_type(json) != HULL_JSON_OBJECT)
		return hull_fail(err, HULL_E_INVALID, "must be an object");
	hull_json_each(json, find_kind, &kind);
	if (!kind.name || kind.wrong)
		return hull_fail(err, HULL_E_INVALID, "kind: %s",
				 kind.wrong ? "must be a string" : "missing");
	for (size_t i = 0; i < n; i++) {
		if (!classes[i].json)
			continue;
		if (!strcmp(kind.name, classes[i].json))
			return (int)i;
		names[known++] = classes[i].json;
	}
	names[known] = NULL;
	return hull_fail(err, HULL_E_INVALID, "kind: unknown '%s'%s", kind.name,
			 hull_did_you_mean(kind.name, names, "", near));
}

/* ---- the description ---- */

struct vm_reading {
	struct hull_vfkit *vm;
	struct hull_strv *notes; /* may be NULL */
	struct hull_error **err;
};

static int read_device(struct hull_vfkit *vm, const struct hull_json *json, struct hull_error **err)
{
	int kind = read_kind(hull_device_classes, HULL_DEVICE_COUNT, json, err);
	struct hull_device *dev;

	if (kind < 0)
		return -1;
	dev = hull_vec_push(&vm->devices);
	if (!dev)
		return hull_fail_nomem(err);
	dev->kind = (enum hull_device_kind)kind;
	return read_object(&hull_device_classes[kind], hull_device_object(dev), json, err);
}

static int read_devices(struct vm_reading *r, const struct hull_json *json)
{
	if (hull_json_type(json) != HULL_JSON_ARRAY)
		return hull_fail(r->err, HULL_E_INVALID, "devices: must be an array");
	for (size_t i = 0; i < hull_json_length(json); i++)
		if (read_device(r->vm, hull_json_at(json, i), r->err) < 0)
			return hull_prefix(r->err, "devices[%zu]", i);
	return 0;
}

static int read_bootloader(struct vm_reading *r, const struct hull_json *json)
{
	int kind = read_kind(hull_boot_classes, ARRAY_SIZE(hull_boot_classes), json, r->err);

	if (kind < 0)
		return hull_prefix(r->err, "bootloader");
	r->vm->bootloader.kind = (enum hull_boot_kind)kind;
	if (read_object(&hull_boot_classes[kind], hull_bootloader_object(&r->vm->bootloader), json,
			r->err) < 0)
		return hull_prefix(r->err, "bootloader");
	return 0;
}

static int read_timesync(struct vm_reading *r, const struct hull_json *json)
{
	if (read_object(&hull_timesync_class, &r->vm->timesync, json, r->err) < 0)
		return hull_prefix(r->err, "timesync");
	r->vm->has_timesync = true;
	return 0;
}

/* A wrong one is passed over, as vfkit does. */
static int read_ignition(struct vm_reading *r, const struct hull_json *json)
{
	struct hull_ignition *ignition = &r->vm->ignition;
	cleanup_error struct hull_error *wrong = NULL;

	if (read_object(&hull_ignition_class, ignition, json, &wrong) == 0) {
		r->vm->has_ignition = true;
		return 0;
	}
	hull_fields_fini(&hull_ignition_class.fields, ignition);
	if (hull_error_code(wrong) == HULL_E_NOMEM)
		return hull_error_move(r->err, &wrong);
	if (r->notes)
		hull_strv_addf(r->notes, "ignition is ignored: %s", hull_error_message(wrong));
	return 0;
}

static int read_number(struct vm_reading *r, const char *key, const struct hull_json *json,
		       uint64_t *slot)
{
	int result = hull_json_get_u64(json, slot);

	if (result == 0)
		return 0;
	return hull_fail(r->err, HULL_E_INVALID, "%s: must be a whole number%s", key,
			 result == -ERANGE ? " from 0 to 2^64-1" : "");
}

static int read_top(void *ctx, const char *key, struct hull_json *value)
{
	struct vm_reading *r = ctx;

	if (hull_json_type(value) == HULL_JSON_NULL)
		return 0;
	if (!strcmp(key, "vcpus"))
		return read_number(r, key, value, &r->vm->cpus);
	if (!strcmp(key, "memoryBytes"))
		return read_number(r, key, value, &r->vm->memory_bytes);
	if (!strcmp(key, "bootloader"))
		return read_bootloader(r, value);
	if (!strcmp(key, "devices"))
		return read_devices(r, value);
	if (!strcmp(key, "timesync"))
		return read_timesync(r, value);
	if (!strcmp(key, "ignition"))
		return read_ignition(r, value);
	if (!strcmp(key, "nested") && r->notes)
		hull_strv_add(r->notes, "nested is ignored: vfkit writes it, but does not read it");
	return 0;
}

int hull_vfkit_from_json(const char *text, size_t len, struct hull_vfkit *ret_vm,
			 struct hull_strv *notes, struct hull_error **err)
{
	struct vm_reading r = {ret_vm, notes, err};
	cleanup_json struct hull_json *json = NULL;

	memset(ret_vm, 0, sizeof(*ret_vm));
	if (hull_json_parse(text, len, &json, err) < 0)
		return -1;
	/* null reads as a description of nothing. */
	if (hull_json_type(json) != HULL_JSON_OBJECT && hull_json_type(json) != HULL_JSON_NULL)
		return hull_fail(err, HULL_E_INVALID, "JSON: must be an object");
	if (hull_json_each(json, read_top, &r) < 0)
		return -1;
	return notes && notes->failed ? hull_fail_nomem(err) : 0;
}
