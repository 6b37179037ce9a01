/* SPDX-License-Identifier: Apache-2.0
 *
 * The epoll loop.  Sources live in one list; a removed one is only marked, so that events of
 * the running round which still point at it are recognised, and freed when the round is over.
 * Timers need no descriptors: the nearest deadline is the wait's own timeout.
 */
#define _GNU_SOURCE
#include "base/loop.h"

#include "base/cleanup.h"
#include "base/os.h"
#include "base/proc.h"

#include <limits.h>
#include <signal.h>
#include <stdbool.h>
#include <stdlib.h>
#include <sys/signalfd.h>
#include <time.h>
#include <unistd.h>

enum source_kind { SOURCE_FD, SOURCE_TIMER, SOURCE_CHILD, SOURCE_SIGNAL };

struct hull_source {
	struct hull_loop *loop;
	struct hull_source *next;
	enum source_kind kind;
	bool removed;
	int fd; /* owned for SOURCE_SIGNAL only; -1 for timers */
	uint32_t events;
	uint64_t deadline_ns; /* timers; 0: disarmed */
	union {
		hull_fd_fn fd;
		hull_timer_fn timer;
		hull_child_fn child;
		hull_signal_fn signal;
	} fn;
	void *ctx;
};

struct hull_loop {
	int epfd;
	struct hull_source *sources;
	bool dispatching, garbage, quit;
	int result;
};

int hull_loop_new(struct hull_loop **ret_loop, struct hull_error **err)
{
	struct hull_loop *loop = calloc(1, sizeof(*loop));

	if (!loop)
		return hull_fail_nomem(err);
	loop->epfd = epoll_create1(EPOLL_CLOEXEC);
	if (loop->epfd < 0) {
		free(loop);
		return hull_fail_errno(err, errno, "create epoll descriptor");
	}
	*ret_loop = loop;
	return 0;
}

static void free_source(struct hull_source *s)
{
	if (s->kind == SOURCE_SIGNAL)
		hull_closep(&s->fd);
	free(s);
}

void hull_loop_free(struct hull_loop *loop)
{
	struct hull_source *s, *next;

	if (!loop)
		return;
	for (s = loop->sources; s; s = next) {
		next = s->next;
		free_source(s);
	}
	hull_closep(&loop->epfd);
	free(loop);
}

int hull_loop_fd(const struct hull_loop *loop)
{
	return loop->epfd;
}

static struct hull_source *add_source(struct hull_loop *loop, enum source_kind kind, int fd,
				      uint32_t events, void *ctx)
{
	struct hull_source *s = calloc(1, sizeof(*s));
	struct epoll_event ev = {.events = events, .data.ptr = s};

	if (!s)
		return NULL;
	s->loop = loop;
	s->kind = kind;
	s->fd = fd;
	s->events = events;
	s->ctx = ctx;
	if (fd >= 0 && epoll_ctl(loop->epfd, EPOLL_CTL_ADD, fd, &ev) < 0) {
		free(s);
		return NULL;
	}
	s->next = loop->sources;
	loop->sources = s;
	return s;
}

static int added(struct hull_source *s, struct hull_source **ret_source)
{
	if (ret_source)
		*ret_source = s;
	return 0;
}

int hull_loop_add_fd(struct hull_loop *loop, int fd, uint32_t events, hull_fd_fn fn, void *ctx,
		     struct hull_source **ret_source)
{
	struct hull_source *s = add_source(loop, SOURCE_FD, fd, events, ctx);

	if (!s)
		return -errno;
	s->fn.fd = fn;
	return added(s, ret_source);
}

int hull_loop_add_timer(struct hull_loop *loop, hull_timer_fn fn, void *ctx,
			struct hull_source **ret_source)
{
	struct hull_source *s = add_source(loop, SOURCE_TIMER, -1, 0, ctx);

	if (!s)
		return -ENOMEM;
	s->fn.timer = fn;
	return added(s, ret_source);
}

int hull_loop_add_child(struct hull_loop *loop, int pidfd, hull_child_fn fn, void *ctx,
			struct hull_source **ret_source)
{
	struct hull_source *s = add_source(loop, SOURCE_CHILD, pidfd, EPOLLIN, ctx);

	if (!s)
		return -errno;
	s->fn.child = fn;
	return added(s, ret_source);
}

static int add_signals(struct hull_loop *loop, const sigset_t *set, hull_signal_fn fn, void *ctx,
		       struct hull_source **ret_source)
{
	struct hull_source *s;
	int fd;

	if (sigprocmask(SIG_BLOCK, set, NULL) < 0)
		return -errno;
	fd = signalfd(-1, set, SFD_CLOEXEC | SFD_NONBLOCK);
	if (fd < 0)
		return -errno;
	s = add_source(loop, SOURCE_SIGNAL, fd, EPOLLIN, ctx);
	if (!s) {
		int saved = errno;

		close(fd);
		return -saved;
	}
	s->fn.signal = fn;
	return added(s, ret_source);
}

int hull_loop_add_signals(struct hull_loop *loop, const int *signals, size_t n, hull_signal_fn fn,
			  void *ctx, struct hull_source **ret_source)
{
	sigset_t set;

	sigemptyset(&set);
	for (size_t i = 0; i < n; i++)
		sigaddset(&set, signals[i]);
	return add_signals(loop, &set, fn, ctx, ret_source);
}

int hull_loop_heed_signals(struct hull_loop *loop, const int *signals, size_t n, hull_signal_fn fn,
			   void *ctx, struct hull_source **ret_source)
{
	struct sigaction sa;
	sigset_t set;

	sigemptyset(&set);
	for (size_t i = 0; i < n; i++)
		if (sigaction(signals[i], NULL, &sa) < 0 || sa.sa_handler != SIG_IGN)
			sigaddset(&set, signals[i]);
	return add_signals(loop, &set, fn, ctx, ret_source);
}

int hull_source_set_events(struct hull_source *source, uint32_t events)
{
	struct epoll_event ev = {.events = events, .data.ptr = source};

	if (source->removed || source->events == events)
		return 0;
	if (epoll_ctl(source->loop->epfd, EPOLL_CTL_MOD, source->fd, &ev) < 0)
		return -errno;
	source->events = events;
	return 0;
}

void hull_source_arm(struct hull_source *timer, uint64_t deadline_ns)
{
	timer->deadline_ns = deadline_ns;
}

static void collect_garbage(struct hull_loop *loop)
{
	struct hull_source **p = &loop->sources;

	loop->garbage = false;
	while (*p) {
		struct hull_source *s = *p;

		if (s->removed) {
			*p = s->next;
			free_source(s);
		} else {
			p = &s->next;
		}
	}
}

void hull_source_remove(struct hull_source **source)
{
	struct hull_source *s = *source;

	*source = NULL;
	if (!s || s->removed)
		return;
	/* The descriptor may be closed already: then the kernel has forgotten it by itself. */
	if (s->fd >= 0)
		(void)epoll_ctl(s->loop->epfd, EPOLL_CTL_DEL, s->fd, NULL);
	s->removed = true;
	s->loop->garbage = true;
	if (!s->loop->dispatching)
		collect_garbage(s->loop);
}

static void dispatch_signal(struct hull_source *s)
{
	struct signalfd_siginfo si;

	while (!s->removed && read(s->fd, &si, sizeof(si)) == sizeof(si))
		s->fn.signal(s->ctx, (int)si.ssi_signo);
}

static void dispatch_child(struct hull_source *s)
{
	int wstatus, r = hull_child_reap(s->fd, &wstatus);

	if (r == -EAGAIN)
		return;
	/* Not reapable (somebody else's child): it has ended all the same, the status is unknown.
	 */
	if (r < 0)
		wstatus = 0xff << 8;
	(void)epoll_ctl(s->loop->epfd, EPOLL_CTL_DEL, s->fd, NULL);
	s->fn.child(s->ctx, wstatus);
}

static void dispatch(struct hull_source *s, uint32_t events)
{
	switch (s->kind) {
	case SOURCE_FD:
		s->fn.fd(s->ctx, events);
		break;
	case SOURCE_CHILD:
		dispatch_child(s);
		break;
	case SOURCE_SIGNAL:
		dispatch_signal(s);
		break;
	case SOURCE_TIMER:
		break;
	}
}

uint64_t hull_loop_deadline(const struct hull_loop *loop)
{
	uint64_t best = 0;

	for (const struct hull_source *s = loop->sources; s; s = s->next)
		if (!s->removed && s->deadline_ns && (!best || s->deadline_ns < best))
			best = s->deadline_ns;
	return best;
}

static void run_timers(struct hull_loop *loop)
{
	uint64_t now = hull_now_ns();

	for (struct hull_source *s = loop->sources; s; s = s->next) {
		if (s->removed || !s->deadline_ns || s->deadline_ns > now)
			continue;
		s->deadline_ns = 0;
		s->fn.timer(s->ctx);
	}
}

/* As epoll_pwait2(), where that is not let through, as by old filters and by valgrind: in whole
 * milliseconds. */
static int wait_ms(int epfd, struct epoll_event *events, int n, uint64_t wait_ns)
{
	uint64_t ms = wait_ns / HULL_NS_PER_MS + (wait_ns % HULL_NS_PER_MS != 0);

	return epoll_wait(epfd, events, n,
			  wait_ns == UINT64_MAX ? -1 : (int)MIN(ms, (uint64_t)INT_MAX));
}

static int wait_events(struct hull_loop *loop, struct epoll_event *events, int max, int timeout_ms)
{
	uint64_t deadline = hull_loop_deadline(loop), now, wait_ns = UINT64_MAX;
	struct timespec ts;
	int n;

	if (timeout_ms >= 0)
		wait_ns = (uint64_t)timeout_ms * HULL_NS_PER_MS;
	if (deadline) {
		now = hull_now_ns();
		wait_ns = MIN(wait_ns, deadline > now ? deadline - now : 0);
	}
	ts.tv_sec = (time_t)(wait_ns / HULL_NS_PER_S);
	ts.tv_nsec = (long)(wait_ns % HULL_NS_PER_S);
	n = epoll_pwait2(loop->epfd, events, max, wait_ns == UINT64_MAX ? NULL : &ts, NULL);
	return n < 0 && (errno == ENOSYS || errno == EPERM)
		       ? wait_ms(loop->epfd, events, max, wait_ns)
		       : n;
}

int hull_loop_step(struct hull_loop *loop, int timeout_ms)
{
	struct epoll_event events[32];
	int n;

	n = wait_events(loop, events, ARRAY_SIZE(events), timeout_ms);
	if (n < 0)
		return errno == EINTR ? 0 : -errno;
	loop->dispatching = true;
	for (int i = 0; i < n; i++) {
		struct hull_source *s = events[i].data.ptr;

		if (!s->removed)
			dispatch(s, events[i].events);
	}
	run_timers(loop);
	loop->dispatching = false;
	if (loop->garbage)
		collect_garbage(loop);
	return 0;
}

int hull_loop_run(struct hull_loop *loop)
{
	loop->quit = false;
	while (!loop->quit) {
		int r = hull_loop_step(loop, -1);

		if (r < 0)
			return r;
	}
	return loop->result;
}

void hull_loop_quit(struct hull_loop *loop, int result)
{
	loop->quit = true;
	loop->result = result;
}
