/* SPDX-License-Identifier: Apache-2.0
 *
 * The handle of a description: what a VM has one of.  See hull/config.h for every function.
 */
#define _GNU_SOURCE
#include "lib/handle.h"
#include "lib/options.h"

#include "base/strbuf.h"

#include <assert.h>
#include <string.h>

#define MIB_SHIFT 20
#define PORT_MAX UINT32_MAX /* of vsock */

static_assert(HULL_BOOTLOADER_NONE == HULL_BOOT_NONE && HULL_BOOTLOADER_EFI == HULL_BOOT_EFI &&
		      HULL_BOOTLOADER_LINUX == HULL_BOOT_LINUX &&
		      HULL_BOOTLOADER_MACOS == HULL_BOOT_MACOS,
	      "kinds of bootloaders are the same inside and outside");

void hull_free(void *memory)
{
	free(memory);
}

/* ---- making ---- */

struct hull_vm_config *hull_lib_config_new(void)
{
	struct hull_vm_config *c = calloc(1, sizeof(*c));

	if (c)
		pthread_mutex_init(&c->lock, NULL); /* a default one can't fail */
	return c;
}

void hull_vm_config_free(struct hull_vm_config *config)
{
	if (!config)
		return;
	hull_vfkit_fini(&config->vm);
	hull_strv_fini(&config->notes);
	free(config->own);
	pthread_mutex_destroy(&config->lock);
	free(config);
}

static int make_bootloader(const struct hull_bootloader_options *options,
			   struct hull_bootloader *ret, struct hull_error **err)
{
	struct hull_bootloader_options o;
	enum hull_boot_kind kind = HULL_BOOT_NONE;
	const void *given = NULL;

	if (hull_lib_options_copy(options, &o, sizeof(o), err) < 0)
		return hull_prefix(err, "bootloader");
	if (!!o.efi + !!o.linux_boot + !!o.macos != !!options)
		return hull_fail(err, HULL_E_INVALID,
				 "bootloader: exactly one of 'efi', 'linux_boot' and 'macos' is "
				 "needed");
	if (o.efi) {
		kind = HULL_BOOT_EFI;
		given = o.efi;
	} else if (o.linux_boot) {
		kind = HULL_BOOT_LINUX;
		given = o.linux_boot;
	} else if (o.macos) {
		kind = HULL_BOOT_MACOS;
		given = o.macos;
	}
	if (kind != HULL_BOOT_NONE)
		return hull_lib_boot_make(kind, given, ret, err);
	*ret = (struct hull_bootloader){.kind = HULL_BOOT_NONE};
	return 0;
}

static int make_memory(uint64_t mib, uint64_t *ret, struct hull_error **err)
{
	if (mib > UINT64_MAX >> MIB_SHIFT)
		return hull_fail(err, HULL_E_INVALID, "memory: more than 64 bits of bytes");
	*ret = mib << MIB_SHIFT;
	return 0;
}

int hull_vm_config_new(uint64_t vcpus, uint64_t memory_mib,
		       const struct hull_bootloader_options *bootloader,
		       struct hull_vm_config **ret_config, struct hull_error **err)
{
	cleanup_vm_config struct hull_vm_config *c = hull_lib_config_new();

	if (!c)
		return hull_fail_nomem(err);
	c->vm.cpus = vcpus;
	if (make_memory(memory_mib, &c->vm.memory_bytes, err) < 0 ||
	    make_bootloader(bootloader, &c->vm.bootloader, err) < 0)
		return -1;
	*ret_config = steal_ptr(&c);
	return 0;
}

/* ---- numbers ---- */

uint64_t hull_vm_config_get_vcpus(struct hull_vm_config *config)
{
	HULL_LIB_LOCKED(c, config);

	return c->vm.cpus;
}

void hull_vm_config_set_vcpus(struct hull_vm_config *config, uint64_t vcpus)
{
	HULL_LIB_LOCKED(c, config);

	c->vm.cpus = vcpus;
}

uint64_t hull_vm_config_get_memory_bytes(struct hull_vm_config *config)
{
	HULL_LIB_LOCKED(c, config);

	return c->vm.memory_bytes;
}

int hull_vm_config_set_memory_mib(struct hull_vm_config *config, uint64_t memory_mib,
				  struct hull_error **err)
{
	HULL_LIB_LOCKED(c, config);

	return make_memory(memory_mib, &c->vm.memory_bytes, err);
}

int hull_vm_config_get_nested(struct hull_vm_config *config)
{
	HULL_LIB_LOCKED(c, config);

	return c->vm.nested;
}

void hull_vm_config_set_nested(struct hull_vm_config *config, int on)
{
	HULL_LIB_LOCKED(c, config);

	c->vm.nested = on != 0;
}

/* ---- the bootloader ---- */

uint32_t hull_vm_config_bootloader_kind(struct hull_vm_config *config)
{
	HULL_LIB_LOCKED(c, config);

	return (uint32_t)c->vm.bootloader.kind;
}

static void take_bootloader(struct hull_vm_config *config, struct hull_bootloader *boot)
{
	HULL_LIB_LOCKED(c, config);

	hull_bootloader_fini(&c->vm.bootloader);
	c->vm.bootloader = *boot;
}

int hull_vm_config_set_bootloader(struct hull_vm_config *config,
				  const struct hull_bootloader_options *bootloader,
				  struct hull_error **err)
{
	struct hull_bootloader boot;

	if (make_bootloader(bootloader, &boot, err) < 0)
		return -1;
	take_bootloader(config, &boot);
	return 0;
}

int hull_vm_config_set_bootloader_text(struct hull_vm_config *config, const char *text,
				       struct hull_error **err)
{
	cleanup_strv struct hull_strv pieces = {0};
	struct hull_bootloader boot;

	if (hull_vfkit_split_quoted(hull_lib_text(text), &pieces, err) < 0 ||
	    hull_vfkit_parse_bootloader(&pieces, &boot, err) < 0)
		return -1;
	take_bootloader(config, &boot);
	return 0;
}

static int get_bootloader(struct hull_vm_config *config, enum hull_boot_kind kind, void *options,
			  size_t size, void **ret_strings, struct hull_error **err)
{
	HULL_LIB_LOCKED(c, config);
	const struct hull_bootloader *boot = &c->vm.bootloader;

	if (boot->kind != kind)
		return hull_fail(err, HULL_E_INVALID, "the bootloader is %s, not %s",
				 boot->kind == HULL_BOOT_NONE ? "missing"
							      : hull_boot_classes[boot->kind].name,
				 hull_boot_classes[kind].name);
	return hull_lib_options_get(&hull_lib_boots[kind], &hull_boot_classes[kind].fields,
				    hull_bootloader_object(boot), options, size, ret_strings, err);
}

int hull_vm_config_get_efi(struct hull_vm_config *config, struct hull_efi_options *options,
			   size_t size, void **ret_strings, struct hull_error **err)
{
	return get_bootloader(config, HULL_BOOT_EFI, options, size, ret_strings, err);
}

int hull_vm_config_get_linux(struct hull_vm_config *config, struct hull_linux_options *options,
			     size_t size, void **ret_strings, struct hull_error **err)
{
	return get_bootloader(config, HULL_BOOT_LINUX, options, size, ret_strings, err);
}

int hull_vm_config_get_macos(struct hull_vm_config *config, struct hull_macos_options *options,
			     size_t size, void **ret_strings, struct hull_error **err)
{
	return get_bootloader(config, HULL_BOOT_MACOS, options, size, ret_strings, err);
}

/* ---- time sync and Ignition ---- */

static void take_timesync(struct hull_vm_config *config, struct hull_timesync timesync)
{
	HULL_LIB_LOCKED(c, config);

	c->vm.timesync = timesync;
	c->vm.has_timesync = timesync.port != 0;
}

int hull_vm_config_set_timesync(struct hull_vm_config *config, uint64_t port,
				struct hull_error **err)
{
	if (port > PORT_MAX)
		return hull_fail(err, HULL_E_INVALID, "timesync: port must be at most %u",
				 PORT_MAX);
	take_timesync(config, (struct hull_timesync){.port = port});
	return 0;
}

int hull_vm_config_set_timesync_text(struct hull_vm_config *config, const char *text,
				     struct hull_error **err)
{
	struct hull_timesync timesync = {0};

	if (text && *text && hull_vfkit_parse_timesync(text, &timesync, err) < 0)
		return hull_prefix(err, "timesync '%s'", text);
	take_timesync(config, timesync);
	return 0;
}

uint64_t hull_vm_config_get_timesync(struct hull_vm_config *config)
{
	HULL_LIB_LOCKED(c, config);

	return c->vm.timesync.port;
}

static void take_ignition(struct hull_vm_config *config, struct hull_ignition ignition)
{
	HULL_LIB_LOCKED(c, config);

	hull_fields_fini(&hull_ignition_class.fields, &c->vm.ignition);
	c->vm.ignition = ignition;
	c->vm.has_ignition = ignition.path != NULL;
}

int hull_vm_config_set_ignition(struct hull_vm_config *config, const char *path,
				struct hull_error **err)
{
	struct hull_ignition ignition = {0};

	if (path && *path) {
		ignition.path = strdup(path);
		ignition.port = HULL_IGNITION_PORT;
		if (!ignition.path)
			return hull_fail_nomem(err);
	}
	take_ignition(config, ignition);
	return 0;
}

int hull_vm_config_set_ignition_text(struct hull_vm_config *config, const char *text,
				     struct hull_error **err)
{
	struct hull_ignition ignition = {0};

	if (text && *text && hull_vfkit_parse_ignition(text, &ignition, err) < 0)
		return hull_prefix(err, "ignition");
	take_ignition(config, ignition);
	return 0;
}

int hull_vm_config_get_ignition(struct hull_vm_config *config, char **ret_path,
				struct hull_error **err)
{
	HULL_LIB_LOCKED(c, config);
	char *path = c->vm.ignition.path ? strdup(c->vm.ignition.path) : NULL;

	if (c->vm.ignition.path && !path)
		return hull_fail_nomem(err);
	*ret_path = path;
	return 0;
}
