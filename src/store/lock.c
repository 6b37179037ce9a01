/* SPDX-License-Identifier: Apache-2.0
 *
 * The lock of a VM: a byte of one file, at an offset that its id says.  Two VMs of the same offset
 * (2^-61) would only wait for each other.
 */
#define _GNU_SOURCE
#include "store/store.h"

#include "base/cleanup.h"
#include "base/text.h"
#include "store/db.h"

#include <fcntl.h>

#define DIGITS 15 /* so that it is a positive offset, whatever they are */

static off_t offset_of(const char *id)
{
	off_t v = 0;

	for (int i = 0; i < DIGITS && id[i]; i++)
		v = v * 16 + hull_hex_digit(id[i]);
	return v;
}

int hull_store_try_lock(struct hull_store *store, const char *id, struct hull_store_lock *ret_lock)
{
	struct flock lock = {
		.l_type = F_WRLCK, .l_whence = SEEK_SET, .l_start = offset_of(id), .l_len = 1};
	cleanup_close int fd = -1;

	/* The lock belongs to the open file: two of one handle exclude each other as well. */
	fd = open(store->lock_path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
	if (fd < 0)
		return -errno;
	if (fcntl(fd, F_OFD_SETLK, &lock) < 0)
		return errno == EACCES ? -EAGAIN : -errno;
	ret_lock->fd = steal_fd(&fd);
	return 0;
}

void hull_store_unlock(struct hull_store_lock *lock)
{
	hull_closep(&lock->fd);
}
