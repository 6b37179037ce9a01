/* SPDX-License-Identifier: Apache-2.0
 *
 * Writing a log, or having it written, see logger.h.
 */
#define _GNU_SOURCE
#include "monitor/logger.h"

#include "base/cleanup.h"
#include "base/conn.h"
#include "base/log.h"
#include "base/os.h"
#include "base/proc.h"
#include "monitor/logfile.h"

#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <string.h>
#include <sys/file.h>
#include <sys/prctl.h>
#include <sys/syscall.h>

/* What goes through the socket, followed by @len bytes of text. */
struct frame {
	uint64_t time_ns, lost; /* bytes before it that were left out */
	uint64_t len;
};

struct hull_logger {
	struct hull_logfile *file; /* ours to write; NULL: the writer's */
	/* The writer. */
	struct hull_conn *conn; /* NULL: it is gone, or has been told all */
	struct hull_child child;
	struct hull_source *watch;
	uint64_t lost; /* left out, and not told yet */
	bool warned;
	void (*done)(void *ctx);
	void *ctx;
};

/* ---- the writer ---- */

struct writer {
	int socket;
	struct hull_logfile *file;
	struct frame frame;
	uint64_t left; /* of the frame's text */
	size_t fill;
	char buf[32768];
};

/* Nothing of the monitor's may live on in it: neither locks nor connections. */
static void keep_only(int a, int b)
{
	unsigned int low = (unsigned int)MIN(a, b), high = (unsigned int)MAX(a, b);

	if (low > 0)
		(void)syscall(SYS_close_range, 0, low - 1, 0);
	if (high > low + 1)
		(void)syscall(SYS_close_range, low + 1, high - 1, 0);
	(void)syscall(SYS_close_range, high + 1, UINT_MAX, 0);
}

/* What is there of frames; the rest stays in the buffer. */
static void take_frames(struct writer *w)
{
	size_t at = 0;

	while (at < w->fill) {
		size_t n = MIN(w->left, w->fill - at);

		if (n) {
			hull_logfile_add(w->file, w->buf + at, n, w->frame.time_ns);
			w->left -= n;
			at += n;
			continue;
		}
		if (w->fill - at < sizeof(w->frame))
			break;
		memcpy(&w->frame, w->buf + at, sizeof(w->frame));
		at += sizeof(w->frame);
		w->left = w->frame.len;
		if (w->frame.lost)
			hull_logfile_lose(w->file, w->frame.lost);
	}
	w->fill -= at;
	memmove(w->buf, w->buf + at, w->fill);
	hull_logfile_flush(w->file);
}

static void write_log(void *ctx)
{
	struct writer *w = ctx;
	int dir_fd = w->file->dir_fd;
	ssize_t n;

	/* The monitor's death ends the reading instead. */
	(void)prctl(PR_SET_PDEATHSIG, 0, 0, 0, 0);
	(void)prctl(PR_SET_NAME, "hull-log", 0, 0, 0);
	keep_only(w->socket, dir_fd);
	while (flock(dir_fd, LOCK_EX) < 0 && errno == EINTR)
		;
	/* Where it can't be opened, it is tried again with every text. */
	(void)hull_logfile_open(w->file, dir_fd, true);
	for (;;) {
		n = read(w->socket, w->buf + w->fill, sizeof(w->buf) - w->fill);
		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			break;
		w->fill += (size_t)n;
		take_frames(w);
	}
	hull_logfile_close(w->file);
}

/* ---- the monitor's side ---- */

static void on_data(void *ctx, const char *data, size_t len)
{
	/* It says nothing. */
}

static void on_closed(void *ctx, int errnum)
{
	struct hull_logger *l = ctx;

	hull_conn_free(steal_ptr(&l->conn));
	if (!l->done)
		hull_warn("logger", "the console's log is not written any more: its writer ended");
}

static const struct hull_conn_ops conn_ops = {.data = on_data, .closed = on_closed};

static void on_exit_of_writer(void *ctx, int wstatus)
{
	struct hull_logger *l = ctx;
	void (*done)(void *ctx) = l->done;

	hull_source_remove(&l->watch);
	hull_closep(&l->child.pidfd);
	l->done = NULL;
	if (done)
		done(l->ctx);
}

/* What can't be written should be told at the start, and not by the writer, who has nobody to tell.
 */
static int open_dir(const char *dir, bool kept, int *ret_fd)
{
	cleanup_close int fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC), log = -1;

	if (fd < 0)
		return -errno;
	log = openat(fd, HULL_LOG_NAME, O_WRONLY | O_CREAT | O_APPEND | O_NOFOLLOW | O_CLOEXEC,
		     0600);
	if (kept && log < 0)
		return -errno;
	*ret_fd = steal_fd(&fd);
	return 0;
}

static int start_writer(struct hull_logger *l, struct hull_loop *loop, int dir_fd)
{
	cleanup_free struct writer *w = calloc(1, sizeof(*w));
	cleanup_free struct hull_logfile *file = calloc(1, sizeof(*file));
	int s[2], r;

	if (!w || !file)
		return -ENOMEM;
	r = hull_socketpair(s);
	if (r < 0)
		return r;
	file->dir_fd = dir_fd;
	w->file = file;
	w->socket = s[1];
	r = hull_proc_fork(write_log, w, 0, &l->child);
	hull_closep(&s[1]);
	if (r == 0)
		r = hull_loop_add_child(loop, l->child.pidfd, on_exit_of_writer, l, &l->watch);
	if (r < 0) {
		hull_closep(&s[0]);
		return r;
	}
	/* It may hold as much again that has been sent already. */
	return hull_conn_new(loop, s[0], 2 * HULL_LOGGER_QUEUE + 131072, &conn_ops, l, &l->conn);
}

int hull_logger_new(struct hull_loop *loop, const char *dir, bool kept,
		    struct hull_logger **ret_logger, struct hull_error **err)
{
	struct hull_logger *l = calloc(1, sizeof(*l));
	cleanup_close int dir_fd = -1;
	int r = l ? open_dir(dir, kept, &dir_fd) : -ENOMEM;

	if (l)
		l->child.pidfd = -1;
	if (r == 0 && kept) {
		r = start_writer(l, loop, dir_fd);
	} else if (r == 0) {
		l->file = malloc(sizeof(*l->file));
		r = l->file ? hull_logfile_open(l->file, steal_fd(&dir_fd), false) : -ENOMEM;
	}
	if (r < 0) {
		hull_logger_free(l);
		return hull_fail_errno(err, -r, "log the console in '%s'", dir);
	}
	*ret_logger = l;
	return 0;
}

void hull_logger_free(struct hull_logger *l)
{
	if (!l)
		return;
	if (l->file)
		hull_logfile_close(l->file);
	free(l->file);
	hull_source_remove(&l->watch);
	hull_conn_free(l->conn);
	hull_closep(&l->child.pidfd);
	free(l);
}

/* A full disk costs log lines, never the VM. */
static void write_ourselves(struct hull_logger *l, const char *data, size_t len)
{
	hull_logfile_add(l->file, data, len, 0);
	hull_logfile_flush(l->file);
	if (l->file->errnum && !l->warned)
		hull_warn("logger", "write the console's log: %s, going on without",
			  hull_strerror(l->file->errnum));
	l->warned = l->file->errnum != 0;
}

static void send_frame(struct hull_logger *l, const char *data, size_t len)
{
	struct {
		struct frame head;
		char data[4096];
	} f;

	f.head = (struct frame){.time_ns = hull_realtime_ns(), .lost = l->lost, .len = len};
	l->lost = 0;
	if (len > sizeof(f.data)) {
		if (hull_conn_write(l->conn, &f.head, sizeof(f.head)) == 0)
			(void)hull_conn_write(l->conn, data, len);
		return;
	}
	/* One call for what is printed by the character. */
	if (len)
		memcpy(f.data, data, len);
	(void)hull_conn_write(l->conn, &f, sizeof(f.head) + len);
}

void hull_logger_add(struct hull_logger *l, const char *data, size_t len)
{
	if (l->file)
		write_ourselves(l, data, len);
	else if (l->conn && hull_conn_queued(l->conn) + len <= HULL_LOGGER_QUEUE)
		send_frame(l, data, len);
	else
		l->lost += len;
}

bool hull_logger_finish(struct hull_logger *l, void (*done)(void *ctx), void *ctx)
{
	if (l->conn && l->lost)
		send_frame(l, NULL, 0);
	if (l->conn)
		hull_conn_shutdown(l->conn);
	if (!l->watch)
		return false;
	l->done = done;
	l->ctx = ctx;
	return true;
}
