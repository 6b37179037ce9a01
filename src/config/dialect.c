/* SPDX-License-Identifier: Apache-2.0
 *
 * vfkit's description as ours and back, see dialect.h.
 */
#define _GNU_SOURCE
#include "config/dialect.h"

#include "base/cleanup.h"
#include "base/json.h"
#include "base/strbuf.h"
#include "config/disk.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#define MIB (UINT64_C(1) << 20)

/* ---- from vfkit ---- */

/* Within the bounds that our table has for it. */
static int set_number(const char *name, uint64_t value, uint64_t *slot, struct hull_error **err)
{
	for (size_t i = 0; i < hull_config_fields.n; i++) {
		const struct hull_field *f = &hull_config_fields.v[i];

		if (!f->name || strcmp(f->name, name) != 0)
			continue;
		if (value < f->min || value > f->max)
			return hull_fail(err, HULL_E_INVALID,
					 "%s: must be %" PRIu64 " to %" PRIu64 ", not %" PRIu64,
					 name, f->min, f->max, value);
	}
	*slot = value;
	return 0;
}

static int needed(const char *loader, const char *key, struct hull_error **err)
{
	return hull_fail(err, HULL_E_INVALID, "bootloader %s: '%s' is needed", loader, key);
}

static int take_efi(struct hull_boot_efi *efi, struct hull_config *c, struct hull_error **err)
{
	if (!efi->store)
		return needed("efi", "variable-store", err);
	c->firmware.kind = HULL_FIRMWARE_EFI;
	c->firmware.store = steal_ptr(&efi->store);
	c->firmware.create = efi->create;
	return 0;
}

/* The command line is one word to us, whatever is in it: it must not be changed. */
static int take_linux(struct hull_boot_linux *boot, struct hull_config *c, struct hull_error **err)
{
	if (!boot->kernel)
		return needed("linux", "kernel", err);
	c->kernel = steal_ptr(&boot->kernel);
	c->initrd = steal_ptr(&boot->initrd);
	if (boot->cmdline && hull_strv_add(&c->append, boot->cmdline) < 0)
		return hull_fail_nomem(err);
	return 0;
}

static int take_bootloader(struct hull_bootloader *boot, struct hull_config *c,
			   struct hull_error **err)
{
	switch (boot->kind) {
	case HULL_BOOT_NONE:
		break;
	case HULL_BOOT_EFI:
		return take_efi(&boot->efi, c, err);
	case HULL_BOOT_LINUX:
		return take_linux(&boot->linux_boot, c, err);
	case HULL_BOOT_MACOS:
		(void)hull_fail(err, HULL_E_UNSUPPORTED,
				"bootloader macos: macOS runs on Apple's computers only");
		hull_hint(err, "what boots here is 'linux', a kernel of the host's, and 'efi', "
			       "what the disks hold");
		return -1;
	}
	return hull_fail(err, HULL_E_INVALID, "bootloader: missing");
}

static int take_devices(struct hull_vfkit *vm, struct hull_config *c, struct hull_error **err)
{
	if (vm->devices.n > HULL_CONFIG_MAX_DEVICES)
		return hull_fail(err, HULL_E_INVALID, "devices: more than %d",
				 HULL_CONFIG_MAX_DEVICES);
	for (size_t i = 0; i < vm->devices.n; i++) {
		const struct hull_device *d = &vm->devices.v[i];
		const struct hull_class *class = &hull_device_classes[d->kind];

		if (class->check && class->check(hull_device_object(d), err) < 0)
			return hull_prefix(err, "devices[%zu]: %s", i, class->name);
	}
	c->devices.v = vm->devices.v;
	c->devices.n = vm->devices.n;
	c->devices.cap = vm->devices.cap;
	vm->devices.v = NULL;
	vm->devices.n = vm->devices.cap = 0;
	return 0;
}

int hull_config_unowned(const struct hull_vfkit *vm, struct hull_strv *notes)
{
	static const char text[] = "%s: hull has no place for it";

	for (size_t i = 0; i < vm->devices.n; i++)
		if (vm->devices.v[i].kind == HULL_DEVICE_SERIAL && vm->devices.v[i].serial.pty_name)
			hull_strv_addf(notes, "devices[%zu].ptyName: hull has no place for it", i);
	if (vm->memory_bytes % MIB)
		hull_strv_add(notes, "memory: rounded up to whole MiB, as vfkit does");
	if (vm->has_ignition && vm->ignition.socket_path)
		hull_strv_addf(notes, text, "ignition.socketPath");
	if (vm->nested)
		hull_strv_addf(notes, text, "nested");
	return notes->failed ? -ENOMEM : 0;
}

int hull_config_from_vfkit(struct hull_vfkit *vm, struct hull_config *c, struct hull_strv *notes,
			   struct hull_error **err)
{
	uint64_t rest = vm->memory_bytes & (MIB - 1), memory = vm->memory_bytes - rest;

	if (hull_config_unowned(vm, notes) < 0)
		return hull_fail_nomem(err);
	if (set_number("cpus", vm->cpus, &c->cpus, err) < 0 ||
	    set_number("memory", memory + (rest ? MIB : 0), &c->memory_bytes, err) < 0 ||
	    take_bootloader(&vm->bootloader, c, err) < 0 || take_devices(vm, c, err) < 0)
		return -1;
	/* Its guests look for their devices on a PCI bus. */
	c->machine = c->arch == HULL_ARCH_X86_64 ? HULL_MACHINE_Q35 : HULL_MACHINE_AUTO;
	c->agent = HULL_AGENT_NONE;
	c->rng = false;
	if (!hull_policy_reboots(c))
		c->on_reboot = HULL_ON_REBOOT_REBOOT;
	if (vm->has_timesync)
		c->timesync = vm->timesync;
	if (vm->has_ignition)
		c->ignition = steal_ptr(&vm->ignition.path);
	return 0;
}

/* ---- to vfkit ---- */

static int note_key(void *ctx, const char *key, struct hull_json *value)
{
	/* What is looked at elsewhere, and what says no more than vfkit's machines do. */
	static const char *const known[] = {"version", "cpus",	   "memory",   "firmware",
					    "kernel",  "initrd",   "append",   "agent",
					    "machine", "disks",	   "devices",  "networks",
					    "rng",     "ignition", "timesync", "on_reboot"};

	for (size_t i = 0; i < ARRAY_SIZE(known); i++)
		if (!strcmp(key, known[i]))
			return 0;
	hull_strv_addf(ctx, "%s: vfkit has no place for it", key);
	return 0;
}

/* By the keys of the JSON, in which everything stands that is not as it is by default. */
static int note_rest(const struct hull_config *c, struct hull_strv *notes, struct hull_error **err)
{
	cleanup_json struct hull_json *json = NULL;

	if (hull_fields_to_json(&hull_config_fields, c, &json, err) < 0)
		return -1;
	(void)hull_json_each(json, note_key, notes);
	if (c->agent != HULL_AGENT_NONE)
		hull_strv_addf(notes, "agent: vfkit has no '%s'", hull_agent_names[c->agent]);
	if (c->machine != HULL_MACHINE_AUTO && c->machine != HULL_MACHINE_Q35)
		hull_strv_addf(notes, "machine: vfkit has no '%s'", hull_machine_names[c->machine]);
	if (c->on_reboot == HULL_ON_REBOOT_END)
		hull_strv_add(notes, "on_reboot: vfkit's machines go on when their guests reboot");
	return 0;
}

static int give_efi(struct hull_firmware *f, struct hull_vfkit *vm, struct hull_strv *notes)
{
	vm->bootloader.kind = HULL_BOOT_EFI;
	vm->bootloader.efi.store = steal_ptr(&f->store);
	vm->bootloader.efi.create = f->create;
	if (!vm->bootloader.efi.store)
		hull_strv_add(notes, "firmware.store: vfkit needs one");
	if (f->code)
		hull_strv_add(notes, "firmware.code: vfkit has no place for it");
	return 0;
}

static int give_linux(struct hull_config *c, struct hull_vfkit *vm)
{
	struct hull_boot_linux *boot = &vm->bootloader.linux_boot;
	cleanup_strbuf struct hull_strbuf line = HULL_STRBUF_INIT;

	for (size_t i = 0; i < c->append.n; i++)
		hull_strbuf_addf(&line, "%s%s", i ? " " : "", c->append.v[i]);
	vm->bootloader.kind = HULL_BOOT_LINUX;
	boot->kernel = steal_ptr(&c->kernel);
	boot->initrd = steal_ptr(&c->initrd);
	if (line.len)
		boot->cmdline = strdup(line.data);
	return line.failed || (line.len && !boot->cmdline) ? -ENOMEM : 0;
}

static int give_bootloader(struct hull_config *c, struct hull_vfkit *vm, struct hull_strv *notes)
{
	if (c->firmware.kind == HULL_FIRMWARE_EFI)
		return give_efi(&c->firmware, vm, notes);
	if (c->kernel)
		return give_linux(c, vm);
	return hull_strv_add(notes, "kernel: vfkit has none of its own");
}

/* NULL without memory. */
static struct hull_device *add(struct hull_vfkit *vm, enum hull_device_kind kind)
{
	struct hull_device *dev = hull_vec_push(&vm->devices);

	if (!dev || hull_device_init(dev, kind) == 0)
		return dev;
	vm->devices.n--;
	return NULL;
}

struct noting {
	const char *where;
	struct hull_strv *notes;
};

/* Of what beyond this a disk has, nothing can be said there. */
static int note_disk_key(void *ctx, const char *key, struct hull_json *value)
{
	static const char *const known[] = {"path", "readonly", "serial"};
	const struct noting *n = ctx;

	for (size_t i = 0; i < ARRAY_SIZE(known); i++)
		if (!strcmp(key, known[i]))
			return 0;
	return hull_strv_addf(n->notes, "%s.%s: vfkit has no place for it", n->where, key);
}

static int note_disk(const struct hull_disk *d, size_t i, struct hull_strv *notes)
{
	cleanup_json struct hull_json *json = NULL;
	char where[32];
	const struct noting noting = {where, notes};

	snprintf(where, sizeof(where), "disks[%zu]", i);
	if (hull_fields_to_json(&hull_disk_fields, d, &json, NULL) < 0)
		return -ENOMEM;
	return hull_json_each(json, note_disk_key, (void *)(uintptr_t)&noting);
}

static int give_disk(struct hull_disk *d, size_t i, struct hull_vfkit *vm, struct hull_strv *notes)
{
	struct hull_device *dev;

	if (!d->path || d->format != HULL_DISK_RAW)
		return hull_strv_addf(notes, "disks[%zu]: vfkit has no %s disks", i,
				      d->path ? hull_disk_format_names[d->format] : "scratch");
	if (note_disk(d, i, notes) < 0)
		return -ENOMEM;
	dev = add(vm, HULL_DEVICE_BLK);
	if (!dev)
		return -ENOMEM;
	dev->disk.path = steal_ptr(&d->path);
	dev->disk.readonly = d->readonly;
	dev->disk.id = steal_ptr(&d->serial);
	return 0;
}

static int give_network(struct hull_network *n, size_t i, struct hull_vfkit *vm,
			struct hull_strv *notes)
{
	struct hull_device *dev = add(vm, HULL_DEVICE_NET);

	if (!dev)
		return -ENOMEM;
	dev->net.nat = true;
	dev->net.mac = steal_ptr(&n->mac);
	if (n->ports.n)
		hull_strv_addf(notes, "networks[%zu].ports: vfkit has no place for them", i);
	if (n->provider != HULL_NETWORK_AUTO)
		hull_strv_addf(notes, "networks[%zu].provider: vfkit has no place for it", i);
	return 0;
}

/* Disks and networks first: that is the order in which our guests see them. */
static int give_devices(struct hull_config *c, struct hull_vfkit *vm, struct hull_strv *notes)
{
	int r = 0;

	for (size_t i = 0; r == 0 && i < c->disks.n; i++)
		r = give_disk(&c->disks.v[i], i, vm, notes);
	for (size_t i = 0; r == 0 && i < c->networks.n; i++)
		r = give_network(&c->networks.v[i], i, vm, notes);
	for (size_t i = 0; r == 0 && i < c->devices.n; i++) {
		struct hull_device *dev = hull_vec_push(&vm->devices);

		if (!dev)
			return -ENOMEM;
		*dev = c->devices.v[i];
		c->devices.v[i] = (struct hull_device){.kind = dev->kind};
	}
	if (r == 0 && c->rng && !add(vm, HULL_DEVICE_RNG))
		return -ENOMEM;
	return r;
}

int hull_config_machine_to_vfkit(struct hull_config *c, struct hull_vfkit *vm,
				 struct hull_strv *notes)
{
	vm->cpus = c->cpus;
	vm->memory_bytes = c->memory_bytes;
	vm->timesync = c->timesync;
	vm->has_timesync = c->timesync.port != 0;
	vm->has_ignition = c->ignition;
	vm->ignition.path = steal_ptr(&c->ignition);
	vm->ignition.port = vm->has_ignition ? HULL_IGNITION_PORT : 0;
	return give_bootloader(c, vm, notes);
}

int hull_config_to_vfkit(struct hull_config *c, struct hull_vfkit *vm, struct hull_strv *notes,
			 struct hull_error **err)
{
	if (note_rest(c, notes, err) < 0)
		return -1;
	if (hull_config_machine_to_vfkit(c, vm, notes) < 0 || give_devices(c, vm, notes) < 0 ||
	    notes->failed)
		return hull_fail_nomem(err);
	return 0;
}
