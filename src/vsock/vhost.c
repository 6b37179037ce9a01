/* SPDX-License-Identifier: Apache-2.0
 *
 * vhost-user messages, see vhost.h.  Numbers are in the host's byte order.
 */
#define _GNU_SOURCE
#include "vsock/vhost.h"

#include "base/cleanup.h"

#include <assert.h>
#include <endian.h>
#include <errno.h>
#include <inttypes.h>
#include <linux/virtio_config.h>
#include <linux/virtio_ring.h>
#include <linux/virtio_vsock.h>
#include <stdio.h>
#include <string.h>

enum {
	GET_FEATURES = 1,
	SET_FEATURES = 2,
	SET_OWNER = 3,
	RESET_OWNER = 4,
	SET_MEM_TABLE = 5,
	SET_VRING_NUM = 8,
	SET_VRING_ADDR = 9,
	SET_VRING_BASE = 10,
	GET_VRING_BASE = 11,
	SET_VRING_KICK = 12,
	SET_VRING_CALL = 13,
	SET_VRING_ERR = 14,
	GET_PROTOCOL_FEATURES = 15,
	SET_PROTOCOL_FEATURES = 16,
	GET_QUEUE_NUM = 17,
	SET_VRING_ENABLE = 18,
	GET_CONFIG = 24,
	GET_MAX_MEM_SLOTS = 36,
	ADD_MEM_REG = 37,
	REM_MEM_REG = 38,
	REQUESTS,
};

#define FLAG_VERSION_MASK 3u
#define FLAG_VERSION 1u
#define FLAG_REPLY 4u
#define FLAG_NEED_REPLY 8u

#define BIT(n) (UINT64_C(1) << (n))
#define PROTOCOL_FEATURES 30
#define PROTOCOL_MQ 0
#define PROTOCOL_REPLY_ACK 3
#define PROTOCOL_CONFIG 9
#define PROTOCOL_MEM_SLOTS 15

#define OFFERED                                                       \
	(BIT(VIRTIO_F_VERSION_1) | BIT(VIRTIO_RING_F_INDIRECT_DESC) | \
	 BIT(VIRTIO_RING_F_EVENT_IDX) | BIT(PROTOCOL_FEATURES))
#define PROTOCOL_OFFERED                                                     \
	(BIT(PROTOCOL_MQ) | BIT(PROTOCOL_REPLY_ACK) | BIT(PROTOCOL_CONFIG) | \
	 BIT(PROTOCOL_MEM_SLOTS))

#define VRING_INDEX 0xffu
#define VRING_NO_FD 0x100u

#define MEM_TABLE_MAX 8

struct wire_region {
	uint64_t guest, size, user, offset;
};
struct wire_state {
	uint32_t index, num;
};
struct wire_addr {
	uint32_t index, flags;
	uint64_t desc, used, avail, log;
};
struct wire_config {
	uint32_t offset, size, flags;
};

/* ---- life ---- */

void hull_vhost_init(struct hull_vhost *v, uint64_t guest_cid, const struct hull_vhost_ops *ops,
		     void *ctx)
{
	*v = (struct hull_vhost){.ops = ops, .ctx = ctx, .guest_cid = guest_cid};
	for (int i = 0; i < HULL_VHOST_RINGS; i++)
		v->rings[i].kick = v->rings[i].call = v->rings[i].error = -1;
}

static void unmap(struct hull_vhost *v, const struct hull_memory_region *r)
{
	v->ops->unmap(v->ctx, r->at - r->offset, r->size + r->offset);
}

static void stop_ring(struct hull_vhost *v, int i)
{
	struct hull_vhost_ring *r = &v->rings[i];

	if (r->started) {
		v->ops->stopped(v->ctx, i);
		r->base = hull_ring_stop(&r->ring);
	}
	r->started = false;
	hull_closep(&r->kick);
}

void hull_vhost_fini(struct hull_vhost *v)
{
	for (int i = 0; i < HULL_VHOST_RINGS; i++) {
		stop_ring(v, i);
		hull_closep(&v->rings[i].call);
		hull_closep(&v->rings[i].error);
	}
	for (size_t i = 0; i < v->memory.n; i++)
		unmap(v, &v->memory.v[i]);
	v->memory.n = 0;
}

bool hull_vhost_runs(const struct hull_vhost *v, int ring)
{
	return v->rings[ring].started && v->rings[ring].enabled;
}

/* ---- the shape of messages ---- */

static int bad(struct hull_error **err, const struct hull_vhost_msg *m, const char *what)
{
	return hull_fail_cause(err, HULL_E_INVALID, "vhost-user",
			       "the hypervisor's vhost-user message %u: %s", m->request, what);
}

int hull_vhost_parse_header(const void *header, struct hull_vhost_msg *ret, struct hull_error **err)
{
	uint32_t h[3];

	memcpy(h, header, sizeof(h));
	ret->request = h[0];
	ret->flags = h[1];
	ret->size = h[2];
	if ((ret->flags & FLAG_VERSION_MASK) != FLAG_VERSION || ret->flags & FLAG_REPLY)
		return bad(err, ret, "no request of version 1");
	if (ret->size > sizeof(ret->payload))
		return bad(err, ret, "too long");
	return 0;
}

static int read_payload(const struct hull_vhost_msg *m, void *ret, size_t size,
			struct hull_error **err)
{
	if (m->size != size)
		return bad(err, m, "not as long as it should be");
	memcpy(ret, m->payload, size);
	return 0;
}

static int answer(struct hull_vhost_msg *reply, const void *payload, size_t size)
{
	if (size)
		memcpy(reply->payload, payload, size);
	reply->size = (uint32_t)size;
	return 1;
}

static int answer_u64(struct hull_vhost_msg *reply, uint64_t value)
{
	return answer(reply, &value, sizeof(value));
}

/* ---- features ---- */

static int read_features(const struct hull_vhost_msg *m, uint64_t offered, uint64_t *ret,
			 struct hull_error **err)
{
	uint64_t wanted = 0;

	if (read_payload(m, &wanted, sizeof(wanted), err) < 0)
		return -1;
	if (wanted & ~offered)
		return bad(err, m, "features that were not offered");
	*ret = wanted;
	return 0;
}

static int set_features(struct hull_vhost *v, const struct hull_vhost_msg *m,
			struct hull_error **err)
{
	if (read_features(m, OFFERED, &v->features, err) < 0)
		return -1;
	/* Without the protocol's features there is no message to enable a ring. */
	for (int i = 0; i < HULL_VHOST_RINGS; i++)
		if (!(v->features & BIT(PROTOCOL_FEATURES)))
			v->rings[i].enabled = true;
	return 0;
}

/* An answer of no length says that there is no such part. */
static int get_config(const struct hull_vhost *v, const struct hull_vhost_msg *m,
		      struct hull_vhost_msg *reply, struct hull_error **err)
{
	const struct virtio_vsock_config config = {.guest_cid = htole64(v->guest_cid)};
	struct wire_config c;

	if (m->size < sizeof(c))
		return bad(err, m, "too short");
	memcpy(&c, m->payload, sizeof(c));
	if (c.size != m->size - sizeof(c))
		return bad(err, m, "not as long as it should be");
	if (c.offset > sizeof(config) || c.size > sizeof(config) - c.offset)
		return answer(reply, NULL, 0);
	memcpy(reply->payload, &c, sizeof(c));
	memcpy(reply->payload + sizeof(c), (const char *)&config + c.offset, c.size);
	reply->size = (uint32_t)sizeof(c) + c.size;
	return 1;
}

/* ---- memory ---- */

static int add_region(struct hull_vhost *v, const struct hull_vhost_msg *m,
		      const struct wire_region *w, int fd, struct hull_error **err)
{
	struct hull_memory_region r = {
		.guest = w->guest, .user = w->user, .size = w->size, .offset = w->offset};
	char *at;
	int e;

	if (w->offset > SIZE_MAX / 2 || w->size > SIZE_MAX / 2)
		return bad(err, m, "memory beyond all files");
	/* From the start of the file: its pages may be large, and the offset no multiple of them.
	 */
	e = v->ops->map(v->ctx, fd, w->size + w->offset, &at);
	if (e < 0)
		return hull_fail_errno(err, -e, "map %#" PRIx64 " bytes of the guest's memory",
				       w->size);
	r.at = at + w->offset;
	e = hull_memory_add(&v->memory, &r);
	if (e < 0) {
		unmap(v, &r);
		return bad(err, m,
			   e == -ENOSPC ? "too many pieces of memory"
					: "pieces of memory that overlap or have no size");
	}
	return 0;
}

/* Rings that run are where they were for the hypervisor, but not for us. */
static int memory_changed(struct hull_vhost *v, struct hull_error **err)
{
	for (int i = 0; i < HULL_VHOST_RINGS; i++)
		if (v->rings[i].started &&
		    hull_ring_move(&v->rings[i].ring, &v->memory, &v->rings[i].where, err) < 0)
			return -1;
	return 0;
}

static int set_mem_table(struct hull_vhost *v, const struct hull_vhost_msg *m, const int *fds,
			 size_t n_fds, struct hull_error **err)
{
	struct wire_region regions[MEM_TABLE_MAX];
	uint32_t n;

	if (m->size < 8)
		return bad(err, m, "too short");
	memcpy(&n, m->payload, sizeof(n));
	if (!n || n > MEM_TABLE_MAX || m->size != 8 + n * sizeof(*regions) || n_fds != n)
		return bad(err, m, "a number of regions that does not fit the rest");
	memcpy(regions, m->payload + 8, n * sizeof(*regions));
	for (size_t i = 0; i < v->memory.n; i++)
		unmap(v, &v->memory.v[i]);
	v->memory.n = 0;
	for (uint32_t i = 0; i < n; i++)
		if (add_region(v, m, &regions[i], fds[i], err) < 0)
			return -1;
	return memory_changed(v, err);
}

static int change_region(struct hull_vhost *v, const struct hull_vhost_msg *m, const int *fds,
			 size_t n_fds, struct hull_error **err)
{
	struct hull_memory_region like, old;
	struct {
		uint64_t padding;
		struct wire_region region;
	} w;

	if (read_payload(m, &w, sizeof(w), err) < 0)
		return -1;
	if (m->request == ADD_MEM_REG)
		return n_fds == 1 ? add_region(v, m, &w.region, fds[0], err)
				  : bad(err, m, "without its descriptor");
	like = (struct hull_memory_region){
		.guest = w.region.guest, .user = w.region.user, .size = w.region.size};
	if (hull_memory_remove(&v->memory, &like, &old) < 0)
		return bad(err, m, "there is no such memory");
	unmap(v, &old);
	return memory_changed(v, err);
}

/* ---- rings ---- */

static struct hull_vhost_ring *ring_of(struct hull_vhost *v, const struct hull_vhost_msg *m,
				       uint32_t i, struct hull_error **err)
{
	if (i < HULL_VHOST_RINGS)
		return &v->rings[i];
	bad(err, m, "there is no such ring");
	return NULL;
}

/* For payloads that begin with the ring's index. */
static struct hull_vhost_ring *read_for_ring(struct hull_vhost *v, const struct hull_vhost_msg *m,
					     void *ret, size_t size, struct hull_error **err)
{
	uint32_t i;

	if (read_payload(m, ret, size, err) < 0)
		return NULL;
	memcpy(&i, ret, sizeof(i));
	return ring_of(v, m, i, err);
}

static int set_ring_number(struct hull_vhost *v, const struct hull_vhost_msg *m,
			   struct hull_error **err)
{
	struct wire_state s;
	struct hull_vhost_ring *r = read_for_ring(v, m, &s, sizeof(s), err);

	if (!r)
		return -1;
	if (m->request == SET_VRING_ENABLE) {
		if (s.num > 1)
			return bad(err, m, "neither on nor off");
		r->enabled = s.num;
		return 0;
	}
	if (r->started)
		return bad(err, m, "the ring runs");
	if (m->request == SET_VRING_BASE) {
		if (s.num > UINT16_MAX)
			return bad(err, m, "an index beyond all rings");
		r->base = (uint16_t)s.num;
		return 0;
	}
	if (!s.num || s.num > HULL_RING_NUM_MAX)
		return bad(err, m, "a ring of an impossible size");
	r->where.num = s.num;
	return 0;
}

static int set_ring_addr(struct hull_vhost *v, const struct hull_vhost_msg *m,
			 struct hull_error **err)
{
	struct wire_addr a;
	struct hull_vhost_ring *r = read_for_ring(v, m, &a, sizeof(a), err);

	if (!r)
		return -1;
	if (r->started)
		return bad(err, m, "the ring runs");
	r->where.desc = a.desc;
	r->where.avail = a.avail;
	r->where.used = a.used;
	r->has_where = true;
	return 0;
}

static int get_ring_base(struct hull_vhost *v, const struct hull_vhost_msg *m,
			 struct hull_vhost_msg *reply, struct hull_error **err)
{
	struct wire_state s;
	struct hull_vhost_ring *r = read_for_ring(v, m, &s, sizeof(s), err);

	if (!r)
		return -1;
	stop_ring(v, (int)s.index);
	s.num = r->base;
	return answer(reply, &s, sizeof(s));
}

static int start_ring(struct hull_vhost *v, int i, struct hull_error **err)
{
	const struct hull_vhost_ring *other = &v->rings[1 - i];
	struct hull_vhost_ring *r = &v->rings[i];

	r->where.event_idx = v->features & BIT(VIRTIO_RING_F_EVENT_IDX);
	r->where.indirect = v->features & BIT(VIRTIO_RING_F_INDIRECT_DESC);
	if (hull_ring_start(&r->ring, &v->memory, &r->where, r->base, err) < 0)
		return hull_prefix(err, "start ring %d", i);
	r->started = true;
	r->fresh = !r->base;
	v->ops->started(v->ctx, i, r->fresh && other->started && other->fresh);
	return 0;
}

static int set_ring_fd(struct hull_vhost *v, const struct hull_vhost_msg *m, int *fds, size_t n_fds,
		       struct hull_error **err)
{
	struct hull_vhost_ring *r;
	uint64_t word = 0;
	bool none;
	int *to;

	if (read_payload(m, &word, sizeof(word), err) < 0)
		return -1;
	r = ring_of(v, m, word & VRING_INDEX, err);
	if (!r)
		return -1;
	none = word & VRING_NO_FD;
	if (n_fds != (none ? 0 : 1))
		return bad(err, m, "without its descriptor");
	to = m->request == SET_VRING_CALL ? &r->call : &r->error;
	if (m->request == SET_VRING_KICK) {
		if (none)
			return bad(err, m, "rings that are to be polled are not supported");
		if (!r->has_where || !r->where.num)
			return bad(err, m, "the ring has no address or size yet");
		stop_ring(v, word & VRING_INDEX);
		to = &r->kick;
	}
	hull_closep(to);
	if (!none)
		*to = steal_fd(&fds[0]);
	return m->request == SET_VRING_KICK ? start_ring(v, word & VRING_INDEX, err) : 0;
}

/* ---- all of them ---- */

static int dispatch(struct hull_vhost *v, const struct hull_vhost_msg *m, int *fds, size_t n_fds,
		    struct hull_vhost_msg *reply, struct hull_error **err)
{
	switch (m->request) {
	case GET_FEATURES:
		return answer_u64(reply, OFFERED);
	case SET_FEATURES:
		return set_features(v, m, err);
	case GET_PROTOCOL_FEATURES:
		return answer_u64(reply, PROTOCOL_OFFERED);
	case SET_PROTOCOL_FEATURES:
		return read_features(m, PROTOCOL_OFFERED, &v->protocol, err);
	case SET_OWNER:
	case RESET_OWNER: /* QEMU's are stopped one by one */
		return 0;
	case GET_QUEUE_NUM:
		return answer_u64(reply, HULL_VHOST_RINGS);
	case GET_MAX_MEM_SLOTS:
		return answer_u64(reply, HULL_MEMORY_REGIONS_MAX);
	case GET_CONFIG:
		return get_config(v, m, reply, err);
	case SET_MEM_TABLE:
		return set_mem_table(v, m, fds, n_fds, err);
	case ADD_MEM_REG:
	case REM_MEM_REG:
		return change_region(v, m, fds, n_fds, err);
	case SET_VRING_NUM:
	case SET_VRING_BASE:
	case SET_VRING_ENABLE:
		return set_ring_number(v, m, err);
	case SET_VRING_ADDR:
		return set_ring_addr(v, m, err);
	case GET_VRING_BASE:
		return get_ring_base(v, m, reply, err);
	case SET_VRING_KICK:
	case SET_VRING_CALL:
	case SET_VRING_ERR:
		return set_ring_fd(v, m, fds, n_fds, err);
	default:
		return bad(err, m, "it is not known here");
	}
}

int hull_vhost_handle(struct hull_vhost *v, const struct hull_vhost_msg *m, int *fds, size_t n_fds,
		      struct hull_vhost_msg *ret_reply, struct hull_error **err)
{
	int r;

	ret_reply->request = m->request;
	ret_reply->flags = FLAG_VERSION | FLAG_REPLY;
	ret_reply->size = 0;
	r = dispatch(v, m, fds, n_fds, ret_reply, err);
	/* One that has no answer of its own is acknowledged, if that was asked for. */
	if (r == 0 && v->protocol & BIT(PROTOCOL_REPLY_ACK) && m->flags & FLAG_NEED_REPLY)
		r = answer_u64(ret_reply, 0);
	return r;
}
