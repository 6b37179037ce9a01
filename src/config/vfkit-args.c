/* SPDX-License-Identifier: Apache-2.0
 *
 * Lists of options ("virtio-blk,path=P,readonly") into the objects that the tables describe.
 */
#define _GNU_SOURCE
#include "config/vfkit.h"

#include "base/cleanup.h"
#include "base/strbuf.h"
#include "base/text.h"
#include "base/utf8.h"

#include <inttypes.h>
#include <string.h>

#define NS_PER_MS 1000000

/* ---- values ---- */

/* Decimal with an optional sign. */
static int parse_signed(const char *s, int64_t min, int64_t max, int64_t *ret)
{
	bool negative = *s == '-';
	uint64_t v, limit = (uint64_t)INT64_MAX + negative;
	int r = hull_parse_u64(s + (negative || *s == '+'), limit, &v);
	int64_t n;

	if (r < 0)
		return r;
	n = negative ? (int64_t)-v : (int64_t)v;
	if (n < min || n > max)
		return -ERANGE;
	*ret = n;
	return 0;
}

static bool is_name(const struct hull_field *f, const char *value)
{
	if (!f->names || (!*value && f->vfkit.flags & HULL_WORD_EMPTY))
		return true;
	for (size_t i = 0; f->names[i]; i++)
		if (!strcmp(value, f->names[i]))
			return true;
	return false;
}

static int set_value(const struct hull_field *f, void *object, const char *value)
{
	void *p = hull_field_at(f, object);
	int r = -EINVAL;
	int64_t ms;

	if (f->vfkit.set)
		return f->vfkit.set(object, value);
	if (f->vfkit.style == HULL_WORD_MS) {
		r = parse_signed(value, INT32_MIN, INT32_MAX, &ms);
		if (r == 0)
			*(int64_t *)p = ms * NS_PER_MS;
	} else if (f->type == HULL_FIELD_TYPE_STRING) {
		r = is_name(f, value) ? hull_field_set_text(p, value) : -EINVAL;
	} else if (f->type == HULL_FIELD_TYPE_U64) {
		r = hull_parse_u64(value, f->max, p);
		if (r == 0 && !f->vfkit.key && *(uint64_t *)p < f->min)
			r = -ERANGE;
	} else if (f->type == HULL_FIELD_TYPE_I64) {
		r = parse_signed(value, (int64_t)f->min, (int64_t)f->max, p);
	}
	return r;
}

/* By its name in our JSON, unless that tells of another unit. */
static const char *our_key(const struct hull_field *f, bool ours)
{
	return ours && f->vfkit.style != HULL_WORD_MS ? f->name : NULL;
}

static bool has_key(const struct hull_field *f, const char *key, bool ours)
{
	const char *own = our_key(f, ours);

	return (f->vfkit.key && !strcmp(key, f->vfkit.key)) || (own && !strcmp(key, own));
}

static bool is_word(const struct hull_field *f)
{
	if (!f->vfkit.key)
		return f->type == HULL_FIELD_TYPE_BOOL;
	return f->vfkit.style != HULL_WORD_VALUE && f->vfkit.style != HULL_WORD_MS;
}

static int set_word(const struct hull_field *f, void *object)
{
	void *p = hull_field_at(f, object);

	if (f->vfkit.style == HULL_WORD_NAME)
		return hull_field_set_text(p, f->vfkit.key);
	*(bool *)p = !(f->vfkit.flags & HULL_WORD_CLEARS);
	return 0;
}

/* ---- one option ---- */

static int fail_key(const struct hull_class *class, const char *key, bool ours,
		    struct hull_error **err)
{
	const char *names[64];
	char near[HULL_NEAR_LEN];
	size_t n = 0;

	for (size_t i = 0; i < class->fields.n && n < ARRAY_SIZE(names) - 2; i++) {
		const struct hull_field *f = &class->fields.v[i];

		if (f->vfkit.key)
			names[n++] = f->vfkit.key;
		if (our_key(f, ours))
			names[n++] = our_key(f, ours);
	}
	names[n] = NULL;
	return hull_fail(err, HULL_E_INVALID, "unknown option '%s'%s", key,
			 n ? hull_did_you_mean(key, names, "", near) : ": it takes none");
}

static int fail_value(const struct hull_field *f, const char *value, int r, struct hull_error **err)
{
	const char *key = f->vfkit.key ? f->vfkit.key : f->name;
	bool least = f->type == HULL_FIELD_TYPE_I64 || !f->vfkit.key;

	if (r == -ENOMEM)
		return hull_fail_nomem(err);
	if (f->vfkit.style == HULL_WORD_MS)
		return hull_fail(err, HULL_E_INVALID,
				 "'%s': must be a number from %d to %d, not '%s'", key, INT32_MIN,
				 INT32_MAX, value);
	if (f->type == HULL_FIELD_TYPE_U64 || f->type == HULL_FIELD_TYPE_I64)
		return hull_fail(err, HULL_E_INVALID,
				 "'%s': must be a number from %" PRIu64 " to %" PRIu64 ", not '%s'",
				 key, least ? f->min : 0, f->max, value);
	return hull_fail(err, HULL_E_INVALID, "'%s': must be %s, not '%s'", key, f->vfkit.metavar,
			 value);
}

/* @piece is "key" or "key=value", and is cut in two; an empty one is nothing. */
static int set_option(const struct hull_class *class, void *object, char *piece, bool ours,
		      uint64_t *seen, struct hull_error **err)
{
	char *value = strchr(piece, '=');
	int r;

	if (!*piece)
		return 0;
	if (value)
		*value++ = '\0';
	for (size_t i = 0; i < class->fields.n; i++) {
		const struct hull_field *f = &class->fields.v[i];
		bool word = is_word(f);

		if (!has_key(f, piece, ours))
			continue;
		if (word && f->vfkit.style != HULL_WORD_LOOSE && value && *value)
			return hull_fail(err, HULL_E_INVALID, "'%s' takes no value, not '%s'",
					 piece, value);
		r = word ? set_word(f, object) : set_value(f, object, value ? value : "");
		if (r < 0)
			return fail_value(f, value ? value : "", r, err);
		*seen |= UINT64_C(1) << i;
		return 0;
	}
	return fail_key(class, piece, ours, err);
}

/* @list is cut at its commas. */
static int set_options(const struct hull_class *class, void *object, char *list, bool ours,
		       struct hull_error **err)
{
	uint64_t seen = 0;

	for (char *piece; (piece = strsep(&list, ",")) != NULL;)
		if (set_option(class, object, piece, ours, &seen, err) < 0)
			return -1;
	return hull_class_finish(class, object, seen, err);
}

/* ---- what takes lists of options ---- */

static int find_class(const struct hull_class *classes, size_t n, const char *what,
		      const char *name, struct hull_error **err)
{
	const char *names[32];
	char near[HULL_NEAR_LEN];
	size_t known = 0;

	for (size_t i = 0; i < n; i++) {
		if (!classes[i].name)
			continue;
		if (!strcmp(name, classes[i].name))
			return (int)i;
		names[known++] = classes[i].name;
	}
	names[known] = NULL;
	return hull_fail(err, HULL_E_INVALID, "unknown %s '%s'%s", what, name,
			 hull_did_you_mean(name, names, "", near));
}

static int look_at_image(const char *path, const struct hull_vfkit_hooks *hooks,
			 struct hull_error **err)
{
	unsigned char head[4];
	size_t len = 0;

	if (hooks->read_image(hooks->ctx, path ? path : "", head, &len, err) < 0)
		return -1;
	if (!len)
		return hull_fail(err, HULL_E_INVALID, "image '%s' is empty", path);
	if (len >= sizeof(head) && !memcmp(head, "QFI\xfb", sizeof(head))) {
		hull_fail(err, HULL_E_INVALID, "image '%s' is in qcow2 format: it must be raw",
			  path);
		hull_hint(err, "'qemu-img convert -O raw' makes one of it");
		return -1;
	}
	return 0;
}

int hull_vfkit_parse_device(const char *text, const struct hull_vfkit_hooks *hooks,
			    struct hull_device *ret_dev, struct hull_error **err)
{
	cleanup_free char *list = strdup(text);
	const struct hull_class *class;
	struct hull_device dev;
	char *rest = list;
	int kind, r;

	if (!list)
		return hull_fail_nomem(err);
	kind = find_class(hull_device_classes, HULL_DEVICE_COUNT, "device", strsep(&rest, ","),
			  err);
	if (kind < 0)
		return -1;
	if (hull_device_init(&dev, (enum hull_device_kind)kind) < 0)
		return hull_fail_nomem(err);
	class = &hull_device_classes[kind];
	r = set_options(class, hull_device_object(&dev), rest, hooks && hooks->ours, err);
	if (r == 0 && class->opens_image && hooks && hooks->read_image)
		r = look_at_image(dev.disk.path, hooks, err);
	if (r < 0) {
		hull_device_fini(&dev);
		return hull_prefix(err, "%s", class->name);
	}
	*ret_dev = dev;
	return 0;
}

int hull_vfkit_parse_bootloader(const struct hull_strv *pieces, struct hull_bootloader *ret_boot,
				struct hull_error **err)
{
	struct hull_bootloader boot = {0};
	const struct hull_class *class;
	uint64_t seen = 0;
	int kind, r = 0;

	if (!pieces->n)
		return hull_fail(err, HULL_E_INVALID,
				 "no bootloader: '--bootloader' or '--kernel', '--initrd' and "
				 "'--kernel-cmdline' are needed");
	kind = find_class(hull_boot_classes, ARRAY_SIZE(hull_boot_classes), "bootloader",
			  pieces->v[0], err);
	if (kind < 0)
		return -1;
	class = &hull_boot_classes[kind];
	boot.kind = (enum hull_boot_kind)kind;
	for (size_t i = 1; i < pieces->n && r == 0; i++) {
		cleanup_free char *piece = strdup(pieces->v[i]);

		r = piece ? set_option(class, hull_bootloader_object(&boot), piece, false, &seen,
				       err)
			  : hull_fail_nomem(err);
	}
	if (r < 0) {
		hull_bootloader_fini(&boot);
		return hull_prefix(err, "bootloader %s", class->name);
	}
	*ret_boot = boot;
	return 0;
}

int hull_vfkit_parse_timesync(const char *text, struct hull_timesync *ret, struct hull_error **err)
{
	cleanup_free char *list = strdup(text);
	struct hull_timesync timesync = {0};

	if (!list)
		return hull_fail_nomem(err);
	if (set_options(&hull_timesync_class, &timesync, list, false, err) < 0)
		return -1;
	*ret = timesync;
	return 0;
}

int hull_vfkit_parse_ignition(const char *text, struct hull_ignition *ret, struct hull_error **err)
{
	struct hull_ignition ignition = {.port = HULL_IGNITION_PORT};

	if (!*text)
		return hull_fail(err, HULL_E_INVALID, "the path is empty");
	if (strchr(text, ','))
		return hull_fail(err, HULL_E_INVALID, "'%s': only one path, without commas", text);
	if (hull_field_set_text(&ignition.path, text) < 0)
		return hull_fail_nomem(err);
	*ret = ignition;
	return 0;
}

/* ---- lists with quotes ---- */

/* A piece that begins and ends with a quote loses all quotes at both ends. */
static int take_piece(struct hull_strv *pieces, struct hull_strbuf *piece)
{
	const char *s = hull_strbuf_str(piece);
	size_t len = piece->len;
	char *copy;

	if (len && s[0] == '"' && s[len - 1] == '"') {
		for (; len && *s == '"'; len--)
			s++;
		while (len && s[len - 1] == '"')
			len--;
	}
	copy = piece->failed ? NULL : strndup(s, len);
	hull_strbuf_clear(piece);
	return hull_strv_take(pieces, copy);
}

int hull_vfkit_split_quoted(const char *text, struct hull_strv *pieces, struct hull_error **err)
{
	cleanup_strbuf struct hull_strbuf piece = HULL_STRBUF_INIT;
	cleanup_strv struct hull_strv list = {0};
	bool quoted = false;
	size_t len;

	for (; *text; text += len) {
		len = quoted ? strcspn(text, "\"") : strcspn(text, "\",");
		hull_utf8_add(&piece, text, len);
		if (text[len] == '"') {
			quoted = !quoted;
			hull_strbuf_adds(&piece, "\"");
			len++;
		} else if (text[len] == ',') {
			take_piece(&list, &piece);
			len++;
		}
	}
	if (quoted)
		return hull_fail(err, HULL_E_INVALID, "a double quote has no partner");
	take_piece(&list, &piece);
	/* Nothing at all is no piece; nothing after a comma is an empty one. */
	for (size_t i = 0; i < list.n && !list.failed && (list.n > 1 || *list.v[0]); i++)
		if (hull_strv_add(pieces, list.v[i]) < 0)
			break;
	return list.failed || pieces->failed ? hull_fail_nomem(err) : 0;
}
