/* SPDX-License-Identifier: Apache-2.0
 *
 * Copying an initramfs and writing behind it, see initrd.h.
 */
#define _GNU_SOURCE
#include "boot/initrd.h"

#include "base/cleanup.h"
#include "base/path.h"
#include "base/strbuf.h"
#include "boot/cpio.h"

#include <fcntl.h>
#include <stdio.h>
#include <sys/mman.h>
#include <sys/sendfile.h>
#include <sys/stat.h>
#include <unistd.h>

static int copy(const char *path, int to, struct hull_error **err)
{
	cleanup_close int fd = -1;
	uint64_t total = 0;
	struct stat st;
	ssize_t n;
	int r = hull_file_open(path, O_RDONLY, false, &st, &fd);

	if (r == -EINVAL) /* a device may have no end */
		return hull_fail_cause(err, HULL_E_INVALID, "not-a-file",
				       "initrd '%s' is not a regular file", path);
	if (r < 0)
		return hull_fail_errno(err, -r, "open initrd '%s'", path);
	while ((n = sendfile(to, fd, NULL, (size_t)1 << 30)) > 0)
		total += (uint64_t)n;
	if (n < 0)
		return hull_fail_errno(err, errno, "copy initrd '%s'", path);
	r = hull_fd_write_all(to, "\0\0\0", hull_cpio_padding(total));
	return r < 0 ? hull_fail_errno(err, -r, "write the initramfs") : 0;
}

int hull_initrd_begin(const struct hull_config *config, int *fd, struct hull_error **err)
{
	cleanup_close int made = -1;

	if (*fd >= 0)
		return 0;
	made = memfd_create("initrd", MFD_CLOEXEC);
	if (made < 0)
		return hull_fail_errno(err, errno, "make the initramfs");
	if (copy(config->initrd, made, err) < 0)
		return -1;
	*fd = steal_fd(&made);
	return 0;
}

int hull_initrd_write(int fd, struct hull_strbuf *out, struct hull_error **err)
{
	int r = out->failed ? -ENOMEM : hull_fd_write_all(fd, hull_strbuf_str(out), out->len);

	hull_strbuf_clear(out);
	return r < 0 ? hull_fail_errno(err, -r, "write the initramfs") : 0;
}

int hull_initrd_use(struct hull_config *config, int fd, struct hull_error **err)
{
	char *path;

	if (asprintf(&path, "/proc/self/fd/%d", fd) < 0)
		return hull_fail_nomem(err);
	free(config->initrd);
	config->initrd = path;
	return 0;
}

int hull_initrd_add_token(struct hull_config *config, const uint8_t token[HULL_LINK_TOKEN_LEN],
			  int *fd, struct hull_error **err)
{
	cleanup_strbuf struct hull_strbuf out = HULL_STRBUF_INIT;

	/* Names in an archive don't begin with a slash. */
	hull_cpio_add(&out, &HULL_LINK_TOKEN_FILE[1], S_IFREG | 0400, token, HULL_LINK_TOKEN_LEN);
	hull_cpio_end(&out);
	return hull_initrd_begin(config, fd, err) < 0 || hull_initrd_write(*fd, &out, err) < 0 ||
			       hull_initrd_use(config, *fd, err) < 0
		       ? -1
		       : 0;
}
