/* SPDX-License-Identifier: Apache-2.0
 *
 * The consoles of serial.h.  A terminal's far side is kept open, so that programs may come and go
 * there.  As long as nobody reads there it holds what fits, the monitor some more, and then the
 * hypervisor finds no room and drops what the guest prints: a guest never waits for its console.
 */
#define _GNU_SOURCE
#include "monitor/serial.h"

#include "base/cleanup.h"
#include "base/conn.h"
#include "base/os.h"
#include "base/path.h"
#include "monitor/console.h"

#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <termios.h>
#include <unistd.h>

/* On its way to either side; then the other one has to wait. */
#define QUEUE_HIGH ((size_t)64 << 10)
#define SOCKETS_WAITING 16
/* What the guest may print while we are not at it: the hypervisor drops what finds no room. */
#define PRINTED_MAX (1 << 20)

enum { GUEST, TERMINAL, N_SIDES };

struct side {
	struct hull_serial *serial;
	struct hull_conn *conn; /* NULL: gone */
};

struct hull_serial {
	struct hull_console *console; /* NULL: it has a terminal */
	struct side sides[N_SIDES];
	int slave; /* the terminal's far side */
};

static struct side *other(struct side *s)
{
	return &s->serial->sides[s == &s->serial->sides[GUEST] ? TERMINAL : GUEST];
}

static void on_data(void *ctx, const char *data, size_t len)
{
	struct side *from = ctx, *to = other(from);

	if (!to->conn)
		return;
	(void)hull_conn_write(to->conn, data, len); /* failure comes as closed() */
	if (to->conn && hull_conn_queued(to->conn) >= QUEUE_HIGH)
		hull_conn_pause(from->conn, true);
}

static void on_drained(void *ctx)
{
	struct side *from = other(ctx);

	if (from->conn)
		hull_conn_pause(from->conn, false);
}

static void on_closed(void *ctx, int errnum)
{
	struct side *s = ctx, *from = other(s);

	hull_conn_free(steal_ptr(&s->conn));
	if (from->conn) /* what it says now nobody gets, but it must not wait */
		hull_conn_pause(from->conn, false);
}

static const struct hull_conn_ops side_ops = {
	.data = on_data,
	.closed = on_closed,
	.drained = on_drained,
};

/* Nothing that passes is for the terminal itself; programs at its far side choose their own
 * modes. */
static int make_terminal(int *ret_master, int *ret_slave, char **ret_name)
{
	cleanup_close int master = posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC);
	cleanup_close int slave = -1;
	struct termios raw;
	char name[PATH_MAX];
	int r;

	if (master < 0 || grantpt(master) < 0 || unlockpt(master) < 0)
		return -errno;
	r = ptsname_r(master, name, sizeof(name));
	if (r != 0)
		return -r;
	slave = open(name, O_RDWR | O_NOCTTY | O_CLOEXEC);
	if (slave < 0 || tcgetattr(slave, &raw) < 0)
		return -errno;
	cfmakeraw(&raw);
	if (tcsetattr(slave, TCSANOW, &raw) < 0)
		return -errno;
	*ret_name = strdup(name);
	if (!*ret_name)
		return -ENOMEM;
	*ret_master = steal_fd(&master);
	*ret_slave = steal_fd(&slave);
	return 0;
}

static int watch(struct hull_serial *s, struct hull_loop *loop, int which, int fd)
{
	struct side *side = &s->sides[which];

	side->serial = s;
	return hull_conn_new(loop, fd, 0, &side_ops, side, &side->conn);
}

static int open_terminal(struct hull_serial *s, struct hull_loop *loop, struct hull_config *config,
			 size_t index, int near, struct hull_error **err)
{
	struct hull_dev_serial *d = &config->devices.v[index].serial;
	cleanup_free char *name = NULL;
	int master = -1, r;

	s->sides[TERMINAL].serial = s; /* the guest's is the first that may ask for it */
	r = watch(s, loop, GUEST, near);
	if (r == 0)
		r = make_terminal(&master, &s->slave, &name);
	if (r == 0)
		r = watch(s, loop, TERMINAL, master);
	if (r < 0)
		return hull_fail_errno(err, -r, "devices[%zu]: make a terminal", index);
	free(d->pty_name);
	d->pty_name = steal_ptr(&name);
	return 0;
}

static int open_socket(struct hull_serial *s, struct hull_loop *loop,
		       const struct hull_config *config, size_t index, int near,
		       struct hull_error **err)
{
	cleanup_free char *path = NULL;
	char name[32];
	int fd;

	snprintf(name, sizeof(name), HULL_SERIAL_SOCKET, index);
	path = hull_path_join(config->run_dir, name);
	fd = path ? hull_unix_listen_anew(path, SOCKETS_WAITING, 0600) : -ENOMEM;
	if (fd < 0) {
		hull_closep(&near);
		return hull_fail_errno(err, -fd, "listen on '%s'", path ? path : name);
	}
	return hull_console_new(loop, near, fd, NULL, &s->console, err);
}

int hull_serial_new(struct hull_loop *loop, struct hull_config *config, size_t index,
		    struct hull_serial **ret, int *ret_far, struct hull_error **err)
{
	struct hull_serial *s = calloc(1, sizeof(*s));
	int pair[2] = {-1, -1}, r;

	if (!s)
		return hull_fail_nomem(err);
	s->slave = -1;
	r = hull_socketpair(pair);
	if (r < 0)
		hull_fail_errno(err, -r, "make a socket pair");
	else
		r = config->devices.v[index].serial.pty
			    ? open_terminal(s, loop, config, index, steal_fd(&pair[0]), err)
			    : open_socket(s, loop, config, index, steal_fd(&pair[0]), err);
	if (r < 0) {
		hull_closep(&pair[1]);
		hull_serial_free(s);
		return -1;
	}
	hull_widen(pair[1], PRINTED_MAX);
	*ret = s;
	*ret_far = pair[1];
	return 0;
}

int hull_serial_renew(struct hull_serial *s, struct hull_loop *loop, int *ret_far,
		      struct hull_error **err)
{
	int pair[2], r = hull_socketpair(pair);

	if (r < 0)
		return hull_fail_errno(err, -r, "make a socket pair");
	cleanup_close int far = pair[1];

	if (s->console) {
		if (hull_console_attach(s->console, pair[0], err) < 0)
			return -1;
	} else {
		hull_conn_free(steal_ptr(&s->sides[GUEST].conn));
		r = watch(s, loop, GUEST, pair[0]);
		if (r < 0)
			return hull_fail_errno(err, -r, "watch a console");
		if (s->sides[TERMINAL].conn)
			hull_conn_pause(s->sides[TERMINAL].conn, false);
	}
	hull_widen(far, PRINTED_MAX);
	*ret_far = steal_fd(&far);
	return 0;
}

void hull_serial_drain(struct hull_serial *s)
{
	char buf[4096];
	ssize_t n;

	if (s->console) {
		hull_console_drain(s->console);
		return;
	}
	while (s->sides[GUEST].conn &&
	       (n = read(hull_conn_fd(s->sides[GUEST].conn), buf, sizeof(buf))) > 0)
		on_data(&s->sides[GUEST], buf, (size_t)n);
}

bool hull_serial_drain_readers(struct hull_serial *s, void (*drained)(void *ctx), void *ctx)
{
	return s->console && hull_console_drain_readers(s->console, drained, ctx);
}

void hull_serial_free(struct hull_serial *s)
{
	if (!s)
		return;
	hull_console_free(s->console);
	for (int i = 0; i < N_SIDES; i++)
		hull_conn_free(s->sides[i].conn);
	hull_closep(&s->slave);
	free(s);
}
