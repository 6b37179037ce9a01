/* SPDX-License-Identifier: Apache-2.0
 *
 * Forked helpers: start, collect what they say, hand it on once they have ended.
 */
#define _GNU_SOURCE
#include "agent/worker.h"

#include "agent/agent.h"
#include "base/cleanup.h"
#include "base/loop.h"
#include "base/report.h"
#include "base/strbuf.h"

#include <fcntl.h>
#include <sys/syscall.h>
#include <unistd.h>

struct worker {
	struct hull_reaped reaped;
	struct hull_source *source;
	int fd; /* owned: read end of the report */
	struct hull_strbuf report;
	bool ended; /* reaped; what it wrote may still be unread */
	hull_worker_done_fn done;
	void *ctx;
};

static void finish(struct worker *w)
{
	cleanup_error struct hull_error *err = NULL;
	const char *out = NULL;
	size_t len = 0;

	(void)hull_report_parse(hull_strbuf_str(&w->report), w->report.len, &out, &len, &err);
	w->done(w->ctx, out, len, err);
	hull_strbuf_fini(&w->report);
	free(w);
}

static void on_report(void *ctx, uint32_t events)
{
	struct worker *w = ctx;
	char buf[1024];
	ssize_t n = read(w->fd, buf, sizeof(buf));

	if (n > 0) {
		(void)hull_strbuf_add(&w->report, buf, (size_t)n);
		return;
	}
	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return;
	hull_source_remove(&w->source);
	hull_closep(&w->fd);
	if (w->ended)
		finish(w);
}

static void on_end(void *ctx, int wstatus)
{
	struct worker *w = ctx;

	w->ended = true;
	if (w->fd < 0)
		finish(w);
}

static _Noreturn void child(hull_worker_fn fn, void *arg, int fd)
{
	cleanup_strbuf struct hull_strbuf out = {.max = HULL_REPORT_MAX};
	cleanup_error struct hull_error *err = NULL;

	/* It may stay for long: ends of pipes must not stay open with it. */
	if (fd > 3)
		(void)syscall(SYS_close_range, 3, fd - 1, 0);
	(void)syscall(SYS_close_range, fd + 1, ~0U, 0);
	if (fn(arg, &out, &err) < 0)
		hull_report_error(fd, err);
	else
		hull_report_done(fd, hull_strbuf_str(&out), out.len);
	_exit(0);
}

int hull_worker_start(struct hull_agent *a, hull_worker_fn fn, void *arg, hull_worker_done_fn done,
		      void *ctx, struct hull_error **err)
{
	cleanup_close int out = -1;
	struct worker *w = calloc(1, sizeof(*w));
	int fds[2], r;
	pid_t pid;

	if (!w)
		return hull_fail_nomem(err);
	if (pipe2(fds, O_CLOEXEC) < 0) {
		free(w);
		return hull_fail_errno(err, errno, "make a pipe to a helper process");
	}
	out = fds[1];
	*w = (struct worker){.fd = fds[0], .done = done, .ctx = ctx};
	w->report.max = HULL_REPORT_MAX + 1;
	r = hull_loop_add_fd(a->loop, w->fd, EPOLLIN, on_report, w, &w->source);
	pid = r < 0 ? -1 : fork();
	if (pid == 0)
		child(fn, arg, out);
	if (pid < 0) {
		r = r < 0 ? -r : errno;
		hull_source_remove(&w->source);
		hull_closep(&w->fd);
		free(w);
		return hull_fail_errno(err, r, "start a helper process");
	}
	hull_reaper_watch(&a->reaper, &w->reaped, pid, on_end, w);
	return 0;
}
