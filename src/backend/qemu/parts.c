/* SPDX-License-Identifier: Apache-2.0
 *
 * Opening what descriptions of VMDK images name.  That is in the description's own directory, and
 * no link; elsewhere only by an absolute path, and where the user has said so ("outside"), since
 * else an image would choose files of the host's.
 */
#define _GNU_SOURCE
#include "backend/qemu/parts.h"

#include "backend/qemu/files.h"
#include "backend/qemu/plan.h"
#include "backend/qemu/vmdk.h"
#include "base/cleanup.h"
#include "base/os.h"
#include "base/path.h"
#include "base/strbuf.h"

#include <assert.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

static_assert(HULL_VMDK_FILES_MAX < HULL_QEMU_PARTS_MAX, "zeros are one more");

struct opening {
	const struct hull_dev_disk *disk;
	const struct hull_vmdk *vmdk;
	struct hull_qemu_parts_of *parts;
	int dir;	/* of the description */
	size_t dir_len; /* of its path, with the slash */
};

void hull_qemu_parts_init(struct hull_qemu_parts *parts)
{
	*parts = (struct hull_qemu_parts){0};
	for (size_t i = 0; i < ARRAY_SIZE(parts->v); i++)
		parts->v[i].text = -1;
}

void hull_qemu_parts_fini(struct hull_qemu_parts *parts)
{
	for (size_t i = 0; i < ARRAY_SIZE(parts->v); i++) {
		hull_closep(&parts->v[i].text);
		for (size_t k = 0; k < parts->v[i].files.n; k++)
			hull_closep(&parts->v[i].files.v[k]);
		free(parts->v[i].files.v);
	}
	*parts = (struct hull_qemu_parts){0};
	for (size_t i = 0; i < ARRAY_SIZE(parts->v); i++)
		parts->v[i].text = -1;
}

static int keep(struct hull_qemu_parts_of *p, int fd, struct hull_error **err)
{
	int *slot = hull_vec_push(&p->files);

	if (!slot) {
		hull_closep(&fd);
		return hull_fail_nomem(err);
	}
	*slot = fd;
	return 0;
}

/* -errno; -EPERM: it is outside. */
static int open_file(const struct opening *o, const char *name)
{
	int flags = (o->disk->readonly ? O_RDONLY : O_RDWR) | O_CLOEXEC | O_NONBLOCK | O_NOCTTY, fd;
	bool beside;

	if (!strncmp(name, o->disk->path, o->dir_len) && !strchr(name + o->dir_len, '/'))
		name += o->dir_len;
	beside = !strchr(name, '/') && strcmp(name, "..") != 0;
	if (!beside && (*name != '/' || !o->disk->outside))
		return -EPERM;
	fd = beside ? openat(o->dir, name, flags | O_NOFOLLOW) : open(name, flags);
	return fd < 0 ? -errno : fd;
}

static int open_one(const struct opening *o, size_t i, struct hull_error **err)
{
	const char *name = o->vmdk->files.v[i];
	cleanup_close int fd = open_file(o, name);
	struct stat st;
	off_t end;

	if (fd == -EPERM) {
		(void)hull_fail(err, HULL_E_DENIED, "it names '%s', which is not beside it", name);
		hull_hint(err, "if it may, give the disk 'outside', and absolute paths in it");
		return -1;
	}
	if (fd < 0 || fstat(fd, &st) < 0)
		return hull_fail_errno(err, fd < 0 ? -fd : errno, "open '%s'", name);
	if (!S_ISREG(st.st_mode) && !S_ISBLK(st.st_mode))
		return hull_fail(err, HULL_E_INVALID,
				 "'%s' is neither a regular file nor a block device", name);
	end = lseek(fd, 0, SEEK_END);
	if (end < 0)
		return hull_fail_errno(err, errno, "find the end of '%s'", name);
	if ((uint64_t)end / HULL_VMDK_SECTOR < hull_vmdk_need(o->vmdk, i))
		return hull_fail(err, HULL_E_CORRUPT, "'%s' is shorter than it says", name);
	return keep(o->parts, steal_fd(&fd), err);
}

/* QEMU takes a descriptor for reading only where it is for nothing else. */
static int reopen(int fd)
{
	char path[64];
	int r;

	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	r = open(path, O_RDONLY | O_CLOEXEC);
	return r < 0 ? -errno : r;
}

/* As a file that is all hole, which takes no memory. */
static int make_zeros(const struct opening *o, struct hull_error **err)
{
	cleanup_close int fd = memfd_create("zeros", MFD_CLOEXEC | MFD_ALLOW_SEALING);
	uint64_t sectors = hull_vmdk_need(o->vmdk, o->vmdk->files.n);
	int r;

	if (fd < 0 || ftruncate(fd, (off_t)(sectors * HULL_VMDK_SECTOR)) < 0 ||
	    fcntl(fd, F_ADD_SEALS, F_SEAL_WRITE | F_SEAL_GROW | F_SEAL_SHRINK) < 0)
		return hull_fail_errno(err, errno, "make a file of zeros");
	r = reopen(fd);
	return r < 0 ? hull_fail_errno(err, -r, "open a file of zeros") : keep(o->parts, r, err);
}

static int check_use(const struct opening *o, struct hull_error **err)
{
	const struct hull_dev_disk *d = o->disk;

	if (!d->readonly && (o->vmdk->readonly || o->vmdk->zeros)) {
		(void)hull_fail(err, HULL_E_INVALID, "it has parts that can't be written");
		hull_hint(err, "give it with readonly");
		return -1;
	}
	if (hull_disk_is_direct(d))
		return hull_fail(err, HULL_E_UNSUPPORTED,
				 "an image of several files has no cache 'none'");
	return 0;
}

static int open_parts(struct opening *o, size_t nth, struct hull_error **err)
{
	cleanup_strbuf struct hull_strbuf text = HULL_STRBUF_INIT;
	cleanup_close int fd = -1;
	int r;

	if (check_use(o, err) < 0)
		return -1;
	for (size_t i = 0; i < o->vmdk->files.n; i++)
		if (open_one(o, i, err) < 0)
			return -1;
	if (o->vmdk->zeros && make_zeros(o, err) < 0)
		return -1;
	hull_vmdk_write(o->vmdk, HULL_QEMU_PART_SET(nth, 0), &text);
	if (text.failed)
		return hull_fail_nomem(err);
	fd = hull_memfd("vmdk", text.data, text.len);
	r = fd >= 0 && o->disk->readonly ? reopen(fd) : fd;
	if (r < 0)
		return hull_fail_errno(err, -r, "keep its description");
	o->parts->text = r;
	if (r == fd)
		fd = -1;
	return 0;
}

static int open_disk(const struct hull_config *config, size_t nth, struct hull_qemu_parts_of *p,
		     struct hull_error **err)
{
	const struct hull_dev_disk *d = &config->devices.v[nth].disk;
	cleanup_close int fd = hull_qemu_open_image("devices", nth, d->path, true, err), dir = -1;
	cleanup_strbuf struct hull_strbuf text = HULL_STRBUF_INIT;
	cleanup_vmdk struct hull_vmdk vmdk = {0};
	cleanup_free char *where = NULL;
	struct opening o = {.disk = d, .vmdk = &vmdk, .parts = p};
	char head[32];
	ssize_t n = fd < 0 ? 0 : pread(fd, head, sizeof(head), 0);
	int r;

	if (fd < 0)
		return -1;
	if (n < 0 || !hull_vmdk_is_text(head, (size_t)n))
		return 0;
	r = hull_fd_read_all(fd, HULL_VMDK_TEXT_MAX, &text);
	if (r < 0)
		return hull_fail_errno(err, -r, "read '%s'", d->path);
	if (hull_vmdk_parse(hull_strbuf_str(&text), text.len, &vmdk, err) < 0)
		return hull_prefix(err, "'%s'", d->path);
	o.dir_len = (size_t)(strrchr(d->path, '/') + 1 - d->path); /* it is absolute */
	where = strndup(d->path, o.dir_len);
	if (!where)
		return hull_fail_nomem(err);
	o.dir = dir = open(where, O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (dir < 0)
		return hull_fail_errno(err, errno, "open '%s'", where);
	return open_parts(&o, nth, err) < 0 ? hull_prefix(err, "'%s'", d->path) : 0;
}

int hull_qemu_parts_open(const struct hull_config *config, struct hull_qemu_parts *parts,
			 struct hull_error **err)
{
	for (size_t i = 0; i < config->devices.n; i++) {
		const struct hull_device *d = &config->devices.v[i];

		if (hull_device_is_disk(d) && d->disk.format && !strcmp(d->disk.format, "vmdk") &&
		    open_disk(config, i, &parts->v[i], err) < 0)
			return hull_prefix(err, "devices[%zu]", i);
	}
	return 0;
}
