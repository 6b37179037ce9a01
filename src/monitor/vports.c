/* SPDX-License-Identifier: Apache-2.0
 *
 * Making sockets and starting hull-vsock, see vports.h.
 */
#define _GNU_SOURCE
#include "monitor/vports.h"

#include "base/cleanup.h"
#include "base/json.h"
#include "base/os.h"
#include "base/path.h"
#include "base/program.h"
#include "config/vports.h"
#include "monitor/ignition.h"
#include "monitor/timesync.h"

#include <assert.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

/* Of hull-vsock's, see vsock/spec.h. */
#define DEVICE_FD 3
#define SPEC_FD 4
#define FIRST_FD 5
#define BACKLOG 4096 /* the kernel makes it as many as it allows */

struct port {
	uint64_t port;
	char *path; /* owned */
	int fd;	    /* owned: listens, for connections to the guest; -1: the guest's go to path */
};

struct hull_vports {
	struct port ports[HULL_CONFIG_MAX_DEVICES + HULL_VPORTS_OWN];
	size_t n;
};

static_assert(HULL_CONFIG_MAX_DEVICES + HULL_VPORTS_OWN + 2 <= HULL_HELPER_FDS_MAX,
	      "all of them can be handed down");

static void vports_freep(struct hull_vports **v)
{
	hull_vports_free(*v);
}

/* ---- sockets ---- */

/* @path is taken. */
static int add(struct hull_vports *v, uint64_t number, char *path, bool listen,
	       struct hull_error **err)
{
	cleanup_free char *owned = path;
	int fd = -1;

	if (!path)
		return hull_fail_nomem(err);
	if (!listen)
		fd = hull_unix_listen_anew(path, BACKLOG, 0600);
	if (!listen && fd == -EADDRINUSE) {
		(void)hull_fail_cause(err, HULL_E_EXISTS, "socket-exists", "'%s' exists already",
				      path);
		hull_hint(err, "it is made for the host's programs to connect to: choose another "
			       "path; or 'listen', if a program of the host's listens there");
		return -1;
	}
	if (!listen && fd < 0)
		return hull_fail_errno(err, -fd, "make socket '%s'", path);
	v->ports[v->n++] = (struct port){number, steal_ptr(&owned), fd};
	return 0;
}

static int add_devices(struct hull_vports *v, const struct hull_config *c, struct hull_error **err)
{
	for (size_t i = 0; i < c->devices.n; i++) {
		const struct hull_dev_vsock *d = &c->devices.v[i].vsock;

		if (c->devices.v[i].kind == HULL_DEVICE_VSOCK &&
		    add(v, d->port, strdup(d->path), d->listen, err) < 0)
			return hull_prefix(err, "devices[%zu]", i);
	}
	return 0;
}

/* Those by which we serve the guest ourselves. */
static int add_own(struct hull_vports *v, const struct hull_config *c, struct hull_error **err)
{
	uint64_t timesync = hull_vports_timesync(c);

	if (c->ignition && add(v, HULL_IGNITION_PORT,
			       hull_path_join(c->run_dir, HULL_IGNITION_SOCKET), true, err) < 0)
		return hull_prefix(err, "ignition");
	if (timesync &&
	    add(v, timesync, hull_path_join(c->run_dir, HULL_TIMESYNC_SOCKET), false, err) < 0)
		return hull_prefix(err, "timesync");
	return 0;
}

int hull_vports_new(const struct hull_config *config, struct hull_vports **ret,
		    struct hull_error **err)
{
	cleanup_with(vports_freep) struct hull_vports *v = NULL;

	*ret = NULL;
	if (!hull_vports_wanted(config))
		return 0;
	v = calloc(1, sizeof(*v));
	if (!v)
		return hull_fail_nomem(err);
	if (add_devices(v, config, err) < 0 || add_own(v, config, err) < 0)
		return -1;
	*ret = steal_ptr(&v);
	return 0;
}

void hull_vports_free(struct hull_vports *v)
{
	if (!v)
		return;
	for (size_t i = 0; i < v->n; i++) {
		if (v->ports[i].fd >= 0)
			(void)unlink(v->ports[i].path);
		hull_closep(&v->ports[i].fd);
		free(v->ports[i].path);
	}
	free(v);
}

/* ---- hull-vsock ---- */

/* @fd: the number it is going to have there. */
static int describe(struct hull_json *ports, const struct port *port, int fd)
{
	struct hull_json *p = hull_json_object();
	bool listen = port->fd < 0;
	int r = 0;

	if (!p)
		return -ENOMEM;
	r |= hull_json_set(p, "port", hull_json_u64(port->port));
	r |= listen ? hull_json_set(p, "socket", hull_json_string(port->path))
		    : hull_json_set(p, "fd", hull_json_i64(fd));
	r |= hull_json_set(p, "direction", hull_json_string(listen ? "listen" : "connect"));
	return hull_json_append(ports, p) < 0 || r ? -ENOMEM : 0;
}

static struct hull_json *make_ports(const struct hull_vports *v)
{
	struct hull_json *ports = hull_json_array();
	int r = ports ? 0 : -ENOMEM, next = FIRST_FD;

	for (size_t i = 0; r == 0 && i < v->n; i++)
		r = describe(ports, &v->ports[i], v->ports[i].fd < 0 ? -1 : next++);
	if (r == 0)
		return ports;
	hull_json_free(ports);
	return NULL;
}

/* In a memory file. */
static int make_spec(const struct hull_vports *v, uid_t uid, gid_t gid, struct hull_error **err)
{
	cleanup_json struct hull_json *j = hull_json_object();
	struct hull_json *ports = j ? make_ports(v) : NULL;
	cleanup_free char *text = NULL;
	int r = 0, fd;

	if (!ports)
		return hull_fail_nomem(err);
	r |= hull_json_set(j, "cid", hull_json_u64(HULL_VPORTS_CID));
	r |= hull_json_set(j, "uid", hull_json_u64(uid));
	r |= hull_json_set(j, "gid", hull_json_u64(gid));
	r |= hull_json_set(j, "ports", ports);
	text = r ? NULL : hull_json_text(j);
	if (!text)
		return hull_fail_nomem(err);
	fd = hull_memfd("hull-vsock", text, strlen(text));
	return fd < 0 ? hull_fail_errno(err, -fd, "make a memory file") : fd;
}

int hull_vports_start(const struct hull_vports *v, const struct hull_helper_env *env, uid_t uid,
		      gid_t gid, struct hull_helper **ret_helper, int *ret_socket,
		      struct hull_error **err)
{
	char *argv[] = {(char *)"hull-vsock", NULL};
	struct hull_fd_map fds[HULL_HELPER_FDS_MAX];
	struct hull_spawn spawn = {.argv = argv, .fds = fds};
	cleanup_close int near = -1, far = -1, spec = make_spec(v, uid, gid, err);
	cleanup_free char *program = NULL;
	int pair[2], r, next = FIRST_FD;

	if (spec < 0 || hull_program_path("hull-vsock", &program, err) < 0)
		return -1;
	r = hull_socketpair(pair);
	if (r < 0)
		return hull_fail_errno(err, -r, "make a socket pair");
	near = pair[0];
	far = pair[1];
	fds[spawn.n_fds++] = (struct hull_fd_map){far, DEVICE_FD};
	fds[spawn.n_fds++] = (struct hull_fd_map){spec, SPEC_FD};
	for (size_t i = 0; i < v->n; i++)
		if (v->ports[i].fd >= 0)
			fds[spawn.n_fds++] = (struct hull_fd_map){v->ports[i].fd, next++};
	spawn.path = program;
	if (hull_helper_start(env, "hull-vsock, which serves the vsock device,", &spawn, ret_helper,
			      err) < 0)
		return -1;
	*ret_socket = steal_fd(&near);
	return 0;
}
