/* SPDX-License-Identifier: Apache-2.0
 *
 * hull-vsock: see spec.h for how it is started.  For people and tests there is also
 *
 *   hull-vsock --listen SOCKET SPEC
 *
 * which makes the hypervisor's socket and waits for it, and reads the spec from a file.
 *
 * Sockets for the host's programs are made first, as whoever started it; then a second process is
 * split off that connects (dialler.h), and all rights are given up (confine.h).
 */
#define _GNU_SOURCE
#include "base/cleanup.h"
#include "base/os.h"
#include "base/path.h"
#include "base/strbuf.h"
#include "base/vec.h"
#include "vsock/confine.h"
#include "vsock/dialler.h"
#include "vsock/serve.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

struct listening {
	int fd;
	uint32_t port; /* 0: hybrid */
};

struct program {
	struct hull_vsock_spec spec;
	HULL_VEC(struct listening) listening;
	struct hull_strv made; /* socket files */
	int device, dialler;
	pid_t parent, child; /* 0: none */
};

static int read_spec(struct program *p, int r, const struct hull_strbuf *text,
		     struct hull_error **err)
{
	if (r < 0)
		return hull_fail_errno(err, -r, "read the spec");
	if (hull_vsock_spec_parse(hull_strbuf_str(text), text->len, &p->spec, err) < 0)
		return hull_prefix(err, "the spec");
	return 0;
}

static int inherit(struct program *p, struct hull_error **err)
{
	cleanup_strbuf struct hull_strbuf text = {.max = HULL_VSOCK_SPEC_MAX};
	int r = hull_fd_read_all(HULL_VSOCK_SPEC_FD, HULL_VSOCK_SPEC_MAX, &text);

	(void)close(HULL_VSOCK_SPEC_FD);
	p->device = HULL_VSOCK_DEVICE_FD;
	if (fcntl(p->device, F_SETFD, FD_CLOEXEC) < 0)
		return hull_fail_errno(err, errno, "use descriptor %d", p->device);
	return read_spec(p, r, &text, err);
}

/* ---- sockets that are made ---- */

static int listen_on(const char *path, struct hull_error **err)
{
	int fd = hull_unix_listen_anew(path, SOMAXCONN, 0600);

	if (fd >= 0)
		return fd;
	hull_fail_errno(err, -fd, "make socket '%s'", path);
	if (fd == -EADDRINUSE)
		hull_hint(err, "somebody listens there already, or it is no socket: choose another "
			       "path");
	return -1;
}

static int make_socket(struct program *p, const char *path, uint32_t port, struct hull_error **err)
{
	struct listening *l = hull_vec_push(&p->listening);

	if (!l)
		return hull_fail_nomem(err);
	l->port = port;
	l->fd = listen_on(path, err);
	if (l->fd < 0)
		return -1;
	return hull_strv_add(&p->made, path) < 0 ? hull_fail_nomem(err) : 0;
}

/* Whoever made it removes it. */
static int take_socket(struct program *p, const struct hull_vsock_port *port,
		       struct hull_error **err)
{
	struct listening *l = hull_vec_push(&p->listening);
	int fd = (int)port->fd, listens = 0;
	socklen_t len = sizeof(listens);

	if (!l)
		return hull_fail_nomem(err);
	*l = (struct listening){-1, port->port};
	if (getsockopt(fd, SOL_SOCKET, SO_ACCEPTCONN, &listens, &len) < 0 || !listens ||
	    fcntl(fd, F_SETFD, FD_CLOEXEC) < 0 || hull_set_nonblock(fd, true) < 0)
		return hull_fail(err, HULL_E_INVALID, "descriptor %d is no socket that listens",
				 fd);
	l->fd = fd;
	return 0;
}

static int make_sockets(struct program *p, struct hull_error **err)
{
	if (p->spec.hybrid && make_socket(p, p->spec.hybrid, 0, err) < 0)
		return -1;
	for (size_t i = 0; i < p->spec.ports.n; i++) {
		const struct hull_vsock_port *port = &p->spec.ports.v[i];

		if (port->listen)
			continue;
		if ((port->fd ? take_socket(p, port, err)
			      : make_socket(p, port->socket, port->port, err)) < 0)
			return -1;
	}
	return 0;
}

static void remove_sockets(const struct program *p)
{
	for (size_t i = 0; i < p->made.n; i++)
		(void)unlink(p->made.v[i]);
}

static int accept_device(struct program *p, const char *path, struct hull_error **err)
{
	cleanup_close int fd = listen_on(path, err);

	if (fd < 0)
		return -1;
	(void)hull_set_nonblock(fd, false);
	do
		p->device = accept4(fd, NULL, NULL, SOCK_CLOEXEC);
	while (p->device < 0 && errno == EINTR);
	(void)unlink(path);
	return p->device < 0 ? hull_fail_errno(err, errno, "accept on '%s'", path) : 0;
}

static int wait_for_device(struct program *p, char **argv, struct hull_error **err)
{
	cleanup_strbuf struct hull_strbuf text = {.max = HULL_VSOCK_SPEC_MAX};
	int r = hull_file_read(argv[1], HULL_VSOCK_SPEC_MAX, &text);

	if (read_spec(p, r, &text, err) < 0)
		return -1;
	return accept_device(p, argv[0], err);
}

/* ---- the two processes ---- */

/* Nothing of the worker's may stay open in it: who is connected to those would not see them end. */
static void be_dialler(const struct program *p, int fd)
{
	cleanup_error struct hull_error *err = NULL;

	(void)signal(SIGTERM, SIG_IGN); /* it ends when the worker has */
	(void)signal(SIGINT, SIG_IGN);
	(void)close(p->device);
	for (size_t i = 0; i < p->listening.n; i++)
		(void)close(p->listening.v[i].fd);
	if (hull_vsock_confine_dialler(&err) < 0) {
		fprintf(stderr, "hull-vsock: %s\n", hull_error_message(err));
		_exit(1);
	}
	(void)close(STDERR_FILENO);
	hull_dialler_run(fd, &p->spec, &p->made);
	_exit(0);
}

static int split(struct program *p, struct hull_error **err)
{
	int fds[2];
	pid_t pid;

	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, fds) < 0)
		return hull_fail_errno(err, errno, "make a pair of sockets");
	pid = fork();
	if (pid == 0) {
		(void)close(fds[0]);
		be_dialler(p, fds[1]);
	}
	(void)close(fds[1]);
	p->dialler = fds[0];
	if (pid < 0)
		return hull_fail_errno(err, errno, "make a process");
	p->child = pid;
	return 0;
}

/* Once its socket is closed: nothing that was made is left when we have ended. */
static void wait_for_child(const struct program *p)
{
	if (p->child)
		while (waitpid(p->child, NULL, 0) < 0 && errno == EINTR)
			;
}

static void on_signal(void *ctx, int signo)
{
	hull_vsock_server_stop(ctx);
}

static int add_listeners(struct program *p, struct hull_vsock_host *h, struct hull_error **err)
{
	for (size_t i = 0; i < p->listening.n; i++) {
		struct listening *l = &p->listening.v[i];

		if (hull_vsock_host_listen(h, steal_fd(&l->fd), l->port, err) < 0)
			return -1;
	}
	return 0;
}

static int serve(struct program *p, struct hull_error **err)
{
	static const int signals[] = {SIGTERM, SIGINT};
	cleanup_with(hull_loop_freep) struct hull_loop *loop = NULL;
	cleanup_with(hull_vsock_server_freep) struct hull_vsock_server *s = NULL;
	int r;

	if (hull_loop_new(&loop, err) < 0)
		return -1;
	if (hull_vsock_server_new(loop, &p->spec, steal_fd(&p->device), steal_fd(&p->dialler), &s,
				  err) < 0 ||
	    add_listeners(p, hull_vsock_server_host(s), err) < 0)
		return -1;
	r = hull_loop_add_signals(loop, signals, ARRAY_SIZE(signals), on_signal, s, NULL);
	if (r < 0)
		return hull_fail_errno(err, -r, "watch signals");
	if (hull_vsock_confine_worker((uid_t)p->spec.uid, (gid_t)p->spec.gid, p->parent, err) < 0)
		return -1;
	return hull_vsock_server_run(s, err);
}

static int run(struct program *p, int argc, char **argv, struct hull_error **err)
{
	int r;

	if (argc == 4 && !strcmp(argv[1], "--listen"))
		r = wait_for_device(p, argv + 2, err);
	else if (argc > 1)
		r = hull_fail(err, HULL_E_INVALID,
			      "it is started by a monitor, or as: hull-vsock --listen SOCKET SPEC");
	else
		r = inherit(p, err);
	if (r < 0)
		return -1;
	hull_vsock_raise_files();
	if (make_sockets(p, err) < 0 || split(p, err) < 0) {
		remove_sockets(p);
		return -1;
	}
	return serve(p, err);
}

int main(int argc, char **argv)
{
	struct program p = {.device = -1, .dialler = -1, .parent = getppid()};
	cleanup_error struct hull_error *err = NULL;
	int r = run(&p, argc, argv, &err);

	/* One line, whatever it holds: the monitor hands it on. */
	if (r < 0)
		fprintf(stderr, "hull-vsock: %s%s%s\n", hull_error_message(err),
			*hull_error_hint(err) ? "; " : "", hull_error_hint(err));
	for (size_t i = 0; i < p.listening.n; i++)
		hull_closep(&p.listening.v[i].fd);
	free(p.listening.v);
	hull_strv_fini(&p.made);
	hull_vsock_spec_fini(&p.spec);
	hull_closep(&p.device);
	hull_closep(&p.dialler);
	wait_for_child(&p);
	return r < 0 ? 1 : 0;
}
