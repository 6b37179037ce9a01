/* SPDX-License-Identifier: Apache-2.0
 *
 * hull's own JSON.  A handle keeps of it, as text, what the shared model has no place for, so that
 * nothing is lost on the way through; what is written is read again before it is handed out.
 */
#define _GNU_SOURCE
#include "lib/handle.h"

#include "base/json.h"
#include "base/strbuf.h"
#include "config/dialect.h"

#include <inttypes.h>
#include <string.h>

#define MIB (UINT64_C(1) << 20)

/* ---- members that are kept ---- */

/* Whether the shared model stands for a member, or the bootloader excludes it. */
static bool is_shared(const char *key, enum hull_boot_kind kind)
{
	static const char *const always[] = {"cpus", "memory", "devices", "ignition", "timesync"};
	static const char *const kernel[] = {"kernel", "initrd", "append"};

	for (size_t i = 0; i < ARRAY_SIZE(always); i++)
		if (!strcmp(key, always[i]))
			return true;
	for (size_t i = 0; kind != HULL_BOOT_NONE && i < ARRAY_SIZE(kernel); i++)
		if (!strcmp(key, kernel[i]))
			return true;
	return kind != HULL_BOOT_EFI && !strcmp(key, "firmware");
}

struct keeping {
	struct hull_json *json;
	enum hull_boot_kind kind;
};

static int keep_member(void *ctx, const char *key, struct hull_json *value)
{
	struct keeping *k = ctx;
	cleanup_free char *text = NULL;
	struct hull_json *copy;

	if (is_shared(key, k->kind))
		return 0;
	text = hull_json_text(value);
	if (!text || hull_json_parse(text, strlen(text), &copy, NULL) < 0)
		return -ENOMEM;
	return hull_json_set(k->json, key, copy);
}

/* The members of an object's text that a machine with that bootloader keeps. */
static int keep(const char *text, size_t len, enum hull_boot_kind kind, struct hull_json **ret,
		struct hull_error **err)
{
	cleanup_json struct hull_json *json = NULL, *kept = hull_json_object();
	struct keeping k = {kept, kind};

	if (hull_json_parse(text, len, &json, err) < 0)
		return -1;
	if (!kept || hull_json_each(json, keep_member, &k) < 0)
		return hull_fail_nomem(err);
	*ret = steal_ptr(&kept);
	return 0;
}

/* ---- reading ---- */

static int keep_text(struct hull_vm_config *c, const char *text, size_t len,
		     struct hull_error **err)
{
	cleanup_json struct hull_json *kept = NULL;

	if (keep(text, len, c->vm.bootloader.kind, &kept, err) < 0)
		return -1;
	c->own = hull_json_text(kept);
	return c->own ? 0 : hull_fail_nomem(err);
}

int hull_lib_own_read(struct hull_vm_config *c, const char *text, size_t len,
		      struct hull_error **err)
{
	cleanup_config struct hull_config config;
	cleanup_strv struct hull_strv notes = {0}; /* what they are about is kept */

	hull_config_init(&config);
	if (hull_config_read_user(text, len, NULL, &config, NULL, err) < 0)
		return -1;
	if (hull_config_machine_to_vfkit(&config, &c->vm, &notes) < 0)
		return hull_fail_nomem(err);
	if (keep_text(c, text, len, err) < 0)
		return -1;
	for (size_t i = 0; i < config.devices.n; i++) {
		struct hull_device dev = config.devices.v[i];

		config.devices.v[i] = (struct hull_device){0};
		if (hull_lib_push(c, &dev, err) < 0)
			return -1;
	}
	return 0;
}

/* ---- writing ---- */

/* As hull_config_from_vfkit() makes it. */
#define FOREIGN ",\"agent\":\"none\",\"rng\":false"
#define FOREIGN_X86 ",\"machine\":\"q35\"" FOREIGN
#define GOES_ON ",\"on_reboot\":\"reboot\"" /* which firmware does by itself */

static const char *foreign(const struct hull_vm_config *c)
{
	bool x86 = HULL_ARCH_HOST == HULL_ARCH_X86_64;

	if (c->vm.bootloader.kind == HULL_BOOT_NONE)
		return "{\"version\":1}";
	if (c->vm.bootloader.kind == HULL_BOOT_EFI)
		return x86 ? "{\"version\":1" FOREIGN_X86 "}" : "{\"version\":1" FOREIGN "}";
	return x86 ? "{\"version\":1" FOREIGN_X86 GOES_ON "}"
		   : "{\"version\":1" FOREIGN GOES_ON "}";
}

static int set_text(struct hull_json *json, const char *key, const char *text)
{
	return text ? hull_json_set(json, key, hull_json_string(text)) : 0;
}

/* What the firmware is made of stays as it was read. */
static int set_efi(struct hull_json *json, const struct hull_boot_efi *efi)
{
	static const char *const kept[] = {"code", "template"};
	const struct hull_json *old = hull_json_get(json, "firmware");
	struct hull_json *firmware = hull_json_object();
	int r = firmware ? set_text(firmware, "kind", "efi") : -ENOMEM;

	if (r == 0)
		r = set_text(firmware, "store", efi->store);
	if (r == 0 && efi->create)
		r = hull_json_set(firmware, "create", hull_json_bool(true));
	for (size_t i = 0; r == 0 && old && i < ARRAY_SIZE(kept); i++)
		r = set_text(firmware, kept[i], hull_json_str(hull_json_get(old, kept[i])));
	if (r == 0)
		return hull_json_set(json, "firmware", firmware);
	hull_json_free(firmware);
	return r;
}

int hull_lib_append(struct hull_json *json, const char *key, struct hull_json *item)
{
	struct hull_json *list = hull_json_get(json, key);

	if (!list) {
		if (hull_json_set(json, key, hull_json_array()) < 0) {
			hull_json_free(item);
			return -ENOMEM;
		}
		list = hull_json_get(json, key);
	}
	return hull_json_append(list, item);
}

static int set_linux(struct hull_json *json, const struct hull_boot_linux *boot)
{
	if (set_text(json, "kernel", boot->kernel) < 0 ||
	    set_text(json, "initrd", boot->initrd) < 0)
		return -ENOMEM;
	return boot->cmdline ? hull_lib_append(json, "append", hull_json_string(boot->cmdline)) : 0;
}

static int set_boot(struct hull_json *json, const struct hull_bootloader *boot)
{
	if (boot->kind == HULL_BOOT_EFI)
		return set_efi(json, &boot->efi);
	return boot->kind == HULL_BOOT_LINUX ? set_linux(json, &boot->linux_boot) : 0;
}

static int set_devices(struct hull_json *json, const struct hull_vfkit *vm)
{
	int r = 0;

	for (size_t i = 0; r == 0 && i < vm->devices.n; i++)
		r = hull_lib_append(json, "devices",
				    hull_device_fields.own->to_json(&vm->devices.v[i]));
	return r;
}

static int set_services(struct hull_json *json, const struct hull_vfkit *vm)
{
	struct hull_json *timesync;

	if (vm->has_ignition && set_text(json, "ignition", vm->ignition.path) < 0)
		return -ENOMEM;
	if (!vm->has_timesync || !vm->timesync.port)
		return 0;
	timesync = hull_json_object();
	if (!timesync || hull_json_set(timesync, "port", hull_json_u64(vm->timesync.port)) < 0) {
		hull_json_free(timesync);
		return -ENOMEM;
	}
	return hull_json_set(json, "timesync", timesync);
}

/* In whole MiB, upwards: others can't be started. */
static uint64_t whole_memory(const struct hull_vm_config *c)
{
	uint64_t rest = c->vm.memory_bytes % MIB;

	return rest ? c->vm.memory_bytes - rest + MIB : c->vm.memory_bytes;
}

int hull_lib_own_object(const struct hull_vm_config *c, struct hull_json **ret,
			struct hull_error **err)
{
	cleanup_json struct hull_json *json = NULL;
	const char *text = c->own ? c->own : foreign(c);

	if (c->vm.bootloader.kind == HULL_BOOT_MACOS)
		return hull_fail(err, HULL_E_UNSUPPORTED,
				 "bootloader macos: macOS runs on Apple's computers only");
	if (keep(text, strlen(text), c->vm.bootloader.kind, &json, err) < 0)
		return -1;
	if (hull_json_set(json, "cpus", hull_json_u64(c->vm.cpus)) < 0 ||
	    hull_json_set(json, "memory", hull_json_u64(whole_memory(c))) < 0 ||
	    set_boot(json, &c->vm.bootloader) < 0 || set_devices(json, &c->vm) < 0 ||
	    set_services(json, &c->vm) < 0)
		return hull_fail_nomem(err);
	*ret = steal_ptr(&json);
	return 0;
}

int hull_lib_own_make(const struct hull_vm_config *c, struct hull_config *config, char **ret_text,
		      struct hull_error **err)
{
	cleanup_json struct hull_json *json = NULL;
	cleanup_free char *text = NULL;

	if (hull_lib_own_object(c, &json, err) < 0)
		return -1;
	text = hull_json_text(json);
	if (!text)
		return hull_fail_nomem(err);
	if (hull_config_read_user(text, strlen(text), NULL, config, NULL, err) < 0)
		return hull_prefix(err, "hull's dialect");
	if (ret_text)
		*ret_text = steal_ptr(&text);
	return 0;
}

int hull_lib_own_write(const struct hull_vm_config *c, char **ret_text, struct hull_error **err)
{
	cleanup_config struct hull_config config;

	hull_config_init(&config);
	return hull_lib_own_make(c, &config, ret_text, err);
}
