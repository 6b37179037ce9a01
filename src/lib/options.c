/* SPDX-License-Identifier: Apache-2.0
 *
 * Option structs into objects and back, see options.h.  On the way in they become hull's own JSON,
 * so that its reader says what is wrong with them.
 */
#define _GNU_SOURCE
#include "lib/options.h"

#include "base/cleanup.h"
#include "base/json.h"

#include <assert.h>
#include <string.h>

#define OPTIONS_MAX 4096 /* bytes that a struct of a newer library may have */

#define MEMBER(st, member, ctype, kind, key)                                      \
	{                                                                         \
		key, HULL_FIELD_OFFSET(struct st, member, ctype), HULL_LIB_##kind \
	}
#define TEXT(st, member) MEMBER(st, member, const char *, TEXT, #member)
#define U64(st, member) MEMBER(st, member, uint64_t, U64, #member)
#define I64(st, member) MEMBER(st, member, int64_t, I64, #member)
#define FLAG(st, member) MEMBER(st, member, uint64_t, FLAG, #member)
#define NOT(st, member, key) MEMBER(st, member, uint64_t, NOT, key)
#define SPECIAL(st, member) MEMBER(st, member, uint64_t, SPECIAL, NULL)

/* Every member is listed, and none hides in padding. */
#define COMPLETE(st, members)                                             \
	static_assert(sizeof(struct st) == 8 * (1 + ARRAY_SIZE(members)), \
		      "each member of struct " #st " stands in the list of its name")
#define SHADOW(st, members) .v = members, .n = ARRAY_SIZE(members), .size = sizeof(struct st)

/* ---- the structs ---- */

/* Of all disks with an image. */
#define IMAGE_MEMBERS(st)                                                                   \
	TEXT(st, path), TEXT(st, type), TEXT(st, id), FLAG(st, readonly), TEXT(st, format), \
		TEXT(st, cache), TEXT(st, aio), FLAG(st, discard), FLAG(st, outside)

static const struct hull_lib_member blk_members[] = {
	IMAGE_MEMBERS(hull_blk_options),
	U64(hull_blk_options, queues),
	FLAG(hull_blk_options, iothread),
};
COMPLETE(hull_blk_options, blk_members);

static const struct hull_lib_member nvme_members[] = {
	IMAGE_MEMBERS(hull_nvme_options),
	U64(hull_nvme_options, queues),
};
COMPLETE(hull_nvme_options, nvme_members);

static const struct hull_lib_member usb_members[] = {IMAGE_MEMBERS(hull_usb_options)};
COMPLETE(hull_usb_options, usb_members);

static const struct hull_lib_member nbd_members[] = {
	TEXT(hull_nbd_options, uri),	   TEXT(hull_nbd_options, id),
	I64(hull_nbd_options, timeout_ns), TEXT(hull_nbd_options, sync),
	FLAG(hull_nbd_options, readonly),
};
COMPLETE(hull_nbd_options, nbd_members);

static const struct hull_lib_member fs_members[] = {
	TEXT(hull_fs_options, dir),
	TEXT(hull_fs_options, tag),
	FLAG(hull_fs_options, readonly),
};
COMPLETE(hull_fs_options, fs_members);

static const struct hull_lib_member rosetta_members[] = {
	TEXT(hull_rosetta_options, tag),
	FLAG(hull_rosetta_options, install),
	FLAG(hull_rosetta_options, optional),
};
COMPLETE(hull_rosetta_options, rosetta_members);

static const struct hull_lib_member net_members[] = {
	FLAG(hull_net_options, nat),
	SPECIAL(hull_net_options, socket),
	I64(hull_net_options, fd),
	TEXT(hull_net_options, path),
	NOT(hull_net_options, no_magic, "magic"),
	TEXT(hull_net_options, mac),
	TEXT(hull_net_options, mode),
	U64(hull_net_options, mtu),
	TEXT(hull_net_options, features),
};
COMPLETE(hull_net_options, net_members);

static const struct hull_lib_member vsock_members[] = {
	U64(hull_vsock_options, port),
	TEXT(hull_vsock_options, path),
	NOT(hull_vsock_options, connect, "listen"),
};
COMPLETE(hull_vsock_options, vsock_members);

static const struct hull_lib_member serial_members[] = {
	TEXT(hull_serial_options, log),
	FLAG(hull_serial_options, stdio),
	FLAG(hull_serial_options, pty),
};
COMPLETE(hull_serial_options, serial_members);

static const struct hull_lib_member gpu_members[] = {
	I64(hull_gpu_options, width),
	I64(hull_gpu_options, height),
	FLAG(hull_gpu_options, gui),
};
COMPLETE(hull_gpu_options, gpu_members);

static const struct hull_lib_member input_members[] = {
	TEXT(hull_input_options, type),
};
COMPLETE(hull_input_options, input_members);

static const struct hull_lib_member efi_members[] = {
	TEXT(hull_efi_options, variable_store),
	FLAG(hull_efi_options, create),
};
COMPLETE(hull_efi_options, efi_members);

static const struct hull_lib_member linux_members[] = {
	TEXT(hull_linux_options, kernel),
	TEXT(hull_linux_options, initrd),
	TEXT(hull_linux_options, cmdline),
};
COMPLETE(hull_linux_options, linux_members);

static const struct hull_lib_member macos_members[] = {
	TEXT(hull_macos_options, machine_id),
	TEXT(hull_macos_options, hardware_model),
	TEXT(hull_macos_options, aux_image),
};
COMPLETE(hull_macos_options, macos_members);

/* A descriptor is one by the word "fd" alone, and may be 0; without a word there is NAT. */
static int complete_net(const void *options, struct hull_json *json, struct hull_error **err)
{
	const struct hull_net_options *net = options;
	int r = 0;

	if (net->fd && !net->socket)
		return hull_fail(err, HULL_E_INVALID, "virtio-net: 'fd' needs 'socket'");
	if (net->socket)
		r = hull_json_set(json, "fd", hull_json_i64(net->fd));
	else if (!net->path || !*net->path)
		r = hull_json_set(json, "nat", hull_json_bool(true));
	return r < 0 ? hull_fail_nomem(err) : 0;
}

static void fill_net(const void *object, void *options)
{
	const struct hull_dev_net *net = object;
	struct hull_net_options *o = options;

	o->socket = net->socket;
	if (!net->socket)
		o->fd = 0;
	if (!net->path || hull_dev_net_is_stream(net))
		o->no_magic = 0; /* none is expected there */
}

const struct hull_lib_shadow hull_lib_devices[HULL_DEVICE_COUNT] = {
	[HULL_DEVICE_BLK] = {SHADOW(hull_blk_options, blk_members)},
	[HULL_DEVICE_NVME] = {SHADOW(hull_nvme_options, nvme_members)},
	[HULL_DEVICE_USB] = {SHADOW(hull_usb_options, usb_members)},
	[HULL_DEVICE_NBD] = {SHADOW(hull_nbd_options, nbd_members)},
	[HULL_DEVICE_FS] = {SHADOW(hull_fs_options, fs_members)},
	[HULL_DEVICE_ROSETTA] = {SHADOW(hull_rosetta_options, rosetta_members)},
	[HULL_DEVICE_NET] = {SHADOW(hull_net_options, net_members), complete_net, fill_net},
	[HULL_DEVICE_VSOCK] = {SHADOW(hull_vsock_options, vsock_members)},
	[HULL_DEVICE_SERIAL] = {SHADOW(hull_serial_options, serial_members)},
	[HULL_DEVICE_RNG] = {.size = sizeof(struct hull_rng_options)},
	[HULL_DEVICE_BALLOON] = {.size = sizeof(struct hull_balloon_options)},
	[HULL_DEVICE_GPU] = {SHADOW(hull_gpu_options, gpu_members)},
	[HULL_DEVICE_INPUT] = {SHADOW(hull_input_options, input_members)},
};

const struct hull_lib_shadow hull_lib_boots[HULL_BOOT_MACOS + 1] = {
	[HULL_BOOT_EFI] = {SHADOW(hull_efi_options, efi_members)},
	[HULL_BOOT_LINUX] = {SHADOW(hull_linux_options, linux_members)},
	[HULL_BOOT_MACOS] = {SHADOW(hull_macos_options, macos_members)},
};

/* ---- in ---- */

int hull_lib_options_copy(const void *options, void *copy, size_t size, struct hull_error **err)
{
	size_t theirs = size;

	memset(copy, 0, size);
	*(size_t *)copy = size;
	if (!options)
		return 0;
	memcpy(&theirs, options, sizeof(theirs));
	if (theirs < sizeof(size_t) || theirs > OPTIONS_MAX)
		return hull_fail(err, HULL_E_INVALID,
				 "options: size is %zu; it must be that of the struct", theirs);
	for (size_t i = size; i < theirs; i++)
		if (((const char *)options)[i])
			return hull_fail(err, HULL_E_UNSUPPORTED,
					 "options: a member is set that this version of the "
					 "library does not know");
	memcpy((char *)copy + sizeof(size_t), (const char *)options + sizeof(size_t),
	       MIN(size, theirs) - sizeof(size_t));
	return 0;
}

static int set_member(struct hull_json *json, const struct hull_lib_member *m, const void *options)
{
	const void *at = (const char *)options + m->offset;
	const char *text;
	uint64_t u;
	int64_t i;

	memcpy(&u, at, sizeof(u));
	if (!u)
		return 0;
	switch (m->type) {
	case HULL_LIB_TEXT:
		text = *(const char *const *)at;
		return *text ? hull_json_set(json, m->name, hull_json_string(text)) : 0;
	case HULL_LIB_U64:
		return hull_json_set(json, m->name, hull_json_u64(u));
	case HULL_LIB_I64:
		memcpy(&i, at, sizeof(i));
		return hull_json_set(json, m->name, hull_json_i64(i));
	case HULL_LIB_FLAG:
	case HULL_LIB_NOT:
		return hull_json_set(json, m->name, hull_json_bool(m->type == HULL_LIB_FLAG));
	case HULL_LIB_SPECIAL:
		break;
	}
	return 0;
}

/* hull's JSON of the options of a @kind. */
static int options_to_json(const struct hull_lib_shadow *shadow, const char *kind,
			   const void *options, struct hull_json **ret, struct hull_error **err)
{
	cleanup_json struct hull_json *json = hull_json_object();
	cleanup_free void *copy = malloc(shadow->size);

	if (!json || !copy || hull_json_set(json, "kind", hull_json_string(kind)) < 0)
		return hull_fail_nomem(err);
	if (hull_lib_options_copy(options, copy, shadow->size, err) < 0)
		return hull_prefix(err, "%s", kind);
	for (size_t i = 0; i < shadow->n; i++)
		if (set_member(json, &shadow->v[i], copy) < 0)
			return hull_fail_nomem(err);
	if (shadow->complete && shadow->complete(copy, json, err) < 0)
		return -1;
	*ret = steal_ptr(&json);
	return 0;
}

int hull_lib_device_make(enum hull_device_kind kind, const void *options,
			 struct hull_device *ret_dev, struct hull_error **err)
{
	const char *name = hull_device_classes[kind].name;
	const struct hull_field_where where = {.name = name};
	cleanup_json struct hull_json *json = NULL;
	struct hull_device dev = {0};

	if (options_to_json(&hull_lib_devices[kind], name, options, &json, err) < 0)
		return -1;
	if (hull_fields_from_json(&hull_device_fields, &dev, json, &where, err) < 0) {
		hull_device_fini(&dev);
		return -1;
	}
	*ret_dev = dev;
	return 0;
}

int hull_lib_boot_make(enum hull_boot_kind kind, const void *options,
		       struct hull_bootloader *ret_boot, struct hull_error **err)
{
	const struct hull_class *class = &hull_boot_classes[kind];
	const struct hull_field_where where = {.name = class->name};
	cleanup_json struct hull_json *json = NULL;
	struct hull_bootloader boot = {.kind = kind};

	if (options_to_json(&hull_lib_boots[kind], class->name, options, &json, err) < 0)
		return -1;
	hull_fields_init(&class->fields, hull_bootloader_object(&boot));
	if (hull_fields_from_json(&class->fields, hull_bootloader_object(&boot), json, &where,
				  err) < 0) {
		hull_bootloader_fini(&boot);
		return -1;
	}
	*ret_boot = boot;
	return 0;
}

/* ---- out ---- */

static const struct hull_field *find_row(const struct hull_fields *fields, const char *name)
{
	for (size_t i = 0; name && i < fields->n; i++)
		if (fields->v[i].name && !strcmp(fields->v[i].name, name))
			return &fields->v[i];
	return NULL;
}

/* A string goes to @strings, which is moved behind it. */
static void get_member(const struct hull_lib_member *m, const struct hull_field *f,
		       const void *object, void *options, char **strings)
{
	void *at = (char *)options + m->offset;
	const void *p = hull_field_at(f, object);
	uint64_t flag;
	const char *s;

	switch (m->type) {
	case HULL_LIB_TEXT:
		s = *(char *const *)p;
		if (!s)
			break;
		*(const char **)at = *strings;
		*strings = stpcpy(*strings, s) + 1;
		break;
	case HULL_LIB_U64:
	case HULL_LIB_I64:
		memcpy(at, p, sizeof(uint64_t));
		break;
	case HULL_LIB_FLAG:
	case HULL_LIB_NOT:
		flag = *(const bool *)p == (m->type == HULL_LIB_FLAG);
		memcpy(at, &flag, sizeof(flag));
		break;
	case HULL_LIB_SPECIAL:
		break;
	}
}

static size_t strings_size(const struct hull_lib_shadow *shadow, const struct hull_fields *fields,
			   const void *object)
{
	size_t n = 1;

	for (size_t i = 0; i < shadow->n; i++) {
		const struct hull_field *f = find_row(fields, shadow->v[i].name);
		const char *s = f && shadow->v[i].type == HULL_LIB_TEXT
					? *(char *const *)hull_field_at(f, object)
					: NULL;

		n += s ? strlen(s) + 1 : 0;
	}
	return n;
}

int hull_lib_options_get(const struct hull_lib_shadow *shadow, const struct hull_fields *fields,
			 const void *object, void *options, size_t size, void **ret_strings,
			 struct hull_error **err)
{
	cleanup_free void *ours = calloc(1, shadow->size);
	cleanup_free char *strings = calloc(1, strings_size(shadow, fields, object));
	char *at = strings;

	if (size < sizeof(size_t) || size > OPTIONS_MAX)
		return hull_fail(err, HULL_E_INVALID,
				 "options: size is %zu; it must be that of the struct", size);
	if (!ours || !strings)
		return hull_fail_nomem(err);
	for (size_t i = 0; i < shadow->n; i++) {
		const struct hull_field *f = find_row(fields, shadow->v[i].name);

		if (f)
			get_member(&shadow->v[i], f, object, ours, &at);
	}
	if (shadow->fill)
		shadow->fill(object, ours);
	*(size_t *)ours = size;
	memset(options, 0, size);
	memcpy(options, ours, MIN(size, shadow->size));
	*ret_strings = steal_ptr(&strings);
	return 0;
}
