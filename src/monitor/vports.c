/* SPDX-License-Identifier: Apache-2.0
 *
 * Making sockets and starting hull-vsock, see vports.h.
 */
#define _GNU_SOURCE
#include "monitor/vports.h"

#include "base/cleanup.h"
#include "base/json.h"
#include "base/os.h"
#include "base/program.h"
#include "config/vports.h"

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

struct made {
	size_t device; /* in the description's list */
	int fd;
};

struct hull_vports {
	const struct hull_config *config;
	struct made made[HULL_CONFIG_MAX_DEVICES];
	size_t n_made;
};

static_assert(HULL_CONFIG_MAX_DEVICES + 2 <= HULL_HELPER_FDS_MAX, "all of them can be handed down");

static void vports_freep(struct hull_vports **v)
{
	hull_vports_free(*v);
}

/* ---- sockets ---- */

static int make(struct hull_vports *v, size_t device, struct hull_error **err)
{
	const char *path = v->config->devices.v[device].vsock.path;
	int fd = hull_unix_listen_anew(path, BACKLOG, 0600);

	if (fd == -EADDRINUSE) {
		(void)hull_fail_cause(err, HULL_E_EXISTS, "socket-exists",
				      "devices[%zu]: '%s' exists already", device, path);
		hull_hint(err, "it is made for the host's programs to connect to: choose another "
			       "path; or 'listen', if a program of the host's listens there");
		return -1;
	}
	if (fd < 0)
		return hull_fail_errno(err, -fd, "devices[%zu]: make socket '%s'", device, path);
	v->made[v->n_made++] = (struct made){device, fd};
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
	v->config = config;
	for (size_t i = 0; i < config->devices.n; i++)
		if (config->devices.v[i].kind == HULL_DEVICE_VSOCK &&
		    !config->devices.v[i].vsock.listen && make(v, i, err) < 0)
			return -1;
	*ret = steal_ptr(&v);
	return 0;
}

void hull_vports_free(struct hull_vports *v)
{
	if (!v)
		return;
	for (size_t i = 0; i < v->n_made; i++) {
		(void)unlink(v->config->devices.v[v->made[i].device].vsock.path);
		hull_closep(&v->made[i].fd);
	}
	free(v);
}

/* ---- hull-vsock ---- */

static int add_port(struct hull_json *ports, uint64_t port, const char *socket, int fd)
{
	struct hull_json *p = hull_json_object();
	int r = 0;

	if (!p)
		return -ENOMEM;
	r |= hull_json_set(p, "port", hull_json_u64(port));
	r |= socket ? hull_json_set(p, "socket", hull_json_string(socket))
		    : hull_json_set(p, "fd", hull_json_i64(fd));
	r |= hull_json_set(p, "direction", hull_json_string(socket ? "listen" : "connect"));
	return hull_json_append(ports, p) < 0 || r ? -ENOMEM : 0;
}

static struct hull_json *make_ports(const struct hull_vports *v)
{
	struct hull_json *ports = hull_json_array();
	int r = ports ? 0 : -ENOMEM, next = FIRST_FD;

	for (size_t i = 0; r == 0 && i < v->config->devices.n; i++) {
		const struct hull_dev_vsock *d = &v->config->devices.v[i].vsock;

		if (v->config->devices.v[i].kind != HULL_DEVICE_VSOCK)
			continue;
		r = d->listen ? add_port(ports, d->port, d->path, -1)
			      : add_port(ports, d->port, NULL, next++);
	}
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
	int pair[2], r;

	if (spec < 0 || hull_program_path("hull-vsock", &program, err) < 0)
		return -1;
	r = hull_socketpair(pair);
	if (r < 0)
		return hull_fail_errno(err, -r, "make a socket pair");
	near = pair[0];
	far = pair[1];
	fds[spawn.n_fds++] = (struct hull_fd_map){far, DEVICE_FD};
	fds[spawn.n_fds++] = (struct hull_fd_map){spec, SPEC_FD};
	for (size_t i = 0; i < v->n_made; i++)
		fds[spawn.n_fds++] = (struct hull_fd_map){v->made[i].fd, FIRST_FD + (int)i};
	spawn.path = program;
	if (hull_helper_start(env, "hull-vsock, which serves the vsock device,", &spawn, ret_helper,
			      err) < 0)
		return -1;
	*ret_socket = steal_fd(&near);
	return 0;
}
