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

/* For either of the first two descriptors, until @deadline_ns: > 0; 0 when that has passed. */
static int wait_fds(struct pollfd fds[4], uint64_t deadline_ns, const struct hull_lib_patience *p,
		    struct hull_error **err)
{
	int r;

	fds[2] = (struct pollfd){.fd = hull_lib_cancel_fd(p->cancel), .events = POLLIN};
	fds[3] = (struct pollfd){.fd = hull_lib_cancel_fd(p->abort), .events = POLLIN};
	do
		r = poll(fds, 4, deadline_ns ? hull_ms_left(deadline_ns) : -1);
	while (r < 0 && errno == EINTR);
	if (r < 0)
		return hull_fail_errno(err, errno, "%s: wait", p->what);
	return fds[2].revents || fds[3].revents ? hull_lib_fail_canceled(err) : r;
}

static int fail_late(const struct hull_lib_patience *p, struct hull_error **err)
{
	return hull_fail_cause(err, HULL_E_TIMEOUT, "deadline", "%s: that did not happen in time",
			       p->what);
}

int hull_lib_wait_fd(int fd, short events, const struct hull_lib_patience *p,
		     struct hull_error **err)
{
	struct pollfd fds[4] = {{.fd = fd, .events = events}, {.fd = -1}};
	int r = wait_fds(fds, p->deadline_ns, p, err);

	if (r == 0)
		return fail_late(p, err);
	return r < 0 ? -1 : 0;
}

uint64_t hull_lib_deadline(uint64_t timeout_ms, uint64_t default_ms)
{
	if (!timeout_ms)
		timeout_ms = default_ms ? default_ms : HULL_FOREVER;
	return timeout_ms == HULL_FOREVER ? 0 : hull_deadline_ms(timeout_ms);
}

struct hull_lib_waiter {
	struct hull_lib_waiter *next;
	int fd; /* eventfd: something was done, or nobody waits for the loop any more */
};

static void wake_others(const struct hull_lib_turns *t)
{
	for (const struct hull_lib_waiter *w = t->waiters; w; w = w->next)
		(void)!write(w->fd, &(uint64_t){1}, sizeof(uint64_t));
}

static void leave(struct hull_lib_turns *t, struct hull_lib_waiter *w)
{
	struct hull_lib_waiter **at = &t->waiters;

	while (*at != w)
		at = &(*at)->next;
	*at = w->next;
	close(w->fd);
}

/* One waits for the loop's descriptor, and everybody for its timers: whoever waited first may not
 * know of one that was armed since. */
int hull_lib_turn(struct hull_lib_turns *t, const struct hull_lib_patience *p,
		  struct hull_error **err)
{
	struct hull_lib_waiter w = {.next = t->waiters, .fd = eventfd(0, EFD_CLOEXEC)};
	uint64_t timer = hull_loop_deadline(t->loop), own = p->deadline_ns;
	bool by_timer = timer && (!own || timer < own), leads = !t->taken, due;
	struct pollfd fds[4] = {{.fd = leads ? hull_loop_fd(t->loop) : -1, .events = POLLIN},
				{.fd = w.fd, .events = POLLIN}};
	int r, e = 0;

	if (w.fd < 0)
		return hull_fail_errno(err, errno, "%s: wait", p->what);
	t->waiters = &w;
	t->taken = true;
	pthread_mutex_unlock(t->lock);
	r = wait_fds(fds, by_timer ? timer : own, p, err);
	pthread_mutex_lock(t->lock);
	leave(t, &w);
	t->taken = t->taken && !leads;
	due = (r > 0 && fds[0].revents) || (r == 0 && by_timer);
	if (due)
		e = hull_loop_step(t->loop, 0);
	if (due || leads)
		wake_others(t);
	if (e < 0)
		return hull_fail_errno(err, -e, "%s: event loop", p->what);
	if (r == 0 && !by_timer)
		return fail_late(p, err);
	return r < 0 ? -1 : 0;
}
