/* SPDX-License-Identifier: Apache-2.0
 *
 * Opening kernels, initial RAM disks and disks.  A path comes from the user and may name anything:
 * only regular files and, for disks, block devices get through.
 */
#define _GNU_SOURCE
#include "backend/qemu/files.h"

#include "backend/qemu/image.h"
#include "backend/qemu/kernel.h"
#include "base/cleanup.h"
#include "base/path.h"
#include "config/disk.h"

#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/sendfile.h>
#include <sys/stat.h>
#include <unistd.h>

#define BOOT_FILE_MAX ((off_t)1 << 30)
#define SCRATCH_DIR "/var/tmp"

static bool may_read(const struct stat *st, const struct hull_qemu_reader *reader)
{
	if (!reader->other)
		return true;
	if (st->st_uid == reader->uid)
		return st->st_mode & S_IRUSR;
	if (st->st_gid == reader->gid)
		return st->st_mode & S_IRGRP;
	return st->st_mode & S_IROTH;
}

/* Memory files belong to nobody in particular: any uid may open one it has a descriptor of. */
static int copy_to_memory(int fd, off_t size)
{
	cleanup_close int mem = memfd_create("boot", MFD_CLOEXEC | MFD_ALLOW_SEALING);
	off_t left = size;

	if (mem < 0)
		return -errno;
	while (left > 0) {
		ssize_t n = sendfile(mem, fd, NULL, (size_t)left);

		if (n < 0)
			return -errno;
		if (n == 0)
			break; /* shorter than it was: so be it */
		left -= n;
	}
	if (fcntl(mem, F_ADD_SEALS, F_SEAL_WRITE | F_SEAL_GROW | F_SEAL_SHRINK) < 0)
		return -errno;
	return steal_fd(&mem);
}

int hull_qemu_open_boot(const char *what, const char *path, const struct hull_qemu_reader *reader,
			struct hull_error **err)
{
	cleanup_close int fd = -1;
	struct stat st;
	int r = hull_file_open(path, O_RDONLY, false, &st, &fd);

	if (r == -EINVAL)
		return hull_fail(err, HULL_E_INVALID, "%s '%s' is not a regular file", what, path);
	if (r < 0)
		return hull_fail_errno(err, -r, "open %s '%s'", what, path);
	if (st.st_size == 0)
		return hull_fail(err, HULL_E_INVALID, "%s '%s' is empty", what, path);
	if (st.st_size > BOOT_FILE_MAX)
		return hull_fail(err, HULL_E_INVALID, "%s '%s' is larger than 1 GiB", what, path);
	if (may_read(&st, reader))
		return steal_fd(&fd);
	r = copy_to_memory(fd, st.st_size);
	if (r < 0)
		return hull_fail_errno(err, -r, "copy %s '%s' into memory", what, path);
	return r;
}

/* ---- what is in them ---- */

static int fail_kernel(struct hull_error **err, int code, const char *cause, const char *path,
		       const char *what)
{
	return hull_fail_cause(err, code, cause, "kernel '%s' %s", path, what);
}

static const struct {
	const char *name, *vm; /* in messages */
	const char *formats;   /* a kernel is one of them */
	const char *otherwise; /* if it is not */
} kernels[] = {
	[HULL_ARCH_X86_64] = {"x86-64", "a PC (x86-64)", "a bzImage (vmlinuz) or vmlinux",
			      "is neither a bzImage (vmlinuz) nor an ELF file (vmlinux)"},
	[HULL_ARCH_AARCH64] = {"arm64", "arm64", "an Image", "is no arm64 Image"},
};

static bool is_bootable(const struct hull_kernel *k, enum hull_arch arch)
{
	if (arch == HULL_ARCH_AARCH64)
		return k->kind == HULL_KERNEL_ARM64;
	return k->kind == HULL_KERNEL_BZIMAGE || k->kind == HULL_KERNEL_ELF ||
	       k->kind == HULL_KERNEL_MULTIBOOT;
}

/* Of one that is bootable elsewhere. */
static int fail_arch(const struct hull_kernel *k, const char *path, enum hull_arch arch,
		     struct hull_error **err)
{
	enum hull_arch other = HULL_ARCH_AARCH64 - arch; /* there are two */
	bool ours = k->kind != HULL_KERNEL_OTHER;
	char what[96];

	snprintf(what, sizeof(what), "is for %s, and this VM is %s",
		 ours ? kernels[other].name : k->arch, kernels[arch].vm);
	fail_kernel(err, HULL_E_UNSUPPORTED, "kernel-architecture", path, what);
	hull_hint(err, "give --kernel one for %s, or leave it out for hull's own%s%s",
		  kernels[arch].name, ours ? "; or have the guest be of its kind: --arch " : "",
		  ours ? hull_arch_names[other] : "");
	return -1;
}

static int fail_kind(const struct hull_kernel *k, const char *path, enum hull_arch arch,
		     struct hull_error **err)
{
	bool arm64 = arch == HULL_ARCH_AARCH64;
	char what[96];

	if (arm64 && k->kind == HULL_KERNEL_OTHER && !strcmp(k->arch, HULL_KERNEL_ZBOOT)) {
		fail_kernel(err, HULL_E_INVALID, "not-a-kernel", path,
			    "is packed for EFI (vmlinuz.efi), which is not there");
		hull_hint(err, "give --kernel the Image that it was made of");
		return -1;
	}
	if (k->kind == HULL_KERNEL_OTHER || is_bootable(k, HULL_ARCH_AARCH64 - arch) ||
	    (k->kind == HULL_KERNEL_ARM64_ELF && !arm64))
		return fail_arch(k, path, arch, err);
	if (k->kind == HULL_KERNEL_COMPRESSED) {
		snprintf(what, sizeof(what), "is a %s file, no bootable image", k->format);
		fail_kernel(err, HULL_E_INVALID, "not-a-kernel", path, what);
		hull_hint(err,
			  "unpack it first: %s is needed; some architectures' kernels are packed "
			  "like this",
			  kernels[arch].formats);
		return -1;
	}
	fail_kernel(err, HULL_E_INVALID, "not-a-kernel", path, kernels[arch].otherwise);
	hull_hint(err,
		  arm64 ? "give --kernel an Image, such as arch/arm64/boot/Image of the kernel's "
			  "build or Debian's vmlinuz, or leave it out for hull's own"
			: "give --kernel a Linux kernel such as /boot/vmlinuz, or leave it out for "
			  "hull's own");
	return -1;
}

static int has_pvh(int fd, const struct hull_kernel *k)
{
	for (size_t i = 0; i < k->n_notes; i++) {
		cleanup_free char *notes = malloc(k->notes[i].len + 1);
		ssize_t n;

		if (!notes)
			return -ENOMEM;
		n = pread(fd, notes, k->notes[i].len, (off_t)k->notes[i].offset);
		if (n > 0 && hull_kernel_has_pvh(notes, (size_t)n))
			return 1;
	}
	return 0;
}

static int check_elf(int fd, const struct hull_kernel *k, const char *path, struct hull_error **err)
{
	int r = k->executable ? has_pvh(fd, k) : 0;

	if (r < 0)
		return hull_fail_errno(err, -r, "read kernel '%s'", path);
	if (r > 0)
		return 0;
	if (!k->executable) {
		fail_kernel(err, HULL_E_INVALID, "not-a-kernel", path,
			    "is an ELF file, but a library, module or program");
		hull_hint(err, "give --kernel a Linux kernel such as /boot/vmlinuz");
		return -1;
	}
	fail_kernel(err, HULL_E_UNSUPPORTED, "kernel-config", path,
		    "has no PVH entry point, by which an uncompressed kernel is started");
	hull_hint(err, "build it with CONFIG_PVH=y, or give --kernel its bzImage (vmlinuz)");
	return -1;
}

int hull_qemu_check_kernel(int fd, const char *path, enum hull_arch arch, bool with_agent,
			   struct hull_error **err)
{
	cleanup_free char *head = malloc(HULL_KERNEL_HEAD);
	ssize_t n = head ? pread(fd, head, HULL_KERNEL_HEAD, 0) : -1;
	struct hull_kernel k;
	struct stat st;

	if (n < 0 || fstat(fd, &st) < 0)
		return hull_fail_errno(err, head ? errno : ENOMEM, "read kernel '%s'", path);
	hull_kernel_look(head, (size_t)n, &k);
	if (!is_bootable(&k, arch))
		return fail_kind(&k, path, arch, err);
	if (k.kind == HULL_KERNEL_MULTIBOOT)
		return 0;
	if ((uint64_t)st.st_size < k.need) {
		hull_fail_cause(err, HULL_E_CORRUPT, "kernel-truncated",
				"kernel '%s' is cut off: it has %lld bytes and needs %llu", path,
				(long long)st.st_size, (unsigned long long)k.need);
		hull_hint(err, "copy or build it again; is the disk that it is on full?");
		return -1;
	}
	if (k.bits32 && with_agent) {
		fail_kernel(err, HULL_E_UNSUPPORTED, "kernel-architecture", path,
			    "is a 32-bit kernel, and hull's agent needs a 64-bit one");
		hull_hint(err, "give --kernel one for x86-64, or boot it alone: --agent none");
		return -1;
	}
	return k.kind == HULL_KERNEL_ELF ? check_elf(fd, &k, path, err) : 0;
}

int hull_qemu_check_initrd(int fd, const char *path, struct hull_error **err)
{
	char head[512];
	ssize_t n = pread(fd, head, sizeof(head), 0);

	if (n < 0)
		return hull_fail_errno(err, errno, "read initrd '%s'", path);
	if (hull_initrd_plausible(head, (size_t)n))
		return 0;
	hull_fail_cause(err, HULL_E_INVALID, "not-an-initrd",
			"initrd '%s' is no archive that a kernel unpacks: neither cpio (newc) nor "
			"compressed",
			path);
	hull_hint(err, "make one with: find . | cpio -o -H newc; or leave --initrd out for hull's "
		       "own");
	return -1;
}

/* @list: of the description. */
static int check_image(int fd, const char *list, size_t index, const char *path, const char *format,
		       bool readonly, struct hull_error **err)
{
	const struct hull_image_fault *fault;
	char head[HULL_IMAGE_HEAD];
	ssize_t n = pread(fd, head, sizeof(head), 0);

	if (n < 0)
		return hull_fail_errno(err, errno, "%s[%zu]: read '%s'", list, index, path);
	fault = hull_image_look(format, readonly, head, (size_t)n);
	if (!fault)
		return 0;
	(void)hull_fail(err, fault->code, "%s[%zu]: '%s' %s", list, index, path, fault->text);
	if (fault->hint)
		hull_hint(err, "%s", fault->hint);
	return -1;
}

int hull_qemu_open_image(const char *list, size_t index, const char *path, bool readonly,
			 struct hull_error **err)
{
	cleanup_close int fd = -1;
	struct stat st;
	int r = hull_file_open(path, readonly ? O_RDONLY : O_RDWR, true, &st, &fd);

	if (r == -EINVAL)
		return hull_fail(err, HULL_E_INVALID,
				 "%s[%zu]: '%s' is neither a regular file nor a block device", list,
				 index, path);
	if (r < 0) {
		(void)hull_fail_errno(err, -r, "%s[%zu]: open '%s'", list, index, path);
		if ((r == -EACCES || r == -EROFS) && !readonly)
			hull_hint(err, "a disk that may only be read needs readonly");
		return -1;
	}
	return steal_fd(&fd);
}

static int open_scratch(const char *dir, uint64_t size, size_t index, struct hull_error **err)
{
	cleanup_close int fd = hull_file_nameless(dir, "hull-scratch-", NULL);

	if (fd < 0)
		return hull_fail_errno(err, -fd, "disks[%zu]: make a scratch file in '%s'", index,
				       dir);
	if (ftruncate(fd, (off_t)size) < 0)
		return hull_fail_errno(err, errno, "disks[%zu]: make a scratch file in '%s'", index,
				       dir);
	return steal_fd(&fd);
}

/* QEMU asks for it when it runs already, and would only tell that it was refused. */
static int check_direct(int fd, const char *list, size_t index, const char *path,
			struct hull_error **err)
{
	int flags = fcntl(fd, F_GETFL);

	if (flags >= 0 && fcntl(fd, F_SETFL, flags | O_DIRECT) == 0)
		return 0;
	(void)hull_fail(err, HULL_E_UNSUPPORTED,
			"%s[%zu]: the file system of '%s' has no direct I/O", list, index, path);
	hull_hint(err, "give it cache 'writeback', or move it");
	return -1;
}

int hull_qemu_open_disk(const struct hull_config *config, size_t index, struct hull_error **err)
{
	const struct hull_disk *d = &config->disks.v[index];
	const struct hull_dev_disk device = hull_disk_as_device(d);
	cleanup_close int fd = -1;

	if (d->scratch_bytes && !d->path)
		return open_scratch(config->scratch_dir ? config->scratch_dir : SCRATCH_DIR,
				    d->scratch_bytes, index, err);
	fd = hull_qemu_open_image("disks", index, d->path, d->readonly, err);
	if (fd < 0 || check_image(fd, "disks", index, d->path, hull_disk_format_names[d->format],
				  d->readonly, err) < 0)
		return -1;
	if (hull_disk_is_direct(&device) && check_direct(fd, "disks", index, d->path, err) < 0)
		return -1;
	return steal_fd(&fd);
}

/* What is in it is of another VM, unless it is to be gone on with. */
static int open_log(const char *path, size_t index, bool again, struct hull_error **err)
{
	const int flags = O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC | O_NOCTTY;
	cleanup_close int fd = open(path, flags | O_NONBLOCK, 0600);
	struct stat st;

	if (fd < 0 || fstat(fd, &st) < 0)
		return hull_fail_errno(err, errno, "devices[%zu].log: create '%s'", index, path);
	if (!S_ISREG(st.st_mode))
		return hull_fail(err, HULL_E_INVALID, "devices[%zu].log: '%s' is no regular file",
				 index, path);
	if ((!again && ftruncate(fd, 0) < 0) || fcntl(fd, F_SETFL, O_APPEND) < 0)
		return hull_fail_errno(err, errno, "devices[%zu].log: empty '%s'", index, path);
	return steal_fd(&fd);
}

int hull_qemu_open_device(const struct hull_config *config, size_t index, bool again,
			  struct hull_error **err)
{
	const struct hull_dev_disk *d = &config->devices.v[index].disk;
	cleanup_close int fd = -1;
	struct stat st;

	if (config->devices.v[index].kind == HULL_DEVICE_SERIAL)
		return open_log(config->devices.v[index].serial.log, index, again, err);
	if (!d->path)
		return hull_fail(err, HULL_E_INVALID, "devices[%zu].path: missing", index);
	fd = hull_qemu_open_image("devices", index, d->path, d->readonly, err);
	if (fd < 0)
		return -1;
	if (d->type && !strcmp(d->type, "dev") && (fstat(fd, &st) < 0 || !S_ISBLK(st.st_mode)))
		return hull_fail(err, HULL_E_INVALID, "devices[%zu]: '%s' is no block device",
				 index, d->path);
	if (check_image(fd, "devices", index, d->path, d->format ? d->format : "raw", d->readonly,
			err) < 0)
		return -1;
	if (hull_disk_is_direct(d) && check_direct(fd, "devices", index, d->path, err) < 0)
		return -1;
	return steal_fd(&fd);
}

/* QEMU aborts when it reads an error, and reads on and on at an end. */
int hull_qemu_open_rng(const char *path, struct hull_error **err)
{
	cleanup_close int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
	struct stat st;
	ssize_t n;
	char byte;

	if (fd < 0 || fstat(fd, &st) < 0)
		return hull_fail_errno(err, errno, "rng_source: open '%s'", path);
	if (!S_ISCHR(st.st_mode))
		return hull_fail(err, HULL_E_INVALID, "rng_source: '%s' is no character device",
				 path);
	n = read(fd, &byte, 1);
	if (n < 0 && errno != EAGAIN)
		return hull_fail_errno(err, errno, "rng_source: read '%s'", path);
	if (n == 0)
		return hull_fail(err, HULL_E_INVALID, "rng_source: '%s' gives no bytes", path);
	return steal_fd(&fd);
}

static bool is_block(const char *path)
{
	struct stat st;

	return path && stat(path, &st) == 0 && S_ISBLK(st.st_mode);
}

uint32_t hull_qemu_block_devices(const struct hull_config *config)
{
	uint32_t bits = 0;

	for (size_t i = 0; i < config->disks.n; i++)
		bits |= (uint32_t)is_block(config->disks.v[i].path) << i;
	return bits;
}

uint32_t hull_qemu_device_blocks(const struct hull_config *config)
{
	uint32_t bits = 0;

	for (size_t i = 0; i < config->devices.n; i++) {
		const struct hull_device *d = &config->devices.v[i];

		if (hull_device_is_disk(d))
			bits |= (uint32_t)is_block(d->disk.path) << i;
	}
	return bits;
}
