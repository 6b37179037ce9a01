/* SPDX-License-Identifier: Apache-2.0
 *
 * Connecting, see dialler.h.  Where too many wait to be accepted already the kernel says so at
 * once, and nothing but a connect() that blocks is woken when there is room: so a copy of this
 * process waits, one for each port that is full, for as long as a Linux guest waits for an answer.
 * Other dials of the port are in a row behind it, and are tried when it is their turn.
 */
#define _GNU_SOURCE
#include "vsock/dialler.h"

#include "base/cleanup.h"
#include "base/os.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#define ROW_MAX 1024
#define WAITERS_MAX 16
#define GIVE_UP_MS 2000

/* A dial that can't be answered yet. */
struct pending {
	struct hull_dial dial;
	uint64_t deadline_ns;
};

/* Waits for the first of its port's row, and answers it. */
struct waiter {
	uint32_t port, cookie;
	pid_t pid;
	int pidfd; /* owned */
};

struct dialler {
	int fd;
	const struct hull_vsock_spec *spec;
	struct pending row[ROW_MAX]; /* of all ports, oldest first */
	size_t n_row;
	struct waiter waiters[WAITERS_MAX];
	size_t n_waiters;
};

/* A non-blocking descriptor or -errno; waits for @wait_ms at most. */
static int connect_to(const struct hull_vsock_spec *spec, uint32_t port, int wait_ms)
{
	const struct timeval limit = {wait_ms / 1000, wait_ms % 1000 * 1000};
	struct sockaddr_un to = {.sun_family = AF_UNIX};
	char buf[HULL_VSOCK_PATH_MAX];
	const char *path = hull_vsock_spec_find(spec, port, buf);
	cleanup_close int fd = -1;

	if (!path || strlen(path) >= sizeof(to.sun_path))
		return -ENOENT;
	memcpy(to.sun_path, path, strlen(path) + 1);
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | (wait_ms ? 0 : SOCK_NONBLOCK), 0);
	if (fd < 0 ||
	    (wait_ms && setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &limit, sizeof(limit)) < 0) ||
	    connect(fd, (const struct sockaddr *)&to, sizeof(to)) < 0 ||
	    (wait_ms && fcntl(fd, F_SETFL, O_NONBLOCK) < 0))
		return -errno;
	return steal_fd(&fd);
}

/* False when nobody is there any more. */
static bool answer(const struct dialler *d, uint32_t cookie, int r)
{
	cleanup_close int fd = r;
	const struct hull_dialled answer = {.cookie = cookie, .result = MIN(r, 0)};

	return hull_send_fd(d->fd, &answer, sizeof(answer), fd) == (ssize_t)sizeof(answer);
}

/* ---- waiting ---- */

static bool is_waited_for(const struct dialler *d, uint32_t port)
{
	for (size_t i = 0; i < d->n_waiters; i++)
		if (d->waiters[i].port == port)
			return true;
	return false;
}

static void drop(struct dialler *d, size_t i)
{
	d->n_row--;
	memmove(&d->row[i], &d->row[i + 1], (d->n_row - i) * sizeof(d->row[0]));
}

/* In the copy, of which nobody waits for more than its end. */
_Noreturn static void wait_in_copy(const struct dialler *d, const struct pending *p)
{
	int left = hull_ms_left(p->deadline_ns);

	(void)prctl(PR_SET_PDEATHSIG, SIGKILL);
	(void)answer(d, p->dial.cookie, connect_to(d->spec, p->dial.port, MAX(left, 1)));
	_exit(0);
}

/* Takes it out of the row if it can; else it is tried again when another waiter has ended. */
static void wait_for(struct dialler *d, size_t i)
{
	const struct pending p = d->row[i];
	struct waiter *w = &d->waiters[d->n_waiters];
	int pidfd = -1;
	long pid;

	if (d->n_waiters == WAITERS_MAX)
		return;
	/* The one form of it that the filter lets through (confine.c). */
	pid = syscall(SYS_clone, (long)(CLONE_PIDFD | SIGCHLD), 0L, &pidfd, 0L, 0L);
	if (pid == 0)
		wait_in_copy(d, &p);
	if (pid < 0)
		return;
	*w = (struct waiter){p.dial.port, p.dial.cookie, (pid_t)pid, pidfd};
	d->n_waiters++;
	drop(d, i);
}

/* Whoever is first in its port's row, and is not waited for, has its turn; so do those behind it as
 * long as there is room. */
static bool serve_row(struct dialler *d)
{
	for (size_t i = 0; i < d->n_row;) {
		const struct pending *p = &d->row[i];
		int r = -EAGAIN;

		if (!is_waited_for(d, p->dial.port))
			r = connect_to(d->spec, p->dial.port, 0);
		if (r == -EAGAIN && hull_ms_left(p->deadline_ns)) {
			size_t before = d->n_row;

			if (!is_waited_for(d, p->dial.port))
				wait_for(d, i);
			i += d->n_row == before;
			continue;
		}
		if (!answer(d, p->dial.cookie, r))
			return false;
		drop(d, i);
	}
	return true;
}

static bool take(struct dialler *d)
{
	struct hull_dial dial;

	if (recv(d->fd, &dial, sizeof(dial), 0) != (ssize_t)sizeof(dial))
		return false;
	if (d->n_row == ROW_MAX)
		return answer(d, dial.cookie, -EAGAIN);
	d->row[d->n_row++] = (struct pending){dial, hull_deadline_ms(GIVE_UP_MS)};
	return true;
}

/* One that ended otherwise than by itself has not answered. */
static bool take_end(struct dialler *d, size_t i)
{
	struct waiter w = d->waiters[i];
	int status = 0;

	(void)waitpid(w.pid, &status, 0);
	hull_closep(&w.pidfd);
	d->waiters[i] = d->waiters[--d->n_waiters];
	return status == 0 || answer(d, w.cookie, -EAGAIN);
}

/* What is waited for by a copy has its time with that. */
static int next_ms(const struct dialler *d)
{
	return d->n_row ? hull_ms_left(d->row[0].deadline_ns) : -1;
}

static bool round_of(struct dialler *d)
{
	struct pollfd p[1 + WAITERS_MAX] = {{.fd = d->fd, .events = POLLIN}};
	size_t n = d->n_waiters;
	bool on = true;

	for (size_t i = 0; i < n; i++)
		p[1 + i] = (struct pollfd){.fd = d->waiters[i].pidfd, .events = POLLIN};
	if (poll(p, 1 + n, next_ms(d)) < 0)
		return errno == EINTR;
	/* From the end: the last takes the place of one that goes. */
	for (size_t i = n; on && i; i--)
		if (p[i].revents)
			on = take_end(d, i - 1);
	if (on && p[0].revents)
		on = take(d);
	return on && serve_row(d);
}

void hull_dialler_run(int fd, const struct hull_vsock_spec *spec, const struct hull_strv *made)
{
	struct dialler *d = calloc(1, sizeof(*d));

	if (d) {
		d->fd = fd;
		d->spec = spec;
		while (round_of(d))
			;
	}
	for (size_t i = 0; i < made->n; i++)
		(void)unlink(made->v[i]);
	free(d);
}
