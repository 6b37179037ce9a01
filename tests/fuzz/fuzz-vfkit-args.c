/* SPDX-License-Identifier: Apache-2.0
 *
 * Any lines as vfkit's arguments, one a line: what makes a description must be written as JSON that
 * is read to the same; and what is rendered of it must make the same description again.
 */
#include "base/cleanup.h"
#include "config/vfkit.h"

#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

/* NULL if it is no command line of a machine's. */
static char *args_json(const struct hull_strv *words, struct hull_vfkit *vm)
{
	cleanup_vfkit_flags struct hull_vfkit_flags flags = {0};
	cleanup_error struct hull_error *err = NULL;
	char *json = NULL;
	int r = hull_vfkit_parse_flags(words->v, words->n, &flags, &err);

	if (r == 0 && !flags.help && !flags.version) {
		r = hull_vfkit_from_flags(&flags, NULL, vm, &err);
		if (r == 0 && hull_vfkit_to_json(vm, &json, NULL) < 0)
			abort();
	}
	if ((r < 0) != (err != NULL))
		abort();
	return json;
}

/* What is not rendered is not looked at. */
static void forget_unrendered(struct hull_vfkit *vm)
{
	vm->has_timesync = false;
	for (size_t i = 0; i < vm->devices.n; i++) {
		struct hull_device *dev = &vm->devices.v[i];

		if (dev->kind == HULL_DEVICE_GPU)
			dev->gpu.gui = false;
		if (dev->kind == HULL_DEVICE_NBD && dev->nbd.timeout_ns < 1000000)
			dev->nbd.timeout_ns = INT64_C(15000000000);
		if (dev->kind == HULL_DEVICE_NET && !dev->net.path)
			dev->net.magic = false;
	}
}

/* Quotes of a value that is rendered as it is are taken off when it is read. */
static bool has_rendered_quotes(const struct hull_strv *args)
{
	for (size_t i = 0; i < args->n; i++)
		if (!strncmp(args->v[i], "efi,", 4) && strchr(args->v[i], '"'))
			return true;
	return false;
}

static void check_render(struct hull_vfkit *vm)
{
	cleanup_strv struct hull_strv args = {0};
	cleanup_vfkit struct hull_vfkit second = {0};
	cleanup_free char *first_json = NULL, *second_json = NULL;
	const char *comma = vm->bootloader.kind == HULL_BOOT_EFI ? vm->bootloader.efi.store : NULL;

	if (vm->bootloader.kind == HULL_BOOT_MACOS || (comma && strchr(comma, ',')) ||
	    (vm->has_ignition && strchr(vm->ignition.path, ',')) ||
	    hull_vfkit_render(vm, &args, NULL) < 0 || has_rendered_quotes(&args))
		return;
	if (!vm->cpus || !vm->memory_bytes)
		return; /* their defaults would come back */
	forget_unrendered(vm);
	first_json = args_json(&args, &second);
	if (!first_json)
		abort();
	forget_unrendered(&second);
	free(first_json);
	first_json = NULL;
	if (hull_vfkit_to_json(vm, &first_json, NULL) < 0 ||
	    hull_vfkit_to_json(&second, &second_json, NULL) < 0 ||
	    strcmp(first_json, second_json) != 0)
		abort();
}

static void check_json(const struct hull_vfkit *vm, const char *json)
{
	cleanup_vfkit struct hull_vfkit second = {0};
	cleanup_strv struct hull_strv lost = {0};
	cleanup_free char *again = NULL;

	if (hull_vfkit_unwritten(vm, &lost) < 0)
		abort();
	if (vm->bootloader.kind == HULL_BOOT_MACOS)
		return;
	if (hull_vfkit_from_json(json, strlen(json), &second, NULL, NULL) < 0)
		abort();
	second.nested = vm->nested; /* written, not read */
	for (size_t i = 0; i < vm->devices.n; i++)
		if (vm->devices.v[i].kind == HULL_DEVICE_NET)
			second.devices.v[i].net.magic = vm->devices.v[i].net.magic;
	if (hull_vfkit_to_json(&second, &again, NULL) < 0)
		abort();
	/* Invalid UTF-8 is an escape in one, a character in the other. */
	if (!strstr(json, "\\ufffd") && strcmp(json, again) != 0)
		abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	cleanup_free char *text = strndup((const char *)data, len);
	cleanup_strv struct hull_strv words = {0};
	cleanup_vfkit struct hull_vfkit vm = {0};
	cleanup_free char *json = NULL;
	char *rest = text;

	for (char *word; (word = strsep(&rest, "\n")) != NULL;)
		if (hull_strv_add(&words, word) < 0)
			abort();
	json = args_json(&words, &vm);
	if (json) {
		check_json(&vm, json);
		check_render(&vm);
	}
	return 0;
}
