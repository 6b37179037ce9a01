/* SPDX-License-Identifier: Apache-2.0
 *
 * The listener of listen.h.
 */
#define _GNU_SOURCE
#include "base/listen.h"

#include "base/cleanup.h"
#include "base/os.h"

#include <stdbool.h>
#include <sys/socket.h>

struct hull_listener {
	int fd; /* owned */
	struct hull_source *source, *again;
	void (*accepted)(void *ctx, int fd);
	void *ctx;
};

/* What is not the connection's fault, and does not go away by asking again. */
static bool is_shortage(int errnum)
{
	return errnum == EMFILE || errnum == ENFILE || errnum == ENOBUFS || errnum == ENOMEM;
}

static void on_connection(void *ctx, uint32_t events)
{
	struct hull_listener *l = ctx;
	int fd = accept4(l->fd, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);

	if (fd >= 0) {
		l->accepted(l->ctx, fd);
	} else if (is_shortage(errno)) {
		(void)hull_source_set_events(l->source, 0);
		hull_source_arm(l->again, hull_deadline_ms(HULL_LISTEN_PAUSE_MS));
	}
}

static void on_again(void *ctx)
{
	struct hull_listener *l = ctx;

	if (hull_source_set_events(l->source, EPOLLIN) < 0)
		hull_source_arm(l->again, hull_deadline_ms(HULL_LISTEN_PAUSE_MS));
}

int hull_listener_new(struct hull_loop *loop, int fd, void (*accepted)(void *ctx, int fd),
		      void *ctx, struct hull_listener **ret_listener)
{
	struct hull_listener *l = calloc(1, sizeof(*l));
	int r;

	if (!l) {
		hull_closep(&fd);
		return -ENOMEM;
	}
	l->fd = fd;
	l->accepted = accepted;
	l->ctx = ctx;
	r = hull_set_nonblock(fd, true);
	if (r == 0)
		r = hull_loop_add_timer(loop, on_again, l, &l->again);
	if (r == 0)
		r = hull_loop_add_fd(loop, fd, EPOLLIN, on_connection, l, &l->source);
	if (r < 0) {
		hull_listener_free(l);
		return r;
	}
	*ret_listener = l;
	return 0;
}

void hull_listener_free(struct hull_listener *l)
{
	if (!l)
		return;
	hull_source_remove(&l->source);
	hull_source_remove(&l->again);
	hull_closep(&l->fd);
	free(l);
}
