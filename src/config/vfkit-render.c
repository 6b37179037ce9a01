/* SPDX-License-Identifier: Apache-2.0
 *
 * A description as vfkit's arguments: the rows of each table by their rank.
 */
#define _GNU_SOURCE
#include "config/vfkit.h"

#include "base/cleanup.h"
#include "base/json.h"
#include "base/strbuf.h"

#include <inttypes.h>
#include <string.h>

#define NS_PER_MS 1000000

static const char *string_of(const struct hull_field *f, const void *object)
{
	const char *s = *(char *const *)hull_field_at(f, object);

	return s ? s : "";
}

static bool is_empty(const struct hull_field *f, const void *object)
{
	return f->type == HULL_FIELD_TYPE_STRING ? !*string_of(f, object)
						 : *(const uint64_t *)hull_field_at(f, object) == 0;
}

/* A string that only some values are meant for is left out when it is another; but a disk's type
 * that vfkit does not know is kept. */
static bool is_rendered(const struct hull_field *f, const char *s)
{
	if (!f->names || f->vfkit.flags & HULL_WORD_EMPTY)
		return *s;
	for (size_t i = 0; f->names[i]; i++)
		if (!strcmp(s, f->names[i]))
			return true;
	return false;
}

/* Adds ",key" or ",key=value", or nothing. */
static void render_row(const struct hull_field *f, const void *object, struct hull_strbuf *out)
{
	const struct hull_vfkit_word *w = &f->vfkit;
	const void *p = hull_field_at(f, object);
	const char *s;

	switch (f->type) {
	case HULL_FIELD_TYPE_BOOL:
		if (*(const bool *)p != !!(w->flags & HULL_WORD_CLEARS))
			hull_strbuf_addf(out, ",%s", w->key);
		break;
	case HULL_FIELD_TYPE_I64:
		if (w->style != HULL_WORD_MS)
			hull_strbuf_addf(out, ",%s=%" PRId64, w->key, *(const int64_t *)p);
		else if (*(const int64_t *)p >= NS_PER_MS)
			hull_strbuf_addf(out, ",%s=%" PRId64, w->key,
					 *(const int64_t *)p / NS_PER_MS);
		break;
	case HULL_FIELD_TYPE_U64:
		hull_strbuf_addf(out, ",%s=%" PRIu64, w->key, *(const uint64_t *)p);
		break;
	default:
		s = string_of(f, object);
		if (w->style == HULL_WORD_NAME) {
			if (!strcmp(s, w->key))
				hull_strbuf_addf(out, ",%s", w->key);
		} else if (is_rendered(f, s)) {
			hull_strbuf_addf(out, ",%s=%s", w->key, s);
		}
		break;
	}
}

static const struct hull_field *find_rank(const struct hull_class *class, unsigned int rank)
{
	for (size_t i = 0; i < class->fields.n; i++)
		if (class->fields.v[i].vfkit.rank == rank)
			return &class->fields.v[i];
	return NULL;
}

static int check(const struct hull_class *class, const void *object, struct hull_error **err)
{
	const struct hull_field *f;

	for (unsigned int rank = 1; (f = find_rank(class, rank)) != NULL; rank++)
		if (f->vfkit.flags & HULL_WORD_NEEDED && is_empty(f, object))
			return hull_fail(err, HULL_E_INVALID, "'%s' is needed", f->vfkit.key);
	return class->check ? class->check(object, err) : 0;
}

static int render_options(const struct hull_class *class, const void *object,
			  struct hull_strbuf *out, struct hull_error **err)
{
	const struct hull_field *f;

	if (check(class, object, err) < 0)
		return -1;
	if (class->render && class->render(object, out, err) < 0)
		return -1;
	for (unsigned int rank = 1; !class->render && (f = find_rank(class, rank)) != NULL; rank++)
		render_row(f, object, out);
	return out->failed ? hull_fail_nomem(err) : 0;
}

/* Disks that were read from JSON have brought their word along. */
static const char *device_word(const struct hull_device *dev)
{
	const char *word;

	switch (dev->kind) {
	case HULL_DEVICE_BLK:
	case HULL_DEVICE_NVME:
	case HULL_DEVICE_USB:
		word = dev->disk.word;
		break;
	case HULL_DEVICE_NBD:
		word = dev->nbd.word;
		break;
	default:
		return hull_device_classes[dev->kind].name;
	}
	return word ? word : "";
}

int hull_vfkit_render_device(const struct hull_device *dev, struct hull_strbuf *out,
			     struct hull_error **err)
{
	const struct hull_class *class = &hull_device_classes[dev->kind];

	hull_strbuf_adds(out, device_word(dev));
	if (render_options(class, hull_device_object(dev), out, err) < 0)
		return hull_prefix(err, "%s", class->name);
	return 0;
}

static void add_flag(struct hull_strv *args, const char *flag, const char *value)
{
	hull_strv_add(args, flag);
	hull_strv_add(args, value ? value : "");
}

static int render_bootloader(const struct hull_bootloader *boot, struct hull_strv *args,
			     struct hull_error **err)
{
	cleanup_strbuf struct hull_strbuf value = HULL_STRBUF_INIT;
	const struct hull_class *class = &hull_boot_classes[boot->kind];

	switch (boot->kind) {
	case HULL_BOOT_NONE:
		return hull_fail(err, HULL_E_INVALID, "bootloader: missing");
	case HULL_BOOT_MACOS:
		return 0; /* vfkit has no arguments for it */
	case HULL_BOOT_LINUX:
		if (check(class, &boot->linux_boot, err) < 0)
			return hull_prefix(err, "bootloader %s", class->name);
		add_flag(args, "--kernel", boot->linux_boot.kernel);
		add_flag(args, "--initrd", boot->linux_boot.initrd);
		add_flag(args, "--kernel-cmdline", boot->linux_boot.cmdline);
		return 0;
	case HULL_BOOT_EFI:
		break;
	}
	hull_strbuf_adds(&value, class->name);
	if (render_options(class, hull_bootloader_object(boot), &value, err) < 0)
		return hull_prefix(err, "bootloader %s", class->name);
	add_flag(args, "--bootloader", hull_strbuf_str(&value));
	return 0;
}

int hull_vfkit_render(const struct hull_vfkit *vm, struct hull_strv *args, struct hull_error **err)
{
	cleanup_strbuf struct hull_strbuf value = HULL_STRBUF_INIT;
	const uint64_t mib = 1 << 20;

	if (vm->cpus) {
		hull_strv_add(args, "--cpus");
		hull_strv_addf(args, "%" PRIu64, vm->cpus);
	}
	if (vm->memory_bytes) {
		hull_strv_add(args, "--memory");
		/* Wraps where vfkit's does: nobody has that much. */
		hull_strv_addf(args, "%" PRIu64, (vm->memory_bytes + mib - 1) / mib);
	}
	if (render_bootloader(&vm->bootloader, args, err) < 0)
		return -1;
	for (size_t i = 0; i < vm->devices.n; i++) {
		hull_strbuf_clear(&value);
		if (hull_vfkit_render_device(&vm->devices.v[i], &value, err) < 0)
			return hull_prefix(err, "devices[%zu]", i);
		add_flag(args, "--device", hull_strbuf_str(&value));
	}
	if (vm->has_ignition)
		add_flag(args, "--ignition", vm->ignition.path);
	if (vm->nested)
		hull_strv_add(args, "--nested");
	return args->failed ? hull_fail_nomem(err) : 0;
}

/* ---- what is lost ---- */

struct unknown {
	const struct hull_class *class;
	size_t index;
	struct hull_strv *notes;
};

/* Whether some row has a word of vfkit's for the field that is @name with us. */
static bool has_word(const struct hull_class *class, const char *name)
{
	const struct hull_field *f = class->fields.v, *ours = NULL;

	for (size_t i = 0; i < class->fields.n; i++)
		if (f[i].name && !strcmp(f[i].name, name))
			ours = &f[i];
	for (size_t i = 0; ours && i < class->fields.n; i++)
		if (f[i].offset == ours->offset && (f[i].vfkit.json || f[i].vfkit.key))
			return true;
	return !ours; /* the kind */
}

static int note_unknown(void *ctx, const char *key, struct hull_json *value)
{
	const struct unknown *u = ctx;

	if (has_word(u->class, key))
		return 0;
	return hull_strv_addf(u->notes, "devices[%zu].%s: vfkit has no place for it", u->index,
			      key);
}

int hull_vfkit_unknown(const struct hull_device *dev, size_t index, struct hull_strv *notes)
{
	struct unknown u = {&hull_device_classes[dev->kind], index, notes};
	cleanup_json struct hull_json *json = hull_device_fields.own->to_json(dev);

	return json ? hull_json_each(json, note_unknown, &u) : -ENOMEM;
}

static void device_unrendered(const struct hull_device *dev, size_t i, struct hull_strv *notes)
{
	if (dev->kind == HULL_DEVICE_GPU && dev->gpu.gui)
		hull_strv_addf(notes,
			       "devices[%zu].usesGUI has no argument of its own; '--gui' "
			       "says it",
			       i);
	if (dev->kind == HULL_DEVICE_SERIAL && dev->serial.pty_name)
		hull_strv_addf(notes, "devices[%zu].ptyName has no argument", i);
}

int hull_vfkit_unrendered(const struct hull_vfkit *vm, struct hull_strv *notes)
{
	if (vm->bootloader.kind == HULL_BOOT_MACOS)
		hull_strv_add(notes, "the macos bootloader has no arguments when rendered");
	for (size_t i = 0; i < vm->devices.n; i++) {
		device_unrendered(&vm->devices.v[i], i, notes);
		if (hull_vfkit_unknown(&vm->devices.v[i], i, notes) < 0)
			return -ENOMEM;
	}
	if (vm->has_timesync)
		hull_strv_addf(notes,
			       "timesync is not rendered; '--timesync vsockPort=%" PRIu64
			       "' says it",
			       vm->timesync.port);
	if (vm->has_ignition && vm->ignition.socket_path)
		hull_strv_add(notes, "ignition.socketPath has no argument");
	return notes->failed ? -ENOMEM : 0;
}
