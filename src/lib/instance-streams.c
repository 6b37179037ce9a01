/* SPDX-License-Identifier: Apache-2.0
 *
 * An instance's bytes: streams to its guest by id, and what its console says.
 */
#define _GNU_SOURCE
#include "lib/instance.h"

#include "lib/options.h"

#include "base/os.h"
#include "monitor/link.h"
#include "proto/hvsock.h"

#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define DIAL_MS 49500 /* 10 + 20 + ... + 990 */
#define DIAL_STEP_MS 10
#define DIAL_STEP_MAX_MS 990

/* ---- streams ---- */

struct dial {
	int fd;
	struct hull_lib_patience p;
};

static int send_all(const struct dial *d, const char *data, size_t len, struct hull_error **err)
{
	while (len) {
		ssize_t n = send(d->fd, data, len, MSG_NOSIGNAL | MSG_DONTWAIT);

		if (n < 0 && errno != EAGAIN && errno != EINTR)
			return hull_fail_errno(err, errno, "%s", d->p.what);
		if (n < 0 && hull_lib_wait_fd(d->fd, POLLOUT, &d->p, err) < 0)
			return -1;
		if (n > 0) {
			data += n;
			len -= (size_t)n;
		}
	}
	return 0;
}

/* One byte: what follows an answer is the stream's. */
static int receive_byte(const struct dial *d, char *ret, struct hull_error **err)
{
	for (;;) {
		ssize_t n = recv(d->fd, ret, 1, MSG_DONTWAIT);

		if (n > 0)
			return 0;
		if (n == 0)
			return hull_fail_cause(err, HULL_E_UNAVAILABLE, "connection-lost",
					       "%s: the guest does not answer", d->p.what);
		if (errno != EAGAIN && errno != EINTR)
			return hull_fail_errno(err, errno, "%s", d->p.what);
		if (hull_lib_wait_fd(d->fd, POLLIN, &d->p, err) < 0)
			return -1;
	}
}

/* "CONNECT 1026" -> "OK n": -1 with @ret_absent: there is no guest to be reached at present. */
static int reach(const struct dial *d, bool *ret_absent, struct hull_error **err)
{
	char line[HULL_HVSOCK_LINE_MAX];
	size_t len = hull_hvsock_format_connect(line, HULL_PORT_STREAM), got = 0;
	uint32_t number;
	ssize_t r = 0;

	if (send_all(d, line, len, err) < 0)
		return -1;
	while (r == 0 && got < sizeof(line)) {
		cleanup_error struct hull_error *why = NULL;

		if (receive_byte(d, line + got, &why) < 0) {
			*ret_absent = hull_error_code(why) == HULL_E_UNAVAILABLE ||
				      hull_error_code(why) == HULL_E_OS;
			return hull_error_move(err, &why);
		}
		r = hull_hvsock_parse_ok(line, ++got, &number);
	}
	return r > 0 ? 0 : hull_fail(err, HULL_E_CORRUPT, "%s: a wrong answer", d->p.what);
}

static int name_stream(const struct dial *d, const char *id, struct hull_error **err)
{
	char buf[4 + HULL_STREAM_ERROR_MAX], refusal[HULL_STREAM_ERROR_MAX + 1];
	size_t got = 0;
	ssize_t r = 0;

	if (send_all(d, buf, hull_stream_format(buf, id), err) < 0)
		return -1;
	while (r == 0 && got < sizeof(buf)) {
		if (receive_byte(d, buf + got, err) < 0)
			return -1;
		r = hull_stream_parse_ack(buf, ++got, id, refusal);
	}
	if (r <= 0)
		return hull_fail(err, HULL_E_CORRUPT, "%s: a wrong answer", d->p.what);
	if (!*refusal)
		return 0;
	return hull_fail(err, strstr(refusal, "exists") ? HULL_E_EXISTS : HULL_E_AGENT, "%s: %s",
			 d->p.what, refusal);
}

static int try_dial(struct dial *d, const char *vsock, const char *id, bool *ret_absent,
		    struct hull_error **err)
{
	cleanup_close int fd = hull_unix_connect(vsock);

	*ret_absent = false; /* the socket is there as long as the VM is */
	if (fd < 0)
		return hull_fail_cause(err, HULL_E_UNAVAILABLE, "connection-lost", "%s: %s",
				       d->p.what, hull_strerror(-fd));
	d->fd = fd;
	if (reach(d, ret_absent, err) < 0 || name_stream(d, id, err) < 0)
		return -1;
	(void)hull_set_nonblock(fd, false);
	d->fd = steal_fd(&fd);
	return 0;
}

static int check_id(const char *id, struct hull_error **err)
{
	size_t len = id ? strlen(id) : 0;

	for (size_t i = 0; i < len; i++)
		if (id[i] < ' ' || id[i] > '~')
			len = 0;
	if (len && len <= HULL_STREAM_ID_MAX)
		return 0;
	return hull_fail(err, HULL_E_INVALID,
			 "a stream's id is 1 to %d printable characters of ASCII",
			 HULL_STREAM_ID_MAX);
}

int hull_lib_dial(const char *vsock, const char *id, const struct hull_call_options *options,
		  int *ret_fd, struct hull_error **err)
{
	char what[32 + HULL_STREAM_ID_MAX];
	struct hull_call_options o;
	struct dial d = {.p.what = what};

	if (hull_lib_options_copy(options, &o, sizeof(o), err) < 0 || check_id(id, err) < 0)
		return -1;
	snprintf(what, sizeof(what), "stream '%s'", id);
	d.p.deadline_ns = hull_lib_deadline(o.timeout_ms, DIAL_MS);
	d.p.cancel = o.cancel;
	for (int ms = DIAL_STEP_MS;; ms = MIN(ms + DIAL_STEP_MS, DIAL_STEP_MAX_MS)) {
		cleanup_error struct hull_error *why = NULL, *wait = NULL;
		struct hull_lib_patience pause = d.p;
		bool absent = false;

		if (try_dial(&d, vsock, id, &absent, &why) == 0)
			break;
		pause.deadline_ns = hull_deadline_ms((uint64_t)ms);
		if (!absent || (d.p.deadline_ns && pause.deadline_ns >= d.p.deadline_ns))
			return hull_error_move(err, &why);
		/* Nothing comes but the time, or the cancel. */
		if (hull_lib_wait_fd(-1, 0, &pause, &wait) < 0 &&
		    hull_error_code(wait) != HULL_E_TIMEOUT)
			return hull_error_move(err, &wait);
	}
	*ret_fd = d.fd;
	return 0;
}

/* ---- the console ---- */

/* Which console's thread we are, if we are one's. */
static _Thread_local const struct hull_lib_console *showing;

bool hull_lib_console_is_us(const struct hull_lib_console *c)
{
	return showing == c;
}

/* To the end of the socket, which is the VM's. */
static void *show(void *arg)
{
	struct hull_lib_console *c = arg;
	char buf[4096];
	ssize_t n;

	showing = c;
	for (;;) {
		n = read(c->fd, buf, sizeof(buf));
		if (n > 0)
			c->fn(c->context, buf, (size_t)n);
		else if (n == 0 || errno != EINTR)
			return NULL;
	}
}

int hull_lib_console_start(struct hull_lib_console *c, const char *path, struct hull_error **err)
{
	sigset_t all, old;
	int r;

	c->fd = hull_unix_connect_now(path);
	r = c->fd < 0 ? c->fd : hull_set_nonblock(c->fd, false);
	if (r < 0)
		return hull_fail_errno(err, -r, "connect to the console at '%s'", path);
	(void)shutdown(c->fd, SHUT_WR); /* we are not going to type */
	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &old);
	r = pthread_create(&c->thread, NULL, show, c);
	pthread_sigmask(SIG_SETMASK, &old, NULL);
	if (r)
		return hull_fail_errno(err, r, "show the console");
	c->running = true;
	return 0;
}

void hull_lib_console_end(struct hull_lib_console *c)
{
	if (c->running)
		(void)pthread_join(c->thread, NULL);
	c->running = false;
	hull_closep(&c->fd);
}
