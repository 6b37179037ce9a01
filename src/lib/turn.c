/* SPDX-License-Identifier: Apache-2.0
 *
 * Waiting in turns, see turn.h.
 */
#define _GNU_SOURCE
#include "lib/turn.h"

#include "lib/vms.h"

#include "base/os.h"

#include <hull/client.h>
#include <poll.h>
#include <sys/eventfd.h>
#include <unistd.h>

int hull_lib_wait_fd(int fd, short events, const struct hull_lib_patience *p,
		     struct hull_error **err)
{
	struct pollfd fds[] = {{.fd = fd, .events = events},
			       {.fd = hull_lib_cancel_fd(p->cancel), .events = POLLIN},
			       {.fd = hull_lib_cancel_fd(p->abort), .events = POLLIN}};
	int r;

	do
		r = poll(fds, ARRAY_SIZE(fds), p->deadline_ns ? hull_ms_left(p->deadline_ns) : -1);
	while (r < 0 && errno == EINTR);
	if (r < 0)
		return hull_fail_errno(err, errno, "%s: wait", p->what);
	if (fds[1].revents || fds[2].revents)
		return hull_lib_fail_canceled(err);
	return r ? 0 : hull_fail(err, HULL_E_TIMEOUT, "%s: that did not happen in time", p->what);
}

uint64_t hull_lib_deadline(uint64_t timeout_ms, uint64_t default_ms)
{
	if (!timeout_ms)
		timeout_ms = default_ms ? default_ms : HULL_FOREVER;
	return timeout_ms == HULL_FOREVER ? 0 : hull_deadline_ms(timeout_ms);
}

struct hull_lib_waiter {
	struct hull_lib_waiter *next;
	int fd; /* eventfd: something was done */
};

static int follow(struct hull_lib_turns *t, const struct hull_lib_patience *p,
		  struct hull_error **err)
{
	struct hull_lib_waiter w = {.next = t->waiters, .fd = eventfd(0, EFD_CLOEXEC)};
	struct hull_lib_waiter **at;
	int r;

	if (w.fd < 0)
		return hull_fail_errno(err, errno, "%s: wait", p->what);
	t->waiters = &w;
	pthread_mutex_unlock(t->lock);
	r = hull_lib_wait_fd(w.fd, POLLIN, p, err);
	pthread_mutex_lock(t->lock);
	for (at = &t->waiters; *at != &w; at = &(*at)->next)
		;
	*at = w.next;
	close(w.fd);
	return r;
}

int hull_lib_turn(struct hull_lib_turns *t, const struct hull_lib_patience *p,
		  struct hull_error **err)
{
	int r, e = 0;

	if (t->taken)
		return follow(t, p, err);
	t->taken = true;
	pthread_mutex_unlock(t->lock);
	r = hull_lib_wait_fd(hull_loop_fd(t->loop), POLLIN, p, err);
	pthread_mutex_lock(t->lock);
	t->taken = false;
	if (r == 0)
		e = hull_loop_step(t->loop, 0);
	/* Also where nothing was done: somebody has to wait for the loop. */
	for (struct hull_lib_waiter *w = t->waiters; w; w = w->next)
		(void)!write(w->fd, &(uint64_t){1}, sizeof(uint64_t));
	return e < 0 ? hull_fail_errno(err, -e, "%s: event loop", p->what) : r;
}
