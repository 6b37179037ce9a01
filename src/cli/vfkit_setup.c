/* SPDX-License-Identifier: Apache-2.0
 *
 * From vfkit's flags to a VM that can be started on this host, see vfkit.h.  What can't is refused
 * with the reason; what a guest can do without is left out with a warning.
 */
#define _GNU_SOURCE
#include "cli/vfkit.h"

#include "base/cleanup.h"
#include "base/path.h"
#include "base/strbuf.h"
#include "cli/cloud_opts.h"
#include "cli/rest_opts.h"
#include "config/dialect.h"
#include "vm/description.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

/* ---- hooks, called in the middle of the parsing ---- */

/* With emulation instead of KVM it would be no machine to run others in. */
static int check_nested(void *ctx, struct hull_error **err)
{
	static const char *const files[] = {"/sys/module/kvm_intel/parameters/nested",
					    "/sys/module/kvm_amd/parameters/nested"};
	struct hull_config *config = ctx;

	for (size_t i = 0; i < ARRAY_SIZE(files); i++) {
		cleanup_strbuf struct hull_strbuf text = HULL_STRBUF_INIT;

		if (hull_file_read(files[i], 64, &text) < 0 || !text.len ||
		    !strchr("Y1", text.data[0]))
			continue;
		config->accel = HULL_ACCEL_KVM;
		return 0;
	}
	(void)hull_fail(err, HULL_E_UNSUPPORTED,
			"--nested: this host's KVM offers no virtualisation to its guests");
	hull_hint(err, "load kvm_intel or kvm_amd with nested=1");
	return -1;
}

static int write_pid(const char *path, struct hull_error **err)
{
	cleanup_close int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	char text[16];
	int r = fd < 0 ? -errno : 0;

	if (r == 0)
		r = hull_fd_write_all(fd, text,
				      (size_t)snprintf(text, sizeof(text), "%d", (int)getpid()));
	return r < 0 ? hull_fail_errno(err, -r, "--pidfile: write '%s'", path) : 0;
}

static int prepare(void *ctx, const struct hull_vfkit_flags *flags, char **ret_iso,
		   struct hull_error **err)
{
	if (flags->pidfile && write_pid(flags->pidfile, err) < 0)
		return -1;
	return hull_cloud_opt_files(&flags->cloud_init, ctx, err) < 0
		       ? hull_prefix(err, "--cloud-init")
		       : 0;
}

/* ---- what this host lacks ---- */

static void drop_device(struct hull_vfkit *vm, size_t i)
{
	hull_device_fini(&vm->devices.v[i]);
	memmove(&vm->devices.v[i], &vm->devices.v[i + 1],
		(vm->devices.n - i - 1) * sizeof(vm->devices.v[0]));
	vm->devices.n--;
}

/* Apple's translator is for Apple's processors. */
static int check_rosetta(struct hull_vfkit *vm, struct hull_strv *warnings, struct hull_error **err)
{
	for (size_t i = 0; i < vm->devices.n; i++) {
		const struct hull_device *d = &vm->devices.v[i];

		if (d->kind != HULL_DEVICE_ROSETTA)
			continue;
		if (!d->rosetta.optional) {
			(void)hull_fail(err, HULL_E_UNSUPPORTED,
					"rosetta: there is no such translator on this host, only "
					"on Apple's computers");
			hull_hint(err, "'ignore-if-missing' goes on without it");
			return -1;
		}
		hull_strv_addf(warnings, "rosetta is missing on this host and left out");
		drop_device(vm, i--);
	}
	return 0;
}

/* As with vfkit the guest starts without it. */
static void check_ignition(struct hull_vfkit *vm, struct hull_strv *warnings)
{
	const char *path = vm->ignition.path;

	if (!vm->has_ignition || (path && access(path, R_OK) == 0))
		return;
	hull_strv_addf(warnings, "--ignition: open '%s': %s; the guest gets none", path ? path : "",
		       hull_strerror(path ? errno : ENOENT));
	vm->has_ignition = false;
}

static int check_services(const struct hull_vfkit_flags *flags, struct hull_vfkit *vm,
			  struct hull_strv *warnings, struct hull_error **err)
{
	check_ignition(vm, warnings);
	if (flags->gui)
		hull_strv_add(warnings, "--gui: hull shows no window; the guest has a screen "
					"and a keyboard all the same");
	vm->nested = false; /* seen to */
	return check_rosetta(vm, warnings, err);
}

/* The monitor runs elsewhere. */
static int make_absolute(struct hull_config *config, struct hull_error **err)
{
	cleanup_free char *dir = get_current_dir_name();

	if (!dir)
		return hull_fail_errno(err, errno, "find the current directory");
	return hull_fields_resolve(&hull_config_fields, config, dir) < 0 ? hull_fail_nomem(err) : 0;
}

/* Only "none://" to the letter is no service. */
static int set_rest(const struct hull_vfkit_flags *flags, struct hull_config *config,
		    struct hull_error **err)
{
	const char *uri = flags->restful_uri ? flags->restful_uri : "";

	if (!hull_vfkit_given(flags, "restful-uri") || !strcmp(uri, "none://"))
		return 0;
	return hull_rest_opt_parse(uri, true, &config->rest, err) < 0
		       ? hull_prefix(err, "--restful-uri")
		       : 0;
}

int hull_vfkit_set_up(const struct hull_vfkit_flags *flags, struct hull_config *config,
		      struct hull_strv *warnings, struct hull_error **err)
{
	const struct hull_vfkit_hooks hooks = {
		.ctx = config,
		.nested = check_nested,
		.prepare = prepare,
		.read_image = hull_vfkit_read_image,
	};
	cleanup_vfkit struct hull_vfkit vm = {0};

	if (hull_vfkit_from_flags(flags, &hooks, &vm, err) < 0 ||
	    check_services(flags, &vm, warnings, err) < 0 ||
	    hull_config_from_vfkit(&vm, config, warnings, err) < 0 ||
	    make_absolute(config, err) < 0 || set_rest(flags, config, err) < 0)
		return -1;
	config->tied = true;
	return warnings->failed ? hull_fail_nomem(err) : 0;
}
