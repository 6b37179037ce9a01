/* SPDX-License-Identifier: Apache-2.0
 *
 * Writing a console's log and its index, see logfile.h.
 */
#define _GNU_SOURCE
#include "monitor/logfile.h"

#include "base/cleanup.h"
#include "base/path.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static int open_at(const struct hull_logfile *f, const char *name, int flags)
{
	int fd = openat(f->dir_fd, name, flags | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0600);

	return fd < 0 ? -errno : fd;
}

static size_t size_of(int fd)
{
	struct stat st;

	return fstat(fd, &st) < 0 ? 0 : (size_t)st.st_size;
}

/* An index that is another log's, or none, begins anew. */
static int open_times(struct hull_logfile *f)
{
	struct hull_log_head head = {.magic = HULL_LOG_MAGIC}, old = {.inode = 0};
	struct stat st;
	int fd = open_at(f, HULL_LOG_TIMES, O_RDWR | O_APPEND);

	if (fd < 0)
		return fd;
	f->times_fd = fd;
	if (fstat(f->fd, &st) < 0)
		return -errno;
	head.inode = st.st_ino;
	if (pread(fd, &old, sizeof(old), 0) == sizeof(old) && !memcmp(&old, &head, sizeof(old))) {
		/* A record that was cut short would shift those behind it. */
		f->times_len = size_of(fd) / sizeof(head) * sizeof(head);
		return ftruncate(fd, (off_t)f->times_len) < 0 ? -errno : 0;
	}
	if (ftruncate(fd, 0) < 0)
		return -errno;
	f->times_len = sizeof(head);
	return hull_fd_write_all(fd, &head, sizeof(head));
}

static void close_files(struct hull_logfile *f)
{
	hull_closep(&f->fd);
	hull_closep(&f->times_fd);
}

static int open_files(struct hull_logfile *f)
{
	int r;

	f->len = f->times_len = 0;
	f->last_ns = 0;
	f->at_start = true;
	r = open_at(f, HULL_LOG_NAME, O_WRONLY | O_APPEND | (f->kept ? 0 : O_TRUNC));
	if (r < 0)
		return r;
	f->fd = r;
	f->len = size_of(f->fd);
	/* Without times rather than without a log. */
	if (f->kept && open_times(f) < 0)
		hull_closep(&f->times_fd);
	return 0;
}

int hull_logfile_open(struct hull_logfile *f, int dir_fd, bool kept)
{
	f->dir_fd = dir_fd;
	f->fd = f->times_fd = -1;
	f->kept = kept;
	f->lost = f->held = 0;
	f->errnum = 0;
	return open_files(f);
}

void hull_logfile_close(struct hull_logfile *f)
{
	hull_logfile_flush(f);
	close_files(f);
	hull_closep(&f->dir_fd);
}

static void rotate(struct hull_logfile *f)
{
	close_files(f);
	(void)renameat(f->dir_fd, HULL_LOG_TIMES, f->dir_fd, HULL_LOG_TIMES_OLD);
	(void)renameat(f->dir_fd, HULL_LOG_NAME, f->dir_fd, HULL_LOG_OLD);
	(void)open_files(f);
}

void hull_logfile_flush(struct hull_logfile *f)
{
	size_t want, now;
	int r = 0;

	if (!f->held)
		return;
	if (f->fd < 0)
		r = open_files(f); /* it may work by now */
	want = f->len + f->held;
	if (r == 0)
		r = hull_fd_write_all(f->fd, f->buf, f->held);
	now = r == 0 ? want : f->fd >= 0 ? size_of(f->fd) : f->len;
	f->errnum = -r;
	f->held = 0;
	f->lost += want > now ? want - now : 0;
	f->len = now;
	if (f->len >= HULL_LOG_MAX || f->times_len >= HULL_LOG_TIMES_MAX)
		rotate(f);
}

/* Where in @data the first line begins that needs a record; @len: none does. */
static size_t find_line(const struct hull_logfile *f, const char *data, size_t len)
{
	const char *end;

	if (f->at_start || f->lost)
		return 0;
	end = memchr(data, '\n', len);
	return end ? (size_t)(end + 1 - data) : len;
}

static void note_time(struct hull_logfile *f, const char *data, size_t len, uint64_t time_ns)
{
	struct hull_log_record r = {.time_ns = time_ns, .lost = (uint32_t)MIN(f->lost, UINT32_MAX)};
	size_t at = find_line(f, data, len);
	bool same = f->last_ns && time_ns >= f->last_ns && time_ns - f->last_ns < HULL_LOG_STEP_NS;

	if (at == len || f->times_fd < 0 || (same && !f->lost))
		return;
	r.offset = (uint32_t)(f->len + f->held + at);
	if (hull_fd_write_all(f->times_fd, &r, sizeof(r)) < 0) {
		/* A part of one would shift those that follow. */
		if (ftruncate(f->times_fd, (off_t)f->times_len) < 0)
			hull_closep(&f->times_fd);
		return;
	}
	f->times_len += sizeof(r);
	f->last_ns = time_ns;
	f->lost = 0;
}

void hull_logfile_add(struct hull_logfile *f, const char *data, size_t len, uint64_t time_ns)
{
	while (len) {
		size_t n = MIN(len, sizeof(f->buf) - f->held);

		note_time(f, data, n, time_ns);
		memcpy(f->buf + f->held, data, n);
		f->held += n;
		f->at_start = data[n - 1] == '\n';
		if (f->held == sizeof(f->buf))
			hull_logfile_flush(f);
		data += n;
		len -= n;
	}
}

void hull_logfile_lose(struct hull_logfile *f, uint64_t len)
{
	hull_logfile_flush(f); /* the gap is behind it */
	f->lost += len;
}
