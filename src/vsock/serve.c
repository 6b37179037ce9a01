/* SPDX-License-Identifier: Apache-2.0
 *
 * Serving the device, see serve.h.
 */
#define _GNU_SOURCE
#include "vsock/serve.h"

#include "base/cleanup.h"
#include "base/os.h"
#include "vsock/vhost.h"

#include <assert.h>
#include <endian.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

#define HEADER sizeof(struct virtio_vsock_hdr)
/* Packets taken, or turns given, before other events are looked at. */
#define ROUND 256
/* Packets of which the guest learns at once. */
#define PUBLISH 16
/* What the guest has sent and may forget is worth no interrupt of its own for so long. */
#define LAZY_NS (1 * HULL_NS_PER_MS)
/* Buffers of the guest's that one read of a socket fills. */
#define BATCH 16
#define BATCH_IOV 512
#define COMPLAINTS_MAX 8

struct hull_vsock_server {
	struct hull_loop *loop;
	int fd; /* the hypervisor's, owned */
	struct hull_source *source, *lazy, *leave, *kicks[HULL_VHOST_RINGS];
	bool lazy_armed, leave_armed;
	struct hull_vhost vhost;
	struct hull_vsock *v;
	struct hull_vsock_host *host;
	/* A message that has begun to come in. */
	uint8_t in[HULL_VHOST_HEADER + HULL_VHOST_PAYLOAD_MAX];
	struct hull_vhost_msg msg;
	size_t got;
	int fds[HULL_VHOST_FDS_MAX]; /* owned */
	size_t n_fds;
	/* The guest broke a ring: neither is looked at before it starts anew. */
	bool resting, over;
	unsigned int complaints;
	struct hull_error *err; /* owned: why it is over */
	struct hull_chain chains[BATCH];
	struct iovec iov[BATCH_IOV];
};

static void end(struct hull_vsock_server *s, struct hull_error **err)
{
	if (!s->over && *err)
		s->err = steal_ptr(err);
	s->over = true;
}

/* ---- packets of the guest ---- */

static struct hull_ring *ring(struct hull_vsock_server *s, int i)
{
	return &s->vhost.rings[i].ring;
}

/* @fd: an eventfd, or -1. */
static void notify(int fd)
{
	static const uint64_t one = 1;

	/* A full counter has not been read yet: the guest will be told all the same. */
	if (fd >= 0)
		(void)!write(fd, &one, sizeof(one));
}

/* At the end the memory may have gone. */
static void publish(struct hull_vsock_server *s, int i)
{
	if (!s->over && hull_ring_publish(ring(s, i)))
		notify(s->vhost.rings[i].call);
}

/* Where both rings share an interrupt the guest then takes one for both. */
static void publish_both(struct hull_vsock_server *s)
{
	bool rx = hull_ring_publish(ring(s, HULL_VHOST_RX));
	bool tx = hull_ring_publish(ring(s, HULL_VHOST_TX));

	if (rx)
		notify(s->vhost.rings[HULL_VHOST_RX].call);
	if (tx)
		notify(s->vhost.rings[HULL_VHOST_TX].call);
}

static void take_packet(struct hull_vsock_server *s, const struct hull_chain *chain)
{
	struct virtio_vsock_hdr header;
	struct iovec iov[HULL_CHAIN_MAX];
	size_t n;

	if (hull_iov_read(chain->iov, chain->n_out, 0, &header, HEADER) < HEADER)
		return;
	n = hull_iov_slice(chain->iov, chain->n_out, HEADER, le32toh(header.len), iov,
			   ARRAY_SIZE(iov));
	hull_vsock_take(s->v, &header, iov, n);
}

/* Packets for the guest are told at once, those of the guest with them, or when there are many or
 * they have waited for long. */
static void publish_due(struct hull_vsock_server *s)
{
	unsigned int given = hull_ring_unpublished(ring(s, HULL_VHOST_TX));

	if (given >= PUBLISH || hull_ring_unpublished(ring(s, HULL_VHOST_RX)))
		publish_both(s);
	else if (given && !s->lazy_armed)
		hull_source_arm(s->lazy, hull_now_ns() + LAZY_NS);
	s->lazy_armed = hull_ring_unpublished(ring(s, HULL_VHOST_TX)) > 0;
}

static void on_lazy(void *ctx)
{
	struct hull_vsock_server *s = ctx;

	s->lazy_armed = false;
	if (s->vhost.rings[HULL_VHOST_TX].started)
		publish(s, HULL_VHOST_TX);
}

/* 1 if there is more, 0 if not, or not yet; -1 if the guest broke the ring. */
static int drain_guest(struct hull_vsock_server *s, struct hull_error **err)
{
	struct hull_ring *r = ring(s, HULL_VHOST_TX);
	struct hull_chain *chain = &s->chains[0];

	hull_ring_no_kick(r);
	for (unsigned int i = 0; i < ROUND; i++) {
		int got;

		if (!hull_vsock_may_take(s->v)) /* it goes on when the guest has taken some */
			return 0;
		got = hull_ring_take(r, &s->vhost.memory, chain, err);
		if (got < 0)
			return -1;
		if (got == 0 && !hull_ring_want_kick(r))
			return 0;
		if (got == 0)
			continue;
		take_packet(s, chain);
		hull_ring_give(r, chain->head, 0);
		if (hull_ring_unpublished(r) >= PUBLISH)
			publish(s, HULL_VHOST_TX);
	}
	return 1;
}

/* ---- packets for the guest ---- */

/* The next buffer of the guest's: 1, 0 if there is none, -1 if the ring is broken. */
static int next_buffer(struct hull_vsock_server *s, struct hull_chain *chain,
		       struct hull_error **err)
{
	struct hull_ring *r = ring(s, HULL_VHOST_RX);
	int got = hull_ring_take(r, &s->vhost.memory, chain, err);

	if (got == 0 && hull_ring_want_kick(r))
		got = hull_ring_take(r, &s->vhost.memory, chain, err);
	if (got > 0 && (chain->n_out || chain->in_len <= HEADER))
		return hull_fail_cause(err, HULL_E_INVALID, "broken-ring",
				       "a buffer that holds no packet (%zu bytes)", chain->in_len);
	return got;
}

static void put_header(const struct hull_chain *chain, const struct virtio_vsock_hdr *header)
{
	(void)hull_iov_write(chain->iov, chain->n_in, 0, header, HEADER);
}

/* How many of @len bytes a buffer takes. */
static size_t capacity(const struct hull_chain *chain, size_t len)
{
	return MIN(len, chain->in_len - HEADER);
}

/* Takes more buffers, for @room bytes in all, beside the first: how many, or -1. */
static int gather(struct hull_vsock_server *s, size_t room, size_t *ret_iov,
		  struct hull_error **err)
{
	size_t n_iov = 0, left = room, last;
	int n = 0, got = 1;

	for (;;) {
		struct hull_chain *chain = &s->chains[n++];

		last = capacity(chain, left);
		n_iov += hull_iov_slice(chain->iov, chain->n_in, HEADER, last, s->iov + n_iov,
					BATCH_IOV - n_iov);
		left -= last;
		if (!left || n == BATCH || n_iov + HULL_CHAIN_MAX > BATCH_IOV)
			break;
		got = next_buffer(s, &s->chains[n], err);
		if (got <= 0)
			break;
	}
	*ret_iov = n_iov;
	return got < 0 ? -1 : n;
}

/* The first buffer has been taken.  0 or -1. */
static int send_bytes(struct hull_vsock_server *s, const struct hull_vsock_out *out,
		      struct hull_error **err)
{
	struct hull_ring *r = ring(s, HULL_VHOST_RX);
	size_t n_iov, left;
	int n = gather(s, out->room, &n_iov, err), used = 0;

	if (n < 0)
		return -1;
	left = hull_vsock_host_read(s->host, out->c, s->iov, n_iov);
	for (; left; used++) {
		const struct hull_chain *chain = &s->chains[used];
		size_t len = capacity(chain, left);
		struct virtio_vsock_hdr header;

		assert(used < n);
		hull_vsock_send(s->v, out->c, (uint32_t)len, &header);
		put_header(chain, &header);
		hull_ring_give(r, chain->head, (uint32_t)(HEADER + len));
		left -= len;
	}
	hull_ring_untake(r, (uint16_t)(n - used));
	return 0;
}

static int fill_guest(struct hull_vsock_server *s, struct hull_error **err)
{
	struct hull_ring *r = ring(s, HULL_VHOST_RX);
	struct hull_vsock_out out;

	hull_ring_no_kick(r);
	for (unsigned int i = 0; i < ROUND && hull_vsock_has_next(s->v); i++) {
		int got = next_buffer(s, &s->chains[0], err);

		if (got <= 0)
			return got;
		if (!hull_vsock_next(s->v, &out)) {
			hull_ring_untake(r, 1);
			return 0;
		}
		if (out.c) {
			if (send_bytes(s, &out, err) < 0)
				return -1;
		} else {
			put_header(&s->chains[0], &out.header);
			hull_ring_give(r, s->chains[0].head, HEADER);
		}
		if (out.c || i % PUBLISH == PUBLISH - 1)
			publish_both(s);
	}
	return hull_vsock_has_next(s->v);
}

/* ---- both ---- */

/* The guest is told nothing, since it would not understand; its sockets end, and it can start the
 * device anew. */
static void rest(struct hull_vsock_server *s, const struct hull_error *err)
{
	s->resting = true;
	for (int i = 0; i < HULL_VHOST_RINGS; i++)
		notify(s->vhost.rings[i].error);
	hull_vsock_forget(s->v);
	if (s->complaints++ < COMPLAINTS_MAX)
		fprintf(stderr,
			"hull-vsock: the guest broke its virtio-vsock device: %s; it stands still "
			"until the guest resets it\n",
			hull_error_message(err));
}

static void watch_leaving(struct hull_vsock_server *s)
{
	if (s->leave_armed || !hull_vsock_is_leaving(s->v))
		return;
	s->leave_armed = true;
	hull_source_arm(s->leave, hull_deadline_ms(HULL_VSOCK_LEAVE_MS));
}

/* The rings are looked at afterwards. */
static void on_leave(void *ctx)
{
	struct hull_vsock_server *s = ctx;

	s->leave_armed = false;
	hull_vsock_expire(s->v);
}

/* Whether there is more to be done at once. */
static bool serve_rings(struct hull_vsock_server *s)
{
	cleanup_error struct hull_error *err = NULL;
	bool stalled;
	int in, out;

	if (s->resting || !hull_vhost_runs(&s->vhost, HULL_VHOST_RX) ||
	    !hull_vhost_runs(&s->vhost, HULL_VHOST_TX))
		return false;
	in = drain_guest(s, &err);
	stalled = !hull_vsock_may_take(s->v);
	out = in < 0 ? -1 : fill_guest(s, &err);
	if (out >= 0)
		publish_due(s);
	else
		rest(s, err);
	watch_leaving(s);
	return out > 0 || (out == 0 && (in > 0 || (stalled && hull_vsock_may_take(s->v))));
}

/* ---- the hypervisor ---- */

static int map_memory(void *ctx, int fd, uint64_t size, char **ret_at)
{
	off_t end = lseek(fd, 0, SEEK_END);
	void *at;

	/* Beyond the file's end there would be a signal instead of memory. */
	if (end < 0 || (uint64_t)end < size)
		return end < 0 ? -errno : -ERANGE;
	at = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_NORESERVE, fd, 0);
	if (at == MAP_FAILED)
		return -errno;
	*ret_at = at;
	return 0;
}

static void unmap_memory(void *ctx, char *at, uint64_t size)
{
	(void)munmap(at, size);
}

static void on_kick(struct hull_vsock_server *s, int i)
{
	uint64_t n;

	/* The rings are looked at after each round anyway. */
	(void)!read(s->vhost.rings[i].kick, &n, sizeof(n));
}

static void on_rx_kick(void *ctx, uint32_t events)
{
	on_kick(ctx, HULL_VHOST_RX);
}

static void on_tx_kick(void *ctx, uint32_t events)
{
	on_kick(ctx, HULL_VHOST_TX);
}

static void on_started(void *ctx, int i, bool fresh)
{
	cleanup_error struct hull_error *err = NULL;
	struct hull_vsock_server *s = ctx;
	int fd = s->vhost.rings[i].kick, r = hull_set_nonblock(fd, true);

	if (fresh)
		hull_vsock_forget(s->v);
	s->resting = false;
	if (r == 0)
		r = hull_loop_add_fd(s->loop, fd, EPOLLIN,
				     i == HULL_VHOST_RX ? on_rx_kick : on_tx_kick, s, &s->kicks[i]);
	if (r < 0) {
		hull_fail_errno(&err, -r, "watch a ring");
		end(s, &err);
	}
}

static void on_stopped(void *ctx, int i)
{
	struct hull_vsock_server *s = ctx;

	/* The ring goes on from what the guest knows. */
	publish(s, i);
	hull_source_remove(&s->kicks[i]);
}

static const struct hull_vhost_ops vhost_ops = {
	.map = map_memory, .unmap = unmap_memory, .started = on_started, .stopped = on_stopped};

static void drop_fds(struct hull_vsock_server *s)
{
	for (size_t i = 0; i < s->n_fds; i++)
		hull_closep(&s->fds[i]);
	s->n_fds = 0;
}

static_assert(HULL_VHOST_FDS_MAX <= HULL_FDS_MAX, "all of a message's descriptors are received");

static ssize_t receive(struct hull_vsock_server *s, size_t len)
{
	size_t more;
	ssize_t n = hull_receive_fds(s->fd, s->in + s->got, len, s->fds + s->n_fds,
				     HULL_VHOST_FDS_MAX - s->n_fds, &more);

	if (n > 0)
		s->got += (size_t)n;
	s->n_fds += more;
	return n;
}

static int act(struct hull_vsock_server *s, struct hull_error **err)
{
	struct hull_vhost_msg reply;
	uint32_t header[3];
	struct iovec iov[] = {{header, sizeof(header)}, {reply.payload, 0}};
	struct msghdr m = {.msg_iov = iov, .msg_iovlen = ARRAY_SIZE(iov)};
	int r;

	memcpy(s->msg.payload, s->in + HULL_VHOST_HEADER, s->msg.size);
	s->got = 0;
	r = hull_vhost_handle(&s->vhost, &s->msg, s->fds, s->n_fds, &reply, err);
	drop_fds(s);
	if (r <= 0)
		return r;
	header[0] = reply.request;
	header[1] = reply.flags;
	header[2] = reply.size;
	iov[1].iov_len = reply.size;
	/* It waits for the answer, so there is room for it. */
	if (sendmsg(s->fd, &m, MSG_NOSIGNAL | MSG_DONTWAIT) !=
	    (ssize_t)(sizeof(header) + reply.size))
		return hull_fail_errno(err, errno, "answer the hypervisor");
	return 0;
}

/* 1 to go on, 0 when there is nothing, -1 on failure and at the end. */
static int read_message(struct hull_vsock_server *s, struct hull_error **err)
{
	size_t want = HULL_VHOST_HEADER;
	ssize_t n;

	if (s->got >= HULL_VHOST_HEADER)
		want += s->msg.size;
	n = receive(s, want - s->got);
	if (n == -EAGAIN || n == -EINTR)
		return 0;
	if (n <= 0)
		return -1; /* it is gone, one way or the other */
	if (s->got < want)
		return 1;
	if (want == HULL_VHOST_HEADER && hull_vhost_parse_header(s->in, &s->msg, err) < 0)
		return -1;
	if (want == HULL_VHOST_HEADER && s->msg.size)
		return 1;
	return act(s, err) < 0 ? -1 : 1;
}

static void on_hypervisor(void *ctx, uint32_t events)
{
	cleanup_error struct hull_error *err = NULL;
	struct hull_vsock_server *s = ctx;
	int r;

	do
		r = read_message(s, &err);
	while (r > 0);
	if (r < 0)
		end(s, &err);
}

/* ---- all of it ---- */

static void on_dialler_lost(void *ctx)
{
	cleanup_error struct hull_error *err = NULL;

	hull_fail(&err, HULL_E_INTERNAL, "the process that connects to the host's sockets is gone");
	end(ctx, &err);
}

int hull_vsock_server_new(struct hull_loop *loop, const struct hull_vsock_spec *spec, int device,
			  int dialler, struct hull_vsock_server **ret, struct hull_error **err)
{
	cleanup_with(hull_vsock_server_freep) struct hull_vsock_server *s = calloc(1, sizeof(*s));
	cleanup_close int dialling = dialler;
	int r;

	if (!s) {
		close(device);
		return hull_fail_nomem(err);
	}
	s->loop = loop;
	s->fd = device;
	hull_vhost_init(&s->vhost, spec->cid, &vhost_ops, s);
	if (hull_vsock_host_new(loop, spec, steal_fd(&dialling), on_dialler_lost, s, &s->host,
				err) < 0)
		return -1;
	s->v = hull_vsock_new(spec->cid, &hull_vsock_host_ops, s->host);
	if (!s->v)
		return hull_fail_nomem(err);
	hull_vsock_host_use(s->host, s->v);
	r = hull_loop_add_fd(loop, device, EPOLLIN, on_hypervisor, s, &s->source);
	if (r == 0)
		r = hull_loop_add_timer(loop, on_lazy, s, &s->lazy);
	if (r == 0)
		r = hull_loop_add_timer(loop, on_leave, s, &s->leave);
	if (r < 0)
		return hull_fail_errno(err, -r, "watch the hypervisor's socket");
	*ret = steal_ptr(&s);
	return 0;
}

void hull_vsock_server_free(struct hull_vsock_server *s)
{
	if (!s)
		return;
	hull_source_remove(&s->source);
	hull_source_remove(&s->lazy);
	hull_source_remove(&s->leave);
	hull_vhost_fini(&s->vhost);
	hull_vsock_free(s->v);
	hull_vsock_host_free(s->host);
	drop_fds(s);
	hull_closep(&s->fd);
	hull_error_free(s->err);
	free(s);
}

struct hull_vsock_host *hull_vsock_server_host(struct hull_vsock_server *s)
{
	return s->host;
}

void hull_vsock_server_stop(struct hull_vsock_server *s)
{
	s->over = true;
}

int hull_vsock_server_run(struct hull_vsock_server *s, struct hull_error **err)
{
	bool more = false;
	int r = 0;

	while (!s->over && r == 0) {
		r = hull_loop_step(s->loop, more ? 0 : -1);
		more = r == 0 && !s->over && serve_rings(s);
	}
	if (s->err)
		return hull_error_move(err, &s->err);
	return r < 0 ? hull_fail_errno(err, -r, "wait for events") : 0;
}
