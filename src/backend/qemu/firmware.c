/* SPDX-License-Identifier: Apache-2.0
 *
 * The guest's UEFI, see firmware.h.
 */
#define _GNU_SOURCE
#include "backend/qemu/firmware.h"

#include "backend/qemu/arch.h"
#include "backend/qemu/files.h"
#include "base/cleanup.h"
#include "base/path.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/sendfile.h>
#include <sys/stat.h>
#include <unistd.h>

#define IMAGE_MAX ((off_t)64 << 20)

/* A volume of firmware (UEFI Platform Initialization, volume 3): its header has this sign. */
#define SIGN "_FVH"
#define SIGN_AT 40

static int set_pair(const char *code, const char *template, char **ret_code, char **ret_template,
		    struct hull_error **err)
{
	cleanup_free char *first = strdup(code), *second = strdup(template);

	if (!first || !second)
		return hull_fail_nomem(err);
	*ret_code = steal_ptr(&first);
	*ret_template = steal_ptr(&second);
	return 0;
}

int hull_qemu_firmware_find(const struct hull_config *config, char **ret_code, char **ret_template,
			    struct hull_error **err)
{
	const struct hull_qemu_arch *arch = hull_qemu_arch(config->arch);
	const struct hull_firmware *own = &config->firmware;

	if (own->code)
		return set_pair(own->code, own->template, ret_code, ret_template, err);
	for (const struct hull_qemu_firmware *f = arch->firmware; f->code; f++)
		if (access(f->code, R_OK) == 0 && access(f->template, R_OK) == 0)
			return set_pair(f->code, f->template, ret_code, ret_template, err);
	(void)hull_fail_cause(err, HULL_E_NOT_FOUND, "no-firmware",
			      "no UEFI for %s is installed where it usually is",
			      hull_arch_names[config->arch]);
	hull_hint(err, "on Debian: apt install %s", arch->firmware_package);
	return -1;
}

static int open_image(const char *what, const char *path, int flags, struct stat *ret_st,
		      int *ret_fd, struct hull_error **err)
{
	int r = hull_file_open(path, flags, false, ret_st, ret_fd);

	if (r == -EINVAL)
		return hull_fail(err, HULL_E_INVALID, "firmware.%s: '%s' is not a regular file",
				 what, path);
	if (r < 0)
		return hull_fail_errno(err, -r, "firmware.%s: open '%s'", what, path);
	if (ret_st->st_size == 0 || ret_st->st_size > IMAGE_MAX)
		return hull_fail(err, HULL_E_INVALID, "firmware.%s: '%s' is %s", what, path,
				 ret_st->st_size ? "larger than 64 MiB" : "empty");
	return 0;
}

/* ---- the store ---- */

static int copy(int from, int to, off_t size)
{
	off_t at = 0;

	while (at < size) {
		ssize_t n = sendfile(to, from, &at, (size_t)(size - at));

		if (n < 0)
			return -errno;
		if (n == 0)
			return -EIO; /* shorter than it was */
	}
	return 0;
}

/* -EEXIST where there is something at @path: also on file systems that can't tell renaming so. */
static int give_name(const char *temporary, const char *path)
{
	if (renameat2(AT_FDCWD, temporary, AT_FDCWD, path, RENAME_NOREPLACE) == 0)
		return 0;
	if ((errno != EINVAL && errno != ENOSYS) || link(temporary, path) < 0)
		return -errno;
	(void)unlink(temporary);
	return 0;
}

/* Whole or not at all, and never over one that somebody else has made meanwhile. */
static int make_store(const char *path, int template, off_t size)
{
	cleanup_free char *temporary = NULL;
	cleanup_close int fd = -1;
	int r;

	if (asprintf(&temporary, "%s.XXXXXX", path) < 0) {
		temporary = NULL;
		return -ENOMEM;
	}
	fd = mkostemp(temporary, O_CLOEXEC);
	if (fd < 0)
		return -errno;
	r = copy(template, fd, size);
	if (r == 0 && fsync(fd) < 0)
		r = -errno;
	if (r == 0)
		r = give_name(temporary, path);
	if (r < 0)
		(void)unlink(temporary);
	return r == -EEXIST ? 0 : r;
}

static bool has_sign(int fd)
{
	char sign[sizeof(SIGN) - 1];

	return pread(fd, sign, sizeof(sign), SIGN_AT) == (ssize_t)sizeof(sign) &&
	       memcmp(sign, SIGN, sizeof(sign)) == 0;
}

/* Firmware that can't read its variables would format them, or hang.  Some begin with nothing, and
 * format what is empty. */
static int check_store(int fd, const char *path, off_t size, int template, off_t want,
		       struct hull_error **err)
{
	if (size != want)
		(void)hull_fail(err, HULL_E_INVALID,
				"firmware.store: '%s' has %lld bytes, and the variables of this "
				"firmware have %lld",
				path, (long long)size, (long long)want);
	else if (!has_sign(fd) && has_sign(template))
		(void)hull_fail(err, HULL_E_INVALID,
				"firmware.store: '%s' does not hold variables of a UEFI", path);
	else
		return 0;
	hull_hint(err, "is it another firmware's? 'create' makes a new one under a new name");
	return -1;
}

static int missing_store(const char *path, struct hull_error **err)
{
	(void)hull_fail_cause(err, HULL_E_NOT_FOUND, "no-variable-store",
			      "firmware.store: there is no '%s'", path);
	hull_hint(err, "'create' makes it, and keeps one that is there");
	return -1;
}

static int open_kept(const struct hull_firmware *f, int template, off_t size,
		     struct hull_error **err)
{
	cleanup_close int fd = -1;
	struct stat st;
	int r;

	if (access(f->store, F_OK) < 0 && errno == ENOENT) {
		if (!f->create)
			return missing_store(f->store, err);
		r = make_store(f->store, template, size);
		if (r < 0)
			return hull_fail_errno(err, -r, "firmware.store: make '%s'", f->store);
	}
	if (open_image("store", f->store, O_RDWR, &st, &fd, err) < 0 ||
	    check_store(fd, f->store, st.st_size, template, size, err) < 0)
		return -1;
	return steal_fd(&fd);
}

static int open_forgotten(int template, off_t size, struct hull_error **err)
{
	cleanup_close int fd = memfd_create("variables", MFD_CLOEXEC);
	int r = fd < 0 ? -errno : copy(template, fd, size);

	if (r < 0)
		return hull_fail_errno(err, -r, "make the firmware's variables");
	return steal_fd(&fd);
}

static int open_store(const struct hull_firmware *f, const char *path, struct hull_error **err)
{
	cleanup_close int template = -1;
	struct stat st;

	if (open_image("template", path, O_RDONLY, &st, &template, err) < 0)
		return -1;
	return f->store ? open_kept(f, template, st.st_size, err)
			: open_forgotten(template, st.st_size, err);
}

int hull_qemu_firmware_open(const struct hull_config *config, int *ret_code, int *ret_store,
			    struct hull_error **err)
{
	cleanup_free char *code = NULL, *template = NULL;
	cleanup_close int fd = -1;
	struct stat st;
	int store;

	if (hull_qemu_firmware_find(config, &code, &template, err) < 0 ||
	    open_image("code", code, O_RDONLY, &st, &fd, err) < 0)
		return -1;
	store = open_store(&config->firmware, template, err);
	if (store < 0)
		return -1;
	*ret_code = steal_fd(&fd);
	*ret_store = store;
	return 0;
}
