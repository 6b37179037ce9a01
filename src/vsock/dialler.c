/* SPDX-License-Identifier: Apache-2.0
 *
 * Connecting, see dialler.h.  Where too many wait to be accepted already the kernel says so at
 * once: then it is tried again for as long as a Linux guest waits for an answer.
 */
#define _GNU_SOURCE
#include "vsock/dialler.h"

#include "base/cleanup.h"
#include "base/os.h"

#include <errno.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#define WAITING_MAX 1024
#define AGAIN_MS 20
#define GIVE_UP_MS 2000

struct waiting {
	struct hull_dial dial;
	uint64_t deadline_ns;
};

struct dialler {
	int fd;
	const struct hull_vsock_spec *spec;
	struct waiting waiting[WAITING_MAX];
	size_t n_waiting;
};

/* The descriptor or -errno; never waits. */
static int connect_to(const struct hull_vsock_spec *spec, uint32_t port)
{
	struct sockaddr_un to = {.sun_family = AF_UNIX};
	char buf[HULL_VSOCK_PATH_MAX];
	const char *path = hull_vsock_spec_find(spec, port, buf);
	cleanup_close int fd = -1;

	if (!path || strlen(path) >= sizeof(to.sun_path))
		return -ENOENT;
	memcpy(to.sun_path, path, strlen(path) + 1);
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd < 0 || connect(fd, (const struct sockaddr *)&to, sizeof(to)) < 0)
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

static bool take(struct dialler *d)
{
	struct hull_dial dial;
	int r;

	if (recv(d->fd, &dial, sizeof(dial), 0) != (ssize_t)sizeof(dial))
		return false;
	r = connect_to(d->spec, dial.port);
	if (r != -EAGAIN || d->n_waiting == WAITING_MAX)
		return answer(d, dial.cookie, r);
	d->waiting[d->n_waiting++] = (struct waiting){dial, hull_deadline_ms(GIVE_UP_MS)};
	return true;
}

static bool try_again(struct dialler *d)
{
	size_t kept = 0;

	for (size_t i = 0; i < d->n_waiting; i++) {
		const struct waiting *w = &d->waiting[i];
		int r = connect_to(d->spec, w->dial.port);

		if (r == -EAGAIN && hull_now_ns() < w->deadline_ns)
			d->waiting[kept++] = *w;
		else if (!answer(d, w->dial.cookie, r))
			return false;
	}
	d->n_waiting = kept;
	return true;
}

void hull_dialler_run(int fd, const struct hull_vsock_spec *spec, const struct hull_strv *made)
{
	struct dialler *d = calloc(1, sizeof(*d));
	struct pollfd p = {.fd = fd, .events = POLLIN};
	bool on = d;

	if (d) {
		d->fd = fd;
		d->spec = spec;
	}
	while (on) {
		int n = poll(&p, 1, d->n_waiting ? AGAIN_MS : -1);

		if (n < 0 && errno != EINTR)
			break;
		on = n > 0 ? take(d) : try_again(d);
	}
	for (size_t i = 0; i < made->n; i++)
		(void)unlink(made->v[i]);
	free(d);
}
