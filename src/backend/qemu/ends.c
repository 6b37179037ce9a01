/* SPDX-License-Identifier: Apache-2.0
 *
 * Making what ends.h lists: a function for each kind of thing, and a switch over the roles.
 */
#define _GNU_SOURCE
#include "backend/qemu/ends.h"

#include "backend/qemu/files.h"
#include "backend/qemu/firmware.h"
#include "backend/qemu/memory.h"
#include "base/cleanup.h"
#include "base/os.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

struct making {
	const struct hull_config *config;
	const struct hull_qemu_reader *reader;
	bool again;
	struct hull_loop *loop;
	struct hull_backend_sockets *sockets;
	struct hull_qemu_ends *ends;
};

void hull_qemu_ends_init(struct hull_qemu_ends *e)
{
	*e = (struct hull_qemu_ends){.store = -1, .qmp = -1};
	hull_qemu_parts_init(&e->parts);
	for (size_t i = 0; i < ARRAY_SIZE(e->streams); i++)
		e->streams[i] = -1;
}

void hull_qemu_ends_fini(struct hull_qemu_ends *e)
{
	for (size_t i = 0; i < e->map.n; i++)
		hull_closep(&e->map.v[i].from);
	free(e->map.v);
	hull_closep(&e->store);
	hull_closep(&e->qmp);
	for (size_t i = 0; i < ARRAY_SIZE(e->streams); i++)
		hull_closep(&e->streams[i]);
	hull_qemu_parts_fini(&e->parts);
	hull_qemu_memory_free(e->memory);
}

static int make_pair(int *ret_ours, int *ret_theirs, struct hull_error **err)
{
	int fds[2], r = hull_socketpair(fds);

	if (r < 0)
		return hull_fail_errno(err, -r, "make a socket pair");
	*ret_ours = fds[0];
	*ret_theirs = fds[1];
	return 0;
}

static int open_boot(const struct making *m, const char *what, const char *path, int *ret_fd,
		     uint64_t *ret_len, struct hull_error **err)
{
	const struct hull_config *c = m->config;
	bool kernel = path == c->kernel, agent = c->agent != HULL_AGENT_NONE;
	struct stat st;

	*ret_fd = hull_qemu_open_boot(what, path, m->reader, err);
	if (*ret_fd < 0 ||
	    (kernel && hull_qemu_check_kernel(*ret_fd, path, c->arch, agent, err) < 0) ||
	    (!kernel && agent && hull_qemu_check_initrd(*ret_fd, path, err) < 0))
		return -1;
	if (fstat(*ret_fd, &st) == 0)
		*ret_len = (uint64_t)st.st_size;
	return 0;
}

static int take_socket(int *from, const char *what, int *ret_fd, struct hull_error **err)
{
	*ret_fd = steal_fd(from);
	return *ret_fd < 0 ? hull_fail(err, HULL_E_INTERNAL, "no descriptor for %s", what) : 0;
}

static int take_part(struct hull_qemu_parts *parts, size_t index, int *ret_fd,
		     struct hull_error **err)
{
	struct hull_qemu_parts_of *p = &parts->v[index / HULL_QEMU_PARTS_MAX];

	return take_socket(&p->files.v[index % HULL_QEMU_PARTS_MAX], "a part of a disk", ret_fd,
			   err);
}

static int make_memory(const struct making *m, int *ret_fd, struct hull_error **err)
{
	struct hull_qemu_ends *e = m->ends;

	if (hull_qemu_memory_new(m->loop, m->config, m->reader, &e->memory, err) < 0)
		return -1;
	*ret_fd = fcntl(hull_qemu_memory_fd(e->memory), F_DUPFD_CLOEXEC, 3);
	return *ret_fd < 0 ? hull_fail_errno(err, errno, "duplicate a descriptor") : 0;
}

static int make_end(const struct making *m, const struct hull_qemu_fd *fd, int *ret_fd,
		    struct hull_error **err)
{
	struct hull_backend_sockets *sockets = m->sockets;
	struct hull_qemu_ends *e = m->ends;

	switch (fd->role) {
	case HULL_QEMU_FD_QMP:
		return make_pair(&e->qmp, ret_fd, err);
	case HULL_QEMU_FD_CONSOLE:
		return make_pair(&e->streams[HULL_STREAM_CONSOLE], ret_fd, err);
	case HULL_QEMU_FD_CTL:
		return make_pair(&e->streams[HULL_STREAM_CTL], ret_fd, err);
	case HULL_QEMU_FD_BULK:
		return make_pair(&e->streams[HULL_STREAM_BULK], ret_fd, err);
	case HULL_QEMU_FD_ROOT:
		return take_socket(&sockets->root, "the root share", ret_fd, err);
	case HULL_QEMU_FD_SHARE:
		return take_socket(&sockets->shares[fd->index], "a share", ret_fd, err);
	case HULL_QEMU_FD_EXPORT:
		return take_socket(&sockets->exports.v[fd->index].fd, "a directory", ret_fd, err);
	case HULL_QEMU_FD_NET:
		return take_socket(&sockets->networks[fd->index], "a network", ret_fd, err);
	case HULL_QEMU_FD_MEMORY:
		return make_memory(m, ret_fd, err);
	case HULL_QEMU_FD_KERNEL:
		return open_boot(m, "kernel", m->config->kernel, ret_fd, &e->boot_len[0], err);
	case HULL_QEMU_FD_INITRD:
		return open_boot(m, "initrd", m->config->initrd, ret_fd, &e->boot_len[1], err);
	case HULL_QEMU_FD_CODE:
		return hull_qemu_firmware_open(m->config, ret_fd, &e->store, err);
	case HULL_QEMU_FD_STORE: /* planned behind the code */
		return take_socket(&e->store, "the firmware's variables", ret_fd, err);
	case HULL_QEMU_FD_GDB:
		return take_socket(&sockets->gdb, "debuggers", ret_fd, err);
	case HULL_QEMU_FD_VSOCK:
		return take_socket(&sockets->vsock, "vsock", ret_fd, err);
	case HULL_QEMU_FD_VPORTS:
		return take_socket(&sockets->vports, "vsock ports", ret_fd, err);
	case HULL_QEMU_FD_DISK:
		*ret_fd = hull_qemu_open_disk(m->config, fd->index, err);
		return *ret_fd < 0 ? -1 : 0;
	case HULL_QEMU_FD_PART:
		return take_part(&e->parts, fd->index, ret_fd, err);
	case HULL_QEMU_FD_DEVICE:
		if (sockets->devices[fd->index] >= 0)
			return take_socket(&sockets->devices[fd->index], "a device", ret_fd, err);
		if (e->parts.v[fd->index].text >= 0)
			return take_socket(&e->parts.v[fd->index].text, "a disk", ret_fd, err);
		*ret_fd = hull_qemu_open_device(m->config, fd->index, m->again, err);
		return *ret_fd < 0 ? -1 : 0;
	case HULL_QEMU_FD_RNG:
		*ret_fd = hull_qemu_open_rng(m->config->rng_source, err);
		return *ret_fd < 0 ? -1 : 0;
	case HULL_QEMU_FD_NBD:
		return take_socket(&sockets->nbd, "NBD sockets", ret_fd, err);
	}
	return hull_fail(err, HULL_E_INTERNAL, "descriptor of unknown role %d", (int)fd->role);
}

int hull_qemu_ends_make(const struct hull_config *config, const struct hull_qemu_plan *plan,
			const struct hull_qemu_reader *reader, bool again, struct hull_loop *loop,
			struct hull_backend_sockets *sockets, struct hull_qemu_ends *e,
			struct hull_error **err)
{
	const struct making making = {config, reader, again, loop, sockets, e};

	for (size_t i = 0; i < plan->fds.n; i++) {
		struct hull_fd_map *m = hull_vec_push(&e->map);

		if (!m)
			return hull_fail_nomem(err);
		m->from = -1;
		m->to = plan->fds.v[i].number;
		if (make_end(&making, &plan->fds.v[i], &m->from, err) < 0)
			return -1;
	}
	return 0;
}
