/* SPDX-License-Identifier: Apache-2.0
 *
 * Taking a CID and dialing, see vsock.h.
 *
 * A connection request to a guest that has not come up yet waits in the device; the agent listens
 * before its driver is loaded.  Where the driver is part of the guest's kernel, which answers for
 * the agent that nobody listens, we ask again after a while.
 */
#define _GNU_SOURCE
#include "monitor/vsock.h"

#include "base/cleanup.h"
#include "base/loop.h"
#include "base/os.h"

#include <sys/socket.h> /* first: vm_sockets.h takes its types for granted */

#include <fcntl.h>
#include <linux/vhost.h>
#include <linux/vm_sockets.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/time.h>
#include <unistd.h>

/* The first ones and the last are spoken for. */
#define CID_FIRST 3
#define CID_END UINT32_C(0x7fffffff)
#define CID_TRIES 32
#define AGAIN_MS 20
/* The kernel's own bound, 2 s, counts from before the guest boots; the monitor has a deadline. */
#define CONNECT_S 86400

enum { CONTROL, BULK, CHANNELS };

static const unsigned int ports[CHANNELS] = {HULL_LINK_PORT_CONTROL, HULL_LINK_PORT_BULK};

struct dial {
	struct hull_vsock_link *owner;
	unsigned int port;
	int fd; /* owned */
	bool up;
	struct hull_source *source, *again;
};

struct hull_vsock_link {
	struct hull_loop *loop;
	uint32_t cid;
	uint8_t token[HULL_LINK_TOKEN_LEN];
	struct dial dials[CHANNELS];
	void (*connected)(void *ctx, int control_fd, int bulk_fd);
	void *ctx;
};

static int fail_device(int errnum, struct hull_error **err)
{
	(void)hull_fail_errno(err, errnum, "link 'vsock': open '%s'", HULL_VSOCK_DEVICE);
	if (errnum == ENOENT || errnum == ENODEV || errnum == ENXIO)
		hull_hint(err, "modprobe vhost_vsock; or leave out --link vsock: the other link "
			       "needs nothing of the host");
	else if (errnum == EACCES || errnum == EPERM)
		hull_hint(err,
			  "join the group that may open it (ls -l %s); or leave out --link "
			  "vsock: the other link needs no right",
			  HULL_VSOCK_DEVICE);
	return -1;
}

/* The kernel refuses an address that another guest has. */
static int take_cid(int fd, uint32_t *ret_cid, struct hull_error **err)
{
	int r = 0;

	for (int i = 0; i < CID_TRIES; i++) {
		uint64_t cid = 0;
		uint32_t n;

		r = hull_random(&n, sizeof(n));
		if (r < 0)
			break;
		cid = CID_FIRST + n % (CID_END - CID_FIRST);
		if (ioctl(fd, VHOST_VSOCK_SET_GUEST_CID, &cid) == 0) {
			*ret_cid = (uint32_t)cid;
			return 0;
		}
		r = -errno;
		if (r != -EADDRINUSE)
			break;
	}
	return hull_fail_errno(err, -r, "link 'vsock': take an address (CID) for the guest");
}

int hull_vsock_link_new(struct hull_loop *loop, const uint8_t token[HULL_LINK_TOKEN_LEN],
			int *ret_device, struct hull_vsock_link **ret_link, struct hull_error **err)
{
	cleanup_close int fd = open(HULL_VSOCK_DEVICE, O_RDWR | O_CLOEXEC);
	struct hull_vsock_link *v;
	uint32_t cid = 0;

	if (fd < 0)
		return fail_device(errno, err);
	if (take_cid(fd, &cid, err) < 0)
		return -1;
	v = calloc(1, sizeof(*v));
	if (!v)
		return hull_fail_nomem(err);
	v->loop = loop;
	v->cid = cid;
	memcpy(v->token, token, sizeof(v->token));
	for (size_t i = 0; i < ARRAY_SIZE(v->dials); i++)
		v->dials[i] = (struct dial){.owner = v, .port = ports[i], .fd = -1};
	*ret_link = v;
	*ret_device = steal_fd(&fd);
	return 0;
}

uint32_t hull_vsock_link_cid(const struct hull_vsock_link *v)
{
	return v->cid;
}

static void again_later(struct dial *d)
{
	hull_source_remove(&d->source);
	hull_closep(&d->fd);
	hull_source_arm(d->again, hull_deadline_ms(AGAIN_MS));
}

static void on_connected(struct dial *d)
{
	struct hull_vsock_link *v = d->owner;

	/* The first bytes of a connection always fit. */
	if (send(d->fd, v->token, sizeof(v->token), MSG_NOSIGNAL) != sizeof(v->token)) {
		again_later(d);
		return;
	}
	d->up = true;
	hull_source_remove(&d->source);
	if (v->dials[CONTROL].up && v->dials[BULK].up)
		v->connected(v->ctx, steal_fd(&v->dials[CONTROL].fd), steal_fd(&v->dials[BULK].fd));
}

static void on_dial(void *ctx, uint32_t events)
{
	struct dial *d = ctx;
	int e = 0;
	socklen_t len = sizeof(e);

	if (getsockopt(d->fd, SOL_SOCKET, SO_ERROR, &e, &len) < 0 || e || !(events & EPOLLOUT))
		again_later(d);
	else
		on_connected(d);
}

static int dial(struct dial *d)
{
	const struct sockaddr_vm addr = {
		.svm_family = AF_VSOCK,
		.svm_cid = d->owner->cid,
		.svm_port = d->port,
	};
	const struct timeval timeout = {.tv_sec = CONNECT_S};

	d->fd = socket(AF_VSOCK, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (d->fd < 0 || setsockopt(d->fd, AF_VSOCK, SO_VM_SOCKETS_CONNECT_TIMEOUT, &timeout,
				    sizeof(timeout)) < 0)
		return -errno;
	if (connect(d->fd, (const struct sockaddr *)&addr, sizeof(addr)) < 0 &&
	    errno != EINPROGRESS) {
		again_later(d);
		return 0;
	}
	return hull_loop_add_fd(d->owner->loop, d->fd, EPOLLOUT, on_dial, d, &d->source);
}

static void on_again(void *ctx)
{
	struct dial *d = ctx;

	if (dial(d) < 0)
		again_later(d);
}

static void hang_up(struct dial *d)
{
	hull_source_remove(&d->source);
	hull_source_remove(&d->again);
	hull_closep(&d->fd);
	d->up = false;
}

int hull_vsock_link_dial(struct hull_vsock_link *v,
			 void (*connected)(void *ctx, int control_fd, int bulk_fd), void *ctx,
			 struct hull_error **err)
{
	v->connected = connected;
	v->ctx = ctx;
	for (size_t i = 0; i < ARRAY_SIZE(v->dials); i++) {
		struct dial *d = &v->dials[i];
		int r;

		hang_up(d);
		r = hull_loop_add_timer(v->loop, on_again, d, &d->again);
		if (r == 0)
			r = dial(d);
		if (r < 0)
			return hull_fail_errno(err, -r, "link 'vsock': dial guest %u", v->cid);
	}
	return 0;
}

void hull_vsock_link_free(struct hull_vsock_link *v)
{
	if (!v)
		return;
	for (size_t i = 0; i < ARRAY_SIZE(v->dials); i++)
		hang_up(&v->dials[i]);
	free(v);
}
