/* SPDX-License-Identifier: Apache-2.0
 *
 * A description as vfkit's JSON, byte for byte: members in the order of the tables' rows, strings
 * escaped as Go's encoder does it by default, with HTML in mind.
 */
#define _GNU_SOURCE
#include "config/vfkit.h"

#include "base/cleanup.h"
#include "base/strbuf.h"
#include "base/utf8.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

/* The escape of an ASCII character; "" if it needs none. */
static const char *escape(unsigned char c, char *buffer, size_t size)
{
	static const char named[] = "\"\\\b\f\n\r\t", letters[] = "\"\\bfnrt";
	const char *at = c ? strchr(named, c) : NULL;

	if (at)
		snprintf(buffer, size, "\\%c", letters[at - named]);
	else if (c < ' ' || strchr("<>&", c))
		snprintf(buffer, size, "\\u%04x", c);
	else
		buffer[0] = '\0';
	return buffer;
}

static void add_string(struct hull_strbuf *out, const char *s)
{
	size_t len = strlen(s), plain = 0;
	char buffer[8];

	hull_strbuf_adds(out, "\"");
	for (size_t i = 0; i < len;) {
		size_t n = hull_utf8_length(s + i, len - i);
		const char *instead = "";

		if (n == 0)
			instead = "\\ufffd";
		else if (n == 1)
			instead = escape((unsigned char)s[i], buffer, sizeof(buffer));
		else if (!memcmp(s + i, "\xe2\x80\xa8", n) || !memcmp(s + i, "\xe2\x80\xa9", n))
			instead = s[i + 2] == '\xa8' ? "\\u2028" : "\\u2029";
		if (*instead) {
			hull_strbuf_add(out, s + plain, i - plain);
			hull_strbuf_adds(out, instead);
			plain = i + (n ? n : 1);
		}
		i += n ? n : 1;
	}
	hull_strbuf_add(out, s + plain, len - plain);
	hull_strbuf_adds(out, "\"");
}

/* Starts a member of an object that "{" has opened. */
static void add_key(struct hull_strbuf *out, const char *key)
{
	if (out->len && out->data[out->len - 1] != '{')
		hull_strbuf_adds(out, ",");
	hull_strbuf_addf(out, "\"%s\":", key);
}

static void add_member(struct hull_strbuf *out, const struct hull_field *f, const void *object)
{
	const void *p = hull_field_at(f, object);
	bool omit = f->vfkit.flags & HULL_WORD_OMIT, flag;
	const char *s;

	switch (f->type) {
	case HULL_FIELD_TYPE_STRING:
		s = *(char *const *)p;
		if (s || !omit) {
			add_key(out, f->vfkit.json);
			add_string(out, s ? s : "");
		}
		break;
	case HULL_FIELD_TYPE_BOOL:
		flag = *(const bool *)p;
		if (flag || !omit) {
			add_key(out, f->vfkit.json);
			/* Only that there is a descriptor is told. */
			hull_strbuf_adds(out, f->vfkit.style == HULL_WORD_OBJECT ? "{}"
					      : flag				 ? "true"
										 : "false");
		}
		break;
	case HULL_FIELD_TYPE_I64:
		add_key(out, f->vfkit.json);
		hull_strbuf_addf(out, "%" PRId64, *(const int64_t *)p);
		break;
	default:
		add_key(out, f->vfkit.json);
		hull_strbuf_addf(out, "%" PRIu64, *(const uint64_t *)p);
		break;
	}
}

static void add_object(struct hull_strbuf *out, const struct hull_class *class, const void *object)
{
	hull_strbuf_adds(out, "{");
	if (class->json) {
		add_key(out, "kind");
		add_string(out, class->json);
	}
	for (size_t i = 0; i < class->fields.n; i++)
		if (class->fields.v[i].vfkit.json)
			add_member(out, &class->fields.v[i], object);
	hull_strbuf_adds(out, "}");
}

static void add_devices(struct hull_strbuf *out, const struct hull_vfkit *vm)
{
	add_key(out, "devices");
	for (size_t i = 0; i < vm->devices.n; i++) {
		hull_strbuf_adds(out, i ? "," : "[");
		add_object(out, &hull_device_classes[vm->devices.v[i].kind],
			   hull_device_object(&vm->devices.v[i]));
	}
	hull_strbuf_adds(out, "]");
}

static int take(struct hull_strbuf *out, char **ret, struct hull_error **err)
{
	char *text = hull_strbuf_steal(out);

	if (!text)
		return hull_fail_nomem(err);
	*ret = text;
	return 0;
}

int hull_vfkit_to_json(const struct hull_vfkit *vm, char **ret_text, struct hull_error **err)
{
	cleanup_strbuf struct hull_strbuf out = HULL_STRBUF_INIT;

	hull_strbuf_addf(&out, "{\"vcpus\":%" PRIu64 ",\"memoryBytes\":%" PRIu64 ",\"bootloader\":",
			 vm->cpus, vm->memory_bytes);
	if (vm->bootloader.kind == HULL_BOOT_NONE)
		hull_strbuf_adds(&out, "null");
	else
		add_object(&out, &hull_boot_classes[vm->bootloader.kind],
			   hull_bootloader_object(&vm->bootloader));
	if (vm->devices.n)
		add_devices(&out, vm);
	if (vm->has_timesync) {
		add_key(&out, "timesync");
		add_object(&out, &hull_timesync_class, &vm->timesync);
	}
	if (vm->has_ignition) {
		add_key(&out, "ignition");
		add_object(&out, &hull_ignition_class, &vm->ignition);
	}
	hull_strbuf_adds(&out, vm->nested ? ",\"nested\":true}" : "}");
	return take(&out, ret_text, err);
}

int hull_vfkit_strings_json(const struct hull_strv *list, char **ret_text, struct hull_error **err)
{
	cleanup_strbuf struct hull_strbuf out = HULL_STRBUF_INIT;

	hull_strbuf_adds(&out, "[");
	for (size_t i = 0; i < list->n; i++) {
		if (i)
			hull_strbuf_adds(&out, ",");
		add_string(&out, list->v[i]);
	}
	hull_strbuf_adds(&out, "]");
	return take(&out, ret_text, err);
}

static void device_unwritten(const struct hull_device *dev, size_t i, struct hull_strv *notes)
{
	if (dev->kind != HULL_DEVICE_NET)
		return;
	if (dev->net.socket && dev->net.fd >= 0)
		hull_strv_addf(notes, "devices[%zu]: the number of its descriptor is not in JSON",
			       i);
	if (dev->net.path && !dev->net.magic)
		hull_strv_addf(notes, "devices[%zu]: vfkitMagic=off is not in JSON and reads as on",
			       i);
}

int hull_vfkit_unwritten(const struct hull_vfkit *vm, struct hull_strv *notes)
{
	if (vm->bootloader.kind == HULL_BOOT_MACOS)
		hull_strv_add(notes,
			      "the macos bootloader has no kind in JSON and can't be read back");
	for (size_t i = 0; i < vm->devices.n; i++) {
		device_unwritten(&vm->devices.v[i], i, notes);
		if (hull_vfkit_unknown(&vm->devices.v[i], i, notes) < 0)
			return -ENOMEM;
	}
	return notes->failed ? -ENOMEM : 0;
}
