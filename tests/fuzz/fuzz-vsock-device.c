/* SPDX-License-Identifier: Apache-2.0
 *
 * The socket device between a guest that sends any packet and a host that does anything it may, in
 * any order.  No more goes to the guest than it gave credit for, nothing is kept beyond the bounds,
 * a closed end is never heard of again, and a guest that goes on taking packets gets to see the
 * last.
 *
 * Input: steps, each a byte that says what, and what that needs.
 */
#include "../unit/vsockends.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

struct vf {
	struct ve e;
	const uint8_t *p;
	size_t len;
};

static uint32_t take_number(struct vf *f, size_t n)
{
	uint32_t x = 0;

	for (; n && f->len; n--, f->len--)
		x = x << 8 | *f->p++;
	return x;
}

/* A packet whose ports are few, so that connections are met again. */
static void guest_packet(struct vf *f, bool any)
{
	static char bytes[70000];
	uint32_t b = take_number(f, 1), c = take_number(f, 1), len = take_number(f, 2);
	struct virtio_vsock_hdr h =
		ve_header(b & 15, 1000 + (c & 3),
			  c & 4 ? HULL_VSOCK_FIRST_PORT + (c >> 4) : 7 + (c >> 6), len, b >> 4 & 3);
	struct iovec iov[2] = {{bytes, len / 3}, {bytes + len / 3, len - len / 3}};

	h.buf_alloc = htole32(b & 64 ? take_number(f, 3) : 5000);
	h.fwd_cnt = htole32(b & 128 ? take_number(f, 3) : 0);
	if (c & 4)
		h.src_port = htole32(c >> 4);
	if (any && f->len >= sizeof(h)) {
		memcpy(&h, f->p, sizeof(h));
		f->p += sizeof(h);
		f->len -= sizeof(h);
	}
	if (hull_vsock_may_take(f->e.v))
		hull_vsock_take(f->e.v, &h, iov, 2);
}

static struct ve_end *pick(struct vf *f)
{
	size_t i = take_number(f, 1);

	return f->e.n_ends ? &f->e.ends[i % f->e.n_ends] : NULL;
}

static void host_event(struct vf *f)
{
	struct ve_end *end = pick(f);
	uint32_t what = take_number(f, 1);
	struct hull_vsock_conn *c = end ? end->c : NULL;

	if (!c)
		return;
	if (end->dialling || (what & 7) == 0) {
		bool ok = what & 8 && end->dialling;

		end->dialling = false;
		end->open = ok;
		if (!ok)
			end->c = NULL;
		if (ok)
			hull_vsock_dialled(f->e.v, c, true);
		else
			hull_vsock_reset(f->e.v, c);
		return;
	}
	switch (what & 7) {
	case 1:
		hull_vsock_readable(f->e.v, c, what & 8);
		break;
	case 2:
		end->takes = what & 8 ? SIZE_MAX : (what >> 4) * 1000;
		hull_vsock_writable(f->e.v, c);
		break;
	case 3:
		hull_vsock_eof(f->e.v, c);
		break;
	case 4:
		end->c = NULL;
		hull_vsock_gone(f->e.v, c);
		break;
	case 5:
		end->deaf = true;
		hull_vsock_writable(f->e.v, c);
		break;
	default:
		end->takes = 0;
	}
}

static void host_dials(struct vf *f)
{
	struct ve_end *end;

	if (f->e.n_ends == VE_CONNS)
		return;
	end = ve_new_end(&f->e);
	if (hull_vsock_dial(f->e.v, take_number(f, 1), end, &end->c) < 0)
		end->c = NULL;
}

/* One packet for the guest. */
static void give(struct vf *f, uint32_t how)
{
	struct hull_vsock_out out;
	struct virtio_vsock_hdr h;

	if (!hull_vsock_next(f->e.v, &out))
		return;
	if (!out.c) {
		assert(le64toh(out.header.dst_cid) == VE_CID && !out.header.len);
		return;
	}
	assert(out.room && out.room <= HULL_VSOCK_TURN && ve_end_of(out.c));
	if (how & 1) {
		hull_vsock_readable(f->e.v, out.c, false);
		return;
	}
	hull_vsock_send(f->e.v, out.c, (uint32_t)out.room, &h);
	assert(le32toh(h.len) == out.room);
}

static void step(struct vf *f)
{
	uint32_t what = take_number(f, 1);

	switch (what & 7) {
	case 0:
	case 1:
		guest_packet(f, false);
		break;
	case 2:
		guest_packet(f, true);
		break;
	case 3:
		host_dials(f);
		break;
	case 4:
	case 5:
		host_event(f);
		break;
	case 6:
		give(f, what >> 3);
		break;
	default:
		if (what >> 3 == 31)
			hull_vsock_forget(f->e.v);
		else if (what >> 3 == 30)
			hull_vsock_expire(f->e.v);
	}
	assert(hull_vsock_count(f->e.v) <= HULL_VSOCK_CONNS_MAX);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	struct vf *f = calloc(1, sizeof(*f));
	size_t n = 0;

	assert(f);
	f->p = data;
	f->len = len;
	ve_init(&f->e);
	f->e.quiet = true;
	while (f->len)
		step(f);
	/* What is owed comes to an end when nothing new is said. */
	for (; hull_vsock_has_next(f->e.v); n++) {
		assert(n < 10 * HULL_VSOCK_CONNS_MAX);
		give(f, 1);
	}
	/* Nor does anybody wait for a guest for ever. */
	hull_vsock_expire(f->e.v);
	hull_vsock_expire(f->e.v);
	assert(!hull_vsock_is_leaving(f->e.v));
	ve_fini(&f->e);
	for (size_t i = 0; i < f->e.n_ends; i++)
		assert(!f->e.ends[i].c);
	free(f);
	return 0;
}
