/* SPDX-License-Identifier: Apache-2.0
 *
 * Pipe to file, see dump.h.  Writing to a file may wait for the disk, and so the monitor with it:
 * in small pieces, and at a time when the guest stands still.
 */
#define _GNU_SOURCE
#include "monitor/dump.h"

#include "base/cleanup.h"
#include "base/os.h"
#include "base/path.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define PIPE_SIZE (1 << 20)
#define PIECE ((size_t)256 << 10)
#define BLOCK ((size_t)4096) /* what can be a hole */
#define IDLE_MS 30000
/* What is in a dump beside the guest's memory: headers, notes, the machine's ROMs. */
#define MARGIN (UINT64_C(64) << 20)

struct hull_dump {
	struct hull_loop *loop;
	const struct hull_dump_ops *ops;
	void *ctx;
	char *path, *temporary; /* NULL: it has no name */
	int pipe_fd, fd;
	struct hull_source *source, *idle;
	uint64_t len, most;
	char piece[PIECE];
};

int hull_dump_new(struct hull_loop *loop, const char *path, uint64_t memory_bytes,
		  const struct hull_dump_ops *ops, void *ctx, struct hull_dump **ret_dump,
		  int *ret_fd, struct hull_error **err)
{
	struct hull_dump *d = calloc(1, sizeof(*d));
	int ends[2];

	if (!d || !(d->path = strdup(path))) {
		free(d);
		return hull_fail_nomem(err);
	}
	d->loop = loop;
	d->ops = ops;
	d->ctx = ctx;
	d->most = memory_bytes + MARGIN;
	d->pipe_fd = d->fd = -1;
	if (pipe2(ends, O_CLOEXEC) < 0) {
		hull_fail_errno(err, errno, "make a pipe for the dump");
		hull_dump_free(d);
		return -1;
	}
	d->pipe_fd = ends[0];
	(void)fcntl(ends[0], F_SETPIPE_SZ, PIPE_SIZE); /* only quicker */
	(void)fcntl(ends[0], F_SETFL, O_NONBLOCK);
	*ret_dump = d;
	*ret_fd = ends[1];
	return 0;
}

void hull_dump_free(struct hull_dump *d)
{
	if (!d)
		return;
	hull_source_remove(&d->source);
	hull_source_remove(&d->idle);
	hull_closep(&d->pipe_fd);
	hull_closep(&d->fd);
	if (d->temporary)
		(void)unlink(d->temporary);
	free(d->temporary);
	free(d->path);
	free(d);
}

/* ---- writing ---- */

static bool is_zero(const char *data, size_t len)
{
	return !*data && !memcmp(data, data + 1, len - 1);
}

static int write_at(int fd, const char *data, size_t len, uint64_t at)
{
	while (len) {
		ssize_t n = pwrite(fd, data, len, (off_t)at);

		if (n <= 0)
			return n < 0 ? -errno : -EIO;
		data += n;
		len -= (size_t)n;
		at += (uint64_t)n;
	}
	return 0;
}

/* Up to the next border between blocks of the file, or the end. */
static size_t block_len(uint64_t at, size_t left)
{
	return MIN(BLOCK - (size_t)(at % BLOCK), left);
}

static int add(struct hull_dump *d, const char *data, size_t len)
{
	size_t done = 0;
	int r = 0;

	while (r == 0 && done < len) {
		size_t start = done, n;

		while (done < len &&
		       !is_zero(data + done, n = block_len(d->len + done, len - done)))
			done += n;
		if (done > start)
			r = write_at(d->fd, data + start, done - start, d->len + start);
		else
			done += n;
	}
	d->len += len;
	return r;
}

static void fail(struct hull_dump *d, struct hull_error *error)
{
	hull_source_remove(&d->source);
	hull_source_remove(&d->idle);
	d->ops->failed(d->ctx, error);
	hull_error_free(error);
}

/* Once: 1 if there may be more, 0 if not now. */
static int read_piece(struct hull_dump *d, struct hull_error **err)
{
	ssize_t n = read(d->pipe_fd, d->piece, sizeof(d->piece));
	int r;

	if (n == 0 || (n < 0 && errno == EAGAIN))
		return 0;
	if (n < 0)
		return hull_fail_errno(err, errno, "read the guest's memory");
	if ((uint64_t)n > d->most - d->len)
		return hull_fail(err, HULL_E_BACKEND,
				 "the hypervisor writes more than the guest's memory");
	r = add(d, d->piece, (size_t)n);
	return r < 0 ? hull_fail_errno(err, -r, "write '%s'", d->path) : 1;
}

static void on_readable(void *ctx, uint32_t events)
{
	struct hull_error *error = NULL;
	struct hull_dump *d = ctx;
	int r = read_piece(d, &error);

	if (r < 0) {
		fail(d, error);
		return;
	}
	if (r == 0) { /* the other end is closed: whoever did it tells more */
		hull_source_remove(&d->source);
		return;
	}
	hull_source_arm(d->idle, hull_deadline_ms(IDLE_MS));
	d->ops->progress(d->ctx, d->len);
}

static void on_idle(void *ctx)
{
	struct hull_error *error = NULL;

	hull_fail(&error, HULL_E_TIMEOUT, "the hypervisor has written nothing for %d s",
		  IDLE_MS / 1000);
	fail(ctx, error);
}

/* ---- the file ---- */

static int open_file(struct hull_dump *d)
{
	const char *slash = strrchr(d->path, '/');
	cleanup_free char *dir = strndup(d->path, (size_t)(slash - d->path) + 1), *prefix = NULL;

	if (!dir || asprintf(&prefix, ".%s.", slash + 1) < 0) {
		prefix = NULL;
		return -ENOMEM;
	}
	d->fd = hull_file_nameless(dir, prefix, &d->temporary);
	return d->fd < 0 ? d->fd : 0;
}

int hull_dump_begin(struct hull_dump *d, struct hull_error **err)
{
	int r = open_file(d);

	if (r < 0)
		return hull_fail_errno(err, -r, "create '%s'", d->path);
	r = hull_loop_add_fd(d->loop, d->pipe_fd, EPOLLIN, on_readable, d, &d->source);
	if (r == 0)
		r = hull_loop_add_timer(d->loop, on_idle, d, &d->idle);
	if (r < 0)
		return hull_fail_errno(err, -r, "watch the dump");
	hull_source_arm(d->idle, hull_deadline_ms(IDLE_MS));
	return 0;
}

/* A nameless file can't take the place of one that is there, so it gets a temporary name first. */
static int name_file(struct hull_dump *d)
{
	char from[32];
	uint32_t n;

	if (!d->temporary) {
		if (hull_random(&n, sizeof(n)) < 0 ||
		    asprintf(&d->temporary, "%s.%08x", d->path, n) < 0) {
			d->temporary = NULL;
			return -ENOMEM;
		}
		snprintf(from, sizeof(from), "/proc/self/fd/%d", d->fd);
		if (linkat(AT_FDCWD, from, AT_FDCWD, d->temporary, AT_SYMLINK_FOLLOW) < 0) {
			int r = -errno;

			free(steal_ptr(&d->temporary));
			return r;
		}
	}
	if (rename(d->temporary, d->path) < 0)
		return -errno;
	free(steal_ptr(&d->temporary));
	return 0;
}

int hull_dump_finish(struct hull_dump *d, struct hull_error **err)
{
	int r = 1;

	for (size_t i = 0; r > 0 && i <= PIPE_SIZE / PIECE; i++)
		r = read_piece(d, err);
	if (r < 0)
		return -1;
	if (r > 0)
		return hull_fail(err, HULL_E_BACKEND,
				 "the hypervisor goes on writing after the dump's end");
	r = ftruncate(d->fd, (off_t)d->len) < 0 ? -errno : name_file(d); /* it may end in a hole */
	return r < 0 ? hull_fail_errno(err, -r, "write '%s'", d->path) : 0;
}
