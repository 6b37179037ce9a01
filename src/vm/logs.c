/* SPDX-License-Identifier: Apache-2.0
 *
 * Logs of consoles, see logs.h.
 *
 * A log that is full is renamed and a new one begins (monitor/logfile.h).  So a reader holds on to
 * the file that it reads, and when the name has become another file's, reads its own to the end:
 * nobody writes to it any more.
 */
#define _GNU_SOURCE
#include "vm/logs.h"

#include "base/cleanup.h"
#include "base/os.h"
#include "base/path.h"
#include "base/vec.h"
#include "monitor/logfile.h"
#include "vm/dirs.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/inotify.h>
#include <sys/stat.h>

#define CHUNK ((size_t)64 << 10)
#define OPEN_TRIES 10 /* a new log begins while we look: not so often */
#define RECORDS_MAX (2 * HULL_LOG_TIMES_MAX / sizeof(struct hull_log_record))

/* One file and its index. */
struct part {
	int fd, times_fd; /* owned; -1: none */
	ino_t inode;
	uint64_t pos; /* to be read next */
	uint64_t times_pos;
	HULL_VEC(struct hull_log_record) records;
	size_t passed; /* records: the last of them is that of the line at pos */
};

struct hull_logs {
	char *dir;		/* owned */
	struct part parts[2];	/* the older one, and what is written now */
	bool at_start;		/* of a line */
	uint64_t lost, time_ns; /* to be told with the next piece; of the present line */
	int inotify;		/* owned; -1: not watched */
	struct hull_source *source;
	void (*changed)(void *ctx);
	void *ctx;
};

int hull_logs_dir(const char *id, bool make, char **ret_path, struct hull_error **err)
{
	cleanup_free char *log = hull_dirs_find_log(), *vms = NULL, *path = NULL;
	int r;

	vms = log ? hull_path_join(log, "vm") : NULL;
	path = vms ? hull_path_join(vms, id) : NULL;
	if (!path)
		return hull_fail_nomem(err);
	r = make ? hull_path_mkdirs(path, 0700) : 0;
	if (r < 0) {
		hull_fail_errno(err, -r, "create log directory '%s'", path);
		hull_hint(err, r == -ENOSPC || r == -EDQUOT
				       ? HULL_DIRS_NO_ROOM
				       : "set HULL_HOME to a directory that you may write");
		return -1;
	}
	*ret_path = steal_ptr(&path);
	return 0;
}

int hull_logs_remove(const char *id, struct hull_error **err)
{
	cleanup_free char *path = NULL;
	int r;

	if (hull_logs_dir(id, false, &path, err) < 0)
		return -1;
	r = hull_path_remove_tree(path);
	return r < 0 ? hull_fail_errno(err, -r, "remove log directory '%s'", path) : 0;
}

/* ---- one file ---- */

static void part_close(struct part *p)
{
	hull_closep(&p->fd);
	hull_closep(&p->times_fd);
	free(p->records.v);
	*p = (struct part){.fd = -1, .times_fd = -1};
}

static int open_file(const struct hull_logs *l, const char *name)
{
	cleanup_free char *path = hull_path_join(l->dir, name);
	struct stat st;
	int fd, r = path ? hull_file_open(path, O_RDONLY | O_NOFOLLOW, false, &st, &fd) : -ENOMEM;

	return r < 0 ? r : fd;
}

/* Its index, where it has one of its own. */
static void open_times(struct part *p, const struct hull_logs *l, const char *name)
{
	struct hull_log_head head;
	int fd = open_file(l, name);

	if (fd < 0)
		return;
	if (pread(fd, &head, sizeof(head), 0) == sizeof(head) &&
	    !memcmp(head.magic, HULL_LOG_MAGIC, sizeof(head.magic)) && head.inode == p->inode) {
		p->times_fd = fd;
		p->times_pos = sizeof(head);
	} else {
		hull_closep(&fd);
	}
}

/* 0, or -errno: -ENOENT where there is none. */
static int part_open(struct part *p, const struct hull_logs *l, bool old)
{
	struct stat st;
	int fd = open_file(l, old ? HULL_LOG_OLD : HULL_LOG_NAME);

	*p = (struct part){.fd = fd < 0 ? -1 : fd, .times_fd = -1};
	if (fd < 0)
		return fd;
	if (fstat(fd, &st) < 0)
		return -errno;
	p->inode = st.st_ino;
	open_times(p, l, old ? HULL_LOG_TIMES_OLD : HULL_LOG_TIMES);
	/* Renamed in between: then it is under the other name. */
	if (p->times_fd < 0)
		open_times(p, l, old ? HULL_LOG_TIMES : HULL_LOG_TIMES_OLD);
	return 0;
}

/* What the index has got meanwhile. */
static int load_times(struct part *p)
{
	struct hull_log_record buf[512];
	ssize_t n;

	while (p->times_fd >= 0 && p->records.n < RECORDS_MAX &&
	       (n = pread(p->times_fd, buf, sizeof(buf), (off_t)p->times_pos)) >=
		       (ssize_t)sizeof(buf[0])) {
		size_t count = (size_t)n / sizeof(buf[0]);

		for (size_t i = 0; i < count; i++) {
			struct hull_log_record *r = hull_vec_push(&p->records);

			if (!r)
				return -ENOMEM;
			*r = buf[i];
		}
		p->times_pos += count * sizeof(buf[0]);
	}
	return 0;
}

/* Time of the line at @offset, and on the way what is missing before it. */
static uint64_t time_at(struct part *p, uint64_t offset, uint64_t *lost)
{
	while (p->passed < p->records.n && p->records.v[p->passed].offset <= offset)
		*lost += p->records.v[p->passed++].lost;
	return p->passed ? p->records.v[p->passed - 1].time_ns : 0;
}

/* ---- opening ---- */

static ino_t inode_of(const struct hull_logs *l, const char *name)
{
	cleanup_free char *path = hull_path_join(l->dir, name);
	struct stat st;

	return path && stat(path, &st) == 0 ? st.st_ino : 0;
}

/* Both, as they were at one moment. */
static int open_parts(struct hull_logs *l)
{
	int r;

	for (int i = 0; i < OPEN_TRIES; i++) {
		part_close(&l->parts[0]);
		part_close(&l->parts[1]);
		r = part_open(&l->parts[1], l, false);
		if (r < 0 && r != -ENOENT)
			return r;
		r = part_open(&l->parts[0], l, true);
		if (r < 0 && r != -ENOENT)
			return r;
		if (inode_of(l, HULL_LOG_NAME) == l->parts[1].inode)
			break;
	}
	r = load_times(&l->parts[0]);
	return r < 0 ? r : load_times(&l->parts[1]);
}

int hull_logs_open(const char *id, struct hull_logs **ret_logs, struct hull_error **err)
{
	struct hull_logs *l = calloc(1, sizeof(*l));
	int r;

	if (!l)
		return hull_fail_nomem(err);
	l->inotify = -1;
	l->at_start = true;
	for (int i = 0; i < 2; i++)
		l->parts[i] = (struct part){.fd = -1, .times_fd = -1};
	if (hull_logs_dir(id, false, &l->dir, err) < 0) {
		hull_logs_free(l);
		return -1;
	}
	r = open_parts(l);
	if (r < 0) {
		hull_fail_errno(err, -r, "open the log in '%s'", l->dir);
		hull_logs_free(l);
		return -1;
	}
	*ret_logs = l;
	return 0;
}

void hull_logs_free(struct hull_logs *l)
{
	if (!l)
		return;
	part_close(&l->parts[0]);
	part_close(&l->parts[1]);
	hull_source_remove(&l->source);
	hull_closep(&l->inotify);
	free(l->dir);
	free(l);
}

/* ---- where to begin ---- */

static uint64_t size_of(const struct part *p)
{
	struct stat st;

	return p->fd >= 0 && fstat(p->fd, &st) == 0 ? (uint64_t)st.st_size : 0;
}

/* True if the log goes on from there. */
static bool begin_at_time(struct part *p, uint64_t time_ns)
{
	if (p->times_fd < 0)
		return p->fd >= 0;
	for (size_t i = 0; i < p->records.n; i++) {
		if (p->records.v[i].time_ns < time_ns)
			continue;
		/* What is before all records is of an earlier index, and older. */
		p->pos = p->records.v[i].offset;
		p->passed = i;
		return true;
	}
	p->pos = size_of(p);
	return false;
}

void hull_logs_since(struct hull_logs *l, uint64_t time_ns)
{
	if (!begin_at_time(&l->parts[0], time_ns))
		(void)begin_at_time(&l->parts[1], time_ns);
}

/* Where the last @*lines lines of this stretch begin; how many there are less is left in @*lines.
 */
static int find_lines(const struct part *p, uint64_t from, uint64_t to, uint64_t *lines,
		      uint64_t *ret_pos)
{
	char buf[4096];

	while (to > from) {
		size_t n = (size_t)MIN(to - from, sizeof(buf));
		ssize_t got = pread(p->fd, buf, n, (off_t)(to - n));

		if (got != (ssize_t)n)
			return got < 0 ? -errno : -EIO;
		for (size_t i = n; i > 0; i--) {
			if (buf[i - 1] != '\n' || --*lines)
				continue;
			*ret_pos = to - n + i;
			return 0;
		}
		to -= n;
	}
	*ret_pos = from;
	return 0;
}

/* The last byte says whether one newline more has to be passed. */
static bool ends_line(const struct part *p, uint64_t end)
{
	char c = '\n';

	return end && pread(p->fd, &c, 1, (off_t)(end - 1)) == 1 && c == '\n';
}

int hull_logs_tail(struct hull_logs *l, uint64_t lines, struct hull_error **err)
{
	uint64_t skipped = 0;
	bool first = true;
	int r = 0;

	for (int i = 1; i >= 0 && r == 0; i--) {
		struct part *p = &l->parts[i];
		uint64_t end = size_of(p), pos = end;

		if (end <= p->pos)
			continue;
		/* As many newlines as lines, and that at the very end, which ends the last. */
		if (first && lines && ends_line(p, end))
			end--;
		first = false;
		if (lines)
			r = find_lines(p, p->pos, end, &lines, &pos);
		if (r == 0)
			p->pos = pos;
		(void)time_at(p, p->pos, &skipped);
	}
	return r < 0 ? hull_fail_errno(err, -r, "read the log in '%s'", l->dir) : 0;
}

/* ---- reading ---- */

/* To the end of the line, or to where something is missing. */
static size_t piece_length(const struct part *p, const char *data, size_t len)
{
	const char *end = memchr(data, '\n', len);
	size_t n = end ? (size_t)(end + 1 - data) : len;

	for (size_t i = p->passed; i < p->records.n && p->records.v[i].offset < p->pos + n; i++)
		if (p->records.v[i].lost && p->records.v[i].offset > p->pos)
			return (size_t)(p->records.v[i].offset - p->pos);
	return n;
}

static void hand_out(struct hull_logs *l, struct part *p, const char *data, size_t len,
		     hull_logs_fn fn, void *ctx)
{
	while (len) {
		uint64_t time_ns = time_at(p, p->pos, &l->lost);
		size_t n = piece_length(p, data, len);
		struct hull_logs_piece piece = {.data = data, .len = n, .begins = l->at_start};

		if (l->at_start)
			l->time_ns = time_ns;
		piece.time_ns = l->time_ns;
		piece.lost = l->lost;
		l->lost = 0;
		fn(ctx, &piece);
		l->at_start = data[n - 1] == '\n';
		p->pos += n;
		data += n;
		len -= n;
	}
}

static int read_part(struct hull_logs *l, struct part *p, hull_logs_fn fn, void *ctx)
{
	char buf[CHUNK];
	ssize_t n;
	int r;

	while (p->fd >= 0) {
		n = pread(p->fd, buf, sizeof(buf), (off_t)p->pos);
		if (n <= 0)
			return n < 0 ? -errno : 0;
		/* Afterwards: what is in the file is in the index. */
		r = load_times(p);
		if (r < 0)
			return r;
		hand_out(l, p, buf, (size_t)n, fn, ctx);
	}
	return 0;
}

/* Whether another log has begun since; if two have, the first of them comes next. */
static int go_on(struct hull_logs *l, bool *ret_more)
{
	struct part *now = &l->parts[1];
	ino_t current = inode_of(l, HULL_LOG_NAME), old = inode_of(l, HULL_LOG_OLD);
	bool lag = old && old != now->inode && old != l->parts[0].inode;
	int r;

	*ret_more = false;
	if (!current || current == now->inode)
		return 0; /* or it is just being made, which we are told */
	part_close(&l->parts[0]);
	l->parts[0] = *now;
	r = part_open(now, l, lag);
	if (r < 0)
		return r == -ENOENT ? 0 : r;
	*ret_more = true;
	return 0;
}

int hull_logs_read(struct hull_logs *l, hull_logs_fn fn, void *ctx, struct hull_error **err)
{
	bool more = true;
	int r = 0;

	while (r == 0 && more) {
		r = read_part(l, &l->parts[0], fn, ctx);
		if (r == 0)
			r = read_part(l, &l->parts[1], fn, ctx);
		if (r == 0)
			r = go_on(l, &more);
	}
	return r < 0 ? hull_fail_errno(err, -r, "read the log in '%s'", l->dir) : 0;
}

static void on_inotify(void *ctx, uint32_t events)
{
	struct hull_logs *l = ctx;
	char buf[4096];

	while (read(l->inotify, buf, sizeof(buf)) > 0)
		;
	l->changed(l->ctx);
}

int hull_logs_watch(struct hull_logs *l, struct hull_loop *loop, void (*changed)(void *ctx),
		    void *ctx, struct hull_error **err)
{
	int r = hull_path_mkdirs(l->dir, 0700); /* of a VM that has never been started */

	l->changed = changed;
	l->ctx = ctx;
	if (r == 0) {
		l->inotify = inotify_init1(IN_CLOEXEC | IN_NONBLOCK);
		r = l->inotify < 0 ? -errno : 0;
	}
	if (r == 0 && inotify_add_watch(l->inotify, l->dir, IN_MODIFY | IN_CREATE) < 0)
		r = -errno;
	if (r == 0)
		r = hull_loop_add_fd(loop, l->inotify, EPOLLIN, on_inotify, l, &l->source);
	return r < 0 ? hull_fail_errno(err, -r, "watch the log in '%s'", l->dir) : 0;
}
